//! A staged journal seen from outside its process: killed, cut from memory, and counted.
//!
//! Each test starts this test binary again as a child, as `process.rs` does. `TEZI_KILL_POINTS` is how
//! often a child is killed; a few dozen without it.
#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "reads fault counters and forbids system calls")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "all of it is a test")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    mem::MaybeUninit,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tezi_journal::{
    End, Idle, JournalReader, JournalWriter, Promise, SEGMENT_BYTES_MIN, StageConfig, WriterConfig,
    recover,
};
use tezi_model::Nanos;

const CONFIG: WriterConfig = WriterConfig {
    segment_bytes: SEGMENT_BYTES_MIN,
    session_id: 0xC0FF_EE01,
    created: Nanos(1_790_000_000_000_000_000),
};
const JOURNAL_VARIABLE: &str = "TEZI_JOURNAL_STAGED_CHILD";
const ROUND_VARIABLE: &str = "TEZI_JOURNAL_STAGED_ROUND";

fn child_journal() -> Option<PathBuf> {
    env::var_os(JOURNAL_VARIABLE).map(PathBuf::from)
}

fn fresh(name: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("tezi-journal-{name}-{}", std::process::id()));
    drop(fs::remove_dir_all(&path));
    path
}

fn child(test: &str, journal: &Path, round: u64) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env(JOURNAL_VARIABLE, journal).env(ROUND_VARIABLE, round.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().expect("starts itself")
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
        assert_eq!((record.sequence, record.payload), (count, &payload(count)[..]));
    }
    assert!(matches!(reader.end(), Some(End::Clean | End::TornTail(_))), "{:?}", reader.end());
    count
}

fn has_memory() -> bool {
    let found = fs::read_to_string("/proc/mounts").unwrap_or_default().contains(" /dev/shm tmpfs ");
    if !found {
        println!("skipped: no memory file system at /dev/shm");
    }
    found
}

#[test]
fn what_was_acknowledged_before_sigkill_is_there() {
    if let Some(dir) = child_journal() {
        append_until_killed(&dir);
    }
    if !has_memory() {
        return;
    }
    let rounds = env::var("TEZI_KILL_POINTS").ok().and_then(|it| it.parse().ok()).unwrap_or(24);
    for round in 0..rounds {
        let dir = fresh("staged-kill");
        let mut process = child("what_was_acknowledged_before_sigkill_is_there", &dir, round);
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (mut appended, mut durable) = (0, 0);
        let mut on_line = |line: String| {
            let number = |name| line.strip_prefix(name).and_then(|n: &str| n.parse::<u64>().ok());
            appended = number("appended ").unwrap_or(appended);
            durable = number("durable ").unwrap_or(durable);
            appended
        };
        // A different moment each round; the segments are small, so some kills fall into a roll.
        let moment = round.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54;
        for line in lines.by_ref() {
            if moment < on_line(line.unwrap()) {
                break;
            }
        }
        process.kill().unwrap();
        process.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            on_line(line);
        }
        assert!(0 < appended, "the child appended nothing");
        if round % 2 == 1 {
            // The power goes as well: what is durable is on the disk.
            fs::remove_dir_all(fs::read_link(dir.join("memory")).unwrap()).unwrap();
            appended = durable;
        }
        let present = check_records(&dir);
        assert!(appended <= present, "round {round}: {appended} acknowledged, {present} there");
        assert_eq!(recover(&dir).unwrap().sequence_last, present);
        let stage = StageConfig::default();
        let mut writer =
            JournalWriter::open_append_staged(&dir, SEGMENT_BYTES_MIN, &stage).unwrap();
        assert_eq!(writer.append(1, 0, Nanos(1), &payload(present + 1)).unwrap(), present + 1);
        writer.close().unwrap();
        assert_eq!(check_records(&dir), present + 1);
        fs::remove_dir_all(&dir).unwrap();
    }
}

fn append_until_killed(dir: &Path) -> ! {
    let mut writer = JournalWriter::create_staged(dir, &CONFIG, &StageConfig::default()).unwrap();
    let mut out = std::io::stdout().lock();
    writeln!(out).unwrap();
    loop {
        let next = writer.sequence_last() + 1;
        let sequence = writer.append(1, 0, Nanos(next as i64), &payload(next)).unwrap();
        if sequence.is_multiple_of(100) {
            writer.wait_for(Promise::Durable, sequence).unwrap();
        }
        let durable = writer.durable_watermark();
        // A closed pipe means the parent failed; there is nothing left to do.
        let said = writeln!(out, "appended {sequence}\ndurable {durable}");
        if said.and_then(|()| out.flush()).is_err() {
            std::process::exit(1);
        }
    }
}

#[test]
fn appends_and_rolls_take_no_page_fault_and_no_system_call() {
    if let Some(dir) = child_journal() {
        append_in_a_cell(&dir);
    }
    if !has_memory() {
        return;
    }
    let dir = fresh("staged-cell");
    let mut process = child("appends_and_rolls_take_no_page_fault_and_no_system_call", &dir, 0);
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let said: Vec<_> = lines.map_while(Result::ok).take_while(|it| it != "done").collect();
    drop(process.kill());
    let ended = process.wait().unwrap();
    let said_it = |it: &str| said.iter().any(|line| line == it);
    assert!(said_it("0 faults in 12 segments"), "{said:?} {ended}");
    assert!(said_it("no system call in 3 segments"), "{said:?} {ended}");
    recover(&dir).unwrap();
    fs::remove_dir_all(&dir).unwrap();
}

/// Appends segment after segment, counts faults, and then lives without system calls but `write`.
fn append_in_a_cell(dir: &Path) -> ! {
    let stage = StageConfig { idle: Idle::Spin, ..StageConfig::default() };
    let mut writer = JournalWriter::create_staged(dir, &CONFIG, &stage).unwrap();
    println!();
    // A thread that breaks the rules ends alone: the alarm ends the others, so that no one waits.
    // SAFETY: an alarm needs no memory, and its default action ends the process.
    unsafe { libc::alarm(20) };
    // Each memory goes round several times.
    append_segments(&mut writer, 8, Duration::from_millis(2));
    let before = faults();
    append_segments(&mut writer, 12, Duration::from_millis(2));
    println!("{} faults in 12 segments", faults() - before);
    // Waiting for the disk would be a system call: three segments are ready after this.
    std::thread::sleep(Duration::from_millis(1_500));
    // SAFETY: forbids this thread everything but reading, writing and ending; no memory is passed.
    let confined = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_STRICT) };
    if confined != 0 {
        println!("no system call in 3 segments");
        eprintln!("skipped: this kernel does not confine threads");
    } else {
        append_segments(&mut writer, 3, Duration::ZERO);
        say(b"no system call in 3 segments\n");
    }
    say(b"done\n");
    loop {
        core::hint::spin_loop();
    }
}

fn say(line: &[u8]) {
    // SAFETY: the pointer and the length are of a live slice, which the call reads.
    let written = unsafe { libc::write(1, line.as_ptr().cast(), line.len()) };
    assert_eq!(written, line.len() as isize);
}

/// Appends until that many segments are full, with a pause for the disk between two.
fn append_segments(writer: &mut JournalWriter, count: u32, pause: Duration) {
    let payload = [0x5A; 56];
    let end = writer.stats().segments + count;
    while writer.stats().segments < end {
        let segment = writer.stats().segments;
        while writer.stats().segments == segment {
            writer.append(1, 0, Nanos(1), &payload).unwrap();
        }
        // A confined thread may not even read the time stamp counter.
        if !pause.is_zero() {
            let start = Instant::now();
            while start.elapsed() < pause {
                core::hint::spin_loop();
            }
        }
    }
}

/// Page faults of this thread so far.
fn faults() -> i64 {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the pointer is to room for the answer.
    let got = unsafe { libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) };
    assert_eq!(got, 0);
    // SAFETY: the call succeeded, and has filled the answer in.
    let usage = unsafe { usage.assume_init() };
    usage.ru_minflt + usage.ru_majflt
}
