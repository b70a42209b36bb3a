//! The oracle passes a toy engine that keeps its promises, and catches each one
//! that does not.

use super::toy::{DEFECT, Defect, Toy};
use super::{Explorer, Keys, Tally};
use crate::scripts;
use crate::sim::Notes;

fn explore(defect: Defect) -> Tally {
    DEFECT.set(defect);
    let mut tally = Tally::default();
    let keys = Keys::default();
    for script in scripts::all::<Toy>() {
        if ["append", "reopen", "killed"].contains(&script.name) {
            for seed in 0..3 {
                tally.add(Explorer::new(&script, seed, &keys, true).explore(1_000));
            }
        }
    }
    tally
}

#[test]
fn an_engine_that_keeps_its_promises_passes() {
    let tally = explore(Defect::None);
    assert_eq!(tally.failures, []);
    assert!(tally.distinct > 1_000, "only {} states", tally.distinct);
}

#[test]
fn an_acknowledgement_before_the_sync_is_caught() {
    let tally = explore(Defect::AcksBeforeSync);
    assert!(
        tally
            .failures
            .iter()
            .any(|broken| broken.sentence.contains("(a)"))
    );
    assert_repeats(&tally);
}

#[test]
fn an_ignored_checksum_is_caught() {
    let tally = explore(Defect::IgnoresChecksums);
    assert!(
        tally
            .failures
            .iter()
            .any(|broken| broken.sentence.contains("(b)"))
    );
    assert_repeats(&tally);
}

/// A failure names a state that fails again, in the same way.
fn assert_repeats(tally: &Tally) {
    let (scripts, keys) = (scripts::all::<Toy>(), Keys::default());
    for broken in &tally.failures {
        let script = scripts.iter().find(|script| script.name == broken.script);
        let explorer = Explorer::new(script.unwrap(), broken.seed, &keys, true);
        let notes = Notes::default();
        let again = explorer.repeat(&broken.state.parse().unwrap(), &notes);
        assert_eq!(again, Err(broken.sentence.clone()), "{}", broken.command());
        assert!(notes.borrow().len() > 4);
    }
}
