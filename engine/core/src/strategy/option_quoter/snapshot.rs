//! The option quoter's state in a snapshot: its options, their volatilities and quotes, and the sheet,
//! bit for bit, since quotes follow from it.

use tezi_model::{ClientOrderId, Instrument, InstrumentId};

use super::{OPTIONS_MAX, OptionQuoter, OptionQuoterConfig, Quote, Quoted, Sheet};
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter};

impl OptionQuoter {
    pub(super) fn save_state(&self, out: &mut SnapshotWriter) {
        let Self {
            parameters: _,
            config,
            future,
            options,
            sheet,
            is_priced,
            priced_at,
            forward,
            hedge,
        } = self;
        out.text(&config.to_string());
        out.option(*future, |out, (id, definition)| {
            out.u32(id.0);
            out.record(&definition);
        });
        out.count(options.len());
        options.iter().for_each(|option| option.save(out));
        sheet.save(out);
        out.flag(*is_priced);
        out.time(*priced_at);
        out.f64(*forward);
        out.option(*hedge, |out, id| out.u64(id.0));
    }

    pub(super) fn load_state(
        &mut self,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        let config = OptionQuoterConfig::parse(input.text()?).ok();
        let config = input.known(config, "parameters")?;
        let future = input.option(|input| {
            let id = InstrumentId(input.u32()?);
            Ok((id, input.record::<Instrument>()?))
        })?;
        let mut options = Vec::with_capacity(OPTIONS_MAX);
        for _ in 0..input.count(self.config.options, "options")? {
            options.push(Quoted::load(input)?);
        }
        let loaded = Self {
            parameters: self.parameters,
            config,
            future,
            options,
            sheet: Sheet::load(input)?,
            is_priced: input.flag()?,
            priced_at: input.time()?,
            forward: input.f64()?,
            hedge: input.option(|input| input.u64().map(ClientOrderId))?,
        };
        input.finish()?;
        *self = loaded;
        Ok(())
    }
}

impl Quoted {
    fn save(&self, out: &mut SnapshotWriter) {
        let Self { instrument, definition, vol, looks, quotes } = self;
        out.u32(instrument.0);
        out.record(definition);
        out.f64(*vol);
        out.u32(*looks);
        for &Quote { order, moved_at } in quotes {
            out.option(order, |out, id| out.u64(id.0));
            out.time(moved_at);
        }
    }

    fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        let instrument = InstrumentId(input.u32()?);
        let (definition, vol, looks) = (input.record()?, input.f64()?, input.u32()?);
        let mut quotes = [Quote::default(); 2];
        for quote in &mut quotes {
            quote.order = input.option(|input| input.u64().map(ClientOrderId))?;
            quote.moved_at = input.time()?;
        }
        Ok(Self { instrument, definition, vol, looks, quotes })
    }
}

impl Sheet {
    fn save(&self, out: &mut SnapshotWriter) {
        let Self {
            forward,
            strike,
            years,
            vol,
            rate,
            is_call,
            price,
            delta,
            gamma,
            vega,
            theta,
            status,
        } = self;
        let columns = [forward, strike, years, vol, rate, price, delta, gamma, vega, theta];
        columns.into_iter().flatten().for_each(|&value| out.f64(value));
        is_call.iter().chain(status).for_each(|&code| out.u8(code));
    }

    fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        fn column(input: &mut SnapshotReader<'_>) -> Result<[f64; OPTIONS_MAX], SnapshotError> {
            let mut column = [0.0; OPTIONS_MAX];
            for value in &mut column {
                *value = input.f64()?;
            }
            Ok(column)
        }
        Ok(Self {
            forward: column(input)?,
            strike: column(input)?,
            years: column(input)?,
            vol: column(input)?,
            rate: column(input)?,
            price: column(input)?,
            delta: column(input)?,
            gamma: column(input)?,
            vega: column(input)?,
            theta: column(input)?,
            is_call: input.record()?,
            status: input.record()?,
        })
    }
}
