//! The files held against a session: its instruments, strategies, accounts and day. What comes out is what
//! the core is told; what cannot be is a fault with its line, and nothing of the file is taken then.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tezi_core::venue::Date;
use tezi_core::{
    AdjustError, CARRIED_UNITS_MAX, CarriedLot, CorporateAction, HOLDINGS_MAX, HoldingError,
    HoldingKey, Holdings, InstrumentTable, LOTS_MAX, Opening,
};
use tezi_model::{
    AccountId, Instrument, InstrumentId, InstrumentKind, Nanos, Px, Qty, StrategyId, Token,
};

use super::file::{ActionRow, Named, PositionRow, segment};
use super::table::{Fault, refused};
use crate::error::Error;

/// Who may hold something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    /// The only strategy's name, where there is one alone.
    pub(crate) alone: Option<String>,
    /// Of several strategies, in order of number: name, and the account it trades for.
    pub(crate) strategies: Vec<(String, AccountId)>,
    /// In order of number.
    pub(crate) accounts: Vec<String>,
    /// The account of the only strategy.
    pub(crate) account_of_alone: AccountId,
}

impl Owners {
    /// Whose a line is.
    fn find(&self, row: &PositionRow) -> Result<(StrategyId, AccountId), String> {
        let PositionRow { strategy, account, .. } = row;
        let number = |place: usize| place as u8 + 1;
        let place = self.strategies.iter().position(|(name, _)| name == strategy);
        let id = match (&self.alone, place) {
            _ if strategy.is_empty() => StrategyId::NONE,
            (Some(alone), _) if alone == strategy => StrategyId::NONE,
            (None, Some(place)) => StrategyId(number(place)),
            _ => return Err(format!("strategy: `{strategy}` is none of this session")),
        };
        let of_account = self.accounts.iter().position(|name| name == account);
        let of_account = match of_account {
            Some(place) => AccountId(number(place)),
            None if account.is_empty() && self.accounts.is_empty() => AccountId::NONE,
            None if account.is_empty() => {
                return Err("account: is missing, and accounts are declared".into());
            }
            None => return Err(format!("account: `{account}` is not declared")),
        };
        let trades_for = match (id.index(), &self.alone) {
            (Some(place), _) => self.strategies[place].1,
            (None, Some(_)) => self.account_of_alone,
            // The desk's own: what an operator closed, above all.
            (None, None) => of_account,
        };
        if trades_for != of_account {
            let of = trades_for.index().and_then(|place| self.accounts.get(place));
            let of = of.map_or("no account", |name| name);
            return Err(format!(
                "account: strategy `{strategy}` trades for {of}, and could not close what {account} holds"
            ));
        }
        Ok((id, of_account))
    }
}

/// What a session is told, and where it was read.
#[derive(Clone, Copy)]
pub(crate) struct Session<'a> {
    pub(crate) instruments: &'a InstrumentTable,
    pub(crate) owners: &'a Owners,
    pub(crate) day: Date,
    pub(crate) positions: (&'a Path, &'a [PositionRow]),
    pub(crate) actions: (&'a Path, &'a [ActionRow]),
}

impl Session<'_> {
    /// What the core is told before the session's start.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] with every fault of the actions, or else of the positions.
    pub(crate) fn openings(&self) -> Result<Vec<Opening>, Error> {
        let (rows, actions) = (self.positions.1, self.actions.1);
        let as_of = rows.first().and_then(|row| row.as_of);
        let known = Known::new(self.instruments);
        let due = self.due(as_of, &known).map_err(|faults| refused(self.actions.0, &faults))?;
        let of_positions = |faults: Vec<Fault>| refused(self.positions.0, &faults);
        let lots = self.lots(as_of, &known, &due).map_err(of_positions)?;
        let held: BTreeSet<InstrumentId> = lots.iter().map(|(_, lot)| lot.instrument).collect();
        if as_of.is_none() {
            self.check_as_of(&held, &known, actions)?;
        }
        let mut told = Vec::new();
        for action in &due {
            for &instrument in action.instruments.intersection(&held) {
                let ActionRow { kind, ratio, ex_date, .. } = *action.row;
                let ex_day = ex_date.number();
                told.push(CorporateAction { instrument, kind, ratio, ex_day });
            }
        }
        self.check_room(&lots, &told).map_err(of_positions)?;
        let begin = Opening::Begin {
            day: self.day.number(),
            as_of: as_of.map_or(0, Date::number),
            lots: lots.len() as u32,
            actions: told.len() as u32,
        };
        let lots = lots.into_iter().map(|(_, lot)| Opening::Lot(lot));
        Ok([begin].into_iter().chain(lots).chain(told.into_iter().map(Opening::Action)).collect())
    }

    /// The actions between the day of the positions and the session's, the earliest first.
    fn due<'a>(&'a self, as_of: Option<Date>, known: &Known) -> Result<Vec<Due<'a>>, Vec<Fault>> {
        let Some(as_of) = as_of else { return Ok(Vec::new()) };
        let mut due: Vec<Due<'_>> = Vec::new();
        let mut faults = Vec::new();
        for row in self.actions.1.iter().filter(|it| as_of < it.ex_date && it.ex_date <= self.day) {
            let instruments = known.of_action(&row.instrument);
            let is_twice = |it: &&Due<'_>| {
                it.row.ex_date == row.ex_date && !it.instruments.is_disjoint(&instruments)
            };
            if let Some(other) = due.iter().find(is_twice) {
                let why = format!("the action of line {} once more", other.row.line);
                faults.push(Fault::new(row.line, why));
            }
            due.push(Due { row, instruments });
        }
        due.sort_by_key(|it| it.row.ex_date);
        if faults.is_empty() { Ok(due) } else { Err(faults) }
    }

    /// Without the day of the positions nobody knows whether an action is in them already.
    fn check_as_of(
        &self,
        held: &BTreeSet<InstrumentId>,
        known: &Known,
        actions: &[ActionRow],
    ) -> Result<(), Error> {
        let is_on_held = |row: &&ActionRow| {
            row.ex_date <= self.day && !known.of_action(&row.instrument).is_disjoint(held)
        };
        match actions.iter().find(is_on_held) {
            None => Ok(()),
            Some(row) => {
                let why = "is of something held, and the positions do not say of which day they are \
                           (as_of): whether it is in them is not known";
                Err(refused(self.actions.0, &[Fault::new(row.line, why)]))
            }
        }
    }

    fn lots(
        &self,
        as_of: Option<Date>,
        known: &Known,
        due: &[Due<'_>],
    ) -> Result<Vec<(usize, CarriedLot)>, Vec<Fault>> {
        let (mut lots, mut faults) = (Vec::new(), Vec::new());
        let mut held = Held::default();
        for row in self.positions.1 {
            let lot = self.lot(row, as_of, known, due).and_then(|lot| {
                held.add(row, &lot)?;
                Ok(lot)
            });
            match lot {
                Ok(lot) => lots.push((row.line, lot)),
                Err(why) => faults.push(Fault::new(row.line, why)),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        for (_, lot) in &mut lots {
            lot.mark = held.mark(lot.instrument).unwrap_or(lot.price);
        }
        Ok(lots)
    }

    fn lot(
        &self,
        row: &PositionRow,
        as_of: Option<Date>,
        known: &Known,
        due: &[Due<'_>],
    ) -> Result<CarriedLot, String> {
        if row.as_of != as_of {
            return Err("as_of: is another day than in the lines before".into());
        }
        if as_of.is_some_and(|as_of| as_of > self.day) {
            return Err(format!("as_of: is after the session's day, {}", self.day));
        }
        if row.date.is_some_and(|date| date > as_of.unwrap_or(self.day)) {
            return Err("date: is after the day of the positions".into());
        }
        let instrument = known.find(&row.instrument, due)?;
        let state = self.instruments.get(instrument).ok_or("instrument: is not known")?;
        let of = &state.definition;
        if matches!(of.kind(), InstrumentKind::Spread | InstrumentKind::Index) {
            return Err(format!("instrument: {of} cannot be held"));
        }
        if of.expiry > Nanos::ZERO && Date::of(of.expiry) < self.day {
            return Err(format!("instrument: {of} has expired; what became of it is no position"));
        }
        check_units(row, instrument, of, due)?;
        let (strategy, account) = self.owners.find(row)?;
        Ok(CarriedLot {
            strategy,
            account,
            instrument,
            net: row.net,
            price: row.price,
            mark: row.price,
            day: row.date.map_or(0, Date::number),
        })
    }

    /// Whether the core has room for all of it, and every lot is whole after the actions.
    fn check_room(
        &self,
        lots: &[(usize, CarriedLot)],
        actions: &[CorporateAction],
    ) -> Result<(), Vec<Fault>> {
        let mut holdings = Holdings::new(HOLDINGS_MAX, LOTS_MAX, self.day.number());
        let too_many = || format!("more than {CARRIED_UNITS_MAX} units of one instrument");
        let is_within = |holdings: &Holdings, instrument| {
            holdings.units(instrument) <= CARRIED_UNITS_MAX.unsigned_abs()
        };
        let mut faults = Vec::new();
        for (line, lot) in lots {
            let carried = if lot.net.unsigned_abs() > CARRIED_UNITS_MAX.unsigned_abs() {
                Err(too_many())
            } else {
                let carried = holdings.carry(lot.key(), lot.net, lot.price, lot.day);
                carried.map_err(said)
            };
            let carried = carried.and_then(|()| match is_within(&holdings, lot.instrument) {
                true => Ok(()),
                false => Err(too_many()),
            });
            faults.extend(carried.err().map(|why| Fault::new(*line, why)));
        }
        for action in actions {
            let line = lots.iter().find(|(_, lot)| lot.instrument == action.instrument);
            let line = line.map_or(1, |(line, _)| *line);
            let adjusted = holdings.adjust_all(action.instrument, action.ratio);
            let mark = lots.iter().find(|(_, lot)| lot.instrument == action.instrument);
            let mark = mark.and_then(|(_, lot)| action.ratio.price(lot.mark));
            let is_priced = mark.is_some_and(|mark| mark > Px::ZERO);
            if adjusted.is_err() || !is_priced || !is_within(&holdings, action.instrument) {
                let why =
                    "cannot be carried over its corporate action: too many units, or no price";
                faults.push(Fault::new(line, why));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

fn said(error: HoldingError) -> String {
    match error {
        HoldingError::Full => format!("more than {HOLDINGS_MAX} positions"),
        HoldingError::TooManyLots => format!("more than {LOTS_MAX} lots of one position"),
        HoldingError::Traded | HoldingError::OtherSide => {
            "quantity: lots of one position are all bought or all sold".into()
        }
    }
}

/// Whether a line's units are whole after every action, and whole lots then.
fn check_units(
    row: &PositionRow,
    instrument: InstrumentId,
    of: &Instrument,
    due: &[Due<'_>],
) -> Result<(), String> {
    let mut net = row.net;
    for action in due.iter().filter(|it| it.instruments.contains(&instrument)) {
        let ActionRow { kind, text, ex_date, .. } = action.row;
        net = action.row.ratio.units(net).map_err(|error| {
            let what = match error {
                AdjustError::Fraction => "is no whole number of units",
                _ => "is more than can be counted",
            };
            format!("quantity: {net} units after the {} {text} of {ex_date} {what}", kind.name())
        })?;
    }
    match of.lot {
        Qty(lot @ 2..) if net % i64::from(lot) != 0 => {
            let after = if net == row.net { "" } else { ", after corporate actions" };
            Err(format!("quantity: {net} units{after} of {of} are no whole lots of {lot}"))
        }
        _ => Ok(()),
    }
}

/// A corporate action and what it is on.
struct Due<'a> {
    row: &'a ActionRow,
    instruments: BTreeSet<InstrumentId>,
}

/// The session's instruments by name and symbol.
struct Known<'a> {
    table: &'a InstrumentTable,
    names: BTreeMap<String, Vec<InstrumentId>>,
    symbols: BTreeMap<String, BTreeSet<InstrumentId>>,
}

impl<'a> Known<'a> {
    fn new(table: &'a InstrumentTable) -> Self {
        let mut names: BTreeMap<String, Vec<InstrumentId>> = BTreeMap::new();
        let mut symbols: BTreeMap<String, BTreeSet<InstrumentId>> = BTreeMap::new();
        for (id, state) in table.iter() {
            names.entry(state.definition.to_string()).or_default().push(id);
            let symbol = state.definition.symbol.as_str().to_string();
            symbols.entry(symbol).or_default().insert(id);
        }
        symbols.remove("");
        Self { table, names, symbols }
    }

    fn definition(&self, id: InstrumentId) -> Option<&Instrument> {
        self.table.get(id).map(|state| &state.definition)
    }

    /// What an action is on: a name, `SEGMENT:TOKEN`, or everything on a symbol; nothing that this session
    /// knows, else.
    fn of_action(&self, text: &str) -> BTreeSet<InstrumentId> {
        if let Some(named) = self.symbols.get(text) {
            return named.clone();
        }
        if let Some(named) = self.names.get(text) {
            return named.iter().copied().collect();
        }
        let numbered = text
            .split_once(':')
            .and_then(|(name, token)| self.table.find(segment(name)?, Token(token.parse().ok()?)));
        numbered.into_iter().collect()
    }

    /// The instrument of a line. Where it has both token and name they say the same, but that an action may
    /// have changed the strike in the name.
    fn find(&self, named: &Named, due: &[Due<'_>]) -> Result<InstrumentId, String> {
        let Named { token, segment, name } = named;
        if let Some((segment, token)) = *token {
            let found = self.table.find(segment, token);
            let unknown = || format!("token: {}:{token} is not known", segment.name());
            let id = found.ok_or_else(unknown)?;
            let definition = self.definition(id).ok_or_else(unknown)?;
            let is_adjusted = due.iter().any(|it| it.instruments.contains(&id));
            let symbol = name.split_whitespace().next().unwrap_or_default();
            let is_same = definition.to_string() == *name
                || (is_adjusted && definition.symbol.as_str() == symbol);
            return if name.is_empty() || is_same {
                Ok(id)
            } else {
                Err(format!("instrument: token {token} is {definition}, not `{name}`"))
            };
        }
        let all = self.names.get(name).map_or(&[][..], Vec::as_slice);
        let is_of = |id: &&InstrumentId| {
            let of = self.definition(**id).and_then(Instrument::segment);
            segment.is_none() || of == *segment
        };
        let found: Vec<InstrumentId> = all.iter().filter(is_of).copied().collect();
        match found[..] {
            [id] => Ok(id),
            [] => Err(format!("instrument: `{name}` is not known")),
            _ => Err(format!(
                "instrument: {} are called `{name}`; say segment and token",
                found.len()
            )),
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct Held {
    /// The line, price and day of the newest lot of each position.
    lots: BTreeMap<HoldingKey, (usize, Px, i32)>,
    closes: BTreeMap<InstrumentId, Px>,
    /// Units and their cost, for an average, of instruments.
    costs: BTreeMap<InstrumentId, (i128, i128)>,
}

impl Held {
    fn add(&mut self, row: &PositionRow, lot: &CarriedLot) -> Result<(), String> {
        if let Some(&(line, price, day)) = self.lots.get(&lot.key()) {
            if day > lot.day {
                return Err(format!(
                    "date: the lot is older than that of line {line}: oldest first"
                ));
            }
            let is_same = day == lot.day && (price == lot.price || day == 0);
            if is_same {
                return Err(format!("the position of line {line} once more"));
            }
        }
        self.lots.insert(lot.key(), (row.line, lot.price, lot.day));
        if let Some(close) = row.close {
            let known = *self.closes.entry(lot.instrument).or_insert(close);
            if known != close {
                return Err(format!("close: is {known} in another line of the instrument"));
            }
        }
        let units = i128::from(lot.net.unsigned_abs());
        let (all, cost) = self.costs.entry(lot.instrument).or_default();
        *all += units;
        *cost += units * i128::from(lot.price.0);
        Ok(())
    }

    /// What the day's profit counts an instrument from: its close, else what its units cost on average.
    fn mark(&self, instrument: InstrumentId) -> Option<Px> {
        let average = || {
            let &(units, cost) = self.costs.get(&instrument)?;
            i64::try_from((cost + units / 2) / units).ok().map(Px)
        };
        self.closes.get(&instrument).copied().or_else(average)
    }
}
