//! ITCH on MoldUDP64 behind the boundary: packets put in order, then decoded.

use bytemuck::Zeroable;
use tezi_model::{Event, EventKind, MarketFlags, Nanos, OrderId, Segment, StreamId};

use super::counters::occurred;
use super::{
    Channel, FeedConfig, FeedConfigError, FeedCounters, LineCounts, LostNumbers, Protocol,
    StreamCounts,
};
use crate::Line;
use crate::arbitration::batch::Batch;
use crate::arbitration::{GapCounters, StreamLineCounters};
use crate::wire::itch::{self, Decoder, SessionDate};
use crate::wire::mold_udp64::{Delivery, PacketError, RequestPacket, Sequencer, Source};

/// The model's number of the one stream there is.
const STREAM: StreamId = StreamId::new(Segment::NasdaqUs, 1);

/// One MoldUDP64 session after the other, of ITCH messages.
#[derive(Clone, Debug)]
pub(super) struct MoldFeed {
    sequencer: Sequencer,
    translator: Translator,
    /// Bytes that came, by source.
    bytes: [u64; Source::COUNT],
}

/// What makes events of what the sequencer gives out.
#[derive(Clone, Debug)]
struct Translator {
    /// `None` until the day is known.
    decoder: Option<Decoder>,
    /// Messages that came while it was not.
    undated: u64,
    delivered: u64,
    /// The first number delivered in the session; 0 before any.
    joined_at: u64,
    /// Messages are missing and awaited.
    is_stale: bool,
    /// Messages of the session were given up: its books are not right again before the next one.
    has_lost: bool,
    /// The session is over: what comes next is of another.
    has_ended: bool,
    restarts: u32,
    lost: Vec<LostNumbers>,
    lost_max: usize,
    lost_unlisted: u64,
    /// When the present datagram came.
    receive_time: Nanos,
}

impl MoldFeed {
    pub(super) fn new(config: &FeedConfig) -> Result<Self, FeedConfigError> {
        let decoder = config.session_date.map(|date| Decoder::new(date, STREAM.number()));
        Ok(Self {
            sequencer: Sequencer::new(config.mold)?,
            translator: Translator {
                decoder,
                undated: 0,
                delivered: 0,
                joined_at: 0,
                is_stale: false,
                has_lost: false,
                has_ended: false,
                restarts: 0,
                lost: Vec::with_capacity(config.mold_lost_ranges_max),
                lost_max: config.mold_lost_ranges_max,
                lost_unlisted: 0,
                receive_time: Nanos::ZERO,
            },
            bytes: [0; Source::COUNT],
        })
    }

    pub(super) fn on_packet(
        &mut self,
        channel: Channel,
        datagram: &[u8],
        receive_time: Nanos,
        sink: &mut impl FnMut(&Event),
    ) {
        if self.sequencer.next_timeout().is_some_and(|due| due <= receive_time) {
            self.on_timeout(receive_time, sink);
        }
        let source = match channel {
            Channel::Line(line) | Channel::Snapshot(line) => Source::Line(line),
            Channel::Reply => Source::Recovery,
        };
        self.bytes[source.index()] += datagram.len() as u64;
        let (translator, mut out) = (&mut self.translator, Batch::new(sink));
        translator.begin(receive_time);
        // A refusal is counted by the sequencer.
        let _ = self.sequencer.on_packet(source, datagram, receive_time, |delivery| {
            translator.on_delivery(delivery, &mut out);
        });
        out.finish();
    }

    pub(super) fn on_timeout(&mut self, now: Nanos, sink: &mut impl FnMut(&Event)) {
        let (translator, mut out) = (&mut self.translator, Batch::new(sink));
        translator.receive_time = now;
        self.sequencer.on_timeout(now, |delivery| translator.on_delivery(delivery, &mut out));
        out.finish();
    }

    pub(super) fn finish(&mut self, now: Nanos, sink: &mut impl FnMut(&Event)) {
        let (translator, mut out) = (&mut self.translator, Batch::new(sink));
        translator.receive_time = now;
        self.sequencer.finish(|delivery| translator.on_delivery(delivery, &mut out));
        out.finish();
    }

    pub(super) fn next_timeout(&self) -> Option<Nanos> {
        self.sequencer.next_timeout()
    }

    pub(super) fn poll_request(&mut self, now: Nanos) -> Option<[u8; size_of::<RequestPacket>()]> {
        self.sequencer.poll_request(now).map(|request| request.to_bytes())
    }

    pub(super) fn report(&self) -> FeedCounters {
        let channels = [Channel::Line(Line::A), Channel::Line(Line::B), Channel::Reply];
        let lines = channels.into_iter().zip(Source::ALL);
        let non_printable =
            self.translator.decoder.as_ref().map_or(0, |decoder| decoder.counters().non_printable);
        FeedCounters {
            lines: lines.map(|(channel, source)| self.line_counts(channel, source)).collect(),
            streams: self.sequencer.session().map(|_| self.stream_counts()).into_iter().collect(),
            others: occurred([("non_printable", non_printable)]),
            ..FeedCounters::empty(Protocol::MoldItch)
        }
    }

    fn line_counts(&self, channel: Channel, source: Source) -> LineCounts {
        let counters = self.sequencer.source(source);
        let errors = PacketError::ALL.iter();
        let refused = errors.map(|error| (error.name(), counters.refused[*error as usize]));
        LineCounts {
            channel,
            packets: counters.packets,
            bytes: self.bytes[source.index()],
            messages: counters.first + counters.redundant + counters.unheld,
            heartbeats: counters.heartbeats,
            refused: occurred(refused.chain([("unheld", counters.unheld)])),
        }
    }

    fn stream_counts(&self) -> StreamCounts {
        let (translator, gaps) = (&self.translator, self.sequencer.gaps());
        let session = self.sequencer.session().map_or(&[][..], |session| &session[..]);
        let recovered = self.sequencer.source(Source::Recovery).first;
        let refused = translator.decoder.as_ref().map_or_else(Vec::new, |decoder| {
            let counts = &decoder.counters().refused;
            let errors = itch::DecodeError::ALL.iter();
            occurred(errors.map(|error| (error.name(), counts[*error as usize])))
        });
        let undated = occurred([("date_unknown", translator.undated)]);
        StreamCounts {
            stream: STREAM,
            name: String::from_utf8_lossy(session.trim_ascii()).into_owned(),
            is_whole: !translator.is_stale && !translator.has_lost,
            delivered: translator.delivered,
            joined_at: translator.joined_at,
            lines: Line::BOTH.map(|line| {
                let source = self.sequencer.source(Source::Line(line));
                let (first, redundant) = (source.first, source.redundant);
                StreamLineCounters { first, redundant, ..StreamLineCounters::default() }
            }),
            gaps: GapCounters {
                opened: gaps.opened,
                recovered,
                lost: gaps.lost,
                ..GapCounters::default()
            },
            lost: translator.lost.clone(),
            lost_unlisted: translator.lost_unlisted,
            restarts: u64::from(translator.restarts),
            requests: gaps.requests,
            refused: [refused, undated].concat(),
            ..StreamCounts::default()
        }
    }
}

impl Translator {
    /// A datagram came; the first one with a time says the day, when nothing else did.
    #[inline]
    fn begin(&mut self, receive_time: Nanos) {
        self.receive_time = receive_time;
        if self.decoder.is_none() {
            let date = SessionDate::at(receive_time);
            self.decoder = date.map(|date| Decoder::new(date, STREAM.number()));
        }
    }

    #[inline]
    fn on_delivery<F: FnMut(&Event)>(&mut self, delivery: Delivery<'_>, out: &mut Batch<'_, F>) {
        if self.has_ended {
            self.begin_session(out);
        }
        if let Delivery::Message { sequence, source, bytes } = delivery {
            if self.joined_at == 0 {
                self.joined_at = sequence;
            }
            self.delivered += 1;
            let Some(decoder) = &mut self.decoder else {
                self.undated += 1;
                return;
            };
            let flags = match source {
                Source::Line(line) => super::line_flag(line),
                Source::Recovery => MarketFlags::RECOVERED,
            };
            // A refusal is counted by the decoder; the messages around it are good.
            if let Ok(Some(event)) = decoder.on_message(bytes, sequence, self.receive_time, flags) {
                out.push(&event);
            }
        } else {
            self.on_fault(delivery, out);
        }
    }

    /// What is said of the stream itself.
    #[cold]
    fn on_fault<F: FnMut(&Event)>(&mut self, delivery: Delivery<'_>, out: &mut Batch<'_, F>) {
        match delivery {
            Delivery::Stale { first } => {
                self.is_stale = true;
                out.push(&self.event(EventKind::StreamStale, first));
            }
            Delivery::Whole { next } => {
                self.is_stale = false;
                // Nothing is awaited any more; the books still lack what was lost.
                if !self.has_lost {
                    out.push(&self.event(EventKind::StreamWhole, next));
                }
            }
            Delivery::Gap { first, last } => {
                self.has_lost = true;
                let restart_count = self.restarts;
                if self.lost.len() < self.lost_max {
                    self.lost.push(LostNumbers { first, last, restart_count });
                } else {
                    self.lost_unlisted += 1;
                }
                let gap = self.event(EventKind::StreamGap, first);
                // As the first number: the low 32 bits, which is what an event holds.
                out.push(&Event { order_id: OrderId(last & u64::from(u32::MAX)), ..gap });
            }
            Delivery::EndOfSession { .. } => self.has_ended = true,
            Delivery::Message { .. } => {}
        }
    }

    /// The first of a session that follows another: its numbers begin again.
    #[cold]
    fn begin_session<F: FnMut(&Event)>(&mut self, out: &mut Batch<'_, F>) {
        self.has_ended = false;
        self.is_stale = false;
        self.has_lost = false;
        self.joined_at = 0;
        self.restarts += 1;
        out.push(&self.event(EventKind::StreamReset, 1));
    }

    fn event(&self, kind: EventKind, sequence: u64) -> Event {
        Event {
            kind_code: kind as u8,
            stream: STREAM,
            sequence: sequence as u32, // the low 32 bits, as of messages
            receive_time: self.receive_time,
            ..Event::zeroed()
        }
    }
}
