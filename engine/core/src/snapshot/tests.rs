//! What the writer writes the reader reads, and nothing else.

use tezi_model::{Money, Nanos, Px, Qty};

use super::*;

fn written() -> Vec<u8> {
    let mut out = SnapshotWriter::new();
    out.part(part::TAPE, |out| {
        out.u8(7);
        out.u16(0x0102);
        out.u32(3);
        out.u64(4);
        out.i64(-5);
        out.f64(-0.0);
        out.flag(true);
        out.option(Some(Px(6)), SnapshotWriter::price);
        out.option(None, SnapshotWriter::price);
        out.quantity(Qty(8));
        out.time(Nanos(9));
        out.money(Money(-10));
        out.text("₹");
        out.record(&[1_u8, 2, 3]);
    });
    out.bytes().to_vec()
}

fn read(bytes: &[u8]) -> Result<(), SnapshotError> {
    let mut input = SnapshotReader::new(bytes);
    input.part(part::TAPE, |input| {
        assert_eq!((input.u8()?, input.u16()?, input.u32()?), (7, 0x0102, 3));
        assert_eq!((input.u64()?, input.i64()?, input.f64()?.to_bits()), (4, -5, 1 << 63));
        assert_eq!((input.flag()?, input.option(SnapshotReader::price)?), (true, Some(Px(6))));
        assert_eq!((input.option(SnapshotReader::price)?, input.quantity()?), (None, Qty(8)));
        assert_eq!((input.time()?, input.money()?), (Nanos(9), Money(-10)));
        assert_eq!((input.text()?, input.record()?), ("₹", [1_u8, 2, 3]));
        Ok(())
    })?;
    input.finish()
}

#[test]
fn what_is_written_is_read_and_nothing_shorter_or_longer() {
    let bytes = written();
    assert_eq!(read(&bytes), Ok(()));
    // Name, length, then a byte, two, four in the order of the wire.
    assert_eq!(bytes[..4], *b"TAPE");
    assert_eq!(bytes[4..12], (bytes.len() as u64 - 12).to_le_bytes());
    assert_eq!(bytes[12..19], [7, 2, 1, 3, 0, 0, 0]);
    for length in 0..bytes.len() {
        let error = read(&bytes[..length]).unwrap_err();
        assert!(matches!(error, SnapshotError::CutShort { .. }), "{length}: {error:?}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(read(&longer), Err(SnapshotError::LeftOver { part: *b"TEZI" }));
    let mut inside = longer;
    inside[4] += 1;
    assert_eq!(read(&inside), Err(SnapshotError::LeftOver { part: *b"TAPE" }));
}

#[test]
fn what_no_state_has_is_refused_by_name() {
    let refused = |bytes: &[u8], read: fn(&mut SnapshotReader<'_>) -> Result<(), SnapshotError>| {
        read(&mut SnapshotReader::new(bytes)).unwrap_err().to_string()
    };
    assert_eq!(refused(&[2], |it| it.flag().map(drop)), "part TEZI: no state has such flag");
    let most = |it: &mut SnapshotReader<'_>| it.count(4, "timers_max").map(drop);
    assert_eq!(refused(&[5, 0, 0, 0], most), "there is no room for so many: timers_max");
    let place = |it: &mut SnapshotReader<'_>| it.index(4, "place").map(drop);
    assert_eq!(refused(&[4, 0, 0, 0], place), "part TEZI: no state has such place");
    let money = i128::MAX.to_le_bytes();
    let what = refused(&money, |it| it.money().map(drop));
    assert_eq!(what, "part TEZI: no state has such sum of money");
    let text = |it: &mut SnapshotReader<'_>| it.text().map(drop);
    assert_eq!(refused(&[1, 0, 0, 0, 0xFF], text), "part TEZI: no state has such text");
    assert_eq!(refused(&[0xFF; 5], text), "part TEZI is cut short");
    let part = |it: &mut SnapshotReader<'_>| it.part(part::DESK, |_| Ok(()));
    let what = refused(b"TAPE\0\0\0\0\0\0\0\0", part);
    assert_eq!(what, "part TAPE is where DESK should be");
    assert_eq!(refused(b"DESK\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", part), "part TEZI is cut short");
}
