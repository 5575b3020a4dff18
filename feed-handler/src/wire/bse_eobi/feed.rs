//! The products of a sequencer, and what reads their packets.
//!
//! A packet is read as a whole before any of it is applied: one with a bad message changes nothing.

use tezi_model::{Event, Nanos, StreamId, Token};

use super::event::{PacketContext, time, token};
use super::layout::{PacketHeader, SEQUENCE_NULL};
use super::product::{Product, Stamp};
use super::sequencer::{Channel, SequencerConfig, SequencerCounters, SnapshotEnd};
use super::{DecodeError, Message, Packet};
use crate::Line;
use crate::arbitration::batch::Batch;

/// What a message means for its product; the event of one that has none is `None`.
#[derive(Clone, Copy, Debug)]
enum Item {
    Message(u32, Option<Event>),
    MassDelete(u32, Event),
    Heartbeat(u32),
    /// A template this version does not know.
    Unknown(u32),
    /// A message of an instrument that the model has no token for.
    WithoutToken(u32),
}

/// Messages of one packet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MessageCount {
    pub(super) messages: u64,
    pub(super) heartbeats: u64,
}

/// The products, and what reads a packet for them.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    config: SequencerConfig,
    products: Box<[Product]>,
    product_count: usize,
    /// The numbers of the products and where each is, in order of number.
    index: Vec<(i32, u16)>,
    /// Where the last product found is: datagrams of one product come in runs.
    recent: usize,
    /// What the packet that was read last holds; of the incremental channel only.
    items: Vec<Item>,
    /// Messages in that packet, and heartbeats among them.
    read: MessageCount,
    pub(super) counters: SequencerCounters,
}

impl Feed {
    pub(super) fn new(config: SequencerConfig) -> Self {
        Self {
            config,
            products: (0..config.products_max).map(|_| Product::new(&config)).collect(),
            product_count: 0,
            index: Vec::with_capacity(config.products_max),
            recent: 0,
            // The shortest message has 8 bytes.
            items: Vec::with_capacity(config.datagram_max / 8),
            read: MessageCount::default(),
            counters: SequencerCounters::default(),
        }
    }

    /// How many messages the packet that was read last holds.
    pub(super) const fn message_count(&self) -> MessageCount {
        self.read
    }

    /// The products seen, in the order in which they were.
    pub(super) fn products(&self) -> impl Iterator<Item = &Product> {
        self.products[..self.product_count].iter()
    }

    /// The position of a product, which may be a new one; `None` when there is no room.
    #[inline]
    fn find(&mut self, market_segment_id: i32) -> Option<usize> {
        let known = &self.products[..self.product_count];
        if known.get(self.recent).is_some_and(|product| product.id() == market_segment_id) {
            return Some(self.recent);
        }
        let place = match self.index.binary_search_by_key(&market_segment_id, |&(id, _)| id) {
            Ok(at) => {
                self.recent = self.index[at].1.into();
                return Some(self.recent);
            }
            Err(place) => place,
        };
        let product = self.products.get_mut(self.product_count)?;
        let position = self.product_count as u16;
        let number = self.config.stream_first + position;
        product.set_id(market_segment_id, StreamId::new(self.config.segment, number));
        self.index.insert(place, (market_segment_id, position));
        self.product_count += 1;
        Some(self.product_count - 1)
    }

    /// Checks every message of a packet, and notes those of the incremental channel. The product is
    /// `None` when there is no room for it.
    #[inline]
    pub(super) fn read(
        &mut self,
        channel: Channel,
        packet: &Packet<'_>,
        line: Line,
        stamp: Stamp,
    ) -> Result<Option<usize>, DecodeError> {
        self.items.clear();
        // Only a packet that is right may claim a place for its product.
        let known = &self.products[..self.product_count];
        let id = packet.header.market_segment_id.get();
        let stream = match known.get(self.recent) {
            Some(product) if product.id() == id => product.stream(),
            _ => StreamId::new(self.config.segment, 0),
        };
        let context = PacketContext {
            stream,
            line,
            receive_time: stamp.receive_time,
            transact_time: transact_time(packet.header)?,
        };
        let mut read = MessageCount::default();
        for message in packet.messages() {
            let (header, message) = message?;
            let sequence = header.msg_seq_num.get();
            match message {
                Message::Heartbeat(_) => read.heartbeats += 1,
                _ => read.messages += 1,
            }
            match channel {
                Channel::Incremental => self.note(sequence, &message, &context)?,
                Channel::Snapshot => check_snapshot(&message, &context)?,
            }
        }
        self.read = read;
        let product = self.find(id);
        if let Some(index) = product {
            let stream = self.products[index].stream();
            if stream != context.stream {
                self.set_stream(stream);
            }
        }
        Ok(product)
    }

    /// Notes a message of the incremental channel.
    #[inline]
    fn note(
        &mut self,
        sequence: u32,
        message: &Message<'_>,
        context: &PacketContext,
    ) -> Result<(), DecodeError> {
        let item = match message {
            Message::Heartbeat(heartbeat) => {
                Item::Heartbeat(heartbeat.last_msg_seq_num_processed.get())
            }
            Message::ProductSummary(_)
            | Message::InstrumentSummary(..)
            | Message::SnapshotOrder(_) => return Err(DecodeError::WrongChannel),
            _ if sequence == SEQUENCE_NULL || sequence == 0 => {
                return Err(DecodeError::SequenceNull);
            }
            Message::OrderMassDelete(message) => match message.event(context) {
                Ok(event) => Item::MassDelete(sequence, event),
                Err(DecodeError::TokenOutOfRange) => Item::WithoutToken(sequence),
                Err(error) => return Err(error),
            },
            Message::Unknown(_) => Item::Unknown(sequence),
            _ => match message.to_event(context) {
                Ok(event) => Item::Message(sequence, event),
                Err(DecodeError::TokenOutOfRange) => Item::WithoutToken(sequence),
                Err(error) => return Err(error),
            },
        };
        self.items.push(item);
        Ok(())
    }

    #[cold]
    fn set_stream(&mut self, stream: StreamId) {
        for item in &mut self.items {
            if let Item::Message(_, Some(event)) | Item::MassDelete(_, event) = item {
                event.stream = stream;
            }
        }
    }

    /// Whether the packet that was read last continues its product's numbers.
    pub(super) fn continues(&self, product: Option<usize>) -> bool {
        let (Some(index), Some(first)) = (product, self.items.first()) else { return false };
        let sequence = match *first {
            Item::Message(sequence, _)
            | Item::MassDelete(sequence, _)
            | Item::Unknown(sequence)
            | Item::WithoutToken(sequence) => sequence,
            Item::Heartbeat(last) => last.saturating_add(1),
        };
        self.products[index].continues_at(sequence)
    }

    /// Gives the packet that was read last to its product.
    #[inline]
    pub(super) fn apply<F: FnMut(&Event)>(
        &mut self,
        channel: Channel,
        packet: &Packet<'_>,
        product: Option<usize>,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) {
        let Some(index) = product else {
            self.counters.products_refused += 1;
            return;
        };
        let product = &mut self.products[index];
        if channel == Channel::Snapshot {
            return apply_snapshot(product, self.config.snapshot_end, packet, stamp, out);
        }
        for item in &self.items {
            match item {
                Item::Message(sequence, event) => {
                    product.on_message(*sequence, event.as_ref(), stamp, out);
                }
                Item::MassDelete(sequence, event) => {
                    product.on_mass_delete(*sequence, event, stamp, out);
                }
                Item::Heartbeat(last) => product.on_heartbeat(*last, stamp, out),
                Item::Unknown(sequence) => {
                    self.counters.unknown_templates += 1;
                    product.on_message(*sequence, None, stamp, out);
                }
                Item::WithoutToken(sequence) => {
                    self.counters.instruments_refused += 1;
                    product.on_message(*sequence, None, stamp, out);
                }
            }
        }
    }

    pub(super) fn read_and_apply<F: FnMut(&Event)>(
        &mut self,
        channel: Channel,
        packet: &Packet<'_>,
        line: Line,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) {
        // It was read without an error before it was held.
        if let Ok(product) = self.read(channel, packet, line, stamp) {
            self.apply(channel, packet, product, stamp, out);
        }
    }

    /// The datagrams from `due` to before `next` that are not there are lost.
    pub(super) fn on_loss<F: FnMut(&Event)>(
        &mut self,
        channel: Channel,
        due: u64,
        next: u64,
        stamp: Stamp,
        out: &mut Batch<'_, F>,
    ) {
        self.counters.lost[channel as usize] += next.saturating_sub(due);
        if channel == Channel::Snapshot {
            return self.break_images();
        }
        for product in &mut self.products[..self.product_count] {
            product.on_channel_loss(next.saturating_sub(1), stamp, out);
        }
    }

    pub(super) fn on_restart<F: FnMut(&Event)>(&mut self, stamp: Stamp, out: &mut Batch<'_, F>) {
        for product in &mut self.products[..self.product_count] {
            product.on_channel_restart(stamp, out);
        }
    }

    pub(super) fn break_images(&mut self) {
        for product in &mut self.products[..self.product_count] {
            product.break_image();
        }
    }
}

/// Checks a message of the snapshot channel; what it means depends on those before it.
fn check_snapshot(message: &Message<'_>, context: &PacketContext) -> Result<(), DecodeError> {
    match message {
        Message::SnapshotOrder(order) => order.to_event(context, Token(1), 0).map(|_| ()),
        Message::OrderAdd(_)
        | Message::OrderModify(_)
        | Message::OrderModifySamePriority(_)
        | Message::OrderDelete(_)
        | Message::OrderMassDelete(_)
        | Message::Execution(_) => Err(DecodeError::WrongChannel),
        _ => Ok(()),
    }
}

/// Gives a packet of the snapshot channel, checked, to its product.
fn apply_snapshot<F: FnMut(&Event)>(
    product: &mut Product,
    snapshot_end: SnapshotEnd,
    packet: &Packet<'_>,
    stamp: Stamp,
    out: &mut Batch<'_, F>,
) {
    if !product.wants_snapshot() {
        return;
    }
    let context = PacketContext {
        stream: product.stream(),
        line: Line::A,
        receive_time: stamp.receive_time,
        transact_time: Nanos::ZERO,
    };
    for message in packet.messages() {
        match message {
            Ok((_, Message::ProductSummary(summary))) => {
                if snapshot_end == SnapshotEnd::NextSummary {
                    product.on_snapshot_end(stamp, out);
                }
                product.on_product_summary(summary.last_msg_seq_num_processed.get(), stamp, out);
            }
            Ok((_, Message::InstrumentSummary(summary, _))) => {
                let token = token(summary.security_id.get()).ok();
                product.on_instrument_summary(token, summary.tot_no_orders.get());
            }
            Ok((_, Message::SnapshotOrder(order))) => {
                let Some((token, last)) = product.on_snapshot_order() else { continue };
                if let Ok(Some(event)) = order.to_event(&context, token, last) {
                    out.push(&event);
                }
            }
            _ => {}
        }
    }
    let is_end = packet.header.completion_indicator == 1;
    if is_end && snapshot_end == SnapshotEnd::Completion {
        product.on_snapshot_end(stamp, out);
    }
}

/// The time of a packet.
#[inline]
pub(super) fn transact_time(header: &PacketHeader) -> Result<Nanos, DecodeError> {
    time(header.transact_time.get())
}
