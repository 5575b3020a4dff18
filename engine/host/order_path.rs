//! Commands to the bytes of an order session.

use tezi_core::InstrumentTable;
use tezi_gateway::nnf::{
    Account, Checksum, EncodeError, ORDER_PACKET_SIZE_MAX, OrderEncoder, SelfTrade,
    SessionIdentity, Underlying, UserRole, VenueOrderState,
};
use tezi_model::{AccountDefinition, AccountId, InstrumentId, Nanos, OrderCommand};

use crate::clock::Clock;
use crate::error::Error;
use crate::orders::{CommandOrigin, Incoming, OrderLink};

/// Where commands go.
pub(crate) enum OrderWay {
    /// To the venue inside the core; the bytes of an order session are made and go nowhere.
    Inside(Box<OrderPath>),
    /// To the thread of an order session.
    Session(OrderLink),
}

impl OrderWay {
    /// Makes instruments known that were not before.
    #[inline]
    pub(crate) fn learn(&mut self, instruments: &InstrumentTable) {
        if let Self::Inside(path) = self {
            path.learn(instruments);
        }
    }

    /// Sends a command on.
    #[inline]
    pub(crate) fn send(
        &mut self,
        command: &OrderCommand,
        origin: CommandOrigin,
        clock: &Clock,
        now: Nanos,
    ) {
        match self {
            Self::Inside(path) => {
                std::hint::black_box(path.encode(command));
            }
            Self::Session(link) => link.send(command, origin, clock.raw(), now),
        }
    }

    /// Has the exchange asked to cancel every order of the user; nothing is, where none leaves.
    #[cold]
    pub(crate) fn kill_user(&mut self, origin: CommandOrigin, clock: &Clock) {
        if let Self::Session(link) = self {
            link.kill_user(origin, clock.raw());
        }
    }

    /// The next thing that the thread of an order session says.
    #[inline]
    pub(crate) fn next_incoming(&mut self) -> Option<Incoming> {
        match self {
            Self::Inside(_) => None,
            Self::Session(link) => link.next(),
        }
    }
}

/// Encodes what leaves as NNF packets.
///
/// With the venue inside the core the bytes go nowhere: they are made so that the path measured is
/// the path of a live order. The identity is of no real member.
pub(crate) struct OrderPath {
    encoder: OrderEncoder,
    defined: usize,
    sequence: u32,
    buffer: [u8; ORDER_PACKET_SIZE_MAX],
    /// Packets made.
    packets: u64,
    /// Commands that NNF cannot say.
    pub(crate) unsaid: u64,
    /// Why the first of them could not be said.
    first_error: Option<EncodeError>,
}

/// Who trades where nothing leaves.
const NOBODY: SessionIdentity<'static> = SessionIdentity {
    user_id: 1,
    trader_id: 1,
    role: UserRole::Dealer,
    branch_id: 1,
    broker_id: "00000",
    account: Account::Proprietary,
    settlor: "",
    pan: "PAN_EXEMPT",
    nnf_id: 111_111_111_111_000,
    algo_id: 0,
    self_trade: SelfTrade::ExchangeDefault,
    cancel_on_logoff: true,
};

impl OrderPath {
    pub(crate) fn new(instruments_max: u32) -> Result<Self, Error> {
        let instruments = instruments_max as usize;
        // The encryption of a live session seals the packet; there is none here to do it.
        let encoder = OrderEncoder::new(&NOBODY, Checksum::None, instruments)
            .map_err(|error| Error::Parameter(format!("order session: {error}")))?;
        let buffer = [0; ORDER_PACKET_SIZE_MAX];
        Ok(Self {
            encoder,
            defined: 0,
            sequence: 0,
            buffer,
            packets: 0,
            unsaid: 0,
            first_error: None,
        })
    }

    /// Makes an account known.
    pub(crate) fn declare(
        &mut self,
        account: AccountId,
        definition: &AccountDefinition,
    ) -> Result<(), Error> {
        self.encoder
            .declare(account, definition, &NOBODY)
            .map_err(|error| Error::Parameter(format!("account {}: {error}", definition.name())))
    }

    /// Makes instruments known that were not before.
    pub(crate) fn learn(&mut self, instruments: &InstrumentTable) {
        while self.defined < instruments.len() {
            let id = InstrumentId(self.defined as u32);
            if let Some(state) = instruments.get(id) {
                // One that has no contract yet stays undefined; its commands are counted as unsaid.
                let _ = self.encoder.define(id, &state.definition, Underlying::Index);
            }
            self.defined += 1;
        }
    }

    /// Encodes a command and returns the packet; empty when NNF cannot say it.
    #[inline]
    pub(crate) fn encode(&mut self, command: &OrderCommand) -> &[u8] {
        self.sequence = self.sequence.wrapping_add(1);
        let venue = VenueOrderState::default();
        match self.encoder.encode(command, &venue, self.sequence, &mut self.buffer) {
            Ok(size) => {
                self.packets += 1;
                &self.buffer[..size]
            }
            Err(error) => {
                self.unsaid += 1;
                self.first_error.get_or_insert(error);
                &[]
            }
        }
    }

    /// What to tell the user of commands that could not be said.
    pub(crate) fn note(&self) -> Option<String> {
        let (error, unsaid) = (self.first_error?, self.unsaid);
        Some(format!("{unsaid} order messages were not encoded; of the first, {error}"))
    }
}
