//! Journals staged in memory: what is on the disk, what is in memory, and what is left of both.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tezi_model::Nanos;

use super::{Idle, StageConfig, WriteOut};
use crate::{
    End, JournalError, JournalReader, JournalWriter, Promise, SEGMENT_BYTES_MIN, WriterConfig,
    recover,
    tests::{Random, TempDir},
    verify,
};

const SMALL: WriterConfig = WriterConfig {
    segment_bytes: SEGMENT_BYTES_MIN,
    session_id: 0x57A6_E011,
    created: Nanos(1_790_000_000_000_000_000),
};

/// The payload of a record: of a length and content only its sequence gives.
fn payload(sequence: u64) -> Vec<u8> {
    let length = Random(sequence).below(400);
    (0..length).map(|index| (sequence + index) as u8).collect()
}

fn append(writer: &mut JournalWriter, count: u64) {
    for _ in 0..count {
        let next = writer.sequence_last() + 1;
        let sequence = writer.append(1, 0, Nanos(next as i64), &payload(next)).unwrap();
        assert_eq!(sequence, next);
    }
}

/// A staged journal, or nothing where there is no memory file system.
fn staged(dir: &Path) -> Option<JournalWriter> {
    match JournalWriter::create_staged(dir, &SMALL, &StageConfig::default()) {
        Err(JournalError::NotInMemory { path }) => {
            println!("skipped: {} is no memory file system", path.display());
            None
        }
        made => Some(made.unwrap()),
    }
}

/// How many records there are, each as it was appended, and how the journal ends.
fn records(dir: &Path) -> (u64, End) {
    let mut reader = JournalReader::open(dir).unwrap();
    let mut count = 0;
    while let Some(record) = reader.next_record() {
        count += 1;
        assert_eq!((record.sequence, record.payload), (count, &payload(count)[..]));
    }
    (count, reader.end().unwrap().clone())
}

fn memory_of(dir: &Path) -> PathBuf {
    fs::read_link(dir.join("memory")).unwrap()
}

/// A copy of disk and memory as they are now: what is left when the process is killed.
fn image(dir: &Path, to: &TempDir) -> PathBuf {
    drop(fs::remove_dir_all(&to.0));
    let memory = to.0.join("in-memory");
    fs::create_dir_all(&memory).unwrap();
    let copy = |from: &Path, to: &Path| {
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            // Segments being made come and go.
            if path.extension().is_some_and(|extension| extension == "tzj") {
                match fs::copy(&path, to.join(path.file_name().unwrap())) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    copied => assert!(copied.is_ok(), "{copied:?}"),
                }
            }
        }
    };
    // Memory first, as a reader does: what leaves it in between is on the disk by then.
    copy(&memory_of(dir), &memory);
    copy(dir, &to.0);
    std::os::unix::fs::symlink(&memory, to.0.join("memory")).unwrap();
    memory
}

#[test]
fn a_closed_journal_is_on_the_disk_alone_and_can_be_continued() {
    let dir = TempDir::new("staged-close");
    let Some(mut writer) = staged(&dir.0) else { return };
    let memory = memory_of(&dir.0);
    append(&mut writer, 2_000);
    assert!(matches!(writer.write_out(), WriteOut::Direct | WriteOut::Buffered));
    let stats = writer.close().unwrap();
    assert!(5 < stats.segments && stats.records == 2_000);
    assert!(!memory.exists() && fs::symlink_metadata(dir.0.join("memory")).is_err());
    assert_eq!(records(&dir.0), (2_000, End::Clean));

    // Continued in memory, then in the page cache, then in memory, closed or dropped.
    for (round, idle) in [(1, Idle::Spin), (2, Idle::Sleep), (3, Idle::Sleep)] {
        let before = 2_000 + (round - 1) * 500;
        let config = StageConfig { idle, segments: 2, ..StageConfig::default() };
        let mut writer = if round == 2 {
            JournalWriter::open_append(&dir.0, SEGMENT_BYTES_MIN).unwrap()
        } else {
            JournalWriter::open_append_staged(&dir.0, SEGMENT_BYTES_MIN, &config).unwrap()
        };
        assert_eq!(writer.sequence_last(), before);
        append(&mut writer, 500);
        assert_eq!(records(&dir.0), (before + 500, End::Clean), "while it is being written");
        match round {
            3 => drop(writer),
            _ => assert_eq!(writer.close().unwrap().records, 500),
        }
        let names: Vec<_> = fs::read_dir(&dir.0).unwrap().map(|it| it.unwrap().path()).collect();
        assert!(names.iter().all(|it| it.extension().unwrap() == "tzj"), "{names:?}");
    }
    assert!(verify(&dir.0).unwrap().is_undamaged());
    assert_eq!(records(&dir.0), (3_500, End::Clean));
}

#[test]
fn a_segment_continued_beyond_its_first_size_is_continued_again() {
    let dir = TempDir::new("staged-sizes");
    let Some(mut writer) = staged(&dir.0) else { return };
    append(&mut writer, 50);
    writer.close().unwrap();
    let stage = StageConfig::default();
    for (round, size) in [(1, 4), (2, 1), (3, 2)] {
        let bytes = SEGMENT_BYTES_MIN * size;
        let mut writer = JournalWriter::open_append_staged(&dir.0, bytes, &stage).unwrap();
        append(&mut writer, 500);
        writer.close().unwrap();
        assert_eq!(records(&dir.0), (50 + round * 500, End::Clean));
    }
}

#[test]
fn what_the_watermark_says_is_on_the_disk_without_the_memory() {
    let dir = TempDir::new("staged-watermark");
    let copy = TempDir::new("staged-watermark-image");
    let Some(mut writer) = staged(&dir.0) else { return };
    let watermark = writer.durable().unwrap();
    let mut random = Random(7);
    for round in 0..24 {
        append(&mut writer, random.below(200));
        if round % 3 == 0 {
            let last = writer.sequence_last();
            writer.wait_for(Promise::Durable, last).unwrap();
            assert_eq!((watermark.sequence(), writer.kept(Promise::Durable)), (last, last));
        }
        let durable = watermark.sequence();
        let memory = image(&dir.0, &copy);
        // A power cut: the memory is gone, its link is not.
        fs::remove_dir_all(&memory).unwrap();
        let (found, end) = records(&copy.0);
        assert!(durable <= found && found <= writer.sequence_last(), "{durable} {found}");
        assert!(matches!(end, End::Clean | End::TornTail(_)), "{end}");
        assert_eq!(recover(&copy.0).unwrap().sequence_last, found);
        let mut next = JournalWriter::open_append(&copy.0, SEGMENT_BYTES_MIN).unwrap();
        append(&mut next, 3);
        next.close().unwrap();
        assert_eq!(records(&copy.0), (found + 3, End::Clean));
    }
    let beyond = writer.wait_for(Promise::Durable, writer.sequence_last() + 1);
    assert!(matches!(beyond, Err(JournalError::NotPromised { .. })));
}

#[test]
fn killed_at_any_moment_the_memory_gives_every_record_back() {
    let dir = TempDir::new("staged-kill");
    let copy = TempDir::new("staged-kill-image");
    let Some(mut writer) = staged(&dir.0) else { return };
    let mut random = Random(11);
    for round in 0..24 {
        append(&mut writer, random.below(200));
        let appended = writer.sequence_last();
        let memory = image(&dir.0, &copy);
        // The disk lags by any number of bytes.
        let last = crate::segment::list(&copy.0).unwrap().pop().unwrap().1;
        let bytes = fs::read(&last).unwrap();
        let lag = random.below(bytes.len() as u64) as usize;
        fs::write(&last, &bytes[..lag]).unwrap();
        assert_eq!(records(&copy.0), (appended, End::Clean), "round {round}");
        let recovery = recover(&copy.0).unwrap();
        assert_eq!((recovery.sequence_last, recovery.torn_tail), (appended, None));
        assert!(!memory.exists() && fs::symlink_metadata(copy.0.join("memory")).is_err());
        assert_eq!(records(&copy.0), (appended, End::Clean));
    }
}

#[test]
fn of_disk_and_memory_the_better_copy_counts_wherever_either_is_cut() {
    let dir = TempDir::new("staged-cut");
    let copy = TempDir::new("staged-cut-image");
    let Some(mut writer) = staged(&dir.0) else { return };
    append(&mut writer, 6);
    writer.wait_for(Promise::Durable, 6).unwrap();
    let used = writer.stats().bytes as usize + 64;
    let memory = image(&dir.0, &copy);
    for cut in 64..used + 8 {
        for path in [copy.0.join("00000000.tzj"), memory.join("00000000.tzj")] {
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..cut]).unwrap();
            assert_eq!(records(&copy.0), (6, End::Clean), "cut at {cut}: {}", path.display());
            fs::write(&path, bytes).unwrap();
        }
    }
    // Bytes in memory that no length commits were never acknowledged, and are no tail.
    let path = memory.join("00000000.tzj");
    let mut bytes = fs::read(&path).unwrap();
    bytes[used + 8..used + 20].fill(0xEE);
    fs::write(&path, bytes).unwrap();
    assert_eq!(records(&copy.0), (6, End::Clean));
}

#[test]
fn memory_of_another_journal_is_refused_and_kept() {
    let dir = TempDir::new("staged-foreign");
    let (copy, other) = (TempDir::new("staged-foreign-a"), TempDir::new("staged-foreign-b"));
    let Some(mut writer) = staged(&dir.0) else { return };
    append(&mut writer, 3);
    let memory = image(&dir.0, &copy);
    let config = WriterConfig { session_id: 1, ..SMALL };
    JournalWriter::create(&other.0, &config).unwrap().close().unwrap();
    fs::copy(other.0.join("00000000.tzj"), copy.0.join("00000000.tzj")).unwrap();
    let refused = recover(&copy.0).unwrap_err().to_string();
    assert!(refused.contains("belongs to another journal"), "{refused}");
    assert!(memory.join("00000000.tzj").exists());
}

#[test]
fn a_place_that_is_no_memory_is_refused_and_nothing_is_left() {
    let dir = TempDir::new("staged-nowhere");
    let config = StageConfig { memory_dir: PathBuf::from("/proc"), ..StageConfig::default() };
    let refused = JournalWriter::create_staged(&dir.0, &SMALL, &config).err().unwrap();
    assert_eq!(refused.to_string(), "/proc is not on a memory file system (tmpfs)");
    assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 0);
}

#[test]
fn a_disk_that_fails_stops_the_writer_and_names_itself() {
    let dir = TempDir::new("staged-fault");
    let Some(mut writer) = staged(&dir.0) else { return };
    append(&mut writer, 10);
    writer.wait_for(Promise::Durable, 10).unwrap();
    // The next segments cannot get their names: their places are taken by folders.
    for number in 1..9 {
        fs::create_dir_all(dir.0.join(format!("{number:08}.tzj/full"))).unwrap();
    }
    let error = loop {
        let next = writer.sequence_last() + 1;
        if let Err(error) = writer.append(1, 0, Nanos(0), &payload(next)) {
            break error;
        }
    };
    assert!(error.to_string().starts_with("cannot put in place journal segment"), "{error}");
    let appended = writer.sequence_last();
    assert!(matches!(writer.append(1, 0, Nanos(0), &[]), Err(JournalError::Stopped { .. })));
    assert!(writer.durable().unwrap().has_failed());
    assert!(writer.wait_for(Promise::Durable, appended).is_err());
    assert!(writer.close().is_err());
    // What did not reach the disk is still in memory, and found when the disk is mended.
    for number in 1..9 {
        fs::remove_dir_all(dir.0.join(format!("{number:08}.tzj"))).unwrap();
    }
    let recovery = recover(&dir.0).unwrap();
    assert_eq!((recovery.settled, recovery.sequence_last), (Some(appended), appended));
    assert_eq!(records(&dir.0), (appended, End::Clean));
}
