//! The timetable of the day: classes of instruments, each with its phases, and the events between.

use tezi_core::venue::Date;
use tezi_core::venue::breaker::{Breaker, BreakerIndex};
use tezi_core::venue::session::{DaySession, Phase, SessionClass, SessionQuery};
use tezi_model::{InstrumentId, InstrumentKind, Nanos, Symbol};

use crate::config::{ConfigError, ExchangeConfig, Listing, TimedEvent};

/// Instruments that change phase together.
pub(crate) struct Class {
    class: SessionClass,
    pub(crate) session: DaySession,
    pub(crate) instruments: Vec<InstrumentId>,
    /// Phases up to here have begun.
    cursor: Nanos,
}

/// All classes, the events of the day, the circuit breaker.
pub(crate) struct Day {
    pub(crate) classes: Vec<Class>,
    /// In order of time.
    events: Vec<TimedEvent>,
    /// How many of them have happened.
    happened: usize,
    pub(crate) breaker: Breaker,
    /// The exchange stopped trading by hand.
    pub(crate) is_halted: bool,
}

/// A phase that begins: of which class, and when.
#[derive(Clone, Copy)]
pub(crate) struct Beginning {
    pub(crate) class: usize,
    pub(crate) at: Nanos,
    pub(crate) phase: Phase,
}

impl Class {
    fn new(
        config: &ExchangeConfig,
        class: SessionClass,
        instruments: Vec<InstrumentId>,
    ) -> Result<Self, ConfigError> {
        let query = SessionQuery {
            segment: config.segment,
            class,
            date: config.date,
            scheme_ex_date: false,
        };
        let session = DaySession::new(&config.rules, query, config.seed)?;
        Ok(Self { class, session, instruments, cursor: Nanos(i64::MIN) })
    }
}

impl Day {
    pub(crate) fn new(config: &ExchangeConfig) -> Result<Self, ConfigError> {
        let mut classes: Vec<Class> = Vec::new();
        for (at, listing) in config.listings.iter().enumerate() {
            let (id, class) = (InstrumentId(at as u32), class_of(listing, &config.listings));
            if let Some(known) = classes.iter_mut().find(|known| known.class == class) {
                known.instruments.push(id);
                continue;
            }
            classes.push(Class::new(config, class, vec![id])?);
        }
        if !config.spreads.is_empty() {
            let first = config.listings.len() as u32;
            let ids = (first..first + config.spreads.len() as u32).map(InstrumentId);
            classes.push(Class::new(config, SessionClass::Spread, ids.collect())?);
        }
        let mut events = config.events.clone();
        events.sort_by_key(|event| event.at);
        let breaker = Breaker::new(&config.rules, config.date, config.index_closes)?;
        Ok(Self { classes, events, happened: 0, breaker, is_halted: false })
    }

    /// When continuous trading of an instrument begins; `None` when it does not.
    pub(crate) fn open_of(&self, instrument: InstrumentId) -> Option<Nanos> {
        let class = self.classes.iter().find(|class| class.instruments.contains(&instrument))?;
        let spans = class.session.spans();
        spans.iter().find(|span| span.phase == Phase::Continuous).map(|span| span.start)
    }

    /// The phase that begins next.
    pub(crate) fn next_beginning(&self) -> Option<Beginning> {
        let next = |(class, known): (usize, &Class)| {
            let at = known.session.next_change(known.cursor)?;
            Some(Beginning { class, at, phase: known.session.phase_at(at) })
        };
        // Of several at one time the first class is first.
        self.classes.iter().enumerate().filter_map(next).min_by_key(|beginning| beginning.at)
    }

    /// A phase has begun.
    pub(crate) fn began(&mut self, beginning: &Beginning) {
        self.classes[beginning.class].cursor = beginning.at;
    }

    /// The event that happens next.
    pub(crate) fn next_event(&self) -> Option<&TimedEvent> {
        self.events.get(self.happened)
    }

    /// It happens.
    pub(crate) fn take_event(&mut self) -> Option<TimedEvent> {
        let event = self.events.get(self.happened).copied()?;
        self.happened += 1;
        Some(event)
    }

    /// An index has a value: the circuit breaker may stop all trading; whether it does, and could.
    pub(crate) fn on_index(
        &mut self,
        now: Nanos,
        index: BreakerIndex,
        value: tezi_model::Px,
    ) -> Option<bool> {
        let halt = self.breaker.on_index(now, index, value)?;
        let mut is_possible = true;
        for class in &mut self.classes {
            is_possible &= class.session.apply_halt(halt).is_ok();
            // The halt itself is the next phase, whatever began at this moment.
            class.cursor = class.cursor.min(halt.from.plus(-1));
        }
        Some(is_possible)
    }

    /// The value of the index at which a level is reached, falling.
    pub(crate) fn level_value(&self, level: u8) -> Option<(BreakerIndex, tezi_model::Px)> {
        [BreakerIndex::Nifty50, BreakerIndex::Sensex].into_iter().find_map(|index| {
            let (low, _) = self.breaker.trigger_values(index, level)?;
            Some((index, low))
        })
    }

    /// The market's status as order entry says it: 0 pre-open, 1 open, 2 closed, 3 pre-open ended.
    pub(crate) fn market_status(&self) -> i16 {
        let has = |wanted: &[Phase]| {
            let phase = |class: &Class| class.session.phase_at(class.cursor);
            self.classes.iter().any(|class| wanted.contains(&phase(class)))
        };
        if has(&[Phase::Continuous]) {
            1
        } else if has(&[Phase::PreOpenEntry, Phase::PreOpenLimitOnly]) {
            0
        } else if has(&[Phase::PreOpenMatch, Phase::PreOpenBuffer]) {
            3
        } else {
            2
        }
    }
}

/// Shares, options, and futures by how many of the same symbol expire before them. Which shares have a
/// closing auction, a listing does not say: here they have none.
fn class_of(listing: &Listing, listings: &[Listing]) -> SessionClass {
    let instrument = &listing.instrument;
    match instrument.kind() {
        InstrumentKind::Option => return SessionClass::Option,
        InstrumentKind::Equity => return SessionClass::Stock,
        _ => {}
    }
    let is_future_of = |other: &Listing, symbol: Symbol| {
        other.instrument.kind() == InstrumentKind::Future && other.instrument.symbol == symbol
    };
    let earlier = listings.iter().filter(|other| {
        is_future_of(other, instrument.symbol) && other.instrument.expiry < instrument.expiry
    });
    let mut expiries: Vec<Nanos> = earlier.map(|other| other.instrument.expiry).collect();
    expiries.sort_unstable();
    expiries.dedup();
    match expiries[..] {
        [] => SessionClass::FutureNear,
        [near] => SessionClass::FutureNext { near_expiry: Date::of(near) },
        _ => SessionClass::FutureFar,
    }
}
