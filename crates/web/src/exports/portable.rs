//! Owns exports and imports as JavaScript moves them: a function that takes a piece,
//! one that gives the next.

use core::fmt;

use js_sys::{Function, Promise, Uint8Array};
use tidelog_core::{ErrorKind, ExportSink, ImportSource, StoreError};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Why a piece was not taken, or not given: what JavaScript threw.
#[derive(Debug)]
pub struct Thrown(pub JsValue);

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self.0.dyn_ref::<js_sys::Error>() {
            Some(error) => Some(String::from(error.message())),
            None => self.0.as_string(),
        };
        f.write_str(words.as_deref().unwrap_or("the stream failed"))
    }
}

impl std::error::Error for Thrown {}

impl StoreError for Thrown {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Unavailable
    }
}

async fn call(function: &Function, argument: &JsValue) -> Result<JsValue, Thrown> {
    let called = function.call1(&JsValue::UNDEFINED, argument);
    let promise = Promise::resolve(&called.map_err(Thrown)?);
    JsFuture::from(promise).await.map_err(Thrown)
}

/// A function that takes a piece and returns when it wants the next.
pub struct Sink(pub Function);

impl ExportSink for Sink {
    type Error = Thrown;

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Thrown> {
        call(&self.0, &Uint8Array::from(bytes)).await.map(drop)
    }
}

/// A function that returns the next piece, or nothing at the end.
pub struct Source {
    next: Function,
    piece: Vec<u8>,
    taken: usize,
}

impl Source {
    pub const fn new(next: Function) -> Self {
        Self {
            next,
            piece: Vec::new(),
            taken: 0,
        }
    }
}

impl ImportSource for Source {
    type Error = Thrown;

    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Thrown> {
        while self.taken == self.piece.len() {
            let piece = call(&self.next, &JsValue::UNDEFINED).await?;
            if piece.is_undefined() {
                return Ok(0);
            }
            let piece = piece.dyn_into::<Uint8Array>();
            let wrong = |_| Thrown("the stream gave something else than a Uint8Array".into());
            self.piece = piece.map_err(wrong)?.to_vec();
            self.taken = 0;
        }
        let left = self.piece.get(self.taken..).unwrap_or_default();
        let length = left.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(left) {
            *to = *from;
        }
        self.taken += length;
        Ok(length)
    }
}
