//! Checks of appending and of names.

use tidelog_core::{BlobId, BlobKind, BlockStore, ErrorKind, LogId};

use super::probe::{LOG, Probe, pattern, segment};
use super::{Outcome, Subject, Verdict};

pub(super) async fn position_zero_creates<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let bytes = pattern(1, 77);
    probe.append(segment(3), 0, &bytes).await?;
    probe.holds(segment(3), 0, &bytes).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn appends_continue_where_the_last_ended<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let bytes = pattern(2, 20_000);
    let mut end = 0;
    for step in [1, 7, 4_088, 1, 4_095, 4_096, 5_000, 2_712] {
        probe
            .append(segment(1), end as u64, &bytes[end..end + step])
            .await?;
        end += step;
    }
    probe.holds(segment(1), 0, &bytes[..end]).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn another_position_is_a_conflict<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    probe
        .refuses_append(segment(2), 5, ErrorKind::Conflict)
        .await?;
    let bytes = pattern(3, 100);
    probe.append(segment(1), 0, &bytes[..50]).await?;
    for position in [1, 49, 51, 4_096, 1 << 40] {
        probe
            .refuses_append(segment(1), position, ErrorKind::Conflict)
            .await?;
    }
    // The refusals left no trace.
    probe.append(segment(1), 50, &bytes[50..]).await?;
    probe.holds(segment(1), 0, &bytes).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn creating_twice_is_a_conflict<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let bytes = pattern(4, 40);
    probe.append(segment(1), 0, &bytes).await?;
    probe
        .refuses_append(segment(1), 0, ErrorKind::Conflict)
        .await?;
    probe.holds(segment(1), 0, &bytes).await?;
    probe.append(segment(1), 40, b"more").await?;
    probe.holds(segment(1), 40, b"more").await?;
    Ok(Verdict::Passed)
}

pub(super) async fn every_name_is_its_own_blob<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    let mut blobs = Vec::new();
    for log in [LogId::CATALOG, LogId(1), LogId(10), LogId((1 << 53) - 1)] {
        probe.claim(log).await?;
        for kind in BlobKind::ALL {
            for number in [0, 1, 10, (1 << 53) - 1] {
                blobs.push(BlobId { log, kind, number });
            }
        }
    }
    for (seed, blob) in blobs.iter().enumerate() {
        probe.append(*blob, 0, &pattern(seed as u64, 40)).await?;
    }
    for (seed, blob) in blobs.iter().enumerate() {
        probe.holds(*blob, 0, &pattern(seed as u64, 40)).await?;
    }
    Ok(Verdict::Passed)
}

pub(super) async fn many_blobs_are_held<T: Subject>(subject: &T) -> Outcome {
    const BLOBS: u64 = 400;
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    for number in 0..BLOBS {
        probe
            .append(segment(number), 0, &pattern(number, 30))
            .await?;
    }
    for number in 0..BLOBS {
        probe
            .append(segment(number), 30, &number.to_le_bytes())
            .await?;
    }
    for number in 0..BLOBS {
        probe
            .holds(segment(number), 0, &pattern(number, 30))
            .await?;
        probe
            .holds(segment(number), 30, &number.to_le_bytes())
            .await?;
    }
    Ok(Verdict::Passed)
}

pub(super) async fn big_appends_are_kept_whole<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let longest = usize::try_from(store.geometry().longest_blob).unwrap_or(usize::MAX);
    let bytes = pattern(6, ((5 << 20) + 13).min(longest));
    let (head, rest) = bytes.split_at(11);
    probe.append(segment(1), 0, head).await?;
    probe.append(segment(1), 11, rest).await?;
    probe.holds(segment(1), 0, &bytes).await?;
    Ok(Verdict::Passed)
}
