//! A recorded CME session, order by order, written again as ITCH 5.0: real flow on a deep book.
//!
//! The recording is private. `TEZI_CAPTURES` says where it lies; without it there is no tape.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tezi::feed_handler::wire::dbn::{Decoder, Record, Records, decompress};
use tezi::model::{Event, EventKind};

use super::itch_tape::{ItchTape, Maker};
use super::naive_book::NaiveOrder;

const FILE: &str = "databento/esh4-glbx-mdp3-20231225.mbo.dbn.zst";
const SIZE_MAX: usize = 1 << 27;
/// The model's price units in one of ITCH.
const PRICE_UNITS: i64 = 10_000;

/// The session, `None` when the recording is not there. Its snapshot is the opening.
pub(crate) fn real() -> Option<ItchTape> {
    let root = PathBuf::from(std::env::var_os("TEZI_CAPTURES")?);
    let file = std::fs::read(root.join(FILE)).ok()?;
    let plain = decompress(&file, SIZE_MAX).expect("the recording opens");
    let (metadata, records) = Records::open(&plain).expect("the recording has a head");
    let mut decoder = Decoder::new(metadata.segment().expect("the segment is known"));
    let mut rewriter = Rewriter { maker: Maker::new(1), numbers: BTreeMap::new() };
    let mut opening = None;
    for record in records {
        let Ok(Record::Mbo(message)) = record else { continue };
        let taken = decoder.on_record(message, |event| {
            if event.kind() == Some(EventKind::StreamWhole) {
                opening.get_or_insert_with(|| rewriter.maker.cut());
            }
            rewriter.on_event(event);
        });
        assert!(taken.is_ok(), "every record of the session is in order");
    }
    Some(rewriter.maker.finish("real", opening.unwrap_or_default()))
}

struct Rewriter {
    maker: Maker,
    /// The exchange's numbers to those of the tape.
    numbers: BTreeMap<u64, u32>,
}

impl Rewriter {
    fn on_event(&mut self, event: &Event) {
        let number = event.order_id.0;
        let id = self.numbers.get(&number).copied();
        let price = u32::try_from(event.price.0 / PRICE_UNITS).expect("prices fit Price(4)");
        let quantity = event.quantity.0;
        match (event.kind(), id) {
            (Some(EventKind::OrderNew), None) => {
                let side = event.side();
                let order = NaiveOrder { symbol: 0, side, price, quantity };
                self.numbers.insert(number, self.maker.add(order));
            }
            (Some(EventKind::OrderModify), Some(id)) => {
                let order = self.maker.book.order(id);
                if price == order.price && quantity < order.quantity {
                    self.maker.cancel(id, order.quantity - quantity);
                } else if (price, quantity) != (order.price, order.quantity) {
                    let id_new = self.maker.replace(id, price, quantity);
                    self.numbers.insert(number, id_new);
                }
            }
            (Some(EventKind::OrderCancel), Some(id)) => {
                self.maker.delete(id);
                self.numbers.remove(&number);
            }
            (Some(EventKind::OrderReduce), Some(id)) => {
                if quantity < self.maker.book.order(id).quantity {
                    self.maker.cancel(id, quantity);
                } else {
                    self.maker.delete(id);
                    self.numbers.remove(&number);
                }
            }
            (Some(EventKind::OrderExecute), Some(id)) => {
                let is_gone = self.maker.execute(id, quantity);
                if is_gone {
                    self.numbers.remove(&number);
                }
            }
            (Some(EventKind::Trade), _) => self.maker.trade(0, price, quantity),
            _ => {}
        }
    }
}
