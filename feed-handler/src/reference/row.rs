//! A line's fields, read one at a time; a field that is wrong gives a fault that names it.

use tezi_model::{
    InstrumentKind, NSE_EPOCH_UNIX_SECONDS, Nanos, OptionType, Px, Qty, Symbol, Token,
};

use super::dates;
use super::record::UnderlyingKind;
use super::report::{FaultReason, LineFault};

/// A field's place in the line, from 0, and its name in the exchange's document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) index: usize,
    pub(super) name: &'static str,
}

impl Column {
    pub(super) const fn new(index: usize, name: &'static str) -> Self {
        Self { index, name }
    }
}

/// One line, split. The buffer is reused from line to line.
#[derive(Debug, Default)]
pub(super) struct Row<'a> {
    line: usize,
    fields: Vec<&'a [u8]>,
}

impl<'a> Row<'a> {
    /// Splits `text`. Between commas a field may stand in quotes, and then hold commas.
    pub(super) fn split(&mut self, line: usize, text: &'a [u8], separator: u8) {
        self.line = line;
        self.fields.clear();
        if separator == b',' && text.contains(&b'"') {
            split_quoted(text, &mut self.fields);
        } else {
            self.fields.extend(text.split(|&byte| byte == separator));
        }
    }

    /// How many fields the line has.
    pub(super) fn count(&self) -> usize {
        self.fields.len()
    }

    /// Refuses a line of fewer than `fields_min` fields.
    pub(super) fn at_least(&self, fields_min: usize) -> Result<(), LineFault> {
        if fields_min <= self.fields.len() {
            return Ok(());
        }
        let count = self.fields.len().to_string();
        let reason = FaultReason::TooFewFields;
        Err(LineFault::new(self.line, "field count", count.as_bytes(), reason))
    }

    /// The place of the column called `name`, when this row is the header.
    pub(super) fn find(&self, name: &'static str) -> Option<Column> {
        let is_name = |field: &&[u8]| field.trim_ascii() == name.as_bytes();
        self.fields.iter().position(is_name).map(|index| Column { index, name })
    }

    /// As [`find`](Self::find), for a column that must be there.
    pub(super) fn column(&self, name: &'static str) -> Result<Column, LineFault> {
        self.find(name).ok_or_else(|| LineFault::new(self.line, name, b"", FaultReason::Missing))
    }

    /// As [`find`](Self::find); a column that is not there reads as empty in every line.
    pub(super) fn column_or_absent(&self, name: &'static str) -> Column {
        self.find(name).unwrap_or(Column { index: usize::MAX, name })
    }

    /// The fault of a field.
    #[cold]
    pub(super) fn fault(&self, column: Column, reason: FaultReason) -> LineFault {
        LineFault::new(self.line, column.name, self.text(column), reason)
    }

    /// The field without blanks around it; empty when the line is too short.
    pub(super) fn text(&self, column: Column) -> &'a [u8] {
        self.fields.get(column.index).map_or(&[], |field| field.trim_ascii())
    }

    /// A name: whatever it is, with what is not UTF-8 replaced.
    pub(super) fn name(&self, column: Column) -> Box<str> {
        String::from_utf8_lossy(self.text(column)).into()
    }

    /// A whole number, `None` when the field is empty.
    pub(super) fn integer(&self, column: Column) -> Result<Option<i64>, LineFault> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        integer(text).map(Some).map_err(|reason| self.fault(column, reason))
    }

    /// A whole number from 0 to `max`, 0 when the field is empty.
    pub(super) fn natural(&self, column: Column, max: u64) -> Result<u64, LineFault> {
        let number = self.integer(column)?.unwrap_or(0);
        let number = u64::try_from(number).ok().filter(|&number| number <= max);
        number.ok_or_else(|| self.fault(column, FaultReason::OutOfRange))
    }

    /// A quantity, 0 when the field is empty.
    pub(super) fn quantity(&self, column: Column) -> Result<Qty, LineFault> {
        self.natural(column, u32::MAX.into()).map(|number| Qty(number as u32))
    }

    /// A quantity that must be there and above 0.
    pub(super) fn quantity_needed(&self, column: Column) -> Result<Qty, LineFault> {
        match self.quantity(column)? {
            Qty(0) => Err(self.fault(column, FaultReason::Missing)),
            quantity => Ok(quantity),
        }
    }

    /// The exchange's number: positive, and within the 32 bits with a sign that the wire has.
    pub(super) fn token(&self, column: Column) -> Result<Token, LineFault> {
        let number = self.integer(column)?;
        let number = number.ok_or_else(|| self.fault(column, FaultReason::Missing))?;
        match i32::try_from(number) {
            Ok(token) if token > 0 => Ok(Token(token.unsigned_abs())),
            _ => Err(self.fault(column, FaultReason::OutOfRange)),
        }
    }

    /// A price or a difference of prices counted in `unit` price units, 0 when the field is empty.
    pub(super) fn price(&self, column: Column, unit: i64) -> Result<Px, LineFault> {
        let number = self.integer(column)?.unwrap_or(0);
        let price = number.checked_mul(unit).map(Px);
        price.ok_or_else(|| self.fault(column, FaultReason::OutOfRange))
    }

    /// As [`price`](Self::price), but none below 0.
    pub(super) fn price_not_negative(&self, column: Column, unit: i64) -> Result<Px, LineFault> {
        let price = self.price(column, unit)?;
        if price < Px::ZERO { Err(self.fault(column, FaultReason::OutOfRange)) } else { Ok(price) }
    }

    /// A price in rupees, 0 when the field is empty.
    pub(super) fn rupees(&self, column: Column) -> Result<Px, LineFault> {
        rupees(self.text(column)).map_err(|reason| self.fault(column, reason))
    }

    /// A symbol or series. May be empty.
    pub(super) fn symbol(&self, column: Column) -> Result<Symbol, LineFault> {
        let text = self.text(column);
        if text.len() > size_of::<Symbol>() {
            return Err(self.fault(column, FaultReason::TooLong));
        }
        match core::str::from_utf8(text) {
            Ok(text) if text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') => {
                Ok(Symbol::new(text))
            }
            _ => Err(self.fault(column, FaultReason::UnknownCode)),
        }
    }

    /// A symbol that must be there.
    pub(super) fn symbol_needed(&self, column: Column) -> Result<Symbol, LineFault> {
        if self.text(column).is_empty() {
            return Err(self.fault(column, FaultReason::Missing));
        }
        self.symbol(column)
    }

    /// A time in seconds since 1980 on India's wall clock; unknown when empty, 0 or −1.
    pub(super) fn seconds(&self, column: Column) -> Result<Nanos, LineFault> {
        const EPOCH: Nanos = Nanos::from_ist(1980, 1, 1, 0, 0, 0);
        const _: () =
            assert!(EPOCH.0 == NSE_EPOCH_UNIX_SECONDS * 1_000_000_000 - tezi_model::IST_OFFSET_NS);
        match self.integer(column)?.unwrap_or(0) {
            -1 | 0 => Ok(Nanos::ZERO),
            seconds @ 1..=0xFFFF_FFFF => Ok(EPOCH.plus(seconds * 1_000_000_000)),
            _ => Err(self.fault(column, FaultReason::OutOfRange)),
        }
    }

    /// A date, `2026-09-24` or `24SEP2026`: its midnight in India, `None` when the field is empty.
    pub(super) fn date(&self, column: Column) -> Result<Option<Nanos>, LineFault> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let date = dates::parse(text);
        date.map(Some).ok_or_else(|| self.fault(column, FaultReason::NotADate))
    }

    /// Which of two letters stands in the field: true for `yes`, `None` when it is empty.
    pub(super) fn choice(
        &self,
        column: Column,
        yes: u8,
        no: u8,
    ) -> Result<Option<bool>, LineFault> {
        match self.text(column) {
            [] => Ok(None),
            &[letter] if letter == yes => Ok(Some(true)),
            &[letter] if letter == no => Ok(Some(false)),
            _ => Err(self.fault(column, FaultReason::UnknownCode)),
        }
    }

    /// As [`choice`](Self::choice), of a field that must not be empty.
    pub(super) fn choice_needed(&self, column: Column, yes: u8, no: u8) -> Result<bool, LineFault> {
        self.choice(column, yes, no)?.ok_or_else(|| self.fault(column, FaultReason::Missing))
    }

    /// `CE` or `PE`.
    pub(super) fn option_type(&self, column: Column) -> Result<OptionType, LineFault> {
        match self.text(column) {
            b"CE" => Ok(OptionType::Call),
            b"PE" => Ok(OptionType::Put),
            b"" => Err(self.fault(column, FaultReason::Missing)),
            _ => Err(self.fault(column, FaultReason::UnknownCode)),
        }
    }

    /// NSE's instrument name: `FUTIDX`, `OPTSTK`, `EQUITY` and their like.
    pub(super) fn instrument_name(
        &self,
        column: Column,
    ) -> Result<(InstrumentKind, UnderlyingKind), LineFault> {
        let text = self.text(column);
        let kind = match text.get(..3) {
            Some(b"FUT") => InstrumentKind::Future,
            Some(b"OPT") => InstrumentKind::Option,
            _ if text == b"EQUITY" => return Ok((InstrumentKind::Equity, UnderlyingKind::Unknown)),
            _ => return Err(self.fault(column, FaultReason::UnknownCode)),
        };
        let underlying = match &text[3..] {
            b"IDX" => UnderlyingKind::Index,
            b"STK" => UnderlyingKind::Stock,
            b"" => return Err(self.fault(column, FaultReason::UnknownCode)),
            _ => UnderlyingKind::Other,
        };
        Ok((kind, underlying))
    }
}

/// Splits at commas outside quotes, and takes the quotes off. A doubled quote within stays doubled:
/// only names have them.
fn split_quoted<'a>(text: &'a [u8], fields: &mut Vec<&'a [u8]>) {
    let (mut start, mut quoted) = (0, false);
    for (index, &byte) in text.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                fields.push(unquoted(&text[start..index]));
                start = index + 1;
            }
            _ => {}
        }
    }
    fields.push(unquoted(&text[start..]));
}

fn unquoted(field: &[u8]) -> &[u8] {
    match field.trim_ascii() {
        [b'"', inner @ .., b'"'] => inner,
        other => other,
    }
}

/// A whole number with an optional minus.
pub(super) fn integer(text: &[u8]) -> Result<i64, FaultReason> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let number = digits_value(digits)?;
    Ok(if negative { -number } else { number })
}

fn digits_value(digits: &[u8]) -> Result<i64, FaultReason> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(FaultReason::NotANumber);
    }
    let mut number = 0_i64;
    for &digit in digits {
        let next = number.checked_mul(10).and_then(|n| n.checked_add(i64::from(digit - b'0')));
        number = next.ok_or(FaultReason::OutOfRange)?;
    }
    Ok(number)
}

/// A decimal number of rupees, exactly; nothing is 0.
pub(super) fn rupees(text: &[u8]) -> Result<Px, FaultReason> {
    if text.is_empty() {
        return Ok(Px::ZERO);
    }
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let point = text.iter().position(|&byte| byte == b'.');
    let (whole, decimals) = point.map_or((text, &b""[..]), |at| (&text[..at], &text[at + 1..]));
    if whole.is_empty() && decimals.is_empty() {
        return Err(FaultReason::NotANumber);
    }
    let whole = if whole.is_empty() { 0 } else { digits_value(whole)? };
    let (mut fraction, mut unit) = (0, Px::SCALE);
    for &digit in decimals {
        if !digit.is_ascii_digit() {
            return Err(FaultReason::NotANumber);
        }
        unit /= 10;
        if unit == 0 && digit != b'0' {
            return Err(FaultReason::TooFine);
        }
        fraction += i64::from(digit - b'0') * unit;
    }
    let units = whole.checked_mul(Px::SCALE).and_then(|units| units.checked_add(fraction));
    let units = units.ok_or(FaultReason::OutOfRange)?;
    Ok(Px(if negative { -units } else { units }))
}
