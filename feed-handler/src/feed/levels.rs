//! Price levels to events: the difference between one picture of a market and the next, told as
//! orders.
//!
//! A feed by price level sends pictures: the best prices of an instrument and what lies at them.
//! [`LevelBooks`] keeps the last picture of each instrument and gives out what turns it into the
//! next one: a synthetic order for each level, new, modified or cancelled, with the flag
//! [`LEVEL`](tezi_model::MarketFlags::LEVEL). So the books, strategies and files made for feeds by
//! order serve these too. What traded in between, told by the day's volume, is one trade.
//!
//! - Order of events: the trade, then the levels that went, then those that changed or came, best
//!   first. So no book of them is ever crossed unless a picture is.
//! - An order's number is `token << 8 | side << 7 | slot`: unique in the segment, and never 0. A level
//!   keeps its number while its price stays in the picture.
//! - A picture written before the one shown is dropped: an earlier time, or the same time with less
//!   volume. One far ahead of all others is believed when a second one near it comes.

use tezi_model::{Event, Nanos, Px, Qty, Side, StreamId, Token, TradingStatus};

use super::shown::{Basis, Shown, Teller, fit};
use crate::Line;
use crate::arbitration::batch::Batch;

/// Levels of a side: what both Indian feeds send.
pub const LEVELS_MAX: usize = 5;

/// The bounds of a [`LevelBooks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelConfig {
    /// Instruments there is room for, some 250 bytes each; the first ones seen get it.
    pub instruments_max: usize,
    /// Indices there is room for.
    pub indices_max: usize,
    /// A picture this much later than all before, in nanoseconds, is believed only when a second
    /// one near it comes: one corrupt time must not make a day's pictures look old.
    pub time_jump_ns: i64,
}

impl Default for LevelConfig {
    /// 131,072 instruments, 512 indices, jumps of an hour.
    fn default() -> Self {
        Self { instruments_max: 1 << 17, indices_max: 512, time_jump_ns: 3_600_000_000_000 }
    }
}

impl LevelConfig {
    pub(super) fn is_possible(&self) -> bool {
        (1..=1 << 24).contains(&self.instruments_max)
            && self.indices_max <= 1 << 16
            && self.time_jump_ns > 0
    }
}

/// A price level of a picture. One without quantity is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PriceLevel {
    /// The price.
    pub price: Px,
    /// Units open at it.
    pub quantity: u64,
}

/// The market of one instrument at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// The instrument.
    pub token: Token,
    /// When the exchange wrote it.
    pub time: Nanos,
    /// Units traded today.
    pub volume: u64,
    /// Price of the last trade, zero before the first.
    pub last_price: Px,
    /// Whether and how the instrument trades; `None` when the picture does not say.
    pub status: Option<TradingStatus>,
    /// Bids and asks, in the order of [`Side::BOTH`], best first. Two levels of one price count as
    /// one.
    pub levels: [[PriceLevel; LEVELS_MAX]; 2],
}

/// How a picture came; the same for all of a datagram.
#[derive(Clone, Copy, Debug)]
pub struct LevelContext {
    /// The stream of its events.
    pub stream: StreamId,
    /// The line.
    pub line: Line,
    /// When it came.
    pub receive_time: Nanos,
}

/// What became of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelOutcome {
    /// It is shown, and events say how it differs from the one before.
    Shown,
    /// It is shown, and is the same as the one before: the other line's copy, mostly.
    Unchanged,
    /// It was written before the one shown, and is dropped.
    Older,
    /// It is not wanted: levels of a touch where five are known, a trade where volume is.
    Unused,
    /// Dropped: there is no room for its instrument, or its time is not to be believed.
    Refused,
}

/// What a [`LevelBooks`] met. Each picture, touch and last trade is in one of the first six; the
/// last two of those count statuses and index values too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelCounters {
    /// Shown, with a difference.
    pub shown: u64,
    /// Shown, without one.
    pub unchanged: u64,
    /// Dropped: written before the one shown.
    pub older: u64,
    /// Touches and last trades of instruments whose pictures come.
    pub unused: u64,
    /// Dropped: no room for the instrument.
    pub instruments_refused: u64,
    /// Dropped: a time far ahead of all others.
    pub implausible: u64,
    /// Quantities cut to 4,294,967,295, which is what an event holds: levels and traded units.
    pub saturated: u64,
    /// Pictures whose day's volume is below that of an earlier one: no trade is told.
    pub volume_fell: u64,
    /// Times that volume grew and no price came with it: no trade is told.
    pub trades_without_price: u64,
}

/// The last picture of every instrument of a feed, and the events between them.
///
/// # Invariants
///
/// - `index` finds each of `shown` by its token, and nothing else.
/// - No two slots in use of a side have one price.
/// - The synthetic orders given out and not cancelled are exactly the slots in use.
#[derive(Clone, Debug)]
pub struct LevelBooks {
    config: LevelConfig,
    shown: Vec<Shown>,
    /// Open addressing by a hash of the token: position in `shown` plus one, 0 for an empty place.
    /// At most half full.
    index: Box<[u32]>,
    /// The latest time that was believed.
    newest: Nanos,
    /// The last time that was not.
    suspect: Nanos,
    counters: LevelCounters,
}

impl LevelBooks {
    /// Books that show nothing. A bound of zero instruments counts as one.
    #[must_use]
    pub fn new(config: &LevelConfig) -> Self {
        let instruments_max = config.instruments_max.clamp(1, 1 << 24);
        Self {
            config: LevelConfig { instruments_max, ..*config },
            shown: Vec::with_capacity(instruments_max),
            index: vec![0; (2 * instruments_max).next_power_of_two()].into(),
            newest: Nanos::ZERO,
            suspect: Nanos::ZERO,
            counters: LevelCounters::default(),
        }
    }

    /// Shows a picture, and gives out how it differs from the one before: a status that is another
    /// than before, a trade, levels.
    ///
    /// **Trades**: volume growth since the last picture is one trade at the last price, with order
    /// ids 0. The first picture of an instrument says nothing of what traded before it.
    pub fn on_picture(
        &mut self,
        picture: &Picture,
        context: &LevelContext,
        sink: &mut impl FnMut(&Event),
    ) -> LevelOutcome {
        let mut out = Batch::new(sink);
        let outcome = self.take_picture(picture, context, &mut out);
        out.finish();
        outcome
    }

    pub(super) fn take_picture<F: FnMut(&Event)>(
        &mut self,
        picture: &Picture,
        context: &LevelContext,
        out: &mut Batch<'_, F>,
    ) -> LevelOutcome {
        let Some(at) = self.find(picture.token, picture.time) else { return LevelOutcome::Refused };
        let shown = &mut self.shown[at];
        let is_known = shown.basis == Basis::Picture;
        let is_less = is_known && picture.volume < shown.volume;
        if picture.time < shown.time || (picture.time == shown.time && is_less) {
            self.counters.older += 1;
            return LevelOutcome::Older;
        }
        self.counters.volume_fell += u64::from(is_less);
        let grown = if is_known { picture.volume.saturating_sub(shown.volume) } else { 0 };
        shown.basis = Basis::Picture;
        shown.volume = picture.volume;
        shown.time = picture.time;
        let teller = Teller { context, token: picture.token, time: picture.time };
        let is_status_new = picture.status.is_some_and(|status| shown.tell(status, &teller, out));
        if grown > 0 && picture.last_price.0 > 0 {
            let quantity = fit(grown, &mut self.counters);
            out.push(&teller.trade(picture.last_price, quantity));
        } else {
            self.counters.trades_without_price += u64::from(grown > 0);
        }
        let changes = shown.show(&picture.levels, &teller, &mut self.counters, out);
        self.outcome(changes > 0 || grown > 0 || is_status_new)
    }

    /// Shows the touch alone, while no picture of the instrument came.
    pub(super) fn take_touch<F: FnMut(&Event)>(
        &mut self,
        token: Token,
        time: Nanos,
        touch: [PriceLevel; 2],
        context: &LevelContext,
        out: &mut Batch<'_, F>,
    ) -> LevelOutcome {
        let Some(at) = self.find(token, time) else { return LevelOutcome::Refused };
        let shown = &mut self.shown[at];
        if shown.basis == Basis::Picture {
            self.counters.unused += 1;
            return LevelOutcome::Unused;
        }
        if time < shown.time {
            self.counters.older += 1;
            return LevelOutcome::Older;
        }
        (shown.basis, shown.time) = (Basis::Touch, time);
        let nothing = PriceLevel::default();
        let levels = touch.map(|best| [best, nothing, nothing, nothing, nothing]);
        let teller = Teller { context, token, time };
        let changes = shown.show(&levels, &teller, &mut self.counters, out);
        self.outcome(changes > 0)
    }

    /// Tells the last trade, while no picture of the instrument came. One told before is not told
    /// again: the other line's copy, or a feed that repeats itself.
    pub(super) fn take_last<F: FnMut(&Event)>(
        &mut self,
        token: Token,
        time: Nanos,
        last: (Px, u64),
        context: &LevelContext,
        out: &mut Batch<'_, F>,
    ) -> LevelOutcome {
        let Some(at) = self.find(token, time) else { return LevelOutcome::Refused };
        let (shown, (price, quantity)) = (&mut self.shown[at], last);
        if shown.basis == Basis::Picture {
            self.counters.unused += 1;
            return LevelOutcome::Unused;
        }
        if time < shown.last.0 {
            self.counters.older += 1;
            return LevelOutcome::Older;
        }
        let is_new = shown.last != (time, price, quantity) && price.0 > 0 && quantity > 0;
        shown.last = (time, price, quantity);
        if is_new {
            let quantity = fit(quantity, &mut self.counters);
            out.push(&Teller { context, token, time }.trade(price, quantity));
        }
        self.outcome(is_new)
    }

    /// Tells an instrument's status when it is another than before, and not older.
    pub(super) fn take_status<F: FnMut(&Event)>(
        &mut self,
        token: Token,
        time: Nanos,
        status: TradingStatus,
        context: &LevelContext,
        out: &mut Batch<'_, F>,
    ) {
        if let Some(at) = self.find(token, time) {
            self.shown[at].tell(status, &Teller { context, token, time }, out);
        }
    }

    /// Whether a time is to be believed; one that is not is counted. Once for each message: a second
    /// question would confirm the first.
    pub(super) fn admits(&mut self, time: Nanos) -> bool {
        let is_believed = self.believes(time);
        self.counters.implausible += u64::from(!is_believed);
        is_believed
    }

    /// What was met so far.
    #[must_use]
    pub const fn counters(&self) -> &LevelCounters {
        &self.counters
    }

    /// Instruments known.
    #[must_use]
    pub fn instrument_count(&self) -> usize {
        self.shown.len()
    }

    /// What is shown of a side of an instrument, best first; nothing for one that is not known.
    pub fn levels(&self, token: Token, side: Side) -> impl Iterator<Item = (Px, Qty)> + use<> {
        let mut slots = self
            .position(token)
            .map_or_else(Default::default, |at| self.shown[at].slots[side as usize]);
        slots.sort_unstable_by_key(|slot| -side.sign() * slot.price.0);
        slots
            .into_iter()
            .filter(|slot| slot.quantity > 0)
            .map(|slot| (slot.price, Qty(slot.quantity)))
    }

    /// Whether the invariants hold. For tests; O(instruments).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let found = (0..self.shown.len()).all(|at| self.position(self.shown[at].token) == Some(at));
        let filled = self.index.iter().filter(|&&place| place > 0).count();
        let apart = self.shown.iter().flat_map(|shown| &shown.slots).all(|slots| {
            let used = || slots.iter().filter(|slot| slot.quantity > 0);
            used().all(|slot| used().filter(|other| other.price == slot.price).count() == 1)
        });
        found && filled == self.shown.len() && apart
    }

    fn outcome(&mut self, is_changed: bool) -> LevelOutcome {
        if is_changed {
            self.counters.shown += 1;
            LevelOutcome::Shown
        } else {
            self.counters.unchanged += 1;
            LevelOutcome::Unchanged
        }
    }

    /// Where an instrument is, which may be new, when the time is to be believed.
    #[inline]
    fn find(&mut self, token: Token, time: Nanos) -> Option<usize> {
        if !self.admits(time) {
            return None;
        }
        // Token 0 names no instrument, and its first order would be number 0.
        let at = if token.0 == 0 { None } else { self.slot_of(token) };
        self.counters.instruments_refused += u64::from(at.is_none());
        at
    }

    #[inline]
    fn believes(&mut self, time: Nanos) -> bool {
        let is_near = time.since(self.newest) <= self.config.time_jump_ns;
        if is_near || self.newest == Nanos::ZERO {
            self.newest = self.newest.max(time);
            return true;
        }
        self.confirms(time)
    }

    #[cold]
    fn confirms(&mut self, time: Nanos) -> bool {
        let before = core::mem::replace(&mut self.suspect, time);
        let is_confirmed = before != Nanos::ZERO
            && time.since(before).saturating_abs() <= self.config.time_jump_ns;
        if is_confirmed {
            (self.newest, self.suspect) = (time, Nanos::ZERO);
        }
        is_confirmed
    }

    /// The place in `index` of a token, or the empty one it would have.
    #[inline]
    fn place(&self, token: Token) -> usize {
        // Fibonacci hashing (Knuth, volume 3, section 6.4): tokens come in runs.
        let hash = u64::from(token.0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mask = self.index.len() - 1;
        let mut place = (hash >> 32) as usize & mask;
        while let Some(at) = self.index[place].checked_sub(1) {
            if self.shown[at as usize].token == token {
                break;
            }
            place = (place + 1) & mask;
        }
        place
    }

    fn position(&self, token: Token) -> Option<usize> {
        self.index[self.place(token)].checked_sub(1).map(|at| at as usize)
    }

    /// Where an instrument is, which may be new; `None` when there is no room.
    #[inline]
    fn slot_of(&mut self, token: Token) -> Option<usize> {
        let place = self.place(token);
        if let Some(at) = self.index[place].checked_sub(1) {
            return Some(at as usize);
        }
        if self.shown.len() == self.config.instruments_max {
            return None;
        }
        self.shown.push(Shown::new(token));
        self.index[place] = self.shown.len() as u32;
        Some(self.shown.len() - 1)
    }
}
