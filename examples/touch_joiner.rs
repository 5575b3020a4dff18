//! Joins the touch on the side that is heavier, one lot at a time, and flattens what it gets.
//!
//! `cargo run --release --example touch_joiner` runs it on the demo session,
//! `cargo run --release --example touch_joiner -- FILE.pcap` on a capture, unchanged.

use tezi::model::{ClientOrderId, InstrumentId, Px, Qty, Side};
use tezi::strategy::{BookUpdate, Context, Fill, Strategy};
use tezi::{Host, Session};

/// Trades the first instrument that shows a heavy side; one order at a time.
#[derive(Default)]
struct TouchJoiner {
    instrument: Option<InstrumentId>,
    order: Option<ClientOrderId>,
}

impl Strategy for TouchJoiner {
    fn name(&self) -> &str {
        "touch-joiner"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        if self.instrument.is_some_and(|mine| mine != update.instrument) {
            return;
        }
        let book = ctx.book(update.instrument);
        let (Some(bid), Some(ask), false) = (book.bid(), book.ask(), book.is_crossed()) else {
            return;
        };
        let heavy = if bid.quantity > 4 * ask.quantity {
            Side::Buy
        } else if ask.quantity > 4 * bid.quantity {
            Side::Sell
        } else {
            return;
        };
        let working = self.order.and_then(|id| ctx.order(id)).filter(|o| !o.status.is_terminal());
        let flat = ctx.position(update.instrument).net == 0;
        if working.is_none() && flat {
            let price = if heavy == Side::Buy { bid.price } else { ask.price };
            let lot = ctx.instrument(update.instrument).map_or(1, |i| i.definition.lot.0.max(1));
            self.order = ctx.submit(update.instrument, heavy, price, Qty(lot)).ok();
            self.instrument = self.order.map(|_| update.instrument);
        }
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        let net = ctx.position(fill.instrument).net;
        let side = if net > 0 { Side::Sell } else { Side::Buy };
        if let (true, Some(touch)) = (net != 0, ctx.book(fill.instrument).touch(fill.side)) {
            let away = Px(touch.price.0 + side.opposite().sign() * fill.price.0 / 1000);
            let price =
                ctx.instrument(fill.instrument).map_or(away, |i| away.ceil_to(i.definition.tick));
            self.order =
                ctx.submit(fill.instrument, side, price, Qty(net.unsigned_abs() as u32)).ok();
        }
    }
}

fn main() -> Result<(), tezi::Error> {
    let report =
        Host::new().run(&Session::of_files(std::env::args().skip(1)), TouchJoiner::default())?;
    println!("{report}");
    Ok(())
}
