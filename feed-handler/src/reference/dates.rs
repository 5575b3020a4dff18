//! Calendar dates in the files, and when a contract expires whose file gives only the date.

use tezi_model::{Nanos, Segment};

const MONTHS: &[u8; 36] = b"JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";

/// When continuous trading in equity derivatives ends, from a day on.
struct DerivativesClose {
    effective_from: (i64, i64, i64),
    hour: i64,
    minute: i64,
}

/// Oldest first. Source: SEBI, 16 January 2026, on the closing auction, and NSE/FAOP/74467; BSE
/// trades to the same hours.
const DERIVATIVES_CLOSE: [DerivativesClose; 2] = [
    DerivativesClose { effective_from: (1980, 1, 1), hour: 15, minute: 30 },
    DerivativesClose { effective_from: (2026, 8, 3), hour: 15, minute: 40 },
];

/// Midnight in India of a date written `2026-09-24` or `24SEP2026`, `None` when it is neither or
/// not in the calendar.
pub(super) fn parse(text: &[u8]) -> Option<Nanos> {
    let (year, month, day) = match *text {
        [a, b, c, d, b'-', e, f, b'-', g, h] => {
            (number(&[a, b, c, d])?, number(&[e, f])?, number(&[g, h])?)
        }
        [a, b, c, d, e, f, g, h, i] => {
            let letters = [c, d, e].map(|letter| letter.to_ascii_uppercase());
            let month = MONTHS.chunks(3).position(|name| name == letters)?;
            (number(&[f, g, h, i])?, month as i64 + 1, number(&[a, b])?)
        }
        _ => return None,
    };
    // Far from where nanoseconds leave 64 bits, and later than any contract.
    if !(1980..=2200).contains(&year) {
        return None;
    }
    // The way back refuses the 31st of February.
    let date = Nanos::from_ist(year, month, day, 0, 0, 0);
    (date.ist_date() == (year, month, day)).then_some(date)
}

fn number(digits: &[u8]) -> Option<i64> {
    let all_digits = digits.iter().all(u8::is_ascii_digit);
    all_digits.then(|| digits.iter().fold(0, |n, &digit| n * 10 + i64::from(digit - b'0')))
}

/// When a contract expires whose file gives only the day, by its midnight: the close of trading.
///
/// The close of currency and commodity contracts is not known here; they live to the end of the
/// day, so that none is taken for dead too early.
pub(super) fn expiry_of(day: Nanos, segment: Segment) -> Nanos {
    let (hour, minute) = match segment {
        Segment::NseFo | Segment::BseFo => {
            let date = day.ist_date();
            let mut rows = DERIVATIVES_CLOSE.iter().rev();
            let row = rows.find(|row| row.effective_from <= date);
            row.map_or((15, 30), |row| (row.hour, row.minute))
        }
        _ => (23, 59),
    };
    day.plus((hour * 3600 + minute * 60) * 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_both_forms_parse_and_impossible_ones_do_not() {
        let day = Nanos::from_ist(2026, 9, 24, 0, 0, 0);
        assert_eq!(parse(b"2026-09-24"), Some(day));
        assert_eq!(parse(b"24SEP2026"), Some(day));
        assert_eq!(parse(b"24Sep2026"), Some(day));
        assert_eq!(parse(b"2024-02-29"), Some(Nanos::from_ist(2024, 2, 29, 0, 0, 0)));
        for wrong in [
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "31JUN2026",
            "24SEX2026",
            "x",
            "2026/09/24",
            "1979-12-31",
            "9999-01-01",
            "2026-9-24",
            "",
        ] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn a_contract_expires_at_the_close_of_its_day() {
        let expiry = |year, month, day, segment| {
            expiry_of(Nanos::from_ist(year, month, day, 0, 0, 0), segment).to_string()
        };
        assert_eq!(&expiry(2026, 7, 28, Segment::NseFo)[..16], "2026-07-28 15:30");
        assert_eq!(&expiry(2026, 8, 4, Segment::NseFo)[..16], "2026-08-04 15:40");
        assert_eq!(&expiry(2026, 8, 3, Segment::BseFo)[..16], "2026-08-03 15:40");
        assert_eq!(&expiry(2026, 8, 4, Segment::NseCd)[..16], "2026-08-04 23:59");
    }
}
