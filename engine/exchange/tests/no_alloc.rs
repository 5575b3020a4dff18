//! Participants do not allocate after the start: an allocator that counts, around a session.

#![allow(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod crowd;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use crowd::{Market, nifty};
use tezi_exchange::population::PopulationConfig;

thread_local! {
    /// Allocations and changes of size on this thread: tests of one process run side by side.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

/// The system's allocator, counting.
struct Counting;

// SAFETY: every call goes to `System` with the caller's own arguments; the count is a thread-local
// cell that is initialised by a constant and has no destructor, so it never allocates itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `GlobalAlloc::realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_session_allocates_nothing() {
    let config = PopulationConfig { taker_share: 0.02, ..PopulationConfig::default() };
    let mut market = Market::new(&config, &nifty());
    market.reports.reserve(4_096);
    let before = ALLOCATIONS.get();
    market.run(20_000);
    assert_eq!(ALLOCATIONS.get() - before, 0);
    assert!(market.actions > 8_000, "{}", market.actions);
    let boxed = Box::new(market.actions);
    assert_eq!((ALLOCATIONS.get() - before, *boxed > 0), (1, true), "the allocator counts");
}
