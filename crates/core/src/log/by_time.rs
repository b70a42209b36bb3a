//! Owns reading by time: the first record at which index time reaches one.

use alloc::sync::Arc;

use super::block::Entry;
use super::drive::Inner;
use super::error::{LookupError, ReadError};
use super::handle::Log;
use super::index::{Times, load_times};
use super::read::{Source, one};
use super::reader::Reader;
use super::snapshot::{Extent, Part, Snapshot};
use crate::options::At;
use crate::sharing::Sharing;
use crate::store::BlockStore;

impl<S: BlockStore, P: Sharing> Source<'_, S, P> {
    /// The first record whose index time is `time` or later.
    async fn get_by_time(
        &self,
        snapshot: &Snapshot,
        time: i64,
    ) -> Result<Entry, LookupError<S::Error>> {
        if !snapshot.indexes.times {
            return Err(LookupError::NoIndex {
                wanted: "time",
                indexes: snapshot.indexes,
            });
        }
        let offset = self.reaching(snapshot, time).await?;
        let missing = LookupError::TimeNotFound(time);
        let Some(offset) = offset.filter(|offset| *offset < snapshot.visible) else {
            return Err(missing);
        };
        if let Some(entry) = self.get_cached(snapshot, offset) {
            return Ok(entry);
        }
        // Index time never falls, so what is left behind a removed record will do.
        let found = self.read(snapshot, At::Offset(offset), one()).await?;
        let slice = found.slices.into_iter().next().ok_or(missing)?;
        Ok(Entry {
            block: slice.block,
            index: slice.start,
        })
    }

    /// The offset at which index time reaches `time`, or at which damage begins that
    /// may hide it.
    async fn reaching(
        &self,
        snapshot: &Snapshot,
        time: i64,
    ) -> Result<Option<u64>, ReadError<S::Error>> {
        let ended = snapshot
            .ended
            .partition_point(|segment| segment.meta.clamp < time);
        for index in ended..snapshot.parts() {
            let Some(part) = snapshot.part(index) else {
                break;
            };
            let Some(extent) = part.extent() else {
                if let Part::Tail(tail) = part
                    && let (Some(offset), _) = self.tail_block(tail)?.block.reaching(time)
                {
                    return Ok(Some(offset));
                }
                continue;
            };
            // One without records may hold a mark that says how far index time got.
            let empty = part.next_offset() == part.base_offset();
            if empty || part.clamp().is_none_or(|clamp| clamp < time) {
                continue;
            }
            // It was reached between two segments: by what is lost at the end of one.
            if extent.meta.base_clamp >= time
                && let Some(before) = index.checked_sub(1).and_then(|index| snapshot.part(index))
                && before.clamp().is_some_and(|clamp| clamp < time)
                && before.next_offset() > before.base_offset()
            {
                let end = before.next_offset();
                let found = self.block(&before, end - 1, 0).await?;
                let lost = found.block.damage_below(end);
                if let Some(lost) = lost.filter(|lost| lost.next >= end) {
                    return Ok(Some(lost.first));
                }
            }
            return self.reaching_in(&part, &extent, time).await.map(Some);
        }
        Ok(None)
    }

    /// The same in one segment, in which it is known to be reached.
    async fn reaching_in(
        &self,
        part: &Part<'_>,
        extent: &Extent<'_>,
        time: i64,
    ) -> Result<u64, ReadError<S::Error>> {
        let times = self.times(extent).await?;
        let offsets = self.offsets(extent).await?;
        let place = offsets.place_of(extent, times.block(time));
        let Some(place) = place else {
            return Ok(extent.meta.base_offset);
        };
        let found = self.block(part, place.first, 0).await?;
        let (offset, from) = found.block.reaching(time);
        let offset = offset.unwrap_or(found.next);
        let lost = found.block.damage_from(from);
        let lost = lost.filter(|lost| lost.first < offset);
        Ok(lost.map_or(offset, |lost| lost.first))
    }

    /// The index times before the frames that the offset index of a segment names.
    async fn times<'e>(&self, extent: &Extent<'e>) -> Result<Times<'e>, ReadError<S::Error>> {
        if let Some(floors) = extent.index.and_then(|index| index.floors.as_ref()) {
            return Ok(Times::Growing(floors));
        }
        let segment = extent.meta.number;
        if let Some(times) = self.cache.get(segment, 0) {
            return Ok(Times::Loaded(times));
        }
        let loaded = load_times(self.store, self.log, extent.meta).await;
        let (offsets, times) = loaded?;
        let times = Arc::new(times);
        self.cache.put(segment, 0, &Arc::new(offsets));
        self.cache.put(segment, 0, &times);
        Ok(Times::Loaded(times))
    }
}

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    async fn time_entry(
        &self,
        mut snapshot: Arc<Snapshot>,
        time: i64,
    ) -> Result<Entry, LookupError<S::Error>> {
        if snapshot.closed {
            return Err(ReadError::Closed.into());
        }
        loop {
            let outcome = self.source().get_by_time(&snapshot, time).await;
            match self.newer_for(&snapshot, &outcome).await {
                Some(newer) => snapshot = newer,
                None => return outcome.map_err(|error| error.within(&snapshot)),
            }
        }
    }
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// The first record whose index time is `time` or later, in microseconds since
    /// 1970. The index time of a record is its own, or the highest of those before it
    /// if one is later.
    ///
    /// # Errors
    /// `no-index` if the log keeps no time index, `not-found` if its records end
    /// earlier, `corrupt` where the record may be among damaged ones, or the store's
    /// own.
    pub async fn get_by_time(&self, time: i64) -> Result<Entry, LookupError<S::Error>> {
        self.inner().time_entry(self.own(), time).await
    }

    /// The offset and the own time of the first record whose index time is `time` or
    /// later.
    ///
    /// # Errors
    /// As for [`get_by_time`](Self::get_by_time).
    pub async fn offset_by_time(&self, time: i64) -> Result<(u64, i64), LookupError<S::Error>> {
        let entry = self.get_by_time(time).await?;
        let record = entry.record();
        Ok((record.offset, record.time))
    }
}

impl<S: BlockStore, P: Sharing> Reader<S, P> {
    /// The first record whose index time is `time` or later, as [`Log::get_by_time`]
    /// finds it.
    ///
    /// # Errors
    /// As for [`Log::get_by_time`].
    pub async fn get_by_time(&self, time: i64) -> Result<Entry, LookupError<S::Error>> {
        self.inner().time_entry(self.picture(), time).await
    }

    /// The offset and the own time of the first record whose index time is `time` or
    /// later.
    ///
    /// # Errors
    /// As for [`Log::get_by_time`].
    pub async fn offset_by_time(&self, time: i64) -> Result<(u64, i64), LookupError<S::Error>> {
        let entry = self.get_by_time(time).await?;
        let record = entry.record();
        Ok((record.offset, record.time))
    }
}
