//! Packets written by hand: what no member's half of ours sends, and what nobody should.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::net::Ipv4Addr;

use bytemuck::Zeroable;
use common::*;
use md5::{Digest, Md5};
use tezi_exchange::{
    Action, BoxConfig, Exchange, ExchangeConfig, GatewayFaults, Listing, NoBackground,
};
use tezi_gateway::nnf::server::Listener;
use tezi_gateway::nnf::wire::*;
use tezi_gateway::nnf::{Contract, Encryption, Underlying};
use tezi_model::{Nanos, OrderId, Side};
use tezi_testing::allocation;

#[global_allocator]
static ALLOCATOR: allocation::Counting = allocation::Counting;

const USER: i32 = 12_345;

fn day() -> ExchangeConfig {
    let own = BoxConfig {
        box_id: 77,
        broker_id: "90001".into(),
        user_id: USER,
        password: "SECRET".into(),
        version: 0,
        encryption: Encryption::Plain,
        gateway: (Ipv4Addr::LOCALHOST, 9_600),
        messages_per_second: 0,
        faults: GatewayFaults::default(),
    };
    ExchangeConfig { boxes: vec![own], ..config() }
}

fn sealed(message: &[u8]) -> Vec<u8> {
    let mut packet = ((22 + message.len()) as u16).to_be_bytes().to_vec();
    packet.extend([0; 4]);
    packet.extend(Md5::digest(message));
    packet.extend(message);
    packet
}

/// The messages that wait for the box, without their envelopes.
fn answers(exchange: &mut Exchange, now: Nanos) -> Vec<Vec<u8>> {
    let mut buffer = [0; 1 << 15];
    let size = exchange.poll_transmit(0, &mut buffer, now);
    let mut bytes = &buffer[..size];
    let mut messages = Vec::new();
    while bytes.len() > 22 {
        let size = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        messages.push(bytes[22..size].to_vec());
        bytes = &bytes[size..];
    }
    messages
}

fn code(message: &[u8]) -> i16 {
    i16::from_be_bytes([message[0], message[1]])
}

fn send(exchange: &mut Exchange, message: &[u8], now: Nanos) -> Vec<Vec<u8>> {
    let packet = sealed(message);
    assert_eq!(exchange.on_bytes(0, &packet, now), packet.len());
    answers(exchange, now)
}

fn header(code: i16, size: usize) -> MessageHeader {
    MessageHeader {
        transaction_code: BeI16::new(code),
        trader_id: BeI32::new(USER),
        message_length: BeI16::new(size as i16),
        ..MessageHeader::zeroed()
    }
}

/// Signs the user on, by hand.
fn sign_on(exchange: &mut Exchange, now: Nanos) {
    exchange.on_connected(0, Listener::Router, now);
    let query = GrRequest {
        header: header(TransactionCode::GR_REQUEST, GrRequest::SIZE),
        box_id: BeI16::new(77),
        broker_id: Text::new("90001").unwrap(),
        ..GrRequest::zeroed()
    };
    let answer = send(exchange, bytemuck::bytes_of(&query), now).remove(0);
    let answer: GrResponse = bytemuck::pod_read_unaligned(&answer);
    exchange.on_connected(0, Listener::Gateway, now);
    let register = BoxMessage {
        header: header(TransactionCode::SECURE_BOX_REGISTRATION_IN, BoxMessage::SIZE),
        box_id: BeI16::new(77),
    };
    send(exchange, bytemuck::bytes_of(&register), now);
    let on = BoxSignOnRequestIn {
        header: header(TransactionCode::BOX_SIGN_ON_REQUEST_IN, BoxSignOnRequestIn::SIZE),
        box_id: BeI16::new(77),
        broker_id: Text::new("90001").unwrap(),
        session_key: answer.session_key,
        ..BoxSignOnRequestIn::zeroed()
    };
    send(exchange, bytemuck::bytes_of(&on), now);
    let mut user = MsSignon::zeroed();
    user.header = header(TransactionCode::SIGN_ON_REQUEST_IN, MsSignon::SIZE);
    (user.user_id, user.broker_id) = (BeI32::new(USER), Text::new("90001").unwrap());
    user.password.0 = *b"SECRET  ";
    send(exchange, bytemuck::bytes_of(&user), now);
    assert!(exchange.boxes().next().unwrap().is_signed_on);
}

/// A full-size new order.
fn full(listing: &Listing, side: i16, price: i32, trigger: i32) -> MsOeRequest {
    let Contract { token_no, contract_desc } =
        Contract::new(&listing.instrument, Underlying::Index).unwrap();
    let is_stop = trigger != 0;
    let stop = if is_stop { StOrderFlags::STOP_LOSS } else { 0 };
    MsOeRequest {
        header: header(TransactionCode::BOARD_LOT_IN, MsOeRequest::SIZE),
        token_no,
        contract_desc: ContractDesc {
            instrument_name: contract_desc.instrument_name,
            symbol: contract_desc.symbol,
            expiry_date: contract_desc.expiry_date,
            strike_price: contract_desc.strike_price,
            option_type: contract_desc.option_type,
            ca_level: BeI16::new(0),
        },
        book_type: BeI16::new(if is_stop { 3 } else { 1 }),
        buy_sell_indicator: BeI16::new(side),
        volume: BeI32::new(65),
        price: BeI32::new(price),
        trigger_price: BeI32::new(trigger),
        st_order_flags: StOrderFlags { terms: StOrderFlags::DAY | stop, state: 0 },
        trader_id: BeI32::new(USER),
        broker_id: Text::new("90001").unwrap(),
        settlor: Text::BLANK,
        pro_client_indicator: BeI16::new(2),
        pan: Text::new("ABCDE1234F").unwrap(),
        ..MsOeRequest::zeroed()
    }
}

fn codes(messages: &[Vec<u8>]) -> Vec<i16> {
    messages.iter().map(|message| code(message)).collect()
}

#[test]
fn a_stop_loss_order_waits_triggers_and_trades() {
    let (mut exchange, script) = open(&day());
    let now = at(9, 30, 0);
    exchange.on_time(now);
    sign_on(&mut exchange, now);
    let stop = full(&listings()[0], 1, 2_245_200, 2_245_100);
    assert_eq!(codes(&send(&mut exchange, bytemuck::bytes_of(&stop), now)), [20_073]);
    assert_eq!(exchange.matcher().stops().orders_count(), 1);
    let act = |price: i64, side: Side| script.push(now, Action::Submit(order(0, side, price, 1)));
    act(2_245_100, Side::Sell);
    act(2_245_100, Side::Buy);
    exchange.on_time(now);
    assert_eq!(codes(&answers(&mut exchange, now)), [2_212]);
    act(2_245_200, Side::Sell);
    exchange.on_time(now);
    let messages = answers(&mut exchange, now);
    assert_eq!(codes(&messages), [20_222]);
    let trade: MsTradeConfirmTr = bytemuck::pod_read_unaligned(&messages[0]);
    let fields = (trade.fill_price.get(), trade.fill_quantity.get(), trade.remaining_volume.get());
    assert_eq!(fields, (2_245_200, 65, 0));
    // A wrong side of the trigger, the wrong book.
    let beyond = full(&listings()[0], 1, 2_245_200, 2_245_300);
    let messages = send(&mut exchange, bytemuck::bytes_of(&beyond), now);
    let error: MsOeRequest = bytemuck::pod_read_unaligned(&messages[0]);
    assert_eq!((code(&messages[0]), error.header.error_code.get()), (2_231, 16_315));
    let book = MsOeRequest { book_type: BeI16::new(1), ..stop };
    let messages = send(&mut exchange, bytemuck::bytes_of(&book), now);
    let error: MsOeRequest = bytemuck::pod_read_unaligned(&messages[0]);
    assert_eq!(error.header.error_code.get(), 16_415);
}

#[test]
fn a_market_order_that_rests_gets_its_price() {
    let (mut exchange, script) = open(&day());
    let now = at(9, 30, 0);
    exchange.on_time(now);
    sign_on(&mut exchange, now);
    script.push(now, Action::Submit(order(0, Side::Sell, 2_245_050, 1)));
    let market = MsOeRequest { volume: BeI32::new(130), ..full(&listings()[0], 1, 0, 0) };
    let messages = send(&mut exchange, bytemuck::bytes_of(&market), now);
    assert_eq!(codes(&messages), [20_073, 20_222, 2_012]);
    let priced: MsOeRequest = bytemuck::pod_read_unaligned(&messages[2]);
    // Below zero for a buy.
    assert_eq!((priced.price.get(), priced.total_volume_remaining.get()), (-2_245_050, 65));
    let number = OrderId(priced.order_number.get() as u64);
    let resting = exchange.books().order(FO, number).unwrap();
    assert_eq!((resting.price, resting.quantity.0), (paise(2_245_050), 65));
}

#[test]
fn what_a_member_may_not_say_is_refused_by_number() {
    let (mut exchange, _script) = open(&day());
    let now = at(9, 30, 0);
    exchange.on_time(now);
    sign_on(&mut exchange, now);
    let good = full(&listings()[0], 1, 2_245_000, 0);
    let flags = |terms, state| StOrderFlags { terms, state };
    let cases = [
        (MsOeRequest { token_no: BeI32::new(35_002), ..good }, 16_012),
        (MsOeRequest { token_no: BeI32::new(9), ..good }, 16_012),
        (MsOeRequest { broker_id: Text::new("90002").unwrap(), ..good }, 16_041),
        (MsOeRequest { buy_sell_indicator: BeI16::new(3), ..good }, 16_405),
        (MsOeRequest { pro_client_indicator: BeI16::new(0), ..good }, 16_414),
        (MsOeRequest { pan: Text::new("ABC").unwrap(), ..good }, 17_177),
        (MsOeRequest { st_order_flags: flags(0, 0), ..good }, 16_419),
        (MsOeRequest { st_order_flags: flags(0x0C, 0), ..good }, 16_667),
        (MsOeRequest { st_order_flags: flags(8, StOrderFlags::PRE_OPEN), ..good }, 16_447),
        (MsOeRequest { book_type: BeI16::new(2), ..good }, 16_406),
        (MsOeRequest { volume: BeI32::new(-65), ..good }, 16_419),
        (MsOeRequest { volume: BeI32::new(0), ..good }, 16_419),
        (MsOeRequest { volume: BeI32::new(64), ..good }, 16_328),
        (MsOeRequest { price: BeI32::new(0), algo_id: BeI32::new(1), ..good }, 16_732),
        (MsOeRequest { price: BeI32::new(-5), ..good }, 16_247),
    ];
    for (at, (order, expected)) in cases.iter().enumerate() {
        let messages = send(&mut exchange, bytemuck::bytes_of(order), now);
        assert_eq!(codes(&messages), [2_231], "case {at}");
        let error: MsOeRequest = bytemuck::pod_read_unaligned(&messages[0]);
        assert_eq!(error.header.error_code.get(), *expected, "case {at}");
    }
    // By its descriptor alone a contract is found too.
    let by_terms = MsOeRequest { token_no: BeI32::new(-1), ..good };
    assert_eq!(codes(&send(&mut exchange, bytemuck::bytes_of(&by_terms), now)), [20_073]);
    // A change of what is not there, and of what has changed meanwhile.
    let mut change = MsOeRequest { order_number: BeF64::new(7.0), ..good };
    change.header.transaction_code = BeI16::new(TransactionCode::ORDER_MOD_IN);
    for (number, expected) in [(7.0, 509), (f64::NAN, 509), (1_100_000_000_000_001.0, 16_044)] {
        change.order_number = BeF64::new(number);
        let messages = send(&mut exchange, bytemuck::bytes_of(&change), now);
        let error: MsOeRequest = bytemuck::pod_read_unaligned(&messages[0]);
        assert_eq!((code(&messages[0]), error.header.error_code.get()), (2_042, expected));
    }
    assert_eq!(exchange.books().orders_count(), 1);
}

#[test]
fn bytes_of_any_kind_never_panic_and_other_boxes_are_nobodys() {
    let mut rng = Random(0xb17e5);
    for _ in 0..200 {
        let mut exchange = Exchange::new(&day(), Box::new(NoBackground)).unwrap();
        let now = at(9, 30, 0);
        exchange.on_time(now);
        sign_on(&mut exchange, now);
        let mut message = bytemuck::bytes_of(&full(&listings()[0], 1, 2_245_000, 0)).to_vec();
        for _ in 0..1 + rng.below(8) {
            let at = rng.below(message.len() as u64) as usize;
            message[at] = rng.next() as u8;
        }
        let mut packet = sealed(&message);
        if rng.one_in(3) {
            let at = rng.below(packet.len() as u64) as usize;
            packet[at] ^= 1 << rng.below(8);
        }
        exchange.on_bytes(0, &packet, now);
        exchange.on_time(now.plus(200_000_000_000));
        assert!(exchange.matcher().is_consistent());
    }
    let mut exchange = Exchange::new(&day(), Box::new(NoBackground)).unwrap();
    assert_eq!(exchange.on_bytes(5, &[1, 2, 3], at(9, 30, 0)), 3);
    assert_eq!(exchange.poll_transmit(5, &mut [0; 8], at(9, 30, 0)), 0);
    assert_eq!((exchange.poll_close(5), exchange.box_position(77)), (None, Some(0)));
    exchange.on_connected(5, Listener::Router, at(9, 30, 0));
    exchange.on_disconnected(5, at(9, 30, 0));
}

#[test]
fn the_path_of_an_order_does_not_allocate() {
    let mut exchange = Exchange::new(&day(), Box::new(NoBackground)).unwrap();
    let mut now = at(9, 30, 0);
    exchange.on_time(now);
    sign_on(&mut exchange, now);
    let mut buffer = [0; 4_096];
    let mut rng = Random(1);
    let packets: Vec<Vec<u8>> = (0..600)
        .map(|_| {
            let side = 1 + rng.below(2) as i16;
            let price = 2_245_000 + 5 * (rng.below(9) as i32 - 4);
            let trigger = match (rng.one_in(6), side) {
                (true, 1) => price - 5,
                (true, _) => price + 5,
                _ => 0,
            };
            let listing = rng.below(3) as usize;
            let price = if listing == 1 { price - 2_225_000 } else { price };
            sealed(bytemuck::bytes_of(&full(&listings()[listing], side, price, trigger)))
        })
        .collect();
    for (step, packet) in packets.iter().enumerate() {
        let before = allocation::count();
        now = now.plus(1_000_000);
        exchange.on_bytes(0, packet, now);
        exchange.poll_transmit(0, &mut buffer, now);
        exchange.on_time(now);
        while exchange.poll_datagram(&mut buffer).is_some() {}
        assert_eq!(allocation::count() - before, 0, "step {step} allocated");
    }
    let counters = exchange.counters();
    // The orders are all of one owner: they cancel each other.
    assert!(counters.messages > 300, "{counters:?}");
    assert_eq!(counters.requests, 600);
}
