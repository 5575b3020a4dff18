//! Commands to packets of the capital market, in the way of [`OrderEncoder`](super::super::OrderEncoder):
//! templates for what the session fixes, a dozen stores for what the order says.

use tezi_model::{
    AccountDefinition, AccountId, CommandKind, Instrument, InstrumentId, OrderCommand, TimeInForce,
    Token,
};

use super::super::contract::{ContractError, Underlying};
use super::super::encode::{Asked, EncodeError, ORDER_PACKET_SIZE_MAX, order_number};
use super::super::envelope::{self, Checksum};
use super::super::holders::{Holder, Holders};
use super::super::identity::{IdentityError, SessionIdentity};
use super::super::venue_state::VenueOrderState;
use super::super::wire::{
    BeF64, BeI16, BeI32, BeI64, CmOrderEntryRequest, CmOrderEntryRequestTr, CmOrderFlags,
    CmOrderOmRequestTr, Envelope, SecInfo, Text, TransactionCode,
};
use super::securities::Securities;

/// Bytes of a packet with a new order.
const ENTRY_SIZE: usize = Envelope::SIZE + CmOrderEntryRequestTr::SIZE;

/// Bytes of a packet with a modification or cancel.
const CHANGE_SIZE: usize = Envelope::SIZE + CmOrderOmRequestTr::SIZE;

const _: () = assert!(ENTRY_SIZE <= CHANGE_SIZE && CHANGE_SIZE <= ORDER_PACKET_SIZE_MAX);

/// Encodes the orders of one session of the capital market.
///
/// # Invariants
///
/// - The templates hold every field that no command decides, and zeros elsewhere.
#[derive(Clone, Debug)]
pub struct CmOrderEncoder {
    entry: CmOrderEntryRequestTr,
    change: CmOrderOmRequestTr,
    securities: Securities,
    holders: Holders,
    checksum: Checksum,
}

impl CmOrderEncoder {
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
        let (entry, change) = identity.cm_templates()?;
        let (securities, holders) = (Securities::new(instruments), Holders::default());
        Ok(Self { entry, change, securities, holders, checksum })
    }

    /// Makes an account known, as [`OrderEncoder::declare`](super::super::OrderEncoder::declare) does; own
    /// orders have the member's code as their account here.
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
        let own = Text::new(identity.broker_id).map_err(|_| IdentityError::BrokerId)?;
        self.holders.set(account, Holder::new(definition, identity, own)?)
    }

    /// Makes a share known, or known anew; `underlying` is its [`Underlying::Series`].
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
        self.securities.define(id, instrument, underlying)
    }

    /// The token of a security that is defined: the wire has none.
    #[inline]
    #[must_use]
    pub fn token_of(&self, sec_info: &SecInfo) -> Option<Token> {
        self.securities.token_of(sec_info)
    }

    /// Says whether orders from now on are of the pre-open session; the exchange refuses an order
    /// that says otherwise. Off at the start.
    pub const fn set_pre_open(&mut self, pre_open: bool) {
        let bit = if pre_open { CmOrderFlags::PRE_OPEN } else { 0 };
        let state = self.entry.st_order_flags.state & !CmOrderFlags::PRE_OPEN | bit;
        self.entry.st_order_flags.state = state;
        self.change.st_order_flags.state = state;
    }

    /// Writes the packet of a command and returns its size, 158 or 202 bytes.
    ///
    /// `venue` is what a change must echo; a new order does not look at it. `sequence` goes into
    /// the envelope and comes back with the answer (the plain method wants 0). The low half of
    /// the client order id goes into `TransactionId`, which answers bring back by its place.
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

    #[inline]
    fn encode_entry(
        &self,
        command: &OrderCommand,
        sequence: u32,
        out: &mut [u8; ORDER_PACKET_SIZE_MAX],
    ) -> Result<usize, EncodeError> {
        let asked = Asked::of(command)?;
        let sec_info = self.sec_info(command.instrument)?;
        let holder = self.holders.get(command.account)?;
        let (head, message) = out[..ENTRY_SIZE].split_at_mut(Envelope::SIZE);
        let request: &mut CmOrderEntryRequestTr = bytemuck::from_bytes_mut(message);
        *request = self.entry;
        if let Some(holder) = holder {
            request.account_number = holder.account_number;
            request.settlor = holder.settlor;
            request.pan = holder.pan;
            request.pro_client = holder.pro_client;
        }
        request.transcode = BeI16::new(TransactionCode::BOARD_LOT_IN_TR);
        request.sec_info = *sec_info;
        request.buy_sell = asked.buy_sell;
        request.volume = BeI32::new(asked.open);
        request.price = asked.price;
        request.st_order_flags.terms = flags(asked.time_in_force);
        request.transaction_id = BeI32::new(command.client_order_id.0 as i32);
        envelope::seal(bytemuck::from_bytes_mut(head), message, sequence, self.checksum);
        Ok(ENTRY_SIZE)
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
        let sec_info = self.sec_info(command.instrument)?;
        let order_number = order_number(command.order_id.0)?;
        let holder = self.holders.get(command.account)?;
        let (head, message) = out[..CHANGE_SIZE].split_at_mut(Envelope::SIZE);
        let request: &mut CmOrderOmRequestTr = bytemuck::from_bytes_mut(message);
        *request = self.change;
        if let Some(holder) = holder {
            request.account_number = holder.account_number;
            request.settlor = holder.settlor;
            request.pan = holder.pan;
            request.pro_client = holder.pro_client;
        }
        request.transaction_code = BeI16::new(transaction_code);
        request.sec_info = *sec_info;
        request.order_number = BeF64::new(order_number);
        request.buy_sell = asked.buy_sell;
        request.total_vol_remaining = BeI32::new(asked.open);
        request.volume = BeI32::new(asked.open);
        request.volume_filled_today = BeI32::new(asked.filled);
        request.price = asked.price;
        request.entry_date_time = BeI32::new(venue.entry_date_time);
        request.last_modified = BeI32::new(venue.last_modified);
        request.st_order_flags.terms = flags(asked.time_in_force);
        request.transaction_id = BeI32::new(command.client_order_id.0 as i32);
        request.last_activity_reference = BeI64::new(venue.last_activity_reference);
        envelope::seal(bytemuck::from_bytes_mut(head), message, sequence, self.checksum);
        Ok(CHANGE_SIZE)
    }

    /// The kill switch for every order of the user, or for those in one security: symbol and series
    /// blank mean all. The header is the session's to fill.
    ///
    /// # Errors
    ///
    /// [`EncodeError::UnknownInstrument`].
    pub(in super::super) fn kill_switch(
        &self,
        instrument: Option<InstrumentId>,
    ) -> Result<CmOrderEntryRequest, EncodeError> {
        let all = SecInfo { symbol: Text::BLANK, series: Text::BLANK };
        let sec_info = instrument.map_or(Ok(&all), |id| self.sec_info(id))?;
        Ok(CmOrderEntryRequest {
            mod_cxl_by: self.change.modified_cancelled_by,
            sec_info: *sec_info,
            op_broker_id: Text::BLANK,
            suspended: Text::BLANK,
            account_number: self.entry.account_number,
            book_type: self.entry.book_type,
            branch_id: self.entry.branch_id,
            trader_id: self.entry.user_id,
            broker_id: self.entry.broker_id,
            oe_remarks: Text::BLANK,
            settlor: self.entry.settlor,
            pro_client: self.entry.pro_client,
            nnf_field: self.entry.nnf_field,
            pan: self.entry.pan,
            algo_id: self.entry.algo_id,
            ..bytemuck::Zeroable::zeroed()
        })
    }

    #[inline]
    fn sec_info(&self, id: InstrumentId) -> Result<&SecInfo, EncodeError> {
        self.securities.get(id).ok_or(EncodeError::UnknownInstrument)
    }
}

/// The terms byte of a time in force.
#[inline]
const fn flags(time_in_force: TimeInForce) -> u8 {
    match time_in_force {
        TimeInForce::Day => CmOrderFlags::DAY,
        TimeInForce::Ioc => CmOrderFlags::IOC,
    }
}
