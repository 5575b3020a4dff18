//! `tezi follow`: keeps the journal of a host elsewhere, as it is written.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args as ClapArgs;
use serde_json::{Value, json};
use tezi::journal::StageConfig;
use tezi::replication::{FollowConfig, FollowReport, FollowUpdate, Follower};

use crate::args::JournalModeArg;
use crate::hosting::{program, quoted};
use crate::interrupt;
use crate::outcome::{Failure, Verdict, print};
use crate::progress::ProgressLine;
use crate::text::grouped;

/// Segments of the usual size are to find room.
const SEGMENT_BYTES: u64 = 64 << 20;

/// Keeps the journal of a host elsewhere, record by record, while that host writes it
///
/// The host connects with --replicate-to, and with --orders-wait replicated no order of it leaves
/// before its record is here. The journal is one like any other: `tezi journal verify` and `diff`
/// agree with the host's, and `tezi host --resume` goes on from it when the other is lost, once this
/// has ended. A journal that is there already goes on; one of another session is never written over.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the host connects to: an address of the network between the two, which is one's own
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen)]
    listen: SocketAddr,
    /// The directory of the journal
    #[arg(long, value_name = "DIR")]
    journal: PathBuf,
    /// How the journal is written; mapped, nothing says what of it is on the disk
    #[arg(long, value_name = "MODE", value_enum, default_value_t = JournalModeArg::Auto)]
    journal_mode: JournalModeArg,
    /// Ends when the host's journal has ended and is here whole
    #[arg(long)]
    until_end: bool,
    /// Prints the summary as one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  tezi follow --listen 10.0.0.2:7411 --journal /var/tezi/today
      In the second host. In the first:
      tezi host ... --replicate-to 10.0.0.2:7411 --orders-wait replicated
  tezi follow --listen 127.0.0.1:7411 --journal copy --until-end --json
      On one machine, to try it; ends with the host.
  tezi journal diff /var/tezi/today copy
      Afterwards: nothing differs.

Ctrl-C ends it in order. Nothing on the wire is encrypted or authenticated.

Exit codes: 0 it ended in order; 1 the journal cannot be continued, or took no more; 2 wrong usage.";

/// Follows.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let stage = StageConfig::default();
    if args.journal_mode == JournalModeArg::Staged {
        stage.check_room(SEGMENT_BYTES)?;
    }
    let is_mapped = args.journal_mode == JournalModeArg::Mapped;
    let config = FollowConfig {
        stage: (!is_mapped).then_some(stage),
        until_end: args.until_end,
        ..FollowConfig::new(args.listen, &args.journal)
    };
    let stop = Arc::new(AtomicBool::new(false));
    interrupt::stops(&stop);
    let follower = Follower::bind(&config)?;
    let mut progress = ProgressLine::new();
    progress.say(&format!(
        "Follow: {} is kept for a host that connects to {}. Ctrl-C ends it in order.",
        quoted(&args.journal),
        follower.address()?
    ));
    let ran =
        follower.run(&stop, &mut |update| progress.show_text(|elapsed| line(update, elapsed)));
    progress.finish();
    let report = ran?;
    if args.json {
        let summary = of_report(&report);
        print(|out| writeln!(out, "{summary:#}"))?;
    } else {
        print(|out| write_report(out, &report))?;
    }
    Ok(Verdict::Fine)
}

/// Reads `ADDRESS:PORT` of either family.
fn listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an address and port are needed, as in 10.0.0.2:7411".to_string())
}

fn line(update: &FollowUpdate, elapsed: Duration) -> String {
    let FollowUpdate { leader, sequence_last, durable, leader_last, bytes } = *update;
    let who = leader.map_or("NO HOST".into(), |leader| leader.to_string());
    let lag = leader_last.saturating_sub(sequence_last);
    let disk = match durable {
        Some(durable) => format!("{} not on the disk", grouped(sequence_last - durable)),
        None => "disk not known".into(),
    };
    format!(
        "{:>5.1} s  {who}  {} records  {} behind  {disk}  {:.1} MiB",
        elapsed.as_secs_f64(),
        grouped(sequence_last),
        grouped(lag),
        bytes as f64 / 1_048_576.0
    )
}

fn write_report(out: &mut dyn Write, report: &FollowReport) -> std::io::Result<()> {
    let path = quoted(&report.journal);
    let (stats, mib) = (report.stats, report.stats.bytes as f64 / 1_048_576.0);
    writeln!(out, "Journal {path}: its last record is {}", grouped(report.sequence_last))?;
    writeln!(
        out,
        "  {} records, {mib:.1} MiB taken in over {} connections",
        grouped(stats.records),
        report.connections
    )?;
    for ending in &report.endings {
        writeln!(out, "  a connection ended: {ending}")?;
    }
    let what = if report.is_complete { "has ended, and is here whole" } else { "may have more" };
    writeln!(out, "  the host's journal {what}")?;
    if report.sequence_last > 0 {
        let tezi = program();
        writeln!(out, "\nTo look further:")?;
        writeln!(out, "  {tezi} journal verify {path}  checks every byte of it")?;
    }
    Ok(())
}

fn of_report(report: &FollowReport) -> Value {
    json!({
        "journal": report.journal.display().to_string(),
        "sequence_last": report.sequence_last,
        "is_complete": report.is_complete,
        "connections": report.connections,
        "records": report.stats.records,
        "bytes": report.stats.bytes,
        "segments": report.stats.segments,
        "endings": report.endings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_leads_and_how_far_it_is() {
        let update = FollowUpdate {
            leader: None,
            sequence_last: 12_345,
            durable: Some(12_300),
            leader_last: 12_400,
            bytes: 3 << 20,
        };
        assert_eq!(
            line(&update, Duration::from_millis(2_500)),
            "  2.5 s  NO HOST  12,345 records  55 behind  45 not on the disk  3.0 MiB"
        );
        let leader = Some("10.0.0.1:5000".parse().unwrap());
        let update = FollowUpdate { leader, durable: None, leader_last: 0, ..update };
        let text = line(&update, Duration::ZERO);
        assert!(text.contains("10.0.0.1:5000  12,345 records  0 behind  disk not known"), "{text}");
    }
}
