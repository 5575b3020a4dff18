//! What positions and open orders tie up, and how much of what is there they may: margin before the
//! trade, position limits by delta, and the mode in which only risk may be reduced.
//!
//! A host tells the core a [`Valuation`] of every underlying and contract before the session begins, and
//! again when the clearing house's file of the hour comes: each is an input and in the journal. From then
//! on [`Portfolio`] keeps the margin whichever part of the open orders fills, one update for every order
//! and fill, and the checks are questions to it:
//!
//! ```text
//! used      = worst margin + option premium paid and to be paid for all open buys
//! available = collateral − loss of the session
//! ```
//!
//! An order that would use more than is available is refused, unless it only takes a position back and
//! adds no margin. When what positions alone use comes to nine tenths of the collateral (limit
//! `reduction-at-bps`), everything open is cancelled and only such orders leave until it is below 85 %
//! (`reduction-until-bps`): the risk-reduction mode in which the exchange would put the member.
//!
//! Source: NSE, risk-reduction mode since 17 Dec 2018 (90 and 85 %); SEBI 29 May 2025 /79 ¶5.5; SEBI
//! CIR/MRD/DP/09/2012.

mod futeq;
mod snapshot;
mod valuation;

use tezi_model::{Instrument, InstrumentId, Money, Px, RejectReason, Side, StateHasher};

use crate::margin::{
    ContractId, ContractKind, ContractTerms, Margin, Open, Portfolio, PortfolioLimits, UnderlyingId,
};
use crate::oms::Exposure;
use crate::position::Position;
use crate::risk::{Checks, GuardLimits, Measure, Proposal};
use crate::venue::Date;
use futeq::{FutEq, Range, Value};

pub use valuation::{ContractValuation, UnderlyingValuation, Valuation, ValuationError};

/// Underlyings there is room for.
const UNDERLYINGS_MAX: usize = 512;
/// Stands for an instrument that nobody valued.
const NONE: u32 = u32::MAX;
/// Basis points of the whole.
const BASIS: i128 = 10_000;

/// What of the collateral is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollateralView {
    /// Margin of the positions.
    pub margin: Margin,
    /// The most it can be, whichever part of the open orders fills.
    pub worst: Margin,
    /// Premium paid for options, less what was taken for those sold; not below nought.
    pub premium: Money,
    /// Whether only risk may be reduced.
    pub is_reducing: bool,
}

/// A contract as it was last told, and what it adds to sums over contracts.
#[derive(Clone, Copy, Debug)]
struct Valued {
    valuation: ContractValuation,
    is_option: bool,
    net: i64,
    open: Open,
    range: Range,
    /// Premium paid, negative when taken.
    paid: Money,
    /// Premium of the open buys, at the price of the valuation.
    to_pay: Money,
}

/// What an order looks like to these checks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CollateralAsk<'a> {
    pub(crate) instrument: InstrumentId,
    pub(crate) definition: &'a Instrument,
    pub(crate) proposal: &'a Proposal,
    pub(crate) limits: &'a GuardLimits,
    /// Of the session; a loss is negative.
    pub(crate) profit: Money,
}

impl CollateralAsk<'_> {
    /// Units that the order adds to what is open; a change counts at the worse of both versions.
    fn added(&self) -> i64 {
        let had = self.proposal.replaces.map_or(0, |(quantity, _)| i64::from(quantity.0));
        i64::from(self.proposal.open_quantity.0).max(had) - had
    }

    const fn has_limits(&self) -> bool {
        let GuardLimits { margin_available, futeq_net_max, futeq_gross_max, .. } = self.limits;
        *margin_available | *futeq_net_max | *futeq_gross_max != 0
    }

    fn available(&self) -> Money {
        Money::from_rupees(self.limits.margin_available) + self.profit.min(Money::ZERO)
    }
}

/// What an order would come to. `None` stands for a contract that nobody valued.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    /// Used if everything open filled at the worst.
    used: Option<Money>,
    /// Whether it uses more than before.
    grows: bool,
    /// Whether it only takes a position back, and adds no margin.
    reduces: bool,
    growth: futeq::Growth,
}

/// See the module.
///
/// # Invariants
///
/// - The portfolio, the sums by underlying and the premiums are those over `contracts`.
pub(crate) struct Collateral {
    portfolio: Portfolio,
    underlyings: Vec<(UnderlyingValuation, FutEq)>,
    /// By [`ContractId`].
    contracts: Vec<Valued>,
    /// By instrument: its contract, or [`NONE`].
    numbers: Box<[u32]>,
    paid: Money,
    to_pay: Money,
    is_reducing: bool,
}

impl Collateral {
    /// Nothing is valued. All memory is taken here.
    pub(crate) fn new(instruments_max: usize) -> Self {
        let limits = PortfolioLimits {
            underlyings_max: UNDERLYINGS_MAX,
            contracts_max: instruments_max,
            ..PortfolioLimits::default()
        };
        Self {
            portfolio: Portfolio::new(limits),
            underlyings: Vec::with_capacity(UNDERLYINGS_MAX),
            contracts: Vec::with_capacity(instruments_max),
            numbers: vec![NONE; instruments_max].into_boxed_slice(),
            paid: Money::ZERO,
            to_pay: Money::ZERO,
            is_reducing: false,
        }
    }

    /// Takes in an underlying.
    ///
    /// # Errors
    ///
    /// [`ValuationError`]; nothing is changed.
    pub(crate) fn value_underlying(
        &mut self,
        it: &UnderlyingValuation,
    ) -> Result<(), ValuationError> {
        if it.number as usize != self.underlyings.len() {
            return Err(ValuationError::Number);
        }
        if !it.is_sound() {
            return Err(ValuationError::OutOfRange);
        }
        self.portfolio.add_underlying(it.terms())?;
        self.underlyings.push((*it, FutEq::new(it.price)));
        Ok(())
    }

    /// Takes in a contract, or new numbers of one.
    ///
    /// # Errors
    ///
    /// [`ValuationError`]; nothing is changed.
    pub(crate) fn value_contract(
        &mut self,
        it: &ContractValuation,
        definition: &Instrument,
    ) -> Result<(), ValuationError> {
        let kind = ContractKind::of(definition).ok_or(ValuationError::NotAContract)?;
        if !it.is_sound() {
            return Err(ValuationError::OutOfRange);
        }
        let number = self.numbers.get(it.instrument.index()).copied();
        match number.ok_or(ValuationError::NotAContract)? {
            NONE => self.add_contract(it, definition, kind),
            number => self.revalue(number as usize, it),
        }
    }

    fn add_contract(
        &mut self,
        it: &ContractValuation,
        definition: &Instrument,
        kind: ContractKind,
    ) -> Result<(), ValuationError> {
        let terms = ContractTerms {
            underlying: UnderlyingId(it.underlying),
            expiry: Date::of(definition.expiry),
            kind,
            price: it.price,
            array: it.array(),
        };
        let id = self.portfolio.add_contract(&terms)?;
        self.numbers[it.instrument.index()] = id.0;
        self.contracts.push(Valued {
            valuation: *it,
            is_option: kind != ContractKind::Future,
            net: 0,
            open: Open::default(),
            range: Range::default(),
            paid: Money::ZERO,
            to_pay: Money::ZERO,
        });
        Ok(())
    }

    fn revalue(&mut self, number: usize, it: &ContractValuation) -> Result<(), ValuationError> {
        let of = &mut self.contracts[number];
        if of.valuation.underlying != it.underlying {
            return Err(ValuationError::Moved);
        }
        self.portfolio.revalue(ContractId(number as u32), it.price, &it.array())?;
        of.valuation = *it;
        let (net, open, paid) = (of.net, of.open, of.paid);
        self.set(number, net, open, paid);
        Ok(())
    }

    /// Takes in position and open orders of an instrument, after either changed.
    #[inline]
    pub(crate) fn note(&mut self, id: InstrumentId, position: &Position, exposure: Exposure) {
        let Some(&number) = self.numbers.get(id.index()) else { return };
        if number == NONE {
            return;
        }
        let open = Open { buy: exposure.buy, sell: exposure.sell };
        // What is too large for the sums counts at the most they hold, and every order is refused.
        let _ = self.portfolio.note(ContractId(number), position.net, open);
        let is_option = self.contracts[number as usize].is_option;
        let paid = if is_option { position.cost - position.realised } else { Money::ZERO };
        self.set(number as usize, position.net, open, paid);
    }

    fn set(&mut self, number: usize, net: i64, open: Open, paid: Money) {
        let of = &mut self.contracts[number];
        let range = Range::of(net, open, of.valuation.futeq_delta);
        let to_pay = if of.is_option { of.valuation.price.value(open.buy) } else { Money::ZERO };
        self.underlyings[of.valuation.underlying as usize].1.swap(&of.range, &range);
        self.paid = self.paid - of.paid + paid;
        self.to_pay = self.to_pay - of.to_pay + to_pay;
        (of.net, of.open, of.range, of.paid, of.to_pay) = (net, open, range, paid, to_pay);
    }

    /// What is used.
    pub(crate) fn view(&self) -> CollateralView {
        CollateralView {
            margin: self.portfolio.margin(),
            worst: self.portfolio.worst(),
            premium: self.paid.max(Money::ZERO),
            is_reducing: self.is_reducing,
        }
    }

    /// Net and gross positions of an underlying as futures, at its price; `None` for a number not told.
    pub(crate) fn futeq(&self, underlying: u32) -> Option<(Money, Money)> {
        self.underlyings.get(underlying as usize).map(|(_, futeq)| (futeq.net(), futeq.gross()))
    }

    /// Whether only risk may be reduced.
    pub(crate) const fn is_reducing(&self) -> bool {
        self.is_reducing
    }

    /// As [`Collateral::futeq`], of the underlying of an instrument; `None` for one that nobody valued.
    pub(crate) fn futeq_of(&self, id: InstrumentId) -> Option<(Money, Money)> {
        let number = *self.numbers.get(id.index()).filter(|&&it| it != NONE)?;
        self.futeq(self.contracts.get(number as usize)?.valuation.underlying)
    }

    /// Margin and premium of what is held, and of what is open at its worst.
    pub(crate) fn needed(&self) -> Money {
        self.portfolio.worst().total() + (self.paid + self.to_pay).max(Money::ZERO)
    }

    /// Whether the mode changes by what positions use now; sets it.
    #[inline]
    pub(crate) fn turn(&mut self, limits: &GuardLimits, profit: Money) -> Option<bool> {
        if limits.reduction_at_bps == 0 || limits.margin_available == 0 {
            let was = core::mem::replace(&mut self.is_reducing, false);
            return was.then_some(false);
        }
        let loss = (Money::ZERO - profit).max(Money::ZERO);
        let used = self.portfolio.margin().total() + self.paid.max(Money::ZERO) + loss;
        let until = match limits.reduction_until_bps {
            0 => limits.reduction_at_bps,
            until => until.min(limits.reduction_at_bps),
        };
        let of = |bps: u32| Money::from_rupees(limits.margin_available).0 * i128::from(bps);
        let is_reducing = match self.is_reducing {
            false => used.0.saturating_mul(BASIS) >= of(limits.reduction_at_bps),
            true => used.0.saturating_mul(BASIS) >= of(until),
        };
        let was = core::mem::replace(&mut self.is_reducing, is_reducing);
        (was != is_reducing).then_some(is_reducing)
    }

    /// Checks a new order or a change. `this` is `None` where nothing was ever valued.
    ///
    /// # Errors
    ///
    /// The reason of highest precedence.
    #[inline]
    pub(crate) fn check(this: Option<&Self>, ask: &CollateralAsk<'_>) -> Result<(), RejectReason> {
        let limits = ask.limits;
        let is_reducing = this.is_some_and(|it| it.is_reducing);
        if !ask.has_limits() && !is_reducing {
            return Ok(());
        }
        let outcome = this.and_then(|it| it.outcome(ask));
        let Some(it) = outcome else { return Self::check_unvalued(ask, is_reducing) };
        let is_over = it.used.is_none_or(|used| used > ask.available());
        if limits.margin_available > 0 && is_over && it.grows && !it.reduces {
            return Err(RejectReason::Margin);
        }
        if is_above(it.growth.net, limits.futeq_net_max) {
            return Err(RejectReason::FutEqNet);
        }
        if is_above(it.growth.gross, limits.futeq_gross_max) {
            return Err(RejectReason::FutEqGross);
        }
        if is_reducing && !it.reduces { Err(RejectReason::RiskReduction) } else { Ok(()) }
    }

    /// What nobody valued uses nobody knows how much.
    #[cold]
    fn check_unvalued(ask: &CollateralAsk<'_>, is_reducing: bool) -> Result<(), RejectReason> {
        if ask.limits.margin_available > 0 {
            return Err(RejectReason::Margin);
        }
        if ContractKind::of(ask.definition).is_some() {
            if ask.limits.futeq_net_max > 0 {
                return Err(RejectReason::FutEqNet);
            }
            if ask.limits.futeq_gross_max > 0 {
                return Err(RejectReason::FutEqGross);
            }
        }
        if is_reducing { Err(RejectReason::RiskReduction) } else { Ok(()) }
    }

    /// What an order would come to; `None` for what nobody valued.
    fn outcome(&self, ask: &CollateralAsk<'_>) -> Option<Outcome> {
        let number = *self.numbers.get(ask.instrument.index()).filter(|&&it| it != NONE)?;
        let of = self.contracts.get(number as usize)?;
        let (side, added) = (ask.proposal.side, ask.added());
        let open = of.open.with(side, added);
        let takes_back = match side {
            Side::Buy => of.net.saturating_add(open.buy) <= 0,
            Side::Sell => open.sell <= of.net,
        };
        let range = Range::of(of.net, open, of.valuation.futeq_delta);
        let futeq = &self.underlyings.get(of.valuation.underlying as usize)?.1;
        let growth = futeq.growth(&of.range, &range);
        let Ok(change) = self.portfolio.worst_if(ContractId(number), open) else {
            return Some(Outcome { used: None, grows: added > 0, reduces: false, growth });
        };
        let (before, after) = (change.before.total(), change.after.total());
        // A price with parts of a paisa is rounded against us: so much is no margin added.
        let reduces = takes_back && after <= before + Px(Px::PAISA).value(added);
        // Buying back what was sold is paid for out of the margin that it frees.
        let is_bought = of.is_option && side == Side::Buy && !reduces;
        let price = ask.proposal.price.max(of.valuation.price);
        let premium = if is_bought { price.value(added) } else { Money::ZERO };
        let used = after + (self.paid + self.to_pay + premium).max(Money::ZERO);
        let grows = after > before || premium > Money::ZERO;
        Some(Outcome { used: Some(used), grows, reduces, growth })
    }

    /// Tells every check of [`Collateral::check`], whether or not an earlier one fails; nothing where
    /// nothing is valued and no limit asks for it.
    pub(crate) fn explain(this: Option<&Self>, ask: &CollateralAsk<'_>, checks: &mut Checks) {
        use RejectReason as R;
        let limits = ask.limits;
        if this.is_none() && !ask.has_limits() {
            return;
        }
        let outcome = this.and_then(|it| it.outcome(ask));
        let money = |money: Option<Money>| money.map_or(Measure::None, Measure::Money);
        let most = |rupees: i64| (rupees > 0).then(|| Money::from_rupees(rupees));
        let is_contract = ContractKind::of(ask.definition).is_some();
        let (margin, net, gross, reduces) = match &outcome {
            Some(it) => {
                let is_over = it.used.is_none_or(|used| used > ask.available());
                let is_refused = is_over && it.grows && !it.reduces;
                (
                    (!is_refused, money(it.used)),
                    (
                        !is_above(it.growth.net, limits.futeq_net_max),
                        money(it.growth.net.map(Value::money)),
                    ),
                    (
                        !is_above(it.growth.gross, limits.futeq_gross_max),
                        money(it.growth.gross.map(Value::money)),
                    ),
                    it.reduces,
                )
            }
            None => {
                let unknown = Measure::Word("never valued");
                ((false, unknown), (!is_contract, unknown), (!is_contract, unknown), false)
            }
        };
        let available = most(limits.margin_available).map(|_| ask.available());
        let pairs = [
            (R::Margin, margin, available),
            (R::FutEqNet, net, most(limits.futeq_net_max)),
            (R::FutEqGross, gross, most(limits.futeq_gross_max)),
        ];
        for (reason, (passed, found), limit) in pairs {
            checks.add(reason, limit.is_none() || passed, found, money(limit));
        }
        let is_reducing = this.is_some_and(|it| it.is_reducing);
        let what = Measure::Word(if reduces { "reduces the risk" } else { "may add to it" });
        let only = if is_reducing { Measure::Word("only what reduces it") } else { Measure::None };
        checks.add(R::RiskReduction, !is_reducing || reduces, what, only);
    }

    /// Folds in what follows from no other state.
    pub(crate) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.write(u64::from(self.is_reducing));
        hasher.write(self.contracts.len() as u64);
        for margin in [self.portfolio.margin(), self.portfolio.worst()] {
            hasher.write_i128(margin.span.0);
            hasher.write_i128(margin.exposure.0);
        }
        hasher.write_i128(self.paid.0);
    }

    /// Whether all sums are those over the contracts. For tests; O(contracts).
    pub(crate) fn is_consistent(&self) -> bool {
        let sum = |of: fn(&Valued) -> Money| {
            self.contracts.iter().map(of).fold(Money::ZERO, |sum, it| sum + it)
        };
        let mut futeqs: Vec<FutEq> =
            self.underlyings.iter().map(|(it, _)| FutEq::new(it.price)).collect();
        for of in &self.contracts {
            let range = Range::of(of.net, of.open, of.valuation.futeq_delta);
            futeqs[of.valuation.underlying as usize].swap(&Range::default(), &range);
        }
        self.portfolio.is_consistent()
            && self.paid == sum(|it| it.paid)
            && self.to_pay == sum(|it| it.to_pay)
            && futeqs.iter().zip(&self.underlyings).all(|(naive, (_, kept))| naive == kept)
    }
}

fn is_above(found: Option<Value>, rupees: i64) -> bool {
    rupees > 0 && found.is_some_and(|found| found.is_above(rupees))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytemuck::Zeroable;
    use tezi_model::{InstrumentKind, Nanos, OptionType, Qty, Segment, Token};
    use tezi_testing::Random;

    fn extreme(random: &mut Random) -> i64 {
        let any = random.below(u64::MAX) as i64;
        [0, 1, -1, 1 << 40, i64::MAX, i64::MIN, any, any >> 24][random.index(8)]
    }

    fn line(random: &mut Random) -> ContractValuation {
        let mut small = |most: i64| (extreme(random) % (most + 1)) as i32;
        let (futeq_delta, delta) = (small(1_000_000), small(2_000_000));
        let loss = std::array::from_fn(|_| small(1_000_000_000));
        let price = Px(extreme(random));
        ContractValuation { price, futeq_delta, delta, loss, ..ContractValuation::zeroed() }
    }

    /// Journals and snapshots are bytes from outside: no number in them may end the process.
    #[test]
    fn numbers_from_anywhere_do_not_panic() {
        let mut random = Random(91);
        let mut valued = 0;
        for _ in 0..3_000 {
            let mut collateral = Collateral::new(2);
            let mut of = UnderlyingValuation::zeroed();
            (of.price, of.previous_close) = (Px(extreme(&mut random)), Px(extreme(&mut random)));
            of.exposure = extreme(&mut random) & ((1 << 39) - 1);
            of.short_option_min = of.exposure;
            (of.calendar_spread, of.deep_otm) = (of.exposure, of.exposure);
            of.date = extreme(&mut random) as i32;
            let _ = collateral.value_underlying(&of);
            for id in [0, 1] {
                let mut definition = Instrument::unknown(Segment::NseFo, Token(1 + id));
                definition.kind_code = InstrumentKind::Future as u8 + random.below(2) as u8;
                definition.option_code = OptionType::Call as u8;
                definition.strike = Px(extreme(&mut random));
                definition.expiry = Nanos(extreme(&mut random));
                for _ in 0..2 {
                    let instrument = InstrumentId(id);
                    let told = ContractValuation { instrument, ..line(&mut random) };
                    valued += u32::from(collateral.value_contract(&told, &definition).is_ok());
                    let position = Position {
                        net: extreme(&mut random),
                        cost: Money(extreme(&mut random).into()),
                        realised: Money(extreme(&mut random).into()),
                        ..Position::default()
                    };
                    let [buy, sell] = [0, 1].map(|_| extreme(&mut random).unsigned_abs() >> 2);
                    let [buy, sell] = [buy, sell].map(|it| it as i64);
                    collateral.note(instrument, &position, Exposure { buy, sell, orders: 1 });
                    let limits = GuardLimits {
                        margin_available: i64::MAX >> 1,
                        futeq_net_max: 1,
                        futeq_gross_max: i64::MAX >> 1,
                        reduction_at_bps: u32::MAX,
                        ..GuardLimits::OFF
                    };
                    let profit = Money(extreme(&mut random).into());
                    let _ = collateral.turn(&limits, profit);
                    let price = Px(extreme(&mut random));
                    let side = Side::BOTH[random.index(2)];
                    let proposal = &Proposal::new_order(side, price, Qty(u32::MAX));
                    let (definition, limits) = (&definition, &limits);
                    let ask = CollateralAsk { instrument, definition, proposal, limits, profit };
                    let verdict = Collateral::check(Some(&collateral), &ask);
                    let mut checks = Checks(Vec::new());
                    Collateral::explain(Some(&collateral), &ask, &mut checks);
                    let first = checks.0.iter().find(|check| !check.passed);
                    assert_eq!(first.map(|check| check.reason), verdict.err());
                }
            }
        }
        assert!(valued > 300, "{valued}");
    }
}
