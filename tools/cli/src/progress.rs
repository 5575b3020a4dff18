//! How far a session is, on standard error: one line rewritten on a terminal, a line now and then
//! elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use tezi::{ProgressUpdate, ReplicaLink, TradingState};

use crate::text::grouped;

/// Time between two lines where lines cannot be rewritten.
const INTERVAL: Duration = Duration::from_secs(2);

/// Shows updates as they come.
pub(crate) struct ProgressLine {
    is_terminal: bool,
    started: Instant,
    shown: Instant,
}

impl ProgressLine {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { is_terminal: io::stderr().is_terminal(), started: now, shown: now }
    }

    /// Says a thing once, before the session runs.
    pub(crate) fn say(&self, what: &str) {
        // A closed standard error stops no session.
        let _ = writeln!(io::stderr(), "{what}");
    }

    /// Shows an update, unless the last line is too recent.
    pub(crate) fn show(&mut self, update: &ProgressUpdate) {
        self.show_text(|elapsed| line(update, elapsed));
    }

    /// Shows a text, told how long it has been, unless the last line is too recent.
    pub(crate) fn show_text(&mut self, text: impl FnOnce(Duration) -> String) {
        if self.is_terminal {
            let mut stderr = io::stderr();
            let _ = write!(stderr, "\r\x1b[2K{}", text(self.started.elapsed()));
            let _ = stderr.flush();
        } else if self.shown.elapsed() >= INTERVAL {
            self.shown = Instant::now();
            let _ = writeln!(io::stderr(), "{}", text(self.started.elapsed()));
        }
    }

    /// Clears the rewritten line, for the summary to take its place.
    pub(crate) fn finish(&self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}

fn line(update: &ProgressUpdate, elapsed: Duration) -> String {
    let done = update.done_permille.map_or(String::new(), |done| format!("{:>3} %  ", done / 10));
    let session = match update.orders_live {
        None => "",
        Some(true) => "  orders live",
        Some(false) => "  ORDERS DOWN",
    };
    let trading = match update.trading {
        TradingState::Trading => "",
        TradingState::Reducing => "  RISK ONLY REDUCED",
        TradingState::Paused => "  PAUSED",
        TradingState::Stopped => "  STOPPED",
    };
    let replica = match update.replica {
        None | Some(ReplicaLink::Up) => "",
        Some(ReplicaLink::Lost) => "  REPLICA LOST",
        Some(ReplicaLink::DurableOnly) => "  REPLICA LOST, DURABLE ONLY",
    };
    format!(
        "{done}{:>5.1} s  {} events  {} order messages  {} fills  profit {}{session}{trading}{replica}",
        elapsed.as_secs_f64(),
        grouped(update.events),
        grouped(update.orders),
        grouped(update.fills),
        update.profit
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi::model::Money;

    #[test]
    fn a_line_says_how_far_and_what_came_of_it() {
        let update = ProgressUpdate {
            done_permille: Some(425),
            events: 12_345,
            orders: 67,
            fills: 8,
            profit: Money::from_rupees(-1_200),
            orders_live: None,
            trading: TradingState::Trading,
            replica: None,
        };
        let text = line(&update, Duration::from_millis(5_100));
        assert_eq!(
            text,
            " 42 %    5.1 s  12,345 events  67 order messages  8 fills  profit -1,200.00"
        );
        let live = ProgressUpdate { orders_live: Some(true), ..update };
        assert!(line(&live, Duration::ZERO).ends_with("-1,200.00  orders live"));
        let paused = ProgressUpdate { trading: TradingState::Paused, ..live };
        assert!(line(&paused, Duration::ZERO).ends_with("orders live  PAUSED"));
        let lost = ProgressUpdate { replica: Some(ReplicaLink::Lost), ..live };
        assert!(line(&lost, Duration::ZERO).ends_with("orders live  REPLICA LOST"));
        let up = ProgressUpdate { replica: Some(ReplicaLink::Up), ..live };
        assert!(line(&up, Duration::ZERO).ends_with("orders live"));
        let unknown = ProgressUpdate { done_permille: None, ..update };
        assert!(line(&unknown, Duration::ZERO).starts_with("  0.0 s"));
    }
}
