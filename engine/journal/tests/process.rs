//! What a process cannot do to itself: be killed while it appends, and be refused disk space.
//!
//! Each test starts this test binary again as a child, with the name of the journal in its
//! environment; the child's part is the test of the same name, which then does that and no more.
#![cfg(unix)]
#![allow(unsafe_code, reason = "sets a resource limit and a signal's disposition")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of it is a test")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use tezi_journal::{
    End, JournalError, JournalReader, JournalWriter, SEGMENT_BYTES_MIN, WriterConfig, recover,
};
use tezi_model::Nanos;

const CONFIG: WriterConfig = WriterConfig {
    segment_bytes: SEGMENT_BYTES_MIN,
    session_id: 0xC0FF_EE00,
    created: Nanos(1_790_000_000_000_000_000),
};
const JOURNAL_VARIABLE: &str = "TEZI_JOURNAL_TEST_CHILD";

fn child_journal() -> Option<PathBuf> {
    env::var_os(JOURNAL_VARIABLE).map(PathBuf::from)
}

fn fresh(name: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("tezi-journal-{name}-{}", std::process::id()));
    drop(fs::remove_dir_all(&path));
    path
}

fn child(test: &str, journal: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env(JOURNAL_VARIABLE, journal).stdin(Stdio::null());
    command
}

/// The payload of a record: of a length and content only its sequence gives.
fn payload(sequence: u64) -> Vec<u8> {
    let length = sequence.wrapping_mul(0x9E37_79B9) % 700;
    (0..length).map(|index| (sequence + index) as u8).collect()
}

fn check_records(dir: &Path) -> u64 {
    let mut reader = JournalReader::open(dir).unwrap();
    let mut count = 0;
    while let Some(record) = reader.next_record() {
        count += 1;
        assert_eq!(record.sequence, count);
        assert_eq!(record.payload, payload(count));
    }
    assert!(matches!(reader.end(), Some(End::Clean | End::TornTail(_))), "{:?}", reader.end());
    count
}

#[test]
fn records_acknowledged_before_sigkill_are_there() {
    if let Some(dir) = child_journal() {
        append_until_killed(&dir);
    }
    for round in 0..12 {
        let dir = fresh("kill");
        let mut command = child("records_acknowledged_before_sigkill_are_there", &dir);
        let mut process =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts itself");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut acknowledged = 0;
        let mut on_line = |line: String| {
            if let Some(sequence) = line.strip_prefix("appended ").and_then(|n| n.parse().ok()) {
                acknowledged = sequence;
            }
            acknowledged
        };
        // A different moment each round; the segments are small, so some kills fall into a roll.
        for line in lines.by_ref() {
            if round * 97 < on_line(line.unwrap()) {
                break;
            }
        }
        process.kill().unwrap();
        process.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            on_line(line);
        }
        assert!(0 < acknowledged, "the child appended nothing");

        let present = check_records(&dir);
        assert!(acknowledged <= present, "{acknowledged} acknowledged, {present} there");
        assert_eq!(recover(&dir).unwrap().sequence_last, present);
        let mut writer = JournalWriter::open_append(&dir, SEGMENT_BYTES_MIN).unwrap();
        assert_eq!(writer.append(1, 0, Nanos(1), &payload(present + 1)).unwrap(), present + 1);
        writer.close().unwrap();
        assert_eq!(check_records(&dir), present + 1);
        fs::remove_dir_all(&dir).unwrap();
    }
}

fn append_until_killed(dir: &Path) -> ! {
    let mut writer = JournalWriter::create(dir, &CONFIG).unwrap();
    let mut out = std::io::stdout().lock();
    writeln!(out).unwrap();
    loop {
        let next = writer.sequence_last() + 1;
        let sequence = writer.append(1, 0, Nanos(next as i64), &payload(next)).unwrap();
        // A closed pipe means the parent failed; there is nothing left to do.
        if writeln!(out, "appended {sequence}").and_then(|()| out.flush()).is_err() {
            std::process::exit(1);
        }
    }
}

#[test]
fn a_full_disk_stops_the_writer_and_loses_nothing() {
    if let Some(dir) = child_journal() {
        return fill_up(&dir);
    }
    let dir = fresh("full");
    // Through pipes: the limit on file sizes would hold for an output file as well.
    let ran = child("a_full_disk_stops_the_writer_and_loses_nothing", &dir).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let present = check_records(&dir);
    assert!(0 < present);
    let names: Vec<_> = fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["00000000.tzj"], "nothing is left of the segment that failed");
    assert_eq!(recover(&dir).unwrap().torn_tail, None, "closed properly");
    // With room again, the journal goes on.
    let mut writer = JournalWriter::open_append(&dir, SEGMENT_BYTES_MIN).unwrap();
    for sequence in present + 1..present + 400 {
        assert_eq!(writer.append(1, 0, Nanos(1), &payload(sequence)).unwrap(), sequence);
    }
    writer.close().unwrap();
    assert_eq!(check_records(&dir), present + 399);
    fs::remove_dir_all(&dir).unwrap();
}

/// A process holds a copy of every open file, locks with them, from its fork to its exec.
#[test]
fn children_of_other_threads_do_not_keep_the_journal_locked() {
    let dir = fresh("forks");
    JournalWriter::create(&dir, &CONFIG).unwrap().close().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let forking = scope.spawn(|| {
            let mut started = 0;
            while !done.load(Ordering::Relaxed) {
                let mut listing = Command::new(env::current_exe().unwrap());
                listing.arg("--list").stdout(Stdio::null()).stderr(Stdio::null());
                assert!(listing.status().unwrap().success());
                started += 1;
            }
            started
        });
        let opened = (0..1500).try_for_each(|_| {
            JournalWriter::open_append(&dir, SEGMENT_BYTES_MIN)
                .and_then(JournalWriter::close)
                .map(drop)
        });
        done.store(true, Ordering::Relaxed);
        assert!(0 < forking.join().unwrap());
        opened.unwrap();
    });
    fs::remove_dir_all(&dir).unwrap();
}

/// Appends until the next segment cannot be allocated: files are limited to half of one.
fn fill_up(dir: &Path) {
    let mut writer = JournalWriter::create(dir, &CONFIG).unwrap();
    let limit = libc::rlimit { rlim_cur: SEGMENT_BYTES_MIN / 2, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: ignoring a signal installs no handler.
    let before = unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    assert_ne!(before, libc::SIG_ERR);
    // SAFETY: the pointer is to a live rlimit that the call only reads.
    let set = unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) };
    assert_eq!(set, 0);

    let append = |writer: &mut JournalWriter| {
        let next = writer.sequence_last() + 1;
        writer.append(1, 0, Nanos(1), &payload(next))
    };
    let error = loop {
        if let Err(error) = append(&mut writer) {
            break error;
        }
    };
    let message = error.to_string();
    assert!(message.starts_with("cannot create journal segment"), "{message}");
    assert!(message.ends_with("(needed 65536 bytes)"), "{message}");
    let JournalError::Io { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.raw_os_error(), Some(libc::EFBIG));

    let last = writer.sequence_last();
    for _ in 0..3 {
        let refused = append(&mut writer);
        assert!(
            matches!(refused, Err(JournalError::Stopped { sequence_last, .. }) if sequence_last == last)
        );
    }
    assert!(writer.append(1, 0, Nanos(1), &[]).is_err(), "not even one that would fit");
    let stats = writer.close().unwrap();
    assert_eq!((stats.segments, stats.sequence_last), (1, last));
}
