//! Owns the bytes rows are read from: a file or the standard input, how far it
//! was read, and the bound on what one row may take up.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::rc::Rc;

use indicatif::ProgressBar;

use crate::error::Failure;
use crate::progress;

/// Bytes that may be read in search of the end of one row. A row that fits into
/// a record, however it is escaped, is shorter.
const ROW_MAX: u64 = 128 << 20;

/// A file, or the standard input, that is read to its end once.
pub struct Source {
    input: Box<dyn Read>,
    bar: ProgressBar,
    row: RowBound,
}

/// Tells a [`Source`] where rows begin.
#[derive(Clone, Debug, Default)]
pub struct RowBound(Rc<Cell<u64>>);

impl RowBound {
    /// A row ended: the next one may again take up the whole bound.
    pub fn next_row(&self) {
        self.0.set(0);
    }
}

impl Source {
    /// Opens `path`; `-` is the standard input.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            // Beside what somebody types, a bar would only be in the way.
            let bar = match io::stdin().is_terminal() {
                true => ProgressBar::hidden(),
                false => progress::bytes(None),
            };
            return Ok(Self::over(io::stdin(), bar));
        }
        let file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
        let about = file
            .metadata()
            .map_err(|error| Failure::io("read", path, &error))?;
        if about.is_dir() {
            let is_dir = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(Failure::io("read", path, &is_dir));
        }
        Ok(Self::over(file, progress::bytes(Some(about.len()))))
    }

    /// Reads from `input` and shows the progress on `bar`.
    pub fn over(input: impl Read + 'static, bar: ProgressBar) -> Self {
        Self {
            input: Box::new(input),
            bar,
            row: RowBound::default(),
        }
    }

    /// The handle by which a reader of rows says that a row ended.
    pub fn bound(&self) -> RowBound {
        self.row.clone()
    }
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.row.0.get() > ROW_MAX {
            let what = format!(
                "a row is longer than {} MiB; is a quote or a line end missing?",
                ROW_MAX >> 20
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let count = self.input.read(buf)?;
        self.row.0.set(self.row.0.get() + count as u64);
        self.bar.inc(count as u64);
        Ok(count)
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_an_end_is_refused() {
        let mut source = Source::over(io::repeat(b'x'), ProgressBar::hidden());
        let bound = source.bound();
        let mut buf = vec![0; 1 << 20];
        for _ in 0..128 {
            source.read_exact(&mut buf).unwrap();
        }
        bound.next_row();
        for _ in 0..129 {
            source.read_exact(&mut buf).unwrap();
        }
        let error = source.read_exact(&mut buf).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("128 MiB"), "{error}");
    }
}
