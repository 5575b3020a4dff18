//! Instruments from the exchange's files.
//!
//! So far the stream information of MTBT, `fo_contract_stream_info.csv` and its like (MTBT 6.7,
//! chapter 5): a header line, then `C,stream,token,instrument,symbol,expiry,strike,option type`.

use tezi_model::{Instrument, InstrumentKind, NseTime, OptionType, Px, Segment, Symbol, Token};

/// Reads the instruments of a file's text.
///
/// The file says neither lot nor tick; they stay unknown, and the checks that need them do not
/// apply.
///
/// # Errors
///
/// A sentence that names the first line that is wrong.
pub fn parse_stream_info(text: &str, segment: Segment) -> Result<Vec<Instrument>, String> {
    let mut instruments = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let fields: Vec<&str> = line.trim_end_matches(',').split(',').map(str::trim).collect();
        if fields.first() != Some(&"C") {
            if index == 0 || line.trim().is_empty() || fields.first() == Some(&"P") {
                continue;
            }
            return Err(format!("line {}: a contract line begins with C", index + 1));
        }
        let instrument = contract(&fields, segment)
            .ok_or_else(|| format!("line {}: not a contract: {line}", index + 1))?;
        instruments.push(instrument);
    }
    Ok(instruments)
}

fn contract(fields: &[&str], segment: Segment) -> Option<Instrument> {
    let &[_, _, token, name, symbol, expiry, strike, option] = fields else { return None };
    let mut instrument = Instrument::unknown(segment, Token(token.parse().ok()?));
    instrument.symbol = Symbol::new(symbol);
    let expiry_seconds: i64 = expiry.parse().ok()?;
    if expiry_seconds > 0 {
        // Seconds on the same wall clock as the messages' nanoseconds.
        instrument.expiry = NseTime(expiry_seconds.checked_mul(1_000_000_000)?).to_nanos();
    }
    let strike: i64 = strike.parse().ok()?;
    instrument.strike = Px(strike.checked_mul(segment.wire_price_units())?);
    let option = match option {
        "CE" => Some(OptionType::Call),
        "PE" => Some(OptionType::Put),
        _ => None,
    };
    let kind = match (name.get(..3), option) {
        (Some("OPT"), Some(_)) => InstrumentKind::Option,
        (Some("FUT"), _) => InstrumentKind::Future,
        (Some("EQU"), _) => InstrumentKind::Equity,
        _ => return None,
    };
    instrument.kind_code = kind as u8;
    instrument.option_code = option.map_or(0, |option| option as u8);
    Some(instrument)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_info_file_gives_its_contracts_and_a_bad_line_is_named() {
        let text = "1474449300,2,\nC,2,48125,OPTSTK,INFY,1474904400,120000,CE\n\
                    C,2,48126,FUTIDX,NIFTY,1474904400,0,XX\n";
        let instruments = parse_stream_info(text, Segment::NseFo).unwrap();
        assert_eq!(instruments[0].strike, Px::from_paise(120_000));
        assert_eq!(instruments[0].kind(), InstrumentKind::Option);
        assert_eq!(instruments[1].kind(), InstrumentKind::Future);
        assert!(instruments[1].to_string().starts_with("NIFTY 2026-09-26"));
        let error = parse_stream_info("0,1,\nC,1,x,FUTIDX,A,0,0,XX", Segment::NseFo);
        assert!(error.unwrap_err().starts_with("line 2: not a contract"));
    }
}
