//! Owns the connection to one database: opening it, noticing that it was lost, and
//! opening it again. May not know what is in it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Reflect;
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbFactory, IdbOpenDbRequest, IdbVersionChangeEvent};

use super::events::{Events, failure};
use super::keys::{BLOBS, EPOCHS, PIECES};
use crate::stores::error::Reason;

/// The version of the database's layout.
const VERSION: f64 = 1.0;

/// A database that may have to be opened again.
pub(super) struct Connection {
    name: String,
    open: RefCell<Option<Rc<Handle>>>,
    closed: Cell<bool>,
}

struct Handle {
    database: IdbDatabase,
    lost: Rc<Cell<bool>>,
    _closing: Closure<dyn FnMut()>,
    _changing: Closure<dyn FnMut(IdbVersionChangeEvent)>,
}

impl Connection {
    /// Opens the database `name`, making it if `create` says so.
    pub(super) async fn open(name: &str, create: bool) -> Result<Self, Reason> {
        let handle = Handle::open(name, create).await?;
        Ok(Self {
            name: name.to_owned(),
            open: RefCell::new(Some(Rc::new(handle))),
            closed: Cell::new(false),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The database, opened again if its connection was lost.
    pub(super) async fn get(&self) -> Result<IdbDatabase, Reason> {
        if self.closed.get() {
            return Err(Reason::Closed);
        }
        let live = |handle: &Rc<Handle>| (!handle.lost.get()).then(|| handle.database.clone());
        if let Some(database) = self.open.borrow().as_ref().and_then(live) {
            return Ok(database);
        }
        // A database that is made anew has lost what it held.
        let handle = match Handle::open(&self.name, false).await {
            Err(Reason::Absent) => return Err(Reason::Lost),
            opened => opened?,
        };
        let database = handle.database.clone();
        *self.open.borrow_mut() = Some(Rc::new(handle));
        Ok(database)
    }

    /// The connection did not serve: the next use opens another.
    pub(super) fn give_up(&self) {
        *self.open.borrow_mut() = None;
    }

    pub(super) fn close(&self) {
        self.closed.set(true);
        self.give_up();
    }
}

impl Handle {
    async fn open(name: &str, create: bool) -> Result<Self, Reason> {
        let request = factory()?.open_with_f64(name, VERSION)?;
        let events = Events::of(&request, &["success", "error", "blocked", "upgradeneeded"]);
        let mut made = true;
        loop {
            match events.next().await {
                "success" => break,
                "upgradeneeded" => {
                    made = create;
                    upgrade(&request, create)?;
                }
                "blocked" => {
                    close_later(&request);
                    return Err(Reason::Locked);
                }
                _ => {
                    let reason = failure(&request);
                    return Err(match reason.name() {
                        "VersionError" => Reason::Newer,
                        "AbortError" if !made => Reason::Absent,
                        _ => reason,
                    });
                }
            }
        }
        let database: IdbDatabase = request.result()?.unchecked_into();
        let names = database.object_store_names();
        if ![BLOBS, PIECES, EPOCHS]
            .iter()
            .all(|store| names.contains(store))
        {
            database.close();
            return Err(Reason::Foreign);
        }
        let lost = Rc::new(Cell::new(false));
        let (closing, changing) = (Rc::clone(&lost), Rc::clone(&lost));
        let closing = Closure::new(move || closing.set(true));
        // Whoever deletes the database, or brings it to a newer version, waits for
        // this connection to go.
        let going = database.clone();
        let changing = Closure::new(move |_: IdbVersionChangeEvent| {
            changing.set(true);
            going.close();
        });
        database.set_onclose(Some(closing.as_ref().unchecked_ref()));
        database.set_onversionchange(Some(changing.as_ref().unchecked_ref()));
        Ok(Self {
            database,
            lost,
            _closing: closing,
            _changing: changing,
        })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.database.set_onclose(None);
        self.database.set_onversionchange(None);
        // What is in flight ends first.
        self.database.close();
    }
}

fn upgrade(request: &IdbOpenDbRequest, create: bool) -> Result<(), Reason> {
    if !create {
        if let Some(transaction) = request.transaction() {
            transaction.abort()?;
        }
        return Ok(());
    }
    let database: IdbDatabase = request.result()?.unchecked_into();
    for store in [BLOBS, PIECES, EPOCHS] {
        database.create_object_store(store)?;
    }
    Ok(())
}

/// A request that nobody waits for any more must not leave a connection open.
fn close_later(request: &IdbOpenDbRequest) {
    let opened = request.clone();
    let close = Closure::once_into_js(move || {
        if let Ok(database) = opened.result() {
            database.unchecked_into::<IdbDatabase>().close();
        }
    });
    request.set_onsuccess(Some(close.unchecked_ref()));
}

/// IndexedDB, of a window or of a worker.
///
/// # Errors
/// Where the context has none.
pub(super) fn factory() -> Result<IdbFactory, Reason> {
    let found = Reflect::get(&js_sys::global(), &"indexedDB".into())?;
    if found.is_object() {
        Ok(found.unchecked_into())
    } else {
        Err(Reason::Missing("IndexedDB"))
    }
}
