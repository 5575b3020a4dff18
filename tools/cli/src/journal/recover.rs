//! `tezi journal recover`: a journal whose writer was killed, whole on the disk again.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde_json::json;
use tezi::journal::{self, Recovery};

use super::verify::of_torn_tail;
use crate::hosting::{program, quoted};
use crate::outcome::{Failure, Verdict, print};
use crate::text::grouped;

/// Brings to the disk what a killed session left in memory, and removes a torn tail
///
/// Of each segment the copy with more good records stays. A write that was cut short behind the last
/// record is removed; its bytes are kept in a file beside the segment. Nothing else is changed, and
/// nothing at all when the journal is damaged before its end or another process writes it. Do this
/// before the machine is restarted: memory does not survive that.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  tezi journal recover journals/host-20261120-091500
      What was only in memory, what was removed, and the last record.

Exit codes: 0 the journal is whole; 1 it is damaged, in use, or cannot be written; 2 wrong usage.";

/// Recovers a journal.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let recovery = journal::recover(&args.path)?;
    if args.json {
        let json = json!({
            "path": args.path.display().to_string(),
            "sequence_last": recovery.sequence_last,
            "settled": recovery.settled,
            "torn_tail": recovery.torn_tail.as_ref().map(of_torn_tail),
            "saved": recovery.saved.as_ref().map(|path| path.display().to_string()),
        });
        print(|out| writeln!(out, "{json:#}"))?;
    } else {
        print(|out| write_recovery(out, args, &recovery))?;
    }
    Ok(Verdict::of(true))
}

fn write_recovery(out: &mut dyn Write, args: &Args, recovery: &Recovery) -> io::Result<()> {
    writeln!(out, "Journal {}", args.path.display())?;
    if let Some(last) = recovery.settled {
        writeln!(out, "  memory    held records up to {} that the disk did not", grouped(last))?;
    }
    if let Some(tail) = &recovery.torn_tail {
        writeln!(out, "  removed   {tail}")?;
    }
    if let Some(saved) = &recovery.saved {
        writeln!(out, "  kept      its bytes, in {}", saved.display())?;
    }
    if recovery.settled.is_none() && recovery.torn_tail.is_none() {
        writeln!(out, "  nothing was to be done")?;
    }
    writeln!(out, "  records   up to {}, all on the disk", grouped(recovery.sequence_last))?;
    writeln!(out, "\nTo look further:")?;
    let (tezi, path) = (program(), quoted(&args.path));
    writeln!(out, "  {tezi} journal replay {path}  rebuilds the state from it")
}
