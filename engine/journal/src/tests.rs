//! Journals cut, flipped, mixed up and mutated, against the list of records that were written.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tezi_model::Nanos;

use crate::{
    Crc32c, DamageKind, End, HeaderFault, JournalError, JournalReader, JournalWriter, RecordFault,
    SEGMENT_BYTES_MIN, SegmentHeader, WriterConfig, record_bytes, recover, verify,
};
pub(crate) use tezi_testing::Random;

/// A directory that is gone when the test ends.
pub(crate) struct TempDir(pub(crate) PathBuf);

impl TempDir {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tezi-journal-{}-{name}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A record as the tests remember it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    sequence: u64,
    time: Nanos,
    record_type: u16,
    flags: u16,
    payload: Vec<u8>,
}

const SMALL: WriterConfig = WriterConfig {
    segment_bytes: SEGMENT_BYTES_MIN,
    session_id: 0x5E55_1011,
    created: Nanos(1_790_000_000_000_000_000),
};

/// Appends `count` records with payloads of up to `bytes_max` bytes.
fn append(writer: &mut JournalWriter, seed: u64, count: usize, bytes_max: u64) -> Vec<Written> {
    let mut random = Random(seed);
    let written = (0..count).map(|_| {
        let payload: Vec<u8> =
            (0..random.below(bytes_max + 1)).map(|_| random.next() as u8).collect();
        let (time, kind) = (Nanos(random.next() as i64), random.next() as u16);
        let flags = random.next() as u16;
        let (head, tail) = payload.split_at(random.below(payload.len() as u64 + 1) as usize);
        let sequence = if random.below(2) == 0 {
            writer.append(kind, flags, time, &payload).unwrap()
        } else {
            writer.append_parts(kind, flags, time, head, tail).unwrap()
        };
        Written { sequence, time, record_type: kind, flags, payload }
    });
    written.collect()
}

/// A closed journal and what is in it.
fn journal(dir: &Path, seed: u64, count: usize, bytes_max: u64) -> Vec<Written> {
    let mut writer = JournalWriter::create(dir, &SMALL).unwrap();
    let written = append(&mut writer, seed, count, bytes_max);
    let stats = writer.close().unwrap();
    assert_eq!(stats.records, count as u64);
    let bytes: usize = written.iter().map(|record| record_bytes(record.payload.len())).sum();
    assert_eq!(stats.bytes, bytes as u64);
    written
}

/// Reads behind damage to the very end: the records, and everything that was reported.
fn read(path: &Path) -> (Vec<Written>, Vec<End>) {
    let mut reader = JournalReader::open(path).unwrap();
    let (mut records, mut ends) = (Vec::new(), Vec::new());
    loop {
        while let Some(record) = reader.next_record() {
            records.push(Written {
                sequence: record.sequence,
                time: record.time,
                record_type: record.record_type,
                flags: record.flags,
                payload: record.payload.to_vec(),
            });
        }
        ends.extend(reader.end().cloned());
        if !reader.skip_damage() {
            return (records, ends);
        }
    }
}

fn segment(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.tzj"))
}

#[test]
fn golden_record() {
    // Made by hand from docs/wire/journal.md; the checksum by an independent program.
    let dir = TempDir::new("golden");
    let header = SegmentHeader {
        number: 7,
        base_sequence: 812,
        session_id: 0x0123_4567_89AB_CDEF,
        created: Nanos(1),
        segment_bytes: SEGMENT_BYTES_MIN,
    };
    assert_eq!(SegmentHeader::seed(header.session_id, 7, Crc32c::detect()), 0xF094_4A91);
    let record = concat!(
        "25000000495f96562c03000000000000",
        "0100f323845bd7180300050000000000",
        "74657a6921000000"
    );
    let record: Vec<u8> = (0..record.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&record[at..at + 2], 16).unwrap())
        .collect();
    let path = dir.0.join("one-segment-by-itself");
    fs::write(&path, [&header.encode()[..], &record].concat()).unwrap();
    let expected = Written {
        sequence: 812,
        time: Nanos(1_790_000_000_000_000_001),
        record_type: 3,
        flags: 5,
        payload: b"tezi!".to_vec(),
    };
    assert_eq!(read(&path), (vec![expected], vec![End::Clean]));

    let mut segments: Vec<u8> = header.encode().to_vec();
    segments.resize(SEGMENT_BYTES_MIN as usize, 0);
    fs::write(segment(&dir.0, 7), segments).unwrap();
    let mut writer = JournalWriter::open_append(&dir.0, SEGMENT_BYTES_MIN).unwrap();
    writer.append(3, 5, Nanos(1_790_000_000_000_000_001), b"tezi!").unwrap();
    writer.close().unwrap();
    assert_eq!(fs::read(segment(&dir.0, 7)).unwrap()[64..], record);
}

#[test]
fn records_of_all_sizes_come_back_from_several_segments() {
    for seed in 0..4 {
        let dir = TempDir::new("round-trip");
        let sizes = [40, 300, 3_000, 60_000][seed];
        let written = journal(&dir.0, seed as u64, 300, sizes);
        assert_eq!(
            written.iter().map(|record| record.sequence).collect::<Vec<_>>(),
            (1..=300).collect::<Vec<_>>()
        );
        assert_eq!(read(&dir.0), (written.clone(), vec![End::Clean]), "seed {seed}");

        let report = verify(&dir.0).unwrap();
        assert!(report.is_undamaged() && report.torn_tail.is_none());
        assert_eq!(report.records, 300);
        assert_eq!(report.first, Some((1, written[0].time)));
        assert_eq!(report.last, Some((300, written[299].time)));

        // Each segment can be read by itself, and together they hold everything.
        let alone: Vec<_> = (0..report.segments as u32)
            .flat_map(|number| read(&segment(&dir.0, number)).0)
            .collect();
        assert_eq!(alone, written);
    }
}

#[test]
fn a_segment_begun_by_hand_is_one_like_any_other() {
    let dir = TempDir::new("rotate");
    let mut writer = JournalWriter::create(&dir.0, &SMALL).unwrap();
    let mut written = Vec::new();
    for (round, count) in [3, 0, 0, 40, 1].into_iter().enumerate() {
        written.extend(append(&mut writer, round as u64, count, 64));
        // Nothing was written since: the segment stays.
        for _ in 0..2 {
            writer.rotate(Nanos(round as i64)).unwrap();
        }
    }
    assert_eq!(writer.stats().segments, 4);
    writer.close().unwrap();
    assert_eq!(read(&dir.0), (written.clone(), vec![End::Clean]));
    let (second, ends) = read(&segment(&dir.0, 1));
    assert_eq!((second, ends), (written[3..43].to_vec(), vec![End::Clean]));
}

#[test]
fn a_dropped_writer_and_a_live_one_are_readable_and_appendable() {
    let dir = TempDir::new("drop");
    let mut writer = JournalWriter::create(&dir.0, &SMALL).unwrap();
    let mut written = append(&mut writer, 1, 10, 100);
    assert_eq!(read(&dir.0), (written.clone(), vec![End::Clean]), "while it is being written");
    assert!(matches!(
        JournalWriter::open_append(&dir.0, SEGMENT_BYTES_MIN),
        Err(JournalError::Locked { .. })
    ));
    assert!(matches!(recover(&dir.0), Err(JournalError::Locked { .. })));
    drop(writer);
    assert_eq!(fs::metadata(segment(&dir.0, 0)).unwrap().len(), SEGMENT_BYTES_MIN);
    for round in 0..5 {
        let mut writer = JournalWriter::open_append(&dir.0, SEGMENT_BYTES_MIN).unwrap();
        assert_eq!(writer.sequence_last(), written.len() as u64);
        written.extend(append(&mut writer, round, 200, 400));
        assert_eq!(writer.stats().records, 200);
        if round % 2 == 0 {
            writer.close().unwrap();
        }
    }
    assert_eq!(read(&dir.0), (written, vec![End::Clean]));
}

#[test]
fn refusals_have_names_and_change_nothing() {
    let dir = TempDir::new("refusals");
    for segment_bytes in [0, SEGMENT_BYTES_MIN - 4096, SEGMENT_BYTES_MIN + 1, (1 << 30) + 4096] {
        let config = WriterConfig { segment_bytes, ..SMALL };
        let refused = JournalWriter::create(&dir.0, &config);
        assert!(matches!(refused, Err(JournalError::SegmentBytes { .. })));
    }
    let empty = JournalReader::open(&dir.0).err().unwrap();
    assert!(empty.to_string().starts_with("no journal segment (00000000.tzj) in"));
    assert!(verify(&dir.0.join("nowhere")).unwrap_err().to_string().contains("nowhere"));

    let mut writer = JournalWriter::create(&dir.0, &SMALL).unwrap();
    let bytes_max = SEGMENT_BYTES_MIN as usize - 96;
    let refused = writer.append(1, 0, Nanos(0), &vec![1; bytes_max + 1]).unwrap_err();
    assert_eq!(refused.to_string(), "payload of 65441 bytes, a segment has room for 65440");
    assert_eq!(writer.append(1, 0, Nanos(0), &vec![1; bytes_max]).unwrap(), 1);
    assert_eq!(writer.append(1, 0, Nanos(0), &[]).unwrap(), 2);
    assert_eq!(writer.close().unwrap().segments, 2);
    let refused = JournalWriter::create(&dir.0, &SMALL).err().unwrap();
    assert!(refused.to_string().ends_with("00000000.tzj; it is not overwritten"), "{refused}");
    assert_eq!(read(&dir.0).0.len(), 2);
}

#[test]
fn every_prefix_of_a_journal_holds_exactly_its_whole_records() {
    let dir = TempDir::new("prefix");
    let written = journal(&dir.0, 3, 12, 60);
    let bytes = fs::read(segment(&dir.0, 0)).unwrap();
    let mut ends = vec![64];
    for record in &written {
        ends.push(ends[ends.len() - 1] + record_bytes(record.payload.len()));
    }
    for cut in 0..=bytes.len() {
        fs::write(segment(&dir.0, 0), &bytes[..cut]).unwrap();
        let whole = ends.iter().filter(|&&end| end <= cut).count().saturating_sub(1);
        let (records, reported) = read(&dir.0);
        assert_eq!(records, written[..whole], "cut at {cut}");
        assert!(
            matches!(reported[..], [End::Clean | End::TornTail(_)]),
            "cut at {cut}: {reported:?}"
        );

        // Recovery leaves those records, and the journal goes on behind them.
        let recovery = recover(&dir.0).unwrap();
        assert_eq!(recovery.sequence_last, whole as u64, "cut at {cut}");
        if 64 <= cut {
            let mut writer = JournalWriter::open_append(&dir.0, SEGMENT_BYTES_MIN).unwrap();
            assert_eq!(writer.append(9, 9, Nanos(9), b"after").unwrap(), whole as u64 + 1);
            writer.close().unwrap();
            let (records, reported) = read(&dir.0);
            assert_eq!((&records[..whole], reported), (&written[..whole], vec![End::Clean]));
        }
    }
}

#[test]
fn a_writer_stopped_between_any_two_stores_leaves_a_recoverable_tail() {
    let dir = TempDir::new("stores");
    let written = journal(&dir.0, 4, 4, 60);
    let closed = fs::read(segment(&dir.0, 0)).unwrap();
    let start = closed.len() - record_bytes(written[3].payload.len());
    // Everything of the last record but the word that commits it, up to each byte.
    for cut in start + 8..=closed.len() {
        let mut image = closed[..cut].to_vec();
        image[start..start + 8].fill(0);
        image.resize(SEGMENT_BYTES_MIN as usize, 0);
        fs::write(segment(&dir.0, 0), &image).unwrap();
        assert_eq!(read(&dir.0).0, written[..3]);
        let recovery = recover(&dir.0).unwrap();
        if let Some(tail) = recovery.torn_tail {
            assert_eq!((tail.offset, tail.fault), (start as u64, RecordFault::Uncommitted));
            let saved = fs::read(recovery.saved.unwrap()).unwrap();
            assert_eq!(saved, image[start..start + saved.len()]);
        }
        let mut writer = JournalWriter::open_append(&dir.0, SEGMENT_BYTES_MIN).unwrap();
        let last = &written[3];
        writer.append(last.record_type, last.flags, last.time, &last.payload).unwrap();
        writer.close().unwrap();
        assert_eq!(fs::read(segment(&dir.0, 0)).unwrap(), closed, "byte for byte as if never cut");
    }
}

#[test]
fn every_flipped_bit_is_reported_and_costs_one_record_at_most() {
    let dir = TempDir::new("flip");
    let written = journal(&dir.0, 5, 7, 40);
    let bytes = fs::read(segment(&dir.0, 0)).unwrap();
    let mut ends = vec![64];
    for record in &written {
        ends.push(ends[ends.len() - 1] + record_bytes(record.payload.len()));
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(segment(&dir.0, 0), &flipped).unwrap();
        let report = verify(&dir.0).unwrap();
        let mut expected = written.clone();
        match ends.iter().position(|&end| bit / 8 < end) {
            Some(0) => {
                let mended = DamageKind::HeaderBit { byte: bit as u16 / 8, bit: bit as u8 % 8 };
                assert_eq!(report.findings[0].damage.what, mended);
            }
            Some(at) => {
                expected.remove(at - 1);
                assert_eq!(report.torn_tail.is_some(), at == written.len(), "bit {bit}");
                assert_eq!(report.is_undamaged(), at == written.len(), "bit {bit}");
                if at < written.len() {
                    let finding = &report.findings[0];
                    assert_eq!(finding.damage.records_lost, Some(1), "bit {bit}: {finding}");
                    assert_eq!(finding.damage.offset, ends[at - 1] as u64);
                    assert_eq!(finding.good_records_after, (written.len() - at) as u64);
                    assert!(matches!(recover(&dir.0), Err(JournalError::Damaged(_))));
                    assert_eq!(fs::read(segment(&dir.0, 0)).unwrap(), flipped, "left as it was");
                }
            }
            None => unreachable!("the journal is closed at its last record"),
        }
        assert_eq!(read(&dir.0).0, expected, "bit {bit}");
    }
}

/// A journal of several segments, the numbers of the first records of each, and its files.
fn several_segments(dir: &Path) -> (Vec<Written>, Vec<usize>) {
    let written = journal(dir, 6, 100, 4_000);
    let mut bases = Vec::new();
    let mut reader = JournalReader::open(dir).unwrap();
    while let Some(record) = reader.next_record() {
        if record.segment as usize == bases.len() {
            bases.push(record.sequence as usize - 1);
        }
    }
    assert!(4 <= bases.len(), "{bases:?}");
    (written, bases)
}

fn without(written: &[Written], lost: core::ops::Range<usize>) -> Vec<Written> {
    [&written[..lost.start], &written[lost.end..]].concat()
}

#[test]
fn missing_cut_foreign_and_renamed_segments_are_named() {
    let dir = TempDir::new("segments");
    let (written, bases) = several_segments(&dir.0);
    let other = TempDir::new("segments-other");
    let config = WriterConfig { session_id: 1, ..SMALL };
    let mut writer = JournalWriter::create(&other.0, &config).unwrap();
    append(&mut writer, 6, 100, 4_000);
    writer.close().unwrap();

    let one = segment(&dir.0, 1);
    let bytes = fs::read(&one).unwrap();
    let second = written[bases[1]..bases[2]].to_vec();
    let lost = second.len() as u64;
    let first_end = 64 + record_bytes(second[0].payload.len());
    let newer = {
        let mut header = bytes.clone();
        header[12] = 2;
        let crc = Crc32c::TABLE.checksum(&header[..60]);
        header[60..64].copy_from_slice(&crc.to_le_bytes());
        header
    };
    // What happens to segment 1, what is said, how many of its records are read.
    type Fault = Box<dyn Fn()>;
    let write = |bytes: Vec<u8>| -> Fault {
        let one = one.clone();
        Box::new(move || fs::write(&one, &bytes).unwrap())
    };
    let gone = one.clone();
    let header_ruined = [&[0xAA; 64][..], &bytes[64..]].concat();
    let cases: [(Fault, &str, u64); 8] = [
        (Box::new(move || fs::remove_file(&gone).unwrap()), "segment 1 is missing", 0),
        (write(Vec::new()), "file of 0 bytes, a segment header has 64", 0),
        (write(bytes[..first_end].to_vec()), "begins with record", 1),
        (write(bytes[..first_end + 40].to_vec()), "cut after 40", 1),
        (write(fs::read(segment(&other.0, 1)).unwrap()), "belongs to another journal", 0),
        (write(fs::read(segment(&dir.0, 2)).unwrap()), "the header says segment 2", 0),
        (write(newer), "format version 2, this program reads 1", 0),
        (write(header_ruined), "not a journal segment (begins \"\\xaa", lost),
    ];
    for (fault, said, read_of_it) in cases {
        fault();
        let report = verify(&dir.0).unwrap();
        assert_eq!(report.findings_count, 1, "{report}");
        let finding = &report.findings[0];
        assert!(finding.to_string().contains(said), "{finding} should say {said}");
        assert_eq!(finding.damage.records_lost, Some(lost - read_of_it), "{finding}");
        let lost = bases[1] + read_of_it as usize..bases[2];
        assert_eq!(read(&dir.0).0, without(&written, lost), "{said}");
        fs::write(&one, &bytes).unwrap();
    }
    assert!(verify(&dir.0).unwrap().is_undamaged());
}

#[test]
fn a_segment_that_cannot_be_read_is_damage_and_the_rest_is_read() {
    let dir = TempDir::new("unreadable");
    let (written, bases) = several_segments(&dir.0);
    fs::remove_file(segment(&dir.0, 1)).unwrap();
    fs::create_dir(segment(&dir.0, 1)).unwrap();
    let report = verify(&dir.0).unwrap();
    let finding = &report.findings[0];
    assert_eq!(report.findings_count, 1, "{report}");
    assert!(matches!(finding.damage.what, DamageKind::Unreadable { os_error: Some(_) }));
    assert!(finding.to_string().starts_with("segment 00000001.tzj, byte 0: cannot be read: "));
    assert_eq!(read(&dir.0).0, without(&written, bases[1]..bases[2]));
}

#[test]
fn one_file_that_is_no_segment_is_refused_by_name() {
    let dir = TempDir::new("foreign");
    let path = segment(&dir.0, 0);
    fs::write(&path, b"GIF89a and then sixty bytes more of what is not a journal segment").unwrap();
    let error = JournalReader::open(&path).err().unwrap();
    assert!(matches!(
        error,
        JournalError::Header { fault: HeaderFault::Magic { found: [b'G', b'I', ..] }, .. }
    ));
    assert!(error.to_string().ends_with("not a journal segment (begins \"GIF89a a\")"), "{error}");
    assert!(JournalWriter::open_append(&dir.0, SEGMENT_BYTES_MIN).is_err());
}

#[test]
fn bytes_of_another_session_or_segment_are_never_read() {
    let dir = TempDir::new("recycled");
    let (written, bases) = several_segments(&dir.0);
    let header = |number: u32, base_sequence: u64, session_id: u64| SegmentHeader {
        number,
        base_sequence,
        session_id,
        created: Nanos(0),
        segment_bytes: SEGMENT_BYTES_MIN,
    };
    let old = fs::read(segment(&dir.0, 1)).unwrap();
    let base = bases[1] as u64 + 1;
    assert_eq!(written[bases[1]].sequence, base);
    // The same file under its own header is read; under the header of a recycled one it is not,
    // though lengths and sequences would all fit.
    let path = dir.0.join("recycled");
    for (new, count) in [
        (header(1, base, SMALL.session_id), bases[2] - bases[1]),
        (header(9, base, SMALL.session_id), 0),
        (header(1, base, SMALL.session_id + 1), 0),
        (header(1, base + 1, SMALL.session_id), bases[2] - bases[1] - 1),
    ] {
        fs::write(&path, [&new.encode()[..], &old[64..]].concat()).unwrap();
        assert_eq!(read(&path).0.len(), count);
    }
}

#[test]
fn an_unfinished_last_segment_is_removed_by_recovery_and_a_lost_header_page_is_not() {
    let dir = TempDir::new("unfinished");
    let (written, bases) = several_segments(&dir.0);
    let next = bases.len() as u32;
    fs::write(segment(&dir.0, next), vec![0; 65_536]).unwrap();
    assert!(verify(&dir.0).unwrap().torn_tail.is_some());
    let recovery = recover(&dir.0).unwrap();
    assert_eq!(recovery.sequence_last, 100);
    assert_eq!(recovery.torn_tail.unwrap().fault, RecordFault::HeaderUnfinished);
    assert!(!segment(&dir.0, next).exists());
    assert_eq!(read(&dir.0), (written.clone(), vec![End::Clean]));

    // Zeros where the header was, but records behind: that is damage, and all of them are read.
    let last = segment(&dir.0, next - 1);
    let mut bytes = fs::read(&last).unwrap();
    bytes[..64].fill(0);
    fs::write(&last, &bytes).unwrap();
    let report = verify(&dir.0).unwrap();
    assert_eq!((report.records, report.findings_count), (100, 1), "{report}");
    assert!(recover(&dir.0).is_err());
    assert_eq!(fs::read(&last).unwrap(), bytes);
}

#[test]
fn prepared_segments_are_never_left_behind_nor_read() {
    let dir = TempDir::new("prepared");
    let names = || -> Vec<_> {
        let names = fs::read_dir(&dir.0).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let mut writer = JournalWriter::create(&dir.0, &SMALL).unwrap();
    let past_half = SEGMENT_BYTES_MIN as usize / 2 + 100;
    for sequence in 1..=2 {
        // The first record takes the first half, the second finds the next segment asked for.
        let payload = vec![1; if sequence == 1 { past_half } else { 8 }];
        assert_eq!(writer.append(1, 0, Nanos(1), &payload).unwrap(), sequence);
    }
    drop(writer);
    assert_eq!(names(), ["00000000.tzj"]);
    // What a killed writer leaves.
    fs::write(dir.0.join("00000001.tzj-new"), [0xAA; 100]).unwrap();
    fs::write(dir.0.join("notes.tzj-new"), b"none of ours").unwrap();
    assert_eq!(read(&dir.0).0.len(), 2);
    let mut writer = JournalWriter::open_append(&dir.0, SEGMENT_BYTES_MIN).unwrap();
    writer.append(1, 0, Nanos(1), &vec![2; past_half]).unwrap();
    writer.close().unwrap();
    let mut left = names();
    left.sort();
    assert_eq!(left, ["00000000.tzj", "00000001.tzj", "notes.tzj-new"]);
    let (records, ends) = read(&dir.0);
    assert_eq!((records.len(), ends), (3, vec![End::Clean]));
}

#[test]
fn messages_are_for_people() {
    let dir = TempDir::new("messages");
    let written = journal(&dir.0, 7, 5, 20);
    let offset = 64 + record_bytes(written[0].payload.len());
    let path = segment(&dir.0, 0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[offset + 16] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let finding = verify(&dir.0).unwrap().findings[0].to_string();
    let start =
        format!("segment 00000000.tzj, byte {offset}: checksum mismatch in record 2 (stored 0x");
    assert!(finding.starts_with(&start), "{finding}");
    assert!(finding.ends_with("1 record lost; 3 good records follow it"), "{finding}");
}

#[test]
fn mutated_journals_never_panic_the_reader_and_never_invent_a_record() {
    let dir = TempDir::new("mutations");
    let (written, bases) = several_segments(&dir.0);
    let files: Vec<_> =
        (0..bases.len() as u32).map(|number| fs::read(segment(&dir.0, number)).unwrap()).collect();
    for seed in 0..400 {
        let mut random = Random(seed);
        let number = random.below(files.len() as u64) as usize;
        let mut bytes = files[number].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, &files, &mut random);
        }
        fs::write(segment(&dir.0, number as u32), &bytes).unwrap();
        let (records, ends) = read(&dir.0);
        let mut sequence_last = 0;
        for record in &records {
            assert!(sequence_last < record.sequence, "seed {seed}");
            sequence_last = record.sequence;
            assert_eq!(*record, written[record.sequence as usize - 1], "seed {seed}");
        }
        // Whatever is not read was reported, unless the tail is gone without a trace.
        if records.len() < written.len() && ends == [End::Clean] {
            assert_eq!(records, written[..records.len()], "seed {seed}");
        }
        fs::write(segment(&dir.0, number as u32), &files[number]).unwrap();
    }
}

/// Flips, overwrites, inserts, removes, or copies bytes from another segment.
fn mutate(bytes: &mut Vec<u8>, files: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() as u64) as usize;
    let length = (random.below(200) as usize).min(bytes.len() - at);
    match random.below(7) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at..at + length].fill(random.next() as u8),
        2 => bytes[at..at + length].fill_with(|| random.next() as u8),
        3 => bytes.truncate(at.max(1)),
        4 => drop(bytes.drain(at / 8 * 8..(at + length) / 8 * 8)),
        5 => {
            let other = &files[random.below(files.len() as u64) as usize];
            let from = &other[at.min(other.len())..(at + length).min(other.len())];
            bytes[at..at + from.len()].copy_from_slice(from);
        }
        _ => drop(bytes.splice(at..at, vec![random.next() as u8; length])),
    }
    if bytes.is_empty() {
        bytes.push(0);
    }
}
