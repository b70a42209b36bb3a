//! Owns gathering records into batches of bounded size and appending them.

use std::fmt;
use std::io::{self, Write};
use std::ops::Range;

use serde::Serialize;
use tidelog::blocking::Log;
use tidelog::{AppendOptions, Durability, NewRecord, limits};

use crate::error::Failure;

/// Bytes after which a batch is appended even if it could hold more records.
const BATCH_BYTES: usize = 1 << 20;

/// Appends records to a log in batches.
pub struct Batches<'l> {
    log: &'l Log,
    options: AppendOptions,
    records_max: usize,
    acks: bool,
    /// The keys and values of the batch, end to end.
    bytes: Vec<u8>,
    spans: Vec<Span>,
    done: Done,
}

struct Span {
    time: Option<i64>,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
}

/// What was appended and acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Records.
    pub records: u64,
    /// The first one's offset; the log's next if there is none.
    pub first: u64,
    /// The offset that follows the last one.
    pub next: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.records {
            0 => f.write_str("no records appended"),
            1 => write!(f, "1 record appended, offset {}", self.first),
            records => write!(
                f,
                "{records} records appended, offsets {} to {}",
                self.first,
                self.next - 1
            ),
        }
    }
}

impl<'l> Batches<'l> {
    /// Appends to `log` in batches of up to `records_max` records. With `acks`,
    /// each acknowledgement becomes a line of the standard output at once.
    pub fn new(log: &'l Log, records_max: usize, level: Option<Durability>, acks: bool) -> Self {
        let next = log.bounds().next;
        Self {
            log,
            options: AppendOptions {
                durability: level,
                producer: None,
            },
            records_max: records_max.min(limits::BATCH_RECORDS_MAX),
            acks,
            bytes: Vec::new(),
            spans: Vec::new(),
            done: Done {
                first: next,
                next,
                ..Done::default()
            },
        }
    }

    /// Adds a record, and appends the batch if that completes it.
    ///
    /// # Errors
    /// The append's; nothing of the batch was kept then.
    pub fn push(
        &mut self,
        time: Option<i64>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Result<(), Failure> {
        let key = key.map(|key| self.keep(key));
        let value = value.map(|value| self.keep(value));
        self.spans.push(Span { time, key, value });
        if self.spans.len() >= self.records_max || self.bytes.len() >= BATCH_BYTES {
            self.append()?;
        }
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// Appends what is gathered so far.
    ///
    /// # Errors
    /// The append's; nothing of the batch was kept then.
    pub fn append(&mut self) -> Result<(), Failure> {
        if self.spans.is_empty() {
            return Ok(());
        }
        let part = |range: &Option<Range<usize>>| range.clone().map(|range| &self.bytes[range]);
        let records: Vec<NewRecord<'_>> = self
            .spans
            .iter()
            .map(|span| NewRecord {
                time: span.time,
                key: part(&span.key),
                value: part(&span.value),
                headers: &[],
            })
            .collect();
        let appended = self.log.append(&records, self.options);
        let (count, bytes) = (self.spans.len() as u64, self.bytes.len() as u64);
        // A batch that was refused is not tried again.
        self.spans.clear();
        self.bytes.clear();
        let appended = appended?;
        if self.done.records == 0 {
            self.done.first = appended.first;
        }
        self.done.next = appended.next;
        self.done.records += count;
        self.done.bytes += bytes;
        if self.acks {
            let mut out = io::stdout().lock();
            writeln!(
                out,
                "{{\"first\":{},\"next\":{}}}",
                appended.first, appended.next
            )
            .and_then(|()| out.flush())
            .map_err(|error| Failure::output(&error))?;
        }
        Ok(())
    }

    /// What was acknowledged so far.
    pub fn done(&self) -> Done {
        self.done
    }
}

/// Says what is wrong with a record of this size, if anything.
pub fn too_large(key: Option<&[u8]>, value: Option<&[u8]>) -> Option<String> {
    let bytes = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
    (bytes > limits::RECORD_MAX).then(|| {
        format!(
            "a record of {bytes} bytes; key and value hold at most {} bytes together, \
             so split it or keep the data elsewhere and append a reference",
            limits::RECORD_MAX
        )
    })
}
