//! Owns what the surfaces over the engine and over the facade do alike: they differ in
//! whether a verb returns a future or its result.

/// Implements these operations of a surface that has a `process`; `$run!` makes the
/// result of what a verb of its logs returns. The rest is written out by each.
macro_rules! verbs {
    ($run:ident) => {
        fn begin(&mut self) -> Result<(), String> {
            self.process.begin()
        }

        fn set_clock(&mut self, time: i64) {
            self.process.set_clock(time);
        }

        fn close(&mut self, handle: &str) -> Outcome<Done> {
            let log = self.process.log(handle)?;
            let closed = $run!(log.close()).map_err(refused);
            // A log that is full stays open, a poisoned one is given up.
            let ended = $run!(log.check()).is_err_and(|error| error.kind() == ErrorKind::Closed);
            if ended {
                self.process.closed(handle);
            }
            closed.map(|()| Done {})
        }

        fn kill(&mut self, _handle: &str) -> Outcome<Done> {
            self.process.end()?.restart();
            Ok(Done {})
        }

        fn power_cut(&mut self, _handle: &str, cut: &script::PowerCut) -> Outcome<Done> {
            self.process.end()?.power_cut(cut)?;
            Ok(Done {})
        }

        fn damage(&mut self, _handle: &str, damage: &script::Damage) -> Outcome<Done> {
            self.process.idle()?.damage(damage)?;
            Ok(Done {})
        }

        fn cut(&mut self, _handle: &str, cut: &script::Cut) -> Outcome<Done> {
            self.process.idle()?.cut(cut)?;
            Ok(Done {})
        }

        fn wipe(&mut self, _handle: &str) -> Outcome<Done> {
            self.process.idle()?.wipe()?;
            Ok(Done {})
        }

        fn fail(&mut self, _handle: &str, fail: &script::Fail) -> Outcome<Done> {
            self.process.machine()?.fail(fail)?;
            Ok(Done {})
        }

        fn append(&mut self, handle: &str, append: &script::Append) -> Outcome<answer::Appended> {
            let log = self.process.log(handle)?;
            let appended = translate::append(append, |records, options| {
                $run!(log.append(records, options))
            })?;
            appended.map(translate::appended).map_err(refused)
        }

        fn flush(&mut self, handle: &str) -> Outcome<answer::Reached> {
            let next = $run!(self.process.log(handle)?.flush()).map_err(refused)?;
            Ok(answer::Reached {
                next: Unsigned(next),
            })
        }

        fn sync(&mut self, handle: &str) -> Outcome<answer::Reached> {
            let next = $run!(self.process.log(handle)?.sync()).map_err(refused)?;
            Ok(answer::Reached {
                next: Unsigned(next),
            })
        }

        fn bounds(&mut self, handle: &str) -> Outcome<answer::Bounds> {
            Ok(translate::bounds(self.process.log(handle)?.bounds()))
        }

        fn stat(&mut self, handle: &str) -> Outcome<answer::Stat> {
            Ok(translate::stat(self.process.log(handle)?.stat()))
        }

        fn settings(&mut self, handle: &str) -> Outcome<answer::Settings> {
            Ok(translate::settings(self.process.log(handle)?.settings()))
        }

        fn read(&mut self, handle: &str, read: &script::Read) -> Outcome<answer::Batch> {
            let (at, limits) = (translate::at(read.at), translate::limits(&read.limits));
            let batch = $run!(self.process.log(handle)?.read(at, limits)).map_err(refused)?;
            Ok(translate::batch(&batch))
        }

        fn read_reverse(
            &mut self,
            handle: &str,
            read: &script::ReadReverse,
        ) -> Outcome<answer::Batch> {
            let (before, limits) = (translate::at(read.before), translate::limits(&read.limits));
            let batch =
                $run!(self.process.log(handle)?.read_reverse(before, limits)).map_err(refused)?;
            Ok(translate::batch(&batch))
        }

        fn get(&mut self, handle: &str, get: &script::Get) -> Outcome<answer::Record> {
            let entry =
                $run!(self.process.log(handle)?.get(translate::at(get.at))).map_err(refused)?;
            Ok(translate::record(entry.record()))
        }

        fn refresh(&mut self, handle: &str) -> Outcome<Done> {
            $run!(self.process.log(handle)?.refresh()).map_err(refused)?;
            Ok(Done {})
        }

        fn get_by_key(&mut self, handle: &str, key: &script::Key) -> Outcome<answer::Record> {
            let entry = $run!(self.process.log(handle)?.get_by_key(&key.key.0)).map_err(refused)?;
            Ok(translate::record(entry.record()))
        }

        fn offset_by_key(&mut self, handle: &str, key: &script::Key) -> Outcome<answer::Offset> {
            let offset =
                $run!(self.process.log(handle)?.offset_by_key(&key.key.0)).map_err(refused)?;
            Ok(answer::Offset {
                offset: Unsigned(offset),
            })
        }

        fn read_by_key(
            &mut self,
            handle: &str,
            read: &script::ReadByKey,
        ) -> Outcome<answer::Batch> {
            let (at, limits) = (translate::at(read.at), translate::limits(&read.limits));
            let log = self.process.log(handle)?;
            let batch = $run!(log.read_by_key(&read.key.0, at, limits)).map_err(refused)?;
            Ok(translate::batch(&batch))
        }

        fn get_by_time(&mut self, handle: &str, time: &script::Time) -> Outcome<answer::Record> {
            let entry =
                $run!(self.process.log(handle)?.get_by_time(time.time.0)).map_err(refused)?;
            Ok(translate::record(entry.record()))
        }

        fn offset_by_time(
            &mut self,
            handle: &str,
            time: &script::Time,
        ) -> Outcome<answer::TimedOffset> {
            let found =
                $run!(self.process.log(handle)?.offset_by_time(time.time.0)).map_err(refused)?;
            Ok(answer::TimedOffset {
                offset: Unsigned(found.0),
                time: Signed(found.1),
            })
        }

        fn pending(&mut self, _handle: &str, ticket: &script::Ticket) -> Outcome<Done> {
            match self.process.wait(ticket)?.is_pending() {
                true => Ok(Done {}),
                false => Err(Failure::Senseless("it has ended".to_owned())),
            }
        }

        fn settle(&mut self, _handle: &str, ticket: &script::Ticket) -> Outcome<answer::Batch> {
            let ended = self.process.take_wait(ticket)?.outcome();
            ended.unwrap_or_else(|| Err(Failure::Senseless("it goes on waiting".to_owned())))
        }

        fn cancel(&mut self, _handle: &str, ticket: &script::Ticket) -> Outcome<Done> {
            drop(self.process.take_wait(ticket)?);
            Ok(Done {})
        }

        fn delete(&mut self, handle: &str, delete: &script::Delete) -> Outcome<answer::Deleted> {
            let deleted = $run!(
                self.process
                    .log(handle)?
                    .delete(&translate::offsets(delete))
            );
            deleted.map(|it| translate::deleted(&it)).map_err(refused)
        }

        fn plan_delete(
            &mut self,
            handle: &str,
            delete: &script::Delete,
        ) -> Outcome<answer::Deleted> {
            let deleted = $run!(
                self.process
                    .log(handle)?
                    .plan_delete(&translate::offsets(delete))
            );
            deleted.map(|it| translate::deleted(&it)).map_err(refused)
        }

        fn trim(&mut self, handle: &str, trim: &script::Trim) -> Outcome<answer::Trimmed> {
            let trimmed = $run!(self.process.log(handle)?.trim(translate::trim(trim)));
            trimmed.map(translate::trimmed).map_err(refused)
        }

        fn plan_trim(&mut self, handle: &str, trim: &script::Trim) -> Outcome<answer::Trimmed> {
            let trimmed = $run!(self.process.log(handle)?.plan_trim(translate::trim(trim)));
            trimmed.map(translate::trimmed).map_err(refused)
        }

        fn clear(&mut self, handle: &str) -> Outcome<answer::Trimmed> {
            let trimmed = $run!(self.process.log(handle)?.clear());
            trimmed.map(translate::trimmed).map_err(refused)
        }

        fn compact(
            &mut self,
            handle: &str,
            compact: &script::Compact,
        ) -> Outcome<answer::Compacted> {
            let compacted = $run!(
                self.process
                    .log(handle)?
                    .compact(translate::compaction(compact))
            );
            compacted.map(translate::compacted).map_err(refused)
        }

        fn plan_compact(
            &mut self,
            handle: &str,
            compact: &script::Compact,
        ) -> Outcome<answer::PlannedCompaction> {
            let planned = $run!(
                self.process
                    .log(handle)?
                    .plan_compact(translate::compaction(compact))
            );
            let (offsets, compacted) = planned.map_err(refused)?;
            Ok(translate::planned(&offsets, compacted))
        }

        fn configure(&mut self, handle: &str, settings: &script::Settings) -> Outcome<Done> {
            let options = translate::chosen(settings);
            $run!(self.process.log(handle)?.configure(&options)).map_err(refused)?;
            Ok(Done {})
        }

        fn reindex(
            &mut self,
            handle: &str,
            indexes: script::Indexes,
        ) -> Outcome<answer::Maintained> {
            let done = $run!(
                self.process
                    .log(handle)?
                    .reindex(translate::indexes(indexes))
            );
            done.map(translate::maintained).map_err(refused)
        }

        fn gc(&mut self, handle: &str, gc: &script::Gc) -> Outcome<answer::Freed> {
            let bytes = self.process.log(handle)?.gc(translate::keep(gc)) as u64;
            Ok(answer::Freed {
                bytes: Unsigned(bytes),
            })
        }

        fn maintain(
            &mut self,
            handle: &str,
            maintain: &script::Maintain,
        ) -> Outcome<answer::Maintained> {
            let budget = maintain.budget.map_or(u64::MAX, |budget| budget.0);
            let done = $run!(self.process.log(handle)?.maintain(budget));
            done.map(translate::maintained).map_err(refused)
        }

        fn swap(&mut self, _handle: &str) -> Outcome<Done> {
            self.process.idle()?.swap()?;
            Ok(Done {})
        }

        fn check(&mut self, handle: &str) -> Outcome<answer::Report> {
            let report = $run!(self.process.log(handle)?.check()).map_err(refused)?;
            Ok(translate::report(&report))
        }
    };
}

pub(super) use verbs;
