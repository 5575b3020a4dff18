//! The feed: bytes of datagrams to events in order.
//!
//! Regimes: *message* (framing, every field checked, the event made; no sequencing), *one line*
//! (the arbiter too, every number in order), *two lines* (A and B, B 18 messages or 1.5 ms behind,
//! each without another 0.5 % of the messages; figures are per different message, of which each
//! comes almost twice), *pcap* (frames of a capture in memory to payloads). 65,536 messages of the
//! F&O mix on two streams, one a datagram. The feed thread pays this for every packet.

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod support;

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use support::tape::Tape;
use tezi::feed_handler::capture::{CaptureReader, PcapWriter};
use tezi::feed_handler::wire::nse_mtbt::{PacketContext, decode};
use tezi::feed_handler::{Arbiter, ArbiterConfig, Line};
use tezi::model::{Event, Segment};

const MESSAGES: usize = 1 << 16;

fn messages(criterion: &mut Criterion) {
    let tape = Tape::one_line(1, MESSAGES);
    let mut group = criterion.benchmark_group("feed/decode");
    group.throughput(Throughput::Elements(MESSAGES as u64));
    group.bench_function("message", |bencher| bencher.iter(|| decode_all(&tape)));
    group.finish();
}

fn decode_all(tape: &Tape) -> usize {
    let mut events = 0;
    for arrival in &tape.arrivals {
        let context = PacketContext {
            segment: Segment::NseFo,
            line: arrival.line,
            receive_time: arrival.time,
        };
        let event = decode(tape.datagram(arrival)).and_then(|(it, _)| it.to_event(&context));
        events += usize::from(black_box(&event).is_ok());
    }
    assert!(events == MESSAGES, "every message of the tape is good");
    events
}

fn arbitration(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("feed/arbitrate");
    group.throughput(Throughput::Elements(MESSAGES as u64));
    for (name, tape) in [
        ("one_line", Tape::one_line(1, MESSAGES)),
        ("two_lines", Tape::two_lines(1, MESSAGES, 18, 5)),
    ] {
        let config = ArbiterConfig { streams_max: 4, ..ArbiterConfig::new(Segment::NseFo) };
        let fresh = Arbiter::new(config).expect("the bounds are right");
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || fresh.clone(),
                |arbiter| arbitrate(arbiter, &tape),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn arbitrate(arbiter: &mut Arbiter, tape: &Tape) {
    let mut events = 0;
    let mut sink = |event: &Event| {
        black_box(event);
        events += 1;
    };
    for arrival in &tape.arrivals {
        arbiter.on_packet(arrival.line, tape.datagram(arrival), arrival.time, &mut sink);
    }
    assert!(events == tape.messages, "every message comes out once");
}

fn pcap(criterion: &mut Criterion) {
    let tape = Tape::one_line(1, MESSAGES);
    let source = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);
    let group_address = SocketAddrV4::new(Ipv4Addr::new(239, 70, 70, 41), 17_741);
    let mut writer = PcapWriter::new(Vec::new()).expect("memory takes a capture");
    for arrival in &tape.arrivals {
        let datagram = tape.datagram(arrival);
        writer.write_udp(arrival.time, source, group_address, datagram).expect("memory");
    }
    let capture = writer.into_inner();
    let mut group = criterion.benchmark_group("feed/pcap");
    group.throughput(Throughput::Elements(MESSAGES as u64));
    group.bench_function("payloads", |bencher| {
        bencher.iter(|| {
            let mut reader = CaptureReader::new(&capture).expect("the capture is ours");
            let mut bytes = 0;
            while let Some(Ok(datagram)) = reader.next_udp() {
                bytes += black_box(datagram.packet.payload).len();
            }
            bytes
        });
    });
    group.bench_function("events", |bencher| {
        let config = ArbiterConfig { streams_max: 4, ..ArbiterConfig::new(Segment::NseFo) };
        let fresh = Arbiter::new(config).expect("the bounds are right");
        bencher.iter_batched_ref(
            || fresh.clone(),
            |arbiter| {
                let mut reader = CaptureReader::new(&capture).expect("the capture is ours");
                while let Some(Ok(datagram)) = reader.next_udp() {
                    let payload = datagram.packet.payload;
                    arbiter.on_packet(Line::A, payload, datagram.time, &mut |event| {
                        black_box(event);
                    });
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = messages, arbitration, pcap
}
criterion_main!(benches);
