//! What the control thread does with a line: who may, whether a second user is needed, what the core
//! is asked, what is answered. No socket here.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use tezi_core::Restriction;
use tezi_core::control::{Control, Limit};
use tezi_core::roster::StopCause;
use tezi_model::{
    AccountDefinition, AccountId, Instrument, InstrumentId, Nanos, Px, RejectReason, Segment,
    StrategyId, Token,
};

use super::ControlConfig;
use super::acting::wall_clock;
use super::link::{
    Ask, AskKind, Figures, Held, STANDING_LIMITS, STANDINGS_MAX, Silence, Standing, ThreadSeat,
    Told,
};
use super::users::{own_uid, user_name};
use super::words::{OfAccount, Wanted, Words, parse};
use crate::records::ControlEntry;
use crate::replication::ReplicaState;

/// What is known of the session beforehand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) instruments: &'a [Instrument],
    pub(crate) strategy: &'a str,
    pub(crate) parameters: &'a str,
    /// Names and kinds of several strategies, in order of number.
    pub(crate) members: &'a [(String, String)],
    /// Accounts, in order of number.
    pub(crate) accounts: &'a [AccountDefinition],
    /// Where the journal is replicated.
    pub(crate) replica: Option<&'a ReplicaState>,
}

/// An action of which a second user must ask as well.
#[derive(Clone, Debug)]
struct Waiting {
    control: Control,
    uid: u32,
    since: Instant,
}

/// See the module.
pub(crate) struct ControlThread<'a> {
    seat: ThreadSeat,
    config: &'a ControlConfig,
    known: Known<'a>,
    /// By name, in capitals, `None` where several have it; made when the first name is asked for.
    names: Option<HashMap<String, Option<(Segment, Token)>>>,
    waiting: Option<Waiting>,
    /// What was done last, for people.
    last: Option<String>,
    /// When an operator was heard last.
    heard: Instant,
    has_tripped: bool,
}

/// How long a second user has.
const SECOND_WITHIN: Duration = Duration::from_secs(60);

impl<'a> ControlThread<'a> {
    pub(crate) fn new(seat: ThreadSeat, config: &'a ControlConfig, known: Known<'a>) -> Self {
        Self {
            seat,
            config,
            known,
            names: None,
            waiting: None,
            last: None,
            heard: Instant::now(),
            has_tripped: false,
        }
    }

    /// Answers a line of a user: lines of `name value`, and a last one that begins with `ok`, `wait` or
    /// `error`.
    pub(super) fn answer(&mut self, line: &str, uid: u32) -> String {
        self.heard = Instant::now();
        self.has_tripped = false;
        let mut text = String::new();
        let end = match self.carry_out(line, uid, &mut text) {
            Ok(end) => end,
            Err(why) => {
                text.clear();
                format!("error {why}")
            }
        };
        text + &end + "\n"
    }

    /// Pauses trading when no operator was heard for too long.
    pub(super) fn look(&mut self) {
        let Some(most) = self.config.deadman else { return };
        if self.has_tripped || self.heard.elapsed() < most {
            return;
        }
        self.has_tripped = true;
        let Ok(told) = self.seat.ask(&Ask::new(AskKind::Status)) else { return };
        if told.figures.paused == 0 && told.figures.stopped == 0 {
            let entry = ControlEntry {
                control: Control::Pause,
                uid: own_uid().unwrap_or(u32::MAX),
                who: "dead-man switch".into(),
                why: format!("no operator was heard for {} s", most.as_secs_f64()),
            };
            // Not to be had, the core ends: nothing is traded then.
            let _ = self.seat.ask(&Ask::act(&entry));
            self.note(&entry, told.figures.time);
        }
    }

    fn carry_out(&mut self, line: &str, uid: u32, text: &mut String) -> Result<String, String> {
        match parse(line)? {
            Words::Status => self.status(text)?,
            Words::Positions => self.positions(text)?,
            Words::Accounts => self.accounts(text)?,
            Words::Limits => self.limits(text)?,
            Words::Watch => {
                let left = self.config.deadman.map(|most| most.as_secs_f64());
                line_of(text, "deadman-seconds", &left.map_or("off".into(), |it| it.to_string()));
            }
            Words::Strategies => self.strategies(text)?,
            Words::Rotate => {
                let told = self.ask(&Ask::new(AskKind::Rotate))?;
                if told.sequence == 0 {
                    return Err("no journal is kept".into());
                }
                line_of(text, "journal-record", &told.sequence.to_string());
            }
            Words::Act { wanted, why } => return self.act(wanted, why, uid, text),
        }
        Ok("ok".into())
    }

    fn act(
        &mut self,
        wanted: Wanted<'_>,
        why: &str,
        uid: u32,
        text: &mut String,
    ) -> Result<String, String> {
        let control = self.control(wanted)?;
        let mut who = user_name(uid);
        if self.needs_two(&control)? {
            match self.second(&control, uid) {
                Some(first) => who = format!("{who} and {}", user_name(first)),
                None => {
                    let seconds = SECOND_WITHIN.as_secs();
                    return Ok(format!(
                        "wait another user must ask for the same within {seconds} s"
                    ));
                }
            }
        }
        let entry = ControlEntry { control, uid, who, why: why.into() };
        let told = self.ask(&Ask::act(&entry))?;
        if let Some(error) = told.error() {
            return Err(error.to_string());
        }
        self.note(&entry, told.figures.time);
        if told.sequence > 0 {
            line_of(text, "journal-record", &told.sequence.to_string());
        }
        Ok("ok".into())
    }

    /// Lets time pass for whoever waits for a second user.
    #[cfg(test)]
    pub(super) fn age_waiting(&mut self, by: Duration) {
        if let Some(waiting) = &mut self.waiting {
            waiting.since = waiting.since.checked_sub(by).unwrap_or(waiting.since);
        }
    }

    fn note(&mut self, entry: &ControlEntry, time: i64) {
        let ControlEntry { control, who, why, .. } = entry;
        let time = wall_clock(Nanos(time));
        self.last = Some(format!("{} by {who} at {time}: {why}", control.name()));
    }

    /// Whether an action needs two users.
    fn needs_two(&mut self, control: &Control) -> Result<bool, String> {
        match *control {
            Control::Release | Control::ReleaseAccount { .. } if !self.config.dual => {
                let why = "a stop is released by two users, where the host was started with \
                           --control-dual; without it, by another start";
                Err(why.into())
            }
            Control::Release | Control::ReleaseAccount { .. } => Ok(true),
            _ if !self.config.dual => Ok(false),
            Control::StartStrategy { .. } => Ok(true),
            Control::SetAccountLimit { account, limit, value } => {
                let now = self.standing_of_account(account)?;
                Ok(limit.is_looser(set_to(&now, limit), value))
            }
            Control::RestrictAccount { restriction, .. } => Ok(restriction != Restriction::Nothing),
            Control::SetStrategyLimit { strategy, limit, value } => {
                let now = self.standing(strategy)?;
                Ok(limit.is_looser(set_to(&now, limit), value))
            }
            Control::SetLimit { limit, value } => {
                let place = Limit::ALL.iter().position(|it| *it == limit).unwrap_or_default();
                let now = self.ask(&Ask::new(AskKind::Status))?.figures.limits[place];
                Ok(limit.is_looser(now, value))
            }
            // What was restricted before is not asked: any restriction may be less than it.
            Control::Restrict { restriction, .. } => Ok(restriction != Restriction::Nothing),
            Control::PriceRange { low, high, .. } => Ok(low == Px::ZERO || high == Px::ZERO),
            _ => Ok(false),
        }
    }

    /// The user who asked for the same before, when it was another and not long ago.
    fn second(&mut self, control: &Control, uid: u32) -> Option<u32> {
        let first = self.waiting.take();
        let first = first.filter(|it| it.control == *control && it.since.elapsed() < SECOND_WITHIN);
        match first {
            Some(first) if first.uid != uid => Some(first.uid),
            first => {
                let since = first.map_or_else(Instant::now, |it| it.since);
                self.waiting = Some(Waiting { control: *control, uid, since });
                None
            }
        }
    }

    /// How one of several strategies stands.
    fn standing(&mut self, id: StrategyId) -> Result<Standing, String> {
        let index = id.index().unwrap_or_default();
        let told = self.ask(&Ask::strategies(index as u32))?;
        Ok(told.standings[0])
    }

    fn strategies(&mut self, text: &mut String) -> Result<(), String> {
        for (part, members) in self.known.members.chunks(STANDINGS_MAX).enumerate() {
            let told = self.ask(&Ask::strategies((part * STANDINGS_MAX) as u32))?;
            for ((name, kind), it) in members.iter().zip(told.standings) {
                let Standing { open_orders, new_orders, fills, refusals, .. } = it;
                let (state, profit) = (it.state(), rupees(it.profit));
                let figures = format!("{open_orders} {new_orders} {fills} {refusals}");
                line_of(text, name, &format!("{kind} {state} {profit} {figures}"));
            }
        }
        Ok(())
    }

    /// How one account stands.
    fn standing_of_account(&mut self, id: AccountId) -> Result<Standing, String> {
        let index = id.index().unwrap_or_default();
        let told = self.ask(&Ask::accounts(index as u32))?;
        Ok(told.standings[0])
    }

    fn accounts(&mut self, text: &mut String) -> Result<(), String> {
        for (part, accounts) in self.known.accounts.chunks(STANDINGS_MAX).enumerate() {
            let told = self.ask(&Ask::accounts((part * STANDINGS_MAX) as u32))?;
            for (account, it) in accounts.iter().zip(told.standings) {
                let Standing { open_orders, new_orders, fills, refusals, .. } = it;
                let client = account.client().unwrap_or("own");
                let code = u8::try_from(it.restriction).ok().and_then(Restriction::from_code);
                let restriction = code.unwrap_or_default().name();
                let (profit, value) = (rupees(it.profit), rupees(it.open_value));
                let figures = format!("{open_orders} {value} {new_orders} {fills} {refusals}");
                let state = it.state();
                let value = format!("{client} {state} {restriction} {profit} {figures}");
                line_of(text, account.name(), &value);
            }
        }
        Ok(())
    }

    fn control(&mut self, wanted: Wanted<'_>) -> Result<Control, String> {
        if let Wanted::Account(name, what) = wanted {
            return self.control_of_account(name, what);
        }
        let members = self.known.members;
        let mut find = |name: &str| self.find(name);
        let mut some = |name: Option<&str>| name.map(&mut find).transpose();
        let strategy = |name: &str| strategy_number(members, name);
        Ok(match wanted {
            Wanted::Pause => Control::Pause,
            Wanted::Resume => Control::Resume,
            Wanted::Kill => Control::Kill,
            Wanted::KillUser => Control::KillUser,
            Wanted::Release => Control::Release,
            Wanted::Cancel(instrument) => Control::CancelAll { instrument: some(instrument)? },
            Wanted::Flatten { through_bps, instrument } => {
                Control::Flatten { instrument: some(instrument)?, through_bps }
            }
            Wanted::FlattenStrategy { through_bps, of } => {
                Control::FlattenStrategy { strategy: strategy(of)?, through_bps }
            }
            Wanted::Limit { of: None, limit, value } => Control::SetLimit { limit, value },
            Wanted::Limit { of: Some(name), limit, value } => {
                let strategy = strategy(name)?;
                Control::SetStrategyLimit { strategy, limit, value }
            }
            Wanted::Stop(name) => {
                let strategy = strategy(name)?;
                Control::StopStrategy { strategy, cause: StopCause::Operator }
            }
            Wanted::Start(name) => Control::StartStrategy { strategy: strategy(name)? },
            Wanted::Set(None, assignment) if members.is_empty() => {
                Control::SetParameter { strategy: StrategyId::NONE, assignment }
            }
            Wanted::Set(None, _) => {
                let why = "say whose parameter: there are several strategies";
                return Err(format!("{why}, {}", names_of(members)));
            }
            Wanted::Set(Some(name), assignment) => {
                Control::SetParameter { strategy: strategy(name)?, assignment }
            }
            Wanted::Restrict(restriction, instrument) => {
                Control::Restrict { instrument: find(instrument)?, restriction }
            }
            Wanted::Range(low, high, instrument) => {
                Control::PriceRange { instrument: find(instrument)?, low, high }
            }
            // It was before all others.
            Wanted::Account(name, what) => return self.control_of_account(name, what),
        })
    }

    fn control_of_account(&self, name: &str, what: OfAccount) -> Result<Control, String> {
        let account = account_number(self.known.accounts, name)?;
        Ok(match what {
            OfAccount::Pause => Control::PauseAccount { account },
            OfAccount::Resume => Control::ResumeAccount { account },
            OfAccount::Cancel => Control::CancelAccount { account },
            OfAccount::Flatten { through_bps } => Control::FlattenAccount { account, through_bps },
            OfAccount::Kill => Control::KillAccount { account },
            OfAccount::Release => Control::ReleaseAccount { account },
            OfAccount::Limit(limit, value) => Control::SetAccountLimit { account, limit, value },
            OfAccount::Restrict(restriction) => Control::RestrictAccount { account, restriction },
        })
    }

    /// The number of an instrument by its name, or by `segment:token`.
    fn find(&mut self, name: &str) -> Result<InstrumentId, String> {
        let known = self.known.instruments;
        let names = self.names.get_or_insert_with(|| {
            let mut names = HashMap::new();
            for it in known {
                let Some(segment) = it.segment() else { continue };
                let key = Some((segment, it.token));
                let name = it.to_string().to_ascii_uppercase();
                names.entry(name).and_modify(|known| *known = None).or_insert(key);
            }
            names
        });
        let unknown = || {
            format!(
                "no instrument is called '{name}': as `tezi ctl positions` has it, or SEGMENT:TOKEN"
            )
        };
        let by_number = || {
            let (segment, token) = name.split_once(':')?;
            let segment = Segment::ALL.iter().copied().find(|it| it.name() == segment)?;
            Some((segment, Token(token.parse().ok()?)))
        };
        let key = match names.get(&name.to_ascii_uppercase()) {
            Some(None) => return Err(format!("several are called '{name}': say SEGMENT:TOKEN")),
            Some(key) => *key,
            None => by_number(),
        };
        let (segment, token) = key.ok_or_else(unknown)?;
        self.ask(&Ask::find(segment, token))?.instrument().ok_or_else(unknown)
    }

    fn ask(&mut self, ask: &Ask) -> Result<Told, String> {
        self.seat.ask(ask).map_err(|silence| match silence {
            Silence::Ending => "the session ends".into(),
            Silence::Busy => {
                "the core did not answer within 2 s; what was asked may still come".into()
            }
        })
    }

    fn status(&mut self, text: &mut String) -> Result<(), String> {
        let figures = self.ask(&Ask::new(AskKind::Status))?.figures;
        line_of(text, "strategy", self.known.strategy);
        line_of(text, "parameters", self.known.parameters);
        tell_state(text, &figures);
        if let Some(last) = &self.last {
            line_of(text, "last-action", last);
        }
        if let Some(replica) = self.known.replica {
            tell_replica(text, replica);
        }
        if let Some(waiting) = &self.waiting
            && waiting.since.elapsed() < SECOND_WITHIN
        {
            let who = user_name(waiting.uid);
            let what = format!("{} asked for by {who}", waiting.control.name());
            line_of(text, "waits-for-a-second-user", &what);
        }
        Ok(())
    }

    fn limits(&mut self, text: &mut String) -> Result<(), String> {
        let figures = self.ask(&Ask::new(AskKind::Status))?.figures;
        for (limit, value) in Limit::ALL.iter().zip(figures.limits) {
            line_of(text, limit.name(), &value.to_string());
        }
        Ok(())
    }

    fn positions(&mut self, text: &mut String) -> Result<(), String> {
        let mut from = 0;
        loop {
            let told = self.ask(&Ask::positions(from))?;
            for held in told.held.iter().take(told.count as usize) {
                tell_position(text, held);
            }
            if told.next <= from {
                return Ok(());
            }
            from = told.next;
        }
    }
}

/// The number of one of several strategies.
fn strategy_number(members: &[(String, String)], name: &str) -> Result<StrategyId, String> {
    if members.is_empty() {
        return Err("there is only one strategy: pause, limit and set are its".into());
    }
    let place = members.iter().position(|(member, _)| member == name);
    let place = place.ok_or_else(|| {
        format!("no strategy is called '{name}': there are {}", names_of(members))
    })?;
    Ok(StrategyId(place as u8 + 1))
}

/// The number of an account.
fn account_number(accounts: &[AccountDefinition], name: &str) -> Result<AccountId, String> {
    let place = accounts.iter().position(|account| account.name() == name);
    let place = place.ok_or_else(|| {
        let names: Vec<&str> = accounts.iter().map(AccountDefinition::name).collect();
        match &names[..] {
            [] => "no accounts were declared".into(),
            names => format!("no account is called '{name}': there are {}", names.join(", ")),
        }
    })?;
    Ok(AccountId(place as u8 + 1))
}

/// What a limit of a strategy or an account is set to.
fn set_to(standing: &Standing, limit: Limit) -> i64 {
    let limits = STANDING_LIMITS.iter().zip(standing.limits);
    limits.filter(|(it, _)| **it == limit).map(|(_, value)| value).next().unwrap_or_default()
}

fn names_of(members: &[(String, String)]) -> String {
    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.join(", ")
}

fn line_of(text: &mut String, name: &str, value: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{name} {value}");
}

fn rupees(paise: i64) -> String {
    let sign = if paise < 0 { "-" } else { "" };
    let paise = paise.unsigned_abs();
    format!("{sign}{}.{:02}", paise / 100, paise % 100)
}

fn tell_state(text: &mut String, figures: &Figures) {
    let reason = u16::try_from(figures.stopped).ok().and_then(RejectReason::from_code);
    let state = match (reason, figures.flattening != 0, figures.paused != 0) {
        (Some(reason), false, _) => format!("stopped {}", reason.name()),
        (Some(reason), true, _) => format!("stopped {} flattening", reason.name()),
        (None, true, true) => "paused flattening".into(),
        // A strategy's; the others trade on.
        (None, true, false) => "trading flattening".into(),
        (None, false, true) => "paused".into(),
        (None, false, false) => "trading".into(),
    };
    line_of(text, "state", &state);
    let session = ["none", "down", "live"];
    let session = usize::try_from(figures.session).ok().and_then(|code| session.get(code));
    line_of(text, "order-session", session.unwrap_or(&"unknown"));
    line_of(text, "time", &wall_clock(Nanos(figures.time)));
    line_of(text, "exchange-time", &wall_clock(Nanos(figures.exchange_time)));
    let money = [
        ("profit", figures.profit),
        ("below-highest", figures.drawdown),
        ("below-highest-of-minute", figures.minute_loss),
        ("open-order-value", figures.open_value),
    ];
    for (name, paise) in money {
        line_of(text, name, &rupees(paise));
    }
    if figures.valued != 0 {
        let used = [
            ("margin", figures.margin),
            ("margin-worst", figures.margin_worst),
            ("premium", figures.premium),
        ];
        for (name, paise) in used {
            line_of(text, name, &rupees(paise));
        }
        let mode = if figures.reducing != 0 { "yes" } else { "no" };
        line_of(text, "risk-reduction", mode);
    }
    let counts = [
        ("open-orders", figures.open_orders),
        ("in-flight", figures.in_flight),
        ("sweeps", figures.sweeps),
        ("fills", figures.fills),
        ("new-orders", figures.new_orders),
        ("changes", figures.replaces),
        ("cancels", figures.cancels),
        ("refused", figures.refusals),
        ("messages-per-second-peak", figures.messages_peak),
        ("instruments", figures.instruments),
        ("events", figures.events),
        ("operator-actions", figures.controls),
        ("journal-records", figures.journal_records),
        ("journal-segments", figures.journal_segments),
    ];
    for (name, count) in counts {
        line_of(text, name, &count.to_string());
    }
}

pub(super) fn tell_replica(text: &mut String, replica: &ReplicaState) {
    let figures = replica.board.load();
    line_of(text, "replica", replica.link().name());
    let numbers = [
        ("replica-lag", figures.lag),
        ("replica-disk-lag", figures.disk_lag),
        ("replica-waited-ms", figures.waited_ms),
        ("replica-degradations", figures.degradations),
    ];
    for (name, number) in numbers {
        line_of(text, name, &number.to_string());
    }
}

fn tell_position(text: &mut String, held: &Held) {
    let name = held.definition.to_string().replace(' ', "_");
    let average = if held.net == 0 { "-".into() } else { Px(held.average).to_string() };
    let (realised, unrealised) = (rupees(held.realised), rupees(held.unrealised));
    line_of(text, &name, &format!("{} {average} {realised} {unrealised}", held.net));
}
