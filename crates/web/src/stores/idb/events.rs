//! Owns waiting for the events of IndexedDB's objects.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use wasm_bindgen::prelude::*;
use web_sys::{Event, EventTarget, IdbRequest};

use crate::stores::error::Reason;

/// The events of one object that somebody waits for. Nothing listens any more once
/// it is dropped.
pub(super) struct Events {
    target: EventTarget,
    names: &'static [&'static str],
    state: Rc<RefCell<State>>,
    listener: Closure<dyn FnMut(Event)>,
}

#[derive(Default)]
struct State {
    seen: VecDeque<&'static str>,
    waiting: Option<Waker>,
}

impl Events {
    /// Listens to `target`, from which no event may have come yet.
    pub(super) fn of(target: &EventTarget, names: &'static [&'static str]) -> Self {
        let state: Rc<RefCell<State>> = Rc::default();
        let heard = Rc::clone(&state);
        let listener = Closure::new(move |event: Event| {
            let kind = event.type_();
            let Some(name) = names.iter().find(|name| **name == kind) else {
                return;
            };
            let mut state = heard.borrow_mut();
            state.seen.push_back(name);
            if let Some(waker) = state.waiting.take() {
                waker.wake();
            }
        });
        let events = Self {
            target: target.clone(),
            names,
            state,
            listener,
        };
        for name in names {
            let callback = events.listener.as_ref().unchecked_ref();
            // Adding a listener of a known type to a live object cannot fail.
            let _ = target.add_event_listener_with_callback(name, callback);
        }
        events
    }

    /// The next of them.
    pub(super) async fn next(&self) -> &'static str {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            match state.seen.pop_front() {
                Some(name) => Poll::Ready(name),
                None => {
                    state.waiting = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        for name in self.names {
            let callback = self.listener.as_ref().unchecked_ref();
            let _ = self
                .target
                .remove_event_listener_with_callback(name, callback);
        }
    }
}

/// A request under way.
pub(super) struct Answer {
    request: IdbRequest,
    events: Events,
}

impl Answer {
    pub(super) fn of(request: IdbRequest) -> Self {
        let events = Events::of(&request, &["success", "error"]);
        Self { request, events }
    }

    /// What the request gave.
    pub(super) async fn get(self) -> Result<JsValue, Reason> {
        if self.events.next().await == "success" {
            return Ok(self.request.result()?);
        }
        Err(failure(&self.request))
    }
}

/// Why a request failed.
pub(super) fn failure(request: &IdbRequest) -> Reason {
    match request.error() {
        Ok(Some(error)) => Reason::thrown(&error),
        Ok(None) => Reason::Lost,
        Err(error) => Reason::thrown(&error),
    }
}
