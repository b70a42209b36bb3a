//! Owns the surfaces `rust` and `rust-fs`: the engine itself, over memory and over
//! files.

use std::sync::Arc;

use tidelog::{FromReader, ToWriter};
use tidelog_core::{ErrorKind, Host, Import, Log, LogId, Threads};

use super::disk::Disk;
use super::futures::{Polled, now};
use super::media::Medium;
use super::process::{Process, Wait};
use super::refusals::refused;
use super::translate;
use super::verbs::verbs;
use crate::answer::{self, Done};
use crate::number::{Signed, Unsigned};
use crate::script;
use crate::surface::{Failure, Outcome, Surface};

/// The only log of a vector.
const LOG: LogId = LogId(1);

type Handle<M> = Log<Arc<Disk<<M as Medium>::Store>>, Threads>;

/// The engine over a medium.
pub struct Engine<M: Medium> {
    process: Process<M, Handle<M>, Polled<answer::Batch>>,
}

impl<M: Medium> Default for Engine<M> {
    fn default() -> Self {
        Self {
            process: Process::default(),
        }
    }
}

macro_rules! polled {
    ($future:expr) => {
        now($future)
    };
}

impl<M: Medium + 'static> Surface for Engine<M> {
    verbs!(polled);

    fn open(&mut self, handle: &str, open: &script::Open) -> Outcome<answer::Opened> {
        if open.create == Some(false) {
            return Err(Failure::Missing);
        }
        self.process.may_open(handle)?;
        let machine = self.process.machine()?;
        let (store, host): (_, Arc<dyn Host>) = (machine.store()?, machine.clock());
        let opened = now(Log::open(store, LOG, translate::options(open), host));
        let log: Handle<M> = opened.map_err(refused)?;
        let answer = translate::opened(log.bounds(), log.recovery());
        self.process.opened(handle, log);
        Ok(answer)
    }

    fn establish(&mut self, handle: &str) -> Outcome<Done> {
        now(self.process.log(handle)?.establish()).map_err(refused)?;
        Ok(Done {})
    }

    fn follow(&mut self, handle: &str, follow: &script::Follow) -> Outcome<Done> {
        let log = self.process.log(handle)?;
        let (at, limits) = (translate::at(follow.at), translate::limits(&follow.limits));
        let wait = Polled::begin(async move {
            let batch = log.follow(at, limits).await.map_err(refused)?;
            Ok(translate::batch(&batch))
        });
        self.process.waits(&follow.ticket, wait)
    }

    fn follow_by_key(&mut self, handle: &str, follow: &script::FollowByKey) -> Outcome<Done> {
        let log = self.process.log(handle)?;
        let (at, limits) = (translate::at(follow.at), translate::limits(&follow.limits));
        let key = follow.key.0.clone();
        let wait = Polled::begin(async move {
            let batch = log.follow_by_key(&key, at, limits).await.map_err(refused)?;
            Ok(translate::batch(&batch))
        });
        self.process.waits(&follow.ticket, wait)
    }

    fn backup(&mut self, handle: &str) -> Outcome<answer::BackedUp> {
        let log = self.process.log(handle)?;
        let target = self.process.machine()?.other()?.store()?;
        let done = now(log.backup(&target)).map_err(refused)?;
        Ok(translate::backed_up(&done))
    }

    fn export(&mut self, handle: &str) -> Outcome<answer::Carried> {
        let log = self.process.log(handle)?;
        let mut bytes = Vec::new();
        let done = now(log.export(&mut ToWriter(&mut bytes))).map_err(refused)?;
        self.process.machine()?.exported = bytes;
        Ok(translate::carried(done.next, done.records))
    }

    fn import(&mut self, _handle: &str) -> Outcome<answer::Carried> {
        let machine = self.process.idle()?;
        let (store, host): (_, Arc<dyn Host>) = (machine.store()?, machine.clock());
        let mut source = FromReader(&machine.exported[..]);
        let done = now(async {
            let import = Import::begin(&mut source).await?;
            import.fill::<_, Threads>(&store, LOG, host).await
        });
        let done = done.map_err(refused)?;
        Ok(translate::carried(done.next, done.records))
    }

    fn recover(&mut self, _handle: &str) -> Outcome<answer::Recovered> {
        let machine = self.process.idle()?;
        let (store, host): (_, Arc<dyn Host>) = (machine.store()?, machine.clock());
        let salvage = now(tidelog_core::recover::<_, Threads>(&store, LOG, host));
        let salvage = salvage.map_err(refused)?;
        Ok(translate::recovered(&salvage))
    }
}
