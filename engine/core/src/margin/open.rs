//! Margin with open orders counted: the most it can be, whichever part of them fills.
//!
//! A scenario's loss is linear in the positions, so the worst that open orders can do to it is the sum
//! of what each would do alone: exact, and known without trying the fills. So is what options sold
//! would take away. Calendar spreads are not linear: their charge is bounded by the most units that
//! could stand in spreads, at the dearest month's rate, and their relief of exposure by the fewest, at
//! the smallest relief. With nothing open of an underlying its margin is exact.
//!
//! A naive test fills every subset and finds no margin above the bound (`open_tests`).

use tezi_model::{Money, Px, Side};

use super::portfolio::{Contract, Group, Losses, Month, PAISA, QUANTITIES_OF_OPEN, short};
use super::{ContractId, Margin, MarginRefusal, Portfolio, RiskArray};
use crate::pricing::SCENARIO_COUNT;

/// Units of a contract that may still be bought and sold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// Bought, if all of it filled.
    pub buy: i64,
    /// Sold, if all of it filled.
    pub sell: i64,
}

impl Open {
    /// With more open on a side.
    #[must_use]
    pub const fn with(self, side: Side, added: i64) -> Self {
        match side {
            Side::Buy => Self { buy: self.buy + added, ..self },
            Side::Sell => Self { sell: self.sell + added, ..self },
        }
    }

    const fn is_none(self) -> bool {
        self.buy | self.sell == 0
    }
}

/// What a portfolio's open orders would make of its margin with one more, at the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorstChange {
    /// Without the order.
    pub before: Margin,
    /// With it.
    pub after: Margin,
}

/// What the open orders of a group add to each sum at the worst for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenSums {
    /// Loss less the option value gained, by scenario, in paise.
    loss: [i64; SCENARIO_COUNT],
    /// Value of options that may be sold, in price units: what no scenario gives back.
    option_value: i128,
    /// Exposure of options that may become short, in price units.
    option_exposure: i128,
    /// Units of them.
    short_options: i64,
    /// Contracts with anything open.
    contracts: u32,
}

/// What open orders of one contract add.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) contract: &'a Contract,
    pub(super) losses: &'a Losses,
    /// The position.
    pub(super) quantity: i64,
    pub(super) open: Open,
}

impl Part<'_> {
    /// The most that composite delta may rise and fall.
    const fn delta_up_down(&self) -> (i64, i64) {
        let Open { buy, sell } = self.open;
        let delta = self.contract.delta as i64;
        if delta >= 0 { (buy * delta, sell * delta) } else { (-sell * delta, -buy * delta) }
    }

    /// Units of options that become short if all sales fill.
    fn sold_short(&self) -> i64 {
        short(self.quantity - self.open.sell) - short(self.quantity)
    }
}

impl OpenSums {
    /// Takes in what is open of a contract, in place of what was. The position is the same.
    #[inline]
    fn swap(&mut self, before: &Part<'_>, after: &Part<'_>) {
        let contract = after.contract;
        // Rounded against us: a price has parts of a paisa only where the exchange reckoned it.
        let (low, high) = match contract.is_option {
            true => (contract.price.0.div_euclid(Px::PAISA), contract.paise_up()),
            false => (0, 0),
        };
        let bought = after.open.buy - before.open.buy;
        let sold = after.open.sell - before.open.sell;
        // Mostly one side changes: the other's sixteen products are saved.
        let losses = &after.losses.0;
        if bought != 0 {
            for (sum, &loss) in self.loss.iter_mut().zip(losses) {
                *sum += bought * (i64::from(loss) - low).max(0);
            }
        }
        if sold != 0 {
            for (sum, &loss) in self.loss.iter_mut().zip(losses) {
                *sum += sold * (high - i64::from(loss)).max(0);
            }
        }
        if contract.is_option {
            let more = after.sold_short() - before.sold_short();
            self.option_value += i128::from(sold) * i128::from(contract.price.0);
            self.option_exposure += i128::from(more) * i128::from(contract.exposure.0);
            self.short_options += more;
        }
        self.contracts += u32::from(!after.open.is_none());
        self.contracts -= u32::from(!before.open.is_none());
    }
}

/// A change of what is open of one contract, or of its position.
#[derive(Clone, Copy)]
struct Swap<'a> {
    before: Part<'a>,
    after: Part<'a>,
}

impl Swap<'_> {
    fn month(&self) -> usize {
        usize::from(self.before.contract.month)
    }
}

/// What a month could become.
#[derive(Clone, Copy)]
struct MonthRange {
    delta: i64,
    up: i64,
    down: i64,
    futures: i64,
    buys: i64,
    sells: i64,
}

impl MonthRange {
    fn of(month: &Month, swap: Option<&Swap<'_>>) -> Self {
        let Month { delta, futures, delta_up, delta_down, future_buys, future_sells, .. } = *month;
        let mut range = Self {
            delta,
            up: delta_up,
            down: delta_down,
            futures,
            buys: future_buys,
            sells: future_sells,
        };
        if let Some(Swap { before, after }) = swap {
            let ((up, down), (up_after, down_after)) =
                (before.delta_up_down(), after.delta_up_down());
            range.up += up_after - up;
            range.down += down_after - down;
            if !before.contract.is_option {
                range.buys += after.open.buy - before.open.buy;
                range.sells += after.open.sell - before.open.sell;
            }
        }
        range
    }

    /// Futures that stay on their side whatever fills.
    fn kept(&self) -> i64 {
        if self.futures > 0 {
            (self.futures - self.sells).max(0)
        } else {
            (self.futures + self.buys).min(0)
        }
    }
}

impl Group {
    /// Takes in what is open of a contract, in place of what was.
    #[inline]
    pub(super) fn swap_open(&mut self, before: &Part<'_>, after: &Part<'_>) {
        self.open.swap(before, after);
        let month = &mut self.months[usize::from(after.contract.month)];
        let ((up, down), (up_after, down_after)) = (before.delta_up_down(), after.delta_up_down());
        month.delta_up += up_after - up;
        month.delta_down += down_after - down;
        if !after.contract.is_option {
            month.future_buys += after.open.buy - before.open.buy;
            month.future_sells += after.open.sell - before.open.sell;
        }
    }

    /// Forgets what is open.
    pub(super) fn clear_open(&mut self) {
        self.open = OpenSums::default();
        for month in &mut self.months {
            (month.delta_up, month.delta_down) = (0, 0);
            (month.future_buys, month.future_sells) = (0, 0);
        }
    }

    /// The most that the margin can be with what is open.
    pub(super) fn worst_now(&self) -> Margin {
        if self.open.contracts == 0 { self.breakdown.margin } else { self.worst(None) }
    }

    fn worst_with(&self, swap: &Swap<'_>) -> Margin {
        let mut open = self.open;
        open.swap(&swap.before, &swap.after);
        if open.contracts == 0 { self.breakdown.margin } else { self.worst(Some((swap, &open))) }
    }

    fn worst(&self, change: Option<(&Swap<'_>, &OpenSums)>) -> Margin {
        let (swap, open) = match change {
            Some((swap, open)) => (Some(swap), open),
            None => (None, &self.open),
        };
        let sums = self.loss.iter().zip(&open.loss).map(|(sum, more)| sum + more);
        let loss = i128::from(sums.fold(i64::MIN, i64::max)) * PAISA;
        let scan = loss.max(open.option_value);
        let charge = self.spread_charge_max(swap);
        let sold = self.short_options + open.short_options;
        let least = self.short_option_min.value(sold).0 + open.option_value;
        let span = (scan + charge).max(least) - self.option_value;
        let exposure = self.option_exposure + open.option_exposure + self.future_exposure_max(swap);
        Margin { span: Money(span.max(0)), exposure: Money(exposure) }
    }

    fn ranges<'a>(&'a self, swap: Option<&'a Swap<'a>>) -> impl Iterator<Item = MonthRange> + 'a {
        self.months.iter().enumerate().map(move |(index, month)| {
            MonthRange::of(month, swap.filter(|swap| swap.month() == index))
        })
    }

    /// The most units that can stand in calendar spreads, at the dearest far month.
    fn spread_charge_max(&self, swap: Option<&Swap<'_>>) -> i128 {
        let dearest = self.months.iter().skip(1).map(|month| month.spread_charge.0).max();
        let Some(dearest) = dearest else { return 0 };
        let (mut long, mut sold, mut all, mut largest) = (0, 0, 0, 0);
        for MonthRange { delta, up, down, .. } in self.ranges(swap) {
            let (most_long, most_sold) = ((delta + up).max(0), (down - delta).max(0));
            long += most_long;
            sold += most_sold;
            all += most_long.max(most_sold);
            largest = largest.max(most_long).max(most_sold);
        }
        // A month is in no spread with itself: the largest finds its others in the rest.
        let units = long.min(sold).min(all - largest);
        if units == 0 {
            return 0;
        }
        let one = i64::from(RiskArray::DELTA_ONE);
        // Mostly it fits a word, whose division is a multiplication.
        match units.checked_mul(dearest).and_then(|charge| charge.checked_add(one - 1)) {
            Some(charge) => i128::from(charge / one),
            None => (i128::from(units) * i128::from(dearest)) / i128::from(one) + 1,
        }
    }

    /// Each month's futures at their most, less the relief of the spreads that stand whatever fills.
    fn future_exposure_max(&self, swap: Option<&Swap<'_>>) -> i128 {
        let (mut gross, mut long, mut sold) = (0, 0, 0);
        for (month, range) in self.months.iter().zip(self.ranges(swap)) {
            let most = (range.futures + range.buys).abs().max((range.futures - range.sells).abs());
            gross += i128::from(most) * i128::from(month.exposure.0);
            long += range.kept().max(0);
            sold += (-range.kept()).max(0);
        }
        let spreads = long.min(sold);
        if spreads == 0 {
            return gross;
        }
        // Months with options alone have no future to be in a spread.
        let listed = || self.months.iter().filter(|month| month.exposure.0 > 0);
        let near = listed().map(|month| month.exposure.0).min().unwrap_or(0);
        let far = listed().skip(1).map(|month| month.exposure.0 - month.spread_exposure.0).min();
        gross - i128::from(spreads) * i128::from(near + far.unwrap_or(-near))
    }
}

impl Portfolio {
    /// The most that the margin can be, whichever part of the open orders fills.
    ///
    /// Margin of the positions where nothing is open; else never below what any fills would make of
    /// it, and above the worst of them at most by what calendar spreads differ from month to month.
    #[must_use]
    pub const fn worst(&self) -> Margin {
        self.worst
    }

    /// What is open of a contract; `None` when it is not known.
    #[must_use]
    pub fn open(&self, contract: ContractId) -> Option<Open> {
        self.open.get(contract.0 as usize).copied()
    }

    /// What [`Self::worst`] would be with other open orders of a contract.
    ///
    /// # Errors
    ///
    /// [`MarginRefusal::UnknownContract`], [`MarginRefusal::QuantityTooLarge`].
    #[inline]
    pub fn worst_if(&self, contract: ContractId, open: Open) -> Result<WorstChange, MarginRefusal> {
        let index = contract.0 as usize;
        let of = self.contracts.get(index).ok_or(MarginRefusal::UnknownContract)?;
        if !of.has_room_for(self.quantities[index], open) {
            return Err(MarginRefusal::QuantityTooLarge);
        }
        let group = &self.underlyings[of.underlying as usize].groups[usize::from(of.group)];
        let before = self.part(index, self.quantities[index], self.open[index]);
        let after = group.worst_with(&Swap { before, after: Part { open, ..before } });
        let worst = self.worst;
        Ok(WorstChange { before: worst, after: worst.minus(group.worst).plus(after) })
    }

    /// Takes in a contract's position and open orders as they are.
    ///
    /// # Errors
    ///
    /// As for [`Self::worst_if`]. What is too large for the sums counts at the most they hold.
    pub fn note(
        &mut self,
        contract: ContractId,
        quantity: i64,
        open: Open,
    ) -> Result<(), MarginRefusal> {
        let index = contract.0 as usize;
        let of = self.contracts.get(index).ok_or(MarginRefusal::UnknownContract)?;
        let fits = of.has_room_for(quantity, open);
        let most = of.quantity_max;
        let quantity = quantity.clamp(-most, most);
        let most = most / QUANTITIES_OF_OPEN;
        let open = Open { buy: open.buy.clamp(0, most), sell: open.sell.clamp(0, most) };
        let change = quantity - self.quantities[index];
        if change != 0 {
            self.set_open(index, Open::default());
            self.apply(contract, change)?;
        }
        self.set_open(index, open);
        if fits { Ok(()) } else { Err(MarginRefusal::QuantityTooLarge) }
    }

    /// Gives a contract another price and array; its position and open orders stay.
    ///
    /// # Errors
    ///
    /// [`MarginRefusal`] as for [`Self::set_contract`]; the contract is then as it was.
    pub fn revalue(
        &mut self,
        contract: ContractId,
        price: Px,
        array: &RiskArray,
    ) -> Result<(), MarginRefusal> {
        let index = contract.0 as usize;
        let Some(&quantity) = self.quantities.get(index) else {
            return Err(MarginRefusal::UnknownContract);
        };
        let open = self.open[index];
        self.note(contract, 0, Open::default())?;
        let set = self.set_contract(contract, price, array);
        // A future's price is what its month's exposure and charges are parts of.
        self.reckon_group(index);
        // What fitted before and does not now counts at the most that the sums hold.
        let _ = self.note(contract, quantity, open);
        set
    }

    /// Adds what is open of every contract to groups that have nothing open yet.
    pub(super) fn add_all_open(&mut self) {
        for (index, of) in self.contracts.iter().enumerate() {
            let (quantity, open, losses) =
                (self.quantities[index], self.open[index], &self.losses[index]);
            let group = &mut self.underlyings[of.underlying as usize].groups[usize::from(of.group)];
            let none = Part { contract: of, losses, quantity, open: Open::default() };
            group.swap_open(&none, &Part { open, ..none });
        }
    }

    fn set_open(&mut self, index: usize, open: Open) {
        let before = self.open[index];
        if before == open {
            return;
        }
        let of = self.contracts[index];
        let losses = self.losses[index];
        let quantity = self.quantities[index];
        let part = |open| Part { contract: &of, losses: &losses, quantity, open };
        let group = &mut self.underlyings[of.underlying as usize].groups[usize::from(of.group)];
        group.swap_open(&part(before), &part(open));
        self.open[index] = open;
        let worst = group.worst_now();
        self.worst = self.worst.minus(group.worst).plus(worst);
        group.worst = worst;
    }

    fn part(&self, index: usize, quantity: i64, open: Open) -> Part<'_> {
        Part { contract: &self.contracts[index], losses: &self.losses[index], quantity, open }
    }
}
