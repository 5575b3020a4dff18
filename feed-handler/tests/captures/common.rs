//! What the integration tests share: captures of our own making, and one way to replay any.

use std::net::{Ipv4Addr, SocketAddrV4};

use tezi_feed_handler::capture::{CaptureReader, PcapFormat, PcapNgWriter, PcapWriter};
use tezi_feed_handler::wire::nse_mtbt::{Order, Trade, encode_order, encode_trade, message_type};
use tezi_feed_handler::{Arbiter, ArbiterConfig, Line};
use tezi_model::{Event, MarketFlags, Nanos, OrderId, Segment, Side};
pub(crate) use tezi_testing::Random;

/// The two lines' groups and ports.
pub(crate) const LINES: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(239, 70, 70, 22), 10_822),
    SocketAddrV4::new(Ipv4Addr::new(239, 70, 70, 32), 10_832),
];
const SOURCE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);

/// The time of message `sequence`: a whole number of microseconds, so that every format keeps it.
pub(crate) fn sent(sequence: u32) -> Nanos {
    Nanos::from_ist(2026, 9, 21, 9, 15, 0).plus(i64::from(sequence) * 150_000)
}

/// Message `sequence` of stream 2: a mix of all kinds.
pub(crate) fn message(sequence: u32) -> Vec<u8> {
    const ORDERS: &[u8; 6] = b"NMXGHJ";
    const TRADES: [u8; 3] =
        [message_type::TRADE, message_type::SPREAD_TRADE, message_type::TRADE_CANCEL];
    let (time, token) = (sent(sequence), 35_000 + (sequence % 50) as i32);
    if sequence.is_multiple_of(9) {
        let trade = Trade {
            message_type: TRADES[(sequence / 9 % 3) as usize],
            time,
            buy_order_id: OrderId(1_100_000_000_000_000 + u64::from(sequence)),
            sell_order_id: OrderId(0),
            token,
            price: 5 * (1 + sequence as i32),
            quantity: 75,
        };
        return encode_trade(2, sequence, &trade).to_vec();
    }
    let order = Order {
        message_type: ORDERS[(sequence % 6) as usize],
        time,
        order_id: OrderId(1_100_000_000_000_000 + u64::from(sequence)),
        token,
        side: Side::BOTH[(sequence % 2) as usize],
        price: 5 * (1 + sequence as i32),
        quantity: 75,
    };
    encode_order(2, sequence, &order).to_vec()
}

/// A capture of messages: line, when, and the numbers of one datagram.
pub(crate) fn capture(format: PcapFormat, packets: &[(Line, Nanos, Vec<u32>)]) -> Vec<u8> {
    let mut writer = PcapWriter::with_format(Vec::new(), format).unwrap();
    for (line, time, numbers) in packets {
        let payload: Vec<u8> = numbers.iter().flat_map(|&number| message(number)).collect();
        writer.write_udp(*time, SOURCE, LINES[line.index()], &payload).unwrap();
    }
    writer.into_inner()
}

/// The same as pcapng.
pub(crate) fn ng_capture(packets: &[(Line, Nanos, Vec<u32>)]) -> Vec<u8> {
    let mut writer = PcapNgWriter::new(Vec::new()).unwrap();
    for (line, time, numbers) in packets {
        let payload: Vec<u8> = numbers.iter().flat_map(|&number| message(number)).collect();
        writer.write_udp(*time, SOURCE, LINES[line.index()], &payload).unwrap();
    }
    writer.into_inner()
}

/// Every event of a capture, in order, and the arbiter afterwards.
pub(crate) fn replay(capture: &[u8]) -> (Vec<Event>, Arbiter) {
    let mut arbiter = Arbiter::new(ArbiterConfig::new(Segment::NseFo)).unwrap();
    let mut events = Vec::new();
    let mut sink = |event: &Event| events.push(*event);
    let mut reader = CaptureReader::new(capture).unwrap();
    let mut now = Nanos::ZERO;
    while let Some(datagram) = reader.next_udp() {
        let datagram = datagram.unwrap();
        let destination = datagram.packet.destination;
        let line = if destination == LINES[0] { Line::A } else { Line::B };
        assert_eq!(destination, LINES[line.index()]);
        now = datagram.time;
        arbiter.on_packet(line, datagram.packet.payload, now, &mut sink);
    }
    arbiter.finish(now, &mut sink);
    assert!(arbiter.is_consistent());
    (events, arbiter)
}

/// Events without what depends on the packet that brought them.
pub(crate) fn market(events: &[Event]) -> Vec<Event> {
    let strip = |event: &Event| Event {
        receive_time: Nanos::ZERO,
        flags: event.flags & MarketFlags::SELL,
        ..*event
    };
    events.iter().map(strip).collect()
}
