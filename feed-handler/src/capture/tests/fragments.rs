//! Fragments: in any order, with each way to go wrong, under a flood, and against a naive model.

use std::collections::{BTreeMap, BTreeSet};

use super::super::fragments::FragmentTable;
use super::super::frame::Ipv4Packet;
use super::*;

/// The UDP header and payload of a datagram, as they lie behind the IPv4 header.
fn body(payload: &[u8]) -> Vec<u8> {
    super::frame(payload)[34..].to_vec()
}

/// The IPv4 packet of bytes `start..end` of a datagram's body.
fn fragment(id: u16, body: &[u8], start: usize, end: usize) -> Vec<u8> {
    let more = if end < body.len() { 0x2000 } else { 0 };
    raw_fragment(id, (start / 8) as u16 | more, &body[start..end])
}

fn raw_fragment(id: u16, field: u16, data: &[u8]) -> Vec<u8> {
    let mut packet = super::frame(b"")[14..34].to_vec();
    packet[2..4].copy_from_slice(&(20 + data.len() as u16).to_be_bytes());
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    packet[6..8].copy_from_slice(&field.to_be_bytes());
    packet.extend(data);
    packet
}

/// A classic pcap of raw IP packets, a second apart.
fn capture(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = hex("4d3cb2a1 0200 0400 00000000 00000000 00000400 65000000");
    for (second, packet) in packets.iter().enumerate() {
        let length = packet.len() as u32;
        for word in [second as u32, 0, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet);
    }
    file
}

/// Payloads given out, fragments kept, and faults by name.
type Outcome = (Vec<Vec<u8>>, u64, Vec<(&'static str, u64)>);

fn outcome(packets: &[Vec<u8>]) -> Outcome {
    let bytes = capture(packets);
    let mut reader = CaptureReader::new(&bytes).unwrap();
    let (datagrams, error) = walk(&mut reader);
    assert_eq!(error, None);
    let counters = reader.counters().fragments;
    let faults = FragmentFault::ALL.iter().map(|&fault| (fault, counters.faults[fault as usize]));
    let faults = faults.filter(|&(_, count)| count > 0).map(|(fault, count)| (fault.name(), count));
    let payloads = datagrams.into_iter().map(|(_, payload)| payload).collect();
    (payloads, counters.kept, faults.collect())
}

#[test]
fn fragments_come_together_in_any_order() {
    let payload = Random(1).bytes(61);
    let body = body(&payload); // 69 bytes: 24, 24 and 21
    let whole = [(0, 24), (24, 48), (48, 69)].map(|(start, end)| fragment(7, &body, start, end));
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let packets = order.map(|index: usize| whole[index].clone());
        assert_eq!(outcome(&packets), (vec![payload.clone()], 2, vec![]), "{order:?}");
    }
    let bytes = capture(&whole);
    let mut reader = CaptureReader::new(&bytes).unwrap();
    let udp = reader.next_udp().unwrap().unwrap();
    assert_eq!((udp.index, udp.time), (2, Nanos(2_000_000_000)), "as the last one came");
    assert_eq!((udp.packet.source, udp.packet.destination), (SOURCE, GROUP));
}

#[test]
fn the_longest_datagram_fits() {
    let payload = Random(2).bytes(65_507);
    let body = body(&payload);
    let cuts: Vec<usize> = (0..body.len()).step_by(1_480).chain([body.len()]).collect();
    let packets: Vec<_> = cuts.windows(2).map(|cut| fragment(9, &body, cut[0], cut[1])).collect();
    // A second apart, 45 of them take longer than the 30 a datagram may wait.
    let bytes = capture(&packets);
    let config = CaptureConfig { fragment_timeout_ns: i64::MAX, ..CaptureConfig::default() };
    let mut reader = CaptureReader::with_config(&bytes, &config).unwrap();
    assert_eq!(reader.next_udp().unwrap().unwrap().packet.payload, payload);
}

#[test]
fn datagrams_of_two_senders_with_one_identification_stay_apart() {
    let [one, two] = [3, 4].map(|seed| Random(seed).bytes(40));
    let of = |payload: &[u8], source: u8| {
        let body = body(payload);
        [(0, 24), (24, 48)].map(|(start, end)| {
            let mut packet = fragment(5, &body, start, end);
            // A checksum of zero is none, so the address may change.
            packet[15] = source;
            if start == 0 {
                packet[26..28].fill(0);
            }
            packet
        })
    };
    let [[a, b], [c, d]] = [of(&one, 1), of(&two, 2)];
    assert_eq!(outcome(&[a, c, d, b]), (vec![two, one], 2, vec![]));
}

#[test]
fn each_fault_is_named() {
    let payload = Random(5).bytes(40);
    let body = body(&payload);
    let [first, last] = [(0, 24), (24, 48)].map(|(start, end)| fragment(7, &body, start, end));
    let more = 0x2000;
    let faults = |packets: &[Vec<u8>]| {
        let (payloads, _, faults) = outcome(packets);
        assert!(payloads.is_empty());
        faults
    };
    let mut tcp = first.clone();
    tcp[9] = 6;
    assert_eq!(faults(&[tcp]), [("not_udp", 1)]);
    assert_eq!(faults(&[raw_fragment(7, more, &body[..23])]), [("size", 1)]);
    assert_eq!(faults(&[raw_fragment(7, 3, &[])]), [("size", 1)]);
    assert_eq!(faults(&[raw_fragment(7, 0x1FFF, &[0; 8])]), [("too_long", 1)]);
    assert_eq!(faults(std::slice::from_ref(&first)), [("unfinished", 1)]);
    let overlap = raw_fragment(7, 2, &body[16..]);
    assert_eq!(faults(&[first.clone(), overlap]), [("overlap", 1)]);
    let other = raw_fragment(7, more, &[0; 24]);
    assert_eq!(faults(&[first.clone(), other]), [("overlap", 1)]);
    let ends = [raw_fragment(7, 3, &body[24..]), raw_fragment(7, 9, &[0; 8])];
    assert_eq!(faults(&ends), [("end", 1)]);
    let beyond = [raw_fragment(7, 9 | more, &[0; 8]), last.clone()];
    assert_eq!(faults(&beyond), [("end", 1)]);
    let mut damaged = last.clone();
    damaged[40] ^= 1;
    assert_eq!(faults(&[first.clone(), damaged]), [("checksum", 1)]);
    let mut late = vec![first.clone()];
    late.extend(vec![super::frame(b"")[14..].to_vec(); 30]);
    late.push(last.clone());
    let (payloads, kept, faults) = outcome(&late);
    assert_eq!((payloads.len(), kept), (30, 2), "31 seconds are too late, but begin a datagram");
    assert_eq!(faults, [("timed_out", 1), ("unfinished", 1)]);
}

#[test]
fn a_copy_changes_nothing_and_a_contradiction_ends_the_datagram() {
    let payload = Random(6).bytes(40);
    let body = body(&payload);
    let [first, last] = [(0, 24), (24, 48)].map(|(start, end)| fragment(7, &body, start, end));
    let packets = [first.clone(), first.clone(), last.clone()];
    assert_eq!(outcome(&packets), (vec![payload.clone()], 1, vec![("duplicate", 1)]));
    let packets = [last.clone(), last.clone(), first.clone()];
    assert_eq!(outcome(&packets), (vec![payload], 1, vec![("duplicate", 1)]));
    let other = raw_fragment(7, 0x2000, &[0; 24]);
    let faults = vec![("overlap", 1), ("unfinished", 1)];
    assert_eq!(outcome(&[first, other, last]), (vec![], 2, faults));
}

#[test]
fn whole_datagrams_are_refused_by_their_own_names() {
    // Put together, but shorter than a UDP header, and with a UDP length beyond the whole.
    let short = [raw_fragment(7, 0x2000, &[0; 0]), raw_fragment(7, 0, &[0; 7])];
    assert_eq!(outcome(&short).2, [("size", 1)]);
    let mut body = body(&[0; 40]);
    body[5] = 49;
    let packets = [(0, 24), (24, 48)].map(|(start, end)| fragment(7, &body, start, end));
    let bytes = capture(&packets);
    let mut reader = CaptureReader::new(&bytes).unwrap();
    assert_eq!(walk(&mut reader), (vec![], None));
    assert_eq!(reader.counters().skipped[FrameError::UdpLength as usize], 1);
    assert_eq!(reader.counters().fragments.reassembled, 1);
}

#[test]
fn a_flood_makes_the_oldest_give_way() {
    let body = body(&[1; 40]);
    let mut packets: Vec<_> = (0..1_000).map(|id| fragment(id, &body, 0, 24)).collect();
    packets.push(fragment(999, &body, 24, 48));
    packets.push(fragment(0, &body, 24, 48));
    let bytes = capture(&packets);
    let datagrams_max = 4;
    let config = CaptureConfig {
        fragmented_datagrams_max: datagrams_max,
        fragment_timeout_ns: i64::MAX,
        ..CaptureConfig::default()
    };
    let mut reader = CaptureReader::with_config(&bytes, &config).unwrap();
    let (datagrams, error) = walk(&mut reader);
    assert_eq!((datagrams.len(), error), (1, None));
    let faults = reader.counters().fragments.faults;
    assert_eq!(faults[FragmentFault::Evicted as usize], 996);
    assert_eq!(faults[FragmentFault::Unfinished as usize], 4);
}

/// Which fragments of a datagram came, and how many there are.
#[derive(Default)]
struct Naive(BTreeMap<u16, BTreeSet<usize>>);

#[test]
fn random_fragments_come_together_as_in_a_naive_model() {
    let mut delivered = 0;
    for seed in 0..300 {
        let mut random = Random(seed);
        let mut table = FragmentTable::new(16, 1_000);
        let mut counters = FragmentCounters::default();
        let mut naive = Naive::default();
        // Up to 16 datagrams, each cut at random; some fragments never come, some come twice.
        let mut arrivals = Vec::new();
        let mut datagrams = Vec::new();
        for id in 0..1 + random.index(16) as u16 {
            let size = 8 + random.index(400);
            let body = body(&random.bytes(size));
            let mut cuts = vec![0];
            while cuts[cuts.len() - 1] < body.len() {
                let next = cuts[cuts.len() - 1] + 8 * (1 + random.index(12));
                cuts.push(next.min(body.len()));
            }
            if cuts.len() == 2 {
                cuts = vec![0, 8, body.len()];
            }
            for (piece, cut) in cuts.windows(2).enumerate() {
                let copies = [0, 1, 1, 1, 1, 1, 1, 2][random.index(8)];
                let packet = fragment(id, &body, cut[0], cut[1]);
                arrivals.extend(vec![(id, piece, packet); copies]);
            }
            datagrams.push((cuts.len() - 1, body));
        }
        for index in (1..arrivals.len()).rev() {
            arrivals.swap(index, random.index(index + 1));
        }
        for (step, (id, piece, packet)) in arrivals.iter().enumerate() {
            let parsed = Ipv4Packet::parse(LinkType::RawIp, packet).unwrap();
            let (pieces, body) = &datagrams[usize::from(*id)];
            let came = naive.0.entry(*id).or_default();
            let expected = match (came.insert(*piece), came.len() == *pieces) {
                (false, _) => Err(FragmentFault::Duplicate),
                (true, false) => Ok(None),
                (true, true) => {
                    came.clear();
                    Ok(Some(&body[..]))
                }
            };
            let found = table.on_fragment(&parsed, Nanos(step as i64), &mut counters);
            let found =
                found.map(|whole| whole.map(|at| &table.bytes()[at.offset..at.offset + at.size]));
            assert_eq!(found, expected, "seed {seed}, step {step}");
            delivered += usize::from(matches!(expected, Ok(Some(_))));
            assert!(table.is_consistent(), "seed {seed}, step {step}");
        }
        let waiting = naive.0.values().filter(|came| !came.is_empty()).count() as u64;
        table.finish(&mut counters);
        assert_eq!(counters.faults[FragmentFault::Unfinished as usize], waiting, "seed {seed}");
    }
    assert!(delivered > 500, "{delivered}");
}

#[test]
fn pieces_of_two_datagrams_are_never_taken_for_one() {
    // One identification for all four, as when it has gone around (RFC 4963).
    let bodies: Vec<Vec<u8>> = (0..4).map(|seed| body(&Random(seed).bytes(200))).collect();
    let mut random = Random(11);
    let (mut table, mut counters) = (FragmentTable::new(4, 10), FragmentCounters::default());
    for step in 0..100_000 {
        let start = 72 * random.index(3);
        let packet = fragment(7, &bodies[random.index(4)], start, (start + 72).min(208));
        let parsed = Ipv4Packet::parse(LinkType::RawIp, &packet).unwrap();
        if let Ok(Some(at)) = table.on_fragment(&parsed, Nanos(step), &mut counters) {
            let whole = &table.bytes()[at.offset..at.offset + at.size];
            assert!(bodies.iter().any(|body| body == whole), "step {step}");
        }
        assert!(table.is_consistent(), "step {step}");
    }
    assert!(counters.reassembled > 100, "{counters:?}");
    assert!(counters.faults[FragmentFault::Checksum as usize] > 100, "{counters:?}");
}

#[test]
fn random_damage_never_panics() {
    let mut random = Random(12);
    let body = body(&Random(1).bytes(200));
    let (mut table, mut counters) = (FragmentTable::new(4, 10_000), FragmentCounters::default());
    for step in 0..100_000 {
        let start = 8 * random.index(26);
        let end = (start + 8 * (1 + random.index(26))).min(208);
        let mut packet = fragment(random.index(8) as u16, &body, start, end);
        for _ in 0..random.index(3) {
            let at = random.index(packet.len());
            packet[at] = random.next() as u8;
        }
        if let Ok(parsed) = Ipv4Packet::parse(LinkType::RawIp, &packet)
            && parsed.is_fragment()
        {
            let _ = table.on_fragment(&parsed, Nanos(step), &mut counters);
        }
        assert!(table.is_consistent(), "step {step}");
    }
    assert!(counters.kept > 1_000, "{counters:?}");
}
