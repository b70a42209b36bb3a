//! Owns the surface `facade`: the blocking API of the crate `tidelog`, over memory.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use tidelog::LogBuilder;
use tidelog::blocking::{Cancel, Log, Logs, Patience};
use tidelog_core::{ErrorKind, Host};

use super::disk::Disk;
use super::media::{Medium, Memory};
use super::process::{Process, Wait};
use super::refusals::refused;
use super::translate;
use super::verbs::verbs;
use crate::answer::{self, Batch, Done};
use crate::number::{Signed, Unsigned};
use crate::script;
use crate::surface::{Failure, Outcome, Surface};

/// The only log of a vector.
const NAME: &str = "vector";

/// How long `pending` gives a wait to end although it should not.
const MOMENT: Duration = Duration::from_millis(10);

/// How long a wait may take to end when it should.
const LONG: Duration = Duration::from_secs(20);

type Store = Disk<<Memory as Medium>::Store>;

/// The facade.
#[derive(Default)]
pub struct Facade {
    process: Process<Memory, Log<Arc<Store>>, Parked>,
}

/// A thread that waits.
struct Parked {
    thread: Option<JoinHandle<()>>,
    ends: Receiver<Outcome<Batch>>,
    ended: Option<Outcome<Batch>>,
    cancel: Cancel,
}

impl Parked {
    fn begin(follow: impl FnOnce(Patience<'_>) -> Outcome<Option<Batch>> + Send + 'static) -> Self {
        let (end, ends) = channel();
        let cancel = Cancel::default();
        let own = cancel.clone();
        let thread = spawn(move || {
            if let Some(outcome) = follow(Patience::lasting(LONG).unless(&own)).transpose() {
                // Whoever gave the wait up does not listen.
                let _ = end.send(outcome);
            }
        });
        Self {
            thread: Some(thread),
            ends,
            ended: None,
            cancel,
        }
    }
}

impl Wait for Parked {
    fn is_pending(&mut self) -> bool {
        match self.ends.recv_timeout(MOMENT) {
            Err(RecvTimeoutError::Timeout) => self.ended.is_none(),
            Err(RecvTimeoutError::Disconnected) => false,
            Ok(outcome) => {
                self.ended = Some(outcome);
                false
            }
        }
    }

    fn outcome(mut self) -> Option<Outcome<Batch>> {
        let ended = self.ended.take();
        ended.or_else(|| self.ends.recv_timeout(LONG).ok())
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take() {
            // Its panic was seen as a wait that ended without an outcome.
            let _ = thread.join();
        }
    }
}

impl Facade {
    fn logs(&mut self) -> Outcome<Logs<Arc<Store>>> {
        let machine = self.process.machine()?;
        let (store, host): (_, Arc<dyn Host>) = (machine.store()?, machine.clock());
        Ok(Logs::over(store, host))
    }
}

/// Hands over the settings that are given, and leaves out what is not.
fn with<'a, L>(mut builder: LogBuilder<'a, L>, settings: &script::Settings) -> LogBuilder<'a, L> {
    let span = |age: Option<Unsigned>| age.map(|age| Duration::from_micros(age.0));
    let options = translate::chosen(settings);
    if let Some(level) = options.durability {
        builder = builder.durability(level);
    }
    if let Some(compression) = options.compression {
        builder = builder.compression(compression);
    }
    if let Some(bytes) = options.segment_bytes {
        builder = builder.segment_bytes(bytes);
    }
    if let Some(align) = options.align {
        builder = builder.align(align);
    }
    if let Some(indexes) = options.indexes {
        builder = builder.indexes(indexes);
    }
    if let Some(retention) = options.retention {
        builder = builder.retention(retention);
    }
    if let Some(age) = settings.segment_age {
        builder = builder.segment_age(span(age));
    }
    if let Some(age) = settings.producer_expiry {
        builder = builder.producer_expiry(span(age));
    }
    builder.cache_bytes(options.cache_bytes)
}

macro_rules! done {
    ($result:expr) => {
        $result
    };
}

impl Surface for Facade {
    verbs!(done);

    fn open(&mut self, handle: &str, open: &script::Open) -> Outcome<answer::Opened> {
        self.process.may_open(handle)?;
        let logs = self.logs()?;
        let builder = logs
            .log(NAME)
            .create(open.create.unwrap_or(!open.existing))
            .read_only(open.access == script::Access::Read);
        let log = with(builder, &open.settings).open().map_err(refused)?;
        let answer = translate::opened(log.bounds(), log.recovery());
        self.process.opened(handle, log);
        Ok(answer)
    }

    fn follow(&mut self, handle: &str, follow: &script::Follow) -> Outcome<Done> {
        let log = self.process.log(handle)?;
        let (at, limits) = (translate::at(follow.at), translate::limits(&follow.limits));
        let wait = Parked::begin(move |patience| {
            let batch = log.follow_for(at, limits, patience).map_err(refused)?;
            Ok(batch.map(|batch| translate::batch(&batch)))
        });
        self.process.waits(&follow.ticket, wait)
    }

    fn follow_by_key(&mut self, handle: &str, follow: &script::FollowByKey) -> Outcome<Done> {
        let log = self.process.log(handle)?;
        let (at, limits) = (translate::at(follow.at), translate::limits(&follow.limits));
        let key = follow.key.0.clone();
        let wait = Parked::begin(move |patience| {
            let batch = log.follow_by_key_for(&key, at, limits, patience);
            Ok(batch
                .map_err(refused)?
                .map(|batch| translate::batch(&batch)))
        });
        self.process.waits(&follow.ticket, wait)
    }

    fn backup(&mut self, handle: &str) -> Outcome<answer::BackedUp> {
        let log = self.process.log(handle)?;
        let machine = self.process.machine()?;
        let (store, host): (_, Arc<dyn Host>) = (machine.other()?.store()?, machine.clock());
        let done = Logs::over(store, host)
            .back_up(NAME, &log)
            .map_err(refused)?;
        Ok(translate::backed_up(&done))
    }

    fn export(&mut self, handle: &str) -> Outcome<answer::Carried> {
        let log = self.process.log(handle)?;
        let mut bytes = Vec::new();
        let done = log.export(&mut bytes).map_err(refused)?;
        self.process.machine()?.exported = bytes;
        Ok(translate::carried(done.next, done.records))
    }

    fn import(&mut self, _handle: &str) -> Outcome<answer::Carried> {
        let bytes = self.process.idle()?.exported.clone();
        let done = self.logs()?.import(NAME, &bytes[..]).map_err(refused)?;
        Ok(translate::carried(done.next, done.records))
    }

    fn recover(&mut self, _handle: &str) -> Outcome<answer::Recovered> {
        self.process.idle()?;
        let salvage = self.logs()?.recover(NAME).map_err(refused)?;
        Ok(translate::recovered(&salvage))
    }
}
