//! Hostile stores stay within their memory: in each test every field of one part of the
//! format claims to be huge.

use std::sync::{Mutex, PoisonError};

use tidelog_core::Compression;
use tidelog_fuzz::bombs::{MEMORY_MAX, Part, detonate, overstate};

/// Memory is counted for the whole process, so that one part is tried at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn stays_small(part: Part, at_least: usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let blast = detonate(part);
    println!("{part:?}: {blast:?}");
    assert!(blast.stores >= at_least, "too few stores: {blast:?}");
    assert!(
        blast.memory <= MEMORY_MAX,
        "{part:?}: {blast:?}; {MEMORY_MAX} bytes are allowed"
    );
}

#[test]
fn blob_headers_that_lie() {
    stays_small(Part::BlobHeader, 100);
}

#[test]
fn frames_whose_lengths_and_counts_lie() {
    stays_small(Part::FrameHeader, 100);
}

#[test]
fn records_whose_lengths_lie() {
    stays_small(Part::Records, 100);
}

#[test]
fn packed_bodies_that_lie() {
    stays_small(Part::Packed, 100);
}

#[test]
fn packed_bodies_that_claim_a_whole_batch() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for codec in [Compression::Lz4, Compression::Deflate] {
        let most = overstate(codec);
        println!("{codec:?}: {most} bytes of memory");
        assert!(most <= MEMORY_MAX, "{codec:?} took {most} bytes of memory");
    }
}

#[test]
fn footers_whose_sections_lie() {
    stays_small(Part::Footer, 100);
}

#[test]
fn indexes_whose_sections_lie() {
    stays_small(Part::Index, 100);
}

#[test]
fn manifests_whose_edits_lie() {
    stays_small(Part::Manifest, 100);
}

#[test]
fn masks_whose_pages_lie() {
    stays_small(Part::Mask, 50);
}

#[test]
fn catalogs_whose_entries_lie() {
    stays_small(Part::Catalog, 50);
}
