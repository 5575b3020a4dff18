//! The program: its summary, its refusals and its exit codes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::engine::Scratch;
use common::{hosted, names, rows, written};
use tezi_parquet::Table;

/// Runs the program in a directory; exit code, standard output, standard error.
fn run(dir: &Path, line: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tezi-parquet"));
    command.args(line.split_whitespace()).current_dir(dir).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn a_whole_journal_is_exported_and_nothing_is_written_over() {
    let scratch = Scratch::new();
    hosted(&scratch, 91, 2_000);
    let dir = scratch.path("");
    let (code, out, err) = run(&dir, "journal --to out --only market,fills");
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("market.parquet") && !out.contains("NOT FINE"), "{out}");
    assert_eq!(names(&scratch.path("out")), ["fills.parquet", "market.parquet"]);
    assert!(!rows(&scratch.path("out"), Table::Fills).is_empty());

    let (code, _, err) = run(&dir, "journal --to out");
    assert!(code == 2 && err.contains("is there already") && err.contains("--force"), "{err}");
    let (code, out, _) = run(&dir, "journal --to out --force --json --compression snappy");
    assert_eq!(code, 0);
    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&said["is_fine"], &said["journal_end"]), (&true.into(), &"clean".into()));
    let records = rows(&scratch.path("out"), Table::Records).len();
    assert_eq!(said["records"], records);
    assert_eq!(
        (&said["tables"][0]["table"], &said["tables"][0]["rows"]),
        (&"records".into(), &records.into())
    );
}

#[test]
fn a_torn_journal_is_exported_and_the_exit_code_says_so() {
    let scratch = Scratch::new();
    let journal = written(&scratch, &[(20, 0, 5, vec![]), (20, 0, 6, vec![])]);
    let segment = journal.join("00000000.tzj");
    let bytes = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &bytes[..bytes.len() - 8]).unwrap();
    let dir = scratch.path("");
    let (code, out, err) = run(&dir, "journal --to out");
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("NOT FINE") && out.contains("torn tail"), "{out}");
    assert_eq!(rows(&scratch.path("out"), Table::Records).len(), 1);
}

#[test]
fn a_disk_that_takes_no_more_ends_the_export_and_keeps_nothing() {
    let scratch = Scratch::new();
    let mut random = common::engine::Random(5);
    let records: Vec<_> = (0..40_000).map(|_| (99, 0, 5, random.bytes(20))).collect();
    written(&scratch, &records);
    // Files of a few KiB at most; without the trap the kernel would end the process instead.
    let program = env!("CARGO_BIN_EXE_tezi-parquet");
    let line = format!("trap '' XFSZ; ulimit -f 8; exec {program} journal --to out --payload");
    let mut command = Command::new("sh");
    command.args(["-c", &line]).current_dir(scratch.path("")).stdin(Stdio::null());
    let output = command.output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("cannot write") && err.contains("records.parquet"), "{err}");
    assert_eq!(names(&scratch.path("out")), Vec::<String>::new());
}

#[test]
fn wrong_usage_and_missing_journals_write_nothing() {
    let scratch = Scratch::new();
    let dir = scratch.path("");
    for (line, code, says) in [
        ("none --to out", 1, "none"),
        ("none", 2, "--to"),
        ("none --to out --only trades", 2, "the tables are"),
        ("none --to out --after 25:00:00", 2, "time of day"),
        ("none --to out --compression lz4", 2, "zstd"),
        ("--help", 0, "Exit codes"),
    ] {
        let (found, out, err) = run(&dir, line);
        assert_eq!(found, code, "{line}: {out}{err}");
        assert!(out.contains(says) || err.contains(says), "{line}: {out}{err}");
    }
    assert_eq!(names(&scratch.path("out")), Vec::<String>::new());
}
