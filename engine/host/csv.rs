//! Decoded messages and final books as CSV, for anyone to compare. Lines end with CR LF (RFC 4180).

use std::io::{self, Write};

use tezi_core::book::Books;
use tezi_core::{InstrumentState, InstrumentTable};
use tezi_model::{Event, EventKind, Instrument, InstrumentId, NseTime, Px, Side};

/// Writes events in the columns
/// `stream,seq,type,ts_ms_since_1980_ist,order_id_or_buy_id,sell_id,token,side,price_paise,qty`.
///
/// Times and prices that are not whole milliseconds or paise have decimals. Trades have no side;
/// orders have no sell id. Of feeds that name an order without its side: `R` is a quantity taken
/// away, `E` an execution, `U` a replacement with the new number as its sell id, and an `X` has
/// neither side nor price. Gaps and resets are no messages and have no row.
pub(crate) struct DecodedCsv<'a> {
    out: &'a mut (dyn Write + Send),
    error: Option<io::Error>,
}

impl<'a> DecodedCsv<'a> {
    pub(crate) fn new(out: &'a mut (dyn Write + Send)) -> Self {
        let header = "stream,seq,type,ts_ms_since_1980_ist,order_id_or_buy_id,sell_id,token,side,\
                      price_paise,qty";
        let error = write!(out, "{header}\r\n").err();
        Self { out, error }
    }

    /// Writes one row. After an error nothing more is written.
    pub(crate) fn write(&mut self, event: &Event) {
        if self.error.is_none() {
            self.error = write_event(self.out, event).err();
        }
    }

    /// What went wrong, `None` when every row is in the file.
    pub(crate) fn finish(mut self) -> Option<String> {
        if self.error.is_none() {
            self.error = self.out.flush().err();
        }
        self.error.map(|error| format!("cannot write the decoded CSV: {error}"))
    }
}

fn write_event(out: &mut dyn Write, event: &Event) -> io::Result<()> {
    let letter = match event.kind() {
        Some(EventKind::OrderNew) => 'N',
        Some(EventKind::OrderModify) => 'M',
        Some(EventKind::OrderCancel) => 'X',
        Some(EventKind::Trade) => 'T',
        Some(EventKind::SpreadOrderNew) => 'G',
        Some(EventKind::SpreadOrderModify) => 'H',
        Some(EventKind::SpreadOrderCancel) => 'J',
        Some(EventKind::SpreadTrade) => 'K',
        Some(EventKind::TradeCancel) => 'C',
        Some(EventKind::OrderReduce) => 'R',
        Some(EventKind::OrderExecute) => 'E',
        Some(EventKind::OrderReplace) => 'U',
        Some(EventKind::TradingStatus) => 'S',
        Some(EventKind::IndexValue) => 'I',
        Some(EventKind::BookClear) => 'B',
        _ => return Ok(()),
    };
    let is_trade = matches!(letter, 'T' | 'K' | 'C');
    // These name an order and not its side, as does a cancel that says nothing else of it.
    let is_bare = letter == 'X' && event.price == Px::ZERO && event.quantity.0 == 0;
    let has_side = !is_trade && !is_bare && !matches!(letter, 'R' | 'E' | 'U' | 'S' | 'I' | 'B');
    let ns = NseTime::from_nanos(event.exchange_time).0;
    write!(out, "{},{},{letter},{}", event.stream.number(), event.sequence, ns / 1_000_000)?;
    if ns % 1_000_000 != 0 {
        write!(out, ".{:06}", ns % 1_000_000)?;
    }
    write!(out, ",{},", event.order_id)?;
    if is_trade || letter == 'U' {
        write!(out, "{}", event.sell_order_id)?;
    }
    write!(out, ",{},", event.token)?;
    if has_side {
        write!(out, "{}", event.side().letter())?;
    }
    out.write_all(b",")?;
    write_paise(out, event.price)?;
    write!(out, ",{}\r\n", event.quantity)
}

/// Writes the books in the columns `token,side,level,price_paise,qty,orders`: instruments by
/// segment and token, bids before asks, best level first. After all of them the spreads of two legs,
/// by segment and tokens, with both tokens in the first column, `near/far`, and the difference of
/// their prices, which may be negative.
pub(crate) fn write_books(
    out: &mut dyn Write,
    instruments: &InstrumentTable,
    books: &Books,
) -> io::Result<()> {
    out.write_all(b"token,side,level,price_paise,qty,orders\r\n")?;
    let key = |(id, state): (InstrumentId, &InstrumentState)| {
        let Instrument { segment_code, token, .. } = state.definition;
        let far = state.definition.legs().map(|[_, far]| far);
        (far.is_some(), segment_code, token, far, id)
    };
    let mut order: Vec<_> = instruments.iter().map(key).collect();
    order.sort_unstable();
    for (_, _, token, far, id) in order {
        for side in Side::BOTH {
            for (index, level) in books.levels(id, side).enumerate() {
                write!(out, "{token}")?;
                if let Some(far) = far {
                    write!(out, "/{far}")?;
                }
                write!(out, ",{},{},", side.letter(), index + 1)?;
                write_paise(out, level.price)?;
                write!(out, ",{},{}\r\n", level.quantity, level.orders)?;
            }
        }
    }
    out.flush()
}

fn write_paise(out: &mut dyn Write, price: Px) -> io::Result<()> {
    match price.to_paise() {
        Some(paise) => write!(out, "{paise}"),
        None => write!(out, "{}", price.0 as f64 / Px::PAISA as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_core::book::BooksConfig;
    use tezi_model::{OrderId, Qty, Segment, Token};

    #[test]
    fn spreads_come_after_every_other_book_with_both_tokens() {
        const FO: Segment = Segment::NseFo;
        let mut instruments = InstrumentTable::new(8);
        let config = BooksConfig { instruments_max: 8, orders_max: 8, levels_max: 8 };
        let mut books = Books::new(&config);
        let near = Instrument::unknown(FO, Token(7));
        let spreads = [9, 8].map(|far| Instrument::spread(&near, Token(far)));
        let cash = Instrument::unknown(Segment::NseCm, Token(3));
        let orders = [
            (spreads[0], Side::Sell, -20),
            (cash, Side::Buy, 100),
            (spreads[1], Side::Buy, 5),
            (near, Side::Sell, 200),
        ];
        for (id, (definition, side, paise)) in (1..).zip(orders) {
            let instrument = instruments.define(&definition).unwrap();
            books.add_instrument().unwrap();
            let price = Px::from_paise(paise);
            books.on_new(instrument, 1, OrderId(id), side, price, Qty(25)).unwrap();
        }
        let mut out = Vec::new();
        write_books(&mut out, &instruments, &books).unwrap();
        let lines = [
            "token,side,level,price_paise,qty,orders",
            "7,S,1,200,25,1",
            "3,B,1,100,25,1",
            "7/8,B,1,5,25,1",
            "7/9,S,1,-20,25,1",
            "",
        ];
        assert_eq!(String::from_utf8(out).unwrap(), lines.join("\r\n"));
    }
}
