//! BSE EOBI: every order and trade of a product, order by order, on T7 framing.
//!
//! Source: "EOBI Data Manual" 1.4 (July 2025), in short EOBI 1.4. Little-endian, everything a
//! multiple of 8 bytes. A datagram is of one product and holds a packet header and messages:
//!
//! ```text
//! 0                                32      34          36         40
//! packet header (template 13002) … BodyLen TemplateID  MsgSeqNum  body …    BodyLen counts itself
//! ```
//!
//! [`packet`] checks the packet header, [`Packet::messages`] walks the messages, and
//! [`Message::to_event`] makes the model's events. There is no order id: [`order_id`] makes one of
//! the key the exchange gives. [`Sequencer`] arbitrates two lines, finds what is lost and puts a
//! product's books right again from the snapshot channel. The layouts, and what is done where the
//! manual is silent, are in `docs/wire/bse_eobi.md`.

mod decode;
mod encode;
mod error;
mod event;
mod feed;
mod layout;
mod product;
mod sequencer;
#[cfg(test)]
mod sequencer_tests;
#[cfg(test)]
mod tests;
mod window;

pub use decode::{Frame, Frames, Message, Messages, Packet, packet};
pub use encode::{Order, PacketBuilder};
pub use error::DecodeError;
pub use event::{PacketContext, order_id};
pub use layout::{
    AddComplexInstrument, AuctionClearingPrice, BestBidOffer, Execution, ExecutionSummary,
    Heartbeat, InstrumentInfo, InstrumentState, InstrumentSummary, Leg, LppRange, MdEntry,
    MessageHeader, OrderAdd, OrderDelete, OrderDetails, OrderMassDelete, OrderModify,
    OrderModifySamePriority, PRICE_NULL, PacketHeader, ProductState, ProductSummary, SEQUENCE_NULL,
    SnapshotOrder, TradeReversal, template,
};
pub use product::{ProductCounters, ProductStatus};
pub use sequencer::{
    Channel, ConfigError, LineCounters, Sequencer, SequencerConfig, SequencerCounters, SnapshotEnd,
};
