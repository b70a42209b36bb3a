//! Checks of syncing and sealing.

use tidelog_core::{BlobId, BlobKind, BlockStore, LogId};

use super::probe::{LOG, Probe, pattern, segment};
use super::{Outcome, Subject, Verdict};

const OTHER: LogId = LogId(8);

pub(super) async fn a_set_is_synced<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    probe.claim(OTHER).await?;
    let mask = BlobId {
        kind: BlobKind::Mask,
        ..segment(1)
    };
    let set = [
        segment(1),
        mask,
        BlobId {
            log: OTHER,
            ..segment(1)
        },
    ];
    for blob in set {
        probe.append(blob, 0, b"abc").await?;
    }
    probe.sync(&set).await?;
    probe.append(mask, 3, b"def").await?;
    // Naming a blob twice, one without news, and none at all are all fine.
    probe.sync(&[mask, segment(1), mask]).await?;
    probe.sync(&[]).await?;
    probe.holds(mask, 0, b"abcdef").await?;
    Ok(Verdict::Passed)
}

pub(super) async fn synced_blobs_are_there_after_reopening<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let bytes = pattern(1, 9_000);
    probe.append(segment(1), 0, &bytes[..8_000]).await?;
    probe.sync(&[segment(1)]).await?;
    probe.append(segment(1), 8_000, &bytes[8_000..]).await?;
    probe.sync(&[segment(1)]).await?;
    store.release(LOG);
    let store = subject.reopen(store).await;
    Probe(&store).holds(segment(1), 0, &bytes).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn missing_blob_cannot_be_synced<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    probe.append(segment(1), 0, b"x").await?;
    if store.sync(&[segment(1), segment(2)]).await.is_ok() {
        return Err("syncing a blob that does not exist succeeded".into());
    }
    Ok(Verdict::Passed)
}

pub(super) async fn sealed_blobs_stay_readable<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let bytes = pattern(2, 70_000);
    probe.append(segment(1), 0, &bytes[..100]).await?;
    probe.append(segment(1), 100, &bytes[100..]).await?;
    // A failed hint is no failure of the blob.
    let _ = store.seal(segment(1)).await;
    probe.holds(segment(1), 0, &bytes).await?;
    probe.sync(&[segment(1)]).await?;
    let _ = store.seal(segment(1)).await;
    probe.holds(segment(1), 0, &bytes).await?;
    store.release(LOG);
    let store = subject.reopen(store).await;
    Probe(&store).holds(segment(1), 0, &bytes).await?;
    Ok(Verdict::Passed)
}
