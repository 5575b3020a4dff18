//! Datagrams of every protocol, made by the crate's own encoders from a seed. For tests.

use bytemuck::{Zeroable, bytes_of};
use tezi_model::{Nanos, OrderId, Px, Qty, Segment, Side, Token};

use super::Protocol;
use crate::wire::big_endian::{BeI16, BeI32};
use crate::wire::bse_nfcast::{self, Dialect, Levels, MarketPicture};
use crate::wire::mold_udp64::Publisher;
use crate::wire::nse_broadcast::layout::{
    IndexRecord, MarketStatusFo, MessageHeader, StatusRecordFo,
};
use crate::wire::nse_broadcast::{
    DEPTH, DatagramWriter, DayPrices, Level, MarketByPrice, MarketByPriceForm, Trades,
    encode_market_by_price, transaction_code as code,
};
use crate::wire::{bse_eobi, nse_mtbt};

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }

    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// 2026-09-21 10:00:00 in India.
pub(super) fn ten() -> Nanos {
    Nanos::from_ist(2026, 9, 21, 10, 0, 0)
}

/// Some datagram of a protocol.
pub(super) fn datagram(protocol: Protocol, random: &mut Random) -> Vec<u8> {
    match protocol {
        Protocol::NseMtbt => mtbt(random),
        Protocol::NseBroadcast => broadcast(random),
        Protocol::BseEobi => eobi(random),
        Protocol::BseNfcast => nfcast(random),
        Protocol::MoldItch => mold(random),
    }
}

fn mtbt(random: &mut Random) -> Vec<u8> {
    let stream = random.below(12) as u8 + 1;
    let first = random.below(1 << 30) as u32 + 1;
    if random.below(6) == 0 {
        return nse_mtbt::encode_heartbeat(stream, first).to_vec();
    }
    let mut bytes = Vec::new();
    for sequence in first..=first + random.below(3) as u32 {
        let time = ten().plus(random.below(1 << 44) as i64);
        let (price, quantity) = (1 + random.below(1 << 24) as i32, 1 + random.below(5_000) as i32);
        let token = 1 + random.below(100_000) as i32;
        let ids = [1, 2].map(|_| OrderId(1 + random.below(1 << 52)));
        if random.below(4) == 0 {
            let trade = nse_mtbt::Trade {
                message_type: random.pick(b"TKC"),
                time,
                buy_order_id: ids[0],
                sell_order_id: ids[1],
                token,
                price,
                quantity,
            };
            bytes.extend(nse_mtbt::encode_trade(stream, sequence, &trade));
        } else {
            let order = nse_mtbt::Order {
                message_type: random.pick(b"NMXGHJ"),
                time,
                order_id: ids[0],
                token,
                side: random.pick(&Side::BOTH),
                price,
                quantity,
            };
            bytes.extend(nse_mtbt::encode_order(stream, sequence, &order));
        }
    }
    bytes
}

/// A five-level record with nothing in it but what the arguments say.
pub(super) fn market_by_price(
    segment: Segment,
    token: u32,
    time: Nanos,
    volume: u64,
    sides: [&[(i64, u64)]; 2],
) -> MarketByPrice {
    let side = |levels: &[(i64, u64)]| {
        let mut side = [Level::default(); DEPTH];
        for (to, &(paise, quantity)) in side.iter_mut().zip(levels) {
            *to = Level { price: Px::from_paise(paise), quantity, orders: 1 };
        }
        side
    };
    MarketByPrice {
        segment,
        token: Token(token),
        time,
        book_type: 1,
        status: None,
        trades: Trades { volume, last_price: Px::from_paise(10_000), ..Trades::default() },
        auction: Default::default(),
        bids: side(sides[0]),
        asks: side(sides[1]),
        total_buy: 0,
        total_sell: 0,
        indicator: [0; 2],
        prices: DayPrices::default(),
        indicative_close: Px::ZERO,
    }
}

/// A datagram of five-level records.
pub(super) fn depth(form: MarketByPriceForm, records: &[MarketByPrice]) -> Vec<u8> {
    let segment = records[0].segment;
    let clear = encode_market_by_price(form, 1, records).unwrap();
    let mut writer = DatagramWriter::new(segment).unwrap();
    writer.push_compressed(clear.as_bytes()).unwrap();
    writer.as_bytes().to_vec()
}

/// A datagram of one F&O message, not compressed: `body` follows the header.
pub(super) fn broadcast_message(transaction: i16, time: Nanos, body: &[u8]) -> Vec<u8> {
    let seconds =
        time.plus(tezi_model::IST_OFFSET_NS).second() - tezi_model::NSE_EPOCH_UNIX_SECONDS;
    let header = MessageHeader {
        log_time: BeI32::new(seconds as i32),
        transaction_code: BeI16::new(transaction),
        message_length: BeI16::new((size_of::<MessageHeader>() + body.len()) as i16),
        ..MessageHeader::zeroed()
    };
    let clear = [&[0; 8], bytes_of(&header), body].concat();
    let mut writer = DatagramWriter::new(Segment::NseFo).unwrap();
    writer.push_plain(&clear).unwrap();
    writer.as_bytes().to_vec()
}

/// 7207 with one index.
pub(super) fn index(name: &str, time: Nanos, hundredths: i32) -> Vec<u8> {
    let mut record = IndexRecord { value: BeI32::new(hundredths), ..IndexRecord::zeroed() };
    record.index_name.fill(b' ');
    record.index_name[..name.len()].copy_from_slice(name.as_bytes());
    broadcast_message(code::INDICES, time, &[&[0, 1], bytes_of(&record)].concat())
}

/// A market status of F&O: of a contract, or of the market when `token` is 0.
pub(super) fn market_status(action: i16, time: Nanos, token: i32) -> Vec<u8> {
    let status = MarketStatusFo {
        token: BeI32::new(token),
        market_type: BeI16::new(1),
        ..MarketStatusFo::zeroed()
    };
    broadcast_message(action, time, &bytes_of(&status)[size_of::<MessageHeader>()..])
}

/// 7320 for one contract.
pub(super) fn security_status(time: Nanos, token: i32, status: i16) -> Vec<u8> {
    let record = StatusRecordFo { token: BeI32::new(token), status: [BeI16::new(status); 4] };
    broadcast_message(code::STATUS, time, &[&[0, 1], bytes_of(&record)].concat())
}

/// Best first, a tick apart.
fn ladder(random: &mut Random, base: i64, step: i64) -> Vec<(i64, u64)> {
    let count = random.below(6) as i64;
    (0..count).map(|level| (base + step * level, 1 + random.below(100_000))).collect()
}

fn broadcast(random: &mut Random) -> Vec<u8> {
    let time = ten().plus(random.below(20_000) as i64 * 1_000_000_000);
    match random.below(8) {
        0 => return index("Nifty 50", time, 2_500_000 + random.below(9_999) as i32),
        1 => return market_status(random.pick(&[6511, 6521, 6571]), time, 0),
        2 => return security_status(time, 35_001, 1 + random.below(6) as i16),
        3 => return broadcast_message(code::CIRCUIT_CHECK, time, &[]),
        _ => {}
    }
    let (form, segment) = random.pick(&[
        (MarketByPriceForm::Narrow, Segment::NseFo),
        (MarketByPriceForm::Wide, Segment::NseFo),
        (MarketByPriceForm::Cash, Segment::NseCm),
    ]);
    let record = |random: &mut Random| {
        let sides = [ladder(random, 10_000, -5), ladder(random, 10_005, 5)];
        let token = 1 + random.below(100_000) as u32;
        market_by_price(segment, token, time, random.below(1 << 31), [&sides[0], &sides[1]])
    };
    let records = [record(random), record(random)];
    depth(form, &records[..1 + random.below(2) as usize])
}

fn eobi(random: &mut Random) -> Vec<u8> {
    let time = ten().plus(random.below(1 << 44) as i64);
    let number = 1 + random.below(1 << 30) as u32;
    let mut builder = bse_eobi::PacketBuilder::new(1 + random.below(50) as i32, number, time);
    let token = Token(1 + random.below(1 << 20) as u32);
    let order = |random: &mut Random| bse_eobi::Order {
        side: random.pick(&Side::BOTH),
        price: Some(Px::from_paise(1 + random.below(1 << 24) as i64)),
        priority_time: time,
        quantity: Qty(1 + random.below(5_000) as u32),
    };
    if random.below(3) == 0 {
        builder.product_summary(1, number).instrument_summary(2, token, 1);
        builder.snapshot_order(3, &order(random));
        return builder.bytes().to_vec();
    }
    for sequence in number..=number + random.below(3) as u32 {
        let (one, other) = (order(random), order(random));
        match random.below(7) {
            0 => builder.order_modify(sequence, token, &one, &other),
            1 => builder.order_delete(sequence, token, &one),
            2 => builder.execution(sequence, token, &one, Qty(1), Px(5)),
            3 => builder.order_mass_delete(sequence, token),
            4 => builder.trade_reversal(sequence, token, Qty(1), Px(5)),
            5 => builder.heartbeat(sequence),
            _ => builder.order_add(sequence, token, &one),
        };
    }
    builder.bytes().to_vec()
}

/// A market picture with nothing in it but what the arguments say.
pub(super) fn market_picture(
    token: u32,
    volume: u64,
    session_number: i16,
    sides: [&[(i64, u64)]; 2],
) -> MarketPicture {
    let side = |levels: &[(i64, u64)]| {
        let level = |&(paise, quantity): &(i64, u64)| bse_nfcast::Level {
            price: Px::from_paise(paise),
            quantity,
            orders: 1,
            implied_quantity: 0,
        };
        Levels::new(&levels.iter().map(level).collect::<Vec<_>>())
    };
    MarketPicture {
        token: Token(token),
        volume,
        session_number,
        last_price: Px::from_paise(10_000),
        last_quantity: 1,
        bids: side(sides[0]),
        offers: side(sides[1]),
        ..MarketPicture::default()
    }
}

/// The datagram of pictures in the default dialect, sent at a wall clock.
pub(super) fn pictures(pictures: &[MarketPicture], clock: [i16; 4]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let dialect = Dialect::default();
    bse_nfcast::encode_market_pictures(pictures, clock, false, Segment::BseFo, dialect, &mut bytes)
        .unwrap();
    bytes
}

/// 2002: a session begins or ends.
pub(super) fn product_state(clock: [i16; 4], session_number: i16, start_end_flag: u8) -> Vec<u8> {
    let [hour, minute, second, millisecond] = clock.map(BeI16::new);
    bytes_of(&bse_nfcast::ProductState {
        message_type: BeI32::new(bse_nfcast::message_type::PRODUCT_STATE),
        hour,
        minute,
        second,
        millisecond,
        session_number: BeI16::new(session_number),
        start_end_flag,
        ..bse_nfcast::ProductState::zeroed()
    })
    .to_vec()
}

fn nfcast(random: &mut Random) -> Vec<u8> {
    let clock = [10, random.below(60) as i16, random.below(60) as i16, random.below(1000) as i16];
    if random.below(6) == 0 {
        return product_state(clock, random.below(8) as i16, random.pick(b"SE"));
    }
    let picture = |random: &mut Random| {
        let sides = [ladder(random, 10_000, -5), ladder(random, 10_005, 5)];
        let token = 1 + random.below(1 << 20) as u32;
        market_picture(token, random.below(1 << 31), 3, [&sides[0], &sides[1]])
    };
    let count = 1 + random.below(6);
    let all: Vec<_> = (0..count).map(|_| picture(random)).collect();
    let (dialect, is_wide) = (random.pick(&Dialect::ALL), random.below(2) == 0);
    let mut bytes = Vec::new();
    bse_nfcast::encode_market_pictures(&all, clock, is_wide, Segment::BseFo, dialect, &mut bytes)
        .unwrap();
    bytes
}

/// An ITCH message of stock 13: type, nanoseconds since midnight, body.
pub(super) fn itch(message_type: u8, time: u64, body: &[&[u8]]) -> Vec<u8> {
    let time = time.to_be_bytes();
    [&[message_type, 0, 13, 0, 0][..], &time[2..], &body.concat()].concat()
}

/// An order that is added.
pub(super) fn itch_add(id: u64, time: u64) -> Vec<u8> {
    let fields: [&[u8]; 5] =
        [&id.to_be_bytes(), b"B", &100_u32.to_be_bytes(), b"ZVZZT   ", &100_000_u32.to_be_bytes()];
    itch(b'A', time, &fields)
}

fn mold(random: &mut Random) -> Vec<u8> {
    let mut publisher = Publisher::new(*b"000000001A", 1_400).unwrap();
    let mut sent = Vec::new();
    let mut keep = |datagram: &[u8]| sent = datagram.to_vec();
    match random.below(8) {
        0 => return publisher.heartbeat().to_vec(),
        1 => return publisher.end_of_session().to_vec(),
        _ => {}
    }
    for _ in 0..=random.below(5) {
        let (id, time) = (random.next().max(1), random.below(86_400_000_000_000));
        let message = match random.below(4) {
            0 => itch(b'D', time, &[&id.to_be_bytes()]),
            1 => itch(b'X', time, &[&id.to_be_bytes(), &7_u32.to_be_bytes()]),
            2 => itch(b'S', time, &[b"Q"]),
            _ => itch_add(id, time),
        };
        publisher.push(&message, &mut keep).unwrap();
    }
    publisher.flush(&mut keep);
    sent
}
