//! Which protocol a datagram is of, told by its structure alone.
//!
//! Strict: sizes, codes and fields must be right and the datagram consumed to its last byte. What
//! satisfies two protocols, or none, is told so; nothing is guessed. A datagram does not name its
//! segment in every protocol: MTBT, EOBI and NFCAST leave it to the port.

use std::net::SocketAddrV4;

use tezi_model::{Nanos, Segment, Token};

use super::Protocol;
use crate::Line;
use crate::wire::mold_udp64::PacketKind;
use crate::wire::nse_broadcast::{Body, MESSAGE_SIZE_MAX};
use crate::wire::{bse_eobi, bse_nfcast, itch, mold_udp64, nse_broadcast, nse_mtbt};

/// What a datagram is likely of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// The protocol.
    pub protocol: Protocol,
    /// The segment, where the datagram says it.
    pub segment: Option<Segment>,
    /// Of EOBI: the channel, where a message tells it; heartbeats are on both.
    pub channel: Option<bse_eobi::Channel>,
}

impl Recognised {
    const fn new(protocol: Protocol) -> Self {
        Self { protocol, segment: None, channel: None }
    }
}

/// The protocols a datagram may be of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidates([Option<Recognised>; Protocol::ALL.len()]);

impl Candidates {
    /// Every protocol whose structure `payload` has.
    #[must_use]
    pub fn of(payload: &[u8]) -> Self {
        Self([mtbt(payload), broadcast(payload), eobi(payload), nfcast(payload), mold(payload)])
    }

    /// Them, by code.
    pub fn iter(&self) -> impl Iterator<Item = Recognised> + '_ {
        self.0.iter().flatten().copied()
    }

    /// The only one, `None` when there is none or more.
    #[must_use]
    pub fn only(&self) -> Option<Recognised> {
        let mut all = self.iter();
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }
}

/// What a datagram is of; `None` when it has the structure of no protocol, or of more than one.
///
/// ```
/// use tezi_feed_handler::feed::{Protocol, recognise};
/// use tezi_feed_handler::wire::nse_mtbt::encode_heartbeat;
/// let of = recognise(&encode_heartbeat(1, 40)).map(|it| it.protocol);
/// assert_eq!(of, Some(Protocol::NseMtbt));
/// assert_eq!(recognise(b"GET / HTTP/1.1"), None);
/// ```
#[must_use]
pub fn recognise(payload: &[u8]) -> Option<Recognised> {
    Candidates::of(payload).only()
}

/// What is known of the protocol of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing came, or most of it has the structure of no protocol.
    Unknown,
    /// Most of what came is of this protocol, and nothing of another.
    Is(Recognised),
    /// Two or more are possible: the group carries both, or what came does not tell them apart.
    Ambiguous(Candidates),
}

/// The votes of one destination.
#[derive(Clone, Copy, Debug)]
struct Group {
    destination: SocketAddrV4,
    datagrams: u32,
    votes: [u32; Protocol::ALL.len()],
    candidates: Candidates,
    /// By protocol: datagrams contradicted each other on the segment or the channel.
    mixed: [[bool; 2]; Protocol::ALL.len()],
}

/// Votes over the first datagrams of each destination.
#[derive(Clone, Debug)]
pub struct Recogniser {
    groups: Vec<Group>,
    groups_max: usize,
    datagrams_max: u32,
    groups_refused: u64,
}

impl Recogniser {
    /// A recogniser that looks at up to `datagrams_max` datagrams of each of `groups_max`
    /// destinations.
    #[must_use]
    pub fn new(groups_max: usize, datagrams_max: u32) -> Self {
        let groups = Vec::with_capacity(groups_max);
        Self { groups, groups_max, datagrams_max, groups_refused: 0 }
    }

    /// Counts a datagram to `destination`.
    pub fn on_datagram(&mut self, destination: SocketAddrV4, payload: &[u8]) {
        let known = self.groups.iter().position(|group| group.destination == destination);
        let at = known.unwrap_or(self.groups.len());
        if known.is_none() {
            if at == self.groups_max {
                self.groups_refused += 1;
                return;
            }
            self.groups.push(Group::new(destination));
        }
        let group = &mut self.groups[at];
        if group.datagrams < self.datagrams_max {
            group.vote(&Candidates::of(payload));
        }
    }

    /// Whether every destination seen has had as many datagrams as are looked at.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.groups.iter().all(|group| group.datagrams >= self.datagrams_max)
    }

    /// What each destination carries, in the order in which they were seen.
    pub fn groups(&self) -> impl Iterator<Item = (SocketAddrV4, Verdict)> + '_ {
        self.groups.iter().map(|group| (group.destination, group.verdict()))
    }

    /// What a destination carries.
    #[must_use]
    pub fn verdict(&self, destination: SocketAddrV4) -> Verdict {
        let group = self.groups.iter().find(|group| group.destination == destination);
        group.map_or(Verdict::Unknown, Group::verdict)
    }

    /// Datagrams to destinations there was no room for.
    #[must_use]
    pub const fn groups_refused(&self) -> u64 {
        self.groups_refused
    }
}

impl Group {
    fn new(destination: SocketAddrV4) -> Self {
        Self {
            destination,
            datagrams: 0,
            votes: [0; Protocol::ALL.len()],
            candidates: Candidates::default(),
            mixed: [[false; 2]; Protocol::ALL.len()],
        }
    }

    fn vote(&mut self, candidates: &Candidates) {
        self.datagrams += 1;
        for one in candidates.iter() {
            let index = one.protocol as usize;
            self.votes[index] += 1;
            let known = self.candidates.0[index].get_or_insert(one);
            let [segment_mixed, channel_mixed] = &mut self.mixed[index];
            *segment_mixed |= merge(&mut known.segment, one.segment);
            *channel_mixed |= merge(&mut known.channel, one.channel);
        }
    }

    fn verdict(&self) -> Verdict {
        let mut candidates = self.candidates;
        for (one, [segment_mixed, channel_mixed]) in candidates.0.iter_mut().zip(self.mixed) {
            if let Some(one) = one {
                one.segment = one.segment.filter(|_| !segment_mixed);
                one.channel = one.channel.filter(|_| !channel_mixed);
            }
        }
        if candidates.iter().count() > 1 {
            return Verdict::Ambiguous(candidates);
        }
        match candidates.only() {
            Some(one) if 2 * self.votes[one.protocol as usize] > self.datagrams => Verdict::Is(one),
            _ => Verdict::Unknown,
        }
    }
}

/// Fills in what was not known. Whether it contradicts what was.
fn merge<T: Copy + PartialEq>(known: &mut Option<T>, said: Option<T>) -> bool {
    match (*known, said) {
        (Some(before), Some(now)) => before != now,
        (None, Some(_)) => {
            *known = said;
            false
        }
        (_, None) => false,
    }
}

/// Times of market data lie within these: 1990 to 2100.
fn is_plausible(time: Nanos) -> bool {
    (631_152_000_000_000_000..4_102_444_800_000_000_000).contains(&time.0)
}

/// Whether every item is true, and there is one.
fn all_of(mut items: impl Iterator<Item = bool>) -> bool {
    items.next() == Some(true) && items.all(|item| item)
}

fn mtbt(payload: &[u8]) -> Option<Recognised> {
    let context = nse_mtbt::PacketContext {
        segment: Segment::NseFo,
        line: Line::A,
        receive_time: Nanos::ZERO,
    };
    let is_good = all_of(nse_mtbt::messages(payload).map(|message| match message {
        Ok(nse_mtbt::Message::Heartbeat(message)) => {
            message.header.seq_no.get() == 0 && message.header.stream_number().is_ok()
        }
        Ok(nse_mtbt::Message::Reply(_)) | Err(_) => false,
        Ok(message) => match message.to_event(&context) {
            Ok(Some(event)) => is_plausible(event.exchange_time),
            Ok(None) => message.header().stream_number().is_ok(),
            Err(_) => false,
        },
    }));
    is_good.then_some(Recognised::new(Protocol::NseMtbt))
}

fn broadcast(payload: &[u8]) -> Option<Recognised> {
    let mut packets = nse_broadcast::packets(payload).ok()?;
    let segment = packets.segment();
    let mut scratch = [0; MESSAGE_SIZE_MAX];
    let mut is_known = false;
    for packet in packets.by_ref() {
        let clear = packet.and_then(|packet| packet.unpack(&mut scratch)).ok()?;
        let message = nse_broadcast::decode(segment, clear).ok()?;
        is_known |= !matches!(message.body, Body::Other);
        let mut is_good = !message.is_short;
        message.for_each_update(&mut |update| is_good &= update.is_ok());
        if !is_good {
            return None;
        }
    }
    let is_consumed = packets.remaining().iter().all(|&byte| byte == 0);
    let segment = Some(segment);
    (is_known && is_consumed)
        .then_some(Recognised { segment, ..Recognised::new(Protocol::NseBroadcast) })
}

fn eobi(payload: &[u8]) -> Option<Recognised> {
    use bse_eobi::{Channel, DecodeError, Message, SEQUENCE_NULL};
    let packet = bse_eobi::packet(payload).ok()?;
    if !is_plausible(Nanos(packet.header.transact_time.get())) {
        return None;
    }
    let context = bse_eobi::PacketContext::new(Segment::BseFo, 0);
    let mut channels = [false; 2];
    let is_good = all_of(packet.messages().map(|message| {
        let Ok((header, message)) = message else { return false };
        let sequence = header.msg_seq_num.get();
        let is_numbered = sequence != 0 && sequence != SEQUENCE_NULL;
        match message {
            Message::Heartbeat(_) => return sequence == SEQUENCE_NULL,
            Message::ProductSummary(_) | Message::InstrumentSummary(..) => {
                channels[Channel::Snapshot as usize] = true;
            }
            Message::SnapshotOrder(order) => {
                channels[Channel::Snapshot as usize] = true;
                return is_numbered && order.to_event(&context, Token(1), 0).is_ok();
            }
            // An unknown template says nothing of where it is sent.
            Message::Unknown(_) => {}
            _ => channels[Channel::Incremental as usize] = true,
        }
        let event = message.to_event(&context);
        is_numbered && matches!(event, Ok(_) | Err(DecodeError::TokenOutOfRange))
    }));
    let channel = match channels {
        [true, true] => return None,
        [true, false] => Some(Channel::Incremental),
        [false, true] => Some(Channel::Snapshot),
        [false, false] => None,
    };
    is_good.then_some(Recognised { channel, ..Recognised::new(Protocol::BseEobi) })
}

fn nfcast(payload: &[u8]) -> Option<Recognised> {
    use bse_nfcast::{Dialect, Header, Message, PICTURES_MAX};
    let is_read = |dialect| match bse_nfcast::decode(payload, Segment::BseFo, dialect) {
        Ok(Message::MarketPictures(_, pictures)) => {
            let mut pictures = pictures.take(PICTURES_MAX + 1);
            pictures.all(|picture| picture.is_ok())
        }
        Ok(_) => true,
        Err(_) => false,
    };
    if !Dialect::ALL.into_iter().any(is_read) {
        return None;
    }
    // Every message begins with the same clock.
    let header: &Header = bytemuck::try_from_bytes(payload.get(..size_of::<Header>())?).ok()?;
    let is_time = (0..24).contains(&header.hour.get())
        && (0..60).contains(&header.minute.get())
        && (0..60).contains(&header.second.get())
        && (0..1000).contains(&header.millisecond.get());
    is_time.then_some(Recognised::new(Protocol::BseNfcast))
}

fn mold(payload: &[u8]) -> Option<Recognised> {
    let packet = mold_udp64::decode(payload).ok()?;
    let is_text = |&byte: &u8| byte.is_ascii_alphanumeric() || byte == b' ';
    let session = packet.session();
    if !session.iter().all(is_text) || session.trim_ascii().is_empty() {
        return None;
    }
    let is_good = match packet.kind() {
        PacketKind::Messages => packet.messages().all(|bytes| {
            let message = itch::decode(bytes);
            message.is_ok_and(|message| message.header().time(Nanos::ZERO).is_ok())
        }),
        PacketKind::Heartbeat | PacketKind::EndOfSession => true,
    };
    let segment = Some(Segment::NasdaqUs);
    is_good.then_some(Recognised { segment, ..Recognised::new(Protocol::MoldItch) })
}
