//! Rows about spreads, orders of several legs, block deals, and a member's kill switch.

use tezi::matching::{
    BlockTerms, InstrumentTerms, Leg, LegPriceRule, LegsOrder, Order, Refusal, Spread,
};
use tezi::model::{InstrumentId, Money, Px, Qty, Side};

use super::input::{Row, Wrong, rupees};
use super::session::{MatchSession, SIDES, band, fill, flag};

/// A spread's terms: differences of any sign, unless the row has a band.
pub(super) fn spread_terms(terms: &InstrumentTerms, has_band: bool) -> InstrumentTerms {
    let spread = InstrumentTerms::spread(terms.tick, terms.lot);
    let band = if has_band { terms.band } else { spread.band };
    InstrumentTerms { band, reference: spread.reference, ..*terms }
}

/// The parts of a field, one a leg.
fn parts<'a>(row: &'a Row, column: &'static str, count: usize) -> Result<Vec<&'a str>, Wrong> {
    let parts: Vec<&str> = row.get(column).split('+').map(str::trim).collect();
    if parts.len() == count {
        Ok(parts)
    } else {
        Err(row.wrong(column, format!("{count} parts are needed, one a leg, as in 1+2")))
    }
}

impl MatchSession {
    /// The legs that `near=` and `far=` name; `None` of an instrument that is no spread.
    pub(super) fn legs_of(&self, row: &Row) -> Result<Option<Spread>, Wrong> {
        let (Some(near), Some(far)) = (flag(row, "near"), flag(row, "far")) else {
            return Ok(None);
        };
        let leg_price = match flag(row, "leg-price") {
            None | Some("near") => LegPriceRule::Near,
            Some("far") => LegPriceRule::Far,
            Some(other) => {
                return Err(row.wrong("flags", format!("leg-price={other} is near or far")));
            }
        };
        let [near, far] = [near, far].map(|name| self.known_instrument(row, name));
        Ok(Some(Spread { near: near?, far: far?, leg_price }))
    }

    fn known_instrument(&self, row: &Row, name: &str) -> Result<InstrumentId, Wrong> {
        let position = self.instruments.iter().position(|known| known == name);
        let instrument = position.map(|at| InstrumentId(at as u32));
        instrument.ok_or_else(|| row.wrong("flags", format!("no instrument '{name}' before this")))
    }

    /// An order of two or three legs: instrument, side, price and quantity have a part for each.
    pub(super) fn submit_legs(&mut self, row: &Row) -> Result<(), Wrong> {
        let count = row.get("instrument").split('+').count();
        if !(2..=3).contains(&count) {
            return Err(row.wrong("instrument", "two or three are needed, as in A+B"));
        }
        let names = parts(row, "instrument", count)?;
        let sides = parts(row, "side", count)?;
        let prices = parts(row, "price", count)?;
        let quantities = parts(row, "quantity", count)?;
        let mut legs = [None; 3];
        for (index, leg) in legs[..count].iter_mut().enumerate() {
            let position = self.instruments.iter().position(|known| known == names[index]);
            let known = position.map(|at| InstrumentId(at as u32)).ok_or_else(|| {
                row.wrong("instrument", format!("no instrument '{}' before this", names[index]))
            });
            let side = SIDES.iter().find(|(word, _)| word.eq_ignore_ascii_case(sides[index]));
            let side = side.map(|(_, side)| *side);
            let quantity = quantities[index].parse().map(Qty);
            *leg = Some(Leg {
                instrument: known?,
                side: side.ok_or_else(|| row.wrong("side", "buy or sell is needed"))?,
                price: rupees(prices[index])
                    .ok_or_else(|| row.wrong("price", "a price in rupees is needed"))?,
                quantity: quantity
                    .map_err(|_| row.wrong("quantity", "a whole number is needed"))?,
            });
        }
        self.names.push(row.get("order").to_string());
        let blank = Order {
            member: 1,
            reference: self.names.len() as u64,
            ..Order::limit(InstrumentId(0), Side::Buy, Px::ZERO, Qty::ZERO)
        };
        let Order { owner, self_trade, member, reference, .. } = fill(&row.without_legs(), blank)?;
        let order = LegsOrder { legs, owner, self_trade, member, reference };
        let (now, mut reports) = (self.now, Vec::new());
        // A refusal is in the reports.
        let _ = self.matcher.submit_legs(now, &order, &mut reports);
        self.keep(row, reports, Ok(()))
    }

    pub(super) fn open_blocks(&mut self, row: &Row) -> Result<(), Wrong> {
        let instrument = self.instrument(row)?;
        let range = band(row, flag(row, "band").unwrap_or_default())?;
        let value_min = match flag(row, "value-min") {
            None => Money::ZERO,
            Some(text) => {
                let rupees = text.parse().map(Money::from_rupees);
                rupees.map_err(|_| row.wrong("flags", "value-min=RUPEES, a whole number"))?
            }
        };
        let done = self.matcher.open_blocks(instrument, BlockTerms { range, value_min });
        self.keep(row, Vec::new(), done)
    }

    pub(super) fn close_blocks(&mut self, row: &Row) -> Result<(), Wrong> {
        let instrument = self.instrument(row)?;
        let (now, mut reports) = (self.now, Vec::new());
        let done = self.matcher.close_blocks(now, instrument, &mut reports);
        self.keep(row, reports, done)
    }

    pub(super) fn kill(&mut self, row: &Row) -> Result<(), Wrong> {
        let member = row.number("member")?.unwrap_or(1);
        let instrument = match row.get("instrument") {
            "" => None,
            _ => Some(self.instrument(row)?),
        };
        let (now, mut reports) = (self.now, Vec::new());
        let done = self.matcher.cancel_member(now, member, instrument, &mut reports);
        let done: Result<(), Refusal> = done.map(|_| ());
        self.keep(row, reports, done)
    }
}
