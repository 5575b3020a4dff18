//! The report of a session for people.

mod feed;

use std::fmt;

use tezi_core::collateral::CollateralView;
use tezi_model::Nanos;

use crate::latency::PathStage;
use crate::report::Report;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_feed(f)?;
        self.write_core(f)?;
        if let Some(orders) = &self.orders {
            write!(f, "{orders}")?;
        }
        self.write_positions(f)?;
        self.write_collateral(f)?;
        self.write_latency(f)?;
        self.write_journal(f)?;
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for problem in self.problems() {
            writeln!(f, "NOT FINE: {problem}")?;
        }
        Ok(())
    }
}

impl Report {
    fn write_feed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.feed)?;
        if let Some(injected) = &self.injected {
            writeln!(
                f,
                "  put in by the demo: dropped A {} B {} (both {}), duplicated A {} B {}, \
                 held back A {} B {}",
                injected.dropped[0],
                injected.dropped[1],
                injected.dropped_on_both,
                injected.duplicated[0],
                injected.duplicated[1],
                injected.reordered[0],
                injected.reordered[1]
            )?;
        }
        Ok(())
    }

    fn write_core(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = &self.core;
        let counters = &core.counters;
        let rate = counters.events as f64 / self.elapsed.as_secs_f64().max(1e-9);
        writeln!(f, "\n{}", format!("Core: {} {}", self.strategy, self.parameters).trim_end())?;
        writeln!(
            f,
            "  events  {} in {:.2} s ({} a second), {} trades, {} spread, until {}",
            grouped(counters.events),
            self.elapsed.as_secs_f64(),
            grouped(rate as u64),
            grouped(counters.trades),
            grouped(counters.spread_events),
            clock_of(core.exchange_time),
        )?;
        writeln!(
            f,
            "  books   {} instruments, {} live orders, {} stale; {} events named unknown orders",
            grouped(core.instruments as u64),
            grouped(core.book_orders),
            core.stale_instruments,
            grouped(counters.orders_unknown),
        )?;
        writeln!(
            f,
            "  orders  {} new, {} changes, {} cancels; at most {} messages in one second",
            grouped(counters.new_orders),
            grouped(counters.replaces),
            grouped(counters.cancels),
            core.messages_peak,
        )?;
        let refused: u64 = core.refusals.iter().map(|(_, count)| count).sum();
        writeln!(
            f,
            "  fills   {} ({} passive), {} requests refused before they left",
            grouped(counters.fills),
            grouped(counters.passive_fills),
            grouped(refused)
        )?;
        for (reason, count) in &core.refusals {
            writeln!(f, "          {:>7} x {}", grouped(*count), reason.message())?;
        }
        if let Some(reason) = core.stopped {
            writeln!(f, "  trading was stopped before the end: {}", reason.message())?;
        }
        self.write_strategies(f)?;
        self.write_accounts(f)?;
        for parent in &core.parents {
            writeln!(f, "  parent  {parent}")?;
        }
        if !core.remarks.is_empty() {
            writeln!(f, "  {}", core.remarks)?;
        }
        Ok(())
    }

    fn write_strategies(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.core.strategies.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "  {:<16} {:<14} {:<16} {:>8} {:>8} {:>8} {:>9} {:>14}",
            "strategy", "kind", "state", "orders", "open", "fills", "refused", "profit"
        )?;
        for it in &self.core.strategies {
            writeln!(
                f,
                "  {:<16} {:<14} {:<16} {:>8} {:>8} {:>8} {:>9} {:>14}",
                it.name,
                it.kind,
                it.state(),
                it.counts.new_orders,
                it.open_orders,
                it.counts.fills,
                it.counts.refusals,
                it.profit
            )?;
        }
        Ok(())
    }

    fn write_accounts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.core.accounts.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "  {:<16} {:<14} {:<16} {:>8} {:>8} {:>8} {:>9} {:>14}",
            "account", "client", "state", "orders", "open", "fills", "refused", "profit"
        )?;
        for it in &self.core.accounts {
            writeln!(
                f,
                "  {:<16} {:<14} {:<16} {:>8} {:>8} {:>8} {:>9} {:>14}",
                it.definition.name(),
                it.definition.client().unwrap_or("own"),
                it.state(),
                it.counts.new_orders,
                it.open_orders,
                it.counts.fills,
                it.counts.refusals,
                it.profit
            )?;
        }
        Ok(())
    }

    fn write_positions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.core.positions.is_empty() {
            return writeln!(f, "\nProfit and loss: nothing was traded");
        }
        writeln!(f, "\nProfit and loss, in rupees, before charges")?;
        writeln!(
            f,
            "  {:<28} {:>8} {:>8} {:>8} {:>14} {:>14}",
            "instrument", "bought", "sold", "net", "realised", "unrealised"
        )?;
        for line in &self.core.positions {
            let position = &line.position;
            writeln!(
                f,
                "  {:<28} {:>8} {:>8} {:>8} {:>14} {:>14}",
                line.instrument.to_string(),
                position.bought,
                position.sold,
                position.net,
                position.realised,
                position.unrealised()
            )?;
        }
        writeln!(f, "  {:<28} {:>56}", "total", self.core.profit.to_string())
    }

    fn write_collateral(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(view) = &self.core.collateral else { return Ok(()) };
        let CollateralView { margin, worst, premium, is_reducing } = *view;
        writeln!(f, "\nMargin, in rupees")?;
        let (span, exposure) = (margin.span.to_string(), margin.exposure.to_string());
        writeln!(f, "  of the positions  {} (SPAN {span}, exposure {exposure})", margin.total())?;
        writeln!(
            f,
            "  with all open     {}, at the worst way in which it could fill",
            worst.total()
        )?;
        writeln!(f, "  premium paid      {premium}")?;
        if is_reducing {
            writeln!(f, "  nearly all collateral is used: only what reduces risk leaves")?;
        }
        Ok(())
    }

    fn write_latency(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nLatency in nanoseconds (pricing kernel {})", self.kernel)?;
        writeln!(
            f,
            "  {:<24} {:>10} {:>9} {:>9} {:>9} {:>11}",
            "stage", "count", "p50", "p99", "p99.9", "max"
        )?;
        for stage in PathStage::ALL {
            let histogram = self.latencies.stage(stage);
            if histogram.count() == 0 {
                continue;
            }
            writeln!(
                f,
                "  {:<24} {:>10} {:>9} {:>9} {:>9} {:>11}",
                stage.title(),
                grouped(histogram.count()),
                grouped(histogram.quantile(0.5)),
                grouped(histogram.quantile(0.99)),
                grouped(histogram.quantile(0.999)),
                grouped(histogram.max())
            )?;
        }
        if !self.is_paced {
            writeln!(
                f,
                "  At full speed packets queue: latency from the packet on is that of the queue."
            )?;
        }
        Ok(())
    }

    fn write_journal(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nState {:016x}", self.core.state_hash)?;
        let Some(path) = &self.journal else {
            return writeln!(f, "No journal was kept.");
        };
        let path = path.display();
        if let Some(resumption) = &self.resumption {
            writeln!(f, "{resumption}")?;
        }
        if let Some(stats) = &self.journal_stats {
            let (records, mib) = (grouped(stats.records), stats.bytes as f64 / 1_048_576.0);
            writeln!(f, "Journal {path}: {records} records, {mib:.1} MiB")?;
            if let Some(durability) = &self.durability {
                writeln!(f, "  {durability}")?;
            }
            if let Some(replication) = &self.replication {
                writeln!(f, "{replication}")?;
            }
            if let Some(snapshots) = &self.snapshots {
                writeln!(f, "{snapshots}")?;
            }
        } else {
            writeln!(f, "Journal {path}")?;
        }
        Ok(())
    }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time to the millisecond, or a dash for one not known.
fn clock_of(time: Nanos) -> String {
    if time == Nanos::ZERO {
        return "-".into();
    }
    let text = time.to_string();
    text.get(..text.len() - 6).unwrap_or(&text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_times_cut_to_milliseconds() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        let time = Nanos::from_ist(2026, 11, 20, 9, 15, 0).plus(1_234_567);
        assert_eq!(clock_of(time), "2026-11-20 09:15:00.001");
    }
}
