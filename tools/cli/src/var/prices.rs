//! Closes of many instruments on many days, positions in them, and the returns they make.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tezi::risk_measures::{CorporateAction, ReturnReport, clean_returns};
use tezi::venue::Date;

use crate::outcome::Failure;
use crate::table::{Fault, Row, Table};

/// Cells of the table of returns that are taken: instruments times days.
const CELLS_MAX: usize = 1 << 26;

/// One instrument with a position.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Holding {
    pub(super) symbol: String,
    /// Rupees, negative when short.
    pub(super) value: f64,
    pub(super) report: ReturnReport,
}

/// Positions and the returns of what they are in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct History {
    /// All days with a close of anything held, the first of which has no return.
    pub(super) dates: Vec<Date>,
    /// By symbol.
    pub(super) holdings: Vec<Holding>,
    /// Simple returns by holding, then day.
    pub(super) returns: Vec<f32>,
}

impl History {
    /// Days with a return.
    pub(super) fn days(&self) -> usize {
        self.dates.len() - 1
    }

    pub(super) fn values(&self) -> Vec<f64> {
        self.holdings.iter().map(|holding| holding.value).collect()
    }

    /// What each holding returned on one day.
    pub(super) fn day(&self, day: usize) -> impl Iterator<Item = f64> {
        self.returns.chunks_exact(self.days()).map(move |row| f64::from(row[day]))
    }
}

/// A position as it is written.
enum Amount {
    Units(f64),
    Rupees(f64),
}

/// Reads all files. `actions` says what splits were.
pub(super) fn read(
    prices: &Path,
    positions: &Path,
    actions: Option<&Path>,
) -> Result<History, Failure> {
    let (table, held) = read_positions(positions)?;
    let closes = read_closes(prices, &held)?;
    let missing = held.iter().filter(|(symbol, _)| !closes.contains_key(*symbol));
    let faults: Vec<(usize, Fault)> = missing
        .map(|(symbol, (line, _))| {
            let why = format!("{symbol} has no close in {}", prices.display());
            (*line, Fault::new("symbol", why))
        })
        .collect();
    if !faults.is_empty() {
        return Err(table.refuse(&faults));
    }
    let dates: Vec<Date> = {
        let all = closes.values().flat_map(BTreeMap::keys).copied();
        all.collect::<BTreeSet<Date>>().into_iter().collect()
    };
    if dates.len() < 2 {
        let name = prices.display();
        return Err(Failure::Failed(format!("{name}: fewer than two days of what is held")));
    }
    if held.len().saturating_mul(dates.len()) > CELLS_MAX {
        return Err(Failure::Failed(format!("over {CELLS_MAX} returns")));
    }
    let actions = actions.map_or(Ok(BTreeMap::new()), |path| read_actions(path, &dates))?;
    let mut history = History { dates, holdings: Vec::new(), returns: Vec::new() };
    for (symbol, (_, amounts)) in held {
        let Some(mine) = closes.get(&symbol) else { continue };
        let last = mine.last_key_value().map_or(f64::NAN, |(_, close)| *close);
        let value = amounts.iter().map(|amount| match amount {
            Amount::Units(units) => units * last,
            Amount::Rupees(rupees) => *rupees,
        });
        let value = value.sum();
        let of_day = |date| mine.get(date).copied().unwrap_or(f64::NAN);
        let row: Vec<f64> = history.dates.iter().map(of_day).collect();
        let mut returns = vec![0.0; history.days()];
        let report =
            clean_returns(&row, actions.get(&symbol).map_or(&[], Vec::as_slice), &mut returns);
        history.returns.extend(returns);
        history.holdings.push(Holding { symbol, value, report });
    }
    Ok(history)
}

type Held = BTreeMap<String, (usize, Vec<Amount>)>;

fn read_positions(path: &Path) -> Result<(Table, Held), Failure> {
    let table = Table::read(path)?;
    let symbol = table.need("symbol")?;
    let value = table.column("value");
    let quantity =
        if value.is_some() { table.column("quantity") } else { table.need("quantity")? };
    let rows = table.parse(|row| {
        let name = named(row, symbol)?;
        let amount = match row.text(value) {
            "" => Amount::Units(row.number(quantity, "quantity")?),
            _ => Amount::Rupees(row.number(value, "value")?),
        };
        Ok((row.line, name, amount))
    })?;
    if rows.is_empty() {
        return Err(Failure::Failed(format!("{}: no positions", path.display())));
    }
    let mut held = Held::new();
    for (line, name, amount) in rows {
        held.entry(name).or_insert_with(|| (line, Vec::new())).1.push(amount);
    }
    Ok((table, held))
}

/// The closes of what is held. A close that is no positive number is kept as none.
fn read_closes(path: &Path, held: &Held) -> Result<BTreeMap<String, BTreeMap<Date, f64>>, Failure> {
    let table = Table::read(path)?;
    let (date, symbol) = (table.need("date")?, table.need("symbol")?);
    let close = table.need("close")?;
    let mut closes: BTreeMap<String, BTreeMap<Date, f64>> = BTreeMap::new();
    table.parse(|row| {
        let name = named(row, symbol)?;
        if !held.contains_key(&name) {
            return Ok(());
        }
        let day = dated(row, date)?;
        let close = row.number(close, "close")?;
        if closes.entry(name).or_default().insert(day, close).is_some() {
            return Err(Fault::new("date", format!("a second close of {}", row.text(symbol))));
        }
        Ok(())
    })?;
    Ok(closes)
}

/// Actions by symbol and rising day. One on a day without closes counts on the next.
fn read_actions(
    path: &Path,
    dates: &[Date],
) -> Result<BTreeMap<String, Vec<CorporateAction>>, Failure> {
    let table = Table::read(path)?;
    let (date, symbol) = (table.need("date")?, table.need("symbol")?);
    let factor = table.need("factor")?;
    let mut actions: BTreeMap<String, Vec<CorporateAction>> = BTreeMap::new();
    table.parse(|row| {
        let day = dated(row, date)?;
        let factor = row.number(factor, "factor")?;
        if factor <= 0.0 {
            return Err(Fault::new("factor", "is not above 0"));
        }
        let day = dates.partition_point(|date| *date < day);
        actions.entry(named(row, symbol)?).or_default().push(CorporateAction { day, factor });
        Ok(())
    })?;
    for of_symbol in actions.values_mut() {
        of_symbol.sort_by_key(|action| action.day);
    }
    Ok(actions)
}

fn named(row: Row<'_>, symbol: Option<usize>) -> Result<String, Fault> {
    match row.text(symbol) {
        "" => Err(Fault::new("symbol", "is missing")),
        name => Ok(name.to_string()),
    }
}

fn dated(row: Row<'_>, date: Option<usize>) -> Result<Date, Fault> {
    let text = row.text(date);
    Date::parse(text).ok_or_else(|| Fault::new("date", format!("`{text}` is not YYYY-MM-DD")))
}
