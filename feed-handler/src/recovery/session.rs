//! One connection to a recovery or snapshot server: the request out, the checked answer in.

use tezi_model::Nanos;

use super::{RecoveryFailure, RecoveryReply, RecoveryRequest, Wanted};
use crate::wire::nse_mtbt::{
    DecodeError, Message, ReplyMessage, SnapshotHeader, SnapshotOrder, decode,
    encode_recovery_request, encode_snapshot_request, message_type,
};

/// The longest item of an answer, rounded up; asserted below.
const ITEM_SIZE_MAX: usize = 64;

const _: () = assert!(size_of::<SnapshotOrder>() < ITEM_SIZE_MAX && size_of::<ReplyMessage>() < 45);

/// What the session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There is no connection and no request.
    Idle,
    /// The host was told to connect, or is to be.
    Connecting,
    /// The request is to be sent.
    Connected,
    /// `Y` or `B`.
    Reply,
    /// The message of this number, which counts to `last`.
    Messages { next: u32, last: u32 },
    /// The header of a snapshot.
    Header,
    /// Orders of a snapshot.
    Orders { left: u32 },
    /// The host is to close the connection.
    Closing,
}

/// One connection. Holds at most the beginning of one item; everything else passes through.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) state: State,
    pub(super) request: Option<RecoveryRequest>,
    /// When it is given up.
    pub(super) deadline: Nanos,
    /// Bytes of the request sent so far.
    sent: usize,
    carry: [u8; ITEM_SIZE_MAX],
    carry_size: usize,
}

/// What became of the bytes at hand.
enum Step {
    /// That many made an item; the session goes on.
    Took(usize),
    /// An item is not complete yet.
    NeedsMore,
    /// The last item.
    Done,
}

impl Session {
    pub(super) const NEW: Self = Self {
        state: State::Idle,
        request: None,
        deadline: Nanos::MAX,
        sent: 0,
        carry: [0; ITEM_SIZE_MAX],
        carry_size: 0,
    };

    pub(super) fn start(&mut self, request: RecoveryRequest, deadline: Nanos) {
        *self = Self { state: State::Connecting, request: Some(request), deadline, ..Self::NEW };
    }

    /// Whether an answer is waited for.
    pub(super) const fn is_waiting(&self) -> bool {
        !matches!(self.state, State::Idle | State::Closing)
    }

    /// Whether nothing of the request was sent.
    pub(super) const fn is_unsent(&self) -> bool {
        self.sent == 0
    }

    /// Writes what is left of the request; the number of bytes written.
    pub(super) fn transmit(&mut self, buffer: &mut [u8]) -> usize {
        let Some(request) = self.request else { return 0 };
        // MTBT numbers its streams with 8 bits; a request is of a stream that came in.
        let stream = request.stream.number() as u8;
        let bytes = match request.wanted {
            Wanted::Messages { first, last } => encode_recovery_request(stream, first, last),
            Wanted::Snapshot => encode_snapshot_request(stream),
        };
        let rest = &bytes[self.sent..];
        let size = rest.len().min(buffer.len());
        buffer[..size].copy_from_slice(&rest[..size]);
        self.sent += size;
        if self.sent == bytes.len() {
            self.state = State::Reply;
        }
        size
    }

    /// Takes bytes of any chunking; each complete item goes to the sink. `false` from the sink ends
    /// the session.
    pub(super) fn on_bytes(
        &mut self,
        mut bytes: &[u8],
        orders_max: u32,
        sink: &mut impl FnMut(&RecoveryRequest, RecoveryReply<'_>) -> bool,
    ) {
        while self.is_waiting() && !bytes.is_empty() {
            if self.carry_size == 0 {
                let taken = self.on_item(bytes, orders_max, sink);
                if let Some(taken) = taken {
                    bytes = &bytes[taken..];
                    continue;
                }
                let size = bytes.len().min(ITEM_SIZE_MAX);
                self.carry[..size].copy_from_slice(&bytes[..size]);
                self.carry_size = size;
                return;
            }
            // An item that the last bytes only began: complete it byte by byte short of the next.
            let before = self.carry_size;
            let size = bytes.len().min(ITEM_SIZE_MAX - before);
            self.carry[before..before + size].copy_from_slice(&bytes[..size]);
            let carry = self.carry;
            match self.on_item(&carry[..before + size], orders_max, sink) {
                Some(taken) => {
                    self.carry_size = 0;
                    bytes = &bytes[taken.saturating_sub(before)..];
                }
                None => {
                    self.carry_size = before + size;
                    return;
                }
            }
        }
    }

    /// Takes the first item of `bytes`; its size, or `None` when it is not complete.
    fn on_item(
        &mut self,
        bytes: &[u8],
        orders_max: u32,
        sink: &mut impl FnMut(&RecoveryRequest, RecoveryReply<'_>) -> bool,
    ) -> Option<usize> {
        let request = self.request?;
        let mut wants_more = true;
        let mut pass = |reply: RecoveryReply<'_>| wants_more &= sink(&request, reply);
        let step = match self.state {
            State::Reply => self.on_reply(&request, bytes),
            State::Messages { next, last } => {
                self.on_message(&request, next, last, bytes, &mut pass)
            }
            State::Header => self.on_header(&request, bytes, orders_max, &mut pass),
            State::Orders { left } => self.on_order(left, bytes, &mut pass),
            // Bytes before the request was sent: nobody asked for them.
            _ => Err(RecoveryFailure::Unexpected),
        };
        match step {
            Ok(Step::NeedsMore) => return None,
            Ok(Step::Took(size)) if wants_more => return Some(size),
            Ok(Step::Took(_)) => {}
            Ok(Step::Done) => _ = sink(&request, RecoveryReply::Done),
            Err(reason) => _ = sink(&request, RecoveryReply::Failed(reason)),
        }
        self.state = State::Closing;
        Some(bytes.len())
    }

    fn on_reply(
        &mut self,
        request: &RecoveryRequest,
        bytes: &[u8],
    ) -> Result<Step, RecoveryFailure> {
        let Some((message, size)) = framed(bytes)? else { return Ok(Step::NeedsMore) };
        let Message::Reply(reply) = message else { return Err(RecoveryFailure::Unexpected) };
        let (kind, granted) = match request.wanted {
            Wanted::Messages { first, last } => {
                (message_type::RECOVERY_REPLY, State::Messages { next: first, last })
            }
            Wanted::Snapshot => (message_type::SNAPSHOT_REPLY, State::Header),
        };
        if reply.message_type != kind {
            return Err(RecoveryFailure::Unexpected);
        }
        if i32::from(reply.header.stream_id.get()) != i32::from(request.stream.number()) {
            return Err(RecoveryFailure::WrongStream);
        }
        match reply.is_granted() {
            Ok(true) => {
                self.state = granted;
                Ok(Step::Took(size))
            }
            Ok(false) => Err(RecoveryFailure::Refused),
            Err(_) => Err(RecoveryFailure::Garbage),
        }
    }

    fn on_message(
        &mut self,
        request: &RecoveryRequest,
        next: u32,
        last: u32,
        bytes: &[u8],
        pass: &mut impl FnMut(RecoveryReply<'_>),
    ) -> Result<Step, RecoveryFailure> {
        let Some((message, size)) = framed(bytes)? else { return Ok(Step::NeedsMore) };
        if matches!(message, Message::Reply(_) | Message::Heartbeat(_)) {
            return Err(RecoveryFailure::Unexpected);
        }
        let header = message.header();
        if i32::from(header.stream_id.get()) != i32::from(request.stream.number()) {
            return Err(RecoveryFailure::WrongStream);
        }
        if header.seq_no.get() != next {
            return Err(RecoveryFailure::WrongSequence);
        }
        pass(RecoveryReply::Message(&bytes[..size]));
        if next == last {
            return Ok(Step::Done);
        }
        self.state = State::Messages { next: next + 1, last };
        Ok(Step::Took(size))
    }

    fn on_header(
        &mut self,
        request: &RecoveryRequest,
        bytes: &[u8],
        orders_max: u32,
        pass: &mut impl FnMut(RecoveryReply<'_>),
    ) -> Result<Step, RecoveryFailure> {
        let Some(header) = item::<SnapshotHeader>(bytes) else { return Ok(Step::NeedsMore) };
        let orders = header.checked_order_count().map_err(|reason| match reason {
            DecodeError::StreamOutOfRange => RecoveryFailure::WrongStream,
            _ => RecoveryFailure::SnapshotMismatch,
        })?;
        if i32::from(header.stream_id.get()) != i32::from(request.stream.number()) {
            return Err(RecoveryFailure::WrongStream);
        }
        if orders > orders_max {
            return Err(RecoveryFailure::SnapshotTooLarge);
        }
        pass(RecoveryReply::SnapshotHeader(header));
        if orders == 0 {
            return Ok(Step::Done);
        }
        self.state = State::Orders { left: orders };
        Ok(Step::Took(size_of::<SnapshotHeader>()))
    }

    fn on_order(
        &mut self,
        left: u32,
        bytes: &[u8],
        pass: &mut impl FnMut(RecoveryReply<'_>),
    ) -> Result<Step, RecoveryFailure> {
        let Some(order) = item::<SnapshotOrder>(bytes) else { return Ok(Step::NeedsMore) };
        pass(RecoveryReply::SnapshotOrder(order));
        if left == 1 {
            return Ok(Step::Done);
        }
        self.state = State::Orders { left: left - 1 };
        Ok(Step::Took(size_of::<SnapshotOrder>()))
    }
}

/// The first message of `bytes`; `None` when it is not complete.
fn framed(bytes: &[u8]) -> Result<Option<(Message<'_>, usize)>, RecoveryFailure> {
    match decode(bytes) {
        Ok(framed) => Ok(Some(framed)),
        Err(DecodeError::TruncatedHeader | DecodeError::TruncatedMessage) => Ok(None),
        Err(_) => Err(RecoveryFailure::Garbage),
    }
}

/// The first bytes as an item without a length of its own.
fn item<T: bytemuck::Pod>(bytes: &[u8]) -> Option<&T> {
    bytemuck::try_from_bytes(bytes.get(..size_of::<T>())?).ok()
}
