//! A seeded session of two streams, as an exchange would say it, and captures of its lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

use tezi::feed_handler::capture::PcapWriter;
use tezi::feed_handler::wire::nse_mtbt::{Order, Trade, encode_order, encode_trade, message_type};
use tezi::model::{
    Instrument, InstrumentKind, Nanos, OptionType, OrderId, Px, Qty, Segment, Side, Symbol, Token,
};

use super::{Random, fair_value};

const LOT: i32 = 65;

/// The groups of lines A and B.
pub const GROUPS: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(239, 70, 70, 41), 17_741),
    SocketAddrV4::new(Ipv4Addr::new(239, 70, 70, 31), 10_831),
];

/// Near and far leg of the one spread that trades: two of the options.
const LEGS: [i32; 2] = [50_101, 50_103];

pub fn open() -> Nanos {
    Nanos::from_ist(2026, 11, 20, 9, 15, 0)
}

/// A future on stream 1, and four options around its money on stream 2.
pub fn contracts() -> Vec<Instrument> {
    let mut future = Instrument::unknown(Segment::NseFo, Token(50_001));
    future.symbol = Symbol::new("NIFTY");
    future.expiry = Nanos::from_ist(2026, 12, 29, 15, 40, 0);
    future.tick = Px::from_paise(10);
    future.lot = Qty(LOT as u32);
    future.kind_code = InstrumentKind::Future as u8;
    let option = |index: u32, strike: f64, option: OptionType| {
        let mut contract = future;
        contract.token = Token(50_101 + index);
        contract.tick = Px::from_paise(5);
        contract.strike = Px::from_rupees(strike);
        contract.kind_code = InstrumentKind::Option as u8;
        contract.option_code = option as u8;
        contract
    };
    vec![
        future,
        option(0, 24_000.0, OptionType::Call),
        option(1, 24_000.0, OptionType::Put),
        option(2, 24_100.0, OptionType::Call),
        option(3, 23_900.0, OptionType::Put),
    ]
}

/// One message: what it says and when.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    pub time: Nanos,
    pub stream: u8,
    pub sequence: u32,
    said: Said,
}

#[derive(Clone, Copy, Debug)]
enum Said {
    Order(Order),
    Trade(Trade),
}

impl Message {
    /// The bytes of the message, which are one datagram.
    pub fn bytes(&self) -> Vec<u8> {
        match &self.said {
            Said::Order(order) => encode_order(self.stream, self.sequence, order).to_vec(),
            Said::Trade(trade) => encode_trade(self.stream, self.sequence, trade).to_vec(),
        }
    }
}

/// An order of the market: token, side, price in paise, quantity.
type Resting = (i32, Side, i32, i32);

/// An order in the spread: side, price difference in paise, quantity.
type RestingSpread = (Side, i32, i32);

struct Generator {
    random: Random,
    /// Token, stream, tick and fair price in paise of each contract.
    contracts: Vec<(i32, u8, i32, i32)>,
    live: BTreeMap<u64, Resting>,
    spreads: BTreeMap<u64, RestingSpread>,
    next_id: u64,
    now: Nanos,
    sequences: [u32; 3],
    messages: Vec<Message>,
}

/// A session of `count` messages, one in about 200 µs.
pub fn tape(seed: u64, count: usize) -> Vec<Message> {
    let contracts = contracts().into_iter().map(|contract| {
        let is_call = contract.option_type() == Some(OptionType::Call);
        let (stream, fair) = match contract.kind() {
            InstrumentKind::Option => {
                let strike = contract.strike.to_rupees();
                (2, fair_value(24_000.0, strike, contract.expiry, open(), is_call))
            }
            _ => (1, 24_000.0),
        };
        let tick = contract.tick.to_paise().unwrap() as i32;
        (contract.token.0 as i32, stream, tick, (fair * 100.0) as i32 / tick * tick)
    });
    let mut generator = Generator {
        random: Random(seed),
        contracts: contracts.collect(),
        live: BTreeMap::new(),
        spreads: BTreeMap::new(),
        next_id: 1_100_000_000_000_000,
        now: open(),
        sequences: [0; 3],
        messages: Vec::new(),
    };
    while generator.messages.len() < count {
        generator.now = generator.now.plus(generator.random.below(400_000) as i64);
        generator.step();
    }
    generator.messages.truncate(count);
    generator.messages
}

impl Generator {
    fn step(&mut self) {
        let contract = self.random.below(self.contracts.len() as u64) as usize;
        let side = Side::BOTH[self.random.below(2) as usize];
        match self.random.below(100) {
            0..=29 => self.enter(contract, side),
            30..=70 => self.change(),
            71..=74 => self.spread(side),
            75..=93 => self.cancel(),
            _ => self.take(contract, side),
        }
    }

    fn enter(&mut self, contract: usize, side: Side) {
        if self.live.len() > 150 {
            return self.cancel();
        }
        self.next_id += 1;
        let (token, ..) = self.contracts[contract];
        let quantity = LOT * (1 + self.random.below(4) as i32);
        let resting = (token, side, self.passive(contract, side), quantity);
        self.live.insert(self.next_id, resting);
        self.say_order(message_type::ORDER_NEW, self.next_id, resting);
    }

    fn change(&mut self) {
        let Some((id, resting)) = self.pick() else { return };
        let (token, side, _, quantity) = resting;
        let contract = self.contracts.iter().position(|&(other, ..)| other == token).unwrap();
        let resting = (token, side, self.passive(contract, side), quantity);
        self.live.insert(id, resting);
        self.say_order(message_type::ORDER_MODIFY, id, resting);
    }

    fn cancel(&mut self) {
        let Some((id, resting)) = self.pick() else { return };
        self.live.remove(&id);
        self.say_order(message_type::ORDER_CANCEL, id, resting);
    }

    /// A market order, never shown, takes the best of the other side.
    fn take(&mut self, contract: usize, side: Side) {
        let (token, ..) = self.contracts[contract];
        let opposite = side.opposite();
        let Some((id, (.., price, quantity))) = self.best(token, opposite) else { return };
        let traded = quantity.min(LOT * (1 + self.random.below(3) as i32));
        if traded == quantity {
            self.live.remove(&id);
        } else {
            self.live.insert(id, (token, opposite, price, quantity - traded));
        }
        let (buy, sell) = if side == Side::Buy { (0, id) } else { (id, 0) };
        let trade = Trade {
            message_type: message_type::TRADE,
            time: self.now,
            buy_order_id: OrderId(buy),
            sell_order_id: OrderId(sell),
            token,
            price,
            quantity: traded,
        };
        self.say(token, Said::Trade(trade));
    }

    /// A spread order comes, changes or leaves, or a hidden one takes it: a message for each leg.
    fn spread(&mut self, side: Side) {
        let pick = self.random.below(self.spreads.len().max(1) as u64) as usize;
        let known = self.spreads.iter().nth(pick).map(|(&id, &resting)| (id, resting));
        let quantity = LOT * (1 + self.random.below(3) as i32);
        let price = 5 * (self.random.below(20) as i32 - 8) - 60 * side.sign() as i32;
        let is_new = self.random.below(3) == 0;
        let Some((id, (own, resting, left))) = known.filter(|_| !is_new) else {
            self.next_id += 1;
            self.spreads.insert(self.next_id, (side, price, quantity));
            let order = (side, price, quantity);
            return self.say_spread(message_type::SPREAD_ORDER_NEW, self.next_id, order);
        };
        match self.random.below(4) {
            0..=1 => {
                self.spreads.insert(id, (own, price, quantity));
                let order = (own, price, quantity);
                self.say_spread(message_type::SPREAD_ORDER_MODIFY, id, order);
            }
            2 => {
                self.spreads.remove(&id);
                self.say_spread(message_type::SPREAD_ORDER_CANCEL, id, (own, resting, left));
            }
            _ => {
                let traded = quantity.min(left);
                take_spread(&mut self.spreads, id, traded);
                self.say_spread_trade(id, (own, resting, traded));
            }
        }
    }

    fn say_spread(&mut self, message_type: u8, id: u64, (side, price, quantity): RestingSpread) {
        for (token, side) in LEGS.into_iter().zip([side.opposite(), side]) {
            self.say_order(message_type, id, (token, side, price, quantity));
        }
    }

    fn say_spread_trade(&mut self, id: u64, (side, difference, quantity): RestingSpread) {
        for (index, token) in LEGS.into_iter().enumerate() {
            // Who buys the far leg sells the near one.
            let is_buy = (side == Side::Buy) == (index == 1);
            let (buy, sell) = if is_buy { (id, 0) } else { (0, id) };
            let trade = Trade {
                message_type: message_type::SPREAD_TRADE,
                time: self.now,
                buy_order_id: OrderId(buy),
                sell_order_id: OrderId(sell),
                token,
                price: 20_000 + difference * index as i32,
                quantity,
            };
            self.say(token, Said::Trade(trade));
        }
    }

    fn say_order(&mut self, message_type: u8, id: u64, resting: Resting) {
        let (token, side, price, quantity) = resting;
        let (time, order_id) = (self.now, OrderId(id));
        let order = Order { message_type, time, order_id, token, side, price, quantity };
        self.say(token, Said::Order(order));
    }

    fn say(&mut self, token: i32, said: Said) {
        let (_, stream, ..) = *self.contracts.iter().find(|&&(other, ..)| other == token).unwrap();
        let sequence = &mut self.sequences[usize::from(stream)];
        *sequence += 1;
        self.messages.push(Message { time: self.now, stream, sequence: *sequence, said });
    }

    /// A price near the fair one that does not cross what rests.
    fn passive(&mut self, contract: usize, side: Side) -> i32 {
        let (token, _, tick, fair) = self.contracts[contract];
        let price = fair - (1 + self.random.below(10) as i32) * tick * side.sign() as i32;
        match (self.best(token, side.opposite()), side) {
            (Some((_, (.., ask, _))), Side::Buy) => price.min(ask - tick),
            (Some((_, (.., bid, _))), Side::Sell) => price.max(bid + tick),
            (None, _) => price,
        }
    }

    fn best(&self, token: i32, side: Side) -> Option<(u64, Resting)> {
        let own = self.live.iter().filter(|(_, resting)| (resting.0, resting.1) == (token, side));
        let best = own.min_by_key(|(_, (.., price, _))| -i64::from(*price) * side.sign());
        best.map(|(&id, &resting)| (id, resting))
    }

    fn pick(&mut self) -> Option<(u64, Resting)> {
        let pick = self.random.below(self.live.len().max(1) as u64) as usize;
        self.live.iter().nth(pick).map(|(&id, &resting)| (id, resting))
    }
}

fn take_spread(spreads: &mut BTreeMap<u64, RestingSpread>, id: u64, quantity: i32) {
    let Some(resting) = spreads.get_mut(&id) else { return };
    resting.2 -= quantity;
    if resting.2 <= 0 {
        spreads.remove(&id);
    }
}

/// What a message says of the spread's book, `true` when it is one of a spread. The near leg comes
/// first, so an order is as its far leg says.
fn apply_spread(spreads: &mut BTreeMap<u64, RestingSpread>, message: &Message) -> bool {
    let far = LEGS[1];
    match &message.said {
        Said::Order(order) => match order.message_type {
            message_type::SPREAD_ORDER_NEW | message_type::SPREAD_ORDER_MODIFY => {
                if order.token == far {
                    let resting = (order.side, order.price, order.quantity);
                    spreads.insert(order.order_id.0, resting);
                }
                true
            }
            message_type::SPREAD_ORDER_CANCEL => {
                if order.token == far {
                    spreads.remove(&order.order_id.0);
                }
                true
            }
            _ => false,
        },
        Said::Trade(trade) if trade.message_type == message_type::SPREAD_TRADE => {
            if trade.token == far {
                for id in [trade.buy_order_id.0, trade.sell_order_id.0] {
                    take_spread(spreads, id, trade.quantity);
                }
            }
            true
        }
        Said::Trade(_) => false,
    }
}

/// The book that messages end in, reckoned with ordered maps, as `--book-csv` writes it.
pub fn book_csv<'a>(messages: impl IntoIterator<Item = &'a Message>) -> String {
    let mut live: BTreeMap<u64, Resting> = BTreeMap::new();
    let mut spreads = BTreeMap::new();
    for message in messages {
        if apply_spread(&mut spreads, message) {
            continue;
        }
        match &message.said {
            Said::Order(order) if order.message_type == message_type::ORDER_CANCEL => {
                live.remove(&order.order_id.0);
            }
            Said::Order(Order { order_id, token, side, price, quantity, .. }) => {
                live.insert(order_id.0, (*token, *side, *price, *quantity));
            }
            Said::Trade(trade) => {
                for id in [trade.buy_order_id.0, trade.sell_order_id.0] {
                    let Some(resting) = live.get_mut(&id) else { continue };
                    resting.3 -= trade.quantity;
                    if resting.3 <= 0 {
                        live.remove(&id);
                    }
                }
            }
        }
    }
    let mut text = String::from("token,side,level,price_paise,qty,orders\n");
    write_levels(&mut text, live.values().map(|&(token, ..)| token.to_string()), live.values());
    let [near, far] = LEGS;
    let spreads: Vec<Resting> = spreads
        .into_values()
        .map(|(side, price, quantity)| (near, side, price, quantity))
        .collect();
    write_levels(&mut text, spreads.iter().map(|_| format!("{near}/{far}")), &spreads);
    text
}

/// Writes the levels of orders by name, best first: the highest bid, the lowest ask.
fn write_levels<'a>(
    text: &mut String,
    names: impl Iterator<Item = String>,
    orders: impl IntoIterator<Item = &'a Resting>,
) {
    let mut levels: BTreeMap<(i32, String, bool, i64), (i64, u32)> = BTreeMap::new();
    for (name, &(token, side, price, quantity)) in names.zip(orders) {
        let rank = -i64::from(price) * side.sign();
        let level = levels.entry((token, name, side == Side::Sell, rank)).or_default();
        *level = (level.0 + i64::from(quantity), level.1 + 1);
    }
    let (mut before, mut number) = (None, 0);
    for ((token, name, is_sell, rank), (quantity, orders)) in levels {
        number = if before == Some((token, is_sell)) { number + 1 } else { 1 };
        before = Some((token, is_sell));
        let (letter, price) = if is_sell { ('S', rank) } else { ('B', -rank) };
        writeln!(text, "{name},{letter},{number},{price},{quantity},{orders}").unwrap();
    }
}

/// One datagram on one line.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub time: Nanos,
    /// 0 is A, 1 is B.
    pub line: usize,
    /// Which message.
    pub index: usize,
}

/// Parts of the messages lost, doubled and held back on each line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub loss: f64,
    pub duplicate: f64,
    pub reorder: f64,
}

/// The tape on both lines. Nothing is lost on both but what `lost` says; the first messages have no
/// faults, for the first number seen of a stream is where a session joins it.
pub fn both_lines(
    tape: &[Message],
    seed: u64,
    faults: Faults,
    lost: impl Fn(&Message) -> bool,
) -> Vec<Sent> {
    let mut random = Random(seed);
    let mut sent = Vec::new();
    for (index, message) in tape.iter().enumerate() {
        let faults = if index < 40 { Faults::default() } else { faults };
        let mut is_lost = lost(message);
        let is_lost_on_both = is_lost;
        for line in 0..2 {
            if is_lost_on_both || (random.happens(faults.loss) && !is_lost) {
                is_lost = true;
                continue;
            }
            let hold = if random.happens(faults.reorder) { 3_000_000 } else { 0 };
            let time = message.time.plus(50_000 + 400_000 * line as i64 + hold);
            sent.push(Sent { time, line, index });
            if random.happens(faults.duplicate) {
                sent.push(Sent { time: time.plus(1_000_000), line, index });
            }
        }
    }
    sent.sort_by_key(|sent| (sent.time, sent.line));
    sent
}

/// The tape on line A alone, whole.
pub fn single_line(tape: &[Message]) -> Vec<Sent> {
    let sent = |(index, message): (usize, &Message)| Sent { time: message.time, line: 0, index };
    tape.iter().enumerate().map(sent).collect()
}

/// Writes what was sent as a capture.
pub fn write_capture<'a>(path: &Path, tape: &[Message], sent: impl IntoIterator<Item = &'a Sent>) {
    let source = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 40_000);
    let mut writer = PcapWriter::new(Vec::new()).unwrap();
    for Sent { time, line, index } in sent {
        writer.write_udp(*time, source, GROUPS[*line], &tape[*index].bytes()).unwrap();
    }
    std::fs::write(path, writer.into_inner()).unwrap();
}
