//! Asks the system to put large tables on huge pages.
//!
//! A thousand books touch more pages of 4 KiB than a processor remembers translations of; pages
//! of 2 MiB are few enough. This is advice: where the system has none to give, or is told never to,
//! the tables stay where they are and everything works as before.
#![allow(unsafe_code, reason = "advises the system about memory by its address")]

use std::ops::Range;

use tezi_core::book::Books;

/// A huge page of x86-64, and of AArch64 with pages of 4 KiB.
const HUGE_PAGE: usize = 2 << 20;

/// Advises huge pages for the books, and gathers what is there already into such pages. Returns how
/// many bytes the system agreed to. Takes some milliseconds per 10 MB, so it is for the start.
pub fn advise_huge_pages(books: &Books) -> usize {
    books.memory().into_iter().filter_map(|range| advise(&range)).sum()
}

/// The bytes of the whole huge pages within a range, when the system took the advice for them.
fn advise(range: &Range<*const u8>) -> Option<usize> {
    let start = range.start.addr().checked_next_multiple_of(HUGE_PAGE)?;
    let end = range.end.addr() / HUGE_PAGE * HUGE_PAGE;
    let size = end.checked_sub(start).filter(|&size| size > 0)?;
    let start = range.start.wrapping_add(start - range.start.addr());
    let is_advised = madvise(start, size, libc::MADV_HUGEPAGE);
    // Since Linux 6.1: at once, where the system would come round to it in minutes or never.
    (is_advised && madvise(start, size, libc::MADV_COLLAPSE)).then_some(size)
}

fn madvise(start: *const u8, size: usize, advice: libc::c_int) -> bool {
    // SAFETY: neither advice of this module changes what the memory holds or where a program finds
    // it, and the system refuses addresses that are not mapped.
    unsafe { libc::madvise(start.cast_mut().cast(), size, advice) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_core::book::BooksConfig;
    use tezi_model::{OrderId, Px, Qty, Side};

    #[test]
    fn advised_books_are_as_they_were() {
        let config = BooksConfig { instruments_max: 1, orders_max: 200_000, levels_max: 1_000 };
        let mut books = Books::new(&config);
        let instrument = books.add_instrument().unwrap();
        for id in 1..=200_000 {
            let price = Px::from_paise(id as i64 % 1_000);
            books.on_new(instrument, 1, OrderId(id), Side::Buy, price, Qty(5)).unwrap();
        }
        let advised = advise_huge_pages(&books);
        println!("the system agreed to {advised} bytes");
        assert!(advised.is_multiple_of(HUGE_PAGE) && advised <= 9_000_000);
        assert!(books.is_consistent() && books.orders_count() == 200_000);
    }

    #[test]
    fn what_holds_no_whole_huge_page_is_left_alone() {
        let start: *const u8 = std::ptr::without_provenance(HUGE_PAGE + 4_096);
        assert_eq!(advise(&(start..start)), None);
        assert_eq!(advise(&(start..start.wrapping_add(2 * HUGE_PAGE - 8_192))), None);
        // Nothing is mapped there, and the system says so.
        assert_eq!(advise(&(start..start.wrapping_add(2 * HUGE_PAGE))), None);
    }
}
