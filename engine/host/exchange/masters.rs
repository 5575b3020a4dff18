//! The exchange's files for members: contracts and spreads, and which stream carries which.

use core::fmt::Write;

use tezi_exchange::{Listing, SpreadOfTheDay};
use tezi_gateway::nnf::Underlying;
use tezi_model::{Instrument, InstrumentKind, Nanos, NseTime, OptionType, Px};

/// Fields of a line of `contract.txt`.
const CONTRACT_FIELDS: usize = 69;
/// Fields of a line of `spd_contract.txt`, and of one of its legs.
const SECURITY_FIELDS: usize = 54;
const SPREAD_FIELDS: usize = 29;
const SPREAD_LEG_FIELDS: usize = 7;

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
        let (expiry, last) = match listing.underlying {
            Underlying::Series(_) => (0, series(listing)),
            _ => (seconds(it.expiry), option_type(it).into()),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "C,{},{},{},{},{expiry},{},{last}",
            listing.stream,
            it.token,
            instrument_name(listing),
            it.symbol.as_str(),
            strike(it),
        );
    }
    text
}

/// `security.txt` (NNF CM 6.3, appendix): 54 fields between bars, the range as text in rupees. Who issued
/// how much is not known here, so the freeze quantity is not in it.
#[must_use]
pub fn security_file(listings: &[Listing], now: Nanos) -> String {
    let mut text = format!("NEATCM|06.03|{}\n", seconds(now));
    for listing in listings {
        let it = &listing.instrument;
        let mut fields: Vec<String> = vec![String::new(); SECURITY_FIELDS];
        let [low, high] = [it.price_low, it.price_high].map(|price| rupees(paise(price)));
        let known = [
            (0, it.token.to_string()),
            (1, it.symbol.as_str().into()),
            (2, series(listing)),
            (3, "0".into()),
            (5, "1".into()),
            (6, format!("{low}-{high}")),
            (8, "1".into()),
            (19, it.lot.0.to_string()),
            (20, paise(it.tick).to_string()),
            (21, it.symbol.as_str().into()),
            (51, "N".into()),
        ];
        for (place, value) in known {
            fields[place] = value;
        }
        text += &fields.join("|");
        text.push('\n');
    }
    text
}

/// `spd_contract.txt` (NNF F&O 9.48, spread master): 29 fields between bars, differences in paise.
/// `spreads` as [`ExchangeConfig::spreads_of_the_day`](tezi_exchange::ExchangeConfig::spreads_of_the_day)
/// has them.
#[must_use]
pub fn spread_file(spreads: &[SpreadOfTheDay]) -> String {
    let mut text = String::from("NEATFO|09.48|\n");
    for spread in spreads {
        let mut fields: Vec<String> = vec![String::new(); SPREAD_FIELDS];
        for (at, leg) in spread.legs.iter().enumerate() {
            let it = &leg.instrument;
            fields[at] = it.token.to_string();
            let known = [
                instrument_name(leg).into(),
                it.symbol.as_str().into(),
                "XX".into(),
                seconds(it.expiry).to_string(),
                strike(it).to_string(),
                option_type(it).into(),
                "0".into(),
            ];
            for (place, value) in known.into_iter().enumerate() {
                fields[2 + at * SPREAD_LEG_FIELDS + place] = value;
            }
            let sizes = [it.lot.0.to_string(), it.lot.0.to_string(), paise(it.tick).to_string()];
            for (place, value) in sizes.into_iter().enumerate() {
                fields[21 + at * 3 + place] = value;
            }
        }
        let [low, high] = spread.range.map(|price| paise(price).to_string());
        let known = [
            (16, paise(spread.reference).to_string()),
            // Nothing has traded at the start of the day: its range is that of orders.
            (17, low.clone()),
            (18, high.clone()),
            (19, low),
            (20, high),
            (27, "1".into()),
            (28, "N".into()),
        ];
        for (place, value) in known {
            fields[place] = value;
        }
        text += &fields.join("|");
        text.push_str("|\n");
    }
    text
}

/// Stream information of spreads (MTBT 6.7, chapter 5), made at `now`.
#[must_use]
pub fn spread_stream_information(spreads: &[SpreadOfTheDay], now: Nanos) -> String {
    let mut text = format!("{},{},\n", seconds(now), spreads.len());
    for spread in spreads {
        let [near, far] = spread.listing.legs;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "P,{},{near},{far}", spread.listing.stream);
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
        (_, Underlying::Series(_)) => "EQUITY",
    }
}

/// The series of a share.
fn series(listing: &Listing) -> String {
    match listing.underlying {
        Underlying::Series(series) => String::from_utf8_lossy(&series).trim_end().into(),
        Underlying::Index | Underlying::Stock => String::new(),
    }
}

/// Paise as rupees with two decimals.
fn rupees(paise: i64) -> String {
    format!("{}.{:02}", paise / 100, paise % 100)
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
    fn spreads_are_read_again_with_their_streams() {
        let text = include_str!("../../../examples/scenarios/spread.toml");
        let config = Scenario::parse(text).unwrap().config(&[]).unwrap();
        let spreads = config.spreads_of_the_day().unwrap();
        let now = Nanos::from_ist(2026, 11, 20, 8, 0, 0);
        let files = [spread_file(&spreads), spread_stream_information(&spreads, now)];
        let options = LoadOptions::of_segment(Segment::NseFo);
        let loaded: Vec<_> =
            files.iter().map(|file| load(file.as_bytes(), &options).unwrap()).collect();
        let merged = ReferenceData::merge(loaded);
        assert_eq!((merged.spreads().len(), spreads.len()), (1, 1));
        let (read, written) = (&merged.spreads()[0], &spreads[0]);
        assert_eq!(read.stream.map(|stream| stream.number()), Some(written.listing.stream.into()));
        assert_eq!(read.instrument(), written.instrument());
        assert_eq!(read.reference_price, written.reference);
        assert_eq!(read.legs.map(|leg| leg.expiry), written.legs.map(|it| it.instrument.expiry));
        assert_eq!((read.operating_range, read.is_eligible), (written.range, Some(true)));
    }

    #[test]
    fn shares_are_read_again_with_their_streams() {
        let text = include_str!("../../../examples/scenarios/shares.toml");
        let config = Scenario::parse(text).unwrap().config(&[]).unwrap();
        let listings = config.listings_of_the_day().unwrap();
        let now = Nanos::from_ist(2026, 11, 20, 8, 0, 0);
        let files = [security_file(&listings, now), stream_information(&listings, now)];
        let options = LoadOptions::of_segment(Segment::NseCm);
        let loaded: Vec<_> =
            files.iter().map(|file| load(file.as_bytes(), &options).unwrap()).collect();
        let merged = ReferenceData::merge(loaded);
        assert_eq!(merged.instruments().len(), listings.len());
        for (read, written) in merged.instruments().iter().zip(&listings) {
            let stream = read.details.stream.map(|stream| stream.number());
            assert_eq!(stream, Some(written.stream.into()));
            assert_eq!(read.instrument, written.instrument);
            assert_eq!(read.details.series.as_str(), super::series(written));
        }
    }

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
