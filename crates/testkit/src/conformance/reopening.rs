//! Checks of a writer that follows an earlier one.

use tidelog_core::{BlockStore, ErrorKind};

use super::probe::{LOG, Probe, pattern, segment, told};
use super::{Outcome, Subject, Verdict};

/// A store whose segment 1 was written by an earlier writer, claimed anew.
async fn taken_over<T: Subject>(subject: &T, bytes: &[u8]) -> Result<T::Store, String> {
    let store = subject.fresh().await;
    let epoch = Probe(&store).claim(LOG).await?;
    Probe(&store).append(segment(1), 0, bytes).await?;
    Probe(&store).sync(&[segment(1)]).await?;
    store.release(LOG);
    let store = subject.reopen(store).await;
    let claimed = store.claim(LOG, epoch + 1).await;
    claimed.map_err(|error| told("claiming after reopening", &error))?;
    Ok(store)
}

pub(super) async fn appends_continue_at_the_stated_position<T: Subject>(subject: &T) -> Outcome {
    let bytes = pattern(1, 6_000);
    let store = taken_over(subject, &bytes[..5_000]).await?;
    let probe = Probe(&store);
    probe
        .refuses_append(segment(1), 1 << 40, ErrorKind::Conflict)
        .await?;
    probe
        .append(segment(1), 5_000, &bytes[5_000..5_500])
        .await?;
    probe
        .refuses_append(segment(1), 5_000, ErrorKind::Conflict)
        .await?;
    probe.append(segment(1), 5_500, &bytes[5_500..]).await?;
    probe.settles_at(segment(1), 6_000).await?;
    probe.sync(&[segment(1)]).await?;
    probe.holds(segment(1), 0, &bytes).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn existing_blobs_are_not_created_again<T: Subject>(subject: &T) -> Outcome {
    let bytes = pattern(2, 50);
    let store = taken_over(subject, &bytes).await?;
    let probe = Probe(&store);
    probe
        .refuses_append(segment(1), 0, ErrorKind::Conflict)
        .await?;
    probe.holds(segment(1), 0, &bytes).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn blobs_of_an_earlier_writer_can_be_synced<T: Subject>(subject: &T) -> Outcome {
    let bytes = pattern(3, 50);
    let store = taken_over(subject, &bytes).await?;
    let probe = Probe(&store);
    probe.sync(&[segment(1)]).await?;
    probe.remove(segment(1)).await?;
    probe
        .refuses_read(segment(1), 0, 1, ErrorKind::NotFound)
        .await?;
    Ok(Verdict::Passed)
}
