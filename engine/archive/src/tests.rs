//! Journals through archives and back, and every way to tamper with one.

use std::fs;
use std::path::{Path, PathBuf};

use tezi_journal::{JournalReader, JournalWriter, SEGMENT_BYTES_MIN, WriterConfig};
use tezi_model::Nanos;
use tezi_testing::Random;

use crate::{
    ArchiveConfig, ArchiveError, Digest, Fault, MANIFEST_NAME, Manifest, archive, restore, verify,
};

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let name = format!("tezi-archive-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A journal of several segments.
fn journal(path: &Path, records: u64) {
    let config =
        WriterConfig { segment_bytes: SEGMENT_BYTES_MIN, session_id: 0xAB, created: Nanos(7) };
    let mut writer = JournalWriter::create(path, &config).unwrap();
    let mut random = Random(3);
    for number in 0..records {
        let payload: Vec<u8> = (0..random.below(300)).map(|_| random.below(20) as u8).collect();
        writer.append(5, 0, Nanos(1_000 + number as i64), &payload).unwrap();
    }
    writer.close().unwrap();
}

fn files(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_string();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    drop(fs::remove_dir_all(to));
    fs::create_dir_all(to).unwrap();
    for (name, bytes) in files(from) {
        fs::write(to.join(name), bytes).unwrap();
    }
}

fn fault(archive: &Path) -> Fault {
    match verify(archive, None, &mut |_| {}) {
        Err(ArchiveError::Fault { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_restored_is_the_journal_byte_for_byte() {
    let place = Place::new("round");
    for (name, records) in [("empty", 0), ("short", 3), ("long", 4_000)] {
        let (from, to, back) = (place.at(name), place.at("a"), place.at("b"));
        journal(&from, records);
        let mut told = Vec::new();
        let made = archive(&from, &to, &ArchiveConfig::default(), &mut |it| told.push(it)).unwrap();
        assert_eq!((made.span.records, made.session_id, made.retain_years), (records, 0xAB, 8));
        assert_eq!(told.len(), made.segments.len());
        assert_eq!(told.last().unwrap().bytes, made.bytes());
        assert!(records < 10 || (made.segments.len() > 3 && made.packed_bytes() < made.bytes()));
        let checked = verify(&to, Some(made.seal), &mut |_| {}).unwrap();
        assert_eq!(checked, made);
        restore(&to, &back, Some(made.seal), &mut |_| {}).unwrap();
        assert_eq!(files(&from), files(&back));
        let mut reader = JournalReader::open(&back).unwrap();
        let read = std::iter::from_fn(|| reader.next_record().map(|it| it.sequence)).count();
        assert_eq!(read as u64, records);
        fs::remove_dir_all(&to).unwrap();
        fs::remove_dir_all(&back).unwrap();
    }
}

#[test]
fn no_byte_of_an_archive_can_be_changed_unseen() {
    let place = Place::new("bytes");
    let (from, sound, broken) = (place.at("j"), place.at("sound"), place.at("broken"));
    journal(&from, 700);
    archive(&from, &sound, &ArchiveConfig::default(), &mut |_| {}).unwrap();
    let mut random = Random(11);
    let all = files(&sound);
    copy(&sound, &broken);
    for round in 0..600 {
        let (name, bytes) = &all[round % all.len()];
        let mut changed = bytes.clone();
        let place = random.below(bytes.len() as u64) as usize;
        match round % 3 {
            0 | 1 => changed[place] ^= 1 << random.below(8),
            _ => changed.truncate(place),
        }
        let path = broken.join(name);
        fs::write(&path, changed).unwrap();
        assert!(verify(&broken, None, &mut |_| {}).is_err(), "{name}, byte {place}");
        fs::write(&path, bytes).unwrap();
    }
    verify(&broken, None, &mut |_| {}).unwrap();
}

#[test]
fn each_way_to_tamper_is_named() {
    let place = Place::new("tamper");
    let (from, sound, broken) = (place.at("j"), place.at("sound"), place.at("broken"));
    journal(&from, 2_000);
    let made = archive(&from, &sound, &ArchiveConfig::default(), &mut |_| {}).unwrap();
    let (first, second) = (made.segments[0].packed_name(), made.segments[1].packed_name());
    let manifest = fs::read_to_string(sound.join(MANIFEST_NAME)).unwrap();
    assert_eq!(Manifest::parse(&manifest).unwrap().write(), (manifest.clone(), made.seal));
    let lines: Vec<&str> = manifest.lines().collect();
    let with_manifest = |lines: &[&str]| {
        copy(&sound, &broken);
        fs::write(broken.join(MANIFEST_NAME), lines.join("\n") + "\n").unwrap();
        fault(&broken)
    };
    let without = |index: usize| {
        let mut left = lines.clone();
        left.remove(index);
        left
    };
    assert_eq!(with_manifest(&without(4)), Fault::Chain { line: 5 });
    assert_eq!(with_manifest(&lines[..lines.len() - 1]), Fault::Unfinished);
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    assert_eq!(with_manifest(&swapped), Fault::Chain { line: 4 });
    let mut kept_shorter = lines.clone();
    kept_shorter[2] = "retain-years 1";
    assert_eq!(with_manifest(&kept_shorter), Fault::Chain { line: 4 });

    copy(&sound, &broken);
    fs::remove_file(broken.join(&first)).unwrap();
    assert_eq!(fault(&broken), Fault::Missing);
    copy(&sound, &broken);
    fs::copy(sound.join(&second), broken.join(&first)).unwrap();
    assert!(matches!(fault(&broken), Fault::Size { .. } | Fault::Digest));
    copy(&sound, &broken);
    fs::write(broken.join("note.txt"), "trust me").unwrap();
    assert_eq!(fault(&broken), Fault::Stray);
    copy(&sound, &broken);
    fs::remove_file(broken.join(MANIFEST_NAME)).unwrap();
    assert_eq!(fault(&broken), Fault::NoManifest);
    // A whole archive of another journal: sound in itself, and not this one.
    let (other, forged) = (place.at("other"), place.at("forged"));
    journal(&other, 1_999);
    archive(&other, &forged, &ArchiveConfig::default(), &mut |_| {}).unwrap();
    verify(&forged, None, &mut |_| {}).unwrap();
    let refused = verify(&forged, Some(made.seal), &mut |_| {});
    assert!(matches!(refused, Err(ArchiveError::Fault { fault: Fault::Seal, .. })));
    assert_ne!(made.seal, Digest([0; 32]));
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let place = Place::new("names");
    for name in ["../0000000.tzj", "0000000a.tzj", "00000000.txt", "/etc/passwd.tzj"] {
        let body = format!("segment {name} 1 {} 1 {}", Digest([1; 32]), Digest([2; 32]));
        let head = "tezi-archive 1\nsession 00000000000000ab\nretain-years 8\n";
        let link = Digest::of(head.as_bytes()).link(&body);
        fs::write(place.at(MANIFEST_NAME), format!("{head}{body} {link}\n")).unwrap();
        assert!(matches!(fault(&place.0), Fault::Line { line: 4, .. }), "{name}");
    }
}

#[test]
fn a_journal_in_use_or_damaged_is_not_archived_and_nothing_is_overwritten() {
    let place = Place::new("refused");
    let (from, to) = (place.at("j"), place.at("a"));
    let config = WriterConfig { segment_bytes: SEGMENT_BYTES_MIN, ..WriterConfig::default() };
    let mut writer = JournalWriter::create(&from, &config).unwrap();
    for number in 0..50 {
        writer.append(1, 0, Nanos(number), &[number as u8; 40]).unwrap();
    }
    let make = || archive(&from, &to, &ArchiveConfig::default(), &mut |_| {});
    assert!(matches!(make(), Err(ArchiveError::Journal(_))), "in use");
    writer.close().unwrap();
    let segment = from.join("00000000.tzj");
    let sound = fs::read(&segment).unwrap();
    let mut damaged = sound.clone();
    damaged[1_000] ^= 1;
    fs::write(&segment, damaged).unwrap();
    assert!(make().is_err(), "damaged");
    assert!(!to.exists());
    fs::write(&segment, sound).unwrap();
    make().unwrap();
    assert!(matches!(make(), Err(ArchiveError::Occupied { .. })));
    let back = restore(&to, &from, None, &mut |_| {});
    assert!(matches!(back, Err(ArchiveError::Occupied { .. })), "not over a journal");
}
