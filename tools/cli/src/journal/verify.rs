//! `tezi journal verify`: every byte of a journal checked.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::{Value, json};
use tezi::journal::{self, Damage, Finding, TornTail, VerifyReport};
use tezi::model::Nanos;
use tezi_archive::Digest;

use super::archive;
use crate::hosting::{program, quoted};
use crate::json::known;
use crate::outcome::{Failure, Verdict, print};
use crate::text::{date_time, grouped};

/// Checks every byte of a journal, and names damage by segment and byte
///
/// Reads on behind damage and says how many records are lost and how many follow. A torn tail, which
/// a killed process or a power cut leaves, is told apart: every record before it is good. Nothing is
/// changed.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory, one segment file, or an archive's directory
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The seal that an archive must have
    #[arg(long, value_name = "SHA256", value_parser = archive::seal)]
    seal: Option<Digest>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  tezi journal verify journals/demo-20261120-091500
      Segments, records, their time; then whether it is fine.
  tezi journal verify backup/00000003.tzj
      One segment file by itself.
  tezi journal verify day.journal --json | jq '.findings[].message'
      Each place of damage, for programs.

Exit codes: 0 undamaged; 1 damaged, cut short, or unreadable; 2 wrong usage.";

/// Checks a journal.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    if archive::is_archive(&args.path) {
        return archive::verify(&args.path, args.seal, args.json);
    }
    if args.seal.is_some() {
        let what = format!("{} is no archive: only those have seals", args.path.display());
        return Err(Failure::Usage(what));
    }
    let report = journal::verify(&args.path)?;
    let is_fine = report.is_undamaged() && report.torn_tail.is_none();
    if args.json {
        let json = of_report(&args.path, &report, is_fine);
        print(|out| writeln!(out, "{json:#}"))?;
    } else {
        print(|out| write_report(out, &args.path, &report))?;
    }
    Ok(Verdict::of(is_fine))
}

fn write_report(out: &mut dyn Write, path: &Path, report: &VerifyReport) -> io::Result<()> {
    writeln!(out, "Journal {}", path.display())?;
    writeln!(out, "  session   {:016x}", report.session_id)?;
    writeln!(out, "  segments  {}", report.segments)?;
    write!(out, "  records   {}", grouped(report.records))?;
    if let (Some((first, _)), Some((last, _))) = (report.first, report.last) {
        write!(out, ", numbers {} to {}", grouped(first), grouped(last))?;
    }
    writeln!(out, ", {:.1} MiB", report.bytes as f64 / 1_048_576.0)?;
    if let (Some((_, first)), Some((_, last))) = (report.first, report.last) {
        // The head of a replayed session has no time: the captures have not begun there.
        writeln!(out, "  times     {} to {} (IST)", date_time(first), date_time(last))?;
    }
    for finding in &report.findings {
        writeln!(out, "NOT FINE: {finding}")?;
    }
    let unlisted = report.findings_count.saturating_sub(report.findings.len() as u64);
    if unlisted > 0 {
        writeln!(out, "NOT FINE: {} more places of damage", grouped(unlisted))?;
    }
    if let Some(tail) = &report.torn_tail {
        writeln!(out, "NOT FINE: {tail}; every record before it is good")?;
    }
    let (tezi, path) = (program(), quoted(path));
    if report.is_undamaged() {
        if report.torn_tail.is_none() {
            writeln!(out, "Fine: every byte is as it was written.")?;
        }
        writeln!(out, "\nTo look further:")?;
        writeln!(out, "  {tezi} journal replay {path}  rebuilds the state from it")
    } else {
        writeln!(out, "\nTo look further:")?;
        writeln!(out, "  {tezi} journal dump {path}  prints what can be read, behind damage too")
    }
}

fn of_report(path: &Path, report: &VerifyReport, is_fine: bool) -> Value {
    let end = |end: Option<(u64, Nanos)>| {
        end.map(|(sequence, time)| json!({ "sequence": sequence, "time_ns": known(time) }))
    };
    json!({
        "path": path.display().to_string(),
        "is_fine": is_fine,
        "session_id": format!("{:016x}", report.session_id),
        "segments": report.segments,
        "records": report.records,
        "bytes": report.bytes,
        "first": end(report.first),
        "last": end(report.last),
        "findings_count": report.findings_count,
        "findings": report.findings.iter().map(of_finding).collect::<Vec<_>>(),
        "torn_tail": report.torn_tail.as_ref().map(of_torn_tail),
    })
}

fn of_finding(finding: &Finding) -> Value {
    let mut value = of_damage(&finding.damage);
    value["good_records_after"] = finding.good_records_after.into();
    value
}

/// One place of damage.
pub(super) fn of_damage(damage: &Damage) -> Value {
    json!({
        "segment": damage.segment.display().to_string(),
        "byte": damage.offset,
        "sequence_expected": damage.sequence_expected,
        "bytes_lost": damage.bytes_lost,
        "records_lost": damage.records_lost,
        "message": damage.to_string(),
    })
}

/// A write cut short.
pub(super) fn of_torn_tail(tail: &TornTail) -> Value {
    json!({
        "segment": tail.segment.display().to_string(),
        "byte": tail.offset,
        "sequence_expected": tail.sequence_expected,
        "bytes": tail.bytes,
        "message": tail.to_string(),
    })
}
