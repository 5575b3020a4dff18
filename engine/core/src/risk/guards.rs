//! The checks behind those of [`Risk`](super::Risk): limits of an underlying, ranges that move during
//! the day, lists of what may not be traded, loops and rates.
//!
//! Their codes are above those of [`Risk`](super::Risk), so they are checked behind it, in order of
//! code. A check is one look at the instrument and one at its underlying, whatever the number of
//! orders and instruments: what it needs is kept as orders leave and reports come.

mod snapshot;

use tezi_model::{Instrument, InstrumentId, Nanos, Px, Qty, RejectReason, Side, StateHasher};

use super::explain::{Checks, Measure, furthest};
use super::limits::{GuardLimits, Restriction};
use super::underlyings::{Exposed, Underlyings};
use super::{Proposal, through_by};
use crate::oms::Exposure;

/// Segments have codes below this.
const SEGMENTS: usize = 256;

/// Messages of the present second of the clock.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    second: i64,
    count: u32,
}

impl Second {
    const fn count_at(self, now: Nanos) -> u32 {
        if self.second == now.second() { self.count } else { 0 }
    }

    const fn add(&mut self, now: Nanos) {
        self.count = self.count_at(now) + 1;
        self.second = now.second();
    }
}

/// The last new order of an instrument, and how often it came in a row.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    at: Nanos,
    price: Px,
    quantity: Qty,
    side_code: u8,
    times: u32,
}

/// What the checks know of one instrument.
#[derive(Clone, Copy, Debug, Default)]
struct Guarded {
    segment_code: u8,
    restriction: Restriction,
    /// Nought when not known.
    theoretical: Px,
    low: Px,
    high: Px,
    last: Last,
    new_orders: Second,
}

/// What an order looks like to these checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) now: Nanos,
    pub(crate) instrument: InstrumentId,
    pub(crate) proposal: &'a Proposal,
    /// Requests that wait for an answer of the venue.
    pub(crate) in_flight: u32,
}

/// The limits and what of them is used. Off, and without cost, until [`Guards::set_limits`].
pub(crate) struct Guards {
    limits: GuardLimits,
    is_on: bool,
    instruments: Box<[Guarded]>,
    underlyings: Underlyings,
    segments: Box<[Second]>,
}

impl Guards {
    /// Nothing is limited.
    pub(crate) fn new(instruments_max: u32) -> Self {
        Self {
            limits: GuardLimits::default(),
            is_on: false,
            instruments: vec![Guarded::default(); instruments_max as usize].into_boxed_slice(),
            underlyings: Underlyings::new(instruments_max as usize),
            segments: vec![Second::default(); SEGMENTS].into_boxed_slice(),
        }
    }

    /// Sets the limits. The first that a check looks at switches the checks on.
    pub(crate) fn set_limits(&mut self, limits: GuardLimits) {
        self.is_on |= limits.without_marks() != self.limits.without_marks();
        self.limits = limits;
    }

    /// The limits in force.
    pub(crate) const fn limits(&self) -> &GuardLimits {
        &self.limits
    }

    /// An instrument is known, or known better.
    pub(crate) fn on_define(&mut self, id: InstrumentId, definition: &Instrument) {
        if let Some(guarded) = self.instruments.get_mut(id.index()) {
            guarded.segment_code = definition.segment_code;
            self.underlyings.assign(id, definition);
        }
    }

    /// What may be traded in an instrument from now on; `false` for a number not given out.
    pub(crate) fn restrict(&mut self, id: InstrumentId, restriction: Restriction) -> bool {
        self.is_on = true;
        let guarded = self.instruments.get_mut(id.index());
        guarded.map(|guarded| guarded.restriction = restriction).is_some()
    }

    /// The exchange's range for orders now; nought is open. `false` for a number not given out.
    pub(crate) fn set_range(&mut self, id: InstrumentId, low: Px, high: Px) -> bool {
        self.is_on = true;
        let guarded = self.instruments.get_mut(id.index());
        guarded.map(|guarded| (guarded.low, guarded.high) = (low, high)).is_some()
    }

    /// What the instrument is worth in theory, nought when that is not known; `None` for a number that
    /// has no room.
    pub(crate) fn theoretical(&self, id: InstrumentId) -> Option<Px> {
        self.instruments.get(id.index()).map(|guarded| guarded.theoretical)
    }

    /// Sets what the instrument is worth in theory; nought when that is not known any more.
    pub(crate) fn set_theoretical(&mut self, id: InstrumentId, price: Px) {
        if let Some(guarded) = self.instruments.get_mut(id.index()) {
            guarded.theoretical = price;
        }
    }

    /// Notes position and open orders of an instrument, after either changed.
    #[inline]
    pub(crate) fn note(&mut self, id: InstrumentId, net: i64, exposure: Exposure) {
        let Exposure { buy, sell, .. } = exposure;
        self.underlyings.note(id, Exposed { net, buy, sell });
    }

    /// The largest position of an instrument, of either sign, if any part of what is open filled.
    pub(crate) fn worst_position(&self, id: InstrumentId) -> i64 {
        self.underlyings.get(id).0.gross()
    }

    /// The underlying of an instrument by its place, its largest net position if one side filled, and its
    /// gross position, in units.
    pub(crate) fn underlying_use(&self, id: InstrumentId) -> (u32, i64, i64) {
        let (_, sums) = self.underlyings.get(id);
        let net = sums.towards(Side::Buy).max(sums.towards(Side::Sell));
        (self.underlyings.place(id), net, sums.gross)
    }

    /// Checks a new order or a change.
    #[inline]
    pub(crate) fn check(&self, ask: &Ask<'_>) -> Result<(), RejectReason> {
        if !self.is_on {
            return Ok(());
        }
        let Some(guarded) = self.instruments.get(ask.instrument.index()) else { return Ok(()) };
        self.check_price(guarded, ask.proposal)?;
        self.check_exposure(guarded, ask)?;
        self.check_loop(guarded, ask)
    }

    /// Tells every check of [`Guards::check`], whether or not an earlier one fails; nothing while
    /// they are off.
    pub(crate) fn explain(&self, ask: &Ask<'_>, checks: &mut Checks) {
        let Some(it) = self.instruments.get(ask.instrument.index()) else { return };
        if !self.is_on {
            return;
        }
        use RejectReason as R;
        let proposal = ask.proposal;
        let (price, side) = (proposal.price, proposal.side);
        let known = |price: Px| if price.0 > 0 { Measure::Price(price) } else { Measure::None };
        let end = if side == Side::Buy { it.high } else { it.low };
        let is_through = match side {
            Side::Buy => end.0 > 0 && price > end,
            Side::Sell => end.0 > 0 && price < end,
        };
        checks.add(R::PriceProtection, !is_through, Measure::Price(price), known(end));
        let bps = self.limits.theoretical_bps;
        let has_limit = bps > 0 && it.theoretical.0 > 0;
        let most = if has_limit { furthest(proposal, it.theoretical, bps) } else { Px::ZERO };
        let is_near = !has_limit || !through_by(proposal, it.theoretical, bps);
        checks.add(R::TheoreticalPrice, is_near, Measure::Price(price), known(most));
        self.explain_exposure(it, ask, checks);
        self.explain_loop(it, ask, checks);
    }

    /// Counts an order that leaves, or the change of one.
    #[inline]
    pub(crate) fn count(&mut self, ask: &Ask<'_>) {
        let Some(guarded) = self.instruments.get_mut(ask.instrument.index()) else { return };
        if let Some(segment) = self.segments.get_mut(guarded.segment_code as usize) {
            segment.add(ask.now);
        }
        if ask.proposal.replaces.is_none() {
            let times = if guarded.last.is_again(ask, self.limits.duplicate_window_ns) {
                guarded.last.times + 1
            } else {
                1
            };
            let &Proposal { side, price, quantity, .. } = ask.proposal;
            guarded.last = Last { at: ask.now, price, quantity, side_code: side as u8, times };
            guarded.new_orders.add(ask.now);
        }
    }

    /// Folds what was set into the state hash; what only follows from other state is left out, so
    /// that sessions without these checks keep their hash.
    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        for (index, it) in self.instruments.iter().enumerate() {
            let is_set =
                it.restriction != Restriction::None || it.theoretical.0 | it.low.0 | it.high.0 != 0;
            if is_set {
                hasher.write((index as u64) << 8 | it.restriction as u64);
                hasher.write_i64(it.theoretical.0);
                hasher.write_i64(it.low.0);
                hasher.write_i64(it.high.0);
            }
        }
    }

    /// Whether the sums over underlyings are those of their instruments. For tests; O(instruments).
    pub(crate) fn is_consistent(&self) -> bool {
        self.underlyings.is_consistent()
    }

    fn check_price(&self, it: &Guarded, proposal: &Proposal) -> Result<(), RejectReason> {
        // The range protects from trades at bad prices: a buy has no lower end, a sell no upper one.
        let is_through = match proposal.side {
            Side::Buy => it.high.0 > 0 && proposal.price > it.high,
            Side::Sell => it.low.0 > 0 && proposal.price < it.low,
        };
        if is_through {
            return Err(RejectReason::PriceProtection);
        }
        let bps = self.limits.theoretical_bps;
        if bps > 0 && it.theoretical.0 > 0 && through_by(proposal, it.theoretical, bps) {
            return Err(RejectReason::TheoreticalPrice);
        }
        Ok(())
    }

    fn check_exposure(&self, it: &Guarded, ask: &Ask<'_>) -> Result<(), RejectReason> {
        let Proposal { side, open_quantity, replaces, .. } = *ask.proposal;
        // A change in flight counts at the worse of both versions until the venue answers.
        let had = replaces.map_or(0, |(quantity, _)| i64::from(quantity.0));
        let added = i64::from(open_quantity.0).max(had) - had;
        let (before, underlying) = self.underlyings.get(ask.instrument);
        let limits = &self.limits;
        let (net_max, gross_max) = (limits.underlying_net_max, limits.underlying_gross_max);
        if net_max > 0 && underlying.towards(side) + added > net_max {
            return Err(RejectReason::UnderlyingPosition);
        }
        let after = before.with(side, added);
        let grows = after.gross() > before.gross();
        if gross_max > 0 && grows && underlying.gross + after.gross() - before.gross() > gross_max {
            return Err(RejectReason::GrossPosition);
        }
        match it.restriction {
            Restriction::None => Ok(()),
            // With everything open on this side filled, the position has not passed nought.
            Restriction::ReduceOnly if after.towards(side) <= 0 => Ok(()),
            Restriction::ReduceOnly => Err(RejectReason::Banned),
            Restriction::NoBuys if side == Side::Sell => Ok(()),
            Restriction::NoSells if side == Side::Buy => Ok(()),
            _ => Err(RejectReason::Restricted),
        }
    }

    fn explain_exposure(&self, it: &Guarded, ask: &Ask<'_>, checks: &mut Checks) {
        use RejectReason as R;
        let Proposal { side, open_quantity, replaces, .. } = *ask.proposal;
        let had = replaces.map_or(0, |(quantity, _)| i64::from(quantity.0));
        let added = i64::from(open_quantity.0).max(had) - had;
        let (before, underlying) = self.underlyings.get(ask.instrument);
        let limits = &self.limits;
        let net = underlying.towards(side) + added;
        checks.at_most(R::UnderlyingPosition, net, limits.underlying_net_max);
        let after = before.with(side, added);
        let gross = underlying.gross + after.gross() - before.gross();
        let grows = after.gross() > before.gross();
        let most = if grows { limits.underlying_gross_max } else { 0 };
        checks.at_most(R::GrossPosition, gross, most);
        let reduces = after.towards(side) <= 0;
        let is_banned = it.restriction == Restriction::ReduceOnly && !reduces;
        let what = Measure::Word(if reduces { "reduces the position" } else { "may add to it" });
        let may = |is: bool, word| if is { Measure::Word(word) } else { Measure::None };
        let in_ban = it.restriction == Restriction::ReduceOnly;
        checks.add(R::Banned, !is_banned, what, may(in_ban, "only what reduces it"));
        let word = match it.restriction {
            Restriction::NoBuys => "no buys",
            Restriction::NoSells => "no sells",
            Restriction::Nothing => "nothing",
            Restriction::None | Restriction::ReduceOnly => "",
        };
        let is_barred = match it.restriction {
            Restriction::NoBuys => side == Side::Buy,
            Restriction::NoSells => side == Side::Sell,
            Restriction::Nothing => true,
            Restriction::None | Restriction::ReduceOnly => false,
        };
        let asked = Measure::Word(if side == Side::Buy { "a buy" } else { "a sell" });
        checks.add(R::Restricted, !is_barred, asked, may(!word.is_empty(), word));
    }

    fn explain_loop(&self, it: &Guarded, ask: &Ask<'_>, checks: &mut Checks) {
        use RejectReason as R;
        let limits = &self.limits;
        let is_new = ask.proposal.replaces.is_none();
        // Each as the number that this request would make.
        let mut next = |reason, count: u32, most: u32, counts: bool| {
            let most = if counts { i64::from(most) } else { 0 };
            checks.at_most(reason, i64::from(count) + 1, most);
        };
        let is_again = it.last.is_again(ask, limits.duplicate_window_ns);
        let times = if is_again { it.last.times } else { 0 };
        next(R::DuplicateOrder, times, limits.duplicates_max, is_new && is_again);
        let new_orders = it.new_orders.count_at(ask.now);
        next(R::RunawayOrders, new_orders, limits.instrument_orders_max, is_new);
        next(R::InFlight, ask.in_flight, limits.in_flight_max, true);
        let segment = self.segments.get(it.segment_code as usize).copied().unwrap_or_default();
        next(R::OrderRate, segment.count_at(ask.now), limits.segment_orders_max, true);
    }

    fn check_loop(&self, it: &Guarded, ask: &Ask<'_>) -> Result<(), RejectReason> {
        let limits = &self.limits;
        let is_new = ask.proposal.replaces.is_none();
        let is_over = |count: u32, most: u32| most > 0 && count >= most;
        if is_new
            && is_over(it.last.times, limits.duplicates_max)
            && it.last.is_again(ask, limits.duplicate_window_ns)
        {
            return Err(RejectReason::DuplicateOrder);
        }
        if is_new && is_over(it.new_orders.count_at(ask.now), limits.instrument_orders_max) {
            return Err(RejectReason::RunawayOrders);
        }
        if is_over(ask.in_flight, limits.in_flight_max) {
            return Err(RejectReason::InFlight);
        }
        let segment = self.segments.get(it.segment_code as usize).copied().unwrap_or_default();
        if is_over(segment.count_at(ask.now), limits.segment_orders_max) {
            return Err(RejectReason::OrderRate);
        }
        Ok(())
    }
}

impl Last {
    /// Whether an order is the same once more within the window.
    const fn is_again(&self, ask: &Ask<'_>, window_ns: i64) -> bool {
        let Proposal { side, price, quantity, .. } = *ask.proposal;
        self.times > 0
            && self.side_code == side as u8
            && self.price.0 == price.0
            && self.quantity.0 == quantity.0
            && ask.now.0.saturating_sub(self.at.0) < window_ns
    }
}
