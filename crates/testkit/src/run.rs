//! Owns one run of an engine on a simulated machine: its processes, its model, and
//! where its choices come from.

mod failure;
mod handle;

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use tidelog_core::{Access, ErrorKind, LogId, Options};

use crate::engine::{Engine, Refusal};
use crate::generate::{Generator, Sizes};
use crate::model::{History, Model, Seen};
use crate::random::mix;
use crate::sim::{Cut, Disk, ELSEWHERE, Machine, SimHost, SimStore, Trace};

pub use failure::Failure;
pub use handle::Handle;

/// The log that scripts of a single log use.
pub const LOG: LogId = LogId(1);

/// A run of engine `E`.
pub struct Run<E> {
    machine: Machine,
    model: Rc<RefCell<Rc<Model>>>,
    generator: RefCell<Generator>,
    host: Arc<SimHost>,
    options: Cell<Options>,
    /// Tells the processes of this run from those of any other.
    origin: u64,
    engine: PhantomData<E>,
}

impl<E: Engine> Run<E> {
    /// A run on `machine` by someone who remembers `model`.
    #[must_use]
    pub fn new(
        machine: Machine,
        model: Rc<Model>,
        options: Options,
        sizes: Sizes,
        seed: u64,
    ) -> Self {
        Self {
            machine,
            model: Rc::new(RefCell::new(model)),
            generator: RefCell::new(Generator::new(mix(seed), sizes)),
            host: Arc::new(SimHost::new(mix(seed ^ 0x4057))),
            options: Cell::new(options),
            origin: mix(seed ^ 0x0816),
            engine: PhantomData,
        }
    }

    /// Keeps every moment from now on.
    pub fn record(&self) {
        self.machine.record(Trace::new(Rc::clone(&self.model)));
        self.machine.mark("start");
    }

    /// The machine.
    #[must_use]
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The clock and the randomness.
    #[must_use]
    pub fn host(&self) -> &SimHost {
        &self.host
    }

    /// The same, for another log.
    #[must_use]
    pub fn shared_host(&self) -> Arc<SimHost> {
        Arc::clone(&self.host)
    }

    /// What was sent and promised so far.
    #[must_use]
    pub fn model(&self) -> Rc<Model> {
        Rc::clone(&self.model.borrow())
    }

    /// Where choices and batches come from.
    pub fn generate<T>(&self, generate: impl FnOnce(&mut Generator) -> T) -> T {
        generate(&mut self.generator.borrow_mut())
    }

    /// Writes a line down for whoever looks into a failure.
    pub fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(notes) = &self.machine.setup().notes {
            notes.borrow_mut().push(line());
        }
    }

    /// How logs are opened.
    #[must_use]
    pub fn options(&self) -> Options {
        self.options.get()
    }

    /// Opens logs in another way from now on.
    pub fn set_options(&self, options: Options) {
        self.options.set(options);
    }

    /// Changes what is remembered, as a moment of its own.
    pub fn remember<T>(&self, event: &'static str, change: impl FnOnce(&mut Model) -> T) -> T {
        let result = change(Rc::make_mut(&mut self.model.borrow_mut()));
        self.machine.mark(event);
        result
    }

    /// Opens `log` in a new process and changes nothing in what is remembered.
    ///
    /// # Errors
    /// [`Failure::Refused`] as the engine refuses.
    pub async fn open(&self, log: LogId) -> Result<Handle<'_, E>, Failure> {
        self.open_in(self.machine.process(), log).await
    }

    /// As [`open`](Self::open), in a process that exists.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_in(&self, store: SimStore, log: LogId) -> Result<Handle<'_, E>, Failure> {
        let host = Arc::clone(&self.host);
        let before = self.machine.disk();
        let engine = E::open(store.clone(), log, self.options.get(), host).await?;
        if E::OPENS_LAZILY {
            self.unchanged(&before, "opening has changed the store")?;
        }
        Ok(Handle::new(self, store, engine, log))
    }

    /// Opens `log` after a crash or a close, holds what is found against what was
    /// promised, and takes it for the truth from now on.
    ///
    /// # Errors
    /// [`Failure::Broken`] if a promise was broken.
    pub async fn reopen(&self, log: LogId, cut: Cut) -> Result<Handle<'_, E>, Failure> {
        let handle = self.open(log).await?;
        let seen = self.whole(log, handle.engine()).await?;
        self.remember("reopened", |model| model.log(log).reopen(&seen, cut))?;
        Ok(handle)
    }

    /// What a reader that changes nothing finds in `log`; nothing if the log does
    /// not exist.
    ///
    /// # Errors
    /// [`Failure::Refused`] as the engine refuses.
    pub async fn look(&self, log: LogId) -> Result<Vec<Seen>, Failure> {
        let options = self.options.get();
        let options = Options {
            access: Access::Read,
            // A backup has those of its time.
            indexes: options.indexes.filter(|_| log.0 < ELSEWHERE),
            ..options
        };
        let host = Arc::clone(&self.host);
        let before = self.machine.disk();
        let seen = match E::open(self.machine.process(), log, options, host).await {
            Ok(engine) => self.whole(log, &engine).await?,
            Err(refusal) if refusal.kind == ErrorKind::NotFound => Vec::new(),
            Err(refusal) => return Err(refusal.into()),
        };
        self.unchanged(&before, "a reader has changed the store")?;
        Ok(seen)
    }

    fn unchanged(&self, before: &Disk, sentence: &str) -> Result<(), Failure> {
        // Where operations take their time, others may have written meanwhile.
        let alone = self.machine.setup().pace == 0;
        if alone && !self.machine.disk().same_blobs(before) {
            return Err(Failure::Broken(sentence.into()));
        }
        Ok(())
    }

    /// Everything in a log that was just opened. Where the disk lies, damage that
    /// opening reported counts as a refusal.
    async fn whole(&self, log: LogId, engine: &E) -> Result<Vec<Seen>, Failure> {
        let seen = engine.seen().await?;
        let lied = self.model().get(log).is_some_and(History::is_forgiven);
        if lied && engine.reports_damage() {
            return Err(Failure::Refused(Refusal {
                kind: ErrorKind::Corrupt,
                sentence: "opening reported damage".into(),
            }));
        }
        Ok(seen)
    }
}
