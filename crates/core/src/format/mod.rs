//! Every byte position tidelog knows, and nothing else: encoders and decoders,
//! pure functions over slices. No module outside this one may read or place a
//! field by its position, and nothing here is async or touches a store.
//!
//! `docs/FORMAT.md` is normative; it records a hash of these files, so that a
//! change here without one there is refused.
//!
//! # Invariants
//!
//! - A decoder returns an error for every input, never panics, and allocates
//!   nothing it has not bounded by the bytes present.
//! - A checksum is seeded with where the bytes belong, so that bytes of another
//!   place never verify.

mod body;
mod catalog;
mod checksum;
mod compress;
mod edit;
mod fault;
mod filter;
mod footer;
mod frame;
mod hash;
mod header;
mod index;
mod keys;
mod mask;
mod producers;
mod section;
mod wire;

pub(crate) use body::{BodyWriter, RECORD_MIN, RecordShape, Shape, next_header};
pub(crate) use catalog::{CatalogEntry, LogState};
pub(crate) use checksum::{ContentHash, Seed};
pub use compress::Compression;
pub(crate) use compress::{RATIO_MAX, compress, decompress};
pub(crate) use edit::{Edit, FooterPlace, MaskMeta, MaskPlace, SegmentMeta, SnapshotFacts, Trim};
pub use fault::Fault;
pub(crate) use filter::Filter;
pub(crate) use footer::{Footer, take_times};
pub(crate) use frame::{ALIGN, Attributes, FRAME_HEADER, FRAME_HEADER_MAX, FrameHeader, FrameKind};
pub(crate) use frame::{padded, seal_frame};
pub(crate) use hash::KeyHasher;
pub(crate) use header::{BLOB_HEADER, BlobHeader, ExportHeader, header_checksums};
pub(crate) use index::IndexEntry;
pub(crate) use keys::{KeyBlock, KeyItem};
pub(crate) use mask::Mask;
pub(crate) use producers::{ProducerBatch, ProducerState};
pub(crate) use section::{FooterRoot, FooterSpot, Section, SectionPlace};
