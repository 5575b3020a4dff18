//! Figures that the threads of a session publish for whoever looks on.
//!
//! Each thread stores its own, some times a second, with plain stores of its own values; readers load
//! them one by one. Nobody waits for anybody, and a figure is never half written. Two figures of one
//! moment may be a tick apart.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use tezi_core::pricing::PricingKernel;
use tezi_core::strategy::Strategy;
use tezi_core::{Core, Counters};
use tezi_model::{Px, RejectReason, Segment, Token};

use crate::orders::{LocalRefusal, OrderCounts};

/// Positions published one by one; of more, how many there are.
pub(crate) const POSITIONS_MAX: usize = 256;

/// What a figure is to those who read it over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows while the session runs.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// A figure's name, kind and meaning, and how many of its units make one of what it is told in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
    pub(crate) scale: i64,
}

/// Makes a set of figures, the board that one thread stores them on, and their descriptions.
macro_rules! figures {
    ($(#[$doc:meta])* $figures:ident on $board:ident {
        $($field:ident: $kind:ident $name:literal / $scale:expr, $help:literal;)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub(crate) struct $figures {
            $(pub(crate) $field: i64,)+
        }

        /// The same figures between threads.
        #[derive(Debug, Default)]
        pub(crate) struct $board {
            $($field: AtomicI64,)+
        }

        impl $board {
            pub(crate) fn store(&self, figures: &$figures) {
                $(self.$field.store(figures.$field, Ordering::Relaxed);)+
            }

            pub(crate) fn load(&self) -> $figures {
                $figures { $($field: self.$field.load(Ordering::Relaxed),)+ }
            }
        }

        impl $figures {
            /// Each figure with its description.
            pub(crate) fn each(&self, mut out: impl FnMut(&Family, i64)) {
                $(
                    let (name, help, scale) = (concat!("tezi_", $name), $help, $scale);
                    out(&Family { name, kind: Kind::$kind, help, scale }, self.$field);
                )+
            }
        }
    };
}

figures! {
    /// What the core's thread publishes.
    CoreFigures on CoreBoard {
        events: Counter "events_total" / 1, "Market events taken in by the core.";
        trades: Counter "trades_total" / 1, "Trades of the market.";
        gaps: Counter "gaps_total" / 1, "Gaps that no line and no recovery filled.";
        lost: Counter "lost_messages_total" / 1, "Sequence numbers lost on every line.";
        resets: Counter "stream_resets_total" / 1, "Streams that began again.";
        stale_streams: Gauge "stale_streams" / 1, "Streams whose books may be wrong now.";
        book_refusals: Counter "book_refusals_total" / 1, "Events that found no room in the books.";
        new_orders: Counter "orders_new_total" / 1, "New orders that left the core.";
        replaces: Counter "orders_replace_total" / 1, "Changes of orders that left the core.";
        cancels: Counter "orders_cancel_total" / 1, "Cancels that left the core.";
        fills: Counter "fills_total" / 1, "Fills booked.";
        passive_fills: Counter "fills_passive_total" / 1, "Fills booked that took no liquidity.";
        open_orders: Gauge "orders_open" / 1, "Own orders open or in flight.";
        open_order_paise: Gauge "orders_open_value_rupees" / 100, "Value of all open orders.";
        in_flight: Gauge "requests_in_flight" / 1, "Requests without an answer.";
        profit_paise: Gauge "profit_rupees" / 100, "Profit, realised and not, before charges.";
        messages_peak: Gauge "order_messages_second_max" / 1, "Most order messages in one second.";
        stopped: Gauge "trading_stopped" / 1, "1 when trading is stopped for good, else 0.";
        paused: Gauge "trading_paused" / 1, "1 while an operator has paused trading, else 0.";
        reducing: Gauge "risk_only_reduced" / 1, "1 while orders may only reduce risk, else 0.";
        limits_near: Gauge "limits_near" / 1, "Limits used beyond the marks of alerts.";
        strategies_inactive: Gauge "strategies_inactive" / 1,
            "Strategies that are stopped or outside their hours.";
        margin_paise: Gauge "margin_rupees" / 100, "Margin of the positions.";
        margin_worst_paise: Gauge "margin_worst_rupees" / 100,
            "Margin at the worst way in which open orders can fill.";
        journal_records: Counter "journal_records_total" / 1, "Records appended to the journal.";
        journal_bytes: Counter "journal_bytes_total" / 1, "Bytes of records appended to the journal.";
        journal_segments: Gauge "journal_segments" / 1, "Segment files of the journal.";
        journal_waits: Counter "journal_waits_total" / 1, "Rolls that waited for the disk.";
        durable_lag: Gauge "journal_durable_lag_records" / 1,
            "Records appended and not on the disk yet, of a staged journal.";
        notices_lost: Counter "notices_lost_total" / 1, "Events of the run that found no room in its log.";
        intervals_late: Counter "latency_intervals_late_total" / 1,
            "Latency intervals that were too long: the observer was behind.";
    }
}

figures! {
    /// What the feed's thread publishes.
    FeedFigures on FeedBoard {
        packets: Counter "packets_total" / 1, "Datagrams taken from the network or a capture.";
        packet_bytes: Counter "packet_bytes_total" / 1, "Payload of the datagrams, in bytes.";
        packets_foreign: Counter "packets_foreign_total" / 1, "Datagrams of groups that are not ours.";
        packets_dropped: Counter "packets_dropped_by_kernel_total" / 1,
            "Datagrams lost in the kernel: a receive buffer or ring was full.";
        messages: Counter "messages_total" / 1, "Events made of messages and sent to the core.";
        ring_stalls: Counter "ring_stalls_total" / 1, "Times the ring to the core was found full.";
        ring_dropped: Counter "ring_dropped_total" / 1, "Events dropped on a full ring to the core.";
    }
}

figures! {
    /// What the thread of an order session publishes.
    OrdersFigures on OrdersBoard {
        sent: Counter "order_requests_sent_total" / 1, "Requests that left for the exchange.";
        acknowledged: Counter "order_requests_acknowledged_total" / 1, "Requests carried out.";
        fills: Counter "order_session_fills_total" / 1, "Trades of own orders told by the exchange.";
        rejected: Counter "order_requests_rejected_total" / 1, "Requests refused by the exchange.";
        cancelled_unasked: Counter "orders_cancelled_unasked_total" / 1,
            "Orders that the exchange ended unasked.";
        resolved: Counter "order_requests_resolved_total" / 1,
            "Requests whose fate was worked out after a lost connection.";
        unanswered: Counter "order_requests_unanswered_total" / 1,
            "Times that requests waited too long for an answer.";
        connections: Counter "order_connections_total" / 1, "Connections opened.";
        signed_on: Counter "order_sign_ons_total" / 1, "Times that the session went live.";
        bytes_out: Counter "order_bytes_sent_total" / 1, "Bytes handed to sockets.";
        bytes_in: Counter "order_bytes_received_total" / 1, "Bytes read from sockets.";
    }
}

figures! {
    /// What the thread that replicates the journal publishes.
    ReplicaFigures on ReplicaBoard {
        is_up: Gauge "replica_up" / 1, "1 while records go to the follower, else 0.";
        is_degraded: Gauge "replica_durable_only" / 1,
            "1 while orders leave without the follower, when they are durable, else 0.";
        connections: Counter "replica_connections_total" / 1,
            "Times that the follower took the journal.";
        degradations: Counter "replica_degradations_total" / 1,
            "Times that orders went on without the follower.";
        records: Counter "replica_records_total" / 1, "Records sent to the follower.";
        bytes: Counter "replica_bytes_total" / 1, "Bytes of records sent to the follower.";
        lag: Gauge "replica_lag_records" / 1, "Records that the follower's journal lacks.";
        disk_lag: Gauge "replica_disk_lag_records" / 1,
            "Records that are not known to be on the follower's disk.";
        waited_ms: Gauge "replica_waited_seconds" / 1_000,
            "How long the follower has lacked a record.";
    }
}

figures! {
    /// What the thread that writes snapshots publishes.
    SnapshotFigures on SnapshotBoard {
        written: Counter "snapshots_written_total" / 1, "Snapshots written beside the journal.";
        failures: Counter "snapshot_failures_total" / 1,
            "Snapshots that could not be written, or could no longer be.";
        sequence: Gauge "snapshot_sequence" / 1, "The record before which the newest snapshot lies.";
        bytes: Gauge "snapshot_bytes" / 1, "Size of the newest snapshot.";
        took_ms: Gauge "snapshot_write_seconds" / 1_000,
            "How long the newest snapshot took to be made and brought to the disk.";
        followed: Gauge "snapshot_followed_sequence" / 1,
            "The last record of the journal that the snapshots' core has read.";
    }
}

/// Counts by reason between threads.
#[derive(Debug)]
pub(crate) struct Reasons<const COUNT: usize>([AtomicU64; COUNT]);

impl<const COUNT: usize> Default for Reasons<COUNT> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl<const COUNT: usize> Reasons<COUNT> {
    pub(crate) fn store(&self, place: usize, count: u64) {
        if let Some(cell) = self.0.get(place) {
            cell.store(count, Ordering::Relaxed);
        }
    }

    pub(crate) fn load(&self, place: usize) -> u64 {
        self.0.get(place).map_or(0, |cell| cell.load(Ordering::Relaxed))
    }
}

/// One position between threads: the instrument is stored once, before the count that shows it.
#[derive(Debug, Default)]
struct PositionCell {
    token: AtomicU32,
    segment: AtomicU32,
    net: AtomicI64,
}

/// Positions of the instruments that were traded, in the order in which they first were.
#[derive(Debug)]
pub(crate) struct PositionBoard {
    cells: Box<[PositionCell]>,
    count: AtomicU64,
    beyond: AtomicU64,
}

impl Default for PositionBoard {
    fn default() -> Self {
        let cells = (0..POSITIONS_MAX).map(|_| PositionCell::default()).collect();
        Self { cells, count: AtomicU64::new(0), beyond: AtomicU64::new(0) }
    }
}

impl PositionBoard {
    /// Shows a new instrument at a place, before its first position.
    pub(crate) fn open(&self, place: usize, segment: Option<Segment>, token: Token) {
        let Some(cell) = self.cells.get(place) else { return };
        cell.token.store(token.0, Ordering::Relaxed);
        cell.segment.store(segment.map_or(0, |it| it as u32), Ordering::Relaxed);
        self.count.store(place as u64 + 1, Ordering::Release);
    }

    pub(crate) fn set(&self, place: usize, net: i64) {
        if let Some(cell) = self.cells.get(place) {
            cell.net.store(net, Ordering::Relaxed);
        }
    }

    /// One more fill in an instrument that found no place.
    pub(crate) fn add_beyond(&self) {
        self.beyond.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn beyond(&self) -> u64 {
        self.beyond.load(Ordering::Relaxed)
    }

    /// Segment, token and net units of each.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Option<Segment>, Token, i64)> + '_ {
        let count = self.count.load(Ordering::Acquire) as usize;
        self.cells.iter().take(count).map(|cell| {
            let segment = cell.segment.load(Ordering::Relaxed);
            let segment = u8::try_from(segment).ok().and_then(Segment::from_code);
            let token = Token(cell.token.load(Ordering::Relaxed));
            (segment, token, cell.net.load(Ordering::Relaxed))
        })
    }
}

/// Everything that is published.
#[derive(Debug, Default)]
pub(crate) struct Boards {
    pub(crate) core: CoreBoard,
    pub(crate) feed: FeedBoard,
    pub(crate) orders: OrdersBoard,
    /// By place in [`RejectReason::ALL`].
    pub(crate) refusals: Reasons<{ RejectReason::ALL.len() }>,
    /// By place in [`LocalRefusal::ALL`].
    pub(crate) not_sent: Reasons<{ LocalRefusal::ALL.len() }>,
    pub(crate) positions: PositionBoard,
}

fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

impl CoreFigures {
    /// What the core itself knows; a few tens of loads, nothing of it by instrument.
    pub(crate) fn of<S: Strategy, K: PricingKernel>(core: &Core<S, K>) -> Self {
        let Counters { events, trades, gaps, resets, book_refusals, .. } = *core.counters();
        let Counters { new_orders, replaces, cancels, fills, passive_fills, .. } = *core.counters();
        let (orders, collateral) = (core.orders(), core.collateral().unwrap_or_default());
        let paise = |money: tezi_model::Money| number(money.0 / i128::from(Px::PAISA));
        Self {
            events: number(events),
            trades: number(trades),
            gaps: number(gaps),
            resets: number(resets),
            book_refusals: number(book_refusals),
            new_orders: number(new_orders),
            replaces: number(replaces),
            cancels: number(cancels),
            fills: number(fills),
            passive_fills: number(passive_fills),
            open_orders: number(orders.open_count()),
            open_order_paise: paise(orders.open_value()),
            in_flight: i64::from(orders.in_flight()),
            profit_paise: paise(core.profit()),
            messages_peak: i64::from(core.messages_peak()),
            stopped: i64::from(core.stopped().is_some()),
            paused: i64::from(core.is_paused()),
            reducing: i64::from(collateral.is_reducing),
            limits_near: i64::from(core.limits_near()),
            strategies_inactive: number(core.strategies().filter(|it| !it.is_active()).count()),
            margin_paise: paise(collateral.margin.total()),
            margin_worst_paise: paise(collateral.worst.total()),
            ..Self::default()
        }
    }
}

impl OrdersFigures {
    pub(crate) fn of(counts: &OrderCounts) -> Self {
        Self {
            sent: number(counts.sent),
            acknowledged: number(counts.acknowledged),
            fills: number(counts.fills),
            rejected: number(counts.rejected),
            cancelled_unasked: number(counts.cancelled_unasked),
            resolved: number(counts.resolved),
            unanswered: number(counts.unanswered),
            connections: number(counts.connections),
            signed_on: number(counts.signed_on),
            bytes_out: number(counts.bytes_out),
            bytes_in: number(counts.bytes_in),
        }
    }
}
