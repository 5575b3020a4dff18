//! Positions, what they lose in each scenario, and the margin that makes.

use tezi_model::{Money, Px};

use super::open::{Open, OpenSums, Part};
use super::spreads::pair_spreads;
use super::{
    ContractId, ContractKind, ContractTerms, MarginRates, MarginRefusal, RiskArray, UnderlyingId,
    UnderlyingTerms,
};
use crate::pricing::SCENARIO_COUNT;
use crate::venue::Date;

/// Sizes, allocated at construction.
#[derive(Clone, Copy, Debug)]
pub struct PortfolioLimits {
    /// Underlyings.
    pub underlyings_max: usize,
    /// Contracts over all underlyings, at most 65,536.
    pub contracts_max: usize,
    /// Expiries of one underlying.
    pub expiries_max: usize,
}

impl Default for PortfolioLimits {
    fn default() -> Self {
        Self { underlyings_max: 256, contracts_max: 16_384, expiries_max: 24 }
    }
}

/// Largest product of a position with any number of its array. With 65,536 contracts every sum
/// stays within 64 bits.
const PRODUCT_MAX: i64 = 1 << 46;
const CONTRACTS_MAX: usize = 1 << 16;
/// Positions whose products f64 sums exactly: 2⁶ · 2⁴⁶ is below 2⁵³.
const EXACT_MAX: usize = 64;
/// Price units in a paisa.
pub(super) const PAISA: i128 = Px::PAISA as i128;
/// The part of the largest position that may be open on a side: what may be lost of a unit and its
/// price together are at most twice the largest number of its array, and both sides may fill.
pub(super) const QUANTITIES_OF_OPEN: i64 = 4;

/// Margin of a portfolio or a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Margin {
    /// SPAN (initial) margin.
    pub span: Money,
    /// Exposure (extreme loss) margin, on top.
    pub exposure: Money,
}

impl Margin {
    /// Both.
    #[must_use]
    pub fn total(self) -> Money {
        self.span + self.exposure
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { span: self.span + other.span, exposure: self.exposure + other.exposure }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self { span: self.span - other.span, exposure: self.exposure - other.exposure }
    }
}

/// What an order would do to the margin of the whole portfolio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginChange {
    /// Now.
    pub before: Margin,
    /// With the order filled.
    pub after: Margin,
}

impl MarginChange {
    /// What it adds; negative when it frees margin.
    #[must_use]
    pub fn added(self) -> Money {
        self.after.total() - self.before.total()
    }
}

/// How the SPAN margin of one underlying comes about.
///
/// `span = max(0, max(scan + spread_charge, short_option_min) − net_option_value)`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanBreakdown {
    /// Loss in the worst scenario, not below zero.
    pub scan: Money,
    /// That scenario, counted from 1; the first of equals, 0 when none loses.
    pub scenario: u8,
    /// Charge for calendar spreads.
    pub spread_charge: Money,
    /// The least for short options.
    pub short_option_min: Money,
    /// Value of long options less that of short ones.
    pub net_option_value: Money,
    /// The part of the exposure margin that futures bear.
    pub future_exposure: Money,
    /// SPAN and exposure.
    pub margin: Margin,
}

/// One month of one underlying.
#[derive(Clone, Copy, Debug)]
pub(super) struct Month {
    date: Date,
    /// Net composite delta, in 10⁻⁶ units.
    pub(super) delta: i64,
    /// How far open orders may raise it, and lower it.
    pub(super) delta_up: i64,
    pub(super) delta_down: i64,
    /// Net futures, in units.
    pub(super) futures: i64,
    /// Of them, what may still be bought and sold.
    pub(super) future_buys: i64,
    pub(super) future_sells: i64,
    /// Exposure of one unit of the future.
    pub(super) exposure: Px,
    /// Of one unit as the far leg of a spread.
    pub(super) spread_exposure: Px,
    /// Charge for one unit of delta in a spread of which this is the far month.
    pub(super) spread_charge: Px,
}

impl Month {
    /// Takes what hangs on the price of the month's future; on the underlying's while none is known.
    fn set_future(&mut self, price: Px, exposure: Px, rules: &MarginRates) {
        self.exposure = exposure;
        self.spread_exposure = rules.exposure_spread_share.of(exposure);
        self.spread_charge = rules.calendar_spread.of(price);
    }
}

/// Contracts of one underlying that may offset each other.
#[derive(Debug)]
pub(super) struct Group {
    /// Loss by scenario, in paise.
    pub(super) loss: [i64; SCENARIO_COUNT],
    /// Net option value, in price units.
    pub(super) option_value: i128,
    /// Exposure of short options, in price units.
    pub(super) option_exposure: i128,
    /// Units of options sold.
    pub(super) short_options: i64,
    /// The least risk of one of them.
    pub(super) short_option_min: Px,
    /// In order of expiry.
    pub(super) months: Vec<Month>,
    /// What all that makes.
    pub(super) breakdown: SpanBreakdown,
    /// What open orders could add.
    pub(super) open: OpenSums,
    /// The most that the margin can be with them.
    pub(super) worst: Margin,
}

#[derive(Debug)]
pub(super) struct Underlying {
    terms: UnderlyingTerms,
    /// All contracts but those on a last day on which they may not hedge others; and those.
    pub(super) groups: [Group; 2],
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Contract {
    pub(super) underlying: u32,
    pub(super) group: u8,
    pub(super) month: u8,
    pub(super) is_option: bool,
    /// Composite delta of a unit, in 10⁻⁶.
    pub(super) delta: i32,
    pub(super) price: Px,
    /// Exposure of one short unit.
    pub(super) exposure: Px,
    pub(super) quantity_max: i64,
}

impl Contract {
    /// The price in paise, parts rounded up.
    pub(super) const fn paise_up(&self) -> i64 {
        self.price.0.saturating_add(Px::PAISA - 1).div_euclid(Px::PAISA)
    }

    /// Whether a position and open orders of it stay within what sums are sure to hold.
    pub(super) const fn has_room_for(&self, quantity: i64, open: Open) -> bool {
        let most = self.quantity_max.unsigned_abs();
        let open_most = self.quantity_max / QUANTITIES_OF_OPEN;
        quantity.unsigned_abs() <= most
            && 0 <= open.buy
            && open.buy <= open_most
            && 0 <= open.sell
            && open.sell <= open_most
    }

    /// The largest position, with such an array.
    const fn quantity_max(array: &RiskArray, price: Px, is_option: bool) -> i64 {
        let magnitude = array.magnitude() as i64;
        let paise = if is_option { price.0 / Px::PAISA } else { 0 };
        PRODUCT_MAX / if paise > magnitude { paise } else { magnitude }
    }
}

/// What a unit loses by scenario, in paise: a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Losses(pub(super) [i32; SCENARIO_COUNT]);

/// Positions and their margin, kept up to date by the change.
///
/// # Invariants
///
/// - The sums of a group are those over its contracts' positions.
/// - `total` is the sum over all groups' margins, `worst` that with their open orders.
///
/// Orders that are sent and not confirmed are exposure too: [`Self::note`] takes them in, and
/// [`Self::worst`] is the margin whichever part of them fills.
#[derive(Debug)]
pub struct Portfolio {
    limits: PortfolioLimits,
    pub(super) underlyings: Vec<Underlying>,
    pub(super) contracts: Vec<Contract>,
    pub(super) losses: Vec<Losses>,
    pub(super) quantities: Vec<i64>,
    pub(super) open: Vec<Open>,
    total: Margin,
    pub(super) worst: Margin,
}

impl Portfolio {
    /// An empty portfolio. All memory is taken here.
    #[must_use]
    pub fn new(limits: PortfolioLimits) -> Self {
        let limits =
            PortfolioLimits { contracts_max: limits.contracts_max.min(CONTRACTS_MAX), ..limits };
        let limits = PortfolioLimits { expiries_max: limits.expiries_max.min(255), ..limits };
        Self {
            limits,
            underlyings: Vec::with_capacity(limits.underlyings_max),
            contracts: Vec::with_capacity(limits.contracts_max),
            losses: Vec::with_capacity(limits.contracts_max),
            quantities: Vec::with_capacity(limits.contracts_max),
            open: Vec::with_capacity(limits.contracts_max),
            total: Margin::default(),
            worst: Margin::default(),
        }
    }

    /// Makes an underlying known. Start of day: this allocates its months.
    ///
    /// # Errors
    ///
    /// [`MarginRefusal::UnderlyingsFull`], [`MarginRefusal::BadPrice`].
    pub fn add_underlying(
        &mut self,
        terms: UnderlyingTerms,
    ) -> Result<UnderlyingId, MarginRefusal> {
        if self.underlyings.len() >= self.limits.underlyings_max {
            return Err(MarginRefusal::UnderlyingsFull);
        }
        if terms.price <= Px::ZERO || terms.previous_close <= Px::ZERO {
            return Err(MarginRefusal::BadPrice);
        }
        let id = UnderlyingId(self.underlyings.len() as u32);
        let least = terms.rates.short_option_min.of(terms.price);
        let groups = [self.limits.expiries_max, 1].map(|count| Group::new(count, least));
        self.underlyings.push(Underlying { terms, groups });
        Ok(id)
    }

    /// Makes a contract known, without a position.
    ///
    /// # Errors
    ///
    /// [`MarginRefusal`] for an unknown underlying, a bad price, an expired contract, or a bound.
    pub fn add_contract(&mut self, terms: &ContractTerms) -> Result<ContractId, MarginRefusal> {
        let underlying = self
            .underlyings
            .get_mut(terms.underlying.0 as usize)
            .ok_or(MarginRefusal::UnknownUnderlying)?;
        if self.contracts.len() >= self.limits.contracts_max {
            return Err(MarginRefusal::ContractsFull);
        }
        let is_option = matches!(terms.kind, ContractKind::Option { .. });
        if terms.price < Px::ZERO || (terms.price == Px::ZERO && !is_option) {
            return Err(MarginRefusal::BadPrice);
        }
        let rules = &underlying.terms.rates;
        if terms.expiry < rules.date {
            return Err(MarginRefusal::Expired);
        }
        let group = usize::from(terms.expiry == rules.date && !rules.expiry_day_spread);
        let exposure = underlying.terms.exposure_of(terms);
        let count_max = self.limits.expiries_max;
        let month =
            underlying.groups[group].month_of(terms.expiry, &underlying.terms, count_max)?;
        // Months stand in order: a new one moves those behind it, and their contracts.
        if month.is_new {
            for contract in &mut self.contracts {
                let is_here = contract.underlying == terms.underlying.0
                    && usize::from(contract.group) == group;
                if is_here && usize::from(contract.month) >= month.index {
                    contract.month += 1;
                }
            }
        }
        if !is_option {
            let rules = &underlying.terms.rates;
            underlying.groups[group].months[month.index].set_future(terms.price, exposure, rules);
        }
        let id = ContractId(self.contracts.len() as u32);
        self.contracts.push(Contract {
            underlying: terms.underlying.0,
            group: group as u8,
            month: month.index as u8,
            is_option,
            delta: terms.array.delta,
            price: terms.price,
            exposure,
            quantity_max: Contract::quantity_max(&terms.array, terms.price, is_option),
        });
        self.losses.push(Losses(terms.array.loss));
        self.quantities.push(0);
        self.open.push(Open::default());
        Ok(id)
    }

    /// The position in a contract, in units, positive when long; `None` when it is not known.
    #[must_use]
    pub fn quantity(&self, contract: ContractId) -> Option<i64> {
        self.quantities.get(contract.0 as usize).copied()
    }

    /// Margin of the whole portfolio.
    #[must_use]
    pub fn margin(&self) -> Margin {
        self.total
    }

    /// How an underlying's margin comes about: of its contracts, and of those that are on their
    /// last day and stand alone.
    #[must_use]
    pub fn breakdown(&self, underlying: UnderlyingId) -> Option<[SpanBreakdown; 2]> {
        let underlying = self.underlyings.get(underlying.0 as usize)?;
        Some([underlying.groups[0].breakdown, underlying.groups[1].breakdown])
    }

    /// What an underlying's positions lose in each scenario, in the groups of [`Self::breakdown`].
    /// A profit is negative.
    #[must_use]
    pub fn scenario_losses(
        &self,
        underlying: UnderlyingId,
    ) -> Option<[[Money; SCENARIO_COUNT]; 2]> {
        let groups = &self.underlyings.get(underlying.0 as usize)?.groups;
        let money = |loss: i64| Money(i128::from(loss) * PAISA);
        Some([groups[0].loss.map(money), groups[1].loss.map(money)])
    }

    /// What a fill of `change` units (negative: sold) would make of the margin.
    ///
    /// # Errors
    ///
    /// [`MarginRefusal::UnknownContract`], [`MarginRefusal::QuantityTooLarge`].
    #[inline]
    pub fn what_if(
        &self,
        contract: ContractId,
        change: i64,
    ) -> Result<MarginChange, MarginRefusal> {
        let order = self.order(contract, change)?;
        let underlying = &self.underlyings[order.contract.underlying as usize];
        let group = &underlying.groups[usize::from(order.contract.group)];
        let made = group.evaluate(Some(&order));
        let before = self.total;
        let after = before.minus(group.breakdown.margin).plus(made.margin);
        Ok(MarginChange { before, after })
    }

    /// Changes a position by `change` units (negative: sold) and returns the new margin.
    ///
    /// # Errors
    ///
    /// As for [`Self::what_if`]; the portfolio is then as it was.
    pub fn apply(&mut self, contract: ContractId, change: i64) -> Result<Margin, MarginRefusal> {
        let order = self.order(contract, change)?;
        let Order { contract: &of, quantity, .. } = order;
        let underlying = &self.underlyings[of.underlying as usize];
        let made = underlying.groups[usize::from(of.group)].evaluate(Some(&order));
        let index = contract.0 as usize;
        let underlying = &mut self.underlyings[of.underlying as usize];
        let group = &mut underlying.groups[usize::from(of.group)];
        let losses = &self.losses[index];
        let none = Part { contract: &of, losses, quantity, open: Open::default() };
        let open = self.open[index];
        group.swap_open(&Part { open, ..none }, &none);
        group.add_losses(losses, change);
        group.add(&of, quantity, change);
        let none = Part { quantity: quantity + change, ..none };
        group.swap_open(&none, &Part { open, ..none });
        self.quantities[index] = quantity + change;
        self.total = self.total.minus(group.breakdown.margin).plus(made.margin);
        group.breakdown = made;
        let worst = group.worst_now();
        self.worst = self.worst.minus(group.worst).plus(worst);
        group.worst = worst;
        Ok(self.total)
    }

    /// Reckons every sum and margin anew from positions and arrays: after new arrays, or as a
    /// check.
    pub fn recompute(&mut self) -> Margin {
        for underlying in &mut self.underlyings {
            underlying.groups.iter_mut().for_each(Group::clear);
        }
        self.add_all_open();
        // Contracts of one group mostly stand together: their losses are summed in one go.
        let mut rest = &self.contracts[..];
        while let Some(first) = rest.first() {
            let same =
                |it: &&Contract| (it.underlying, it.group) == (first.underlying, first.group);
            let count = rest.iter().take(EXACT_MAX).take_while(same).count();
            let start = self.contracts.len() - rest.len();
            let (run, after) = rest.split_at(count);
            let quantities = &self.quantities[start..start + count];
            let underlying = &mut self.underlyings[first.underlying as usize];
            let group = &mut underlying.groups[usize::from(first.group)];
            group.add_run(&self.losses[start..start + count], quantities);
            group.add_all(run, quantities);
            rest = after;
        }
        (self.total, self.worst) = (Margin::default(), Margin::default());
        for underlying in &mut self.underlyings {
            for group in &mut underlying.groups {
                if group.months.is_empty() {
                    continue; // mostly the group of the last day
                }
                group.breakdown = group.evaluate(None);
                group.worst = group.worst_now();
                self.total = self.total.plus(group.breakdown.margin);
                self.worst = self.worst.plus(group.worst);
            }
        }
        self.total
    }

    /// Reckons the margin of a contract's group anew from its sums.
    pub(super) fn reckon_group(&mut self, index: usize) {
        let of = self.contracts[index];
        let group = &mut self.underlyings[of.underlying as usize].groups[usize::from(of.group)];
        let (margin, worst) = (group.breakdown.margin, group.worst);
        group.breakdown = group.evaluate(None);
        group.worst = group.worst_now();
        self.total = self.total.minus(margin).plus(group.breakdown.margin);
        self.worst = self.worst.minus(worst).plus(group.worst);
    }

    /// Sets a contract's price and array; [`Self::recompute`] must follow, once for many.
    ///
    /// # Errors
    ///
    /// [`MarginRefusal`] for an unknown contract, a bad price, or an array with which the position
    /// is too large.
    pub fn set_contract(
        &mut self,
        contract: ContractId,
        price: Px,
        array: &RiskArray,
    ) -> Result<(), MarginRefusal> {
        let index = contract.0 as usize;
        let at = self.contracts.get_mut(index).ok_or(MarginRefusal::UnknownContract)?;
        if price < Px::ZERO || (price == Px::ZERO && !at.is_option) {
            return Err(MarginRefusal::BadPrice);
        }
        let quantity_max = Contract::quantity_max(array, price, at.is_option);
        let revalued = Contract { quantity_max, ..*at };
        if !revalued.has_room_for(self.quantities[index], self.open[index]) {
            return Err(MarginRefusal::QuantityTooLarge);
        }
        (at.price, at.quantity_max, at.delta) = (price, quantity_max, array.delta);
        if !at.is_option {
            let underlying = &mut self.underlyings[at.underlying as usize];
            let rate = underlying.terms.rates.exposure;
            let concentrated = underlying.terms.rates.exposure_concentrated;
            let is_concentrated = underlying.terms.is_concentrated;
            at.exposure = if is_concentrated { concentrated.max(rate) } else { rate }.of(price);
            let month = &mut underlying.groups[usize::from(at.group)].months[usize::from(at.month)];
            month.set_future(price, at.exposure, &underlying.terms.rates);
        }
        self.losses[index] = Losses(array.loss);
        Ok(())
    }

    /// Whether every sum is that over the positions. For tests; O(contracts).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let mut anew = Self::new(self.limits);
        for underlying in &self.underlyings {
            let groups = [0, 1].map(|group: usize| Group::like(&underlying.groups[group]));
            anew.underlyings.push(Underlying { terms: underlying.terms, groups });
        }
        anew.contracts.extend_from_slice(&self.contracts);
        anew.losses.extend_from_slice(&self.losses);
        anew.quantities.extend_from_slice(&self.quantities);
        anew.open.extend_from_slice(&self.open);
        anew.recompute() == self.total
            && anew.worst == self.worst
            && anew.underlyings.iter().zip(&self.underlyings).all(|(a, b)| {
                a.groups
                    .iter()
                    .zip(&b.groups)
                    .all(|(a, b)| a.breakdown == b.breakdown && a.open == b.open)
            })
    }

    fn order(&self, contract: ContractId, change: i64) -> Result<Order<'_>, MarginRefusal> {
        let index = contract.0 as usize;
        let contract = self.contracts.get(index).ok_or(MarginRefusal::UnknownContract)?;
        let quantity = self.quantities[index];
        let after = quantity.checked_add(change).ok_or(MarginRefusal::QuantityTooLarge)?;
        // `unsigned_abs`: the least integer has no positive twin.
        if after.unsigned_abs() > contract.quantity_max.unsigned_abs() {
            return Err(MarginRefusal::QuantityTooLarge);
        }
        Ok(Order { contract, losses: &self.losses[index], quantity, change })
    }
}

/// A change of one position, checked.
#[derive(Clone, Copy)]
struct Order<'a> {
    contract: &'a Contract,
    losses: &'a Losses,
    /// Before.
    quantity: i64,
    change: i64,
}

impl Order<'_> {
    fn of(&self, is_mine: bool, amount: i64) -> i64 {
        if is_mine { self.change * amount } else { 0 }
    }
}

/// Units sold in a position.
pub(super) fn short(quantity: i64) -> i64 {
    (-quantity).max(0)
}

struct MonthPlace {
    index: usize,
    is_new: bool,
}

impl Group {
    fn new(months_max: usize, short_option_min: Px) -> Self {
        Self {
            loss: [0; SCENARIO_COUNT],
            option_value: 0,
            option_exposure: 0,
            short_options: 0,
            short_option_min,
            months: Vec::with_capacity(months_max),
            breakdown: SpanBreakdown::default(),
            open: OpenSums::default(),
            worst: Margin::default(),
        }
    }

    /// The same months, nothing in them.
    fn like(other: &Self) -> Self {
        let mut group = Self::new(other.months.len(), other.short_option_min);
        group.months.extend_from_slice(&other.months);
        group
    }

    fn clear(&mut self) {
        self.loss = [0; SCENARIO_COUNT];
        (self.option_value, self.option_exposure, self.short_options) = (0, 0, 0);
        for month in &mut self.months {
            (month.delta, month.futures) = (0, 0);
        }
        self.clear_open();
    }

    fn month_of(
        &mut self,
        date: Date,
        terms: &UnderlyingTerms,
        count_max: usize,
    ) -> Result<MonthPlace, MarginRefusal> {
        let index = self.months.partition_point(|month| month.date < date);
        if self.months.get(index).is_some_and(|month| month.date == date) {
            return Ok(MonthPlace { index, is_new: false });
        }
        if self.months.len() >= count_max {
            return Err(MarginRefusal::ExpiriesFull);
        }
        let mut month = Month {
            date,
            delta: 0,
            delta_up: 0,
            delta_down: 0,
            futures: 0,
            future_buys: 0,
            future_sells: 0,
            exposure: Px::ZERO,
            spread_exposure: Px::ZERO,
            spread_charge: Px::ZERO,
        };
        month.set_future(terms.price, Px::ZERO, &terms.rates);
        self.months.insert(index, month);
        Ok(MonthPlace { index, is_new: true })
    }

    #[inline]
    fn add_losses(&mut self, losses: &Losses, change: i64) {
        for (sum, &loss) in self.loss.iter_mut().zip(&losses.0) {
            *sum += change * i64::from(loss);
        }
    }

    /// Adds the losses of up to [`EXACT_MAX`] positions.
    ///
    /// In f64, which every processor multiplies and adds by the register; the products and their
    /// sum are whole numbers below 2⁵³, so this is integer arithmetic.
    #[inline]
    fn add_run(&mut self, losses: &[Losses], quantities: &[i64]) {
        let mut sums = [0.0; SCENARIO_COUNT];
        for (losses, &quantity) in losses.iter().zip(quantities) {
            let quantity = quantity as f64;
            for (sum, &loss) in sums.iter_mut().zip(&losses.0) {
                *sum += quantity * f64::from(loss);
            }
        }
        for (to, &sum) in self.loss.iter_mut().zip(&sums) {
            *to += sum as i64;
        }
    }

    /// Adds positions, but for their losses. The sums stay in registers meanwhile.
    #[inline]
    fn add_all(&mut self, contracts: &[Contract], quantities: &[i64]) {
        let (mut value, mut exposure, mut sold) = (0, 0, 0);
        for (contract, &quantity) in contracts.iter().zip(quantities) {
            let month = &mut self.months[usize::from(contract.month)];
            month.delta += quantity * i64::from(contract.delta);
            if !contract.is_option {
                month.futures += quantity;
                continue;
            }
            value += i128::from(contract.price.0) * i128::from(quantity);
            exposure += i128::from(contract.exposure.0) * i128::from(short(quantity));
            sold += short(quantity);
        }
        self.option_value += value;
        self.option_exposure += exposure;
        self.short_options += sold;
    }

    /// Adds `change` units to a position of `quantity`, but for their losses.
    #[inline]
    fn add(&mut self, contract: &Contract, quantity: i64, change: i64) {
        let month = &mut self.months[usize::from(contract.month)];
        month.delta += change * i64::from(contract.delta);
        if contract.is_option {
            let sold = short(quantity + change) - short(quantity);
            self.option_value += i128::from(contract.price.0) * i128::from(change);
            self.option_exposure += i128::from(contract.exposure.0) * i128::from(sold);
            self.short_options += sold;
        } else {
            month.futures += change;
        }
    }

    /// The margin with an order filled, or as it is.
    #[inline]
    fn evaluate(&self, order: Option<&Order<'_>>) -> SpanBreakdown {
        let (scan, scenario) = self.scan(order);
        let mut option_value = self.option_value;
        let mut option_exposure = self.option_exposure;
        let mut short_options = self.short_options;
        if let Some(order) = order.filter(|order| order.contract.is_option) {
            let sold = short(order.quantity + order.change) - short(order.quantity);
            option_value += i128::from(order.contract.price.0) * i128::from(order.change);
            option_exposure += i128::from(order.contract.exposure.0) * i128::from(sold);
            short_options += sold;
        }
        let spread_charge = self.spread_charge(order);
        let least = self.short_option_min.value(short_options);
        let scan = Money(i128::from(scan) * PAISA);
        let risk = (scan + spread_charge).max(least);
        let net_option_value = Money(option_value);
        // An option changes no future: what the futures bear is then known.
        let futures = match order {
            Some(order) if order.contract.is_option => self.breakdown.future_exposure,
            _ => Money(self.future_exposure(order)),
        };
        SpanBreakdown {
            scan,
            scenario,
            spread_charge,
            short_option_min: least,
            net_option_value,
            margin: Margin {
                span: (risk - net_option_value).max(Money::ZERO),
                exposure: Money(option_exposure) + futures,
            },
            future_exposure: futures,
        }
    }

    /// The worst loss in paise, and its scenario.
    #[inline]
    fn scan(&self, order: Option<&Order<'_>>) -> (i64, u8) {
        let mut loss = self.loss;
        if let Some(order) = order {
            for (sum, &unit) in loss.iter_mut().zip(&order.losses.0) {
                *sum += order.change * i64::from(unit);
            }
        }
        // The maximum first and its place after: both loops are then without a dependency.
        let worst = loss.iter().copied().fold(0, i64::max);
        let place = loss.iter().position(|&sum| sum == worst).filter(|_| worst > 0);
        (worst, place.map_or(0, |place| place as u8 + 1))
    }

    /// Units in spreads × the far month's charge.
    #[inline]
    fn spread_charge(&self, order: Option<&Order<'_>>) -> Money {
        let delta = |index: usize| {
            let more = order.map_or(0, |order| {
                let is_mine = usize::from(order.contract.month) == index;
                order.of(is_mine, i64::from(order.contract.delta))
            });
            self.months[index].delta + more
        };
        let mut charge = 0;
        pair_spreads(self.months.len(), delta, |_, far, size| {
            charge += i128::from(size) * i128::from(self.months[far].spread_charge.0);
        });
        // Mostly it fits a word, whose division is a multiplication.
        Money(match i64::try_from(charge) {
            Ok(charge) => i128::from(charge / i64::from(RiskArray::DELTA_ONE)),
            Err(_) => charge / i128::from(RiskArray::DELTA_ONE),
        })
    }

    /// Exposure of futures: each month's net position, but of a spread a part of the far month.
    #[inline]
    fn future_exposure(&self, order: Option<&Order<'_>>) -> i128 {
        let future = |index: usize| {
            let more = order.map_or(0, |order| {
                let is_mine = usize::from(order.contract.month) == index;
                order.of(is_mine && !order.contract.is_option, 1)
            });
            self.months[index].futures + more
        };
        let unit = |index: usize| i128::from(self.months[index].exposure.0);
        let gross = |index: usize| i128::from(future(index).abs()) * unit(index);
        let mut exposure: i128 = (0..self.months.len()).map(gross).sum();
        pair_spreads(self.months.len(), future, |near, far, size| {
            let spread = i128::from(self.months[far].spread_exposure.0);
            exposure += i128::from(size) * (spread - unit(near) - unit(far));
        });
        exposure
    }
}
