//! Frames and sessions against naive models, and replicas against the journals they are of: cut at any
//! byte, connections lost at any byte, either side gone at any time.

use std::{fs, path::Path};

use tezi_model::Nanos;

use super::*;
use crate::{
    JournalFollower, JournalReader, JournalWriter, SEGMENT_BYTES_MIN, SegmentHeader, Sought,
    StageConfig, WriterConfig,
    tests::{Random, TempDir},
    verify,
};

const NOW: Nanos = Nanos(1_790_000_000_000_000_000);
const CONFIG: WriterConfig =
    WriterConfig { segment_bytes: SEGMENT_BYTES_MIN, session_id: 0x7E21, created: NOW };

fn messages(records: &[u8]) -> Vec<Message<'_>> {
    let header = SegmentHeader {
        number: 3,
        base_sequence: 40,
        session_id: 7,
        created: NOW,
        segment_bytes: 1 << 16,
    };
    let welcome = Welcome {
        protocol: 1,
        format: 1,
        session_id: 7,
        sequence_next: 41,
        crc_last: 0xDEAD_BEEF,
        durable: 39,
    };
    let refusal = Refusal { reason: RefusalReason::Gap, leader: 5, follower: 9 };
    vec![
        Message::Hello(Hello::new(7, 99)),
        Message::Welcome(welcome),
        Message::Segment(header),
        Message::Batch(BatchFrame { first: 41, segment: 3, count: 2, records }),
        Message::Ack(Ack { appended: 42, durable: 41 }),
        Message::Heartbeat { sequence: 42 },
        Message::End { sequence: 42 },
        Message::Refusal(refusal),
    ]
}

#[test]
fn the_hello_is_as_documented() {
    let mut bytes = Vec::new();
    Message::Hello(Hello::new(0x0123_4567_89AB_CDEF, 811)).encode(&mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let documented = concat!(
        "3000000023e0d8850100000000000000",
        "54455a495245504c0100010000000000efcdab89674523012b03000000000000"
    );
    assert_eq!(hex, documented);
}

#[test]
fn a_stream_cut_anywhere_gives_the_same_messages() {
    let records = [7_u8; 96];
    let said = messages(&records);
    let mut bytes = Vec::new();
    said.iter().for_each(|message| message.encode(&mut bytes));
    for cut in 0..=bytes.len() {
        let (mut decoder, mut heard) = (Decoder::default(), 0);
        for piece in [&bytes[..cut], &bytes[cut..]] {
            decoder.push(piece);
            while let Some(message) = decoder.next_message().unwrap() {
                assert_eq!(message, said[heard], "cut at {cut}");
                heard += 1;
            }
        }
        assert_eq!(heard, said.len(), "cut at {cut}");
    }
}

#[test]
fn a_changed_byte_of_a_frame_is_never_taken_for_what_was_said() {
    let records = [7_u8; 96];
    for message in messages(&records) {
        let mut good = Vec::new();
        message.encode(&mut good);
        // Records are judged by their own checksums.
        let covered = if matches!(message, Message::Batch(_)) { 32 } else { good.len() };
        for (at, bit) in (0..covered).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let mut decoder = Decoder::default();
            decoder.push(&bytes);
            // A longer length may be waited for; it is not believed once more comes.
            decoder.push(&[0; 1 << 12]);
            let found = decoder.next_message();
            assert!(found.is_err(), "byte {at}, bit {bit} of {message:?}: {found:?}");
        }
    }
}

#[test]
fn impossible_fields_are_named() {
    let fault = |message: Message<'_>| {
        let (mut bytes, mut decoder) = (Vec::new(), Decoder::default());
        message.encode(&mut bytes);
        decoder.push(&bytes);
        decoder.next_message().unwrap_err()
    };
    let welcome = Welcome {
        protocol: 1,
        format: 1,
        session_id: 7,
        sequence_next: 0,
        crc_last: 0,
        durable: 0,
    };
    assert_eq!(fault(Message::Welcome(welcome)), WireFault::Field("sequence_next"));
    let batch = BatchFrame { first: 0, segment: 0, count: 1, records: &[0; 32] };
    assert_eq!(fault(Message::Batch(batch)), WireFault::Field("batch"));
    let batch = BatchFrame { first: 1, records: &[0; 24], ..batch };
    assert_eq!(fault(Message::Batch(batch)), WireFault::Length(56));
}

/// A leader's journal with its writer, as a host has it.
struct Leader {
    writer: JournalWriter,
    random: Random,
}

impl Leader {
    fn new(dir: &Path, seed: u64) -> Self {
        let writer = JournalWriter::create(dir, &CONFIG).unwrap();
        Self { writer, random: Random(seed) }
    }

    /// Records of all sizes, now and then larger than a read.
    fn append(&mut self, count: u64) {
        for _ in 0..count {
            let most = if self.random.one_in(20) { 30_000 } else { 200 };
            let payload: Vec<u8> =
                (0..self.random.below(most)).map(|_| self.random.next() as u8).collect();
            let (kind, flags) = (self.random.next() as u16, self.random.next() as u16);
            let time = Nanos(self.random.next() as i64);
            self.writer.append(kind, flags, time, &payload).unwrap();
        }
    }
}

/// A connection between both halves, its bytes carried by hand.
struct Link {
    leader: LeaderSession,
    follower: FollowerSession,
    source: Option<JournalFollower>,
    acknowledged: Ack,
    over: Option<Ending>,
}

impl Link {
    fn new(journal: &Path, sequence_last: u64) -> Self {
        let session = JournalFollower::open(journal).unwrap().segment().session_id;
        Self {
            leader: LeaderSession::new(session, sequence_last, Timing::default(), NOW),
            follower: FollowerSession::new(Timing::default(), NOW),
            source: None,
            acknowledged: Ack::default(),
            over: None,
        }
    }

    /// Carries at most so many bytes each way; whether anything happened.
    fn carry(&mut self, journal: &Path, store: &mut impl ReplicaStore, bytes_max: usize) -> bool {
        let mut has_some = false;
        if self.leader.wants_batch()
            && let Some(batch) = self.source.as_mut().unwrap().poll_batch(4096).unwrap()
        {
            self.leader.on_batch(&batch, NOW);
        }
        let count = self.leader.unsent().len().min(bytes_max);
        if count > 0 {
            let bytes = self.leader.unsent()[..count].to_vec();
            self.leader.on_sent(count);
            self.follower.on_bytes(&bytes, store, NOW);
            has_some = true;
        }
        self.follower.on_turn(store, NOW);
        let count = self.follower.unsent().len().min(bytes_max);
        if count > 0 {
            let bytes = self.follower.unsent()[..count].to_vec();
            self.follower.on_sent(count);
            self.leader.on_bytes(&bytes, NOW);
            has_some = true;
        }
        while let Some(event) = self.leader.poll_event() {
            match event {
                LeaderEvent::Wanted { sequence_next } => {
                    match JournalFollower::seek(journal, sequence_next).unwrap() {
                        Sought::Found { follower, crc_before } => {
                            self.source = Some(follower);
                            self.leader.on_located(crc_before);
                        }
                        Sought::Beyond { sequence_last } => self.leader.on_beyond(sequence_last),
                    }
                }
                LeaderEvent::Acknowledged(ack) => self.acknowledged = ack,
                LeaderEvent::Over(ending) => self.over = Some(ending),
            }
        }
        has_some
    }

    fn carry_all(&mut self, journal: &Path, store: &mut impl ReplicaStore) {
        while self.carry(journal, store, usize::MAX) {}
    }
}

/// Every segment of a journal, the unused end of its file left out.
fn segments(dir: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "tzj"));
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let mut bytes = fs::read(path).unwrap();
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        bytes.truncate(used);
        bytes
    };
    files.iter().map(read).collect()
}

fn stage() -> Option<StageConfig> {
    let stage = StageConfig { segments: 2, ..StageConfig::default() };
    stage.check_room(SEGMENT_BYTES_MIN).is_ok().then_some(stage)
}

#[test]
fn a_replica_is_the_journal_byte_for_byte_whatever_is_lost_on_the_way() {
    let mut connections = 0;
    for seed in 0..12 {
        let dirs = [TempDir::new(&format!("lead-{seed}")), TempDir::new(&format!("keep-{seed}"))];
        let [journal, copy] = dirs.each_ref().map(|dir| dir.0.as_path());
        let stage = if seed % 2 == 0 { stage() } else { None };
        let (mut leader, mut random) = (Leader::new(journal, seed), Random(seed ^ 0xF00));
        let mut store = Replica::open(copy, stage.clone()).unwrap();
        let mut link = Link::new(journal, 0);
        let mut promised = 0;
        for step in 0..400 {
            let what = format!("seed {seed}, step {step}");
            match random.below(10) {
                0..3 => leader.append(random.below(20)),
                3 if random.one_in(3) => {
                    connections += 1;
                    link = Link::new(journal, leader.writer.sequence_last());
                }
                4 if random.one_in(6) => {
                    // The follower's process goes; what it acknowledged stays.
                    drop(store);
                    store = Replica::open(copy, stage.clone()).unwrap();
                    link = Link::new(journal, leader.writer.sequence_last());
                }
                5 if random.one_in(8) => leader.writer.rotate(NOW).unwrap(),
                _ => {
                    let most = if random.one_in(2) { 40 } else { 5_000 };
                    link.carry(journal, &mut store, 1 + random.index(most));
                }
            }
            assert!(link.over.is_none(), "{what}: {:?}", link.over);
            promised = promised.max(link.acknowledged.appended);
            let held = store.held().map_or(0, |held| held.sequence_last);
            assert!(promised <= held && held <= leader.writer.sequence_last(), "{what}");
            assert!(store.durable() <= held, "{what}");
        }
        let last = leader.writer.sequence_last();
        leader.writer.close().unwrap();
        link = Link::new(journal, last);
        link.carry_all(journal, &mut store);
        let segment = *link.source.as_ref().unwrap().segment();
        link.leader.on_journal_end(&segment, NOW);
        link.carry_all(journal, &mut store);
        assert_eq!(link.over, Some(Ending::Complete), "seed {seed}");
        assert_eq!(link.follower.ending(), Some(Ending::Complete));
        assert_eq!(link.acknowledged, Ack { appended: last, durable: last });
        store.close().unwrap();
        assert!(segments(journal) == segments(copy), "seed {seed}");
        let report = verify(copy).unwrap();
        assert!(report.is_undamaged() && report.torn_tail.is_none());
        assert_eq!(report.records, last);
    }
    assert!(connections > 20, "{connections}");
}

/// A store that keeps what it is given.
#[derive(Default)]
struct Kept {
    segments: Vec<(SegmentHeader, Vec<u8>)>,
    sequence_last: u64,
}

impl ReplicaStore for Kept {
    fn held(&self) -> Option<Held> {
        let (header, _) = self.segments.first()?;
        let (session_id, sequence_last) = (header.session_id, self.sequence_last);
        Some(Held { session_id, sequence_last, crc_last: 0 })
    }

    fn durable(&self) -> u64 {
        0
    }

    fn begin(&mut self, header: &SegmentHeader) -> Result<(), RefusalReason> {
        self.segments.push((*header, header.encode().to_vec()));
        Ok(())
    }

    fn append(&mut self, batch: &BatchFrame<'_>) -> Result<(), RefusalReason> {
        assert_eq!(batch.first, self.sequence_last + 1);
        self.segments.last_mut().unwrap().1.extend_from_slice(batch.records);
        self.sequence_last += u64::from(batch.count);
        Ok(())
    }

    fn complete(&mut self) -> Result<(), RefusalReason> {
        Ok(())
    }
}

#[test]
fn what_is_sent_is_each_record_once_and_in_order() {
    let dir = TempDir::new("sent-once");
    let mut leader = Leader::new(&dir.0, 5);
    leader.append(2_000);
    let last = leader.writer.sequence_last();
    let mut store = Kept::default();
    let mut link = Link::new(&dir.0, last);
    link.carry_all(&dir.0, &mut store);
    assert_eq!((store.sequence_last, link.acknowledged.appended), (last, last));
    assert_eq!(link.follower.leader_last(), last);
    let kept: Vec<Vec<u8>> = store.segments.into_iter().map(|(_, bytes)| bytes).collect();
    leader.writer.close().unwrap();
    let own = segments(&dir.0);
    assert!(own.len() > 3 && own.len() == kept.len());
    for (own, kept) in own.iter().zip(&kept) {
        // The last bytes of a record may be zero.
        assert!(kept.starts_with(own) && kept.len() - own.len() < 64);
    }
}

#[test]
fn a_leader_taken_up_with_larger_segments_is_followed() {
    for stage in [None, stage()] {
        let dirs = [TempDir::new("larger-lead"), TempDir::new("larger-keep")];
        let [journal, copy] = dirs.each_ref().map(|dir| dir.0.as_path());
        let mut leader = Leader::new(journal, 9);
        let mut store = Replica::open(copy, stage).unwrap();
        leader.append(30);
        for segment_bytes in [SEGMENT_BYTES_MIN * 4, SEGMENT_BYTES_MIN * 2] {
            let mut link = Link::new(journal, leader.writer.sequence_last());
            link.carry_all(journal, &mut store);
            leader.writer.close().unwrap();
            leader.writer = JournalWriter::open_append(journal, segment_bytes).unwrap();
            leader.append(600);
        }
        let mut link = Link::new(journal, leader.writer.sequence_last());
        link.carry_all(journal, &mut store);
        assert_eq!(store.held().unwrap().sequence_last, leader.writer.sequence_last());
        assert!(link.over.is_none(), "{:?}", link.over);
        leader.writer.close().unwrap();
        store.close().unwrap();
        assert!(segments(journal) == segments(copy));
    }
}

/// A journal of its own in a directory.
fn other_journal(dir: &Path, session_id: u64, seed: u64, records: u64) {
    let writer = JournalWriter::create(dir, &WriterConfig { session_id, ..CONFIG }).unwrap();
    let mut leader = Leader { writer, random: Random(seed) };
    leader.append(records);
    leader.writer.close().unwrap();
}

#[test]
fn a_replica_of_something_else_is_refused_and_left_as_it_is() {
    let leader_dir = TempDir::new("refuse-lead");
    other_journal(&leader_dir.0, 7, 1, 50);
    let cases = [
        (8, 1, 20, RefusalReason::OtherJournal),
        (7, 1, 60, RefusalReason::FollowerAhead),
        (7, 2, 20, RefusalReason::Diverged),
    ];
    for (session_id, seed, records, reason) in cases {
        let dir = TempDir::new("refuse-keep");
        other_journal(&dir.0, session_id, seed, records);
        let before = segments(&dir.0);
        let mut store = Replica::open(&dir.0, None).unwrap();
        let mut link = Link::new(&leader_dir.0, 50);
        link.carry_all(&leader_dir.0, &mut store);
        let (leader, follower) = (link.over.unwrap(), link.follower.ending().unwrap());
        let reasons = [leader, follower].map(|ending| match ending {
            Ending::Refused(refusal) | Ending::RefusedByPeer(refusal) => refusal.reason,
            other => panic!("{other}"),
        });
        assert_eq!(reasons, [reason; 2]);
        assert!(reason.is_lasting());
        store.close().unwrap();
        assert!(segments(&dir.0) == before, "{reason:?}");
    }
}

#[test]
fn a_damaged_record_is_refused_and_those_before_it_are_kept() {
    let dirs = [TempDir::new("damage-lead"), TempDir::new("damage-keep")];
    let [journal, copy] = dirs.each_ref().map(|dir| dir.0.as_path());
    other_journal(journal, 7, 3, 10);
    let mut follower = JournalFollower::open(journal).unwrap();
    let batch = follower.poll_batch(1 << 20).unwrap().unwrap();
    let (segment, records) = (batch.segment, batch.records.to_vec());
    let count = (batch.last - batch.first + 1) as u32;
    let mut at = 0;
    for good in 0..u64::from(count) {
        let dir = TempDir::new("damage-one");
        let mut store = Replica::open(&dir.0, None).unwrap();
        store.begin(&segment).unwrap();
        let mut bytes = records.clone();
        bytes[at + 17] ^= 0x10;
        let frame = BatchFrame { first: 1, segment: 0, count, records: &bytes };
        assert_eq!(store.append(&frame), Err(RefusalReason::Checksum));
        assert_eq!(store.held().unwrap().sequence_last, good);
        store.close().unwrap();
        let mut reader = JournalReader::open(&dir.0).unwrap();
        assert_eq!(std::iter::from_fn(|| reader.next_record().map(drop)).count() as u64, good);
        at += (u32::from_le_bytes(records[at..at + 4].try_into().unwrap()) as usize + 7) & !7;
    }
    // What is no next batch, and what says more than it holds.
    let mut store = Replica::open(copy, None).unwrap();
    let frame = BatchFrame { first: 1, segment: 0, count: count + 1, records: &records };
    assert_eq!(store.append(&frame), Err(RefusalReason::Gap));
    let late = SegmentHeader { number: 1, base_sequence: 11, ..segment };
    assert_eq!(store.begin(&late), Err(RefusalReason::Gap));
    store.begin(&segment).unwrap();
    assert_eq!(store.append(&BatchFrame { first: 2, ..frame }), Err(RefusalReason::Gap));
    assert_eq!(store.append(&BatchFrame { segment: 1, ..frame }), Err(RefusalReason::Gap));
    assert_eq!(store.append(&frame), Err(RefusalReason::Malformed));
    let other = SegmentHeader { segment_bytes: 1 << 20, ..segment };
    assert_eq!(store.begin(&other), Err(RefusalReason::Diverged));
}

#[test]
fn silence_ends_both_sides_and_heartbeats_keep_them() {
    let dir = TempDir::new("silence");
    other_journal(&dir.0, 7, 3, 10);
    let mut store = Kept::default();
    let mut link = Link::new(&dir.0, 10);
    link.carry_all(&dir.0, &mut store);
    let timing = Timing::default();
    let mut now = NOW;
    for _ in 0..100 {
        now = now.plus(timing.heartbeat_ns);
        link.leader.on_turn(now);
        let bytes = link.leader.unsent().to_vec();
        assert!(!bytes.is_empty(), "a heartbeat is due");
        link.leader.on_sent(bytes.len());
        link.follower.on_bytes(&bytes, &mut store, now);
        let bytes = link.follower.unsent().to_vec();
        link.follower.on_sent(bytes.len());
        link.leader.on_bytes(&bytes, now);
        link.follower.on_turn(&store, now);
    }
    assert!(link.follower.ending().is_none() && link.leader.is_sending());
    let late = now.plus(timing.timeout_ns);
    link.leader.on_turn(late);
    link.follower.on_turn(&store, late);
    assert_eq!(link.follower.ending(), Some(Ending::Silent));
    let told: Vec<_> = std::iter::from_fn(|| link.leader.poll_event()).collect();
    assert_eq!(told.last(), Some(&LeaderEvent::Over(Ending::Silent)));
}

#[test]
fn words_out_of_turn_and_impossible_acknowledgements_are_refused() {
    let said = |message: Message<'_>| {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        bytes
    };
    let mut store = Kept::default();
    let mut follower = FollowerSession::new(Timing::default(), NOW);
    follower.on_bytes(&said(Message::Heartbeat { sequence: 1 }), &mut store, NOW);
    let refused = |reason| Refusal { reason, leader: 0, follower: 0 };
    let malformed = Ending::Refused(refused(RefusalReason::Malformed));
    assert_eq!(follower.ending(), Some(malformed));
    let mut follower = FollowerSession::new(Timing::default(), NOW);
    let hello = Hello { format: 9, ..Hello::new(7, 1) };
    follower.on_bytes(&said(Message::Hello(hello)), &mut store, NOW);
    let reason = RefusalReason::Format;
    let expected = Refusal { reason, leader: 9, follower: 1 };
    assert_eq!(follower.ending(), Some(Ending::Refused(expected)));

    let dir = TempDir::new("out-of-turn");
    other_journal(&dir.0, 7, 3, 10);
    for ack in [(11, 0), (3, 4)] {
        let mut store = Kept::default();
        let mut link = Link::new(&dir.0, 10);
        link.carry_all(&dir.0, &mut store);
        let (appended, durable) = ack;
        link.leader.on_bytes(&said(Message::Ack(Ack { appended, durable })), NOW);
        let told: Vec<_> = std::iter::from_fn(|| link.leader.poll_event()).collect();
        let is_refused = matches!(told[..], [LeaderEvent::Over(Ending::Refused(_))]);
        assert!(is_refused, "{ack:?}: {told:?}");
    }
}

/// Bytes that nobody would send, into both halves: no panic, and nothing in the store that was not
/// checked.
#[test]
fn mutated_conversations_never_panic_nor_bring_a_wrong_record() {
    let dirs = [TempDir::new("mutate-lead"), TempDir::new("mutate-keep")];
    let [journal, copy] = dirs.each_ref().map(|dir| dir.0.as_path());
    other_journal(journal, 7, 3, 40);
    let mut said = Vec::new();
    let mut link = Link::new(journal, 40);
    let mut store = Kept::default();
    while {
        said.extend_from_slice(link.leader.unsent());
        link.carry(journal, &mut store, usize::MAX)
    } {}
    let own = segments(journal);
    let mut random = Random(77);
    for round in 0..300 {
        let mut bytes = said.clone();
        for _ in 0..=random.below(4) {
            let at = random.index(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        drop(fs::remove_dir_all(copy));
        let mut store = Replica::open(copy, None).unwrap();
        let mut follower = FollowerSession::new(Timing::default(), NOW);
        for piece in bytes.chunks(1 + random.index(3_000)) {
            follower.on_bytes(piece, &mut store, NOW);
        }
        store.close().unwrap();
        if copy.exists() {
            for (own, kept) in own.iter().zip(segments(copy)) {
                assert!(own.starts_with(&kept), "round {round}");
            }
        }
    }
}
