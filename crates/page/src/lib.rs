//! Records as one columnar page: how they cross a boundary at which every call
//! costs, such as that between WebAssembly and its host.
//!
//! `docs/PAGE.md` is the normative description of the bytes. This crate owns the
//! codec, both ways. It knows no boundary: who hands a page over, and where to, is
//! not its business.
//!
//! ```
//! use tidelog_core::NewRecord;
//! use tidelog_page::{Page, PageWriter};
//!
//! # fn main() -> Result<(), tidelog_page::PageError> {
//! let mut writer = PageWriter::appending();
//! writer.push_new(&NewRecord::new(b"tea").key(b"order-1"))?;
//! let bytes = writer.finish(0)?;
//!
//! let page = Page::parse(&bytes)?;
//! let headers = page.headers();
//! let records = page.new_records(&headers);
//! assert_eq!(records[0].key, Some(&b"order-1"[..]));
//! # Ok(())
//! # }
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    clippy::alloc_instead_of_core,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::cast_possible_truncation
    )
)]

extern crate alloc;

mod error;
mod layout;
mod page;
mod writer;

#[cfg(test)]
mod tests;

pub use error::PageError;
pub use page::{Page, PageHeaders, PageRecord, PageRecords};
pub use writer::PageWriter;
