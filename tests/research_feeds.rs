//! Books of research feeds: real order-by-order data of CME through decoder and book, with no
//! order unknown and no trade beyond an order. The data is private: `TEZI_CAPTURES` says where it
//! lies, and without it a session of our own is all that is checked.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

use std::path::PathBuf;

use tezi_core::book::{Books, BooksConfig};
use tezi_feed_handler::wire::dbn::{self, Record, Records, decompress};
use tezi_feed_handler::wire::itch;
use tezi_model::{Event, EventKind, InstrumentId, Nanos, Qty, Side};

/// Applies an event to the one book there is.
fn apply(books: &mut Books, instrument: InstrumentId, event: &Event) {
    let code = event.stream.segment().unwrap() as u8;
    let (id, side, price, quantity) = (event.order_id, event.side(), event.price, event.quantity);
    match event.kind().unwrap() {
        EventKind::OrderNew => {
            books.on_new(instrument, code, id, side, price, quantity).unwrap();
        }
        EventKind::OrderModify => {
            books.on_modify(instrument, code, id, side, price, quantity).unwrap();
        }
        EventKind::OrderCancel => {
            books.on_cancel(code, id);
        }
        EventKind::OrderReduce | EventKind::OrderExecute => {
            books.on_reduce(code, id, quantity);
        }
        EventKind::OrderReplace => {
            books.on_replace(code, id, event.sell_order_id, price, quantity).unwrap();
        }
        EventKind::SnapshotStart => books.clear(instrument),
        EventKind::Trade => assert!(id.is_none() && event.sell_order_id.is_none()),
        EventKind::StreamWhole | EventKind::TradeCancel => {}
        kind => panic!("{}", kind.name()),
    }
}

fn books() -> (Books, InstrumentId) {
    let config = BooksConfig { instruments_max: 1, orders_max: 1 << 15, levels_max: 1 << 13 };
    let mut books = Books::new(&config);
    let instrument = books.add_instrument().unwrap();
    (books, instrument)
}

#[test]
fn the_books_of_a_real_cme_session_hold_every_order() {
    let Some(root) = std::env::var_os("TEZI_CAPTURES") else {
        println!("skipped: TEZI_CAPTURES is not set");
        return;
    };
    for (day, orders_left) in [("20231224", 8_725), ("20231225", 11_217)] {
        let name = format!("esh4-glbx-mdp3-{day}.mbo.dbn.zst");
        let file = std::fs::read(PathBuf::from(&root).join("databento").join(name)).unwrap();
        let plain = decompress(&file, 1 << 26).unwrap();
        let (metadata, records) = Records::open(&plain).unwrap();
        let mut decoder = dbn::Decoder::new(metadata.segment().unwrap());
        let (mut books, instrument) = books();
        let (mut is_open, mut crossed_before, mut crossed_after) = (false, 0, 0);
        for record in records {
            let Ok(Record::Mbo(message)) = record else { panic!("only market by order") };
            decoder.on_record(message, |event| apply(&mut books, instrument, event)).unwrap();
            // Orders may cross until the opening auction has traded.
            is_open |= message.action == b'T';
            if message.flags & dbn::flags::LAST != 0 && books.is_crossed(instrument) {
                *(if is_open { &mut crossed_after } else { &mut crossed_before }) += 1;
            }
        }
        assert!(books.is_consistent());
        let touch = Side::BOTH.map(|side| books.touch(instrument, side).unwrap());
        println!(
            "{day}: crossed before the open {crossed_before}, after {crossed_after}; {touch:?}"
        );
        let counters = *books.counters();
        println!("{counters:?}, {} levels", books.levels_count());
        let unknown = [counters.modify_unknown, counters.cancel_unknown, counters.trade_unknown];
        assert_eq!(unknown, [0; 3], "no event names an order that is not there");
        assert_eq!((counters.overfilled, counters.moved, counters.new_live), (0, 0, 0));
        assert_eq!((counters.refused, books.orders_count()), (0, orders_left));
        assert_eq!(crossed_after, 0, "no event of continuous trading leaves the book crossed");
    }
}

/// A message of one stock: type, then the fields behind the header.
fn message(message_type: u8, fields: &[&[u8]]) -> Vec<u8> {
    let header = [message_type, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9];
    [&header[..], &fields.concat()].concat()
}

#[test]
fn every_itch_message_of_an_order_finds_it_in_the_book() {
    let date = itch::SessionDate::new(2019, 12, 30).unwrap();
    let mut decoder = itch::Decoder::new(date, 1);
    let (mut books, instrument) = books();
    let id = |id: u64| id.to_be_bytes();
    let number = |number: u32| number.to_be_bytes();
    let stock = b"ZVZZT   ";
    let messages = [
        message(b'A', &[&id(1), b"B", &number(500), stock, &number(100_000)]),
        message(b'F', &[&id(2), b"S", &number(300), stock, &number(100_100), b"NSDQ"]),
        message(b'A', &[&id(3), b"S", &number(200), stock, &number(100_200)]),
        message(b'E', &[&id(1), &number(100), &id(71)]),
        message(b'C', &[&id(1), &number(50), &id(72), b"Y", &number(99_900)]),
        message(b'C', &[&id(1), &number(25), &id(73), b"N", &number(99_900)]),
        message(b'X', &[&id(2), &number(40)]),
        message(b'U', &[&id(2), &id(4), &number(250), &number(100_050)]),
        message(b'P', &[&id(0), b"B", &number(10), stock, &number(100_000), &id(74)]),
        message(b'Q', &[&id(1_000), stock, &number(100_000), &id(75), b"O"]),
        message(b'B', &[&id(71)]),
        message(b'D', &[&id(3)]),
    ];
    for (sequence, bytes) in (1..).zip(&messages) {
        let event = decoder.on_message(bytes, sequence, Nanos(1), 0).unwrap().unwrap();
        apply(&mut books, instrument, &event);
        assert!(books.is_consistent());
    }
    let touch = Side::BOTH.map(|side| books.touch(instrument, side).unwrap());
    assert_eq!(touch.map(|level| level.price.to_string()), ["10.00", "10.005"]);
    assert_eq!(touch.map(|level| (level.quantity, level.orders)), [(325, 1), (250, 1)]);
    let left = books.orders(instrument, Side::Sell).next().unwrap();
    assert_eq!((left.order_id.0, left.quantity), (4, Qty(250)));
    assert_eq!(*books.counters(), Default::default());
    assert_eq!(decoder.counters().non_printable, 1);
}
