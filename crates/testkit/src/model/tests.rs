//! The model tells every broken promise from a kept one.

use std::rc::Rc;

use tidelog_core::Durability::{self, Buffered, Stored, Synced};

use super::{BatchId, Fate, History, Seen};
use crate::generate::{GeneratedBatch, Generator, Sizes};
use crate::sim::Cut;

/// A history of batches of two records, sent and acknowledged in order.
fn history(levels: &[Option<Durability>]) -> (History, Vec<(BatchId, Rc<GeneratedBatch>)>) {
    let mut generator = Generator::new(1, Sizes::default());
    let mut history = History::default();
    let mut batches = Vec::new();
    for (at, level) in (0..).zip(levels) {
        let mut records = generator.large(8).records().to_vec();
        records.extend(generator.large(9).records().to_vec());
        let batch = Rc::new(GeneratedBatch::new(records));
        let id = history.send(Rc::clone(&batch), None, 1);
        if let Some(level) = level {
            history.ack(id, at * 2, *level).unwrap();
        }
        batches.push((id, batch));
    }
    (history, batches)
}

fn seen(batches: &[(BatchId, Rc<GeneratedBatch>)]) -> Vec<Seen> {
    let digests = batches.iter().flat_map(|(_, batch)| batch.digests());
    (0..)
        .zip(digests)
        .map(|(offset, digest)| Seen {
            offset,
            digest: *digest,
        })
        .collect()
}

fn broken(history: &History, seen: &[Seen], level: Durability) -> String {
    history.check(seen, level).expect_err("a broken promise")
}

#[test]
fn each_level_has_its_own_floor() {
    let (history, batches) = history(&[Some(Synced), Some(Stored), Some(Buffered), None]);
    for count in 0..=4 {
        let seen = seen(&batches[..count]);
        assert_eq!(history.check(&seen, Synced).is_ok(), count >= 1);
        assert_eq!(history.check(&seen, Stored).is_ok(), count >= 2);
        assert_eq!(history.check(&seen, Buffered).is_ok(), count >= 3);
    }
}

#[test]
fn a_sync_lifts_everything_below_it() {
    let (mut history, batches) = history(&[Some(Buffered), Some(Buffered), Some(Buffered)]);
    history.reached(4, Synced);
    assert!(broken(&history, &seen(&batches[..1]), Synced).contains("(a)"));
    assert_eq!(history.check(&seen(&batches[..2]), Synced), Ok(()));
}

#[test]
fn only_whole_batches_in_order_will_do() {
    let (history, batches) = history(&[Some(Stored), Some(Stored), Some(Stored)]);
    let all = seen(&batches);
    assert!(broken(&history, &all[..3], Synced).contains("in part"));
    let swapped = seen(&[batches[0].clone(), batches[2].clone(), batches[1].clone()]);
    assert!(broken(&history, &swapped, Synced).contains("(d)"));
    let twice = seen(&[batches[0].clone(), batches[0].clone()]);
    assert!(broken(&history, &twice, Synced).contains("(c)"));
    let mut invented = all[..2].to_vec();
    invented[1].digest ^= 1;
    assert!(broken(&history, &invented, Synced).contains("(b)"));
}

#[test]
fn a_batch_stays_at_its_offset() {
    let (history, batches) = history(&[Some(Buffered), Some(Synced)]);
    assert!(history.check(&seen(&batches[1..]), Synced).is_err());
    let shifted: Vec<Seen> = seen(&batches)
        .into_iter()
        .map(|record| Seen {
            offset: record.offset + 1,
            ..record
        })
        .collect();
    assert!(history.check(&shifted, Synced).is_err());
}

#[test]
fn what_a_crash_took_never_comes_back() {
    let (mut history, batches) = history(&[Some(Synced), Some(Stored)]);
    history.reopen(&seen(&batches[..1]), Cut::Power).unwrap();
    assert_eq!(history.fate(batches[1].0), Some(Fate::Lost));
    assert!(broken(&history, &seen(&batches), Synced).contains("came back"));
}

#[test]
fn what_was_seen_after_a_crash_is_kept_by_the_next() {
    let (mut history, batches) = history(&[Some(Stored), None]);
    let all = seen(&batches);
    history.reopen(&all, Cut::Kill).unwrap();
    assert!(broken(&history, &all[..2], Stored).contains("(a)"));
    assert_eq!(history.check(&[], Synced), Ok(()));
    history.reopen(&all, Cut::Power).unwrap();
    assert!(broken(&history, &all[..2], Synced).contains("(a)"));
}

#[test]
fn refused_batches_leave_no_trace_but_their_offsets() {
    let (mut history, mut batches) = history(&[Some(Stored), None]);
    history.end(batches[1].0, Fate::Refused);
    let next = Rc::clone(&batches[0].1);
    let id = history.send(next, None, 1);
    history.ack(id, 4, Stored).unwrap();
    let first = batches[0].clone();
    let mut found = seen(&[first.clone(), (id, first.1)]);
    found[2].offset = 4;
    found[3].offset = 5;
    assert_eq!(history.check(&found, Buffered), Ok(()));
    batches.truncate(2);
    assert!(broken(&history, &seen(&batches), Buffered).contains("came back"));
}

#[test]
fn a_batch_sent_again_after_it_was_lost_is_new() {
    let (mut history, batches) = history(&[Some(Synced), Some(Stored)]);
    history.reopen(&seen(&batches[..1]), Cut::Power).unwrap();
    history.resend(batches[1].0, 1);
    assert_eq!(history.check(&seen(&batches), Synced), Ok(()));
    history.ack(batches[1].0, 2, Synced).unwrap();
    assert!(broken(&history, &seen(&batches[..1]), Synced).contains("(a)"));
}
