//! Metrics of a running session for Prometheus: what is told, and the thread that tells it.
//!
//! The thread reads what the session's threads publish and what the observer keeps; it never asks
//! them anything. Names and meanings are in `docs/operating/metrics.md`.

mod exposition;
mod server;

use std::time::{Duration, Instant};

use tezi_model::{Instrument, RejectReason, Segment, Token};

use crate::followers::FollowerStates;
use crate::latency::{Latencies, LatencyHistogram, PathStage};
use crate::observer::Shared;
use crate::orders::LocalRefusal;
use crate::progress::Progress;
use exposition::Exposition;
pub(crate) use server::MetricsServer;

/// Latencies that quantiles are told of: those of the last one to two minutes, and the count and sum
/// of all.
#[derive(Debug)]
pub(crate) struct Windows {
    now: Latencies,
    before: Latencies,
    turned: Instant,
    /// By place in [`PathStage::ALL`]: count, and sum in ns.
    all: [(u64, f64); PathStage::ALL.len()],
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            now: Latencies::default(),
            before: Latencies::default(),
            turned: Instant::now(),
            all: [(0, 0.0); PathStage::ALL.len()],
        }
    }
}

impl Windows {
    const LENGTH: Duration = Duration::from_secs(60);

    /// Takes in an interval.
    pub(crate) fn add(&mut self, latencies: &Latencies) {
        self.turn();
        self.now.add(latencies);
        for (stage, (count, sum)) in PathStage::ALL.into_iter().zip(&mut self.all) {
            let histogram = latencies.stage(stage);
            *count += histogram.count();
            *sum += histogram.sum();
        }
    }

    fn turn(&mut self) {
        let age = self.turned.elapsed();
        if age >= Self::LENGTH {
            std::mem::swap(&mut self.now, &mut self.before);
            self.now.reset();
            if age >= 2 * Self::LENGTH {
                self.before.reset();
            }
            self.turned = Instant::now();
        }
    }

    fn histogram(&self, stage: PathStage) -> LatencyHistogram {
        let mut histogram = self.now.stage(stage).clone();
        histogram.add(self.before.stage(stage));
        histogram
    }
}

/// Everything that an answer is made from.
#[derive(Clone, Copy)]
pub(crate) struct Metrics<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) progress: &'a Progress,
    /// What is known of instruments beforehand, to name positions.
    pub(crate) instruments: &'a [Instrument],
    pub(crate) strategy: &'a str,
    pub(crate) kernel: &'a str,
    pub(crate) started: Instant,
    /// Where the journal is replicated, and where snapshots are written.
    pub(crate) followers: &'a FollowerStates,
}

impl Metrics<'_> {
    const QUANTILES: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];

    /// The text of an answer.
    pub(crate) fn render(&self) -> String {
        let mut out = Exposition::default();
        out.gauge("tezi_info", "What runs: always 1.");
        let about = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("strategy", self.strategy),
            ("kernel", self.kernel),
        ];
        out.sample("tezi_info", &about, 1.0);
        out.gauge("tezi_uptime_seconds", "How long the session has run.");
        out.sample("tezi_uptime_seconds", &[], self.started.elapsed().as_secs_f64());
        let ahead = self.shared.wall_ahead_ns.load(std::sync::atomic::Ordering::Relaxed);
        let name = "tezi_wall_clock_ahead_seconds";
        out.gauge(name, "How far the wall clock is ahead of the session's own.");
        out.sample(name, &[], ahead as f64 / 1e9);
        let boards = &self.shared.boards;
        boards.feed.load().each(|family, value| out.figure(family, value));
        boards.core.load().each(|family, value| out.figure(family, value));
        self.refusals(&mut out);
        self.order_session(&mut out);
        if let Some(replica) = &self.followers.replica {
            replica.board.load().each(|family, value| out.figure(family, value));
        }
        if let Some(snapshots) = &self.followers.snapshots {
            snapshots.figures().each(|family, value| out.figure(family, value));
        }
        self.positions(&mut out);
        self.latencies(&mut out);
        out.into_text()
    }

    fn refusals(&self, out: &mut Exposition) {
        let name = "tezi_refusals_total";
        out.counter(name, "Requests refused before they left, by reason.");
        for (place, reason) in RejectReason::ALL.iter().enumerate() {
            let count = self.shared.boards.refusals.load(place);
            out.sample(name, &[("reason", reason.name())], count as f64);
        }
    }

    fn order_session(&self, out: &mut Exposition) {
        let Some(is_live) = self.progress.update(None).orders_live else { return };
        let name = "tezi_order_session_live";
        out.gauge(name, "1 while orders can leave for the exchange, else 0.");
        out.sample(name, &[], f64::from(u8::from(is_live)));
        self.shared.boards.orders.load().each(|family, value| out.figure(family, value));
        let name = "tezi_order_requests_not_sent_total";
        out.counter(name, "Requests that left the core and not the process, by reason.");
        for (place, reason) in LocalRefusal::ALL.iter().enumerate() {
            let count = self.shared.boards.not_sent.load(place);
            out.sample(name, &[("reason", &snake_case(&format!("{reason:?}")))], count as f64);
        }
    }

    fn positions(&self, out: &mut Exposition) {
        let name = "tezi_position_units";
        let positions = &self.shared.boards.positions;
        out.gauge(name, "Net position of an instrument that was traded, in units.");
        for (segment, token, net) in positions.each() {
            let known =
                self.instruments.iter().find(|it| it.segment() == segment && it.token == token);
            let instrument = known.map_or(String::new(), ToString::to_string);
            let (segment, token) = (segment.map_or("", Segment::name), token_text(token));
            let labels = [("segment", segment), ("token", &*token), ("instrument", &*instrument)];
            out.sample(name, &labels, net as f64);
        }
        let name = "tezi_position_fills_untold_total";
        out.counter(name, "Fills in instruments beyond those whose positions are told.");
        out.sample(name, &[], positions.beyond() as f64);
    }

    fn latencies(&self, out: &mut Exposition) {
        // Poisoned by a panic of the observer, which the session's end will tell.
        let Ok(windows) = self.shared.windows.lock() else { return };
        let name = "tezi_stage_latency_seconds";
        out.summary(name, "Latency by stage; quantiles of the last one to two minutes.");
        let mut highest = Vec::new();
        for (stage, (count, sum)) in PathStage::ALL.into_iter().zip(windows.all) {
            if count == 0 {
                continue;
            }
            let histogram = windows.histogram(stage);
            let is_known = histogram.count() > 0;
            let seconds = |ns: u64| if is_known { ns as f64 / 1e9 } else { f64::NAN };
            for quantile in Self::QUANTILES {
                let labels = [("stage", stage.name()), ("quantile", &*quantile.to_string())];
                out.sample(name, &labels, seconds(histogram.quantile(quantile)));
            }
            let labels = [("stage", stage.name())];
            out.sample("tezi_stage_latency_seconds_sum", &labels, sum / 1e9);
            out.sample("tezi_stage_latency_seconds_count", &labels, count as f64);
            highest.push((stage, seconds(histogram.max())));
        }
        drop(windows);
        let name = "tezi_stage_latency_max_seconds";
        out.gauge(name, "Highest latency by stage of the last one to two minutes.");
        for (stage, seconds) in highest {
            out.sample(name, &[("stage", stage.name())], seconds);
        }
    }
}

fn token_text(token: Token) -> String {
    token.0.to_string()
}

/// `DayCapacity` as `day_capacity`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for (place, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && place > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests;
