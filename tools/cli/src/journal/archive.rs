//! `tezi journal archive` and `restore`: a journal kept for years, and back.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use serde_json::{Value, json};
use tezi_archive::{ArchiveConfig, ArchiveError, Digest, MANIFEST_NAME, Manifest, Progress};

use crate::hosting::{program, quoted};
use crate::json::known;
use crate::outcome::{Failure, Verdict, print};
use crate::progress::ProgressLine;
use crate::text::{date_time, grouped};

/// Compresses a journal for keeping, with a seal that shows tampering
///
/// Each segment goes into a file of its own (zstd), and a manifest chains them by SHA-256. The last link is
/// the seal: kept elsewhere, it proves that the archive is what it was. Nothing is removed; the journal
/// is checked first, and each file is read back.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The archive's directory: new, or empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// How many years it is to be kept, noted in the manifest
    #[arg(long, value_name = "YEARS", default_value_t = 8)]
    years: u16,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  tezi journal archive journals/host-20261123-091500 --to /archive/20261123
      One compressed file a segment, the manifest, and the seal to keep elsewhere.
  tezi journal verify /archive/20261123 --seal 5f0c...
      Years later: every byte, and that it is this very archive.
  tezi journal restore /archive/20261123 --to /tmp/20261123
      The journal again, byte for byte.

Exit codes: 0 archived; 1 the journal is damaged or in use, or the place is not empty; 2 wrong usage.";

/// Brings a journal back from its archive, byte for byte
///
/// Everything is checked on the way, as `tezi journal verify` does of an archive.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = RESTORE_EXAMPLES)]
pub(crate) struct RestoreArgs {
    /// The archive's directory
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The journal's directory: new, or empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The seal that the archive must have
    #[arg(long, value_name = "SHA256", value_parser = seal)]
    seal: Option<Digest>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

const RESTORE_EXAMPLES: &str = "\
Examples:
  tezi journal restore /archive/20261123 --to /tmp/20261123 --seal 5f0c...
      The journal again, if it is that very archive.

Exit codes: 0 restored; 1 the archive is not what it was, or the place is not empty; 2 wrong usage.";

/// Reads a seal from the command line.
pub(super) fn seal(text: &str) -> Result<Digest, String> {
    Digest::parse(text).ok_or_else(|| "a seal has 64 hexadecimal digits, small letters".into())
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Whether a path is an archive rather than a journal.
pub(super) fn is_archive(path: &Path) -> bool {
    path.join(MANIFEST_NAME).is_file()
}

/// Archives a journal.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let config = ArchiveConfig { retain_years: args.years };
    let manifest =
        watched(|progress| tezi_archive::archive(&args.path, &args.to, &config, progress))?;
    if args.json {
        let json = of_manifest(&args.to, &manifest);
        print(|out| writeln!(out, "{json:#}"))?;
    } else {
        print(|out| {
            writeln!(out, "Archive {}", args.to.display())?;
            write_manifest(out, &manifest)?;
            writeln!(out, "Keep the seal elsewhere. To look further:")?;
            let (tezi, path) = (program(), quoted(&args.to));
            writeln!(out, "  {tezi} journal verify {path} --seal {}", manifest.seal)
        })?;
    }
    Ok(Verdict::Fine)
}

/// Restores a journal.
pub(crate) fn restore(args: &RestoreArgs) -> Result<Verdict, Failure> {
    let manifest =
        watched(|progress| tezi_archive::restore(&args.path, &args.to, args.seal, progress))?;
    if args.json {
        let json = of_manifest(&args.to, &manifest);
        print(|out| writeln!(out, "{json:#}"))?;
    } else {
        print(|out| {
            writeln!(out, "Journal {}", args.to.display())?;
            write_manifest(out, &manifest)?;
            writeln!(out, "Restored byte for byte. To look further:")?;
            writeln!(out, "  {} journal replay {}", program(), quoted(&args.to))
        })?;
    }
    Ok(Verdict::Fine)
}

/// Checks an archive.
pub(super) fn verify(path: &Path, seal: Option<Digest>, json: bool) -> Result<Verdict, Failure> {
    let manifest = watched(|progress| tezi_archive::verify(path, seal, progress))?;
    if json {
        let json = of_manifest(path, &manifest);
        print(|out| writeln!(out, "{json:#}"))?;
    } else {
        print(|out| {
            writeln!(out, "Archive {}", path.display())?;
            write_manifest(out, &manifest)?;
            match seal {
                Some(_) => writeln!(out, "Fine: every byte is what it was under this seal."),
                None => writeln!(
                    out,
                    "Fine: every byte is what the manifest says. Whether the manifest is what it was, only \
                     a seal kept elsewhere tells (--seal)."
                ),
            }
        })?;
    }
    Ok(Verdict::Fine)
}

/// Does long work with a line that says how far it is.
fn watched<T>(
    work: impl FnOnce(&mut dyn FnMut(Progress)) -> Result<T, ArchiveError>,
) -> Result<T, ArchiveError> {
    let mut line = ProgressLine::new();
    let done = work(&mut |progress| {
        let Progress { segments, segments_all, bytes, packed_bytes } = progress;
        line.show_text(|elapsed| {
            format!(
                "segment {segments} of {segments_all}  {} MiB in {} MiB  {:.1} s",
                grouped(bytes >> 20),
                grouped(packed_bytes >> 20),
                elapsed.as_secs_f64()
            )
        });
    });
    line.finish();
    done
}

fn write_manifest(out: &mut dyn Write, manifest: &Manifest) -> io::Result<()> {
    let Manifest { session_id, retain_years, segments, span, seal } = manifest;
    let (bytes, packed) = (manifest.bytes(), manifest.packed_bytes());
    let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
    writeln!(out, "  session   {session_id:016x}")?;
    writeln!(
        out,
        "  segments  {}, {:.1} MiB in {:.1} MiB ({:.1} times smaller)",
        segments.len(),
        mib(bytes),
        mib(packed),
        bytes as f64 / packed.max(1) as f64
    )?;
    writeln!(out, "  records   {}", grouped(span.records))?;
    if span.records > 0 {
        let (first, last) = (date_time(span.first), date_time(span.last));
        writeln!(out, "  times     {first} to {last} (IST)")?;
    }
    writeln!(out, "  keep      {retain_years} years")?;
    writeln!(out, "  seal      {seal}")
}

fn of_manifest(path: &Path, manifest: &Manifest) -> Value {
    let Manifest { session_id, retain_years, segments, span, seal } = manifest;
    json!({
        "path": path.display().to_string(),
        "session": format!("{session_id:016x}"),
        "segments": segments.len(),
        "bytes": manifest.bytes(),
        "packed_bytes": manifest.packed_bytes(),
        "records": span.records,
        "first_ns": known(span.first),
        "last_ns": known(span.last),
        "retain_years": retain_years,
        "seal": seal.to_string(),
    })
}
