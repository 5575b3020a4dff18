//! Reference data from the bytes of a file to one set of instruments: wrappings, recognition,
//! policies, precedence, damage, size, and, where they are, real files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use tezi_feed_handler::reference::{
    FaultReason, FileKind, InstrumentRecord, LoadError, LoadOptions, LoadReport, LoadedFile,
    Policy, ReferenceData, UnderlyingKind, UnpackError, detect, load, unpack,
};
use tezi_model::{InstrumentKind, Nanos, Px, Qty, Segment, StreamId, Token};
use tezi_testing::Random;

const BHAVCOPY_HEADER: &str = "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,\
    XpryDt,FininstrmActlXpryDt,StrkPric,OptnTp,FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,\
    PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,ChngInOpnIntrst,TtlTradgVol,TtlTrfVal,\
    TtlNbOfTxsExctd,SsnId,NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4";

const OPTION_ROW: &str = "2026-09-21,2026-09-21,FO,NSE,STO,48125,,INFY,,2026-09-29,2026-09-28,\
    1200.50,CE,INFY26SEP1200.5CE,10.00,12.50,9.05,11.00,11.05,10.95,1210.40,11.00,40000,-800,123,\
    1.00,45,F1,400,,,,,";

const SHARE_ROW: &str = "2026-09-21,2026-09-21,CM,NSE,STK,1594,INE009A01021,INFY,EQ,,,,,\"INFOSYS, \
    LIMITED\",1200.00,1215.00,1198.00,1210.40,1210.00,1199.00,,1210.40,,,5000000,1.00,45,F1,1,,,,,";

const BROKER_FO: &str = "Token,Symbol,DisplayName,Series,LotSize,TickSize,ExpiryDate,StrikePrice,\
    OptionType,UnderlyingSymbol,PriceBandHigh,PriceBandLow\n\
    835001,SENSEX,SENSEX 24SEP2026 PE 83300,IO,20,0.05,24SEP2026,83300,PE,SENSEX,851.35,0.05\n\
    835002,SENSEX,SENSEX 24SEP2026,IF,20,0.05,24SEP2026,0,FUT,SENSEX,91000,75000.5\n\
    835003,SENSEX,SENSEX 24SEP29OCT SPD,IF,20,0.05,24SEP2026,0,SPD,SENSEX,900.5,-700\n";

const BROKER_CM: &str = "Token,Symbol,DisplayName,Description,Series,LotSize,TickSize,\
    PriceBandHigh,PriceBandLow\n1594,INFY,INFOSYS LIMITED-EQ,INFY-EQ,EQ,1,0.1,165055,0\n";

const MII_FO: &str = "FinInstrmId,UndrlygFinInstrmId,FinInstrmNm,TckrSymb,XpryDt,StrkPric,OptnTp,\
    PrtdToTrad,MinLot,NewBrdLotQty,DelFlg,StockNm\n\
    48125,1594,OPTSTK,INFY,1474904400,120000,CE,1,400,400,N,INFY26SEP1200CE\n\
    48126,1594,FUTSTK,INFY,1474904400,-1,XX,1,400,400,Y,INFY26SEPFUT\n";

const MII_CM: &str = "FinInstrmId,TckrSymb,SctySrs,FinInstrmNm,ISIN,NewBrdLotQty,ParVal,BidIntrvl,\
    PrtdToTrad,PricRg\n1594,INFY,EQ,INFOSYS LIMITED,INE009A01021,1,500,10,1,1350.45-1650.55\n";

const STREAM_INFO: &str = "1474449300,3,\nC,2,48125,OPTSTK,INFY,1474904400,120000,CE\n\
    C,3,48126,FUTSTK,INFY,1474904400,0,XX\nP,3,48126,48127\n";

/// A line of `contract.txt` with 69 fields: a call on `INFY`, or a future when `strike` is `None`.
fn contract_line(token: u32, symbol: &str, strike: Option<i64>) -> String {
    let (instrument, option_type) =
        if strike.is_some() { ("OPTSTK", "CE") } else { ("FUTSTK", "XX") };
    let strike = strike.unwrap_or(-1);
    format!(
        "{token}|1594|{instrument}|{symbol}|XX||1474904400|{strike}|{option_type}|1|0|0|1|0|\
         2|1||2|1||2|1||2|1||1460000000|0|1474904400|0|400|400|5|0|16000|0|1460000000|0|0|0|0|0|\
         {}|{}|0|0|0|0|0|0|0|0||{symbol}26SEP{strike}|0|0|0|0||E|0|0|1|P|0|{symbol}|EQUITY|{}|N|",
        5,
        20_000 + token % 1000,
        1100
    )
}

fn of(segment: Segment) -> LoadOptions {
    LoadOptions::of_segment(segment)
}

fn loaded(text: &str, segment: Segment) -> LoadedFile {
    load(text.as_bytes(), &of(segment)).unwrap()
}

fn bhavcopy(rows: &[&str]) -> String {
    format!("{BHAVCOPY_HEADER}\n{}\n", rows.join("\n"))
}

/// Every form, by the kind it is recognised as.
fn samples() -> Vec<(FileKind, String)> {
    let spread = "35100|35200|FUTIDX|NIFTY|XX|1474904400|-1|XX|0|FUTIDX|NIFTY|XX|1477323600|-1|XX|\
        0|-12050|-20000|-5|-30000|40000|65|65|10|130|65|20|1|N";
    let security = format!(
        "1594|INFY|EQ|0|4152000000|1|1350.45-1650.55{}N|500|INE009A01021",
        "|1|1|1|1|1|1|1|1|1|1|1|1|1|10|INFOSYS LIMITED|0|0|0|0|41".to_string()
            + &"|0".repeat(24)
            + "|"
    );
    vec![
        (
            FileKind::Contract,
            format!("NEATFO|09.48|\n{}\n", contract_line(48_125, "INFY", Some(120_000))),
        ),
        (FileKind::Security, format!("NEATCM|06.30|1474449300\n{security}\n")),
        (FileKind::SpreadContract, format!("NEATFO|09.48|\n{spread}\n")),
        (FileKind::MiiContract, MII_FO.into()),
        (FileKind::MiiSecurity, MII_CM.into()),
        (FileKind::Bhavcopy, bhavcopy(&[OPTION_ROW, SHARE_ROW])),
        (FileKind::StreamInfo, STREAM_INFO.into()),
        (FileKind::BrokerMaster, BROKER_FO.into()),
    ]
}

#[test]
fn every_form_is_recognised_by_content_and_loads() {
    for (kind, text) in samples() {
        assert_eq!(detect(text.as_bytes()), Some(kind));
        let file = loaded(&text, Segment::NseFo);
        assert_eq!(file.kind, kind);
        assert!(file.report.adds_up() && file.report.skipped == 0, "{kind}: {:?}", file.report);
        let marked = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        assert_eq!(loaded(&marked, Segment::NseFo), file, "{kind} with a mark and CRLF");
    }
    for other in ["", "\n\n", "hello", "a,b\n", "1,2\nX,1", "<html>", "FinInstrmId,Foo\n1,2"] {
        assert_eq!(detect(other.as_bytes()), None, "{other:?}");
        let error = load(other.as_bytes(), &LoadOptions::default());
        assert!(matches!(error, Err(LoadError::UnknownKind(_))), "{other:?}");
    }
}

#[test]
fn a_bhavcopy_gives_contracts_and_their_day() {
    let file = loaded(&bhavcopy(&[OPTION_ROW, SHARE_ROW]), Segment::NseFo);
    assert_eq!(file.time, Nanos::from_ist(2026, 9, 21, 0, 0, 0));
    let [option, share] = &file.instruments[..] else { panic!("two instruments") };
    assert_eq!(option.instrument.segment(), Some(Segment::NseFo));
    assert_eq!(option.instrument.to_string(), "INFY 2026-09-28 1200.5 CE");
    assert_eq!(option.instrument.expiry, Nanos::from_ist(2026, 9, 28, 15, 40, 0));
    assert_eq!((option.instrument.lot, option.instrument.tick), (Qty(400), Px::ZERO));
    assert_eq!(option.details.underlying, UnderlyingKind::Stock);
    assert_eq!(&*option.details.name, "INFY26SEP1200.5CE");
    let prices = option.details.prices.unwrap();
    let paise = [prices.open, prices.high, prices.low, prices.close, prices.last]
        .map(|price| price.to_paise().unwrap());
    assert_eq!(paise, [1000, 1250, 905, 1100, 1105]);
    assert_eq!(
        (prices.previous_close, prices.settlement),
        (Px::from_paise(1095), Px::from_paise(1100))
    );
    assert_eq!(prices.underlying, Px::from_paise(121_040));
    assert_eq!((prices.open_interest, prices.volume), (40_000, 123));
    assert_eq!(share.instrument.segment(), Some(Segment::NseCm));
    assert_eq!(share.instrument.to_string(), "INFY EQ");
    assert_eq!(&*share.details.name, "INFOSYS, LIMITED");
    assert_eq!(share.details.isin.unwrap().to_string(), "INE009A01021");
    assert_eq!(share.details.series.as_str(), "EQ");
}

#[test]
fn columns_of_a_bhavcopy_are_found_by_name_and_faults_name_them() {
    use FaultReason as R;
    let swap = |row: &str| {
        let mut fields: Vec<&str> = row.split(',').collect();
        fields.swap(5, 29);
        fields.join(",")
    };
    let swapped = format!("{}\n{}\n", swap(BHAVCOPY_HEADER), swap(OPTION_ROW));
    assert_eq!(loaded(&swapped, Segment::NseFo), loaded(&bhavcopy(&[OPTION_ROW]), Segment::NseFo));

    let cases = [
        (0, "21-09-2026", "TradDt", R::NotADate),
        (0, "", "TradDt", R::Missing),
        (2, "XX", "Sgmt", R::UnknownCode),
        (3, "MCX", "Src", R::UnknownCode),
        (4, "ABC", "FinInstrmTp", R::UnknownCode),
        (5, "", "FinInstrmId", R::Missing),
        (6, "IN", "ISIN", R::UnknownCode),
        (7, "", "TckrSymb", R::Missing),
        (10, "2026-02-30", "FininstrmActlXpryDt", R::NotADate),
        (11, "", "StrkPric", R::OutOfRange),
        (11, "1.2.3", "StrkPric", R::NotANumber),
        (12, "", "OptnTp", R::Missing),
        (17, "1e3", "ClsPric", R::NotANumber),
        (17, "99999999999", "ClsPric", R::OutOfRange),
        (22, "-1", "OpnIntrst", R::OutOfRange),
        (28, "0", "NewBrdLotQty", R::Missing),
    ];
    for (index, value, field, reason) in cases {
        let mut fields: Vec<&str> = OPTION_ROW.split(',').collect();
        fields[index] = value;
        let error = load(bhavcopy(&[&fields.join(",")]).as_bytes(), &LoadOptions::default());
        let Err(LoadError::Line(fault)) = error else { panic!("{field}: {error:?}") };
        assert_eq!((fault.line, fault.field, fault.reason), (2, field, reason), "{value}");
        assert_eq!(&*fault.value, value);
    }
    let without = bhavcopy(&[OPTION_ROW]).replace("ClsPric,", "Closing,");
    let error = load(without.as_bytes(), &LoadOptions::default());
    assert!(matches!(error, Err(LoadError::Header(f)) if f.field == "ClsPric"));
}

#[test]
fn a_brokers_master_and_the_public_masters_give_their_fields() {
    let file = loaded(BROKER_FO, Segment::BseFo);
    let [option, future] = &file.instruments[..] else { panic!("two instruments") };
    assert_eq!(option.instrument.segment(), Some(Segment::BseFo));
    assert_eq!(option.instrument.to_string(), "SENSEX 2026-09-24 83300 PE");
    assert_eq!((option.instrument.lot, option.instrument.tick), (Qty(20), Px::from_paise(5)));
    assert_eq!(option.instrument.price_high, Px::from_paise(85_135));
    assert_eq!(option.details.underlying, UnderlyingKind::Index);
    assert_eq!(future.instrument.to_string(), "SENSEX 2026-09-24 FUT");
    assert_eq!(future.instrument.price_low, Px::from_paise(7_500_050));
    assert_eq!(file.report.set_aside, 1, "a broker's spread does not name its legs");

    let share = loaded(BROKER_CM, Segment::NseCm).instruments.remove(0);
    assert_eq!(share.instrument.to_string(), "INFY EQ");
    assert_eq!(
        (share.instrument.tick, share.instrument.price_high),
        (Px::from_paise(10), Px::ZERO)
    );

    let file = loaded(MII_FO, Segment::NseFo);
    assert_eq!((file.report.loaded, file.report.set_aside), (1, 1));
    let option = &file.instruments[0];
    assert_eq!(option.instrument.to_string(), "INFY 2026-09-26 1200 CE");
    assert_eq!(
        (option.instrument.lot, option.details.underlying_token),
        (Qty(400), Some(Token(1594)))
    );
    let share = loaded(MII_CM, Segment::NseCm).instruments.remove(0);
    assert_eq!((share.instrument.tick, share.instrument.lot), (Px::from_paise(10), Qty(1)));
    assert_eq!(share.instrument.price_low, Px::from_paise(135_045));
    assert_eq!(share.details.isin.unwrap().as_str(), "INE009A01021");
}

#[test]
fn a_lenient_load_skips_counts_and_keeps_the_first_faults() {
    let mut text = String::from("NEATFO|09.48|\n");
    for token in 1..=50 {
        let symbol = if token % 5 == 0 { "" } else { "INFY" };
        writeln!(text, "{}\n", contract_line(token, symbol, Some(120_000))).unwrap();
    }
    let deleted = contract_line(60, "INFY", None).replace("|N|", "|Y|");
    let twice = contract_line(7, "TCS", None);
    writeln!(text, "{deleted}\n{twice}").unwrap();

    let options = LoadOptions { policy: Policy::Lenient, faults_max: 3, ..LoadOptions::default() };
    let file = load(text.as_bytes(), &options).unwrap();
    let LoadReport { lines, loaded, set_aside, skipped, ref faults, .. } = file.report;
    assert_eq!((lines, loaded, set_aside, skipped), (52, 40, 1, 11));
    assert!(file.report.adds_up());
    let named: Vec<_> = faults.iter().map(|fault| (fault.line, fault.field)).collect();
    // Blank lines count in the numbering, not in the report.
    assert_eq!(named, [(10, "symbol"), (20, "symbol"), (30, "symbol")]);
    assert_eq!(file.instruments[6].instrument.symbol.as_str(), "INFY", "the first line counts");
    let error = load(text.as_bytes(), &LoadOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "line 10: symbol \"\" is not given");

    let two = format!("NEATFO|1|\n{0}\n{0}\n", contract_line(7, "INFY", None));
    let error = load(two.as_bytes(), &LoadOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "line 3: token \"7\" is there a second time");
    let few = LoadOptions { records_max: 1, ..options };
    let error = load(bhavcopy(&[OPTION_ROW, SHARE_ROW]).as_bytes(), &few);
    assert_eq!(error, Err(LoadError::TooMany { records_max: 1 }));
    let cut = STREAM_INFO.replace("P,3,48126,48127\n", "");
    let cut =
        load(cut.as_bytes(), &LoadOptions { segment: Some(Segment::NseFo), ..options }).unwrap();
    assert!(!cut.report.is_complete());
}

/// A zip of the given files: name, content, deflated or stored.
fn zip(files: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for &(name, content, is_deflated) in files {
        let packed = if is_deflated {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        } else {
            content.to_vec()
        };
        let mut checksum = flate2::Crc::new();
        checksum.update(content);
        let offset = bytes.len() as u32;
        let mut common = vec![20, 0, 0, 0, if is_deflated { 8 } else { 0 }, 0, 0, 0, 0, 0];
        for word in [checksum.sum(), packed.len() as u32, content.len() as u32] {
            common.extend(word.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend([b"PK\x03\x04", &common[..], name.as_bytes(), &packed].concat());
        directory.extend([b"PK\x01\x02\x14\x00", &common[..], &[0; 10]].concat());
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let count = files.len() as u8;
    let start = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend([b'P', b'K', 5, 6, 0, 0, 0, 0, count, 0, count, 0]);
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

#[test]
fn zip_and_gzip_open_and_what_is_wrong_with_them_is_named() {
    use UnpackError as E;
    let content = bhavcopy(&[OPTION_ROW]).into_bytes();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&content).unwrap();
    let gzip = gzip.finish().unwrap();
    let deflated = zip(&[("folder/", b"", false), ("a.csv", &content, true)]);
    for packed in [&content, &gzip, &deflated, &zip(&[("a.csv", &content, false)])] {
        assert_eq!(*unpack(packed, 1 << 20).unwrap(), content);
        assert_eq!(load(packed, &LoadOptions::default()).unwrap().instruments.len(), 1);
    }
    let error = |bytes: &[u8]| unpack(bytes, 1 << 20).unwrap_err();
    assert_eq!(error(&zip(&[])), E::Empty);
    assert_eq!(error(&zip(&[("a", b"1", false), ("b", b"2", false)])), E::SeveralFiles);
    assert_eq!(unpack(&deflated, content.len() - 1), Err(E::TooLarge));
    assert_eq!(unpack(&gzip, content.len() - 1), Err(E::TooLarge));
    assert_eq!(error(&gzip[..gzip.len() - 9]), E::BadData);
    assert_eq!(error(&deflated[..deflated.len() - 1]), E::NoDirectory);
    let stored = zip(&[("a", b"123456", false)]);
    let directory = stored.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let changed = |offset: usize, value: u8| {
        let mut bytes = stored.clone();
        bytes[offset] = value;
        error(&bytes)
    };
    assert_eq!(changed(31, b'?'), E::WrongChecksum);
    assert_eq!(changed(directory + 8, 1), E::Encrypted);
    assert_eq!(changed(directory + 10, 12), E::UnknownMethod);
    assert_eq!(changed(directory + 20, 200), E::Damaged);
    assert_eq!(changed(directory + 24, 7), E::WrongSize);
    assert_eq!(changed(directory + 42, 3), E::Damaged);
    assert_eq!(changed(directory, b'X'), E::Damaged);
    for end in 4..deflated.len() {
        assert!(unpack(&deflated[..end], 1 << 20).is_err(), "cut at {end}");
    }
}

#[test]
fn the_exchange_master_counts_and_others_fill_what_it_leaves_open() {
    let contract = format!("NEATFO|1|\n{}\n", contract_line(48_125, "INFY", Some(120_050)));
    let files = [
        loaded(&contract, Segment::NseFo),
        loaded(&bhavcopy(&[OPTION_ROW]).replace("-28,", "-26,"), Segment::NseFo),
        loaded(&STREAM_INFO.replace("120000", "120050"), Segment::NseFo),
    ];
    let data = ReferenceData::merge(files.clone());
    assert!(data.is_consistent() && data.conflict_count() == 0);
    let option = data.get(Segment::NseFo, Token(48_125)).unwrap();
    assert_eq!(option.details.source, FileKind::Contract);
    assert_eq!(option.instrument, files[0].instruments[0].instrument);
    assert_eq!(option.details.prices, files[1].instruments[0].details.prices);
    assert_eq!(option.details.stream, Some(StreamId::new(Segment::NseFo, 2)));
    assert_eq!(
        data.get(Segment::NseFo, Token(48_126)).unwrap().details.source,
        FileKind::StreamInfo
    );
    assert!(data.get(Segment::NseCm, Token(48_125)).is_none());
    assert!(data.spread(Segment::NseFo, Token(48_126), Token(48_127)).is_some());
    for order in [[2, 1, 0], [1, 0, 2], [2, 0, 1]] {
        let files = order.map(|index| files[index].clone());
        assert_eq!(ReferenceData::merge(files), data, "the order of files does not matter");
    }

    // Another strike by the same token: an adjusted contract. Its prices are of other terms.
    let adjusted = contract.replace("120050", "115000");
    let data = ReferenceData::merge([loaded(&adjusted, Segment::NseFo), files[1].clone()]);
    assert_eq!(data.conflict_count(), 1);
    let conflict = data.conflicts()[0];
    assert_eq!(
        (conflict.kept_from, conflict.dropped_from),
        (FileKind::Contract, FileKind::Bhavcopy)
    );
    assert_eq!(data.instruments()[0].details.prices, None);

    let older =
        loaded(&bhavcopy(&[OPTION_ROW]).replace("2026-09-21", "2026-09-18"), Segment::NseFo);
    let newer = loaded(&bhavcopy(&[OPTION_ROW]), Segment::NseFo);
    for files in [[older.clone(), newer.clone()], [newer.clone(), older.clone()]] {
        let data = ReferenceData::merge(files);
        assert_eq!(data.instruments(), newer.instruments, "of two days the later counts");
    }
}

#[test]
fn a_merge_is_what_a_search_through_the_files_finds() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let mut files: Vec<LoadedFile> = Vec::new();
        for kind in FileKind::ALL {
            let mut file = loaded(STREAM_INFO, Segment::NseFo);
            (file.kind, file.spreads) = (kind, Vec::new());
            let mut record = file.instruments.remove(0);
            file.instruments.clear();
            for token in 1..=20 {
                if random.index(2) == 0 {
                    continue;
                }
                record.details.source = kind;
                record.instrument.token = Token(token);
                record.instrument.lot = Qty(random.index(3) as u32);
                record.instrument.tick = Px(random.index(3) as i64);
                record.instrument.strike = Px(random.index(3) as i64);
                file.instruments.insert(random.index(file.instruments.len() + 1), record.clone());
            }
            files.insert(random.index(files.len() + 1), file);
        }
        let data = ReferenceData::merge(files.clone());
        assert!(data.is_consistent(), "seed {seed}");
        files.sort_by_key(|file| file.kind);
        let mut conflicts = 0;
        for token in (1..=20).map(Token) {
            let all: Vec<&InstrumentRecord> = files
                .iter()
                .flat_map(|file| file.instruments.iter().filter(|r| r.instrument.token == token))
                .collect();
            let Some(first) = all.first() else {
                assert!(data.get(Segment::NseFo, token).is_none(), "seed {seed}");
                continue;
            };
            // The strike names a contract: the first known one decides who may speak.
            let (mut strike, mut lot, mut tick) = (Px::ZERO, Qty::ZERO, Px::ZERO);
            for record in &all {
                let said = record.instrument;
                if strike != Px::ZERO && said.strike != Px::ZERO && strike != said.strike {
                    conflicts += 1;
                    continue;
                }
                strike = if strike == Px::ZERO { said.strike } else { strike };
                lot = if lot == Qty::ZERO { said.lot } else { lot };
                tick = if tick == Px::ZERO { said.tick } else { tick };
            }
            let merged = data.get(Segment::NseFo, token).unwrap();
            assert_eq!(merged.details.source, first.details.source, "seed {seed} {token}");
            let found = merged.instrument;
            assert_eq!(
                (found.strike, found.lot, found.tick),
                (strike, lot, tick),
                "seed {seed} {token}"
            );
        }
        assert_eq!(data.conflict_count(), conflicts, "seed {seed}");
    }
}

#[test]
fn damaged_files_never_panic_and_every_line_is_accounted_for() {
    let mut samples: Vec<Vec<u8>> =
        samples().into_iter().map(|(_, text)| text.into_bytes()).collect();
    samples.push(BROKER_CM.into());
    samples.push(zip(&[("a.csv", bhavcopy(&[OPTION_ROW, SHARE_ROW]).as_bytes(), true)]));
    const BYTES: &[u8] = b"0123456789-.,|\n\r\"CPENFOXS\x00\xff ";
    for (index, sample) in samples.iter().enumerate() {
        for seed in 0..3_000 {
            let mut random = Random(seed << 8 | index as u64);
            let mut bytes = sample.clone();
            for _ in 0..=random.index(6) {
                let at = random.index(bytes.len());
                match random.index(4) {
                    0 => drop(bytes.remove(at)),
                    1 => bytes.insert(at, BYTES[random.index(BYTES.len())]),
                    2 if at > 8 => bytes.truncate(at),
                    _ => bytes[at] = BYTES[random.index(BYTES.len())],
                }
            }
            let options = LoadOptions {
                policy: Policy::Lenient,
                faults_max: 2,
                bytes_max: 1 << 20,
                ..of(Segment::NseFo)
            };
            let lenient = load(&bytes, &options);
            let strict = load(&bytes, &LoadOptions { policy: Policy::Strict, ..options });
            if let Ok(file) = &lenient {
                assert!(file.report.adds_up(), "sample {index} seed {seed}: {:?}", file.report);
                assert_eq!(file.report.faults.len(), file.report.skipped.min(2));
                assert_eq!(file.instruments.len(), file.report.loaded);
            }
            if let Ok(file) = strict {
                assert_eq!(Ok(file), lenient, "sample {index} seed {seed}: what is sound is sound");
            }
        }
    }
}

#[test]
fn a_hundred_thousand_contracts_load_at_once() {
    let mut random = Random(1);
    let mut text = String::from("NEATFO|09.48|\n");
    for token in 1..=100_000 {
        let strike = (random.index(50) > 0).then(|| 5_000 * (1 + random.index(900) as i64));
        let symbol = format!("SYM{}", random.index(200));
        writeln!(text, "{}", contract_line(35_000 + token, &symbol, strike)).unwrap();
    }
    let start = Instant::now();
    let file = load(text.as_bytes(), &LoadOptions::default()).unwrap();
    let load_time = start.elapsed();
    assert_eq!((file.instruments.len(), file.report.skipped), (100_000, 0));
    let start = Instant::now();
    let data = ReferenceData::merge([file]);
    println!(
        "{} contracts, {} bytes: loaded in {load_time:?}, merged in {:?}",
        data.instruments().len(),
        text.len(),
        start.elapsed()
    );
}

fn captures(folder: &str) -> Option<Vec<PathBuf>> {
    let Some(root) = std::env::var_os("TEZI_CAPTURES") else {
        println!("skipped: TEZI_CAPTURES is not set");
        return None;
    };
    let Ok(entries) = std::fs::read_dir(PathBuf::from(root).join(folder)) else {
        println!("skipped: no {folder} in TEZI_CAPTURES");
        return None;
    };
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    Some(files)
}

#[test]
fn real_bhavcopies_load_without_a_fault() {
    let Some(paths) = captures("nse_bhavcopy_fo") else { return };
    let mut files = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "zip")) {
        let bytes = std::fs::read(path).unwrap();
        let start = Instant::now();
        let file = load(&bytes, &LoadOptions::default()).unwrap();
        println!("{} rows of {} in {:?}", file.report.loaded, file.time, start.elapsed());
        assert_eq!((file.kind, file.report.skipped), (FileKind::Bhavcopy, 0));
        let date = path.file_name().unwrap().to_str().unwrap().split('_').nth(6).unwrap();
        let (year, month, day) = file.time.ist_date();
        assert_eq!(date, format!("{year}{month:02}{day:02}"));
        assert!((30_000..50_000).contains(&file.report.loaded));
        let count = |kind, underlying| {
            let is = |r: &&InstrumentRecord| {
                r.instrument.kind() == kind && r.details.underlying == underlying
            };
            file.instruments.iter().filter(is).count()
        };
        assert_eq!(count(InstrumentKind::Future, UnderlyingKind::Index), 15);
        assert!((600..700).contains(&count(InstrumentKind::Future, UnderlyingKind::Stock)));
        assert!((4_000..6_000).contains(&count(InstrumentKind::Option, UnderlyingKind::Index)));
        assert!((25_000..40_000).contains(&count(InstrumentKind::Option, UnderlyingKind::Stock)));
        let mut lasts = Vec::new();
        for record in &file.instruments {
            let (instrument, prices) = (record.instrument, record.details.prices.unwrap());
            assert!(instrument.lot.0 > 0, "{instrument}");
            assert!(file.time <= instrument.expiry, "{instrument}");
            assert_eq!(
                instrument.option_type().is_some(),
                instrument.kind() == InstrumentKind::Option
            );
            assert_eq!(instrument.option_type().is_some(), instrument.strike > Px::ZERO);
            assert!(prices.low <= prices.high && prices.close > Px::ZERO, "{instrument}");
            if instrument.kind() == InstrumentKind::Future && instrument.symbol.as_str() == "NIFTY"
            {
                lasts.push(instrument.expiry.ist_date());
            }
        }
        lasts.sort_unstable();
        assert_eq!(lasts, [(2025, 2, 27), (2025, 3, 27), (2025, 4, 24)], "last Thursdays");
        files.push(file);
    }
    let newest = files.iter().map(|file| file.time).max().unwrap();
    let data = ReferenceData::merge(files);
    assert!(data.is_consistent());
    println!("{} contracts in all, {} conflicts", data.instruments().len(), data.conflict_count());
    let of_newest = |record: &&InstrumentRecord| record.details.prices.unwrap().date == newest;
    assert!(data.instruments().iter().filter(of_newest).count() > 40_000, "the latest day counts");
}

#[test]
fn real_broker_masters_load_without_a_fault() {
    let Some(paths) = captures("contract_masters") else { return };
    let cases = [
        ("bsefo_processed.csv", Segment::BseFo, [5_383, 9], "SENSEX"),
        ("nsecm_processed.csv", Segment::NseCm, [8_868, 0], "MEDIASSIST"),
    ];
    for (name, segment, [loaded, set_aside], symbol) in cases {
        let Some(path) = paths.iter().find(|path| path.ends_with(name)) else {
            println!("skipped: no {name}");
            continue;
        };
        let file = load(&std::fs::read(path).unwrap(), &of(segment)).unwrap();
        assert_eq!(
            [file.report.loaded, file.report.set_aside, file.report.skipped],
            [loaded, set_aside, 0]
        );
        assert!(file.instruments.iter().any(|r| r.instrument.symbol.as_str() == symbol));
        for record in &file.instruments {
            assert!(record.instrument.lot.0 > 0 && record.instrument.tick > Px::ZERO);
        }
    }
}
