//! Underlyings in a snapshot: who belongs to which, and what each instrument has. The sums follow.

use tezi_model::Symbol;

use super::{Exposed, Sums, Underlyings};
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Underlyings {
    /// Writes the symbols, and of so many instruments the underlying and what it has.
    pub(in crate::risk) fn save(&self, instruments: usize, out: &mut SnapshotWriter) {
        let Self { places, parts, sums: _, symbols } = self;
        out.part(part::UNDERLYINGS, |out| {
            out.count(symbols.len());
            symbols.iter().for_each(|symbol| out.record(symbol));
            for (&place, part) in places.iter().zip(parts).take(instruments) {
                let Exposed { net, buy, sell } = *part;
                // Its own place, or that of a symbol.
                out.u32((place as usize).saturating_sub(parts.len()) as u32);
                out.flag((place as usize) < parts.len());
                [net, buy, sell].into_iter().for_each(|units| out.i64(units));
            }
        });
    }

    /// Reads them into one that knows nothing.
    pub(in crate::risk) fn load(
        &mut self,
        instruments: usize,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        let most = self.parts.len();
        input.part(part::UNDERLYINGS, |input| {
            for _ in 0..input.count(most, "instruments_max")? {
                let symbol: Symbol = input.record()?;
                let is_new = symbol != Symbol::default() && !self.symbols.contains(&symbol);
                input.ensure(is_new, "symbol")?;
                self.symbols.push(symbol);
            }
            for index in 0..instruments.min(most) {
                let symbol = input.u32()? as usize;
                let is_alone = input.flag()?;
                let is_one = if is_alone { symbol == 0 } else { symbol < self.symbols.len() };
                input.ensure(is_one, "underlying")?;
                let place = if is_alone { index } else { most + symbol };
                let part = Exposed { net: input.i64()?, buy: input.i64()?, sell: input.i64()? };
                self.places[index] = place as u32;
                self.parts[index] = part;
                let sums = self.sums[place].checked_add(part);
                self.sums[place] = input.known(sums, "sum over an underlying")?;
            }
            Ok(())
        })
    }
}

impl Sums {
    /// The sums with another instrument; `None` where they would not fit.
    fn checked_add(self, part: Exposed) -> Option<Self> {
        // What one instrument has is far below this; two of them and a sum of many still fit.
        const UNITS_MAX: u64 = 1 << 60;
        let Exposed { net, buy, sell } = part;
        if [net, buy, sell].iter().any(|units| units.unsigned_abs() > UNITS_MAX) {
            return None;
        }
        let exposed = Exposed {
            net: self.exposed.net.checked_add(net)?,
            buy: self.exposed.buy.checked_add(buy)?,
            sell: self.exposed.sell.checked_add(sell)?,
        };
        Some(Self { exposed, gross: self.gross.checked_add(part.gross())? })
    }
}
