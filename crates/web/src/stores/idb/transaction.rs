//! Owns one transaction: everything in it happens, or nothing.

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{IdbCursorDirection, IdbDatabase, IdbObjectStore, IdbTransaction};

use super::events::{Answer, Events};
use super::keys::{BLOBS, EPOCHS, PIECES};
use crate::stores::error::Reason;

#[wasm_bindgen]
extern "C" {
    // `web-sys` has these two only behind a flag of the compiler.
    type Modern;

    #[wasm_bindgen(method, catch)]
    fn transaction(
        this: &Modern,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn commit(this: &Modern) -> Result<(), JsValue>;
}

/// What a transaction may do, and when it is told to be complete.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// Nothing is changed.
    Read,
    /// Complete once the system has it.
    Relaxed,
    /// Complete once the system says that the disk has it.
    Strict,
}

/// A transaction that has not ended. Dropped, it is aborted.
pub(super) struct Transaction {
    raw: IdbTransaction,
    events: Events,
    ended: bool,
    pub(super) blobs: IdbObjectStore,
    pub(super) pieces: IdbObjectStore,
    pub(super) epochs: IdbObjectStore,
}

impl Transaction {
    pub(super) fn begin(database: &IdbDatabase, mode: Mode) -> Result<Self, Reason> {
        let (access, durability) = match mode {
            Mode::Read => ("readonly", "default"),
            Mode::Relaxed => ("readwrite", "relaxed"),
            Mode::Strict => ("readwrite", "strict"),
        };
        let options = Object::new();
        Reflect::set(&options, &"durability".into(), &durability.into())?;
        let stores: Array = [BLOBS, PIECES, EPOCHS].map(JsValue::from).iter().collect();
        let raw = database
            .unchecked_ref::<Modern>()
            .transaction(&stores, access, &options)?;
        Ok(Self {
            events: Events::of(&raw, &["complete", "abort"]),
            blobs: raw.object_store(BLOBS)?,
            pieces: raw.object_store(PIECES)?,
            epochs: raw.object_store(EPOCHS)?,
            ended: false,
            raw,
        })
    }

    /// The key of the last piece in `range`.
    pub(super) fn last_key(&self, range: &JsValue) -> Result<Answer, Reason> {
        let direction = IdbCursorDirection::Prev;
        let request = self
            .pieces
            .open_key_cursor_with_range_and_direction(range, direction)?;
        Ok(Answer::of(request))
    }

    /// Waits until everything asked for has happened.
    pub(super) async fn commit(mut self) -> Result<(), Reason> {
        // Only sooner with it: a transaction without requests commits by itself. It
        // throws if one of them has failed, which the event tells better.
        let _ = self.raw.unchecked_ref::<Modern>().commit();
        self.ended = true;
        if self.events.next().await == "complete" {
            return Ok(());
        }
        Err(match self.raw.error() {
            Some(error) => Reason::thrown(&error),
            None => Reason::ConnectionLost,
        })
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.ended {
            // It may have aborted by itself.
            let _ = self.raw.abort();
        }
    }
}
