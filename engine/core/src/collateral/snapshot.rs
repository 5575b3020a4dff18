//! Collateral in a snapshot: what was told. Sums follow from it, positions and open orders.

use super::{Collateral, ContractValuation, UnderlyingValuation};
use crate::instruments::InstrumentTable;
use crate::oms::Orders;
use crate::position::Positions;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Collateral {
    /// Writes every valuation in force, in order.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self { underlyings, contracts, is_reducing, .. } = self;
        out.part(part::COLLATERAL, |out| {
            out.flag(*is_reducing);
            out.count(underlyings.len());
            underlyings.iter().for_each(|(it, _)| out.record(it));
            out.count(contracts.len());
            contracts.iter().for_each(|it| out.record(&it.valuation));
        });
    }

    /// Reads them, with what is held and open of each.
    pub(crate) fn load(
        instruments: &InstrumentTable,
        instruments_max: usize,
        positions: &Positions,
        orders: &Orders,
        input: &mut SnapshotReader<'_>,
    ) -> Result<Self, SnapshotError> {
        let mut it = Self::new(instruments_max);
        input.part(part::COLLATERAL, |input| {
            it.is_reducing = input.flag()?;
            let count = input.count(super::UNDERLYINGS_MAX, "underlyings")?;
            for _ in 0..count {
                let told = it.value_underlying(&input.record::<UnderlyingValuation>()?);
                input.ensure(told.is_ok(), "valuation of an underlying")?;
            }
            let count = input.count(instruments_max, "valued contracts")?;
            for _ in 0..count {
                let told: ContractValuation = input.record()?;
                let id = told.instrument;
                let state = instruments.get(id);
                let told = state.map(|state| it.value_contract(&told, &state.definition));
                input.ensure(told == Some(Ok(())), "valuation of a contract")?;
                it.note(id, &positions.get(id), orders.exposure(id));
            }
            Ok(())
        })?;
        Ok(it)
    }
}
