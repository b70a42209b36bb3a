//! Owns the allocator of everything that fuzzes: it counts, so that memory taken
//! for a length that nobody checked is noticed.

use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// What `work` answers, and the bytes that it held at most beside those held before. The
/// count is of the whole process: nothing else may run meanwhile.
pub(crate) fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let answer = work();
    (answer, HEAP.peak_usage().saturating_sub(before))
}
