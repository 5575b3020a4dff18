//! A journal with any bytes of it changed: no panic, and no record is read that was not written.

#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tezi_journal::{JournalReader, JournalWriter, WriterConfig, verify};
use tezi_model::Nanos;

const RECORDS: u64 = 40;

/// What record `sequence` holds.
fn payload(sequence: u64) -> Vec<u8> {
    (0..sequence * 7 % 90).map(|index| (sequence * 31 + index) as u8).collect()
}

/// A directory of this process, and the bytes of a good segment.
fn segment() -> &'static (PathBuf, Vec<u8>) {
    static SEGMENT: OnceLock<(PathBuf, Vec<u8>)> = OnceLock::new();
    SEGMENT.get_or_init(|| {
        let dir = std::env::temp_dir().join(format!("tezi-fuzz-journal-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let config = WriterConfig { segment_bytes: 64 << 10, session_id: 9, created: Nanos(1) };
        let mut writer = JournalWriter::create(&dir, &config).expect("the journal can be made");
        for sequence in 1..=RECORDS {
            let time = Nanos(sequence as i64);
            writer.append(5, 0, time, &payload(sequence)).expect("the record fits");
        }
        writer.close().expect("the journal can be closed");
        let bytes = fs::read(dir.join("00000000.tzj")).expect("the segment can be read");
        (dir, bytes)
    })
}

fuzz_target!(|data: &[u8]| {
    let (dir, good) = segment();
    let mut bytes = good.clone();
    for change in data.chunks_exact(3) {
        let offset = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
        bytes[offset] ^= change[2];
    }
    // What is left over cuts the file short.
    if let [cut, ..] = data.chunks_exact(3).remainder() {
        bytes.truncate(bytes.len() * usize::from(*cut) / 256);
    }
    fs::write(dir.join("00000000.tzj"), &bytes).expect("the segment can be written");
    let _ = verify(dir);
    let Ok(mut reader) = JournalReader::open(dir) else { return };
    loop {
        while let Some(record) = reader.next_record() {
            assert!((1..=RECORDS).contains(&record.sequence));
            assert_eq!(record.time, Nanos(record.sequence as i64));
            assert_eq!(record.payload, payload(record.sequence));
        }
        if !reader.skip_damage() {
            break;
        }
    }
});
