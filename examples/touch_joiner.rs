//! Joins the heavier side of the touch, one lot at a time, and leaves through the other side.
//!
//! `cargo run --release --example touch_joiner` runs it on the demo session,
//! `cargo run --release --example touch_joiner -- FILE.pcap` on a capture, unchanged.

use tezi::model::{ClientOrderId, InstrumentId, Nanos, Qty, Side};
use tezi::strategy::{BookUpdate, Context, Strategy};
use tezi::{Host, Session};

/// Trades the first instrument whose touch is heavy on one side, with one order at a time.
#[derive(Default)]
struct TouchJoiner {
    instrument: Option<InstrumentId>,
    order: Option<ClientOrderId>,
    acted_at: Nanos,
}

impl Strategy for TouchJoiner {
    fn name(&self) -> &str {
        "touch-joiner"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, BookUpdate { instrument, .. }: BookUpdate) {
        let pause = ctx.now().since(self.acted_at) < 50_000_000; // 20 decisions a second
        if pause || self.instrument.is_some_and(|mine| mine != instrument) {
            return;
        }
        let book = ctx.book(instrument);
        // While an aggressor's trades are still to come, the book is crossed and says nothing.
        let (Some(bid), Some(ask), false) = (book.bid(), book.ask(), book.is_crossed()) else {
            return;
        };
        if let Some(order) =
            self.order.and_then(|id| ctx.order(id)).filter(|o| !o.status.is_terminal())
        {
            let touch = if order.side == Side::Buy { bid.price } else { ask.price };
            if order.price != touch && ctx.cancel(order.client_order_id).is_ok() {
                self.acted_at = ctx.now();
            }
            return;
        }
        let (side, price) = match ctx.position(instrument).net {
            1.. => (Side::Sell, ask.price),
            ..0 => (Side::Buy, bid.price),
            0 if bid.quantity > 2 * ask.quantity => (Side::Buy, bid.price),
            0 if ask.quantity > 2 * bid.quantity => (Side::Sell, ask.price),
            0 => return,
        };
        let lot = ctx.instrument(instrument).map_or(1, |state| state.definition.lot.0.max(1));
        self.order = ctx.submit(instrument, side, price, Qty(lot)).ok();
        (self.instrument, self.acted_at) = (Some(instrument), ctx.now());
    }
}

fn main() -> Result<(), tezi::Error> {
    let session = Session::of_files(std::env::args().skip(1));
    println!("{}", Host::new().run(&session, TouchJoiner::default())?);
    Ok(())
}
