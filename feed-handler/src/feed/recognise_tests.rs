//! Every encoder's datagrams against every protocol's structure, and noise against all of them.

use std::net::{Ipv4Addr, SocketAddrV4};

use tezi_model::Segment;

use super::samples::{Random, datagram};
use super::*;
use crate::wire::bse_eobi;

/// Datagrams of each protocol.
const COUNT: u64 = 4_000;

fn destination(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(239, 70, 70, 41), port)
}

#[test]
fn a_datagram_has_the_structure_of_its_own_protocol_and_of_no_other() {
    let mut segments = [0; 2];
    let mut channels = [0; 3];
    for protocol in Protocol::ALL {
        let mut random = Random(protocol as u64);
        for step in 0..COUNT {
            let bytes = datagram(protocol, &mut random);
            let all: Vec<_> = Candidates::of(&bytes).iter().collect();
            assert_eq!(all.len(), 1, "{protocol} {step}: {all:?}");
            let [one] = all[..] else { unreachable!() };
            assert_eq!(one.protocol, protocol, "{step}");
            assert_eq!(recognise(&bytes), Some(one));
            match protocol {
                Protocol::NseBroadcast => {
                    segments[usize::from(one.segment == Some(Segment::NseCm))] += 1;
                }
                Protocol::BseEobi => channels[one.channel.map_or(2, |it| it as usize)] += 1,
                Protocol::MoldItch => assert_eq!(one.segment, Some(Segment::NasdaqUs)),
                _ => assert_eq!((one.segment, one.channel), (None, None)),
            }
        }
    }
    assert!(segments.iter().chain(&channels).all(|&count| count > 50), "{segments:?} {channels:?}");
}

#[test]
fn a_datagram_is_consumed_to_its_last_byte() {
    for protocol in Protocol::ALL {
        let mut random = Random(77 + protocol as u64);
        for step in 0..COUNT / 4 {
            let bytes = datagram(protocol, &mut random);
            let longer = [&bytes[..], &[1 + random.below(255) as u8]].concat();
            assert_eq!(recognise(&longer), None, "{protocol} {step}");
            // Where a message ends, MTBT ends too.
            let shorter = &bytes[..random.below(bytes.len() as u64) as usize];
            let of = recognise(shorter).map(|one| one.protocol);
            assert!(of.is_none_or(|of| of == protocol), "{protocol} {step}: {of:?}");
            if protocol != Protocol::NseMtbt && protocol != Protocol::BseEobi {
                assert_eq!(of, None, "{protocol} {step}");
            }
        }
    }
    let mut padded = datagram(Protocol::NseBroadcast, &mut Random(1));
    padded.extend([0; 3]);
    assert!(recognise(&padded).is_some(), "NSE pads with zeros");
}

#[test]
fn noise_is_of_no_protocol() {
    let mut random = Random(5);
    for step in 0..300_000 {
        let length = random.below(160) as usize;
        let mut bytes = random.bytes(length);
        // Half of it begins the way some protocol does.
        if step % 2 == 0 {
            let start = datagram(random.pick(&Protocol::ALL), &mut random);
            let size = bytes.len().min(start.len()).min(4);
            bytes[..size].copy_from_slice(&start[..size]);
        }
        let all: Vec<_> = Candidates::of(&bytes).iter().collect();
        assert!(all.is_empty(), "{step}: {all:?} {bytes:?}");
    }
}

#[test]
fn groups_are_told_apart_by_vote_and_doubt_is_told() {
    let mut random = Random(9);
    let mut recogniser = Recogniser::new(8, 50);
    assert_eq!(recogniser.verdict(destination(1)), Verdict::Unknown);
    for step in 0..50 {
        for protocol in Protocol::ALL {
            // One datagram in ten is damaged.
            let mut bytes = datagram(protocol, &mut random);
            if step % 10 == 3 {
                bytes.truncate(bytes.len() - 1);
            }
            recogniser.on_datagram(destination(protocol as u16), &bytes);
        }
        let noise = random.bytes(40);
        recogniser.on_datagram(destination(100), &noise);
        let both = random.pick(&[Protocol::NseMtbt, Protocol::BseNfcast]);
        recogniser.on_datagram(destination(101), &datagram(both, &mut random));
        let mostly_noise = match step % 3 {
            0 => datagram(Protocol::NseMtbt, &mut random),
            _ => noise,
        };
        recogniser.on_datagram(destination(102), &mostly_noise);
        recogniser.on_datagram(destination(103), b"no room");
    }
    for protocol in Protocol::ALL {
        let Verdict::Is(one) = recogniser.verdict(destination(protocol as u16)) else {
            panic!("{protocol} is recognised")
        };
        assert_eq!(one.protocol, protocol);
        // Both segments and both channels came: neither is claimed.
        let segment = (protocol == Protocol::MoldItch).then_some(Segment::NasdaqUs);
        assert_eq!((one.segment, one.channel), (segment, None));
    }
    assert_eq!(recogniser.verdict(destination(100)), Verdict::Unknown);
    assert_eq!(recogniser.verdict(destination(102)), Verdict::Unknown);
    let Verdict::Ambiguous(candidates) = recogniser.verdict(destination(101)) else {
        panic!("two protocols are possible")
    };
    let possible: Vec<_> = candidates.iter().map(|one| one.protocol).collect();
    assert_eq!(possible, [Protocol::NseMtbt, Protocol::BseNfcast]);
    assert_eq!((recogniser.groups().count(), recogniser.groups_refused()), (8, 50));
    assert!(recogniser.is_settled());
}

#[test]
fn a_group_of_one_channel_and_segment_is_told_so() {
    let mut random = Random(3);
    let mut recogniser = Recogniser::new(4, 100);
    let mut wanted = |protocol, is_wanted: fn(&Recognised) -> bool| loop {
        let bytes = datagram(protocol, &mut random);
        if recognise(&bytes).is_some_and(|one| is_wanted(&one)) {
            return bytes;
        }
    };
    for _ in 0..20 {
        let snapshot =
            wanted(Protocol::BseEobi, |one| one.channel == Some(bse_eobi::Channel::Snapshot));
        recogniser.on_datagram(destination(1), &snapshot);
        let cash = wanted(Protocol::NseBroadcast, |one| one.segment == Some(Segment::NseCm));
        recogniser.on_datagram(destination(2), &cash);
    }
    let verdicts: Vec<_> = recogniser.groups().map(|(_, verdict)| verdict).collect();
    let expected = [
        Recognised {
            protocol: Protocol::BseEobi,
            segment: None,
            channel: Some(bse_eobi::Channel::Snapshot),
        },
        Recognised {
            protocol: Protocol::NseBroadcast,
            segment: Some(Segment::NseCm),
            channel: None,
        },
    ];
    assert_eq!(verdicts, expected.map(Verdict::Is));
    assert!(!recogniser.is_settled());
}
