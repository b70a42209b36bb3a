//! Tests of the judge: what it passes, and what it must not.

use std::path::Path;

use super::{Sample, Subject, Verdict, explore, samples};

fn golden() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    samples(&folder).unwrap()
}

#[test]
fn every_five_hundredth_hit_is_reported_or_harmless() {
    let subjects = Subject::all(&golden()).unwrap();
    let tally = explore(&subjects, 0, 499);
    let failures = tally.failures.iter();
    let failures: Vec<_> = failures.map(|one| (one.command(), &one.sentence)).collect();
    assert!(failures.is_empty(), "{failures:?}");
    assert!(tally.verdicts(Verdict::Reported) > 500);
    assert!(tally.verdicts(Verdict::Harmless) > 50);
}

#[test]
fn the_judge_sees_what_differs_from_what_was_written() {
    let whole = golden();
    let judged = |change: &dyn Fn(&mut Sample)| {
        let mut samples = whole.clone();
        change(&mut samples[0]);
        Subject::all(&samples).map(|_| ()).unwrap_err()
    };
    let other = judged(&|sample| sample.expected.records[1].time += 1);
    assert!(
        other.contains("offset 1 reads as another record"),
        "{other}"
    );
    let more = judged(&|sample| {
        let mut record = sample.expected.records[0].clone();
        record.offset = sample.expected.next;
        sample.expected.next += 1;
        sample.expected.records.push(record);
    });
    assert!(more.contains("is lost, which no hit has touched"), "{more}");
}
