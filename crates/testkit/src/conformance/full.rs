//! Checks of a store without room.

use tidelog_core::limits::MANIFEST_RESERVE;
use tidelog_core::{BlobId, BlobKind, BlockStore, ErrorKind, StoreError};

use super::probe::{LOG, Probe, pattern, segment, told};
use super::{Outcome, Subject, Verdict};

const NO_LIMIT: Verdict = Verdict::Skipped("no store with limited room can be had");

/// Appends to segment 1 until the store refuses; returns where that was.
async fn fill<S: BlockStore>(store: &S) -> Result<u64, String> {
    let chunk = pattern(1, 4_096);
    let mut end = 0;
    while end <= 64 << 20 {
        match store.append(segment(1), end, chunk.clone().into()).await {
            Ok(()) => end += 4_096,
            Err(error) if error.kind() == ErrorKind::Full => return Ok(end),
            Err(error) => return Err(told("filling the store", &error)),
        }
    }
    Err("64 MiB did not fill the store".into())
}

pub(super) async fn what_does_not_fit_is_full<T: Subject>(subject: &T) -> Outcome {
    let Some(store) = subject.limited().await else {
        return Ok(NO_LIMIT);
    };
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let end = fill(&store).await?;
    probe.settles_at(segment(1), end).await?;
    for position in (0..end).step_by(4_096) {
        probe
            .holds(segment(1), position, &pattern(1, 4_096))
            .await?;
    }
    probe.sync(&[segment(1)]).await?;
    probe.remove(segment(1)).await?;
    probe.append(segment(2), 0, &pattern(2, 100_000)).await?;
    probe.sync(&[segment(2)]).await?;
    probe.holds(segment(2), 0, &pattern(2, 100_000)).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn manifests_have_a_reserve<T: Subject>(subject: &T) -> Outcome {
    let Some(store) = subject.limited().await else {
        return Ok(NO_LIMIT);
    };
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let copies = [BlobKind::Manifest, BlobKind::ManifestCopy].map(|kind| BlobId {
        log: LOG,
        kind,
        number: 1,
    });
    let edit = pattern(3, 512);
    for copy in copies {
        probe.append(copy, 0, &edit).await?;
    }
    probe.sync(&copies).await?;
    fill(&store).await?;
    for round in 1..=MANIFEST_RESERVE / 1_024 {
        for copy in copies {
            probe.append(copy, round * 512, &edit).await?;
        }
        probe.sync(&copies).await?;
    }
    for copy in copies {
        probe.holds(copy, 512, &edit).await?;
    }
    Ok(Verdict::Passed)
}
