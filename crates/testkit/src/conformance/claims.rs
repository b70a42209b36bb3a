//! Checks of the writer claim.

use tidelog_core::{BlobId, BlockStore, ErrorKind, LogId, StoreError};

use super::probe::{LOG, Probe, refused, segment, told};
use super::{Outcome, Subject, Verdict};

const OTHER: LogId = LogId(8);

async fn claim_from<S: BlockStore>(store: &S, at_least: u64) -> Result<u64, String> {
    let claimed = store.claim(LOG, at_least).await;
    claimed.map_err(|error| told(&format!("claiming from epoch {at_least}"), &error))
}

pub(super) async fn epochs_are_free_and_not_below<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    // Nobody ever claimed this log, so that every epoch is free.
    let epoch = claim_from(&store, 5).await?;
    if epoch != 5 {
        return Err(format!("epoch {epoch} was given, though 5 was free"));
    }
    store.release(LOG);
    let next = claim_from(&store, 6).await?;
    if next != 6 {
        return Err(format!("epoch {next} was given, though 6 was free"));
    }
    Ok(Verdict::Passed)
}

pub(super) async fn a_second_claim_is_refused<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    claim_from(&store, 1).await?;
    refused(
        "a second claim",
        store.claim(LOG, 2).await,
        ErrorKind::Locked,
    )?;
    // The holder goes on undisturbed.
    Probe(&store).append(segment(1), 0, b"held").await?;
    Probe(&store).sync(&[segment(1)]).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn a_second_handle_is_refused_or_fences<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let Some(other) = subject.beside(&store).await else {
        return Ok(Verdict::Skipped("no second handle can be had"));
    };
    let probe = Probe(&store);
    let epoch = claim_from(&store, 1).await?;
    probe.append(segment(1), 0, b"first").await?;
    let newer = match other.claim(LOG, 1).await {
        Err(error) if error.kind() == ErrorKind::Locked => {
            probe.append(segment(1), 5, b"more").await?;
            probe.sync(&[segment(1)]).await?;
            return Ok(Verdict::Passed);
        }
        Err(error) => return Err(told("the second claim", &error)),
        Ok(newer) => newer,
    };
    if newer <= epoch {
        return Err(format!("both writers got an epoch: {epoch}, then {newer}"));
    }
    let bytes = b"late".to_vec().into();
    refused(
        "appending as the older writer",
        store.append(segment(1), 5, bytes).await,
        ErrorKind::Fenced,
    )?;
    refused(
        "syncing as the older writer",
        store.sync(&[segment(1)]).await,
        ErrorKind::Fenced,
    )?;
    refused(
        "removing as the older writer",
        store.remove(segment(1)).await,
        ErrorKind::Fenced,
    )?;
    Probe(&other).append(segment(2), 0, b"newer").await?;
    Probe(&other).sync(&[segment(2)]).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn released_logs_can_be_claimed<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let first = claim_from(&store, 1).await?;
    store.release(LOG);
    store.release(LOG);
    let second = claim_from(&store, first + 1).await?;
    store.release(LOG);
    let store = subject.reopen(store).await;
    claim_from(&store, second + 1).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn logs_are_claimed_one_by_one<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    probe.claim(OTHER).await?;
    store.release(OTHER);
    let step = "a second claim after another log was released";
    refused(step, store.claim(LOG, 2).await, ErrorKind::Locked)?;
    probe.claim(OTHER).await?;
    for log in [LOG, OTHER] {
        probe
            .append(BlobId { log, ..segment(1) }, 0, b"bytes")
            .await?;
    }
    Ok(Verdict::Passed)
}
