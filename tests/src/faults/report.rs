//! Owns the object about a sweep: a table of script x error x once or for ever.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tidelog_testkit::explore::{Broken, Cell, Swept};

use crate::Disks;
use crate::sweep::SIMULATED_ONLY;

/// What came of every script, by the disks it was played on.
pub type Table = BTreeMap<(Disks, &'static str), Swept>;

/// The command that plays the run of a failure again.
pub fn command(disks: Disks, broken: &Broken) -> String {
    let Broken {
        script,
        seed,
        state,
        ..
    } = broken;
    match disks {
        Disks::Simulated => broken.command(),
        Disks::Files => {
            format!("tidelog-faults --store files --seed {seed} --script {script} --state {state}")
        }
    }
}

/// One object.
pub fn object(table: &Table, seconds: f64) -> Value {
    let mut stores: BTreeMap<&'static str, Map<String, Value>> = BTreeMap::new();
    let mut failures = Vec::new();
    let (mut all, mut failed, mut lost_to_lies) = (Cell::default(), 0, 0);
    for ((disks, script), swept) in table {
        let mut errors: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for ((error, ever), cell) in &swept.cells {
            all += *cell;
            let times = if *ever { "for ever" } else { "once" };
            let counts = json!({
                "runs": cell.runs,
                "refused": cell.refused,
                "crashes": cell.crashes,
            });
            let row = errors.entry(error).or_default();
            row.insert(times.to_owned(), counts);
        }
        let row = json!({ "operations": swept.operations, "errors": errors });
        let scripts = stores.entry(disks.as_str()).or_default();
        scripts.insert((*script).to_owned(), row);
        failed += swept.tally.failed;
        lost_to_lies += swept.tally.lost_to_lies;
        failures.extend(swept.tally.failures.iter().map(|broken| {
            json!({
                "store": disks.as_str(),
                "script": script,
                "seed": broken.seed,
                "state": broken.state,
                "fault": broken.fault.map(|fault| format!("{fault:?}")),
                "broken": broken.sentence,
                "command": command(*disks, broken),
            })
        }));
    }
    json!({
        "stores": stores,
        "simulated_only": SIMULATED_ONLY,
        "runs": all.runs,
        "refused": all.refused,
        "crashes": all.crashes,
        "lost_to_lies": lost_to_lies,
        "failed": failed,
        "failures": failures,
        "seconds": seconds,
    })
}
