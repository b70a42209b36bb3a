//! Owns what a caller may choose when a directory is opened.

/// How the writer of a log keeps others out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locks {
    /// File locks where the system has them, [`Locks::EpochFiles`] elsewhere.
    #[default]
    Auto,
    /// A file for each epoch taken: the newest writer wins, an older one notices
    /// with its next append or sync. For file systems whose locks cannot be
    /// trusted. All writers of a directory must choose alike.
    EpochFiles,
}

/// How a directory is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// Whether nothing is ever written, not even a lock file, so that read-only
    /// storage will do. The default is to write.
    pub read_only: bool,
    /// Whether a directory that is missing, or empty, becomes a new one; never
    /// when it is opened to read only. The default is not to.
    pub create_if_missing: bool,
    /// How writers keep each other out.
    pub locks: Locks,
    /// Files kept open for reading, and as many again for writing; at least 1 of
    /// each. One more is open for each log claimed. The default is 128.
    pub open_files: usize,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self {
            read_only: false,
            create_if_missing: false,
            locks: Locks::default(),
            open_files: 128,
        }
    }
}
