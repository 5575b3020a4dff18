//! What the desk begins with: positions held since an earlier day, which count for every check from the
//! first order on, and the corporate actions since.
//!
//! Each position is then kept twice. [`crate::position::Positions`] of the desk and of ledgers count the
//! day: units carried in come at the price the day is counted from, and their profit begins at nought.
//! [`Holdings`] count what was paid, by account, strategy and instrument, by average cost and lot by lot.
//! A desk that nobody told of positions keeps no holdings, and pays one comparison a fill.

use tezi_model::{InstrumentId, InstrumentKind, Money, Px, Qty, Side, StateHasher};

use super::Desk;
use crate::oms::Order;
use crate::position::{
    AdjustError, CARRIED_UNITS_MAX, CarriedLot, CorporateAction, HoldingKey, Holdings, Opening,
    OpeningError, Position,
};
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

/// Keys of holdings there is room for: accounts, strategies and instruments together.
pub const HOLDINGS_MAX: usize = 2_048;
/// Lots of one key. Past it the two newest that trades open become one.
pub const LOTS_MAX: usize = 128;

/// What is held by key, and what is known of the units that were carried in.
///
/// # Invariants
///
/// - `settled` ascends by instrument, each once.
pub(crate) struct Carried {
    holdings: Holdings,
    /// What the units carried in of an instrument were counted at when the day began: paid for before it.
    settled: Vec<(InstrumentId, Money)>,
    /// How much was told, what was refused with it.
    told: u32,
    /// Trades that found no place among the holdings.
    unbooked: u64,
}

impl Carried {
    fn new(day: i32) -> Self {
        Self {
            holdings: Holdings::new(HOLDINGS_MAX, LOTS_MAX, day),
            settled: Vec::new(),
            told: 0,
            unbooked: 0,
        }
    }

    fn settled(&self, instrument: InstrumentId) -> Money {
        let found = self.settled.binary_search_by_key(&instrument, |(id, _)| *id);
        found.ok().and_then(|place| self.settled.get(place)).map_or(Money::ZERO, |(_, it)| *it)
    }

    fn settle(&mut self, instrument: InstrumentId, cost: Money) {
        match self.settled.binary_search_by_key(&instrument, |(id, _)| *id) {
            Ok(place) => self.settled[place].1 += cost,
            Err(place) => self.settled.insert(place, (instrument, cost)),
        }
    }

    fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.write(self.told.into());
        hasher.write(self.unbooked);
        for (instrument, cost) in &self.settled {
            hasher.write(instrument.0.into());
            hasher.write_i128(cost.0);
        }
        self.holdings.hash_into(hasher);
    }
}

/// The key that an order's trades are booked under.
const fn key_of(order: &Order) -> HoldingKey {
    HoldingKey {
        account: order.account.0 as u32,
        strategy: order.strategy.0 as u32,
        instrument: order.instrument,
    }
}

impl Desk {
    /// Takes in what the session begins with.
    ///
    /// # Errors
    ///
    /// [`OpeningError`]; nothing is changed but the count of what was told.
    #[cold]
    pub(crate) fn open_with(&mut self, opening: &Opening) -> Result<(), OpeningError> {
        if self.has_started || self.orders.entered() > 0 {
            return Err(OpeningError::Begun);
        }
        if let (Opening::Begin { day, .. }, None) = (opening, &self.carried) {
            // Before the session, as all memory.
            let mut carried = Carried::new(*day);
            carried.told = 1;
            self.carried = Some(Box::new(carried));
            return Ok(());
        }
        let carried = self.carried.as_mut().ok_or(OpeningError::Order)?;
        carried.told = carried.told.saturating_add(1);
        match opening {
            Opening::Begin { .. } => Err(OpeningError::Order),
            Opening::Lot(lot) => self.carry(lot),
            Opening::Action(action) => self.adjust(action),
        }
    }

    fn carry(&mut self, lot: &CarriedLot) -> Result<(), OpeningError> {
        let &CarriedLot { strategy, account, instrument, net, price, mark, day } = lot;
        self.check_can_be_held(instrument)?;
        let has_strategy = strategy.is_none() || self.ledgers.is_known(strategy);
        let has_account = match self.ledgers.accounts() {
            0 => account.is_none(),
            _ => self.ledgers.is_account(account),
        };
        if !has_strategy || !has_account {
            return Err(OpeningError::UnknownOwner);
        }
        let is_sound = net != 0 && net.unsigned_abs() <= CARRIED_UNITS_MAX as u64;
        if !is_sound || price <= Px::ZERO || mark <= Px::ZERO {
            return Err(OpeningError::OutOfRange);
        }
        let position = self.positions.get(instrument);
        if position.mark.is_some_and(|known| known != mark) {
            return Err(OpeningError::OtherMark);
        }
        let carried = self.carried.as_mut().ok_or(OpeningError::Order)?;
        // Of both sides together: what every ledger holds is then within the bound.
        let held = carried.holdings.units(instrument).saturating_add(net.unsigned_abs());
        if held > CARRIED_UNITS_MAX as u64 {
            return Err(OpeningError::OutOfRange);
        }
        carried.holdings.carry(lot.key(), net, price, day)?;
        carried.settle(instrument, mark.value(net));
        let taken = self.positions.carry(instrument, net, mark);
        assert!(taken, "a position takes units before it is traded, at its mark, within the bound");
        self.ledgers.carry((strategy, account), instrument, net, mark);
        self.note_exposure(instrument);
        Ok(())
    }

    fn adjust(&mut self, action: &CorporateAction) -> Result<(), OpeningError> {
        let &CorporateAction { instrument, ratio, .. } = action;
        self.check_can_be_held(instrument)?;
        match ratio.units(self.held_units(instrument)) {
            Ok(units) if units <= CARRIED_UNITS_MAX => {}
            // Some lot is no whole number then, and says so.
            Err(AdjustError::Fraction) => {}
            _ => return Err(OpeningError::OutOfRange),
        }
        let carried = self.carried.as_mut().ok_or(OpeningError::Order)?;
        let mark = self.positions.get(instrument).mark;
        if mark.is_some_and(|mark| ratio.price(mark).is_none_or(|it| it <= Px::ZERO)) {
            return Err(OpeningError::OutOfRange);
        }
        carried.holdings.adjust_all(instrument, ratio)?;
        self.positions.adjust(instrument, ratio)?;
        self.ledgers.adjust(instrument, ratio);
        self.note_exposure(instrument);
        Ok(())
    }

    /// Units held of an instrument, long and short together.
    fn held_units(&self, instrument: InstrumentId) -> i64 {
        let units = self.carried.as_ref().map_or(0, |it| it.holdings.units(instrument));
        i64::try_from(units).unwrap_or(i64::MAX)
    }

    fn check_can_be_held(&self, instrument: InstrumentId) -> Result<(), OpeningError> {
        let state = self.instruments.get(instrument).ok_or(OpeningError::UnknownInstrument)?;
        match state.definition.kind() {
            InstrumentKind::Spread | InstrumentKind::Index => Err(OpeningError::UnknownInstrument),
            _ => Ok(()),
        }
    }

    /// Books a trade among the holdings, where any are kept.
    #[inline(never)]
    pub(super) fn book_holding(&mut self, order: &Order, quantity: Qty, price: Px) {
        let Some(carried) = &mut self.carried else { return };
        let booked = carried.holdings.on_fill(key_of(order), order.side, quantity, price);
        carried.unbooked += u64::from(booked.is_err());
    }

    /// Takes a trade back from the holdings.
    #[cold]
    pub(super) fn take_back_holding(&mut self, order: &Order, quantity: Qty, price: Px) {
        let Some(carried) = &mut self.carried else { return };
        let (key, side): (_, Side) = (key_of(order), order.side);
        let booked = carried.holdings.on_trade_canceled(key, side, quantity, price);
        carried.unbooked += u64::from(booked.is_err());
    }

    /// The position as collateral counts it: premium of units that were carried in was paid, or taken,
    /// before the session, and is in what is there.
    #[inline]
    pub(super) fn unsettled(&self, instrument: InstrumentId) -> Position {
        let position = self.positions.get(instrument);
        match &self.carried {
            None => position,
            Some(carried) => {
                Position { cost: position.cost - carried.settled(instrument), ..position }
            }
        }
    }

    /// Holdings by key; `None` where none are kept.
    pub(crate) fn holdings(&self) -> Option<&Holdings> {
        self.carried.as_ref().map(|it| &it.holdings)
    }

    /// How many openings were told.
    pub(crate) fn openings(&self) -> u32 {
        self.carried.as_ref().map_or(0, |it| it.told)
    }

    /// Trades that found no place among the holdings.
    pub(crate) fn unbooked(&self) -> u64 {
        self.carried.as_ref().map_or(0, |it| it.unbooked)
    }

    /// Whether holdings are those of the positions, where every trade found a place. O(holdings).
    pub(crate) fn are_holdings_consistent(&self) -> bool {
        let Some(carried) = &self.carried else { return true };
        let holdings = &carried.holdings;
        let of = |id| holdings.iter().filter(move |it| it.key.instrument == id);
        let agrees = |(id, position): (InstrumentId, &Position)| {
            of(id).map(|it| it.average.net).sum::<i64>() == position.net
        };
        let is_booked = carried.unbooked > 0 || self.positions.iter().all(agrees);
        holdings.is_consistent() && is_booked
    }

    /// Folds in what is kept beside positions, where anything is.
    pub(super) fn hash_carried(&self, hasher: &mut StateHasher) {
        if let Some(carried) = &self.carried {
            carried.hash_into(hasher);
        }
    }

    pub(super) fn save_carried(&self, out: &mut SnapshotWriter) {
        out.option(self.carried.as_deref(), |out, carried| {
            let Carried { holdings, settled, told, unbooked } = carried;
            out.part(part::CARRIED, |out| {
                out.u32(*told);
                out.u64(*unbooked);
                out.count(settled.len());
                for (instrument, cost) in settled {
                    out.u32(instrument.0);
                    out.money(*cost);
                }
                holdings.save(out);
            });
        });
    }

    /// Reads it, for a core with so many instruments, behind positions, open orders and collateral.
    pub(super) fn load_carried(
        &mut self,
        instruments: usize,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        if !input.flag()? {
            return Ok(());
        }
        let mut carried = Carried::new(0);
        input.part(part::CARRIED, |input| {
            (carried.told, carried.unbooked) = (input.u32()?, input.u64()?);
            for _ in 0..input.count(instruments, "instruments_max")? {
                let id = InstrumentId(input.index(instruments, "instrument")? as u32);
                let ascends = carried.settled.last().is_none_or(|(last, _)| *last < id);
                input.ensure(ascends, "instrument")?;
                let cost = input.money()?;
                carried.settled.push((id, cost));
            }
            carried.holdings.load(input)
        })?;
        let is_known = |it: &HoldingKey| (it.instrument.0 as usize) < instruments;
        input.ensure(carried.holdings.iter().all(|it| is_known(&it.key)), "holding")?;
        self.carried = Some(Box::new(carried));
        Ok(())
    }

    /// Tells collateral that was read what of it is settled.
    pub(super) fn settle_collateral(&mut self) {
        let Some(carried) = &self.carried else { return };
        let Some(collateral) = &mut self.collateral else { return };
        for &(id, settled) in &carried.settled {
            let position = self.positions.get(id);
            let position = Position { cost: position.cost - settled, ..position };
            collateral.note(id, &position, self.orders.exposure(id));
        }
    }
}
