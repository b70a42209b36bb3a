//! Proof that the engine and everything it depends on link no std.
//!
//! A static library with a panic handler of its own: if anything below brought
//! std along, there would be two, and the compiler refuses that (E0152). The
//! allocator never gives anything; the code is built, not run.
#![no_std]

extern crate alloc;

use alloc::sync::Arc;
use core::alloc::{GlobalAlloc, Layout};
use core::future::Future;
use core::panic::PanicInfo;
use core::pin::pin;
use core::ptr;
use core::task::{Context, Poll, Waker};

use tidelog_core::{AppendOptions, Host, Local, Log, LogId, MemoryStore, NewRecord, Options};

struct NoMemory;

// SAFETY: null is the answer of an allocator that has no memory.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _layout: Layout) -> *mut u8 {
        ptr::null_mut()
    }

    unsafe fn dealloc(&self, _pointer: *mut u8, _layout: Layout) {}
}

#[global_allocator]
static ALLOCATOR: NoMemory = NoMemory;

#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    loop {}
}

struct Nowhere;

impl Host for Nowhere {
    fn now(&self) -> i64 {
        0
    }

    fn random(&self) -> u64 {
        0
    }
}

/// Reaches into the engine, so that its code is generated and not only checked.
/// Returns the number of records, or 0 when something failed.
#[unsafe(no_mangle)]
pub extern "C" fn probe() -> u64 {
    let appended = pin!(append());
    match appended.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(next) => next.unwrap_or(0),
        Poll::Pending => 0,
    }
}

async fn append() -> Option<u64> {
    let store = MemoryStore::<Local>::default();
    let host = Arc::new(Nowhere);
    let log = Log::<_, Local>::open(store, LogId(1), Options::default(), host)
        .await
        .ok()?;
    let appended = log
        .append(&[NewRecord::new(b"probe")], AppendOptions::default())
        .await
        .ok()?;
    log.close().await.ok()?;
    Some(appended.next)
}
