//! Memory shared with the kernel.
//!
//! Offsets are checked against the mapping on every access, so a mistake is a panic and never a
//! wild pointer. Who may touch which bytes when is the affair of the ring that uses the mapping.
#![allow(unsafe_code, reason = "reads and writes memory that the kernel writes too")]

use core::sync::atomic::AtomicU32;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use bytemuck::Pod;
use memmap2::{MmapOptions, MmapRaw};

/// A mapping, accessed by offsets.
pub(crate) struct Mapped(MmapRaw);

impl Mapped {
    /// The first `bytes` bytes of what a descriptor offers at `offset`, present from the start.
    pub(crate) fn of(descriptor: BorrowedFd<'_>, offset: u64, bytes: usize) -> io::Result<Self> {
        let mut options = MmapOptions::new();
        options.len(bytes).offset(offset).populate();
        options.map_raw(descriptor.as_raw_fd()).map(Self)
    }

    /// Memory of our own to give to the kernel, present from the start.
    #[cfg(feature = "af-xdp")]
    pub(crate) fn anonymous(bytes: usize) -> io::Result<Self> {
        let map = MmapOptions::new().len(bytes).populate().map_anon()?;
        Ok(Self(map.into()))
    }

    /// Size of the mapping.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Where the mapping begins; for the kernel.
    #[cfg(feature = "af-xdp")]
    pub(crate) fn address(&self) -> u64 {
        self.0.as_ptr() as u64
    }

    /// A pointer to `size` bytes at `offset`.
    ///
    /// # Panics
    ///
    /// When they are not inside the mapping.
    #[inline]
    fn pointer(&self, offset: usize, size: usize) -> *mut u8 {
        let is_inside = offset <= self.len() && size <= self.len() - offset;
        assert!(is_inside, "an access lies inside its mapping");
        self.0.as_mut_ptr().wrapping_add(offset)
    }

    /// A word that both sides change.
    #[inline]
    pub(crate) fn word(&self, offset: usize) -> &AtomicU32 {
        let word = self.pointer(offset, size_of::<u32>()).cast::<u32>();
        assert!(word.is_aligned(), "a shared word is aligned");
        // SAFETY: four bytes inside the mapping, aligned, and mapped for as long as `self` lives.
        // This process reads and writes shared words by this function only.
        unsafe { AtomicU32::from_ptr(word) }
    }

    /// A copy of what is at `offset`. While the kernel writes there it may be torn; it is a `T`
    /// all the same.
    #[inline]
    pub(crate) fn read<T: Pod>(&self, offset: usize) -> T {
        let place = self.pointer(offset, size_of::<T>()).cast::<T>();
        assert!(place.is_aligned(), "a record in shared memory is aligned");
        // SAFETY: inside the mapping and aligned; any bytes are a `T`; volatile, since someone
        // else may write.
        unsafe { place.read_volatile() }
    }

    /// Stores `value` at `offset`.
    #[cfg(feature = "af-xdp")]
    #[inline]
    pub(crate) fn write<T: Pod>(&mut self, offset: usize, value: T) {
        let place = self.pointer(offset, size_of::<T>()).cast::<T>();
        assert!(place.is_aligned(), "a record in shared memory is aligned");
        // SAFETY: inside the mapping, which is writable, and aligned; `&mut self` excludes
        // references into it.
        unsafe { place.write_volatile(value) }
    }

    /// The bytes at `offset`.
    ///
    /// # Safety
    ///
    /// No one, the kernel included, writes them while the slice lives.
    #[inline]
    pub(crate) unsafe fn bytes(&self, offset: usize, size: usize) -> &[u8] {
        let first = self.pointer(offset, size);
        // SAFETY: inside the mapping, which lives as long as `self`; the caller keeps writers out.
        unsafe { core::slice::from_raw_parts(first, size) }
    }
}
