//! The desk's side of collateral: what it is told, and the mode in which risk is only reduced.

use tezi_model::{InstrumentId, RejectReason};

use super::Desk;
use crate::collateral::{Collateral, CollateralAsk, Valuation, ValuationError};
use crate::output::{Origin, Output, RiskReduction};
use crate::risk::Proposal;

impl Desk {
    /// Takes in a line of a risk file.
    ///
    /// # Errors
    ///
    /// [`ValuationError`]; nothing is changed.
    #[cold]
    pub(crate) fn value(&mut self, valuation: &Valuation) -> Result<(), ValuationError> {
        let instruments_max = self.config.capacity.instruments_max as usize;
        let collateral = self.collateral.get_or_insert_with(|| {
            Box::new(Collateral::new(instruments_max)) // before the session, as all memory
        });
        match valuation {
            Valuation::Underlying(it) => collateral.value_underlying(it)?,
            Valuation::Contract(it) => {
                let state = self.instruments.get(it.instrument);
                let definition = state.map(|state| &state.definition);
                collateral.value_contract(it, definition.ok_or(ValuationError::NotAContract)?)?;
                self.note_collateral(it.instrument);
            }
        }
        Ok(())
    }

    /// Tells the collateral what is held and open of an instrument now.
    #[inline]
    pub(super) fn note_collateral(&mut self, instrument: InstrumentId) {
        if self.collateral.is_some() {
            self.note_valued(instrument);
        }
    }

    #[inline(never)]
    fn note_valued(&mut self, instrument: InstrumentId) {
        let position = self.unsettled(instrument);
        let Some(collateral) = &mut self.collateral else { return };
        collateral.note(instrument, &position, self.orders.exposure(instrument));
        self.look_at_collateral();
        self.look_at_money_use();
    }

    /// Begins or ends risk reduction when what is used asks for it: begun, everything open is cancelled.
    pub(super) fn look_at_collateral(&mut self) {
        let profit = self.positions.profit();
        let Some(collateral) = &mut self.collateral else { return };
        if let Some(is_reducing) = collateral.turn(self.guards.limits(), profit) {
            self.turn(is_reducing);
        }
    }

    #[cold]
    fn turn(&mut self, is_reducing: bool) {
        if is_reducing {
            self.sweep_all();
        }
        if self.has_room(1) {
            self.emit(Origin::CORE, Output::RiskReduction(RiskReduction::new(is_reducing)));
        }
    }

    /// Checks an order against collateral and position limits by delta.
    #[inline]
    pub(super) fn check_collateral(
        &self,
        instrument: InstrumentId,
        proposal: &Proposal,
    ) -> Result<(), RejectReason> {
        match self.collateral_ask(instrument, proposal) {
            Some(ask) => Collateral::check(self.collateral.as_deref(), &ask),
            None => Ok(()),
        }
    }

    pub(super) fn collateral_ask<'a>(
        &'a self,
        instrument: InstrumentId,
        proposal: &'a Proposal,
    ) -> Option<CollateralAsk<'a>> {
        let definition = &self.instruments.get(instrument)?.definition;
        let (limits, profit) = (self.guards.limits(), self.positions.profit());
        Some(CollateralAsk { instrument, definition, proposal, limits, profit })
    }
}
