//! A population of simulated participants, so that books look and move like NSE's F&O segment.
//!
//! Each underlying has a value that takes random steps ([`PopulationConfig::volatility`]). *Makers*
//! quote every instrument around what it is worth (Black-76 with a smile, futures with carry),
//! shifted by their inventory, and follow the future; between moves they probe for a better place.
//! An *informed trader* takes quotes that a move left stale. *Takers* come in clusters, with
//! market orders, immediate-or-cancel orders and limits through the touch. *Noise* rests limit
//! orders at all depths, some with disclosed quantity, some as stop-loss, and cancels them after a
//! millisecond or after minutes. In call auctions noise and takers enter orders, makers wait.
//!
//! It is a function like the core: time comes in, actions come out, reports come back. The same
//! seed, instruments and reports give the same actions on every machine, because its floats use
//! only IEEE-754 operations (Black-76 is [`tezi_core::pricing`]'s). After `new` it does not allocate;
//! an action costs O(log n) beside the look at a maker's own quotes. What it was calibrated to, and
//! what it reaches, is in `docs/operating/exchange-population.md`.
//!
//! ```
//! use tezi_core::matching::{InstrumentTerms, Matcher, MatcherConfig, Report};
//! use tezi_core::venue::session::Phase;
//! use tezi_exchange::population::{Contract, Listed, Population, PopulationConfig};
//! use tezi_model::{InstrumentId, Nanos, Px, Qty, Segment, Side};
//!
//! let mut matcher = Matcher::new(&MatcherConfig::small(Segment::NseFo));
//! let terms = InstrumentTerms::new(Px::from_paise(5), Qty(65));
//! let future = matcher.add_instrument(&terms)?;
//! matcher.set_phase(Nanos(1), future, Phase::Continuous, &mut |_: &Report| {})?;
//! let spot = Px::from_paise(2_500_000);
//! let contract = Contract::Future { expiry: Nanos(30 * 86_400_000_000_000) };
//! let listed = [Listed { instrument: future, underlying: 0, spot, contract, terms }];
//! let mut population = Population::new(&PopulationConfig::default(), &listed)?;
//!
//! let mut reports: Vec<Report> = Vec::with_capacity(64);
//! let end = Nanos(1_000_000_000);
//! while let Some(now) = population.next_due().filter(|&due| due <= end) {
//!     while let Some(action) = population.poll(now, &matcher) {
//!         action.apply(now, &mut matcher, &mut reports);
//!         reports.drain(..).for_each(|report| population.on_report(&report));
//!     }
//! }
//! assert!(matcher.books().touch(future, Side::Buy).is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod agenda;
mod arrivals;
mod auction;
mod config;
mod informed;
mod listed;
mod makers;
mod noise;
mod orders;
mod probing;
mod product;
mod random;
mod reports;
mod spreads;
pub mod statistics;
mod takers;
mod targets;
mod underlying;

use core::ops::Range;

pub use config::{Contract, Listed, PopulationConfig, PopulationError};
pub use listed::listed;
pub use orders::OpenOrder;
pub use spreads::SpreadTraders;
pub use targets::{TARGETS, Target as CalibrationTarget};
use tezi_core::matching::{Matcher, Owner, Pan, Report};
use tezi_core::venue::bands::PriceBand;
use tezi_model::{InstrumentId, Nanos};

use crate::background::{Action, Background};

use self::agenda::Agenda;
use self::arrivals::Arrivals;
use self::makers::{Firm, Pair};
use self::orders::Orders;
use self::product::Product;
use self::random::Random;
use self::takers::Mood;
use self::underlying::Underlying;

/// A participant that is later than this goes on from now: it does not make up for lost time.
const LATE_MAX_NS: i64 = 1_000_000_000;
/// Where nothing can be done now, a participant looks again after this time.
const IDLE_NS: i64 = 100_000_000;

impl Background for Population {
    fn next_due(&self) -> Option<Nanos> {
        self.next_due()
    }

    fn poll(&mut self, now: Nanos, matcher: &Matcher) -> Option<Action> {
        self.poll(now, matcher)
    }

    fn on_report(&mut self, report: &Report) {
        self.on_report(report);
    }

    fn on_band(&mut self, instrument: InstrumentId, band: PriceBand) {
        self.set_band(instrument, band);
    }
}

/// What the population did and met so far. Counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PopulationCounters {
    /// New orders sent.
    pub submitted: u64,
    /// Changes sent.
    pub modified: u64,
    /// Cancels sent.
    pub canceled: u64,
    /// Requests that the exchange refused.
    pub refused: u64,
    /// Orders not sent, because `orders_max` were open.
    pub crowded: u64,
    /// Reports for a member of ours about an order that is not, or no longer, open.
    pub unmatched: u64,
}

/// What an actor of the agenda is. Actors beyond the roles are orders that are to be cancelled.
#[derive(Clone, Copy, Debug)]
enum Role {
    /// The value of an underlying.
    Value(u32),
    /// The informed trader of an underlying.
    Informed(u32),
    /// The noise traders of an underlying.
    Noise(u32),
    /// The takers of an underlying.
    Taker(u32),
    /// A maker.
    Firm(u32),
}

/// All participants.
///
/// **Bounds**: an order slot for each side of each maker's quotes, and `orders_max` others.
#[derive(Clone, Debug)]
pub struct Population {
    config: PopulationConfig,
    random: Random,
    agenda: Agenda,
    roles: Box<[Role]>,
    underlyings: Box<[Underlying]>,
    products: Box<[Product]>,
    /// Of each product, the share of its underlying's messages, with that of the products before it.
    activity_sums: Box<[f64]>,
    firms: Box<[Firm]>,
    pairs: Box<[Pair]>,
    noise: Box<[Arrivals]>,
    takers: Box<[Arrivals]>,
    moods: Box<[Mood]>,
    orders: Orders,
    owners: Box<[Owner]>,
    counters: PopulationCounters,
}

impl Population {
    /// The participants of these instruments. Allocates all memory it will ever use.
    ///
    /// # Errors
    ///
    /// [`PopulationError`], which names the field, or the instrument and the rule.
    pub fn new(config: &PopulationConfig, listed: &[Listed]) -> Result<Self, PopulationError> {
        config.check()?;
        let (mut products, groups) = sorted(config, listed)?;
        let count = groups.len() as u32;
        let firm_count = count * config.makers;
        let mut random = Random::new(config.seed, 0);
        let mut roles: Vec<Role> = Vec::with_capacity((count * 4 + firm_count) as usize);
        for role in [Role::Value, Role::Informed, Role::Noise, Role::Taker] {
            roles.extend((0..count).map(role));
        }
        roles.extend((0..firm_count).map(Role::Firm));
        let (mut firms, mut pairs, mut activity_sums) = (Vec::new(), Vec::new(), Vec::new());
        let mut underlyings = Vec::with_capacity(groups.len());
        for (number, group) in (0_u32..).zip(groups) {
            let own = &mut products[span(&group.products)];
            activity_sums.extend(makers::share_out(own, group.spot, config));
            firms.extend((0..config.makers).map(|maker| {
                Firm::new(maker, number, &group.products, &products, &mut pairs, config)
            }));
            let Group { number: key, spot, products, future } = group;
            underlyings.push(Underlying::new(key, spot, products, future, config));
        }
        let quotes = pairs.len() as u32 * 2;
        let agenda = Agenda::new(roles.len() + (quotes + config.orders_max) as usize);
        let stream = |share: f64, underlying: &Underlying| {
            let rate = config.intensity * share * underlying.products.len() as f64;
            Arrivals::new(rate, takers::CHILDREN, takers::MEMORY_NS, config.start)
        };
        let mut population = Self {
            config: *config,
            noise: underlyings.iter().map(|one| stream(config.noise_share, one)).collect(),
            takers: underlyings.iter().map(|one| stream(config.taker_share, one)).collect(),
            moods: vec![Mood::default(); underlyings.len()].into_boxed_slice(),
            random: Random::new(random.next(), 1),
            agenda,
            roles: roles.into_boxed_slice(),
            underlyings: underlyings.into_boxed_slice(),
            products: products.into_boxed_slice(),
            activity_sums: activity_sums.into_boxed_slice(),
            firms: firms.into_boxed_slice(),
            pairs: pairs.into_boxed_slice(),
            orders: Orders::new(quotes, config.orders_max),
            owners: owners(config.makers),
            counters: PopulationCounters::default(),
        };
        population.begin();
        Ok(population)
    }

    /// When somebody acts next; `None` when nobody ever will.
    #[inline]
    #[must_use]
    pub fn next_due(&self) -> Option<Nanos> {
        self.agenda.first().map(|(due, _)| due)
    }

    /// The next action that is due at or before `now`, in the order of time. Call until `None`, and
    /// hand in the reports of each action before the next.
    pub fn poll(&mut self, now: Nanos, matcher: &Matcher) -> Option<Action> {
        while let Some((due, actor)) = self.agenda.first() {
            if due > now {
                return None;
            }
            let time = due.max(now.plus(-LATE_MAX_NS));
            let action = match self.roles.get(actor as usize) {
                Some(&Role::Value(underlying)) => self.on_value(actor, underlying, time),
                Some(&Role::Informed(one)) => self.on_informed(actor, one, time, matcher),
                Some(&Role::Noise(underlying)) => self.on_noise(actor, underlying, time, matcher),
                Some(&Role::Taker(underlying)) => self.on_taker(actor, underlying, time, matcher),
                Some(&Role::Firm(firm)) => self.on_firm(actor, firm, time, matcher),
                None => self.on_lifetime_over(actor, time, matcher),
            };
            match action {
                Some(Action::Submit(_)) => self.counters.submitted += 1,
                Some(Action::Modify { .. }) => self.counters.modified += 1,
                Some(Action::Cancel(_)) => self.counters.canceled += 1,
                None => continue,
            }
            return action;
        }
        None
    }

    /// What the population did and met so far.
    #[must_use]
    pub const fn counters(&self) -> &PopulationCounters {
        &self.counters
    }

    /// Every order that the participants believe to be open, in no particular order.
    pub fn open_orders(&self) -> impl Iterator<Item = OpenOrder> {
        self.orders.open()
    }

    /// Orders sent or open.
    #[must_use]
    pub const fn orders_count(&self) -> u32 {
        self.orders.count()
    }

    /// The member numbers that the population trades under.
    #[must_use]
    pub const fn members(&self) -> Range<u32> {
        self.config.member_first..self.config.member_first + self.config.makers + 3
    }

    /// What the underlying of an instrument is worth now, in rupees; `None` of an instrument that is
    /// not the population's. O(instruments).
    #[must_use]
    pub fn value_of(&self, instrument: InstrumentId) -> Option<f64> {
        let index = self.products.iter().position(|one| one.instrument == instrument)? as u32;
        let owner = self.underlyings.iter().find(|one| one.products.contains(&index));
        owner.map(|one| one.value)
    }

    /// A new price band of an instrument holds: no participant sends a price outside it any more.
    /// Without this they learn of it by refusals. O(instruments).
    pub fn set_band(&mut self, instrument: InstrumentId, band: PriceBand) {
        for product in self.products.iter_mut().filter(|one| one.instrument == instrument) {
            product.terms.band = band;
        }
    }

    /// Gives everyone a first time.
    fn begin(&mut self) {
        let start = self.config.start;
        for actor in 0..self.roles.len() as u32 {
            let due = match self.roles[actor as usize] {
                // The makers come first, so that there is a market when others do.
                Role::Firm(_) => start.plus(self.random.gap(self.config.reaction_ns)),
                Role::Value(_) => start.plus(self.random.gap(1e9 / self.config.moves_per_second)),
                Role::Noise(one) => self.noise[one as usize].after(start, &mut self.random),
                Role::Taker(one) => self.takers[one as usize].after(start, &mut self.random),
                Role::Informed(_) => continue,
            };
            if due < Nanos::MAX {
                self.agenda.set(actor, due);
            }
        }
    }

    /// An underlying moves: makers begin a sweep, the informed trader looks.
    fn on_value(&mut self, actor: u32, underlying: u32, now: Nanos) -> Option<Action> {
        let next = self.underlyings[underlying as usize].take_step(now, &self.config);
        self.agenda.set(actor, next.max(now.plus(1)));
        if self.random.chance(self.config.informed) {
            let due = now.plus(self.random.gap(self.config.informed_ns));
            self.agenda.hasten(self.informed_actor(underlying), due);
        }
        for maker in 0..self.config.makers {
            self.begin_sweep(underlying * self.config.makers + maker, now);
        }
        None
    }

    fn informed_actor(&self, underlying: u32) -> u32 {
        self.underlyings.len() as u32 + underlying
    }

    fn firm_actor(&self, firm: u32) -> u32 {
        self.underlyings.len() as u32 * 4 + firm
    }

    /// The actor that cancels an order.
    fn slot_actor(&self, slot: u32) -> u32 {
        self.roles.len() as u32 + slot
    }

    /// A product of an underlying, the busier the likelier. O(log products).
    fn pick_product(&mut self, underlying: u32) -> u32 {
        let range = &self.underlyings[underlying as usize].products;
        let sums = &self.activity_sums[span(range)];
        let wanted = self.random.unit() * sums.last().map_or(0.0, |&sum| sum);
        let place = sums.partition_point(|&sum| sum <= wanted);
        range.start + place.min(sums.len() - 1) as u32
    }

    /// Lots of an order in units, never more than the freeze quantity.
    fn draw_quantity(&mut self, product: u32) -> u32 {
        let lots = self.random.count(self.config.size_lots);
        let product = &self.products[product as usize];
        lots.min(product.lots_max).saturating_mul(product.terms.lot.0)
    }
}

/// The products of one underlying, while a population is built.
struct Group {
    number: u32,
    spot: f64,
    products: Range<u32>,
    future: Option<u32>,
}

/// Products by underlying, of each the future first and then the busiest.
fn sorted(
    config: &PopulationConfig,
    listed: &[Listed],
) -> Result<(Vec<Product>, Vec<Group>), PopulationError> {
    let mut order: Vec<(u32, Product, f64)> = Vec::with_capacity(listed.len());
    for (index, one) in listed.iter().enumerate() {
        one.check(index)?;
        let same = order.iter().find(|(underlying, ..)| *underlying == one.underlying);
        let spot = one.spot.to_rupees();
        if same.is_some_and(|&(_, _, other)| other.to_bits() != spot.to_bits()) {
            let rule = "the spot must be the same for all instruments of an underlying";
            return Err(PopulationError::Listed { index, rule });
        }
        order.push((one.underlying, Product::new(one, config), spot));
    }
    order.sort_by(|(left_number, left, _), (right_number, right, _)| {
        let busier = right.activity.total_cmp(&left.activity);
        let sooner = left.years(config.start).total_cmp(&right.years(config.start));
        left_number.cmp(right_number).then(busier).then(sooner)
    });
    let mut groups: Vec<Group> = Vec::new();
    for (place, (number, product, spot)) in (0_u32..).zip(&order) {
        let is_future = matches!(product.contract, Contract::Future { .. });
        match groups.last_mut().filter(|group| group.number == *number) {
            Some(group) => {
                group.products.end = place + 1;
                group.future = group.future.or(is_future.then_some(place));
            }
            None => groups.push(Group {
                number: *number,
                spot: *spot,
                products: place..place + 1,
                future: is_future.then_some(place),
            }),
        }
    }
    Ok((order.into_iter().map(|(_, product, _)| product).collect(), groups))
}

/// Each maker's orders are one owner's, and so are the informed trader's: none trades with itself.
fn owners(makers: u32) -> Box<[Owner]> {
    let owner = |member: u32| {
        let letter = |value: u32| (b'A' + (value % 26) as u8) as char;
        let text = format!("TEZ{}P{:04}{}", letter(member / 26), member % 10_000, letter(member));
        Owner { pan: Pan::parse(&text).unwrap_or_default(), ..Owner::default() }
    };
    let mut owners: Vec<Owner> = (0..=makers).map(owner).collect();
    // Takers and noise are many clients, whom nobody tells apart.
    owners.extend([Owner::default(); 2]);
    owners.into_boxed_slice()
}

#[inline]
fn span(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}
