//! How far an export is, on standard error: one line rewritten on a terminal, a line now and then
//! elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use tezi_parquet::Progress;

use super::summary::grouped;

/// Time between two lines where lines cannot be rewritten.
const INTERVAL: Duration = Duration::from_secs(2);
/// Time between two rewritings.
const REWRITE_INTERVAL: Duration = Duration::from_millis(200);

pub(super) struct ProgressLine {
    is_terminal: bool,
    started: Instant,
    shown: Instant,
}

impl ProgressLine {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { is_terminal: io::stderr().is_terminal(), started: now, shown: now }
    }

    /// Shows the progress, unless the last line is too recent.
    pub(super) fn show(&mut self, progress: &Progress) {
        let interval = if self.is_terminal { REWRITE_INTERVAL } else { INTERVAL };
        if self.shown.elapsed() < interval {
            return;
        }
        self.shown = Instant::now();
        let text = line(progress, self.started.elapsed());
        // A closed standard error stops no export.
        let mut stderr = io::stderr();
        let _ = if self.is_terminal {
            write!(stderr, "\r\x1b[2K{text}").and_then(|()| stderr.flush())
        } else {
            writeln!(stderr, "{text}")
        };
    }

    /// Clears the rewritten line, for the summary to take its place.
    pub(super) fn finish(&self) {
        if self.is_terminal {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }
}

fn line(progress: &Progress, elapsed: Duration) -> String {
    let Progress { records, bytes, bytes_total } = *progress;
    // Segments may be larger than what is in them, or grow meanwhile.
    let done = (bytes.min(bytes_total) * 100).checked_div(bytes_total);
    let done = done.map_or(String::new(), |done| format!("{done:>3} %  "));
    format!("{done}{:>5.1} s  {} records", elapsed.as_secs_f64(), grouped(records))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_where_that_is_known() {
        let progress = Progress { records: 65_536, bytes: 340, bytes_total: 1_000 };
        assert_eq!(line(&progress, Duration::from_millis(1_500)), " 34 %    1.5 s  65,536 records");
        let grown = Progress { bytes: 2_000, ..progress };
        assert!(line(&grown, Duration::ZERO).starts_with("100 %"));
        let unknown = Progress { bytes_total: 0, ..progress };
        assert_eq!(line(&unknown, Duration::ZERO), "  0.0 s  65,536 records");
    }
}
