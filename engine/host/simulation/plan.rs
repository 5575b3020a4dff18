//! What a seed makes happen.

use tezi_exchange::{GatewayFaults, Lines, TimedEvent, VenueEvent};
use tezi_model::{Nanos, Px, Token};

use super::lines::LineFaults;
use crate::random::Random;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;

/// Before this nothing goes wrong on purpose: everybody signs on.
const BEGIN_NS: u64 = SECOND;
/// At the end nothing goes wrong any more, for so long: what was broken mends.
pub(super) const CALM_NS: u64 = 6 * SECOND;

/// Something that happens to the network at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A connection breaks.
    Break,
    /// A connection stands still for so long.
    Stall(u64),
    /// Nobody is let in for so long.
    Refuse(u64),
    /// The core's, feed's or orders' thread does not run for so long.
    Deschedule(usize, u64),
}

/// A process of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LifePlan {
    /// When it is killed; `None` when it ends in order.
    pub(super) killed_at: Option<u64>,
    /// Whether its machine dies with it: then only what a second place has of the journal is left.
    pub(super) is_lost: bool,
    /// How long nobody is there afterwards.
    pub(super) away_ns: u64,
    /// How far its wall clock is from the exchange's.
    pub(super) clock_error_ns: i64,
}

/// Everything that a seed decides beforehand.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) end_ns: u64,
    pub(super) lives: Vec<LifePlan>,
    pub(super) troubles: Vec<(u64, Trouble)>,
    pub(super) lines: [LineFaults; 2],
    pub(super) gateway: GatewayFaults,
    pub(super) events: Vec<TimedEvent>,
    pub(super) intensity: f64,
    pub(super) cancel_on_logoff: bool,
    pub(super) segment_bytes: u64,
    pub(super) position_max: i64,
    /// How long a record takes to a second place, where orders wait for that.
    pub(super) second_place_ns: Option<u64>,
    /// In how many of a hundred looks a thread is passed over.
    pub(super) passes_over: u64,
}

impl Plan {
    /// The plan of a seed for a day that begins at `start`.
    pub(super) fn new(seed: u64, start: Nanos) -> Self {
        let mut random = Random::new(seed ^ 0x7E21);
        let active_ns = 2 * SECOND + random.below(8 * SECOND);
        let calm_at = BEGIN_NS + active_ns;
        let end_ns = calm_at + CALM_NS;
        let lines = [line(&mut random), line(&mut random)];
        let gateway = gateway(&mut random);
        let second_place_ns = random.chance(0.4).then(|| 20_000 + random.below(3 * MS));
        let lives = lives(&mut random, calm_at, second_place_ns.is_some());
        let troubles = troubles(&mut random, calm_at);
        let events = events(&mut random, start, calm_at);
        Self {
            end_ns,
            lives,
            second_place_ns,
            troubles,
            lines,
            gateway,
            events,
            intensity: 5.0 + random.unit() * 30.0,
            cancel_on_logoff: random.chance(0.5),
            segment_bytes: 1 << (16 + random.below(5)),
            position_max: 65 * (1 + random.below(12) as i64),
            passes_over: random.below(40),
        }
    }

    /// Whether a stream of the market data begins again in the midst of the day.
    pub(super) fn restarts_stream(&self) -> bool {
        self.events.iter().any(|it| matches!(it.event, VenueEvent::StreamRestart(_)))
    }

    /// When nothing goes wrong any more.
    pub(super) const fn calm_at(&self) -> u64 {
        self.end_ns - CALM_NS
    }
}

/// One line in three is clean, one bad, one terrible.
fn line(random: &mut Random) -> LineFaults {
    let scale = [0.0, 0.002, 0.1][random.below(3) as usize];
    LineFaults { loss: scale, twice: scale / 2.0, late: scale, late_ns: 1 + random.below(20 * MS) }
}

fn gateway(random: &mut Random) -> GatewayFaults {
    let drop_answers_per_million = [0, 0, 10_000, 100_000][random.below(4) as usize];
    let disconnect_after = [0, 0, 7, 41][random.below(4) as usize];
    let delay_ns = [0, 50_000, 400_000, 3_000_000][random.below(4) as usize];
    GatewayFaults { drop_answers_per_million, disconnect_after, delay_ns }
}

/// Some processes that are killed, and one that ends in order.
fn lives(random: &mut Random, calm_at: u64, has_second_place: bool) -> Vec<LifePlan> {
    let count = random.below(4);
    let mut kills: Vec<u64> = (0..count).map(|_| random.below(calm_at)).collect();
    kills.sort_unstable();
    let clock_error_ns = |random: &mut Random| random.below(400 * MS) as i64 - 200 * MS as i64;
    let mut lives = Vec::new();
    for killed_at in kills {
        let away_ns = random.below(500 * MS);
        let clock_error_ns = clock_error_ns(random);
        let is_lost = has_second_place && random.chance(0.6);
        lives.push(LifePlan { killed_at: Some(killed_at), is_lost, away_ns, clock_error_ns });
    }
    let clock_error_ns = clock_error_ns(random);
    lives.push(LifePlan { killed_at: None, is_lost: false, away_ns: 0, clock_error_ns });
    lives
}

fn troubles(random: &mut Random, calm_at: u64) -> Vec<(u64, Trouble)> {
    let mut troubles = Vec::new();
    for _ in 0..random.below(8) {
        let at = BEGIN_NS + random.below(calm_at - BEGIN_NS);
        let length = random.below(1_500 * MS);
        let trouble = match random.below(4) {
            0 => Trouble::Break,
            1 => Trouble::Stall(length),
            2 => Trouble::Refuse(length),
            _ => Trouble::Deschedule(random.below(3) as usize, length / 8),
        };
        troubles.push((at, trouble));
    }
    troubles.sort_unstable_by_key(|(at, _)| *at);
    troubles
}

/// What the exchange does of its own accord.
fn events(random: &mut Random, start: Nanos, calm_at: u64) -> Vec<TimedEvent> {
    let mut events = Vec::new();
    let span = calm_at - BEGIN_NS;
    let mut add = |at: u64, event| events.push(TimedEvent { at: start.plus(at as i64), event });
    if random.chance(0.3) {
        let at = BEGIN_NS + random.below(span);
        add(at, VenueEvent::Halt);
        add(at + random.below(SECOND), VenueEvent::Resume);
    }
    if random.chance(0.3) {
        let at = BEGIN_NS + random.below(span);
        let both = Lines { a: true, b: true };
        add(at, VenueEvent::LossBegins { stream: None, lines: both });
        add(at + random.below(SECOND / 2), VenueEvent::LossEnds { stream: None, lines: both });
    }
    if random.chance(0.2) {
        add(BEGIN_NS + random.below(span), VenueEvent::StreamRestart(1));
    }
    if random.chance(0.3) {
        let (low, high) = (Px::from_rupees(24_450.0), Px::from_rupees(24_550.0));
        let band = VenueEvent::Band { token: Token(35_001), low, high };
        add(BEGIN_NS + random.below(span), band);
    }
    for _ in 0..random.below(4) {
        add(BEGIN_NS + random.below(span), VenueEvent::TradeCancel(1 + random.below(200)));
    }
    events
}
