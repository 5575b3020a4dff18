//! Positions as a file or an argument says them.

use std::path::Path;

use tezi::margin::{ContractKey, ContractKind};
use tezi::model::{Px, Token};
use tezi::venue::Date;

use crate::outcome::Failure;
use crate::table::{Fault, Row, Table};

/// A contract and how many units of it; fewer than none are sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holding {
    pub(super) line: usize,
    pub(super) key: ContractKey,
    pub(super) quantity: i64,
}

/// Where the columns are.
struct Columns {
    token: Option<usize>,
    symbol: Option<usize>,
    expiry: Option<usize>,
    strike: Option<usize>,
    kind: Option<usize>,
    quantity: Option<usize>,
}

/// The table, for what turns out wrong later, and its holdings.
pub(super) fn read(path: &Path) -> Result<(Table, Vec<Holding>), Failure> {
    let table = Table::read(path)?;
    let token = table.column("token");
    if token.is_none() {
        for name in ["symbol", "expiry", "type"] {
            table.need(name)?;
        }
    }
    let columns = Columns {
        token,
        symbol: table.column("symbol"),
        expiry: table.column("expiry"),
        strike: table.column("strike"),
        kind: table.column("type"),
        quantity: table.need("quantity")?,
    };
    let holdings = table.parse(|row| holding(&columns, row))?;
    Ok((table, holdings))
}

fn holding(columns: &Columns, row: Row<'_>) -> Result<Holding, Fault> {
    let quantity = quantity(row.text(columns.quantity))?;
    let token = row.text(columns.token);
    let key = if token.is_empty() {
        let [symbol, expiry] = [columns.symbol, columns.expiry].map(|column| row.text(column));
        named(symbol, expiry, row.text(columns.strike), row.text(columns.kind))?
    } else {
        ContractKey::Token(number(token)?)
    };
    Ok(Holding { line: row.line, key, quantity })
}

/// Reads `NIFTY 2026-11-24 24500 CE -75`, `NIFTY 2026-11-24 FUT 75` or `54321 -75`.
pub(super) fn order(text: &str) -> Result<Holding, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let parsed = match *words.as_slice() {
        [symbol, expiry, strike, kind, units] => {
            named(symbol, expiry, strike, kind).and_then(|key| Ok((key, quantity(units)?)))
        }
        [symbol, expiry, kind, units] => {
            named(symbol, expiry, "", kind).and_then(|key| Ok((key, quantity(units)?)))
        }
        [token, units] => {
            number(token).and_then(|token| Ok((ContractKey::Token(token), quantity(units)?)))
        }
        _ => Err(Fault::new("order", "is not SYMBOL EXPIRY STRIKE CE|PE UNITS")),
    };
    let (key, quantity) = parsed.map_err(|fault| {
        format!("`{text}`, {}: {}; as in NIFTY 2026-11-24 24500 CE -75", fault.column, fault.why)
    })?;
    Ok(Holding { line: 0, key, quantity })
}

fn named(symbol: &str, expiry: &str, strike: &str, kind: &str) -> Result<ContractKey, Fault> {
    if symbol.is_empty() {
        return Err(Fault::new("symbol", "is missing"));
    }
    let date = Date::parse(expiry)
        .ok_or_else(|| Fault::new("expiry", format!("`{expiry}` is not YYYY-MM-DD")))?;
    let is_call = match kind.to_ascii_uppercase().as_str() {
        "CE" | "CALL" => Some(true),
        "PE" | "PUT" => Some(false),
        "FUT" | "FUTURE" | "XX" => None,
        _ => return Err(Fault::new("type", format!("`{kind}` is not FUT, CE or PE"))),
    };
    let kind = match is_call {
        None if strike.is_empty() || strike == "0" => ContractKind::Future,
        None => return Err(Fault::new("strike", "a future has none")),
        Some(is_call) => {
            // The nearest price unit of a decimal with so few digits is exactly what is meant.
            let rupees = strike.parse().ok().filter(|x: &f64| (0.0..1e9).contains(x));
            let strike = rupees.map(Px::from_rupees).filter(|price| *price > Px::ZERO);
            let strike = strike.ok_or_else(|| Fault::new("strike", "is no price above 0"))?;
            ContractKind::Option { is_call, strike }
        }
    };
    Ok(ContractKey::Named { symbol: symbol.to_string(), expiry: date, kind })
}

fn number(token: &str) -> Result<Token, Fault> {
    let number = token.parse().map(Token);
    number.map_err(|_| Fault::new("token", format!("`{token}` is no token")))
}

fn quantity(text: &str) -> Result<i64, Fault> {
    let why = || Fault::new("quantity", format!("`{text}` is no whole number of units"));
    text.parse().map_err(|_| why())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_or_says_what_is_wrong() {
        let call = order("NIFTY 2026-11-24 24500.5 CE -75").unwrap();
        let kind = ContractKind::Option { is_call: true, strike: Px::from_rupees(24_500.5) };
        let expiry = Date::parse("2026-11-24").unwrap();
        let key = ContractKey::Named { symbol: "NIFTY".into(), expiry, kind };
        assert_eq!(call, Holding { line: 0, key, quantity: -75 });
        assert_eq!(call.key.to_string(), "NIFTY 2026-11-24 24500.50 CE");
        let future = order("NIFTY 2026-11-24 fut 75").unwrap();
        assert_eq!(future.key.to_string(), "NIFTY 2026-11-24 FUT");
        assert_eq!(order("54321 -75").unwrap().key, ContractKey::Token(Token(54_321)));
        for (text, why) in [
            ("", "is not SYMBOL"),
            ("NIFTY 2026-11-31 24500 CE -75", "expiry: `2026-11-31`"),
            ("NIFTY 2026-11-24 24500 XE -75", "type: `XE`"),
            ("NIFTY 2026-11-24 -5 CE -75", "strike: is no price"),
            ("NIFTY 2026-11-24 5% CE -75", "strike: is no price"),
            ("NIFTY 2026-11-24 24500 FUT 75", "strike: a future has none"),
            ("NIFTY 2026-11-24 24500 CE 7.5", "quantity: `7.5`"),
            ("x 5", "token: `x`"),
        ] {
            let said = order(text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
