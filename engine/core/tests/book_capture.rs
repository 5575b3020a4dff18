//! The book over 3,000 consecutive messages of a real session, joined in the middle of the day,
//! against the book an independent program made of them. The data is private: `TEZI_CAPTURES`
//! says where it lies, and without it nothing is checked here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use tezi_core::book::{Applied, BookError, Books, BooksConfig};
use tezi_model::{InstrumentId, OrderId, Px, Qty, Segment, Side};

const FO: u8 = Segment::NseFo as u8;

/// A file of the capture set, `None` when there is none.
fn read(name: &str) -> Option<String> {
    let folder = PathBuf::from(std::env::var_os("TEZI_CAPTURES")?);
    let path = folder.join("nse_mtbt").join(name);
    Some(std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}")))
}

/// A row of the decoded messages: `stream,seq,type,time,id,sell_id,token,side,price,quantity`.
struct Row<'a> {
    kind: &'a str,
    id: OrderId,
    sell_id: OrderId,
    token: u32,
    side: Side,
    price: Px,
    quantity: Qty,
}

fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    text.lines().skip(1).map(|line| {
        let cells: Vec<_> = line.split(',').collect();
        let order_id =
            |cell: &str| OrderId(if cell.is_empty() { 0 } else { cell.parse().unwrap() });
        Row {
            kind: cells[2],
            id: order_id(cells[4]),
            sell_id: order_id(cells[5]),
            token: cells[6].parse().unwrap(),
            side: if cells[7] == "S" { Side::Sell } else { Side::Buy },
            price: Px::from_paise(cells[8].parse().unwrap()),
            quantity: Qty(cells[9].parse().unwrap()),
        }
    })
}

/// Applies an outright message; spread messages belong to other books.
fn apply(books: &mut Books, instrument: InstrumentId, row: &Row<'_>) -> Result<Applied, BookError> {
    let Row { id, side, price, quantity, .. } = *row;
    match row.kind {
        "N" => books.on_new(instrument, FO, id, side, price, quantity),
        "M" => books.on_modify(instrument, FO, id, side, price, quantity),
        "X" => Ok(books.on_cancel(FO, id)),
        "T" => Ok(books.on_trade(FO, id, row.sell_id, quantity)),
        _ => Ok(Applied::IGNORED),
    }
}

/// The book as `token,side,level,price_paise,qty,orders`, by token, bids first, best first.
fn book_lines(books: &Books, tokens: &BTreeMap<u32, InstrumentId>) -> Vec<String> {
    let mut lines = Vec::new();
    for (token, &instrument) in tokens {
        for side in Side::BOTH {
            for (number, level) in (1..).zip(books.levels(instrument, side)) {
                let paise = level.price.to_paise().unwrap();
                let (letter, quantity) = (side.letter(), level.quantity);
                lines
                    .push(format!("{token},{letter},{number},{paise},{quantity},{}", level.orders));
            }
        }
    }
    lines
}

#[test]
fn the_book_of_a_real_session_equals_the_independent_one() {
    let (Some(decoded), Some(expected)) =
        (read("first3000.decoded.csv"), read("first3000.final_book.csv"))
    else {
        println!("skipped: TEZI_CAPTURES is not set");
        return;
    };
    let config = BooksConfig { instruments_max: 1_000, orders_max: 4_000, levels_max: 4_000 };
    let mut books = Books::new(&config);
    let mut tokens = BTreeMap::new();
    for row in rows(&decoded) {
        let instrument =
            *tokens.entry(row.token).or_insert_with(|| books.add_instrument().unwrap());
        apply(&mut books, instrument, &row).unwrap();
    }
    assert!(books.is_consistent());
    let counters = books.counters();
    assert_eq!((counters.refused, counters.moved, counters.overfilled), (0, 0, 0));
    let expected: Vec<_> = expected.lines().skip(1).collect();
    assert!(!expected.is_empty());
    assert_eq!(book_lines(&books, &tokens), expected);
}
