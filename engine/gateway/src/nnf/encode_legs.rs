//! Spreads and orders of several legs to packets (FO 9.48, chapters 5 and 6).
//!
//! They take the templates of other orders, laid out in full, and behind them the further legs. These
//! orders are few, so that nothing is prepared for them.

use bytemuck::Zeroable;
use tezi_model::{
    ClientOrderId, CommandKind, InstrumentId, Nanos, OrderCommand, Px, Qty, Side, TimeInForce,
};

use super::contract::Contract;
use super::encode::{EncodeError, OrderEncoder, open_and_filled, order_number, price};
use super::header::header;
use super::legs::{Legs, LegsForm, join};
use super::server::OrderImage;
use super::venue_state::VenueOrderState;
use super::wire::{
    BeF64, BeI16, BeI32, BeI64, BuySell, ContractDesc, MsOeRequest, MsSpdLegInfo, MsSpdOeRequest,
    StOrderFlags, Text, TransactionCode as Code,
};

/// A difference of prices is below this, in paise, either way (FO 9.48, chapter 5).
const DIFFERENCE_END: u32 = 999_999_990;

/// One leg of an order of two or three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegCommand {
    /// The contract.
    pub instrument: InstrumentId,
    /// The side.
    pub side: Side,
    /// The limit, in whole paise.
    pub price: Px,
    /// Units.
    pub quantity: Qty,
}

/// An order of two or three legs: immediate or cancel, each leg at its own limit, together or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegsCommand {
    /// The engine's number of the order.
    pub client_order_id: ClientOrderId,
    /// The legs, in different contracts; the first two at least.
    pub legs: [Option<LegCommand>; 3],
}

/// What a leg says on the wire.
struct Said<'a> {
    contract: &'a Contract,
    side: Side,
    price: BeI32,
    open: i32,
    filled: i32,
}

impl OrderEncoder {
    /// The message of a spread order, of its change or its cancel. `legs` are the near and the far
    /// contract; the command's price is far less near, which may be zero or less, and its side the
    /// far leg's. `now` goes into the header.
    ///
    /// # Errors
    ///
    /// [`EncodeError`].
    pub fn encode_spread(
        &self,
        command: &OrderCommand,
        legs: [InstrumentId; 2],
        venue: &VenueOrderState,
        now: Nanos,
    ) -> Result<MsSpdOeRequest, EncodeError> {
        let kind = command.kind().ok_or(EncodeError::Kind)?;
        let side = Side::from_code(command.side_code).ok_or(EncodeError::Side)?;
        if command.time_in_force_code != TimeInForce::Day as u8 {
            return Err(EncodeError::TimeInForce);
        }
        let price_diff = price(command.price)?;
        let (open, filled) = open_and_filled(command.quantity, command.filled)?;
        // Nothing about price and quantity keeps a cancel from leaving that can be said at all.
        if kind != CommandKind::Cancel {
            if open == 0 {
                return Err(EncodeError::Quantity);
            }
            if price_diff.unsigned_abs() >= DIFFERENCE_END {
                return Err(EncodeError::PriceRange);
            }
        }
        let said = |contract, side| Said { contract, side, price: BeI32::new(0), open, filled };
        let near = said(self.contract(legs[0])?, side.opposite());
        let far = said(self.contract(legs[1])?, side);
        let (code, mut order) = match kind {
            CommandKind::New => (Code::SPREAD_IN, OrderImage::of_entry(self.entry()).order),
            CommandKind::Replace => (Code::SPREAD_MOD_IN, self.change_of(command, venue)?),
            CommandKind::Cancel => (Code::SPREAD_CANCEL_IN, self.change_of(command, venue)?),
        };
        order.st_order_flags.terms = StOrderFlags::DAY;
        let legs = Legs {
            price_diff: BeI32::new(price_diff),
            second: further(&order, &far),
            third: no_leg(),
        };
        Ok(self.finish(code, order, &near, &legs, now))
    }

    /// The message of an order of two or three legs. `now` goes into the header.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Legs`] for fewer than two legs or one contract twice, and what else
    /// [`EncodeError`] names.
    pub fn encode_legs(
        &self,
        command: &LegsCommand,
        now: Nanos,
    ) -> Result<MsSpdOeRequest, EncodeError> {
        let [Some(first), Some(second), third] = command.legs else {
            return Err(EncodeError::Legs);
        };
        let is_third = |leg: LegCommand| third.is_some_and(|it| it.instrument == leg.instrument);
        if first.instrument == second.instrument || is_third(first) || is_third(second) {
            return Err(EncodeError::Legs);
        }
        let mut order = OrderImage::of_entry(self.entry()).order;
        order.st_order_flags.terms = StOrderFlags::IOC;
        let third_said = third.map(|leg| self.said(leg)).transpose()?;
        let legs = Legs {
            price_diff: BeI32::new(0),
            second: further(&order, &self.said(second)?),
            third: third_said.map_or_else(no_leg, |leg| further(&order, &leg)),
        };
        let code = match command.form() {
            LegsForm::ThreeLegs => Code::THREE_LEG_IN,
            _ => Code::TWO_LEG_IN,
        };
        Ok(self.finish(code, order, &self.said(first)?, &legs, now))
    }

    fn said(&self, leg: LegCommand) -> Result<Said<'_>, EncodeError> {
        let (open, filled) = open_and_filled(leg.quantity, Qty::ZERO)?;
        if open == 0 {
            return Err(EncodeError::Quantity);
        }
        let price = price(leg.price)?;
        if price <= 0 {
            return Err(EncodeError::PriceRange);
        }
        let contract = self.contract(leg.instrument)?;
        Ok(Said { contract, side: leg.side, price: BeI32::new(price), open, filled })
    }

    /// A change as far as it is the same for all legs.
    fn change_of(
        &self,
        command: &OrderCommand,
        venue: &VenueOrderState,
    ) -> Result<MsOeRequest, EncodeError> {
        let number = order_number(command.order_id.0)?;
        Ok(MsOeRequest {
            order_number: BeF64::new(number),
            entry_date_time: BeI32::new(venue.entry_date_time),
            last_modified: BeI32::new(venue.last_modified),
            last_activity_reference: BeI64::new(venue.last_activity_reference),
            ..OrderImage::of_change(self.change()).order
        })
    }

    fn finish(
        &self,
        code: i16,
        mut order: MsOeRequest,
        first: &Said<'_>,
        legs: &Legs,
        now: Nanos,
    ) -> MsSpdOeRequest {
        let symbol: [u8; 10] = bytemuck::cast(first.contract.contract_desc.symbol);
        order.header = header(code, self.entry().user_id.get(), MsSpdOeRequest::SIZE, now);
        order.header.alpha_char = [symbol[0], symbol[1]];
        // Where the structure of one contract has reserved bytes, this one has two texts; where that
        // has the close-out flag, this one a filler.
        order.reserved_3 = *b"    ";
        order.closeout_flag = Text::letter(0);
        order.token_no = first.contract.token_no;
        order.contract_desc = descriptor(first.contract);
        order.buy_sell_indicator = buy_sell(first.side);
        order.total_volume_remaining = BeI32::new(first.open);
        order.volume = BeI32::new(first.open);
        order.volume_filled_today = BeI32::new(first.filled);
        order.price = first.price;
        join(&order, legs)
    }
}

impl LegsCommand {
    /// The form of the order.
    #[must_use]
    pub const fn form(&self) -> LegsForm {
        if self.legs[2].is_some() { LegsForm::ThreeLegs } else { LegsForm::TwoLegs }
    }
}

/// A further leg of an order.
fn further(order: &MsOeRequest, leg: &Said<'_>) -> MsSpdLegInfo {
    MsSpdLegInfo {
        token2: leg.contract.token_no,
        contract_desc: descriptor(leg.contract),
        buy_sell2: buy_sell(leg.side),
        total_vol_remaining2: BeI32::new(leg.open),
        volume2: BeI32::new(leg.open),
        volume_filled_today2: BeI32::new(leg.filled),
        price2: leg.price,
        st_order_flags: order.st_order_flags,
        open_close2: order.open_close,
        additional_order_flags: order.additional_order_flags,
        ..no_leg()
    }
}

/// A leg that is not there: numbers zero, texts blank.
fn no_leg() -> MsSpdLegInfo {
    let contract_desc = ContractDesc {
        instrument_name: Text::BLANK,
        symbol: Text::BLANK,
        option_type: Text::BLANK,
        ..ContractDesc::zeroed()
    };
    MsSpdLegInfo {
        contract_desc,
        op_broker_id2: Text::BLANK,
        open_close2: Text::BLANK,
        ..MsSpdLegInfo::zeroed()
    }
}

fn descriptor(contract: &Contract) -> ContractDesc {
    let named = contract.contract_desc;
    ContractDesc {
        instrument_name: named.instrument_name,
        symbol: named.symbol,
        expiry_date: named.expiry_date,
        strike_price: named.strike_price,
        option_type: named.option_type,
        ca_level: BeI16::new(0),
    }
}

const fn buy_sell(side: Side) -> BeI16 {
    BeI16::new(match side {
        Side::Buy => BuySell::BUY,
        Side::Sell => BuySell::SELL,
    })
}
