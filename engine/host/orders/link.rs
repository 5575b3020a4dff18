//! The two rings between the core's thread and the orders' thread, and the core's ends of them.

use std::collections::VecDeque;
use std::time::Duration;

use bytemuck::{Pod, Zeroable};
use tezi_core::oms::OrderSessionState;
use tezi_model::{ExecutionReport, Nanos, OrderCommand};
use tezi_ring::{Consumer, Producer};

use super::config::OrderSessionConfig;
use super::refusal::{LocalRefusal, refused};
use crate::error::Error;

/// A command on its way out; its tag is the raw stamp of when it was pushed.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Outgoing {
    pub(crate) command: OrderCommand,
    /// How long before its own stamp the packet that caused it has its raw one; 0 when none did.
    /// Longer than 32 bits say, it is the longest.
    since_caused: u32,
    /// The low bits of the sequence of its record in the journal.
    sequence_low: u32,
}

/// The kind of what is no order's: the exchange's kill switch for the user.
const KILL_SWITCH: u8 = u8::MAX;

/// Where a command comes from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CommandOrigin {
    /// The raw stamp of the packet that caused it; 0 when none did.
    pub(crate) caused: u64,
    /// The sequence of its record in the journal; 0 when there is no journal.
    pub(crate) sequence: u64,
}

impl Outgoing {
    fn new(command: &OrderCommand, origin: CommandOrigin, raw: u64) -> Self {
        let since = match origin.caused {
            0 => 0,
            caused => raw.saturating_sub(caused).clamp(1, u64::from(u32::MAX)),
        };
        Self { command: *command, since_caused: since as u32, sequence_low: origin.sequence as u32 }
    }

    /// Whether it is the exchange's kill switch for the user, and no order's.
    #[inline]
    pub(super) const fn is_kill_switch(&self) -> bool {
        self.command.kind_code == KILL_SWITCH
    }

    /// The raw stamp of the packet that caused it, 0 when none did. `emitted` is its own.
    #[inline]
    pub(super) const fn caused(&self, emitted: u64) -> u64 {
        if self.since_caused == 0 { 0 } else { emitted.saturating_sub(self.since_caused as u64) }
    }

    /// Whether its record is at or before `sequence`, which is within 2³¹ records of it.
    #[inline]
    pub(super) const fn is_at_or_before(&self, sequence: u64) -> bool {
        (sequence as u32).wrapping_sub(self.sequence_low) <= u32::MAX / 2
    }
}

/// A report or a word about the session on its way in.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Inbound {
    report: ExecutionReport,
    /// 0 a report, 3 a trade taken back; else 1 more than the code of an [`OrderSessionState`].
    kind: u64,
}

// With the ring's word each fills one cache line.
const _: () = assert!(size_of::<Outgoing>() == 56 && size_of::<Inbound>() == 56);

/// Beyond the codes of [`OrderSessionState`].
const TRADE_CANCELED: u64 = 3;

/// What the orders' thread tells the core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Incoming {
    /// The venue, or whoever carries orders to it, said this of an order.
    Report(ExecutionReport),
    /// The exchange took back a trade.
    TradeCanceled(ExecutionReport),
    /// Orders can leave from now on, or no longer.
    Session(OrderSessionState),
}

impl Incoming {
    pub(super) fn pack(self) -> Inbound {
        match self {
            Self::Report(report) => Inbound { report, kind: 0 },
            Self::TradeCanceled(report) => Inbound { report, kind: TRADE_CANCELED },
            Self::Session(state) => {
                Inbound { report: ExecutionReport::zeroed(), kind: state as u64 + 1 }
            }
        }
    }

    fn unpack(inbound: &Inbound) -> Self {
        match inbound.kind {
            0 => Self::Report(inbound.report),
            TRADE_CANCELED => Self::TradeCanceled(inbound.report),
            1 => Self::Session(OrderSessionState::Down),
            _ => Self::Session(OrderSessionState::Live),
        }
    }
}

/// The orders' thread's ends.
pub(crate) struct ThreadEnd {
    pub(super) commands: Consumer<Outgoing>,
    pub(super) reports: Producer<Inbound>,
}

/// The core's ends. Dropping them ends the session: open orders are looked after, the user signs off.
pub(crate) struct OrderLink {
    commands: Producer<Outgoing>,
    reports: Consumer<Inbound>,
    /// Answers to commands for which the ring had no room. One order has one request in flight, so
    /// there are never more than own orders.
    refused: VecDeque<ExecutionReport>,
    /// What the core was told last.
    state: OrderSessionState,
    /// Commands that found no room.
    pub(crate) refused_count: u64,
    /// At the end, how long the answers to open orders are awaited.
    pub(crate) stop_timeout: Duration,
}

/// Both ends of a link.
pub(crate) fn link(
    config: &OrderSessionConfig,
    own_orders_max: u32,
) -> Result<(OrderLink, ThreadEnd), Error> {
    let ring_slots = config.ring_slots;
    let wrong = |error| Error::Parameter(format!("rings to the order session: {error}"));
    let (commands, commands_out) = tezi_ring::ring(ring_slots).map_err(wrong)?;
    let (reports_in, reports) = tezi_ring::ring(ring_slots).map_err(wrong)?;
    let core = OrderLink {
        commands,
        reports,
        refused: VecDeque::with_capacity(own_orders_max as usize),
        state: OrderSessionState::Down,
        refused_count: 0,
        stop_timeout: config.stop_timeout,
    };
    Ok((core, ThreadEnd { commands: commands_out, reports: reports_in }))
}

impl OrderLink {
    /// Sends a command on; when there is no room its refusal waits among what comes in.
    #[inline]
    pub(crate) fn send(
        &mut self,
        command: &OrderCommand,
        origin: CommandOrigin,
        raw: u64,
        now: Nanos,
    ) {
        if self.commands.try_push(Outgoing::new(command, origin, raw), raw).is_err() {
            self.refused_count += 1;
            self.refused.push_back(refused(command, LocalRefusal::Queue, now));
        }
    }

    /// Has the exchange asked to cancel every order of the user. Without room it is not; each order's own
    /// cancel goes its way all the same.
    #[cold]
    pub(crate) fn kill_user(&mut self, origin: CommandOrigin, raw: u64) {
        let command = OrderCommand { kind_code: KILL_SWITCH, ..OrderCommand::zeroed() };
        let sent = self.commands.try_push(Outgoing::new(&command, origin, raw), raw);
        self.refused_count += u64::from(sent.is_err());
    }

    /// The next thing the core must be told: refusals of this end first, then what the thread says
    /// in its order. When the thread is gone the session is down.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Incoming> {
        if let Some(report) = self.refused.pop_front() {
            return Some(Incoming::Report(report));
        }
        let incoming = match self.reports.pop() {
            Some(item) => Incoming::unpack(&item.payload),
            None => self.on_empty()?,
        };
        if let Incoming::Session(state) = incoming {
            self.state = state;
        }
        Some(incoming)
    }

    /// Nothing came: a thread that has gone will never say that the session is down.
    fn on_empty(&mut self) -> Option<Incoming> {
        let is_news = self.state == OrderSessionState::Live
            && self.reports.is_abandoned()
            && self.reports.is_empty();
        is_news.then_some(Incoming::Session(OrderSessionState::Down))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_model::{ClientOrderId, CommandKind, ExecutionKind};

    fn command(id: u64) -> OrderCommand {
        OrderCommand {
            client_order_id: ClientOrderId(id),
            kind_code: CommandKind::New as u8,
            ..OrderCommand::zeroed()
        }
    }

    fn rings(ring_slots: usize) -> (OrderLink, ThreadEnd) {
        let router = "127.0.0.1:10999".parse().unwrap();
        let config = OrderSessionConfig::new(router, 1, "90001", 7, "secret1");
        link(&OrderSessionConfig { ring_slots, ..config }, 4).unwrap()
    }

    #[test]
    fn a_command_without_room_comes_back_as_a_refusal() {
        let (mut core, mut thread) = rings(2);
        let origin = CommandOrigin::default();
        (1..=3).for_each(|id| core.send(&command(id), origin, id, Nanos(9)));
        let Some(Incoming::Report(report)) = core.next() else { panic!("the third finds no room") };
        assert_eq!(report.client_order_id, ClientOrderId(3));
        assert_eq!(report.kind(), Some(ExecutionKind::Rejected));
        assert_eq!(report.reason, LocalRefusal::Queue as u16);
        assert_eq!((core.next(), core.refused_count), (None, 1));
        let tags: Vec<u64> =
            std::iter::from_fn(|| thread.commands.pop()).map(|it| it.tag).collect();
        assert_eq!(tags, [1, 2]);
    }

    #[test]
    fn a_command_carries_its_cause_and_its_record_in_half_a_word_each() {
        let made = |caused, sequence, raw| {
            Outgoing::new(&command(1), CommandOrigin { caused, sequence }, raw)
        };
        let causes = [(0, 9), (5, 9), (9, 9), (1, 1 << 40)]
            .map(|(caused, raw)| made(caused, 0, raw).caused(raw));
        assert_eq!(causes, [0, 5, 8, (1 << 40) - u64::from(u32::MAX)]);
        for sequence in [1, 77, (1 << 32) - 1, 1 << 32, (5 << 32) + 3] {
            let it = made(0, sequence, 9);
            let at = |other| it.is_at_or_before(other);
            assert!(at(sequence) && at(sequence + 1) && at(sequence + (1 << 31) - 1));
            assert!(!at(sequence - 1) && !at(sequence.saturating_sub(1 << 30)), "{sequence}");
        }
    }

    #[test]
    fn everything_comes_in_order_and_a_thread_that_is_gone_means_down() {
        let (mut core, mut thread) = rings(4);
        let report = refused(&command(7), LocalRefusal::NotLive, Nanos(1));
        let said = [
            Incoming::Session(OrderSessionState::Live),
            Incoming::Report(report),
            Incoming::Session(OrderSessionState::Down),
            Incoming::Session(OrderSessionState::Live),
        ];
        said.iter().for_each(|it| thread.reports.try_push(it.pack(), 0).unwrap());
        drop(thread);
        let heard: Vec<Incoming> = std::iter::from_fn(|| core.next()).collect();
        assert_eq!(heard[..4], said);
        assert_eq!(heard[4..], [Incoming::Session(OrderSessionState::Down)]);
        assert_eq!(core.next(), None);
    }
}
