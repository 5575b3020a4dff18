//! Hand-made lines of every format: each field that is read, each one that can be wrong.

use tezi_model::{
    Instrument, InstrumentKind, Nanos, OptionType, Px, Qty, Segment, StreamId, Token,
};

use super::*;

/// A contract line as in NNF F&O 9.48, appendix: an option on an index.
pub(super) fn contract_fields() -> Vec<String> {
    let mut fields = vec![String::new(); 69];
    let known = [
        (0, "35001"),
        (1, "26000"),
        (2, "OPTIDX"),
        (3, "NIFTY"),
        (4, "XX"),
        (6, "1474904400"), // 2026-09-26 15:40:00
        (7, "2400050"),
        (8, "PE"),
        (9, "1"),
        (12, "1"),
        (14, "2"),
        (15, "1"),
        (30, "65"),
        (31, "130"),
        (32, "5"),
        (34, "1800"),
        (42, "10"),
        (43, "123455"),
        (53, "NIFTY26SEP24000.5PE"),
        (59, "E"),
        (63, "C"),
        (67, "61005"),
        (68, "N"),
    ];
    for (index, value) in known {
        fields[index] = value.into();
    }
    fields
}

/// A cash line as in NNF CM 6.3, appendix.
fn security_fields() -> Vec<String> {
    let mut fields = vec![String::new(); 54];
    let known = [
        (0, "1594"),
        (1, "INFY"),
        (2, "EQ"),
        (3, "0"),
        (4, "4152000000.00"),
        (5, "1"),
        (6, "1350.45-1650.55"),
        (8, "1"),
        (12, "1"),
        (19, "1"),
        (20, "10"),
        (21, "INFOSYS LIMITED"),
        (26, "41"),
        (51, "N"),
        (53, "INE009A01021"),
    ];
    for (index, value) in known {
        fields[index] = value.into();
    }
    fields
}

fn spread_fields() -> Vec<String> {
    "35100,35200,FUTIDX,NIFTY,XX,1474904400,-1,XX,0,FUTIDX,NIFTY,XX,1477323600,-1,XX,0,\
     -12050,-20000,-5,-30000,40000,65,65,10,130,65,20,1,N"
        .split(',')
        .map(String::from)
        .collect()
}

fn with(mut fields: Vec<String>, index: usize, value: &str) -> Vec<String> {
    fields[index] = value.into();
    fields
}

fn piped(header: &str, rows: &[Vec<String>]) -> String {
    let rows = rows.iter().map(|fields| fields.join("|") + "|\r\n");
    format!("{header}\r\n{}", rows.collect::<String>())
}

fn strict(text: &str, segment: Segment) -> Result<LoadedFile, LoadError> {
    load(text.as_bytes(), &LoadOptions::of_segment(segment))
}

fn only(text: &str) -> InstrumentRecord {
    let file = strict(text, Segment::NseFo).unwrap();
    assert!(file.report.adds_up());
    assert_eq!(file.instruments.len(), 1);
    file.instruments[0].clone()
}

/// The field and the reason of the first fault.
fn fault(text: &str) -> (&'static str, FaultReason) {
    match strict(text, Segment::NseFo) {
        Err(LoadError::Line(fault)) => {
            assert_eq!(fault.line, 2, "{fault}");
            (fault.field, fault.reason)
        }
        other => panic!("no line fault but {other:?}"),
    }
}

#[test]
fn a_contract_line_gives_every_field() {
    let record = only(&piped("NEATFO|09.48|", &[contract_fields()]));
    let expected = Instrument {
        symbol: tezi_model::Symbol::new("NIFTY"),
        expiry: Nanos::from_ist(2026, 9, 26, 15, 40, 0),
        strike: Px::from_paise(2_400_050),
        tick: Px::from_paise(5),
        price_low: Px::from_paise(10),
        price_high: Px::from_paise(123_455),
        lot: Qty(130),
        freeze_quantity: Qty(1800),
        kind_code: InstrumentKind::Option as u8,
        option_code: OptionType::Put as u8,
        ..Instrument::unknown(Segment::NseFo, Token(35_001))
    };
    assert_eq!(record.instrument, expected);
    let details = record.details;
    assert_eq!(details.source, FileKind::Contract);
    assert_eq!(details.underlying, UnderlyingKind::Index);
    assert_eq!(details.underlying_token, Some(Token(26_000)));
    assert_eq!(details.series.as_str(), "XX");
    assert_eq!(&*details.name, "NIFTY26SEP24000.5PE");
    assert_eq!(details.quantity_min, Qty(65));
    assert_eq!(details.base_price, Px::from_paise(61_005));
    assert_eq!(details.permission, Some(TradingPermission::Permitted));
    assert_eq!(details.normal_market, Some(true));
    assert_eq!(details.settlement, Some(SettlementMethod::Cash));
    assert_eq!((details.stream, details.isin, details.prices), (None, None, None));
}

#[test]
fn a_future_has_no_strike_and_a_stock_is_settled_by_delivery() {
    let mut fields = contract_fields();
    for (index, value) in [(1, "-1"), (2, "FUTSTK"), (7, "-1"), (8, "XX"), (31, ""), (63, "P")] {
        fields[index] = value.into();
    }
    let record = only(&piped("NEATFO|09.48|", &[fields]));
    assert_eq!(record.instrument.kind(), InstrumentKind::Future);
    assert_eq!(record.instrument.option_type(), None);
    assert_eq!(record.instrument.strike, Px::ZERO);
    assert_eq!(record.instrument.lot, Qty(65), "without a board lot the minimum lot counts");
    assert_eq!(record.details.underlying, UnderlyingKind::Stock);
    assert_eq!(record.details.underlying_token, None);
    assert_eq!(record.details.settlement, Some(SettlementMethod::Physical));
}

#[test]
fn each_wrong_field_of_a_contract_is_named() {
    use FaultReason as R;
    let cases = [
        (0, "", "token", R::Missing),
        (0, "0", "token", R::OutOfRange),
        (0, "2147483648", "token", R::OutOfRange),
        (0, "35x", "token", R::NotANumber),
        (0, "99999999999999999999", "token", R::OutOfRange),
        (1, "-2", "asset token", R::OutOfRange),
        (2, "OPT", "instrument", R::UnknownCode),
        (2, "EQUITY", "instrument", R::UnknownCode),
        (2, "UNDIDX", "instrument", R::UnknownCode),
        (3, "", "symbol", R::Missing),
        (3, "SEVENTEEN-LETTERS", "symbol", R::TooLong),
        (3, "NIF\u{e9}", "symbol", R::UnknownCode),
        (6, "-1", "expiry", R::Missing),
        (6, "4294967296", "expiry", R::OutOfRange),
        (7, "-1", "strike", R::OutOfRange),
        (7, "9223372036854775807", "strike", R::OutOfRange),
        (7, "24000.50", "strike", R::NotANumber),
        (8, "", "option type", R::Missing),
        (8, "XX", "option type", R::UnknownCode),
        (12, "3", "permitted to trade", R::UnknownCode),
        (15, "x", "normal market eligibility", R::UnknownCode),
        (30, "-1", "minimum lot", R::OutOfRange),
        (31, "4294967296", "board lot", R::OutOfRange),
        (32, "-5", "tick", R::OutOfRange),
        (34, "many", "freeze quantity", R::NotANumber),
        (42, "-1", "low price", R::OutOfRange),
        (42, "123456", "low price", R::InvertedRange),
        (43, "x", "high price", R::NotANumber),
        (63, "Q", "settlement", R::UnknownCode),
        (67, "-1", "base price", R::OutOfRange),
        (68, "", "delete flag", R::Missing),
        (68, "61005", "delete flag", R::UnknownCode),
    ];
    for (index, value, field, reason) in cases {
        let line = with(contract_fields(), index, value);
        assert_eq!(fault(&piped("NEATFO|1|", &[line])), (field, reason), "{index}: {value:?}");
    }
    let deleted = with(with(contract_fields(), 68, "Y"), 3, "");
    let deleted = strict(&piped("NEATFO|1|", &[deleted]), Segment::NseFo).unwrap().report;
    assert_eq!((deleted.set_aside, deleted.loaded), (1, 0), "what is deleted need not be sound");
    let mut lots = contract_fields();
    (lots[30], lots[31]) = ("0".into(), "0".into());
    assert_eq!(fault(&piped("NEATFO|1|", &[lots])), ("board lot", R::Missing));
    let short = contract_fields()[..60].to_vec();
    assert_eq!(fault(&piped("NEATFO|1|", &[short])), ("field count", R::TooFewFields));
    // One field lost in the middle shifts the rest: caught, whatever the numbers.
    for lost in 10..63 {
        let mut shifted = contract_fields();
        shifted.remove(lost);
        shifted.push(String::new());
        assert!(strict(&piped("NEATFO|1|", &[shifted]), Segment::NseFo).is_err(), "{lost}");
    }
}

#[test]
fn a_security_line_gives_every_field() {
    // 2026-08-03 08:00:00 and the second before that day.
    let record = only(&piped("NEATCM|06.30|1470211200", &[security_fields()]));
    let instrument = record.instrument;
    assert_eq!(instrument.to_string(), "INFY EQ");
    assert_eq!((instrument.segment(), instrument.token), (Some(Segment::NseCm), Token(1594)));
    assert_eq!((instrument.lot, instrument.tick), (Qty(1), Px::from_paise(10)));
    assert_eq!(instrument.price_low, Px::from_paise(135_045));
    assert_eq!(instrument.price_high, Px::from_paise(165_055));
    // 0.0041 % of 4,152,000,000.
    assert_eq!(instrument.freeze_quantity, Qty(170_232));
    let details = record.details;
    assert_eq!(details.source, FileKind::Security);
    assert_eq!(details.series.as_str(), "EQ");
    assert_eq!(details.isin.unwrap().as_str(), "INE009A01021");
    assert_eq!(&*details.name, "INFOSYS LIMITED");
    assert_eq!(details.security_type, Some(SecurityType::Equity));
    assert_eq!(details.issued_capital, 4_152_000_000);
    assert_eq!(details.permission, Some(TradingPermission::Permitted));
    assert_eq!(details.normal_market, Some(true));
    assert_eq!(details.closing_auction, Some(true));

    let before = only(&piped("NEATCM|06.30|1470182399", &[security_fields()]));
    assert_eq!(before.details.closing_auction, None, "the field was of another market before");
    let none = only(&piped("NEATCM|1|1470211200", &[with(security_fields(), 6, "")]));
    assert_eq!(none.instrument.price_high, Px::ZERO);
    let tiny = only(&piped("NEATCM|1|1470211200", &[with(security_fields(), 4, "100")]));
    assert_eq!(tiny.instrument.freeze_quantity, Qty(1), "0 would lift the limit");
    let huge = with(with(security_fields(), 4, "9000000000000"), 26, "1000000");
    let huge = only(&piped("NEATCM|1|1470211200", &[huge]));
    assert_eq!(huge.instrument.freeze_quantity, Qty(u32::MAX));
}

#[test]
fn each_wrong_field_of_a_security_is_named() {
    use FaultReason as R;
    let cases = [
        (0, "-7", "token", R::OutOfRange),
        (1, "", "symbol", R::Missing),
        (2, "SERIES-TOO-LONG-17", "series", R::TooLong),
        (3, "5", "instrument type", R::UnknownCode),
        (4, "-1", "issued capital", R::OutOfRange),
        (4, "1.5", "issued capital", R::NotANumber),
        (5, "9", "permitted to trade", R::UnknownCode),
        (6, "90.00", "credit rating", R::NotANumber),
        (6, "90.00-", "credit rating", R::NotANumber),
        (6, "a-b", "credit rating", R::NotANumber),
        (6, "110-90", "credit rating", R::InvertedRange),
        (6, "1-2.123456789", "credit rating", R::TooFine),
        (8, "2", "normal market eligibility", R::UnknownCode),
        (12, "y", "third market eligibility", R::UnknownCode),
        (19, "0", "board lot", R::Missing),
        (20, "-1", "tick", R::OutOfRange),
        (26, "-1", "freeze percent", R::OutOfRange),
        (51, "x", "delete flag", R::UnknownCode),
        (53, "INE009A0102", "ISIN", R::UnknownCode),
    ];
    for (index, value, field, reason) in cases {
        let line = with(security_fields(), index, value);
        assert_eq!(fault(&piped("NEATCM|1|0", &[line])), (field, reason), "{index}: {value:?}");
    }
}

#[test]
fn a_spread_line_gives_every_field() {
    let file = strict(&piped("NEATFO|09.48|", &[spread_fields()]), Segment::NseFo).unwrap();
    assert_eq!((file.kind, file.spreads.len()), (FileKind::SpreadContract, 1));
    let spread = file.spreads[0];
    let [near, far] = spread.legs;
    assert_eq!(spread.key(), (Segment::NseFo as u8, Token(35_100), Token(35_200)));
    assert_eq!(near.to_string(), "NIFTY 2026-09-26 FUT");
    assert_eq!(far.to_string(), "NIFTY 2026-10-24 FUT");
    assert_eq!((near.lot, near.tick), (Qty(65), Px::from_paise(10)));
    assert_eq!((far.lot, far.tick), (Qty(130), Px::from_paise(20)));
    assert_eq!(spread.reference_price, Px::from_paise(-12_050));
    assert_eq!(spread.day_range, [Px::from_paise(-20_000), Px::from_paise(-5)]);
    assert_eq!(spread.operating_range, [Px::from_paise(-30_000), Px::from_paise(40_000)]);
    assert_eq!(spread.is_eligible, Some(true));
    let instrument = spread.instrument();
    assert_eq!(instrument.legs(), Some([Token(35_100), Token(35_200)]));
    assert_eq!((instrument.symbol, instrument.expiry), (near.symbol, near.expiry));
    assert_eq!((instrument.tick, instrument.lot), (near.tick, near.lot));
    assert_eq!([instrument.price_low, instrument.price_high], spread.operating_range);
}

#[test]
fn each_wrong_field_of_a_spread_is_named() {
    use FaultReason as R;
    let cases = [
        (0, "0", "token 1", R::OutOfRange),
        (1, "", "token 2", R::Missing),
        (2, "EQUITY", "instrument 1", R::UnknownCode),
        (9, "?", "instrument 2", R::UnknownCode),
        (10, "", "symbol 2", R::Missing),
        (12, "0", "expiry 2", R::Missing),
        (16, "1.5", "reference price", R::NotANumber),
        (17, "0", "day low", R::InvertedRange),
        (20, "-40000", "operating low", R::InvertedRange),
        (21, "0", "board lot 1", R::Missing),
        (24, "-1", "board lot 2", R::OutOfRange),
        (26, "-1", "tick 2", R::OutOfRange),
        (27, "2", "eligible", R::UnknownCode),
        (28, "", "delete flag", R::Missing),
    ];
    for (index, value, field, reason) in cases {
        let line = with(spread_fields(), index, value);
        assert_eq!(fault(&piped("NEATFO|1|", &[line])), (field, reason), "{index}: {value:?}");
    }
}

#[test]
fn stream_information_gives_contracts_spreads_and_streams() {
    let text = "1474449300,4,\nC,2,48125,OPTSTK,INFY,1474904400,120000,CE\n\
                C,18,48126,FUTIDX,NIFTY,1474904400,0,XX\n\
                C,3,1594,EQUITY,INFY,0,0,EQ,\nP,2,48126,48127\n";
    let file = strict(text, Segment::NseFo).unwrap();
    assert_eq!(file.time, Nanos::from_ist(2026, 9, 21, 9, 15, 0));
    assert_eq!(file.report.declared, Some(4));
    let [option, future, share] = &file.instruments[..] else { panic!("three instruments") };
    assert_eq!(option.instrument.to_string(), "INFY 2026-09-26 1200 CE");
    assert_eq!(option.instrument.expiry, Nanos::from_ist(2026, 9, 26, 15, 40, 0));
    assert_eq!(option.details.stream, Some(StreamId::new(Segment::NseFo, 2)));
    assert_eq!(option.details.underlying, UnderlyingKind::Stock);
    assert_eq!(future.instrument.to_string(), "NIFTY 2026-09-26 FUT");
    assert_eq!(future.details.stream, Some(StreamId::new(Segment::NseFo, 18)));
    assert_eq!(share.instrument.kind(), InstrumentKind::Equity);
    assert_eq!(share.details.series.as_str(), "EQ");
    assert_eq!(file.spreads[0].key(), (1, Token(48_126), Token(48_127)));
    assert_eq!(file.spreads[0].instrument().to_string(), "fo:48126/48127");
    assert_eq!(file.spreads[0].stream, Some(StreamId::new(Segment::NseFo, 2)));

    // Currency prices count ten-millionths of a rupee.
    let currency = "1,1,\nC,1,7,OPTCUR,USDINR,1474904400,875000000,CE\n";
    let currency = strict(currency, Segment::NseCd).unwrap().instruments.remove(0);
    assert_eq!(currency.instrument.strike, Px::from_paise(8_750));
    assert_eq!(currency.details.underlying, UnderlyingKind::Other);
}

#[test]
fn each_fault_of_stream_information_is_named() {
    use FaultReason as R;
    let cases = [
        ("D,1,2,3", "record", R::UnknownRecord),
        ("C,1", "field count", R::TooFewFields),
        ("C,1,2,FUTIDX,NIFTY,1", "field count", R::TooFewFields),
        ("C,0,2,FUTIDX,NIFTY,1474904400,0,XX", "stream", R::OutOfRange),
        ("C,256,2,FUTIDX,NIFTY,1474904400,0,XX", "stream", R::OutOfRange),
        ("C,1,x,FUTIDX,NIFTY,1474904400,0,XX", "token", R::NotANumber),
        ("C,1,2,FUTIDX,NIFTY,0,0,XX", "expiry", R::Missing),
        ("C,1,2,OPTIDX,NIFTY,1474904400,0,CE", "strike", R::OutOfRange),
        ("C,1,2,OPTIDX,NIFTY,1474904400,5,XX", "option type", R::UnknownCode),
        ("P,1,2,-3", "token 2", R::OutOfRange),
    ];
    for (line, field, reason) in cases {
        let file = load_as_stream_info(&format!("5,1,\n{line}\n"));
        let Err(LoadError::Line(fault)) = file else { panic!("{line}: {file:?}") };
        assert_eq!((fault.line, fault.field, fault.reason), (2, field, reason), "{line}");
    }
    let twice = "5,2,\nP,1,2,3\nP,2,2,3\n";
    assert!(
        matches!(load_as_stream_info(twice), Err(LoadError::Line(f)) if f.value.as_ref() == "2,3")
    );
    assert_eq!(
        load_as_stream_info("5,3,\nP,1,2,3\n"),
        Err(LoadError::CountMismatch { declared: 3, found: 1 })
    );
    for header in ["x,1,", "5,,", "5,-1,", "C,1,2,FUTIDX,NIFTY,1474904400,0,XX"] {
        let file = load_as_stream_info(&format!("{header}\n"));
        assert!(matches!(file, Err(LoadError::Header(_))), "{header}: {file:?}");
    }
    assert_eq!(strict("5,0,\n", Segment::BseFo), Err(LoadError::SegmentNeeded));
    assert_eq!(load(b"5,0,\n", &LoadOptions::default()), Err(LoadError::SegmentNeeded));
}

fn load_as_stream_info(text: &str) -> Result<LoadedFile, LoadError> {
    loader::load_as(FileKind::StreamInfo, text.as_bytes(), &LoadOptions::of_segment(Segment::NseFo))
}

#[test]
fn the_short_way_to_stream_information_names_what_is_wrong() {
    let text = "0,1,\nC,1,35001,FUTIDX,NIFTY,1474904400,0,XX\n";
    let instruments = parse_stream_info(text, Segment::NseFo).unwrap();
    assert_eq!(instruments[0].to_string(), "NIFTY 2026-09-26 FUT");
    let error = parse_stream_info("0,1,\nC,1,x,FUTIDX,A,0,0,XX", Segment::NseFo);
    assert_eq!(error.unwrap_err(), "line 2: token \"x\" is not a number");
    let error = parse_stream_info("C,1,2,FUTIDX,A,0,0,XX", Segment::NseFo).unwrap_err();
    assert_eq!(error, "header: line 1: file time \"C\" is not a number");
}
