//! Order books, order by order (L3), of every instrument an engine follows.
//!
//! [`Books`] holds all of them over pools that are allocated, and touched, once. It keeps every
//! order's identity and place in its queue, answers the touch of a side in O(1), and finds an
//! order by its number in O(1). It follows the exchange's book rules (MTBT 6.7, chapters 6 and
//! 11): a change of an unknown order is a new order, a cancel of one is ignored, a trade reduces
//! what rested, and a book may be crossed between an aggressor's arrival and its trades.
//!
//! It never allocates after construction, never panics on what a feed says, and never matches.
//! Why it is built this way, with figures, is in `docs/decisions/0003-order-book.md`.

mod books;
mod change;
mod check;
mod hash_index;
mod index;
mod ladder;
mod level_cache;
mod mark_node;
mod marks;
mod node;
#[cfg(test)]
mod place_tests;
mod pool;
mod prefetch;
mod record;
mod slots;
mod snapshot;
#[cfg(test)]
mod tests;
mod types;
mod view;

pub use books::Books;
pub use mark_node::Place;
pub use prefetch::{ReadAhead, Upcoming};
pub(crate) use slots::Front;
pub use types::{
    Action, Applied, BookCounters, BookError, BooksConfig, Change, Level, RestingOrder,
};
