//! The exchange's files for members: contracts, and which stream carries which.

use core::fmt::Write;

use tezi_exchange::Listing;
use tezi_gateway::nnf::Underlying;
use tezi_model::{Instrument, InstrumentKind, Nanos, NseTime, OptionType, Px};

/// Fields of a line of `contract.txt`.
const CONTRACT_FIELDS: usize = 69;

/// `contract.txt` (NNF F&O 9.48, appendix): 69 fields between bars, prices in paise, times in seconds
/// since 1980. `listings` must say everything, as those of
/// [`ExchangeConfig::listings_of_the_day`](tezi_exchange::ExchangeConfig::listings_of_the_day) do.
#[must_use]
pub fn contract_file(listings: &[Listing]) -> String {
    let mut text = String::from("NEATFO|09.48|\n");
    for listing in listings {
        let it = &listing.instrument;
        let mut fields: Vec<String> = vec![String::new(); CONTRACT_FIELDS];
        let known = [
            (0, it.token.to_string()),
            (1, "0".into()),
            (2, instrument_name(listing).into()),
            (3, it.symbol.as_str().into()),
            (4, "XX".into()),
            (6, seconds(it.expiry).to_string()),
            (7, strike(it).to_string()),
            (8, option_type(it).into()),
            (12, "1".into()),
            (15, "1".into()),
            (30, it.lot.0.to_string()),
            (31, it.lot.0.to_string()),
            (32, paise(it.tick).to_string()),
            (34, it.freeze_quantity.0.to_string()),
            (42, paise(it.price_low).to_string()),
            (43, paise(it.price_high).to_string()),
            (53, it.to_string().replace('|', " ")),
            (63, if listing.underlying == Underlying::Index { "C" } else { "P" }.into()),
            (67, paise(listing.reference).to_string()),
            (68, "N".into()),
        ];
        for (place, value) in known {
            fields[place] = value;
        }
        text += &fields.join("|");
        text.push('\n');
    }
    text
}

/// Stream information (MTBT 6.7, chapter 5), made at `now`.
#[must_use]
pub fn stream_information(listings: &[Listing], now: Nanos) -> String {
    let mut text = format!("{},{},\n", seconds(now), listings.len());
    for listing in listings {
        let it = &listing.instrument;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "C,{},{},{},{},{},{},{}",
            listing.stream,
            it.token,
            instrument_name(listing),
            it.symbol.as_str(),
            seconds(it.expiry),
            strike(it),
            option_type(it)
        );
    }
    text
}

fn instrument_name(listing: &Listing) -> &'static str {
    let is_option = listing.instrument.kind() == InstrumentKind::Option;
    match (is_option, listing.underlying) {
        (true, Underlying::Index) => "OPTIDX",
        (true, Underlying::Stock) => "OPTSTK",
        (false, Underlying::Index) => "FUTIDX",
        (false, Underlying::Stock) => "FUTSTK",
        // A share is in no contract file.
        (_, Underlying::Series(_)) => "",
    }
}

fn option_type(it: &Instrument) -> &'static str {
    match it.option_type() {
        Some(OptionType::Call) => "CE",
        Some(OptionType::Put) => "PE",
        None => "XX",
    }
}

fn strike(it: &Instrument) -> i64 {
    if it.kind() == InstrumentKind::Option { paise(it.strike) } else { -1 }
}

fn paise(price: Px) -> i64 {
    price.to_paise().unwrap_or(0)
}

fn seconds(time: Nanos) -> i64 {
    NseTime::from_nanos(time).0 / 1_000_000_000
}

#[cfg(test)]
mod tests {
    use tezi_exchange::scenario::Scenario;
    use tezi_feed_handler::reference::{LoadOptions, ReferenceData, load};
    use tezi_model::Segment;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = include_str!("../../../examples/scenarios/nifty.toml");
        let config = Scenario::parse(text).unwrap().config(&[]).unwrap();
        let listings = config.listings_of_the_day().unwrap();
        let files = [
            contract_file(&listings),
            stream_information(&listings, Nanos::from_ist(2026, 11, 20, 8, 0, 0)),
        ];
        let options = LoadOptions::of_segment(Segment::NseFo);
        let read = |file: &String| load(file.as_bytes(), &options).unwrap();
        let loaded: Vec<_> = files.iter().map(read).collect();
        let merged = ReferenceData::merge(loaded);
        assert_eq!(merged.instruments().len(), listings.len());
        for (read, written) in merged.instruments().iter().zip(&listings) {
            let stream = read.details.stream.map(|stream| stream.number());
            assert_eq!(stream, Some(written.stream.into()));
            let (read, it) = (read.instrument, written.instrument);
            assert_eq!((read.token, read.symbol, read.expiry), (it.token, it.symbol, it.expiry));
            assert_eq!((read.strike, read.kind_code), (it.strike, it.kind_code));
            assert_eq!((read.option_code, read.lot), (it.option_code, it.lot));
            assert_eq!((read.tick, read.freeze_quantity), (it.tick, it.freeze_quantity));
            assert_eq!((read.price_low, read.price_high), (it.price_low, it.price_high));
            assert!(it.lot.0 > 0 && it.tick > Px::ZERO, "{it}");
        }
    }
}
