//! A stream's messages in, events out, everything counted.

use tezi_model::{Event, EventKind, Nanos, Segment, StreamId};

use super::event::decode_event_with;
use super::{DecodeError, MessageContext, SessionDate};

/// What a decoder met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecoderCounters {
    /// Messages by their type's letter, those without an event too.
    pub messages: [u64; 256],
    /// Executions that are not printable.
    pub non_printable: u64,
    /// Messages refused, indexed by the code of the [`DecodeError`].
    pub refused: [u64; DecodeError::COUNT],
}

impl DecoderCounters {
    /// Messages of a type that were taken.
    #[must_use]
    pub const fn of_type(&self, message_type: u8) -> u64 {
        self.messages[message_type as usize]
    }

    /// All messages refused.
    #[must_use]
    pub fn refused_count(&self) -> u64 {
        self.refused.iter().sum()
    }
}

/// Decodes the messages of one stream of one day.
#[derive(Clone, Debug)]
pub struct Decoder {
    stream: StreamId,
    midnight: Nanos,
    counters: DecoderCounters,
}

impl Decoder {
    /// A decoder for a day's messages. NASDAQ has one stream; `number` tells it from others of the
    /// segment, such as those of its sister exchanges.
    #[must_use]
    pub const fn new(date: SessionDate, number: u16) -> Self {
        Self {
            stream: StreamId::new(Segment::NasdaqUs, number),
            midnight: date.midnight(),
            counters: DecoderCounters {
                messages: [0; 256],
                non_printable: 0,
                refused: [0; DecodeError::COUNT],
            },
        }
    }

    /// Decodes one message; `None` when it changes no book and no trading status and is no trade.
    /// What it says then, [`super::decode`] tells: a directory entry, an imbalance.
    ///
    /// **Sequence**: its number in the stream, of which the event keeps the low 32 bits. **Times**:
    /// a `receive_time` of zero becomes the exchange's own, as in files. **Flags**: of
    /// [`tezi_model::MarketFlags`], how it came.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`], which is counted.
    #[inline]
    pub fn on_message(
        &mut self,
        bytes: &[u8],
        sequence: u64,
        receive_time: Nanos,
        flags: u8,
    ) -> Result<Option<Event>, DecodeError> {
        self.on_message_with(bytes, sequence, receive_time, flags, |event| *event)
    }

    /// As [`Decoder::on_message`], with what is to be done about the event: `sink` is called where
    /// the kind of the event is a constant, so that a `match` on it in there costs nothing. What it
    /// returns is returned.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`], which is counted; `sink` is not called.
    #[inline]
    pub fn on_message_with<R>(
        &mut self,
        bytes: &[u8],
        sequence: u64,
        receive_time: Nanos,
        flags: u8,
        sink: impl FnOnce(&Event) -> R,
    ) -> Result<Option<R>, DecodeError> {
        let sequence = sequence as u32; // the low 32 bits, see MessageContext
        let (stream, midnight) = (self.stream, self.midnight);
        let context = MessageContext { stream, midnight, receive_time, flags, sequence };
        // Counted first, and taken back from what is refused: the sink may be all that follows.
        let message_type = usize::from(bytes.first().copied().unwrap_or_default());
        self.counters.messages[message_type] += 1;
        let non_printable = &mut self.counters.non_printable;
        let decoded = decode_event_with(bytes, &context, |event| {
            let is_reduce = event.kind_code == EventKind::OrderReduce as u8;
            *non_printable += u64::from(is_reduce && message_type == usize::from(b'C'));
            sink(event)
        });
        if let Err(error) = decoded {
            self.refuse(message_type, error);
        }
        decoded
    }

    #[cold]
    fn refuse(&mut self, message_type: usize, error: DecodeError) {
        self.counters.messages[message_type] -= 1;
        self.counters.refused[error as usize] += 1;
    }

    /// What it met so far.
    #[must_use]
    pub const fn counters(&self) -> &DecoderCounters {
        &self.counters
    }
}
