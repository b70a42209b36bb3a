//! Owns how the streams of the standard library are written exports to and read imports
//! from.

use std::io::{Read, Write};

use tidelog_core::{ExportSink, ImportSource};

use crate::StreamError;

/// A writer of the standard library, to export to. Blocks whoever polls it.
#[derive(Debug)]
pub struct ToWriter<W>(pub W);

impl<W: Write> ExportSink for ToWriter<W> {
    type Error = StreamError;

    async fn write(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        Ok(self.0.write_all(bytes)?)
    }
}

/// A reader of the standard library, to import from. Blocks whoever polls it.
#[derive(Debug)]
pub struct FromReader<R>(pub R);

impl<R: Read> ImportSource for FromReader<R> {
    type Error = StreamError;

    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, StreamError> {
        loop {
            match self.0.read(buf) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => return Ok(read?),
            }
        }
    }
}
