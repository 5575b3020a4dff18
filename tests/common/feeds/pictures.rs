//! A market by price level, as NSE's broadcast and BSE's NFCAST say it.

use std::collections::BTreeMap;

use bytemuck::{Zeroable, bytes_of};
use tezi::feed_handler::wire::big_endian::{BeI16, BeI32};
use tezi::feed_handler::wire::bse_nfcast::{
    self, Dialect, Levels, MarketPicture, ProductState, encode_market_pictures,
};
use tezi::feed_handler::wire::nse_broadcast::layout::{IndexRecord, MarketStatusFo, MessageHeader};
use tezi::feed_handler::wire::nse_broadcast::{
    DEPTH, DatagramWriter, DayPrices, Level, MarketByPrice, MarketByPriceForm, Trades,
    encode_market_by_price, transaction_code as code,
};
use tezi::model::{IST_OFFSET_NS, NSE_EPOCH_UNIX_SECONDS, Nanos, Px, Segment, Side, Token};

use super::{Market, Random, book_csv, csv_time, place};

const TOKENS: [u32; 3] = [35_001, 35_002, 35_003];
/// The price of every trade, in paise.
const LAST: i64 = 10_000;

/// Price in paise and quantity, best first.
type Ladder = Vec<(i64, u64)>;

/// The market of one instrument.
#[derive(Clone, Debug, Default)]
struct Picture {
    token: u32,
    volume: u64,
    /// Bids and asks.
    sides: [Ladder; 2],
}

/// The pictures of a session, and what each of them changes.
struct Pictures {
    random: Random,
    shown: BTreeMap<u32, Picture>,
}

impl Pictures {
    fn new(seed: u64) -> Self {
        Self { random: Random(seed), shown: BTreeMap::new() }
    }

    fn next(&mut self, token: u32) -> Picture {
        let random = &mut self.random;
        let grown = if random.below(3) == 0 { 1 + random.below(1_000) } else { 0 };
        let sides = Side::BOTH.map(|side| {
            let (mut price, count) = (LAST, random.below(6));
            let mut level = |_| {
                price -= side.sign() * 5 * (1 + random.below(3) as i64);
                (price, 1 + random.below(4) * 50)
            };
            (0..count).map(&mut level).collect()
        });
        let volume = self.shown.get(&token).map_or(1_000, |before| before.volume) + grown;
        Picture { token, volume, sides }
    }

    /// Shows a picture; the rows that tell how it differs, without the numbers of their orders.
    fn show(&mut self, picture: &Picture, time: Nanos) -> Vec<String> {
        let token = picture.token;
        let before = self.shown.insert(token, picture.clone());
        let mut rows = Vec::new();
        let mut say = |letter: char, side: &str, price: i64, quantity: u64| {
            let time = csv_time(time);
            rows.push(format!("0,0,{letter},{time},{token},{side},{price},{quantity}"));
        };
        let grown = before.as_ref().map_or(0, |before| picture.volume - before.volume);
        if grown > 0 {
            say('T', "", LAST, grown);
        }
        let before = before.unwrap_or_default();
        for (side, (old, new)) in
            Side::BOTH.into_iter().zip(before.sides.iter().zip(&picture.sides))
        {
            let letter = side.letter().to_string();
            let find = |ladder: &Ladder, price: i64| {
                ladder.iter().find(|level| level.0 == price).map(|level| level.1)
            };
            for &(price, quantity) in old.iter().filter(|level| find(new, level.0).is_none()) {
                say('X', &letter, price, quantity);
            }
            for &(price, quantity) in new {
                match find(old, price) {
                    None => say('N', &letter, price, quantity),
                    Some(same) if same == quantity => {}
                    Some(_) => say('M', &letter, price, quantity),
                }
            }
        }
        rows
    }

    fn book(&self) -> String {
        let mut levels = BTreeMap::new();
        for picture in self.shown.values() {
            for (side, ladder) in Side::BOTH.into_iter().zip(&picture.sides) {
                for &(price, quantity) in ladder {
                    levels.insert(place(picture.token, side, price), (quantity, 1));
                }
            }
        }
        book_csv(&levels)
    }
}

/// The row of a status, of the market when `token` is 0.
fn status_row(time: Nanos, token: u32, status: u32) -> String {
    format!("0,0,S,{},{token},,0,{status}", csv_time(time))
}

/// So many datagrams of NSE's broadcast, a second apart. Rows have no order numbers.
pub fn broadcast(seed: u64, count: usize) -> Market {
    let mut pictures = Pictures::new(seed);
    let mut market = Market::default();
    let (mut index_before, open) = (0, Nanos::from_ist(2026, 11, 20, 9, 0, 0));
    for second in 0..count as i64 {
        let time = open.plus(second * 1_000_000_000);
        let datagram = match second {
            0 | 1 => {
                let (action, status) = [(6571, 1), (6511, 2)][second as usize];
                market.rows.push(status_row(time, 0, status));
                market.told.push(["market pre_open", "market open"][second as usize].into());
                market_status(action, time)
            }
            _ if second % 10 == 5 => {
                let value = 2_500_000 + pictures.random.below(3) as i32;
                if value != index_before {
                    let token = tezi::feed_handler::feed::index_token("Nifty 50");
                    let row = format!("0,0,I,{},{token},,{value},0", csv_time(time));
                    market.rows.push(row);
                    market.told.push(format!("index {}", Px::from_paise(i64::from(value))));
                }
                index_before = value;
                index("Nifty 50", time, value)
            }
            _ => broadcast_pictures(&mut pictures, time, &mut market.rows),
        };
        market.datagrams.push((time, datagram));
    }
    market.book = pictures.book();
    market
}

/// One or two pictures in a datagram.
fn broadcast_pictures(pictures: &mut Pictures, time: Nanos, rows: &mut Vec<String>) -> Vec<u8> {
    let forms = [MarketByPriceForm::Narrow, MarketByPriceForm::Wide];
    let form = forms[pictures.random.below(2) as usize];
    let first = pictures.random.below(3) as usize;
    let mut records = Vec::new();
    for next in 0..=pictures.random.below(2) as usize {
        let picture = pictures.next(TOKENS[(first + next) % 3]);
        rows.extend(pictures.show(&picture, time));
        records.push(market_by_price(&picture, time));
    }
    let clear = encode_market_by_price(form, 1, &records).unwrap();
    let mut writer = DatagramWriter::new(Segment::NseFo).unwrap();
    writer.push_compressed(clear.as_bytes()).unwrap();
    writer.as_bytes().to_vec()
}

fn market_by_price(picture: &Picture, time: Nanos) -> MarketByPrice {
    let [bids, asks] = picture.sides.clone().map(|ladder| {
        let mut side = [Level::default(); DEPTH];
        for (to, (paise, quantity)) in side.iter_mut().zip(ladder) {
            *to = Level { price: Px::from_paise(paise), quantity, orders: 1 };
        }
        side
    });
    let last_price = Px::from_paise(LAST);
    MarketByPrice {
        segment: Segment::NseFo,
        token: Token(picture.token),
        time,
        book_type: 1,
        status: None,
        trades: Trades { volume: picture.volume, last_price, ..Trades::default() },
        auction: Default::default(),
        bids,
        asks,
        total_buy: 0,
        total_sell: 0,
        indicator: [0; 2],
        prices: DayPrices::default(),
        indicative_close: Px::ZERO,
    }
}

/// A datagram of one F&O message, not compressed: `body` follows the header.
fn message(transaction: i16, time: Nanos, body: &[u8]) -> Vec<u8> {
    let seconds = time.plus(IST_OFFSET_NS).second() - NSE_EPOCH_UNIX_SECONDS;
    let header = MessageHeader {
        log_time: BeI32::new(seconds as i32),
        transaction_code: BeI16::new(transaction),
        message_length: BeI16::new((size_of::<MessageHeader>() + body.len()) as i16),
        ..MessageHeader::zeroed()
    };
    let mut writer = DatagramWriter::new(Segment::NseFo).unwrap();
    writer.push_plain(&[&[0; 8], bytes_of(&header), body].concat()).unwrap();
    writer.as_bytes().to_vec()
}

/// A market status of F&O, of the normal market.
fn market_status(action: i16, time: Nanos) -> Vec<u8> {
    let status = MarketStatusFo { market_type: BeI16::new(1), ..MarketStatusFo::zeroed() };
    message(action, time, &bytes_of(&status)[size_of::<MessageHeader>()..])
}

/// 7207 with one index, its value in hundredths.
fn index(name: &str, time: Nanos, hundredths: i32) -> Vec<u8> {
    let mut record = IndexRecord { value: BeI32::new(hundredths), ..IndexRecord::zeroed() };
    record.index_name.fill(b' ');
    record.index_name[..name.len()].copy_from_slice(name.as_bytes());
    message(code::INDICES, time, &[&[0, 1], bytes_of(&record)].concat())
}

/// So many datagrams of BSE's NFCAST, a millisecond apart. Rows have no order numbers.
pub fn nfcast(seed: u64, count: usize) -> Market {
    let mut pictures = Pictures::new(seed);
    let mut market = Market::default();
    let ten = Nanos::from_ist(2026, 11, 20, 10, 0, 0);
    for index in 0..count {
        let time = ten.plus(index as i64 * 1_000_000);
        let clock = [10, 0, (index / 1_000) as i16, (index % 1_000) as i16];
        if index < 2 {
            let session = [1, 3][index];
            market.rows.push(status_row(time, 0, [1, 2][index]));
            market.told.push(["market pre_open", "market open"][index].into());
            market.datagrams.push((time, product_state(clock, session)));
            continue;
        }
        let first = pictures.random.below(3) as usize;
        let mut sent = Vec::new();
        for next in 0..=pictures.random.below(2) as usize {
            let token = TOKENS[(first + next) % 3];
            let picture = pictures.next(token);
            if !pictures.shown.contains_key(&token) {
                // The first picture says that its instrument is open.
                market.rows.push(status_row(time, token, 2));
                market.told.push(format!("{token} open"));
            }
            market.rows.extend(pictures.show(&picture, time));
            sent.push(market_picture(&picture));
        }
        let (mut bytes, dialect) = (Vec::new(), Dialect::default());
        encode_market_pictures(&sent, clock, false, Segment::BseFo, dialect, &mut bytes).unwrap();
        market.datagrams.push((time, bytes));
    }
    market.book = pictures.book();
    market
}

fn market_picture(picture: &Picture) -> MarketPicture {
    let [bids, offers] = picture.sides.clone().map(|ladder| {
        let level = |(paise, quantity): (i64, u64)| bse_nfcast::Level {
            price: Px::from_paise(paise),
            quantity,
            orders: 1,
            implied_quantity: 0,
        };
        Levels::new(&ladder.into_iter().map(level).collect::<Vec<_>>())
    });
    MarketPicture {
        token: Token(picture.token),
        volume: picture.volume,
        session_number: 3,
        last_price: Px::from_paise(LAST),
        last_quantity: 1,
        bids,
        offers,
        ..MarketPicture::default()
    }
}

/// 2002: a session begins.
fn product_state(clock: [i16; 4], session_number: i16) -> Vec<u8> {
    let [hour, minute, second, millisecond] = clock.map(BeI16::new);
    bytes_of(&ProductState {
        message_type: BeI32::new(bse_nfcast::message_type::PRODUCT_STATE),
        hour,
        minute,
        second,
        millisecond,
        session_number: BeI16::new(session_number),
        start_end_flag: b'S',
        ..ProductState::zeroed()
    })
    .to_vec()
}
