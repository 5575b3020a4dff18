//! Every message, each field at its documented offset.

use tezi_model::{Nanos, OptionType, Px, Segment, Symbol, Token};

use super::{Bytes, OPEN_WIRE, clear, expect, open};
use crate::wire::nse_broadcast::*;

const FO: Segment = Segment::NseFo;
const CM: Segment = Segment::NseCm;
const PX: fn(i64) -> Px = Px::from_paise;

fn level(price: i64, quantity: u64, orders: u32) -> Level {
    Level { price: PX(price), quantity, orders }
}

/// What [`narrow_record`], [`wide_record`] and the whole 7200s all say.
pub(super) fn market_by_price(segment: Segment) -> MarketByPrice {
    let side =
        |base: i64| [0, 1, 2].map(|step| level(base + step, 100 + step as u64, 1 + step as u32));
    let levels = |base| {
        let [first, second, third] = side(base);
        [first, second, third, Level::default(), Level::default()]
    };
    MarketByPrice {
        segment,
        token: Token(35_001),
        time: open(),
        book_type: 1,
        status: Some(SecurityStatus::Open),
        trades: Trades {
            volume: 3_000_000_000,
            volume_exceeded: false,
            last_price: PX(2_245_005),
            last_quantity: 65,
            last_time: open().plus(7_000_000_000),
            average_price: PX(2_240_000),
            net_change: PX(-1_250),
        },
        auction: Auction {
            number: 9,
            status: 2,
            initiator_type: 3,
            initiator_price: PX(11),
            initiator_quantity: 12,
            price: PX(13),
            quantity: 14,
        },
        bids: levels(2_244_000),
        asks: levels(2_246_000),
        total_buy: 70_000,
        total_sell: 80_000,
        indicator: [0x90, 0],
        prices: DayPrices { close: PX(21), open: PX(22), high: PX(23), low: PX(24) },
        indicative_close: Px::ZERO,
    }
}

/// The six auction fields that follow the average price, from `at`.
fn auction(bytes: Bytes, at: usize) -> Bytes {
    let bytes = bytes.i16(at, 9).i16(at + 2, 2).i16(at + 4, 3);
    bytes.i32s(at + 6, 11, 4)
}

/// The first 56 bytes of the narrow record.
fn narrow_summary(bytes: Bytes, at: usize) -> Bytes {
    let bytes = bytes.i32(at, 35_001).i16(at + 4, 1).i16(at + 6, 2);
    let bytes = bytes.put(at + 8, &3_000_000_000_u32.to_be_bytes()).i32(at + 12, 2_245_005);
    let bytes = bytes.put(at + 16, b"-").i32(at + 18, 1_250).i32(at + 22, 65);
    auction(bytes.i32(at + 26, OPEN_WIRE + 7).i32(at + 30, 2_240_000), at + 34)
}

/// The first 60 bytes of the wide record.
fn wide_summary(bytes: Bytes, at: usize) -> Bytes {
    let bytes = bytes.i32(at, 35_001).i16(at + 4, 1).i16(at + 6, 2);
    let bytes = bytes.i64(at + 8, 3_000_000_000).i32(at + 16, 2_245_005);
    let bytes = bytes.put(at + 20, b"-").i32(at + 22, 1_250).i32(at + 26, 65);
    auction(bytes.i32(at + 30, OPEN_WIRE + 7).i32(at + 34, 2_240_000), at + 38)
}

/// Three levels of each side; the two others stay zero.
fn wire_levels(
    mut bytes: Bytes,
    at: usize,
    size: usize,
    level: impl Fn(Bytes, usize, i32, i16) -> Bytes,
) -> Bytes {
    for (first, base) in [(0, 2_244_000), (5, 2_246_000)] {
        for step in 0..3_usize {
            let offset = at + (first + step) * size;
            bytes = level(bytes, offset, base + step as i32, step as i16);
        }
    }
    bytes
}

fn wide_levels(bytes: Bytes, at: usize) -> Bytes {
    wire_levels(bytes, at, 16, |bytes, at, price, step| {
        let bytes = bytes.i64(at, 100 + i64::from(step)).i32(at + 8, price);
        bytes.i16(at + 12, 1 + step)
    })
}

fn narrow_record(bytes: Bytes, at: usize) -> Bytes {
    let bytes = wire_levels(narrow_summary(bytes, at), at + 56, 12, |bytes, at, price, step| {
        let bytes = bytes.i32(at, 100 + i32::from(step)).i32(at + 4, price);
        bytes.i16(at + 8, 1 + step)
    });
    let bytes = bytes.f64(at + 180, 70_000.0).f64(at + 188, 80_000.0);
    bytes.put(at + 196, &[0x90, 0]).i32s(at + 198, 21, 4)
}

pub(super) fn wide_record(bytes: Bytes, at: usize) -> Bytes {
    let bytes = wide_levels(wide_summary(bytes, at), at + 60);
    let bytes = bytes.i64(at + 224, 70_000).i64(at + 232, 80_000);
    bytes.put(at + 240, &[0x90, 0]).i32s(at + 242, 21, 4)
}

#[test]
fn five_levels_of_every_form() {
    let update = Update::MarketByPrice(market_by_price(FO));
    let message = narrow_record(Bytes::message(7208, 470).i16(40, 1), 42);
    expect(FO, &message, &[update]);
    let exceeded = Trades { volume_exceeded: true, ..market_by_price(FO).trades };
    let second = MarketByPrice { trades: exceeded, token: Token(2), ..market_by_price(FO) };
    let two = narrow_record(message.i16(40, 2), 256).i32(256, 2).put(273, b"Y");
    expect(FO, &two, &[update, Update::MarketByPrice(second)]);

    let message = wide_record(Bytes::message(17208, 558).i16(40, 2), 42);
    let two = wide_record(message, 300).i32(300, 2).put(321, b"Y");
    expect(FO, &two, &[update, Update::MarketByPrice(second)]);

    let close = MarketByPrice { indicative_close: PX(31), ..market_by_price(CM) };
    let second = MarketByPrice { token: Token(2), ..market_by_price(CM) };
    let message = wide_record(Bytes::message(7208, 566).i16(40, 2), 42).i32(42 + 258, 31);
    // The byte of the volume flag is a pad in CM.
    let two = wide_record(message, 304).i32(304, 2).put(325, b"Y");
    expect(CM, &two, &[Update::MarketByPrice(close), Update::MarketByPrice(second)]);
}

#[test]
fn market_by_order_gives_levels_and_orders() {
    let order = |base: i64, step: i64| OrderAtTouch {
        price: PX(base + step),
        quantity: 50 + step as u64,
        min_fill: step as u64,
    };
    let orders = |segment| MarketByOrder {
        segment,
        token: Token(35_001),
        time: open(),
        bids: [0, 1, 2, 3, 4].map(|step| order(700, step)),
        asks: [5, 6, 7, 8, 9].map(|step| order(700, step)),
    };
    let wire_orders = |bytes: Bytes, at: usize| {
        (0..10).fold(bytes, |bytes, step| {
            let at = at + 18 * step as usize;
            bytes.i32(at, 1).i32(at + 4, 50 + step).i32(at + 8, 700 + step).i32(at + 14, step)
        })
    };
    let message = wire_orders(narrow_summary(Bytes::message(7200, 410), 40), 96);
    let message = wire_levels(message, 276, 10, |bytes, at, price, step| {
        bytes.i32(at, 100 + i32::from(step)).i32(at + 4, price).i16(at + 8, 1 + step)
    });
    let message = message.f64(376, 70_000.0).f64(384, 80_000.0).put(392, &[0x90, 0]);
    let expected = [Update::MarketByPrice(market_by_price(FO)), Update::MarketByOrder(orders(FO))];
    expect(FO, &message.i32s(394, 21, 4), &expected);

    let message = wire_orders(wide_summary(Bytes::message(7200, 482), 40), 100);
    let message = wide_levels(message, 280).i64(444, 70_000).i64(452, 80_000);
    let expected = [Update::MarketByPrice(market_by_price(CM)), Update::MarketByOrder(orders(CM))];
    expect(CM, &message.put(460, &[0x90, 0]).i32s(462, 21, 4), &expected);
}

#[test]
fn call_auction() {
    let base = market_by_price(CM);
    let record = |bytes: Bytes, at: usize| {
        let bytes = bytes.i32(at, 35_001).i16(at + 4, 11).i16(at + 6, 6).i64(at + 8, 5_000_000_000);
        let bytes = bytes.i64(at + 16, 77).i32(at + 24, 2_245_005).put(at + 28, b"+");
        let bytes = bytes.i32(at + 30, -1_250).i32(at + 34, 65).i32(at + 38, OPEN_WIRE + 7);
        let bytes = wide_levels(bytes.i32(at + 42, 2_240_000).i32(at + 46, 99), at + 50);
        bytes.i64(at + 214, 70_000).i64(at + 222, 80_000).i32s(at + 232, 21, 4)
    };
    let update = Update::CallAuction(CallAuction {
        token: Token(35_001),
        time: open(),
        book_type: 11,
        status: Some(SecurityStatus::PriceDiscovery),
        trades: Trades { volume: 5_000_000_000, net_change: PX(1_250), ..base.trades },
        indicative_quantity: 77,
        first_open: PX(99),
        bids: base.bids,
        asks: base.asks,
        total_buy: 70_000,
        total_sell: 80_000,
        prices: base.prices,
    });
    let message = record(record(Bytes::message(7214, 538).i16(40, 2), 42), 290);
    expect(CM, &message, &[update, update]);
}

#[test]
fn spreads_may_be_negative() {
    let levels = |base: i64| [0, 1, 2, 3, 4].map(|step| level(base + step, 10, 1 + step as u32));
    let update = Update::Spread(SpreadMarketByPrice {
        tokens: [Token(7), Token(8)],
        time: open(),
        last_active: open(),
        volume: 3_000_000_000,
        value: 1.5e9,
        bids: levels(-202),
        asks: levels(-2),
        total_buy: 5,
        total_sell: 6,
        prices: DayPrices { open: PX(-3), high: PX(-2), low: PX(-1), close: Px::ZERO },
        last_price: PX(0),
        last_update: open(),
    });
    let head = |code, size| {
        let bytes = Bytes::message(code, size).i32(40, 7).i32(44, 8).i16(48, 5).i16(50, 5);
        bytes.i32(52, OPEN_WIRE)
    };
    let tail = |bytes: Bytes, at: usize| {
        bytes.f64(at, 5.0).f64(at + 8, 6.0).i32s(at + 16, -3, 4).i32(at + 32, OPEN_WIRE)
    };
    let narrow = |bytes: Bytes, at: usize, base: i32| {
        (0..5).fold(bytes, |bytes, step| {
            let at = at + 10 * usize::from(step as u16);
            bytes.i16(at, 1 + step).i32(at + 2, 10).i32(at + 6, base + i32::from(step))
        })
    };
    let bytes = head(7211, 204).put(56, &3_000_000_000_u32.to_be_bytes()).f64(60, 1.5e9);
    expect(FO, &tail(narrow(narrow(bytes, 68, -202), 118, -2), 168), &[update]);
    let wide = |bytes: Bytes, at: usize, base: i32| {
        (0..5).fold(bytes, |bytes, step| {
            let at = at + 14 * usize::from(step as u16);
            bytes.i16(at, 1 + step).i64(at + 2, 10).i32(at + 10, base + i32::from(step))
        })
    };
    let bytes = head(17211, 248).i64(56, 3_000_000_000).f64(64, 1.5e9);
    expect(FO, &tail(wide(wide(bytes, 72, -202), 142, -2), 212), &[update]);
}

#[test]
fn tickers() {
    let ticker = |token, open_interest: Option<[u64; 3]>, index_value| {
        Update::Ticker(Ticker {
            segment: if open_interest.is_none() { CM } else { FO },
            token: Token(token),
            time: open(),
            market_type: 1,
            price: PX(500),
            quantity: 65,
            open_interest,
            index_value,
        })
    };
    let head = |bytes: Bytes, at: usize, token| {
        bytes.i32(at, token).i16(at + 4, 1).i32(at + 6, 500).i32(at + 10, 65)
    };
    let record = |bytes, at: usize, token| head(bytes, at, token).i32s(at + 14, 30, 3);
    let message = record(Bytes::message(7202, 484).i16(40, 17), 42, 1);
    let message = (1..17).fold(message, |bytes, index| record(bytes, 42 + 26 * index, 1));
    expect(FO, &message, &[ticker(1, Some([30, 31, 32]), Px::ZERO); 17]);
    let record = |bytes, at: usize, token| {
        head(bytes, at, token).i64(at + 14, 1 << 40).i64(at + 22, 2 << 40).i64(at + 30, 3)
    };
    let message = record(Bytes::message(17202, 498).i16(40, 2), 42, 1);
    let wide = |token| ticker(token, Some([1 << 40, 2 << 40, 3]), Px::ZERO);
    expect(FO, &record(message, 80, 2), &[wide(1), wide(2)]);
    let record = |bytes, at: usize, token| head(bytes, at, token).i32(at + 14, 2_500_000);
    let message = record(Bytes::message(18703, 546).i16(40, 2), 42, 1);
    let cash = |token| ticker(token, None, PX(2_500_000));
    expect(CM, &record(message, 60, 2), &[cash(1), cash(2)]);
}

#[test]
fn market_watches() {
    let market = |base: i64| WatchMarket {
        bid: level(base, 10, 0),
        ask: level(base + 1, 20, 0),
        last_price: PX(base + 2),
        last_time: open(),
        indicator: [0x40, 0],
    };
    let watch = |segment, open_interest| {
        Update::MarketWatch(MarketWatch {
            segment,
            token: Token(5),
            time: open(),
            markets: [100, 200, 300].map(market),
            open_interest,
        })
    };
    let wide = |bytes: Bytes, at: usize, base: i32| {
        let bytes = bytes.put(at, &[0x40, 0]).i64(at + 2, 10).i32(at + 10, base);
        let bytes = bytes.i64(at + 14, 20).i32(at + 22, base + 1);
        bytes.i32(at + 26, base + 2).i32(at + 30, OPEN_WIRE)
    };
    let wides = |bytes: Bytes, at| {
        (0..3).fold(bytes.i32(at, 5), |bytes, index| {
            wide(bytes, at + 4 + 34 * index as usize, 100 + 100 * index)
        })
    };
    let message = wides(Bytes::message(7201, 498).i16(40, 2), 42).i64(42 + 106, 1 << 40);
    let two = wides(message, 156).i64(156 + 106, 9);
    expect(FO, &two, &[watch(FO, 1 << 40), watch(FO, 9)]);
    let two = wides(wides(Bytes::message(7201, 466).i16(40, 2), 42), 148);
    expect(CM, &two, &[watch(CM, 0), watch(CM, 0)]);
    let message = (0..3).fold(Bytes::message(17201, 492).i16(40, 1).i32(42, 5), |bytes, index| {
        let (at, base) = (46 + 26 * index as usize, 100 + 100 * index);
        let bytes = bytes.put(at, &[0x40, 0]).i32(at + 2, 10).i32(at + 6, base);
        bytes.i32(at + 10, 20).i32(at + 14, base + 1).i32(at + 18, base + 2).i32(at + 22, OPEN_WIRE)
    });
    expect(FO, &message.i64(42 + 82, 1 << 40), &[watch(FO, 1 << 40)]);

    let message = Bytes::message(7215, 482).i16(40, 1).i32(42, 5).i16(46, 5).put(48, &[0x40, 0]);
    let message = message.i64(50, 10).i32(58, 100).i64(62, 20).i32(70, 101).i32(74, 102);
    let market = market(100);
    let update = AuctionWatch { token: Token(5), time: open(), market_type: 5, market };
    expect(CM, &message.i32(78, OPEN_WIRE), &[Update::AuctionWatch(update)]);
}

#[test]
fn cancels_interest_and_ranges() {
    let message = Bytes::message(7210, 490).i16(40, 1).i32(42, 5);
    let message = message.i64(50, 1).i64(58, 20).i64(66, 3).i64(74, 40);
    let (buy_count, buy_quantity, sell_count, sell_quantity) = (1, 20, 3, 40);
    let token = Token(5);
    let update = AuctionCancels { token, buy_count, buy_quantity, sell_count, sell_quantity };
    expect(CM, &message, &[Update::AuctionCancels(update)]);

    let interest = |token, open_interest| {
        Update::OpenInterest(OpenInterest { token: Token(token), open_interest })
    };
    let message = Bytes::message(7130, 504).i16(12, 58);
    let message = (0..58).fold(message, |bytes, index| {
        bytes.i32(40 + 8 * index, 1 + index as i32).i32(44 + 8 * index, -1)
    });
    let all: Vec<_> = (1..=58).map(|token| interest(token, u64::from(u32::MAX))).collect();
    expect(FO, &message, &all);
    let message = Bytes::message(17130, 508).i16(12, 2).i32(40, 1).i64(44, 1 << 40);
    let message = message.i32(52, 2).i64(56, 3);
    expect(FO, &message, &[interest(1, 1 << 40), interest(2, 3)]);

    let range = |token, low, high| {
        let (low, high) = (PX(low), PX(high));
        Update::ExecutionRange(ExecutionRange { token: Token(token), low, high })
    };
    let message = Bytes::message(7220, 344).i32(40, 2).i32(44, 1).i32(48, 210).i32(52, 190);
    let message = message.i32(56, 2).i32(60, 5).i32(64, 5);
    expect(FO, &message, &[range(1, 190, 210), range(2, 5, 5)]);
}

#[test]
fn indices() {
    let record = |bytes: Bytes, at: usize, name: &[u8]| {
        let bytes = bytes.put(at, name).i32s(at + 22, 100, 5).i32(at + 42, -150);
        let bytes = bytes.i32s(at + 46, 200, 2).i32s(at + 54, 300, 2);
        bytes.f64(at + 62, 1.25e12).put(at + 70, b"-")
    };
    let index = |segment, name| {
        Update::Index(Index {
            segment,
            name,
            time: open(),
            value: PX(100),
            prices: DayPrices { high: PX(101), low: PX(102), open: PX(103), close: PX(104) },
            change_basis_points: -150,
            yearly_high: PX(200),
            yearly_low: PX(201),
            up_moves: 300,
            down_moves: 301,
            market_capitalisation: 1.25e12,
            net_change_indicator: b'-',
        })
    };
    let names = [Text::new(b"Nifty 50"), Text::new(b"India VIX")];
    for (segment, code) in [(FO, 7207), (FO, 7216), (CM, 7207), (CM, 7216)] {
        let message = record(Bytes::message(code, 474).i16(40, 2), 42, b"Nifty 50             ");
        let message = record(message, 114, b"India VIX\0\0");
        expect(segment, &message, &names.map(|name| index(segment, name)));
    }
    let message = record(Bytes::message(8207, 474).i16(40, 1), 42, b"Nifty 50             ");
    let update = IndicativeIndex {
        name: names[0],
        time: open(),
        close: PX(100),
        change: PX(300),
        change_basis_points: -150,
        market_capitalisation: 1.25e12,
    };
    expect(CM, &message, &[Update::IndicativeIndex(update)]);

    let industry = |segment, name, value| {
        Update::IndustryIndex(IndustryIndex { segment, name, value: PX(value) })
    };
    let message = Bytes::message(7203, 442).i16(40, 2).put(42, b"BANKS          ").i32(58, 7);
    let banks = Text::new(b"BANKS");
    let steel = Text::new(b"STEEL");
    let message = message.put(62, b"STEEL").i32(78, 8);
    expect(FO, &message, &[industry(FO, banks, 7), industry(FO, steel, 8)]);
    let message = Bytes::message(7203, 484).i16(40, 2).put(42, b"BANKS          ").i32(64, 7);
    let message = message.put(68, b"STEEL").i32(90, 8);
    expect(CM, &message, &[industry(CM, banks, 7), industry(CM, steel, 8)]);
}

#[test]
fn status_messages() {
    use MarketAction::*;
    let text = b"Normal market has opened";
    let status = |segment, action, token, symbol| MarketStatus {
        segment,
        action,
        time: open(),
        market_type: 1,
        token,
        symbol,
        text: Text::new(text),
    };
    let (nifty, none) = (Text::new(b"NIFTY"), Text::new(b""));
    let fo = [Open, Close, PreOpenShutdown, PreOpenEnd, PostClose];
    for action in fo {
        let message =
            Bytes::message(action as i16, 320).i32(40, 9).put(50, b"NIFTY     ").i16(74, 1);
        let message = message.i16(78, text.len() as i16).put(80, text).put(120, b"not of the text");
        expect(FO, &message, &[Update::MarketStatus(status(FO, action, Some(Token(9)), nifty))]);
        let whole_market = message.i32(40, 0).put(50, &[b' '; 10]);
        expect(FO, &whole_market, &[Update::MarketStatus(status(FO, action, None, none))]);
    }
    for action in [Open, Close, PreOpenShutdown, PreOpenEnd, ClosingSessionStart, ClosingSessionEnd]
    {
        let message = Bytes::message(action as i16, 298).put(40, b"NIFTY     EQ").i16(52, 1);
        let message = message.i16(56, text.len() as i16).put(58, text);
        expect(CM, &message, &[Update::MarketStatus(status(CM, action, None, nifty))]);
    }
    let change = |segment, is_preopen, count: usize| {
        let mut markets = [None; 6];
        markets[..2].fill(Some(SecurityStatus::Suspended));
        markets[count - 1] = Some(SecurityStatus::PreOpen);
        let (token, time) = (Token(5), open());
        let change = SecurityStatusChange { segment, token, time, is_preopen, markets };
        Update::SecurityStatus(change)
    };
    for (code, is_preopen) in [(7320, false), (7210, true)] {
        let message = Bytes::message(code, 462).i16(40, 1).i32(42, 5);
        let message = message.i16(46, 3).i16(48, 3).i16(50, 99).i16(52, 1);
        expect(FO, &message, &[change(FO, is_preopen, 4)]);
    }
    for (code, is_preopen) in [(18130, false), (18707, true)] {
        let message = Bytes::message(code, 442).i16(40, 1).i32(42, 5);
        expect(
            CM,
            &message.i16(46, 3).i16(48, 3).i16(50, 99).i16(56, 1),
            &[change(CM, is_preopen, 6)],
        );
    }
    let message = Bytes::message(7764, 58).put(40, b"SBIN      EQ").i16(52, 1).i16(56, 4);
    let symbol = Symbol::new("SBIN");
    let (series, time) = (*b"EQ", open());
    let action = SymbolAction { symbol, series, time, market_type: 1, action_code: 4 };
    expect(CM, &message, &[Update::SymbolAction(action)]);
    expect(FO, &Bytes::message(6541, 40), &[Update::CircuitCheck]);
    expect(CM, &Bytes::message(6541, 40), &[Update::CircuitCheck]);
}

fn contract_name(bytes: Bytes, at: usize) -> Bytes {
    let bytes = bytes.put(at, b"OPTIDXNIFTY     XX").i32(at + 18, OPEN_WIRE);
    bytes.i32(at + 22, 2_250_000).put(at + 26, b"CE")
}

fn contract() -> ContractName {
    ContractName {
        instrument: Symbol::new("OPTIDX"),
        symbol: Symbol::new("NIFTY"),
        expiry: open(),
        strike: PX(2_250_000),
        option_type: Some(OptionType::Call),
    }
}

/// Eligible and open, as bytes and as read; and what zero bytes say.
const ELIGIBLE: [u8; 4] = [0x80, 0, 0, 2];
const NORMAL: MarketEligibility =
    MarketEligibility { is_eligible: true, status: Some(SecurityStatus::Open) };
const CLOSED: MarketEligibility = MarketEligibility { is_eligible: false, status: None };

#[test]
fn contract_master() {
    let message = contract_name(Bytes::message(7305, 298).i32(40, 35_001), 44).i16(74, 1);
    let message = message.i32(88, 1_800).put(104, &ELIGIBLE).i32s(138, 65, 2);
    let message = message.i32(146, 5).put(150, b"NIFTY26SEP22500CE").i32(192, 100).i32(196, 300);
    let message = message.put(240, b"NIFTY     ").i32(250, 26_000).i32(264, OPEN_WIRE);
    let message = message.put(268, b"Y").i32(294, 200);
    let update = ContractUpdate {
        token: Token(35_001),
        contract: contract(),
        name: Text::new(b"NIFTY26SEP22500CE"),
        is_permitted: true,
        is_deleted: true,
        markets: [NORMAL, CLOSED, CLOSED, CLOSED],
        freeze_quantity: 1_800,
        minimum_lot: 65,
        board_lot: 66,
        tick: PX(5),
        low_price_range: PX(100),
        high_price_range: PX(300),
        base_price: PX(200),
        asset_token: Some(Token(26_000)),
        asset_symbol: Symbol::new("NIFTY"),
        updated: open(),
    };
    expect(FO, &message, &[Update::Contract(update)]);
    let future = ContractName { strike: Px::ZERO, option_type: None, ..contract() };
    let message = message.i16(10, 7340).i32(66, -1).put(70, b"XX").i32(250, 0);
    let update = ContractUpdate { contract: future, asset_token: None, ..update };
    expect(FO, &message, &[Update::Contract(update)]);
}

#[test]
fn spread_master() {
    for code in [7309, 7341] {
        let message = contract_name(Bytes::message(code, 132).i32(40, 7).i32(44, 8), 48);
        let message = contract_name(message, 78).i32s(108, -200, 5).put(128, &[0x80, 0, b'N']);
        let update = SpreadUpdate {
            tokens: [Token(7), Token(8)],
            contracts: [contract(); 2],
            reference_price: PX(-200),
            day_range: [PX(-199), PX(-198)],
            operating_range: [PX(-197), PX(-196)],
            is_eligible: true,
            is_deleted: false,
        };
        expect(FO, &message, &[Update::SpreadContract(update)]);
    }
}

#[test]
fn security_master() {
    let message = Bytes::message(18720, 260).i32(40, 3_045).put(44, b"SBIN      EQ").i16(58, 1);
    let message = message.put(92, &ELIGIBLE).i32(130, 1).i32(134, 5);
    let message = message.put(138, b"STATE BANK OF INDIA      ").i32(204, OPEN_WIRE).put(208, b"N");
    let update = SecurityUpdate {
        token: Token(3_045),
        symbol: Symbol::new("SBIN"),
        series: *b"EQ",
        name: Text::new(b"STATE BANK OF INDIA"),
        isin: Text::new(b"INE062A01020"),
        is_permitted: true,
        is_deleted: false,
        markets: [NORMAL, CLOSED, CLOSED, CLOSED, CLOSED, CLOSED],
        board_lot: 1,
        tick: PX(5),
        face_value: PX(100),
        updated: open(),
    };
    expect(CM, &message.i32(234, 100).put(238, b"INE062A01020"), &[Update::Security(update)]);
}

#[test]
fn header_fields() {
    let message = Bytes::message(6541, 40).put(30, &[17]);
    let clear = clear(&message);
    let decoded = decode(FO, &clear).unwrap();
    assert_eq!((decoded.stream(), decoded.time()), (17, open()));
    assert!(!decoded.is_short);
    let no_time = Bytes::message(6541, 41).i32(4, -5);
    let clear = super::clear(&no_time);
    assert_eq!(decode(FO, &clear[..48]).unwrap().time(), Nanos::ZERO);
    assert!(decode(FO, &clear[..48]).unwrap().is_short);
}
