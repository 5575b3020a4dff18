//! The encoder and decoder of the session's segment.

use tezi_model::{
    AccountDefinition, AccountId, ClientOrderId, Instrument, InstrumentId, Nanos, OrderCommand,
    Segment,
};

use super::super::cm::{CmOrderEncoder, decode_cm};
use super::super::contract::{ContractError, Underlying};
use super::super::decode::{DecodeError, OrderKey, Reply, decode};
use super::super::encode::{EncodeError, ORDER_PACKET_SIZE_MAX, OrderEncoder};
use super::super::envelope::{Checksum, PACKET_SIZE_MAX};
use super::super::header::header;
use super::super::identity::{IdentityError, SessionIdentity};
use super::super::venue_state::VenueOrderState;
use super::super::wire::{CmOrderEntryRequest, MsOeRequest, TransactionCode as Code};
use super::ConfigError;

/// What differs between the segments for every order.
pub(super) enum Encoder {
    /// Futures and options.
    Fo(OrderEncoder),
    /// The capital market.
    Cm(CmOrderEncoder),
}

impl Encoder {
    pub(super) fn new(
        segment: Segment,
        identity: &SessionIdentity<'_>,
        instruments: usize,
    ) -> Result<Self, ConfigError> {
        // The cipher of the connection seals the packet; the encoder has nothing to guard.
        let checksum = Checksum::None;
        Ok(match segment {
            Segment::NseFo => Self::Fo(OrderEncoder::new(identity, checksum, instruments)?),
            Segment::NseCm => Self::Cm(CmOrderEncoder::new(identity, checksum, instruments)?),
            _ => return Err(ConfigError::Segment),
        })
    }

    pub(super) fn define(
        &mut self,
        id: InstrumentId,
        instrument: &Instrument,
        underlying: Underlying,
    ) -> Result<(), ContractError> {
        match self {
            Self::Fo(encoder) => encoder.define(id, instrument, underlying),
            Self::Cm(encoder) => encoder.define(id, instrument, underlying),
        }
    }

    /// Makes an account known.
    pub(super) fn declare(
        &mut self,
        account: AccountId,
        definition: &AccountDefinition,
        identity: &SessionIdentity<'_>,
    ) -> Result<(), IdentityError> {
        match self {
            Self::Fo(encoder) => encoder.declare(account, definition, identity),
            Self::Cm(encoder) => encoder.declare(account, definition, identity),
        }
    }

    /// The encoder of futures and options, in whose segment alone orders of several legs are.
    pub(super) const fn fo(&self) -> Option<&OrderEncoder> {
        match self {
            Self::Fo(encoder) => Some(encoder),
            Self::Cm(_) => None,
        }
    }

    pub(super) const fn set_pre_open(&mut self, pre_open: bool) {
        match self {
            Self::Fo(encoder) => encoder.set_pre_open(pre_open),
            Self::Cm(encoder) => encoder.set_pre_open(pre_open),
        }
    }

    #[inline]
    pub(super) fn encode(
        &self,
        command: &OrderCommand,
        venue: &VenueOrderState,
        sequence: u32,
        out: &mut [u8; ORDER_PACKET_SIZE_MAX],
    ) -> Result<usize, EncodeError> {
        match self {
            Self::Fo(encoder) => encoder.encode(command, venue, sequence, out),
            Self::Cm(encoder) => encoder.encode(command, venue, sequence, out),
        }
    }

    #[inline]
    pub(super) fn decode(
        &self,
        sequence: u32,
        message: &[u8],
        lookup: impl FnOnce(OrderKey) -> Option<ClientOrderId>,
    ) -> Result<Reply, DecodeError> {
        match self {
            Self::Fo(_) => decode(sequence, message, lookup),
            Self::Cm(encoder) => {
                decode_cm(sequence, message, |sec_info| encoder.token_of(sec_info), lookup)
            }
        }
    }

    /// Writes the kill switch of the user, without an envelope; its size.
    pub(super) fn kill_switch(
        &self,
        instrument: Option<InstrumentId>,
        user_id: i32,
        now: Nanos,
        out: &mut [u8; PACKET_SIZE_MAX],
    ) -> Result<usize, EncodeError> {
        let code = Code::KILL_SWITCH_IN;
        match self {
            Self::Fo(encoder) => {
                let mut message = encoder.kill_switch(instrument)?;
                message.header = header(code, user_id, MsOeRequest::SIZE, now);
                out[..MsOeRequest::SIZE].copy_from_slice(bytemuck::bytes_of(&message));
                Ok(MsOeRequest::SIZE)
            }
            Self::Cm(encoder) => {
                let mut message = encoder.kill_switch(instrument)?;
                message.header = header(code, user_id, CmOrderEntryRequest::SIZE, now);
                out[..CmOrderEntryRequest::SIZE].copy_from_slice(bytemuck::bytes_of(&message));
                Ok(CmOrderEntryRequest::SIZE)
            }
        }
    }
}
