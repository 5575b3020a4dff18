//! Instruments known beforehand: from the exchanges' files, or from a journal.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use tezi::Entry;
use tezi::journal::{End, JournalReader};
use tezi::margin::RiskFile;
use tezi::masters::{self, LoadOptions, LoadedFile, ReferenceData, SpreadRecord};
use tezi::model::{Instrument, Nanos, Px, Qty, Segment};
use tezi::venue::Date;
use tezi::venue::rules::Rules;

use crate::args;
use crate::outcome::Failure;
use crate::risk::RiskArgs;

/// Which instruments are known beforehand.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Contracts")]
pub(crate) struct ContractArgs {
    /// Knows the instruments beforehand: names for tokens, quotes for options
    ///
    /// FILE is any of the exchanges' files, plain, gzip or zip, recognised by what is in it: contract
    /// or security masters, stream information, a UDiFF bhavcopy. Given several times, the files
    /// complete each other. A directory is a journal, whose instruments are taken. When there are
    /// options among them, the strategy is option-quoter where none is named, and watch otherwise.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) contracts: Vec<PathBuf>,
    /// The price step of the contracts, in rupees, where FILE does not say it
    #[arg(long, value_name = "RUPEES", value_parser = args::price, requires = "contracts")]
    tick: Option<Px>,
    /// The lot of the contracts, in units, where FILE does not say it
    #[arg(long, value_name = "UNITS", requires = "contracts",
          value_parser = clap::value_parser!(u32).range(1..))]
    lot: Option<u32>,
}

impl ContractArgs {
    /// The instruments of the files, with the tick and lot asked for. `segment` is that of files
    /// that do not say it.
    pub(crate) fn instruments(&self, segment: Segment) -> Result<Vec<Instrument>, Failure> {
        let mut instruments = Vec::new();
        let mut loaded = Vec::new();
        for path in &self.contracts {
            if path.is_dir() {
                instruments.extend(of_journal(path)?);
            } else {
                loaded.push(load(path, segment)?);
            }
        }
        let merged = ReferenceData::merge(loaded);
        instruments.extend(merged.instruments().iter().map(|record| record.instrument));
        instruments.extend(merged.spreads().iter().map(SpreadRecord::instrument));
        for instrument in &mut instruments {
            if instrument.tick == Px::ZERO {
                instrument.tick = self.tick.unwrap_or_default();
            }
            if instrument.lot == Qty::ZERO {
                instrument.lot = self.lot.map_or(Qty::ZERO, Qty);
            }
        }
        Ok(instruments)
    }
}

impl ContractArgs {
    /// What the margin of `instruments` is reckoned with: the prices of the files.
    pub(crate) fn risk_file(
        &self,
        instruments: &[Instrument],
        segment: Segment,
        risk: &RiskArgs,
    ) -> Result<RiskFile, Failure> {
        let files = self.contracts.iter().filter(|path| !path.is_dir());
        let loaded: Vec<LoadedFile> =
            files.map(|path| load(path, segment)).collect::<Result<_, _>>()?;
        let merged = ReferenceData::merge(loaded);
        let records = merged.instruments();
        let priced = records.iter().find_map(|record| record.details.prices);
        let date = risk.date().or_else(|| priced.map(|prices| Date::of(prices.date)));
        let date = date.unwrap_or_else(|| Date::of(now()));
        let rules = Rules::builtin().map_err(|error| Failure::Failed(error.to_string()))?;
        RiskFile::new(records, instruments, date, &rules, risk.options()).map_err(|_| {
            let what = "limits on margin need prices of the contracts: --contracts with a contract \
                        master or a bhavcopy";
            Failure::Usage(what.into())
        })
    }
}

fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

fn load(path: &Path, segment: Segment) -> Result<LoadedFile, Failure> {
    let failed = |what: String| Failure::Failed(format!("{}: {what}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::Failed(format!("cannot read contracts {}: {error}", path.display()))
    })?;
    masters::load(&bytes, &LoadOptions::of_segment(segment))
        .map_err(|error| failed(error.to_string()))
}

/// The instruments that a journal's session knew from its start.
fn of_journal(path: &Path) -> Result<Vec<Instrument>, Failure> {
    let mut reader = JournalReader::open(path)?;
    let mut instruments = Vec::new();
    while let Some(record) = reader.next_record() {
        match Entry::read(&record) {
            Ok(Entry::Instrument(instrument)) => instruments.push(*instrument),
            Ok(Entry::Session(_) | Entry::Config(_)) => {}
            // They come first: the session begins here.
            _ => return Ok(instruments),
        }
    }
    match reader.end() {
        Some(End::Clean) | None => Ok(instruments),
        Some(end) => Err(Failure::Failed(format!("{}: {end}", path.display()))),
    }
}
