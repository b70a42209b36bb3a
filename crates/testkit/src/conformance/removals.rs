//! Checks of removing.

use tidelog_core::{BlockStore, ErrorKind, LogId};

use super::probe::{LOG, Probe, segment, told};
use super::{Outcome, Subject, Verdict};

pub(super) async fn removed_blobs_are_not_found<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    for number in [1, 2] {
        probe.append(segment(number), 0, b"bytes").await?;
        probe.sync(&[segment(number)]).await?;
        // A cached handle must not outlive the blob.
        probe.holds(segment(number), 0, b"bytes").await?;
    }
    probe.remove(segment(1)).await?;
    probe
        .refuses_read(segment(1), 0, 1, ErrorKind::NotFound)
        .await?;
    probe.holds(segment(2), 0, b"bytes").await?;
    Ok(Verdict::Passed)
}

pub(super) async fn removing_twice_is_no_error<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    probe.remove(segment(1)).await?;
    probe.append(segment(1), 0, b"bytes").await?;
    probe.remove(segment(1)).await?;
    probe.remove(segment(1)).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn removals_are_synced<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    for log in [LOG, LogId(8)] {
        probe.claim(log).await?;
        let synced = store.sync_removals(log).await;
        synced.map_err(|error| told("syncing no removals", &error))?;
    }
    probe.append(segment(1), 0, b"bytes").await?;
    probe.sync(&[segment(1)]).await?;
    probe.remove(segment(1)).await?;
    let synced = store.sync_removals(LOG).await;
    synced.map_err(|error| told("syncing a removal", &error))?;
    store.release(LOG);
    store.release(LogId(8));
    let store = subject.reopen(store).await;
    Probe(&store)
        .refuses_read(segment(1), 0, 1, ErrorKind::NotFound)
        .await?;
    Ok(Verdict::Passed)
}
