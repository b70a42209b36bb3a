//! Owns the right to write to a log, where the browser has Web Locks: one holder in
//! all tabs and workers of an origin, let go of when it dies.

use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::error::Reason;

#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method)]
    fn request(this: &LockManager, name: &str, options: &Object, granted: &Function) -> Promise;

    type AbortSignal;

    #[wasm_bindgen(static_method_of = AbortSignal)]
    fn timeout(milliseconds: f64) -> AbortSignal;
}

/// A lock that is held. Dropped, it is let go of.
#[derive(Debug)]
pub(crate) struct WebLock {
    release: Function,
    /// Settles once the browser has taken the lock back.
    gone: Promise,
}

impl WebLock {
    /// Takes the lock `name`, waiting up to `wait` milliseconds for one who is just
    /// letting go of it. `None` where the browser has no locks.
    pub(crate) async fn take(name: &str, wait: u32) -> Result<Option<Self>, Reason> {
        let Some(locks) = manager() else {
            return Ok(None);
        };
        let options = Object::new();
        let signal = AbortSignal::timeout(f64::from(wait));
        Reflect::set(&options, &"signal".into(), &signal)?;

        let mut release = None;
        let held = Promise::new(&mut |resolve, _| release = Some(resolve));
        let Some(release) = release else {
            return Err(Reason::Missing("promises"));
        };
        let mut request = None;
        let granted = Promise::new(&mut |resolve, reject| {
            let held = held.clone();
            let answer = Closure::once_into_js(move |_lock: JsValue| -> Promise {
                let _ = resolve.call0(&JsValue::NULL);
                held
            });
            let gone = locks.request(name, &options, answer.unchecked_ref());
            // A refusal, or a lock stolen later, must not go unhandled.
            let refused = Closure::once_into_js(move |error: JsValue| {
                let _ = reject.call1(&JsValue::NULL, &error);
            });
            request = Some(then(&gone, refused.unchecked_ref()));
        });
        match JsFuture::from(granted).await {
            Ok(_) => Ok(request.map(|gone| Self { release, gone })),
            Err(error) => Err(match Reason::thrown(&error) {
                timeout if timeout.name() == "TimeoutError" => Reason::Locked,
                other => other,
            }),
        }
    }

    /// Lets go, and waits until others can take it.
    pub(crate) async fn release(self) {
        let gone = self.gone.clone();
        drop(self);
        let _ = JsFuture::from(gone).await;
    }
}

impl Drop for WebLock {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::NULL);
    }
}

/// `promise`, settled also when it failed, which `failed` is told.
fn then(promise: &Promise, failed: &JsValue) -> Promise {
    let catch = Reflect::get(promise, &"catch".into()).unwrap_or(JsValue::UNDEFINED);
    let caught = catch.unchecked_into::<Function>().call1(promise, failed);
    caught.map_or_else(|_| promise.clone(), JsCast::unchecked_into)
}

fn manager() -> Option<LockManager> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    locks.is_object().then(|| locks.unchecked_into())
}
