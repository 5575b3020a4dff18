//! The re-request server: a request in, the packet that answers it out. Sans-I/O.

use super::error::RequestError;
use super::layout::{COUNT_END_OF_SESSION, RequestPacket};
use super::publisher::PacketBuffer;
use super::store::MessageStore;
use super::{DATAGRAM_MAX, PublishError};

/// The bounds of a [`RequestServer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The longest answer in bytes, 22 to 65,507. An answer is one datagram with as many of the
    /// messages as fit; the client asks again for the rest.
    pub datagram_max: usize,
    /// Messages a request may name at most, 1 to 65,534; one that names more is refused.
    pub messages_max: u16,
}

impl Default for ServerConfig {
    /// Answers that fit an Ethernet frame, requests of any size.
    fn default() -> Self {
        Self { datagram_max: 1_472, messages_max: COUNT_END_OF_SESSION - 1 }
    }
}

/// What a server did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerCounters {
    /// Requests, refused ones too.
    pub requests: u64,
    /// Requests answered.
    pub answered: u64,
    /// Those answered with fewer messages than were asked for.
    pub partial: u64,
    /// Messages sent.
    pub messages: u64,
    /// Requests refused, indexed by the code of the [`RequestError`].
    pub refused: [u64; RequestError::COUNT],
}

/// Answers requests from the messages of a [`MessageStore`]. A refused request has no answer, as
/// the document has none: the client's wait for it ends.
#[derive(Clone, Debug)]
pub struct RequestServer {
    config: ServerConfig,
    buffer: PacketBuffer,
    counters: ServerCounters,
}

impl RequestServer {
    /// A server that has answered nothing.
    ///
    /// # Errors
    ///
    /// [`PublishError::DatagramMax`], [`PublishError::MessagesMax`].
    pub fn new(config: ServerConfig) -> Result<Self, PublishError> {
        if !(22..=DATAGRAM_MAX).contains(&config.datagram_max) {
            return Err(PublishError::DatagramMax);
        }
        if config.messages_max == 0 || config.messages_max == COUNT_END_OF_SESSION {
            return Err(PublishError::MessagesMax);
        }
        let buffer = PacketBuffer::new(config.datagram_max);
        Ok(Self { config, buffer, counters: ServerCounters::default() })
    }

    /// The datagram that answers a request, to be sent to where the request came from.
    ///
    /// # Errors
    ///
    /// A [`RequestError`], which is counted.
    pub fn on_request(
        &mut self,
        store: &MessageStore,
        request: &[u8],
    ) -> Result<&[u8], RequestError> {
        self.counters.requests += 1;
        let (first, count) = match self.check(store, request).and_then(|(first, count)| {
            self.fill(store, first, count)?;
            Ok((first, count))
        }) {
            Ok(range) => range,
            Err(error) => {
                self.counters.refused[error as usize] += 1;
                return Err(error);
            }
        };
        self.counters.answered += 1;
        self.counters.partial += u64::from(self.buffer.count() < count);
        self.counters.messages += u64::from(self.buffer.count());
        Ok(self.buffer.close(store.session(), first))
    }

    /// What it did so far.
    #[must_use]
    pub const fn counters(&self) -> &ServerCounters {
        &self.counters
    }

    /// The first number asked for, and how many.
    fn check(&self, store: &MessageStore, request: &[u8]) -> Result<(u64, u16), RequestError> {
        let request = RequestPacket::from_bytes(request).ok_or(RequestError::WrongSize)?;
        if request.session != *store.session() {
            return Err(RequestError::UnknownSession);
        }
        let (first, count) = (request.sequence_number.get(), request.message_count.get());
        if count == 0 {
            return Err(RequestError::NothingAsked);
        }
        if self.config.messages_max < count {
            return Err(RequestError::TooMany);
        }
        if !(1..store.next_sequence()).contains(&first) {
            return Err(RequestError::OutOfRange);
        }
        Ok((first, count))
    }

    /// Puts into the buffer what is there of the range and fits.
    fn fill(&mut self, store: &MessageStore, first: u64, count: u16) -> Result<(), RequestError> {
        self.buffer.clear();
        for sequence in first..first.saturating_add(u64::from(count)) {
            let Some(message) = store.message(sequence) else { break };
            if !self.buffer.fits(message) {
                break;
            }
            self.buffer.push(message);
        }
        if self.buffer.count() == 0 { Err(RequestError::MessageTooLong) } else { Ok(()) }
    }
}
