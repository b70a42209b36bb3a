//! Owns what the platform gives the engine beside storage: the clock, randomness,
//! and a pause. Works in windows and in every kind of worker.

use js_sys::Function;
use tidelog_core::Host;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(resolve: &Function, milliseconds: f64) -> JsValue;
}

/// The clock and the randomness of the browser.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebHost;

impl Host for WebHost {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float is cut to the nearest integer there is"
    )]
    fn now(&self) -> i64 {
        (js_sys::Date::now() * 1000.0) as i64
    }

    fn random(&self) -> u64 {
        // Every browser has the generator. Should one refuse, a salt that is only
        // hard to guess still keeps one segment's bytes from verifying in another.
        getrandom::u64().unwrap_or_else(|_| js_sys::Math::random().to_bits().rotate_left(12))
    }
}

/// Goes on after that many milliseconds, or a little later.
pub async fn sleep(milliseconds: u32) {
    let waiting = js_sys::Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, f64::from(milliseconds));
    });
    // A promise that only a timer settles has nothing to fail with.
    let _ = JsFuture::from(waiting).await;
}
