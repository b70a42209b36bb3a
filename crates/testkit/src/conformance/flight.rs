//! Checks of operations in flight, abandoned or not.

use std::pin::pin;
use std::task::Poll;

use tidelog_core::{BlockStore, Bytes, ErrorKind};

use super::probe::{LOG, Probe, pattern, refused, segment, start, told};
use super::{Outcome, Subject, Verdict};

pub(super) async fn operations_take_effect_in_call_order<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let bytes = pattern(1, 3_000);
    let part = |from: usize| Bytes::from(bytes[from..from + 1_000].to_vec());
    let mut first = pin!(store.append(segment(1), 0, part(0)));
    let mut second = pin!(store.append(segment(1), 1_000, part(1_000)));
    let mut third = pin!(store.append(segment(1), 2_000, part(2_000)));
    let first_now = start(first.as_mut()).await;
    let second_now = start(second.as_mut()).await;
    let third_now = start(third.as_mut()).await;
    // Awaited in the opposite order, so that a store driven only by its futures
    // cannot pass by accident.
    for (now, future) in [(third_now, third), (second_now, second), (first_now, first)] {
        let outcome = match now {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => future.await,
        };
        outcome.map_err(|error| told("one of three appends in flight", &error))?;
    }
    probe.holds(segment(1), 0, &bytes).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn dropped_appends_run_to_their_end<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let bytes = pattern(2, 5_000);
    let mut end = 0;
    for step in [2_000, 3_000] {
        let part = Bytes::from(bytes[end..end + step].to_vec());
        if let Poll::Ready(Err(error)) =
            start(pin!(store.append(segment(1), end as u64, part))).await
        {
            return Err(told("an append", &error));
        }
        end += step;
        probe.settles_at(segment(1), end as u64).await?;
    }
    probe.holds(segment(1), 0, &bytes).await?;
    let _ = start(pin!(store.sync(&[segment(1)]))).await;
    probe.settles_at(segment(1), 5_000).await?;
    probe.append(segment(1), 5_000, b"end").await?;
    Ok(Verdict::Passed)
}

pub(super) async fn dropped_removals_run_to_their_end<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    probe.append(segment(1), 0, b"bytes").await?;
    let _ = start(pin!(store.remove(segment(1)))).await;
    let settled = store.settle(segment(1)).await;
    settled.map_err(|error| told("settling a removal", &error))?;
    probe
        .refuses_read(segment(1), 0, 1, ErrorKind::NotFound)
        .await?;
    Ok(Verdict::Passed)
}

pub(super) async fn settle_tells_where_to_continue<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    probe.append(segment(1), 0, &pattern(3, 123)).await?;
    probe.settles_at(segment(1), 123).await?;
    probe.append(segment(1), 123, &pattern(4, 10)).await?;
    probe.settles_at(segment(1), 133).await?;
    probe.settles_at(segment(1), 133).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn settle_tells_an_abandoned_outcome_once<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    probe.append(segment(1), 0, &pattern(5, 10)).await?;
    let wrong = Bytes::from(vec![0; 4]);
    // In a statement of its own, so that the future is dropped before the settling.
    let now = start(pin!(store.append(segment(1), 99, wrong))).await;
    match now {
        Poll::Ready(outcome) => {
            refused("a misplaced append", outcome, ErrorKind::Conflict)?;
        }
        Poll::Pending => {
            let settled = store.settle(segment(1)).await;
            refused("settling it", settled, ErrorKind::Conflict)?;
        }
    }
    probe.settles_at(segment(1), 10).await?;
    Ok(Verdict::Passed)
}
