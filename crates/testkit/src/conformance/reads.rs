//! Checks of geometry, listing and reading.

use tidelog_core::{BlobId, BlockStore, ErrorKind, LogId, StoreError};

use super::probe::{LOG, Probe, pattern, segment, told};
use super::{Outcome, Subject, Verdict};

pub(super) async fn geometry_is_constant<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let before = store.geometry();
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    probe.append(segment(1), 0, &pattern(1, 100)).await?;
    probe.sync(&[segment(1)]).await?;
    if store.geometry() != before {
        return Err(format!("{before:?} became {:?}", store.geometry()));
    }
    if before.blast_radius != 0 && !before.blast_radius.is_power_of_two() {
        return Err(format!(
            "the blast radius {} is no power of two",
            before.blast_radius
        ));
    }
    Ok(Verdict::Passed)
}

pub(super) async fn unknown_log_is_an_empty_list<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    match store.list(LogId(99)).await {
        Ok(blobs) if blobs.is_empty() => Ok(Verdict::Passed),
        Ok(blobs) => Err(format!("{blobs:?} were listed")),
        Err(error) => Err(told("listing", &error)),
    }
}

pub(super) async fn listing_stays_in_its_log<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    for log in [LOG, LogId(8)] {
        probe.claim(log).await?;
        let blob = BlobId { log, ..segment(1) };
        probe.append(blob, 0, b"here").await?;
        probe.sync(&[blob]).await?;
    }
    let listed = store.list(LOG).await;
    let listed = listed.map_err(|error| told("listing", &error))?;
    match listed.iter().find(|blob| blob.log != LOG) {
        None => Ok(Verdict::Passed),
        Some(foreign) => Err(format!("listing log {LOG} gave {foreign}")),
    }
}

pub(super) async fn reads_are_exact<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let bytes = pattern(2, 10_000);
    probe.append(segment(1), 0, &bytes).await?;
    for (from, to) in [
        (0, 10_000),
        (0, 1),
        (1, 2),
        (4_095, 4_097),
        (9_999, 10_000),
        (17, 8_191),
    ] {
        probe
            .holds(segment(1), from as u64, &bytes[from..to])
            .await?;
    }
    Ok(Verdict::Passed)
}

pub(super) async fn zero_length_reads_succeed<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    probe.append(segment(1), 0, &pattern(3, 10)).await?;
    for position in [0, 5, 10] {
        probe.holds(segment(1), position, &[]).await?;
    }
    Ok(Verdict::Passed)
}

pub(super) async fn missing_blob_is_not_found<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    let kind = ErrorKind::NotFound;
    probe.refuses_read(segment(1), 0, 1, kind).await?;
    probe.claim(LOG).await?;
    probe.append(segment(1), 0, b"x").await?;
    probe.refuses_read(segment(2), 0, 1, kind).await?;
    probe.refuses_read(segment(2), 0, 0, kind).await?;
    Ok(Verdict::Passed)
}

pub(super) async fn reading_past_the_end_is_out_of_range<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let bytes = pattern(4, 100);
    probe.append(segment(1), 0, &bytes[..60]).await?;
    probe.append(segment(1), 60, &bytes[60..]).await?;
    let mut over = [0xEE; 50];
    match store.read(segment(1), 90, &mut over).await {
        Err(error) if error.kind() == ErrorKind::OutOfRange => {}
        Err(error) => return Err(told("reading across the end", &error)),
        // Preallocated bytes: zeros, and nothing else, may follow the end.
        Ok(()) if over[..10] == bytes[90..] && over[10..] == [0; 40] => {}
        Ok(()) => return Err("reading across the end gave bytes that were never appended".into()),
    }
    let far = 1 << 40;
    probe
        .refuses_read(segment(1), far, 1, ErrorKind::OutOfRange)
        .await?;
    Ok(Verdict::Passed)
}

pub(super) async fn available_can_be_read<T: Subject>(subject: &T) -> Outcome {
    let store = subject.fresh().await;
    let probe = Probe(&store);
    probe.claim(LOG).await?;
    let bytes = pattern(5, 300);
    probe.append(segment(1), 0, &bytes).await?;
    let error = probe
        .refuses_read(segment(1), 100, 32 << 20, ErrorKind::OutOfRange)
        .await?;
    let Some(available) = error.available() else {
        return Ok(Verdict::Skipped("this store gives no hint"));
    };
    if available < 200 {
        return Err(format!("{available} bytes were said to be there, not 200"));
    }
    let mut expected = bytes[100..].to_vec();
    expected.resize(usize::try_from(available).unwrap_or(usize::MAX), 0);
    probe.holds(segment(1), 100, &expected).await?;
    Ok(Verdict::Passed)
}
