//! Proof that the engine and everything it depends on link no std.
//!
//! A static library with a panic handler of its own: if anything below brought
//! std along, there would be two, and the compiler refuses that (E0152). The
//! allocator never gives anything; the code is built, not run.
#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::future::Future;
use core::panic::PanicInfo;
use core::pin::pin;
use core::ptr;
use core::task::{Context, Poll, Waker};

use tidelog_core::{BlockStore, Local, LogId, MemoryStore};

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

/// Reaches into the engine, so that its code is generated and not only checked.
#[unsafe(no_mangle)]
pub extern "C" fn probe() -> usize {
    let store = MemoryStore::<Local>::default();
    let listed = pin!(store.list(LogId(1)));
    match listed.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(blobs)) => blobs.len(),
        Poll::Ready(Err(_)) | Poll::Pending => 0,
    }
}
