//! The processor's prefetch hint, for code that is safe otherwise.
//!
//! A crate of its own because it needs `unsafe` once, and the deterministic core, which it serves,
//! has none. A hint changes no value and no order of events: what a program computes is the same
//! with and without it. Where the processor has no such instruction that stable Rust can name, it
//! does nothing.

#![allow(unsafe_code, reason = "calls the intrinsic of the processor")]

/// Asks the processor to bring the first cache line of a value close. Does not wait for it.
#[inline(always)]
pub fn prefetch<T: ?Sized>(value: &T) {
    prefetch_address(core::ptr::from_ref(value).cast());
}

/// As [`prefetch`], for the item at an index, without asking whether there is one: where an index is
/// only a guess, the check would cost more than the hint. Of an index beyond the slice it asks for a
/// line that is nobody's, or none.
#[inline(always)]
pub fn prefetch_item<T>(items: &[T], index: usize) {
    prefetch_address(items.as_ptr().wrapping_add(index).cast());
}

#[inline(always)]
fn prefetch_address(address: *const i8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: `sse`, which this instruction belongs to, is part of every x86-64; it takes any
        // address, for prefetching reads nothing that a program can see and never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
    }
    #[cfg(any(not(target_arch = "x86_64"), miri))]
    let _ = address;
}

#[cfg(test)]
mod tests {
    use super::{prefetch, prefetch_item};

    #[test]
    fn anything_can_be_prefetched_and_nothing_changes() {
        let values: Vec<u64> = (0..1_000).collect();
        values.iter().for_each(prefetch);
        [0, 999, 1_000, usize::MAX / 8].into_iter().for_each(|index| prefetch_item(&values, index));
        prefetch::<[u64]>(&[]);
        prefetch("text");
        prefetch(&());
        assert!(values.iter().copied().eq(0..1_000));
    }
}
