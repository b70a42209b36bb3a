//! Owns changing the settings of a log that is open.

use super::error::{ConfigureError, OpenError, SyncError};
use super::handle::{Log, validate};
use super::writer::Writer;
use crate::format::Edit;
use crate::options::Options;
use crate::sharing::Sharing;
use crate::store::BlockStore;

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// Makes settings the log's own, with one edit; durable when this returns. What is
    /// `None` in `options` stays. Compression, segment size and age, retention and
    /// producer expiry can be changed; indexes by [`reindex`](Self::reindex).
    ///
    /// # Errors
    /// `invalid` for options out of their range and for those that cannot be changed
    /// so; `read-only`, `closed`, `poisoned`, `full`.
    pub async fn configure(&self, options: &Options) -> Result<(), ConfigureError<S::Error>> {
        if let Err(OpenError::Invalid(what)) = validate::<S::Error>(options) {
            return Err(ConfigureError::Invalid(what));
        }
        if options.durability.is_some() || options.align.is_some() {
            return Err(ConfigureError::Invalid(
                "durability and align are chosen when a log is opened",
            ));
        }
        if options.indexes.is_some() {
            return Err(ConfigureError::Invalid("reindex adds and drops indexes"));
        }
        let inner = self.inner();
        if inner.writer.is_none() {
            return Err(ConfigureError::Commit(SyncError::ReadOnly));
        }
        let _turn = inner.turn().await;
        let begin = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            let settings = options.settings(writer.settings);
            Ok((writer.ask([Edit::Settings(settings)]), ()))
        };
        let changed = inner.reach(begin).await;
        changed.map_err(|failure| ConfigureError::Commit(failure.into()))
    }
}
