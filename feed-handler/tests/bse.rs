//! BSE's feeds from the outside: real frames of the related T7 feed, and a day through a capture.
//!
//! The T7 captures are private: the test that reads them says so when `TEZI_CAPTURES` is not set.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

use tezi_feed_handler::Line;
use tezi_feed_handler::capture::{CaptureReader, PcapFormat, PcapWriter};
use tezi_feed_handler::wire::bse_eobi::{
    Channel, Order, PacketBuilder, Sequencer, SequencerConfig, packet, template,
};
use tezi_model::{Event, EventKind, Nanos, Px, Qty, Segment, Side, Token};

/// T7 EOBI 6.0 has the packet header and the message framing of BSE's; the bodies differ.
#[test]
fn frames_of_t7_are_found() {
    let Some(captures) = std::env::var_os("TEZI_CAPTURES") else {
        println!("skipped: TEZI_CAPTURES is not set");
        return;
    };
    let folder = PathBuf::from(captures).join("omi/Eurex/Eobi.T7.v6.0");
    let files = [
        ("ExecutionSummary", template::EXECUTION_SUMMARY),
        ("FullOrderExecution", template::FULL_EXECUTION),
        ("Heartbeat", template::HEARTBEAT),
        ("InstrumentSummary", template::INSTRUMENT_SUMMARY),
        ("OrderAdd", template::ORDER_ADD),
        ("OrderModify", template::ORDER_MODIFY),
        ("PartialOrderExecution", template::PARTIAL_EXECUTION),
        ("ProductSummary", template::PRODUCT_SUMMARY),
        ("SnapshotOrder", template::SNAPSHOT_ORDER),
    ];
    for (name, template_id) in files {
        let bytes = std::fs::read(folder.join(name).with_extension("pcap")).unwrap();
        let mut reader = CaptureReader::new(&bytes).unwrap();
        let datagram = reader.next_udp().unwrap().unwrap();
        let packet = packet(datagram.packet.payload).unwrap();
        assert!(packet.header.transact_time.get() > 1_000_000_000_000_000_000, "{name}");
        assert!(packet.header.completion_indicator <= 1, "{name}");
        assert_eq!(packet.header.appl_seq_reset_indicator, 0, "{name}");
        let frames: Vec<_> = packet.frames().map(|frame| frame.unwrap().header).collect();
        let has = frames.iter().any(|header| header.template_id.get() == template_id);
        assert!(has, "{name}: no template {template_id}");
        let numbers: Vec<_> = frames.iter().map(|header| header.msg_seq_num.get()).collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{name}: {numbers:?}");
    }
}

#[test]
fn a_capture_of_both_channels_gives_whole_books() {
    const CHANNELS: [u16; 2] = [59_001, 59_002];
    let destination = |channel: Channel| {
        SocketAddrV4::new(Ipv4Addr::new(224, 0, 113, 1), CHANNELS[channel as usize])
    };
    let source = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);
    let start = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
    let order = |number: i64| Order {
        side: Side::Sell,
        price: Some(Px::from_paise(8_123_455 + number)),
        priority_time: start.plus(number),
        quantity: Qty(20),
    };
    let mut writer = PcapWriter::with_format(Vec::new(), PcapFormat::default()).unwrap();
    let mut write = |channel, at: i64, builder: &PacketBuilder| {
        let time = start.plus(at * 1_000_000);
        writer.write_udp(time, source, destination(channel), builder.bytes()).unwrap();
    };
    // We join at number 11, between two snapshots.
    let token = Token(861_234);
    let mut builder = PacketBuilder::new(1, 900, start);
    write(Channel::Incremental, 0, builder.order_add(11, token, &order(11)));
    builder.start(1, 40, start);
    builder.product_summary(1, 10).instrument_summary(2, token, 2);
    builder.snapshot_order(3, &order(1)).snapshot_order(4, &order(2));
    write(Channel::Snapshot, 1, &builder);
    builder.start(1, 901, start);
    write(Channel::Incremental, 2, builder.execution(12, token, &order(2), Qty(20), Px(5)));
    builder.start(1, 41, start);
    write(Channel::Snapshot, 3, builder.product_summary(5, 12));

    let capture = writer.into_inner();
    let mut reader = CaptureReader::new(&capture).unwrap();
    let mut sequencer = Sequencer::new(SequencerConfig::new(Segment::BseFo)).unwrap();
    let mut rows = Vec::new();
    while let Some(datagram) = reader.next_udp() {
        let datagram = datagram.unwrap();
        let is_snapshot = datagram.packet.destination.port() == CHANNELS[1];
        let channel = if is_snapshot { Channel::Snapshot } else { Channel::Incremental };
        let mut sink = |event: &Event| rows.push((event.kind().unwrap(), event.sequence));
        sequencer.on_packet(channel, Line::A, datagram.packet.payload, datagram.time, &mut sink);
    }
    use EventKind::{OrderExecute, OrderNew, SnapshotStart, StreamStale, StreamWhole};
    let expected = [
        (StreamStale, 1),
        (SnapshotStart, 10),
        (OrderNew, 10),
        (OrderNew, 10),
        (OrderNew, 11),
        (OrderExecute, 12),
        (StreamWhole, 12),
    ];
    assert_eq!(rows, expected);
    assert!(sequencer.products().all(|product| product.is_whole));
}
