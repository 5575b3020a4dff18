//! Master changes.

use crate::wire::nse_broadcast::DecodeError;
use crate::wire::nse_broadcast::field::{difference, price, quantity, time, token, token_or_none};
use crate::wire::nse_broadcast::layout::{
    ContractChange, ContractInfo, Eligibility, SecurityChange, SpreadChange,
};
use crate::wire::nse_broadcast::update::{
    ContractName, ContractUpdate, MarketEligibility, SecurityStatus, SecurityUpdate, SpreadUpdate,
    Text, Update,
};
use tezi_model::{OptionType, Px};

/// The most significant bit: eligible.
const ELIGIBLE: u8 = 1 << 7;

impl Eligibility {
    const fn to_market(self) -> MarketEligibility {
        MarketEligibility {
            is_eligible: self.flags & ELIGIBLE != 0,
            status: SecurityStatus::from_code(self.status.get()),
        }
    }
}

impl ContractInfo {
    fn to_name(self) -> Result<ContractName, DecodeError> {
        Ok(ContractName {
            instrument: Text::new(&self.instrument_name).to_symbol(),
            symbol: Text::new(&self.symbol).to_symbol(),
            expiry: time(self.expiry_date)?,
            // Futures carry 0 or -1 in the place of a strike.
            strike: Px::from_paise(i64::from(self.strike_price.get().max(0))),
            option_type: match &self.option_type {
                b"CE" | b"CA" => Some(OptionType::Call),
                b"PE" | b"PA" => Some(OptionType::Put),
                _ => None,
            },
        })
    }
}

impl ContractChange {
    pub(super) fn update(&self) -> Result<Update<'_>, DecodeError> {
        let token = token(self.token)?;
        let contract = self.sec_info.to_name()?;
        let (low_price_range, high_price_range) =
            (price(self.low_price_range)?, price(self.high_price_range)?);
        if high_price_range < low_price_range {
            return Err(DecodeError::RangeInverted);
        }
        Ok(Update::Contract(ContractUpdate {
            token,
            contract,
            name: Text::new(&self.name),
            is_permitted: self.permitted_to_trade.get() == 1,
            is_deleted: self.delete_flag == b'Y',
            markets: self.eligibility.map(Eligibility::to_market),
            freeze_quantity: quantity(self.freeze_quantity.get())?,
            minimum_lot: quantity(self.minimum_lot_quantity.get())?,
            board_lot: quantity(self.board_lot_quantity.get())?,
            tick: price(self.tick_size)?,
            low_price_range,
            high_price_range,
            base_price: price(self.base_price)?,
            asset_token: token_or_none(self.asset_token)?,
            asset_symbol: Text::new(&self.asset_name).to_symbol(),
            updated: time(self.local_update_date_time)?,
        }))
    }
}

impl SpreadChange {
    pub(super) fn update(&self) -> Result<Update<'_>, DecodeError> {
        let tokens = [token(self.token_1)?, token(self.token_2)?];
        let contracts = [self.sec_info_1.to_name()?, self.sec_info_2.to_name()?];
        let day_range =
            [self.day_low_price_diff_range, self.day_high_price_diff_range].map(difference);
        let operating_range =
            [self.op_low_price_diff_range, self.op_high_price_diff_range].map(difference);
        for [low, high] in [day_range, operating_range] {
            if high < low {
                return Err(DecodeError::RangeInverted);
            }
        }
        Ok(Update::SpreadContract(SpreadUpdate {
            tokens,
            contracts,
            reference_price: difference(self.reference_price),
            day_range,
            operating_range,
            is_eligible: self.eligibility & ELIGIBLE != 0,
            is_deleted: self.delete_flag == b'Y',
        }))
    }
}

impl SecurityChange {
    pub(super) fn update(&self) -> Result<Update<'_>, DecodeError> {
        Ok(Update::Security(SecurityUpdate {
            token: token(self.token)?,
            symbol: Text::new(&self.sec_info.symbol).to_symbol(),
            series: self.sec_info.series,
            name: Text::new(&self.name),
            isin: Text::new(&self.isin_number),
            is_permitted: self.permitted_to_trade.get() == 1,
            is_deleted: self.delete_flag == b'Y',
            markets: self.eligibility.map(Eligibility::to_market),
            board_lot: quantity(self.board_lot_quantity.get())?,
            tick: price(self.tick_size)?,
            face_value: price(self.face_value)?,
            updated: time(self.local_update_date_time)?,
        }))
    }
}
