//! A market order by order, as BSE's EOBI and NASDAQ's ITCH say it.

use std::collections::BTreeMap;

use bytemuck::Zeroable;
use tezi::feed_handler::wire::bse_eobi::{self, Order, PacketBuilder, ProductState, order_id};
use tezi::feed_handler::wire::itch::SessionDate;
use tezi::feed_handler::wire::mold_udp64::{MessageStore, Publisher, Session};
use tezi::model::{Nanos, Px, Qty, Side, Token};

use super::{Market, Random, book_csv, csv_time, place};

const TOKENS: [u32; 3] = [13, 14, 15];

/// An order of the market.
#[derive(Clone, Copy, Debug)]
struct Resting {
    id: u64,
    token: u32,
    side: Side,
    /// In paise, or cents.
    price: i64,
    quantity: u32,
    /// Decides its place.
    time: Nanos,
}

/// One thing that happens; times are whole milliseconds apart.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The market's status: the row's code, and its name.
    Status(u32, &'static str),
    Enter(Resting),
    /// The first becomes the second, which has another number, price and place.
    Replace(Resting, Resting),
    /// The order loses a quantity and keeps its place.
    Reduce(Resting, u32),
    Trade(Resting, u32),
    Leave(Resting),
}

const PRE_OPEN: (u32, &str) = (1, "pre_open");
const OPEN: (u32, &str) = (2, "open");

/// The steps of a session, and the orders left after each, by number.
struct Steps {
    random: Random,
    live: BTreeMap<u64, Resting>,
    next_id: u64,
    now: Nanos,
}

impl Steps {
    fn new(seed: u64, open: Nanos) -> Self {
        Self { random: Random(seed), live: BTreeMap::new(), next_id: 1, now: open }
    }

    fn next(&mut self, index: usize) -> Step {
        self.now = self.now.plus(1_000_000 * (1 + self.random.below(3) as i64));
        match index {
            0 => return Step::Status(PRE_OPEN.0, PRE_OPEN.1),
            5 => return Step::Status(OPEN.0, OPEN.1),
            _ => {}
        }
        let pick = self.random.below(self.live.len().max(1) as u64) as usize;
        let known = self.live.values().nth(pick).copied();
        let action = if self.live.len() > 40 { 9 } else { self.random.below(10) };
        let Some(old) = known.filter(|_| action > 3) else { return self.enter() };
        let part = 1 + self.random.below(u64::from(old.quantity)) as u32;
        match action {
            4 | 5 => {
                self.live.remove(&old.id);
                let Step::Enter(new) = self.enter_beside(old) else { unreachable!() };
                Step::Replace(old, new)
            }
            6 if part < old.quantity => self.take(old, part, Step::Reduce),
            7 | 8 => self.take(old, part, Step::Trade),
            _ => {
                self.live.remove(&old.id);
                Step::Leave(old)
            }
        }
    }

    fn enter(&mut self) -> Step {
        let token = TOKENS[self.random.below(3) as usize];
        let side = Side::BOTH[self.random.below(2) as usize];
        self.enter_beside(Resting { id: 0, token, side, price: 0, quantity: 0, time: self.now })
    }

    /// A new order in the book and on the side of another.
    fn enter_beside(&mut self, like: Resting) -> Step {
        let id = self.next_id;
        self.next_id += 1;
        let away = 1 + self.random.below(8) as i64;
        let price = 10_000 + i64::from(like.token) - like.side.sign() * 5 * away;
        let quantity = 1 + self.random.below(500) as u32;
        let order = Resting { id, price, quantity, time: self.now, ..like };
        self.live.insert(id, order);
        Step::Enter(order)
    }

    fn take(&mut self, old: Resting, part: u32, step: fn(Resting, u32) -> Step) -> Step {
        match old.quantity - part {
            0 => _ = self.live.remove(&old.id),
            quantity => _ = self.live.insert(old.id, Resting { quantity, ..old }),
        }
        step(old, part)
    }

    fn book(&self) -> String {
        let mut levels = BTreeMap::new();
        for it in self.live.values() {
            let level: &mut (u64, u32) =
                levels.entry(place(it.token, it.side, it.price)).or_default();
            *level = (level.0 + u64::from(it.quantity), level.1 + 1);
        }
        book_csv(&levels)
    }
}

/// The product that BSE's orders are of.
const PRODUCT: i32 = 900;
/// Datagrams between two snapshots.
const SNAPSHOT_EVERY: usize = 40;

/// So many datagrams of EOBI, with the snapshot channel beside them.
pub fn eobi(seed: u64, count: usize) -> Market {
    let mut steps = Steps::new(seed, Nanos::from_ist(2026, 11, 20, 9, 15, 0));
    let (mut market, mut sequence, mut index) = (Market::default(), 0, 0);
    let mut snapshot_number = 1;
    let mut packet = PacketBuilder::new(PRODUCT, 1, steps.now);
    for number in 1..=count {
        let messages = 1 + steps.random.below(3);
        for first in 0..messages {
            let step = steps.next(index);
            if first == 0 {
                packet.start(PRODUCT, number as u32, steps.now);
            }
            // A datagram has one time: its first message's.
            let time = packet_time(&packet);
            sequence += 1;
            index += 1;
            market.rows.push(eobi_step(&mut packet, sequence, time, &step));
            if let Step::Status(_, name) = step {
                market.told.push(format!("market {name}"));
            }
        }
        market.datagrams.push((steps.now, packet.bytes().to_vec()));
        if number % SNAPSHOT_EVERY == 0 || number == count {
            // The last one is ended by another that begins.
            for _ in 0..1 + usize::from(number == count) {
                let images = eobi_snapshot(&steps, sequence, &mut snapshot_number);
                let time = steps.now.plus(500_000);
                market.snapshots.extend(images.into_iter().map(|bytes| (time, bytes)));
            }
        }
    }
    market.book = steps.book();
    market
}

/// The time in the header of a datagram being written.
fn packet_time(packet: &PacketBuilder) -> Nanos {
    let packet = bse_eobi::packet(packet.bytes()).unwrap();
    Nanos(packet.header.transact_time.get())
}

fn eobi_order(order: &Resting) -> Order {
    Order {
        side: order.side,
        price: Some(Px::from_paise(order.price)),
        priority_time: order.time,
        quantity: Qty(order.quantity),
    }
}

fn eobi_id(order: &Resting) -> u64 {
    order_id(Token(order.token), order.side, Px::from_paise(order.price), order.time).0
}

/// Writes a step, and reckons its row.
fn eobi_step(packet: &mut PacketBuilder, sequence: u32, time: Nanos, step: &Step) -> String {
    let head = |letter: char| format!("0,{sequence},{letter},{}", csv_time(time));
    match *step {
        Step::Status(code, _) => {
            let body = ProductState {
                trad_ses_status: 2,
                trading_session_sub_id: if code == OPEN.0 { 3 } else { 1 },
                transact_time: tezi::feed_handler::wire::little_endian::LeI64::new(time.0),
                ..ProductState::zeroed()
            };
            packet.message(bse_eobi::template::PRODUCT_STATE, sequence, &body);
            format!("{},0,,0,,0,{code}", head('S'))
        }
        Step::Enter(it) => {
            packet.order_add(sequence, Token(it.token), &eobi_order(&it));
            let (id, letter) = (eobi_id(&it), it.side.letter());
            format!("{},{id},,{},{letter},{},{}", head('N'), it.token, it.price, it.quantity)
        }
        Step::Replace(old, new) => {
            let (from, to) = (eobi_order(&old), eobi_order(&new));
            packet.order_modify(sequence, Token(old.token), &from, &to);
            let (old_id, new_id) = (eobi_id(&old), eobi_id(&new));
            let Resting { token, price, quantity, .. } = new;
            format!("{},{old_id},{new_id},{token},,{price},{quantity}", head('U'))
        }
        Step::Reduce(it, part) => {
            let left = Resting { quantity: it.quantity - part, ..it };
            let before = Qty(it.quantity);
            let (order, token) = (eobi_order(&left), Token(it.token));
            packet.order_modify_same_priority(sequence, token, before, &order);
            let (id, letter) = (eobi_id(&it), it.side.letter());
            format!("{},{id},,{},{letter},{},{}", head('M'), it.token, it.price, left.quantity)
        }
        Step::Trade(it, part) => {
            let last = Px::from_paise(it.price);
            packet.execution(sequence, Token(it.token), &eobi_order(&it), Qty(part), last);
            format!("{},{},,{},,{},{part}", head('E'), eobi_id(&it), it.token, it.price)
        }
        Step::Leave(it) => {
            packet.order_delete(sequence, Token(it.token), &eobi_order(&it));
            let (id, letter) = (eobi_id(&it), it.side.letter());
            format!("{},{id},,{},{letter},{},{}", head('X'), it.token, it.price, it.quantity)
        }
    }
}

/// The product's orders after `last`: a datagram for the product, and one for each instrument.
fn eobi_snapshot(steps: &Steps, last: u32, number: &mut u32) -> Vec<Vec<u8>> {
    let mut packet = PacketBuilder::new(PRODUCT, *number, steps.now);
    packet.product_summary(1, last);
    let mut sent = vec![packet.bytes().to_vec()];
    let mut sequence = 1;
    for token in TOKENS {
        let mut orders: Vec<_> = steps.live.values().filter(|it| it.token == token).collect();
        orders.sort_by_key(|it| it.time);
        *number += 1;
        packet.start(PRODUCT, *number, steps.now);
        sequence += 1;
        packet.instrument_summary(sequence, Token(token), orders.len() as u32);
        for order in orders {
            sequence += 1;
            packet.snapshot_order(sequence, &eobi_order(order));
        }
        sent.push(packet.bytes().to_vec());
    }
    *number += 1;
    sent
}

/// The session of the ITCH messages.
pub const SESSION: Session = *b"000000001A";

/// The messages of a re-request server.
pub fn store(messages: &[Vec<u8>]) -> MessageStore {
    let mut store = MessageStore::new(SESSION, messages.len(), 64 * messages.len());
    messages.iter().for_each(|message| _ = store.push(message).unwrap());
    store
}

/// So many messages of ITCH on MoldUDP64, and the messages themselves. Nine thirty in New York.
pub fn itch(seed: u64, count: usize) -> (Market, Vec<Vec<u8>>) {
    let midnight = SessionDate::new(2026, 11, 20).unwrap().midnight();
    let mut steps = Steps::new(seed, midnight.plus(34_200_000_000_000));
    let mut publisher = Publisher::new(SESSION, 1_400).unwrap();
    let (mut market, mut messages) = (Market::default(), Vec::new());
    for index in 0..count {
        let step = steps.next(index);
        let since_midnight = steps.now.since(midnight).cast_unsigned();
        let row = format!("1,{},", index + 1);
        let (message, rest) = itch_step(since_midnight, &csv_time(steps.now), &step);
        market.rows.push(row + &rest);
        if let Step::Status(_, name) = step {
            market.told.push(format!("market {name}"));
        }
        let datagrams = &mut market.datagrams;
        let mut send = |datagram: &[u8]| datagrams.push((steps.now, datagram.to_vec()));
        publisher.push(&message, &mut send).unwrap();
        if index + 1 == count || steps.random.below(3) == 0 {
            publisher.flush(&mut send);
        }
        messages.push(message);
    }
    let end = (steps.now.plus(1_000_000), publisher.end_of_session().to_vec());
    market.datagrams.push(end);
    market.book = steps.book();
    (market, messages)
}

/// The message of a step, and what follows stream and number in its row.
fn itch_step(since_midnight: u64, time: &str, step: &Step) -> (Vec<u8>, String) {
    let message = |letter: u8, token: u32, fields: &[&[u8]]| -> Vec<u8> {
        let locate = (token as u16).to_be_bytes();
        let clock = since_midnight.to_be_bytes();
        [&[letter][..], &locate, &[0, 0], &clock[2..], &fields.concat()].concat()
    };
    let wire_price = |price: i64| (price as u32 * 100).to_be_bytes();
    match *step {
        Step::Status(code, _) => {
            let event: &[u8] = if code == OPEN.0 { b"Q" } else { b"S" };
            (message(b'S', 0, &[event]), format!("S,{time},0,,0,,0,{code}"))
        }
        Step::Enter(Resting { id, token, side, price, quantity, .. }) => {
            let (letter, units) = (side.letter(), quantity.to_be_bytes());
            let side = [letter as u8];
            let fields: [&[u8]; 5] =
                [&id.to_be_bytes(), &side, &units, b"ZVZZT   ", &wire_price(price)];
            let row = format!("N,{time},{id},,{token},{letter},{price},{quantity}");
            (message(b'A', token, &fields), row)
        }
        Step::Replace(old, Resting { id, token, price, quantity, .. }) => {
            let (from, to) = (old.id.to_be_bytes(), id.to_be_bytes());
            let fields: [&[u8]; 4] = [&from, &to, &quantity.to_be_bytes(), &wire_price(price)];
            let row = format!("U,{time},{},{id},{token},,{price},{quantity}", old.id);
            (message(b'U', token, &fields), row)
        }
        Step::Reduce(Resting { id, token, .. }, part) => {
            let fields: [&[u8]; 2] = [&id.to_be_bytes(), &part.to_be_bytes()];
            (message(b'X', token, &fields), format!("R,{time},{id},,{token},,0,{part}"))
        }
        Step::Trade(Resting { id, token, .. }, part) => {
            let fields: [&[u8]; 3] = [&id.to_be_bytes(), &part.to_be_bytes(), &9_u64.to_be_bytes()];
            (message(b'E', token, &fields), format!("E,{time},{id},,{token},,0,{part}"))
        }
        Step::Leave(Resting { id, token, .. }) => {
            let row = format!("X,{time},{id},,{token},,0,0");
            (message(b'D', token, &[&id.to_be_bytes()]), row)
        }
    }
}
