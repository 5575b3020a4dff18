//! The summary of a session for programs.
//!
//! One object. Fields are only ever added; `format` changes when one changes its meaning. Money and
//! prices are strings, decimal rupees with at least two decimals, exact. Times are integers, UTC
//! nanoseconds since the UNIX epoch. Hashes are strings of 16 hex digits. What is not known is
//! `null`; reasons that did not occur are left out of the objects that count by reason.
//!
//! ```text
//! format        1
//! is_fine       whether everything was; problems: sentences, empty when fine; notes: sentences
//! state_hash    of the core at the end
//! strategy      name, parameters; pricing_kernel; elapsed_ns
//! feed          protocol, events, delivered, lost, ring_stalls, ring_dropped, foreign_datagrams,
//!               packets_recorded, source {datagrams, bytes, truncated, dropped_by_kernel, errors},
//!               others {name: count}, undecoded[] {segment, code, count}, misdirected,
//!               skipped_frames {reason: count}, injected {dropped, dropped_on_both, duplicated,
//!               reordered, each [A, B]} of the demo, recorded {records, events, other,
//!               refused {reason: count}} of DBN and ITCH files
//!   lines[]     line, packets, bytes, messages, heartbeats, refused {reason: count}
//!   streams[]   stream, is_whole, delivered, joined_at, restarts, requests, snapshots,
//!               refused {reason: count}, lead_ns {a_first, b_first each {count, p50, p99, max},
//!               unmeasured}, gaps {opened, numbers, filled_same_line,
//!               filled_other_line, recovered, lost}, lost [[first, last]], lost_unlisted,
//!               recovery {requests, failures, messages, stale, whole},
//!               lines[] {line, first, redundant, duplicates, late, before_join, implausible, missing}
//! core          counts of events, orders and fills; instruments, stale_instruments, book_orders,
//!               messages_per_second_peak, exchange_time_ns, stopped (reason), is_consistent,
//!               refusals {reason: count}, reports {applied, repeats, late_fills, refused},
//!               orders_not_encoded
//! parents[]     id, instrument, side, quantity, limit, state, executed, average_price, arrival,
//!               market_vwap, shortfall, slippage, children, replaces, cancels, refused, rejected,
//!               of execution algorithms
//! profit        before charges; positions[]: instrument, segment, token, bought, sold, net,
//!               average_price, mark, realised, unrealised, turnover
//! holdings[]    strategy, account, instrument, carried_in, bought, sold, carried_out, average_price, mark,
//!               realised, realised_fifo, unrealised, lots[] {quantity, cost, date}: by what was paid,
//!               where the session keeps lots
//! margin        span, exposure of the positions, worst with all open orders, premium, is_reducing;
//!               null where nothing was valued
//! latency_ns    {stage: {count, p50, p99, p99_9, max}}, stages that ran
//! journal       path, records, bytes, segments, durability {is_direct, watermark, lag_at_end,
//!               lag_max, batches, bytes_written, waits} (null when mapped), replication {follower,
//!               connections, records, bytes, sequence_last, replicated, durable, lag_max,
//!               degradations, degraded_ns, round_trip_ns, endings} (null without a follower),
//!               snapshots {written, sequence, bytes, from, has_strategy, followed, took_ns_max,
//!               failures, failure, ended_early} (null where none were to be written);
//!               null when none was kept
//! ```

use serde_json::{Map, Value, json};
use tezi::InjectedFaults;
use tezi::book::Level;
use tezi::collateral::CollateralView;
use tezi::execution::Parent;
use tezi::feed_handler::Line;
use tezi::feed_handler::arbitration::LeadTimes;
use tezi::feed_handler::feed::{Channel, LineCounts, StreamCounts};
use tezi::journal::WriteOut;
use tezi::model::{Nanos, RejectReason, Segment};
use tezi::monitor::{BookView, MonitorReport};
use tezi::orders::{OpenOrder, OrdersReport};
use tezi::receive::SourceCounters;
use tezi::venue::Date;
use tezi::{
    CoreReport, DurabilityReport, FeedReport, HoldingReport, LatencyHistogram, Lot, PathStage,
    PositionReport, ReplicationReport, Report, SessionSnapshots,
};

use crate::text::{hash, price, rupees};

/// The version of the summary's shape.
const FORMAT: u32 = 1;

/// The summary of a session.
pub(crate) fn of_report(report: &Report) -> Value {
    json!({
        "format": FORMAT,
        "is_fine": report.is_fine(),
        "problems": report.problems(),
        "notes": report.notes,
        "state_hash": hash(report.core.state_hash),
        "strategy": { "name": report.strategy, "parameters": report.parameters },
        "pricing_kernel": report.kernel,
        "elapsed_ns": u64::try_from(report.elapsed.as_nanos()).unwrap_or(u64::MAX),
        "feed": of_feed(&report.feed, report.injected.as_ref()),
        "core": of_core(&report.core, report.orders_not_encoded),
        "parents": report.core.parents.iter().map(of_parent).collect::<Vec<_>>(),
        "order_session": report.orders.as_ref().map(of_orders),
        "profit": rupees(report.core.profit),
        "margin": report.core.collateral.as_ref().map(of_collateral),
        "positions": report.core.positions.iter().map(of_position).collect::<Vec<_>>(),
        "holdings": report.core.holdings.iter().map(of_holding).collect::<Vec<_>>(),
        "latency_ns": of_latencies(report),
        "journal": of_journal(report),
    })
}

fn of_collateral(view: &CollateralView) -> Value {
    json!({
        "span": rupees(view.margin.span),
        "exposure": rupees(view.margin.exposure),
        "worst": rupees(view.worst.total()),
        "premium": rupees(view.premium),
        "is_reducing": view.is_reducing,
    })
}

fn of_parent(parent: &Parent) -> Value {
    let (spec, counters) = (parent.spec(), parent.counters());
    json!({
        "id": spec.id.0,
        "instrument": parent.instrument().to_string(),
        "side": spec.side.to_string(),
        "quantity": spec.quantity.0,
        "limit": price(Some(spec.limit)),
        "state": parent.state().to_string(),
        "executed": parent.executed(),
        "average_price": price(parent.average_price()),
        "arrival": price(parent.benchmark().arrival()),
        "market_vwap": price(parent.benchmark().vwap()),
        "shortfall": parent.shortfall().map(rupees),
        "slippage": parent.slippage().map(rupees),
        "children": counters.children,
        "replaces": counters.replaces,
        "cancels": counters.cancels,
        "refused": counters.refused,
        "rejected": counters.rejected,
    })
}

fn of_orders(report: &OrdersReport) -> Value {
    let OrdersReport { counts, session, .. } = report;
    let orders = |orders: &[OpenOrder]| -> Vec<Value> {
        let value = |it: &OpenOrder| {
            json!({
                "client_order_id": it.client_order_id.0,
                "order_id": it.order_id.0,
                "filled": it.filled.0,
                "is_in_flight": it.is_in_flight,
            })
        };
        orders.iter().map(value).collect()
    };
    json!({
        "sent": counts.sent,
        "acknowledged": counts.acknowledged,
        "fills": counts.fills,
        "rejected": counts.rejected,
        "cancelled_unasked": counts.cancelled_unasked,
        "resolved": counts.resolved,
        "not_sent": report.refused.iter().map(|(reason, count)| json!([reason.message(), count]))
            .collect::<Vec<_>>(),
        "connections": counts.connections,
        "signed_on": counts.signed_on,
        "bytes_out": counts.bytes_out,
        "bytes_in": counts.bytes_in,
        "downloads": session.downloads,
        "gaps": session.gaps,
        "malformed": session.malformed,
        "endings": report.endings,
        "unknown_orders": orders(&report.unknown_orders),
        "unknown_cancelled": report.unknown_cancelled,
        "open_at_end": orders(&report.open_at_end),
    })
}

/// The summary of a feed that was watched: `feed` as above, and the books at the end.
pub(crate) fn of_monitor(report: &MonitorReport) -> Value {
    let view = &report.view;
    json!({
        "format": FORMAT,
        "is_fine": report.problems().is_empty(),
        "problems": report.problems(),
        "notes": report.feed.notes,
        "elapsed_ns": u64::try_from(view.elapsed.as_nanos()).unwrap_or(u64::MAX),
        "exchange_time_ns": view.exchange_time.0,
        "feed": of_feed(&report.feed, None),
        "instruments": view.instruments,
        "stale_instruments": view.stale,
        "book_orders": view.orders,
        "trades": view.trades,
        "audit": view.audit.as_ref().map(|audit| json!({
            "compared": audit.compared,
            "not_made": audit.not_made,
            "orders": audit.orders,
            "differences": audit.differences,
            "findings": audit.findings,
        })),
        "books": view.books.iter().map(of_book).collect::<Vec<_>>(),
    })
}

fn of_book(book: &BookView) -> Value {
    let levels = |levels: &[Level]| -> Vec<Value> {
        let levels = levels.iter();
        levels.map(|it| json!([it.price.to_string(), it.quantity, it.orders])).collect()
    };
    json!({
        "instrument": book.instrument.to_string(),
        "token": book.instrument.token.0,
        "status": book.status.name(),
        "is_stale": book.is_stale,
        "updates": book.updates,
        "last_trade": price(book.last_trade),
        "volume": book.volume,
        "bids": levels(&book.bids),
        "asks": levels(&book.asks),
    })
}

fn of_feed(feed: &FeedReport, injected: Option<&InjectedFaults>) -> Value {
    let counters = &feed.counters;
    json!({
        "events": feed.events,
        "recorded": feed.recorded.as_ref().map(|recorded| json!({
            "records": recorded.records,
            "events": recorded.events,
            "other": recorded.other,
            "refused": recorded.refused.iter().map(|&(reason, count)| (reason.to_string(), json!(count)))
                .collect::<Map<_, _>>(),
        })),
        "delivered": feed.delivered(),
        "lost": feed.lost(),
        "ring_stalls": feed.ring_stalls,
        "foreign_datagrams": feed.foreign_datagrams,
        "skipped_frames": counts(feed.skipped_frames.iter().map(|&(it, n)| (it.name(), n))),
        "injected": injected.map(|faults| json!({
            "dropped": faults.dropped,
            "dropped_on_both": faults.dropped_on_both,
            "duplicated": faults.duplicated,
            "reordered": faults.reordered,
        })),
        "protocol": counters.protocol.name(),
        "ring_dropped": feed.ring_dropped,
        "packets_recorded": feed.packets_recorded,
        "source": feed.source.as_ref().map(of_source),
        "others": counts(counters.others.iter().copied()),
        "undecoded": counters.undecoded.iter().map(|it| json!({
            "segment": it.segment.name(), "code": it.code, "count": it.count,
        })).collect::<Vec<_>>(),
        "misdirected": counters.misdirected,
        "lines": counters.lines.iter().map(of_line).collect::<Vec<_>>(),
        "streams": counters.streams.iter().map(of_stream).collect::<Vec<_>>(),
    })
}

/// What the source of packets took in and lost.
fn of_source(source: &SourceCounters) -> Value {
    json!({
        "datagrams": source.datagrams,
        "bytes": source.bytes,
        "truncated": source.truncated,
        "dropped_by_kernel": source.dropped_by_kernel,
        "errors": source.errors,
    })
}

fn of_line(line: &LineCounts) -> Value {
    json!({
        "line": name_of(line.channel),
        "packets": line.packets,
        "bytes": line.bytes,
        "messages": line.messages,
        "heartbeats": line.heartbeats,
        "refused": counts(line.refused.iter().copied()),
    })
}

/// `A` and `B` for the lines of the feed itself.
fn name_of(channel: Channel) -> String {
    match channel {
        Channel::Line(line) => format!("{line:?}"),
        Channel::Snapshot(_) | Channel::Reply => channel.to_string().replace(' ', "_"),
    }
}

/// How much earlier each line was, where both brought a message.
fn of_lead(lead: &LeadTimes) -> Value {
    let of = |line| {
        let histogram = lead.first_on(line);
        json!({
            "count": histogram.count(),
            "p50": histogram.quantile_ns(0.5),
            "p99": histogram.quantile_ns(0.99),
            "max": histogram.max_ns(),
        })
    };
    json!({
        "a_first": of(Line::A),
        "b_first": of(Line::B),
        "unmeasured": lead.unmeasured(),
    })
}

fn of_stream(stream: &StreamCounts) -> Value {
    let gaps = &stream.gaps;
    let lines = Line::BOTH.map(|line| {
        let counters = &stream.lines[line.index()];
        json!({
            "line": format!("{line:?}"),
            "first": counters.first,
            "redundant": counters.redundant,
            "duplicates": counters.duplicates,
            "late": counters.late,
            "before_join": counters.before_join,
            "implausible": counters.implausible,
            "missing": stream.missing[line.index()],
        })
    });
    json!({
        "stream": stream.name,
        "is_whole": stream.is_whole,
        "delivered": stream.delivered,
        "joined_at": stream.joined_at,
        "restarts": stream.restarts,
        "recovery": {
            "requests": stream.recovery.requests(),
            "failures": stream.recovery.failures_total(),
            "messages": stream.recovery.messages,
            "stale": stream.recovery.stale,
            "whole": stream.recovery.whole,
        },
        "lead_ns": stream.lead.as_ref().map(of_lead),
        "requests": stream.requests,
        "snapshots": stream.snapshots,
        "refused": counts(stream.refused.iter().copied()),
        "gaps": {
            "opened": gaps.opened,
            "numbers": gaps.numbers,
            "filled_same_line": gaps.filled_same_line,
            "filled_other_line": gaps.filled_other_line,
            "recovered": gaps.recovered,
            "lost": gaps.lost,
        },
        "lost": stream.lost.iter().map(|range| [range.first, range.last]).collect::<Vec<_>>(),
        "lost_unlisted": stream.lost_unlisted,
        "lines": lines,
    })
}

/// The core at the end, of a session or of a journal's replay.
pub(crate) fn of_core(core: &CoreReport, orders_not_encoded: u64) -> Value {
    let counters = &core.counters;
    let reports = &core.reports;
    json!({
        "events": counters.events,
        "orders_applied": counters.orders_applied,
        "orders_unknown": counters.orders_unknown,
        "trades": counters.trades,
        "spread_events": counters.spread_events,
        "spread_legs_given_up": counters.spread_legs_given_up,
        "trade_cancels": counters.trade_cancels,
        "status_events": counters.status_events,
        "gaps": counters.gaps,
        "resets": counters.resets,
        "malformed": counters.malformed,
        "book_refusals": counters.book_refusals,
        "clock_steps_back": counters.clock_steps_back,
        "new_orders": counters.new_orders,
        "replaces": counters.replaces,
        "cancels": counters.cancels,
        "fills": counters.fills,
        "passive_fills": counters.passive_fills,
        "instruments": core.instruments,
        "stale_instruments": core.stale_instruments,
        "book_orders": core.book_orders,
        "messages_per_second_peak": core.messages_peak,
        "exchange_time_ns": known(core.exchange_time),
        "stopped": core.stopped.map(RejectReason::name),
        "is_consistent": core.is_consistent,
        "refusals": counts(core.refusals.iter().map(|&(reason, n)| (reason.name(), n))),
        "reports": {
            "applied": reports.applied,
            "repeats": reports.repeats,
            "late_fills": reports.late_fills,
            "refused": reports.refused,
        },
        "orders_not_encoded": orders_not_encoded,
    })
}

fn of_position(report: &PositionReport) -> Value {
    let (instrument, position) = (&report.instrument, &report.position);
    json!({
        "instrument": instrument.to_string(),
        "segment": instrument.segment().map(Segment::name),
        "token": instrument.token.0,
        "bought": position.bought,
        "sold": position.sold,
        "net": position.net,
        "average_price": price(position.average_price()),
        "mark": price(position.mark),
        "realised": rupees(position.realised),
        "unrealised": rupees(position.unrealised()),
        "turnover": rupees(position.turnover),
    })
}

fn of_holding(it: &HoldingReport) -> Value {
    let lot = |lot: &Lot| {
        let date = (lot.day != 0).then(|| Date::of_number(lot.day).to_string());
        json!({ "quantity": lot.net, "cost": rupees(lot.cost), "date": date })
    };
    json!({
        "strategy": it.strategy,
        "account": it.account,
        "instrument": it.instrument.to_string(),
        "carried_in": it.carried_in(),
        "bought": it.average.bought,
        "sold": it.average.sold,
        "carried_out": it.average.net,
        "average_price": price(it.average.average_price()),
        "mark": price(it.mark),
        "realised": rupees(it.average.realised),
        "realised_fifo": rupees(it.realised_fifo),
        "unrealised": rupees(it.unrealised()),
        "lots": it.lots.iter().map(lot).collect::<Vec<_>>(),
    })
}

fn of_latencies(report: &Report) -> Value {
    let stages = PathStage::ALL.map(|stage| (stage, report.latencies.stage(stage)));
    let ran = stages.into_iter().filter(|(_, histogram)| histogram.count() > 0);
    ran.map(|(stage, histogram)| (stage.name().to_string(), of_histogram(histogram)))
        .collect::<Map<_, _>>()
        .into()
}

fn of_histogram(histogram: &LatencyHistogram) -> Value {
    json!({
        "count": histogram.count(),
        "p50": histogram.quantile(0.5),
        "p99": histogram.quantile(0.99),
        "p99_9": histogram.quantile(0.999),
        "max": histogram.max(),
    })
}

fn of_journal(report: &Report) -> Value {
    let Some(path) = &report.journal else { return Value::Null };
    let stats = report.journal_stats;
    json!({
        "path": path.display().to_string(),
        "records": stats.map(|stats| stats.records),
        "bytes": stats.map(|stats| stats.bytes),
        "segments": stats.map(|stats| stats.segments),
        "durability": report.durability.as_ref().map(of_durability),
        "replication": report.replication.as_ref().map(of_replication),
        "snapshots": report.snapshots.as_ref().map(of_snapshots),
    })
}

fn of_snapshots(snapshots: &SessionSnapshots) -> Value {
    let latest = snapshots.latest.as_ref();
    json!({
        "written": snapshots.written,
        "sequence": latest.map(|it| it.sequence),
        "bytes": latest.map(|it| it.bytes),
        "from": snapshots.from,
        "has_strategy": snapshots.has_strategy,
        "followed": snapshots.followed,
        "took_ns_max": u64::try_from(snapshots.took_max.as_nanos()).unwrap_or(u64::MAX),
        "failures": snapshots.failures,
        "failure": snapshots.failure,
        "ended_early": snapshots.ended_early,
    })
}

fn of_durability(report: &DurabilityReport) -> Value {
    json!({
        "is_direct": report.write_out == WriteOut::Direct,
        "watermark": report.watermark,
        "lag_at_end": report.lag_at_end,
        "lag_max": report.lag_max,
        "batches": report.batches,
        "bytes_written": report.bytes_written,
        "waits": report.waits,
    })
}

fn of_replication(report: &ReplicationReport) -> Value {
    let (degradations, degraded) = report.degraded;
    json!({
        "follower": report.follower.to_string(),
        "connections": report.connections,
        "records": report.records,
        "bytes": report.bytes,
        "sequence_last": report.sequence_last,
        "replicated": report.replicated,
        "durable": report.durable,
        "lag_max": report.lag_max,
        "degradations": degradations,
        "degraded_ns": u64::try_from(degraded.as_nanos()).unwrap_or(u64::MAX),
        "round_trip_ns": of_histogram(&report.round_trip),
        "endings": report.endings,
    })
}

fn counts(counts: impl Iterator<Item = (&'static str, u64)>) -> Value {
    counts.map(|(name, count)| (name.to_string(), count.into())).collect::<Map<_, _>>().into()
}

/// A time in nanoseconds, `null` when it is not known.
pub(crate) fn known(time: Nanos) -> Value {
    if time == Nanos::ZERO { Value::Null } else { time.0.into() }
}
