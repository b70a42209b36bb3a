//! Owns which cells of the table of crashes were reached: operation x survivors x
//! tear, and each sort of fault, listing and damage around a write.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tidelog_core::BlobKind;

use crate::sim::{Effect, Fault, Survivors, Torn};

type Operation = (&'static str, Option<BlobKind>);

/// How many states there were in each cell; of faults, how many runs met
/// each.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    table: BTreeMap<Operation, BTreeMap<(Survivors, Option<Torn>), u64>>,
    /// What else was different, by the name of the dimension.
    others: BTreeMap<&'static str, BTreeMap<String, u64>>,
}

/// Operations at which every choice of survivors has to be met with every tear.
const TORN: [Operation; 3] = [
    ("append", Some(BlobKind::Manifest)),
    ("append", Some(BlobKind::ManifestCopy)),
    ("append", Some(BlobKind::Segment)),
];

/// Operations at which every choice of survivors has to be met.
const CHOSEN: [Operation; 4] = [
    ("sync", Some(BlobKind::Manifest)),
    ("sync", Some(BlobKind::Segment)),
    ("send", None),
    ("ack", None),
];

impl Coverage {
    pub(super) fn count(&mut self, operation: Operation, survivors: Survivors, torn: Option<Torn>) {
        let cells = self.table.entry(operation).or_default();
        *cells.entry((survivors, torn)).or_default() += 1;
    }

    pub(super) fn count_other(&mut self, dimension: &'static str, value: &str) {
        let values = self.others.entry(dimension).or_default();
        match values.get_mut(value) {
            Some(count) => *count += 1,
            None => {
                values.insert(value.to_string(), 1);
            }
        }
    }

    /// A run met this fault.
    pub(super) fn count_fault(&mut self, fault: &Fault) {
        let times = if fault.times == 1 { "once" } else { "for ever" };
        let effect = match fault.effect {
            Effect::ReadFlipped(_) => "ReadFlipped".to_string(),
            effect => format!("{effect:?}"),
        };
        let name = format!("{} {effect} {times}", fault.operation.as_str());
        self.count_other("faults", &name);
    }

    pub(super) fn add(&mut self, other: Self) {
        for (operation, cells) in other.table {
            let mine = self.table.entry(operation).or_default();
            for (cell, count) in cells {
                *mine.entry(cell).or_default() += count;
            }
        }
        for (dimension, values) in other.others {
            let mine = self.others.entry(dimension).or_default();
            for (value, count) in values {
                *mine.entry(value).or_default() += count;
            }
        }
    }

    /// The states by operation, and by survivors x tear.
    #[must_use]
    pub fn table(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let cells = |cells: &BTreeMap<(Survivors, Option<Torn>), u64>| {
            let named = cells.iter().map(|(cell, count)| (cell_name(*cell), *count));
            named.collect()
        };
        let rows = self.table.iter();
        rows.map(|(operation, row)| (operation_name(*operation), cells(row)))
            .collect()
    }

    /// The states by every other dimension.
    #[must_use]
    pub const fn others(&self) -> &BTreeMap<&'static str, BTreeMap<String, u64>> {
        &self.others
    }

    /// The cells that a run of any length has to reach, and that this one did not.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for operation in TORN.into_iter().chain(CHOSEN) {
            let row = self.table.get(&operation);
            for survivors in Survivors::ALL {
                let mut tears = vec![None];
                if TORN.contains(&operation) && survivors != Survivors::None {
                    tears.extend(Torn::all().map(Some));
                }
                for torn in tears {
                    let cell = (survivors, torn);
                    if !row.is_some_and(|row| row.contains_key(&cell)) {
                        let (operation, cell) = (operation_name(operation), cell_name(cell));
                        missing.push(format!("{operation}: {cell}"));
                    }
                }
            }
        }
        for (dimension, values) in REQUIRED {
            let found = self.others.get(dimension);
            let lacks = |value: &&&str| !found.is_some_and(|found| found.contains_key(**value));
            let values = values.iter().filter(lacks);
            missing.extend(values.map(|value| format!("{dimension}: {value}")));
        }
        missing
    }

    /// The same for people: a row for each operation and choice of survivors, a
    /// column for each tear.
    #[must_use]
    pub fn to_text(&self) -> String {
        let tears: Vec<Option<Torn>> = std::iter::once(None).chain(Torn::all().map(Some)).collect();
        let mut text = format!("{:24} {:12}", "operation", "survivors");
        for torn in &tears {
            // A String takes every write.
            let _ = write!(text, " {:>15}", tear_name(*torn));
        }
        text.push('\n');
        for (operation, row) in &self.table {
            for survivors in Survivors::ALL {
                if !row.keys().any(|(found, _)| *found == survivors) {
                    continue;
                }
                let name = operation_name(*operation);
                let _ = write!(text, "{name:24} {:12}", survivors.as_str());
                for torn in &tears {
                    let count = row.get(&(survivors, *torn)).copied().unwrap_or(0);
                    let _ = write!(text, " {count:>15}");
                }
                text.push('\n');
            }
        }
        for (dimension, values) in &self.others {
            let _ = writeln!(text, "{dimension}:");
            for (value, count) in values {
                let _ = writeln!(text, "    {value:44} {count:>12}");
            }
        }
        text
    }
}

/// Values of the other dimensions that have to be met.
const REQUIRED: [(&str, &[&str]); 5] = [
    ("cut", &["kill", "power"]),
    ("around a write", &["nothing", "zero", "garbage"]),
    (
        "listing",
        &[
            "Honest",
            "Backwards",
            "Doubled",
            "LastLost",
            "Ghosts",
            "Removed",
            "OnePage",
        ],
    ),
    ("depth", &["1", "2", "3"]),
    (
        "faults",
        &[
            "list Fails(Nothing) once",
            "list Fails(Nothing) for ever",
            "read Fails(Nothing) once",
            "read Fails(Nothing) for ever",
            "read ReadFlipped once",
            "read ReadFlipped for ever",
            "read ReadZero once",
            "read ReadZero for ever",
            "read ReadStale once",
            "read ReadStale for ever",
            "read ReadMisdirected once",
            "read ReadMisdirected for ever",
            "read ReadShort once",
            "read ReadShort for ever",
            "append Fails(Nothing) once",
            "append Fails(Nothing) for ever",
            "append Fails(Half) once",
            "append Fails(Half) for ever",
            "append Fails(Whole) once",
            "append Fails(Whole) for ever",
            "append Full(Nothing) once",
            "append Full(Nothing) for ever",
            "append Full(Half) once",
            "append Full(Half) for ever",
            "append Full(Whole) once",
            "append Full(Whole) for ever",
            "sync SyncFails(Kept) once",
            "sync SyncFails(Kept) for ever",
            "sync SyncFails(Dropped) once",
            "sync SyncFails(Dropped) for ever",
            "sync SyncFails(HalfKept) once",
            "sync SyncFails(HalfKept) for ever",
            "sync SyncLies once",
            "sync SyncLies for ever",
            "seal Fails(Nothing) once",
            "remove Fails(Nothing) once",
            "remove Fails(Whole) once",
        ],
    ),
];

fn operation_name((event, kind): Operation) -> String {
    match kind {
        Some(kind) => format!("{event} {}", kind.as_str()),
        None => event.to_string(),
    }
}

fn tear_name(torn: Option<Torn>) -> String {
    torn.map_or_else(|| "whole".to_string(), Torn::name)
}

fn cell_name((survivors, torn): (Survivors, Option<Torn>)) -> String {
    format!("{} x {}", survivors.as_str(), tear_name(torn))
}

#[cfg(test)]
mod tests {
    use tidelog_core::BlobKind;

    use super::Coverage;
    use crate::sim::Survivors;

    #[test]
    fn what_was_never_reached_is_missing() {
        let mut coverage = Coverage::default();
        let before = coverage.missing();
        assert!(before.contains(&"append segment: all x head+old".to_string()));
        assert!(before.contains(&"sync segment: mixed x whole".to_string()));
        assert!(before.contains(&"depth: 3".to_string()));
        coverage.count(("sync", Some(BlobKind::Segment)), Survivors::Mixed, None);
        coverage.count_other("depth", "3");
        assert_eq!(coverage.missing().len(), before.len() - 2);
        assert!(coverage.to_text().contains("mixed"));
    }
}
