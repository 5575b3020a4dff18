//! Commands to packets.
//!
//! What a session or an instrument fixes is laid into templates when it becomes known, so that an
//! order costs a copy of the template and a dozen stores. A refused command leaves the buffer as
//! it was.

use core::fmt;

use bytemuck::Zeroable;
use tezi_model::{
    AccountDefinition, AccountId, CommandKind, Instrument, InstrumentId, OrderCommand, Px, Qty,
    Side, TimeInForce,
};

use super::contract::{Contract, ContractError, Underlying};
use super::envelope::{self, Checksum};
use super::holders::{Holder, Holders};
use super::identity::{IdentityError, SessionIdentity};
use super::venue_state::VenueOrderState;
use super::wire::{
    BeF64, BeI16, BeI32, BeI64, BuySell, ContractDesc, MsOeRequest, MsOeRequestTr, MsOmRequestTr,
    OrderChangePacket, OrderEntryPacket, StOrderFlags, Text, TransactionCode,
};

/// Bytes of the largest packet the encoder writes, a modification or cancel.
pub const ORDER_PACKET_SIZE_MAX: usize = OrderChangePacket::SIZE;

const _: () = assert!(OrderEntryPacket::SIZE <= ORDER_PACKET_SIZE_MAX);

/// Why a command cannot go onto the wire. Risk checks belong before the encoder: it refuses only
/// what the protocol cannot say or what would say something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EncodeError {
    /// The command's kind is no known code.
    Kind = 1,
    /// The side is no known code.
    Side = 2,
    /// The time in force is no known code, or for a spread order not the day.
    TimeInForce = 3,
    /// The instrument was never defined to the encoder.
    UnknownInstrument = 4,
    /// A change without the venue's order number, or with one that a double cannot hold.
    OrderNumber = 5,
    /// Quantity zero, above 2^31 - 1, or not above what is filled.
    Quantity = 6,
    /// Price not in whole paise.
    PriceNotPaise = 7,
    /// Price above 2^31 - 1 paise, or not positive: 0 would be a market order. Of a spread a difference of
    /// 9,999,999.90 rupees or more.
    PriceRange = 8,
    /// A book that the segment has not, or that the order's other attributes exclude.
    Book = 9,
    /// A part to show that is more than the order, or of an order that is immediate or cancel.
    Disclosed = 10,
    /// A stop-loss order without a trigger, another order with one, one that the wire cannot hold, or
    /// one on the wrong side of the limit.
    Trigger = 11,
    /// An order of several legs that are not two or three different contracts; attributes or a change
    /// that such an order cannot have; a segment without them.
    Legs = 12,
    /// An account that was never declared, or one other than the session's in an order of several legs.
    Account = 13,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kind => "the command has no known kind",
            Self::Side => "the command has no known side",
            Self::TimeInForce => "the command has no time in force that its order can have",
            Self::UnknownInstrument => "the instrument is not defined to the encoder",
            Self::OrderNumber => "the venue's order number is missing or not exact as a double",
            Self::Quantity => "the quantity must be above what is filled and fit 31 bits",
            Self::PriceNotPaise => "the price must be in whole paise",
            Self::PriceRange => {
                "the price must be positive and fit its field, a difference its range"
            }
            Self::Book => "such an order cannot be in this book",
            Self::Disclosed => {
                "the part to show must be below the order, which must be a day order"
            }
            Self::Legs => "an order of several legs cannot be so",
            Self::Account => "the account is not declared to the encoder",
            Self::Trigger => "a stop-loss order needs a trigger that its limit does not precede",
        })
    }
}

impl core::error::Error for EncodeError {}

/// Encodes the orders of one session.
///
/// # Invariants
///
/// - The templates hold every field that no command decides, and zeros elsewhere.
/// - A place of `contracts` is all zeros exactly when no instrument was defined there.
#[derive(Clone, Debug)]
pub struct OrderEncoder {
    entry: MsOeRequestTr,
    change: MsOmRequestTr,
    /// Indexed by [`InstrumentId`]. Never reallocated.
    contracts: Box<[Contract]>,
    holders: Holders,
    checksum: Checksum,
}

impl OrderEncoder {
    /// An encoder with room for `instruments` instruments and none of them defined.
    ///
    /// # Errors
    ///
    /// [`IdentityError`] names the part of the identity that cannot go onto the wire.
    pub fn new(
        identity: &SessionIdentity<'_>,
        checksum: Checksum,
        instruments: usize,
    ) -> Result<Self, IdentityError> {
        let (entry, change) = identity.templates()?;
        let contracts = vec![Contract::zeroed(); instruments].into_boxed_slice();
        Ok(Self { entry, change, contracts, holders: Holders::default(), checksum })
    }

    /// Makes an account known, numbers from 1 without a hole: commands of it say for whom they are.
    /// `identity` is the session's.
    ///
    /// # Errors
    ///
    /// [`IdentityError`] names what of the account cannot go onto the wire.
    pub fn declare(
        &mut self,
        account: AccountId,
        definition: &AccountDefinition,
        identity: &SessionIdentity<'_>,
    ) -> Result<(), IdentityError> {
        self.holders.set(account, Holder::new(definition, identity, Text::BLANK)?)
    }

    /// Makes an instrument known, or known anew.
    ///
    /// # Errors
    ///
    /// [`ContractError`] when a request cannot name it; what was defined under `id` stays.
    pub fn define(
        &mut self,
        id: InstrumentId,
        instrument: &Instrument,
        underlying: Underlying,
    ) -> Result<(), ContractError> {
        let place = self.contracts.get_mut(id.index()).ok_or(ContractError::Capacity)?;
        *place = Contract::new(instrument, underlying)?;
        Ok(())
    }

    /// Says whether orders from now on are of the pre-open session; the exchange refuses an order
    /// that says otherwise. Off at the start.
    pub const fn set_pre_open(&mut self, pre_open: bool) {
        let state = if pre_open { StOrderFlags::PRE_OPEN } else { 0 };
        self.entry.st_order_flags.state = state;
        self.change.st_order_flags.state = state;
    }

    /// Writes the packet of a command and returns its size, 180 or 208 bytes.
    ///
    /// `venue` is what a change must echo; a new order does not look at it. `sequence` goes into
    /// the envelope and comes back with the answer (the plain method wants 0). The low half of
    /// the client order id goes into the filler, which the immediate acknowledgement returns.
    ///
    /// # Errors
    ///
    /// [`EncodeError`]; `out` is then untouched.
    #[inline]
    pub fn encode(
        &self,
        command: &OrderCommand,
        venue: &VenueOrderState,
        sequence: u32,
        out: &mut [u8; ORDER_PACKET_SIZE_MAX],
    ) -> Result<usize, EncodeError> {
        match command.kind().ok_or(EncodeError::Kind)? {
            CommandKind::New => self.encode_entry(command, sequence, out),
            CommandKind::Replace => {
                let asked = Asked::of(command)?;
                let code = TransactionCode::ORDER_MOD_IN_TR;
                self.encode_change(code, command, &asked, venue, sequence, out)
            }
            CommandKind::Cancel => {
                let asked = Asked::of_cancel(command)?;
                let code = TransactionCode::ORDER_CANCEL_IN_TR;
                self.encode_change(code, command, &asked, venue, sequence, out)
            }
        }
    }

    /// The kill switch for every order of the user, or for those in one contract. The header is the
    /// session's to fill.
    ///
    /// # Errors
    ///
    /// [`EncodeError::UnknownInstrument`].
    pub(super) fn kill_switch(
        &self,
        instrument: Option<InstrumentId>,
    ) -> Result<MsOeRequest, EncodeError> {
        let mut message = MsOeRequest::zeroed();
        message.modified_cancelled_by = self.change.modified_cancelled_by;
        message.token_no = BeI32::new(-1);
        message.contract_desc = ContractDesc {
            instrument_name: Text::BLANK,
            symbol: Text::BLANK,
            option_type: Text::BLANK,
            ..ContractDesc::zeroed()
        };
        if let Some(id) = instrument {
            let Contract { token_no, contract_desc } = *self.contract(id)?;
            message.token_no = token_no;
            message.contract_desc = ContractDesc {
                instrument_name: contract_desc.instrument_name,
                symbol: contract_desc.symbol,
                expiry_date: contract_desc.expiry_date,
                strike_price: contract_desc.strike_price,
                option_type: contract_desc.option_type,
                ca_level: BeI16::new(0),
            };
        }
        message.counter_party_broker_id = Text::BLANK;
        message.closeout_flag = Text::BLANK;
        message.account_number = self.entry.account_number;
        message.book_type = self.entry.book_type;
        message.branch_id = self.entry.branch_id;
        message.trader_id = self.entry.trader_id;
        message.broker_id = self.entry.broker_id;
        message.c_ord_filler = Text::BLANK;
        message.open_close = self.entry.open_close;
        message.settlor = self.entry.settlor;
        message.pro_client_indicator = self.entry.pro_client_indicator;
        message.nnf_field = self.entry.nnf_field;
        message.pan = self.entry.pan;
        message.algo_id = self.entry.algo_id;
        Ok(message)
    }

    #[inline]
    fn encode_entry(
        &self,
        command: &OrderCommand,
        sequence: u32,
        out: &mut [u8; ORDER_PACKET_SIZE_MAX],
    ) -> Result<usize, EncodeError> {
        let asked = Asked::of(command)?;
        let contract = self.contract(command.instrument)?;
        let holder = self.holders.get(command.account)?;
        let packet: &mut OrderEntryPacket =
            bytemuck::from_bytes_mut(&mut out[..OrderEntryPacket::SIZE]);
        let message = &mut packet.message;
        *message = self.entry;
        if let Some(holder) = holder {
            message.account_number = holder.account_number;
            message.settlor = holder.settlor;
            message.pan = holder.pan;
            message.pro_client_indicator = holder.pro_client;
        }
        message.transaction_code = BeI16::new(TransactionCode::BOARD_LOT_IN_TR);
        message.token_no = contract.token_no;
        message.contract_desc = contract.contract_desc;
        message.buy_sell_indicator = asked.buy_sell;
        message.volume = BeI32::new(asked.open);
        message.price = asked.price;
        message.st_order_flags.terms = flags(asked.time_in_force);
        message.filler = BeI32::new(command.client_order_id.0 as i32);
        let message = bytemuck::bytes_of(message);
        envelope::seal(&mut packet.envelope, message, sequence, self.checksum);
        Ok(OrderEntryPacket::SIZE)
    }

    #[inline]
    fn encode_change(
        &self,
        transaction_code: i16,
        command: &OrderCommand,
        asked: &Asked,
        venue: &VenueOrderState,
        sequence: u32,
        out: &mut [u8; ORDER_PACKET_SIZE_MAX],
    ) -> Result<usize, EncodeError> {
        let contract = self.contract(command.instrument)?;
        let order_number = order_number(command.order_id.0)?;
        let holder = self.holders.get(command.account)?;
        let packet: &mut OrderChangePacket = bytemuck::from_bytes_mut(out);
        let message = &mut packet.message;
        *message = self.change;
        if let Some(holder) = holder {
            message.account_number = holder.account_number;
            message.settlor = holder.settlor;
            message.pan = holder.pan;
            message.pro_client_indicator = holder.pro_client;
        }
        message.transaction_code = BeI16::new(transaction_code);
        message.token_no = contract.token_no;
        message.contract_desc = contract.contract_desc;
        message.order_number = BeF64::new(order_number);
        message.buy_sell_indicator = asked.buy_sell;
        message.total_volume_remaining = BeI32::new(asked.open);
        message.volume = BeI32::new(asked.open);
        message.volume_filled_today = BeI32::new(asked.filled);
        message.price = asked.price;
        message.entry_date_time = BeI32::new(venue.entry_date_time);
        message.last_modified = BeI32::new(venue.last_modified);
        message.st_order_flags.terms = flags(asked.time_in_force);
        message.filler = BeI32::new(command.client_order_id.0 as i32);
        message.last_activity_reference = BeI64::new(venue.last_activity_reference);
        let message = bytemuck::bytes_of(message);
        envelope::seal(&mut packet.envelope, message, sequence, self.checksum);
        Ok(OrderChangePacket::SIZE)
    }

    /// What every new order says alike.
    pub(super) const fn entry(&self) -> &MsOeRequestTr {
        &self.entry
    }

    /// What every change says alike.
    pub(super) const fn change(&self) -> &MsOmRequestTr {
        &self.change
    }

    /// The contract of a command, as requests name it.
    #[inline]
    pub(super) fn contract(&self, id: InstrumentId) -> Result<&Contract, EncodeError> {
        let contract = self.contracts.get(id.index()).filter(|contract| contract.is_defined());
        contract.ok_or(EncodeError::UnknownInstrument)
    }
}

/// A command in the wire's terms, whatever its segment.
pub(super) struct Asked {
    pub(super) buy_sell: BeI16,
    pub(super) time_in_force: TimeInForce,
    /// Paise.
    pub(super) price: BeI32,
    /// Units that are, or stay, open.
    pub(super) open: i32,
    /// Units filled.
    pub(super) filled: i32,
}

impl Asked {
    /// What a new order or a modification asks for.
    #[inline]
    pub(super) fn of(command: &OrderCommand) -> Result<Self, EncodeError> {
        let (open, filled) = open_and_filled(command.quantity, command.filled)?;
        if open == 0 {
            return Err(EncodeError::Quantity);
        }
        let price = price(command.price)?;
        if price <= 0 {
            return Err(EncodeError::PriceRange);
        }
        Self::with(command, open, filled, price)
    }

    /// What a cancel says. Price and quantity only describe the order here, so that nothing but
    /// an unsayable one keeps a cancel from leaving.
    #[inline]
    pub(super) fn of_cancel(command: &OrderCommand) -> Result<Self, EncodeError> {
        let (open, filled) = open_and_filled(command.quantity, command.filled)?;
        Self::with(command, open, filled, price(command.price)?)
    }

    #[inline]
    fn with(
        command: &OrderCommand,
        open: i32,
        filled: i32,
        price: i32,
    ) -> Result<Self, EncodeError> {
        let buy_sell = match Side::from_code(command.side_code) {
            Some(Side::Buy) => BuySell::BUY,
            Some(Side::Sell) => BuySell::SELL,
            None => return Err(EncodeError::Side),
        };
        let time_in_force = match command.time_in_force_code {
            code if code == TimeInForce::Day as u8 => TimeInForce::Day,
            code if code == TimeInForce::Ioc as u8 => TimeInForce::Ioc,
            _ => return Err(EncodeError::TimeInForce),
        };
        let (buy_sell, price) = (BeI16::new(buy_sell), BeI32::new(price));
        Ok(Self { buy_sell, time_in_force, price, open, filled })
    }
}

/// The terms byte of a time in force.
#[inline]
const fn flags(time_in_force: TimeInForce) -> u8 {
    match time_in_force {
        TimeInForce::Day => StOrderFlags::DAY,
        TimeInForce::Ioc => StOrderFlags::IOC,
    }
}

/// What stays open and what is filled, both within the wire's range.
#[inline]
pub(super) fn open_and_filled(quantity: Qty, filled: Qty) -> Result<(i32, i32), EncodeError> {
    let open = quantity.0.checked_sub(filled.0).ok_or(EncodeError::Quantity)?;
    match (i32::try_from(quantity.0), i32::try_from(open)) {
        (Ok(quantity), Ok(open)) => Ok((open, quantity - open)),
        _ => Err(EncodeError::Quantity),
    }
}

/// The price in paise.
#[inline]
pub(super) fn price(price: Px) -> Result<i32, EncodeError> {
    let paise = price.to_paise().ok_or(EncodeError::PriceNotPaise)?;
    i32::try_from(paise).map_err(|_| EncodeError::PriceRange)
}

/// The order number as the double the venue sent: exact, or the change would name another order.
#[inline]
pub(super) fn order_number(number: u64) -> Result<f64, EncodeError> {
    let double = number as f64;
    // Of the doubles made from a u64 only 2^64 saturates on its way back.
    if number == 0 || number == u64::MAX || double as u64 != number {
        return Err(EncodeError::OrderNumber);
    }
    Ok(double)
}
