//! The parameters of the execution strategies, as text and as values.

use core::fmt;

use tezi_model::{Px, Qty, Side};

use super::algo_words::{InstrumentName, Limit, When, rupees};
use crate::execution::{BUCKETS_MAX, CatchUp, ChildPolicy, LegPolicy, Reference};

/// The execution strategies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlgoKind {
    /// Slices of time.
    Twap,
    /// Slices along a volume curve.
    Vwap,
    /// A share of others' volume.
    Pov,
    /// Parts at one price.
    Iceberg,
    /// A price that follows the market.
    Peg,
    /// Two legs.
    Spread,
}

impl AlgoKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Twap, Self::Vwap, Self::Pov, Self::Iceberg, Self::Peg, Self::Spread];

    /// The strategy's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Twap => "twap",
            Self::Vwap => "vwap",
            Self::Pov => "pov",
            Self::Iceberg => "iceberg",
            Self::Peg => "peg",
            Self::Spread => "spread",
        }
    }

    /// The parameters it has beside those of all.
    const fn own_keys(self) -> &'static [&'static str] {
        match self {
            Self::Twap => &["slices", "jitter_ms", "seed", "catch_up", "cross_ms"],
            Self::Vwap => &["curve", "slices", "jitter_ms", "seed", "catch_up", "cross_ms"],
            Self::Pov => &["rate_bps", "rate_min_bps", "rate_max_bps", "clip"],
            Self::Iceberg => &["display", "jitter_lots", "seed"],
            Self::Peg => &["reference", "offset_ticks", "display", "jitter_lots", "seed"],
            Self::Spread => &[
                "hedge",
                "price",
                "units",
                "hedge_units",
                "hedge_limit",
                "back_limit",
                "unhedged_max",
                "unhedged_ms",
                "leg_policy",
                "slip_ticks",
            ],
        }
    }

    /// Those of its own that may change while it runs: they say how it works, not what it was asked to
    /// do or what it has drawn already.
    const fn own_running(self) -> &'static [&'static str] {
        match self {
            Self::Twap | Self::Vwap => &["catch_up", "cross_ms"],
            Self::Pov => &["rate_bps", "rate_min_bps", "rate_max_bps", "clip"],
            Self::Iceberg => &["display", "jitter_lots"],
            Self::Peg => &["reference", "offset_ticks", "display", "jitter_lots"],
            Self::Spread => {
                &["price", "hedge_limit", "back_limit", "unhedged_ms", "leg_policy", "slip_ticks"]
            }
        }
    }

    /// Whether a parameter may change while it runs.
    #[must_use]
    pub fn may_change(self, key: &str) -> bool {
        COMMON_RUNNING.iter().chain(self.own_running()).any(|known| *known == key)
    }

    /// Those that have no default.
    const fn needed(self) -> &'static [&'static str] {
        match self {
            Self::Twap | Self::Pov | Self::Iceberg | Self::Peg => {
                &["instrument", "side", "quantity"]
            }
            Self::Vwap => &["instrument", "side", "quantity", "curve"],
            Self::Spread => &["instrument", "side", "quantity", "hedge", "price"],
        }
    }
}

/// The parameters that every execution strategy has.
const COMMON_KEYS: &[&str] = &[
    "instrument",
    "side",
    "quantity",
    "limit",
    "start",
    "end",
    "child_max",
    "requote_ms",
    "requote_ticks",
    "chase_ms",
    "retry_ms",
    "strikes",
];

/// Of them, those that may change while it runs.
const COMMON_RUNNING: &[&str] = &[
    "limit",
    "end",
    "child_max",
    "requote_ms",
    "requote_ticks",
    "chase_ms",
    "retry_ms",
    "strikes",
];

/// The weights of a volume curve, spread evenly from start to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    pub(super) weights: [u32; BUCKETS_MAX],
    pub(super) count: usize,
}

/// The parameters of one execution strategy. Text form: `key=value` words; `docs/algos.md` has the
/// keys. Fields that are `None` have not been given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlgoConfig {
    /// Which one.
    pub kind: AlgoKind,
    /// What is traded; of a spread, the leg that is worked.
    pub instrument: Option<InstrumentName>,
    /// Buy or sell.
    pub side: Option<Side>,
    /// Units; of a spread, units of its first leg.
    pub quantity: Option<Qty>,
    /// The worst price.
    pub limit: Limit,
    /// When work begins.
    pub start: When,
    /// When it ends.
    pub end: When,
    /// How children are kept.
    pub policy: ChildPolicy,
    /// TWAP and VWAP: slices of time.
    pub slices: u32,
    /// Each slice is late by less than this.
    pub jitter_ms: u32,
    /// What is drawn is drawn from this.
    pub seed: u64,
    /// What becomes of what a slice did not execute.
    pub catch_up: CatchUp,
    /// So long before the end all that is left crosses.
    pub cross_ms: u32,
    /// VWAP: the expected volume.
    pub curve: Option<Weights>,
    /// POV: the share aimed at.
    pub rate_bps: u32,
    /// Below this share it crosses.
    pub rate_min_bps: u32,
    /// The share that is not gone beyond; as `rate_bps` when not given.
    pub rate_max_bps: Option<u32>,
    /// Units sent at once.
    pub clip: u32,
    /// Iceberg and peg: units shown.
    pub display: u32,
    /// Lots by which parts are smaller at most.
    pub jitter_lots: u32,
    /// Peg: what the price follows.
    pub reference: Reference,
    /// Ticks nearer the other side.
    pub offset_ticks: i32,
    /// Spread: the other leg.
    pub hedge: Option<InstrumentName>,
    /// The worst price of the spread.
    pub price: Option<Px>,
    /// Units of each leg in one spread; zero is a lot.
    pub units: [u32; 2],
    /// The worst price of the hedge, and of trading the first leg back.
    pub hedge_limits: [Limit; 2],
    /// Units of the first leg that may be unhedged; zero is those of one spread.
    pub unhedged_max: u32,
    /// How long a hedge may be missing.
    pub unhedged_ms: u32,
    /// What is done then.
    pub leg_policy: LegPolicy,
    /// Ticks beyond the touch that a hedge may pay.
    pub slip_ticks: u32,
}

impl AlgoConfig {
    /// The defaults of a strategy; what has none is not given.
    #[must_use]
    pub fn new(kind: AlgoKind) -> Self {
        Self {
            kind,
            instrument: None,
            side: None,
            quantity: None,
            limit: Limit::Bps(100),
            start: When::After(0),
            end: When::After(10_000_000_000),
            policy: ChildPolicy::default(),
            slices: 10,
            jitter_ms: 0,
            seed: 1,
            catch_up: CatchUp::Carry,
            cross_ms: 0,
            curve: None,
            rate_bps: 1_000,
            rate_min_bps: 0,
            rate_max_bps: None,
            clip: 0,
            display: 0,
            jitter_lots: 0,
            reference: Reference::Own,
            offset_ticks: 0,
            hedge: None,
            price: None,
            units: [0; 2],
            hedge_limits: [Limit::Bps(100); 2],
            unhedged_max: 0,
            unhedged_ms: 1_000,
            leg_policy: LegPolicy::Cross,
            slip_ticks: 2,
        }
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// A sentence that names the first word that is wrong, or that is missing.
    pub fn parse(kind: AlgoKind, text: &str) -> Result<Self, String> {
        let mut config = Self::new(kind);
        for word in text.split_whitespace() {
            let (key, value) =
                word.split_once('=').ok_or_else(|| format!("{word} is not key=value"))?;
            config.set(key, value)?;
        }
        let given = |key: &&&str| config.value(key).is_none();
        match kind.needed().iter().find(given) {
            Some(key) => Err(format!("{} needs {key}=, {}", kind.name(), rule(key))),
            None => Ok(config),
        }
    }

    /// The keys it has, in the order of its text.
    fn keys(&self) -> impl Iterator<Item = &'static str> {
        COMMON_KEYS.iter().chain(self.kind.own_keys()).copied()
    }

    /// Changes one parameter.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it must be.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let name = self.kind.name();
        if !self.keys().any(|known| known == key) {
            let keys: Vec<_> = self.keys().collect();
            return Err(format!("{name} has no parameter {key}; it has {}", keys.join(", ")));
        }
        self.put(key, value).ok_or_else(|| format!("{name}: {key}={value}: {}", rule(key)))
    }

    /// Takes a value in; `None` when it is not one the key can have.
    fn put(&mut self, key: &str, value: &str) -> Option<()> {
        let whole = || value.parse::<u32>().ok();
        let positive = || whole().filter(|it| *it > 0);
        let nanos = || whole().map(|ms| i64::from(ms) * 1_000_000);
        match key {
            "instrument" => self.instrument = Some(InstrumentName::parse(value)?),
            "hedge" => self.hedge = Some(InstrumentName::parse(value)?),
            "side" => self.side = Some(Side::BOTH.into_iter().find(|it| it.to_string() == value)?),
            "quantity" => self.quantity = Some(Qty(positive()?)),
            "limit" => self.limit = Limit::parse(value)?,
            "hedge_limit" => self.hedge_limits[0] = Limit::parse(value)?,
            "back_limit" => self.hedge_limits[1] = Limit::parse(value)?,
            "start" => self.start = When::parse(value)?,
            "end" => self.end = When::parse(value)?,
            "child_max" => self.policy.quantity_max = Qty(whole()?),
            "requote_ms" => self.policy.requote_ns = nanos()?,
            "requote_ticks" => self.policy.requote_ticks = positive()?,
            "chase_ms" => self.policy.chase_ns = nanos()?,
            "retry_ms" => self.policy.retry_ns = nanos().filter(|it| *it > 0)?,
            "strikes" => self.policy.strikes_max = positive()?,
            "slices" => self.slices = positive()?,
            "jitter_ms" => self.jitter_ms = whole()?,
            "seed" => self.seed = value.parse().ok()?,
            "catch_up" => self.catch_up = named(&CATCH_UPS, value)?,
            "cross_ms" => self.cross_ms = whole()?,
            "curve" => self.curve = Some(weights(value)?),
            "rate_bps" => self.rate_bps = positive()?,
            "rate_min_bps" => self.rate_min_bps = whole()?,
            "rate_max_bps" => self.rate_max_bps = Some(positive()?),
            "clip" => self.clip = whole()?,
            "display" => self.display = whole()?,
            "jitter_lots" => self.jitter_lots = whole()?,
            "reference" => self.reference = named(&REFERENCES, value)?,
            "offset_ticks" => self.offset_ticks = value.parse().ok()?,
            "price" => self.price = Some(rupees(value)?),
            "units" => self.units[0] = whole()?,
            "hedge_units" => self.units[1] = whole()?,
            "unhedged_max" => self.unhedged_max = whole()?,
            "unhedged_ms" => self.unhedged_ms = whole()?,
            "leg_policy" => self.leg_policy = named(&LEG_POLICIES, value)?,
            "slip_ticks" => self.slip_ticks = whole()?,
            _ => return None,
        }
        Some(())
    }

    /// The text of a value, `None` when it is not given.
    fn value(&self, key: &str) -> Option<String> {
        let ms = |nanos: i64| Some((nanos / 1_000_000).to_string());
        match key {
            "instrument" => self.instrument.map(|it| it.to_string()),
            "hedge" => self.hedge.map(|it| it.to_string()),
            "side" => self.side.map(|it| it.to_string()),
            "quantity" => self.quantity.map(|it| it.to_string()),
            "limit" => Some(self.limit.to_string()),
            "hedge_limit" => Some(self.hedge_limits[0].to_string()),
            "back_limit" => Some(self.hedge_limits[1].to_string()),
            "start" => Some(self.start.to_string()),
            "end" => Some(self.end.to_string()),
            "child_max" => Some(self.policy.quantity_max.to_string()),
            "requote_ms" => ms(self.policy.requote_ns),
            "requote_ticks" => Some(self.policy.requote_ticks.to_string()),
            "chase_ms" => ms(self.policy.chase_ns),
            "retry_ms" => ms(self.policy.retry_ns),
            "strikes" => Some(self.policy.strikes_max.to_string()),
            "slices" => Some(self.slices.to_string()),
            "jitter_ms" => Some(self.jitter_ms.to_string()),
            "seed" => Some(self.seed.to_string()),
            "catch_up" => name_of(&CATCH_UPS, self.catch_up),
            "cross_ms" => Some(self.cross_ms.to_string()),
            "curve" => self.curve.map(|it| it.to_string()),
            "rate_bps" => Some(self.rate_bps.to_string()),
            "rate_min_bps" => Some(self.rate_min_bps.to_string()),
            "rate_max_bps" => self.rate_max_bps.map(|it| it.to_string()),
            "clip" => Some(self.clip.to_string()),
            "display" => Some(self.display.to_string()),
            "jitter_lots" => Some(self.jitter_lots.to_string()),
            "reference" => name_of(&REFERENCES, self.reference),
            "offset_ticks" => Some(self.offset_ticks.to_string()),
            "price" => self.price.map(|it| it.to_string()),
            "units" => Some(self.units[0].to_string()),
            "hedge_units" => Some(self.units[1].to_string()),
            "unhedged_max" => Some(self.unhedged_max.to_string()),
            "unhedged_ms" => Some(self.unhedged_ms.to_string()),
            "leg_policy" => name_of(&LEG_POLICIES, self.leg_policy),
            "slip_ticks" => Some(self.slip_ticks.to_string()),
            _ => None,
        }
    }
}

const CATCH_UPS: [(&str, CatchUp); 3] =
    [("carry", CatchUp::Carry), ("spread", CatchUp::Spread), ("cross", CatchUp::Cross)];
const REFERENCES: [(&str, Reference); 3] =
    [("own", Reference::Own), ("middle", Reference::Middle), ("opposite", Reference::Opposite)];
const LEG_POLICIES: [(&str, LegPolicy); 2] =
    [("cross", LegPolicy::Cross), ("unwind", LegPolicy::Unwind)];

fn named<T: Copy>(names: &[(&str, T)], text: &str) -> Option<T> {
    names.iter().find(|(name, _)| *name == text).map(|&(_, it)| it)
}

fn name_of<T: Copy + PartialEq>(names: &[(&str, T)], value: T) -> Option<String> {
    names.iter().find(|(_, it)| *it == value).map(|(name, _)| (*name).to_string())
}

fn weights(text: &str) -> Option<Weights> {
    let mut curve = Weights { weights: [0; BUCKETS_MAX], count: 0 };
    for word in text.split(',') {
        *curve.weights.get_mut(curve.count)? = word.parse().ok()?;
        curve.count += 1;
    }
    curve.weights.iter().any(|&weight| weight > 0).then_some(curve)
}

/// What a key's value must be.
fn rule(key: &str) -> &'static str {
    match key {
        "instrument" | "hedge" => "a symbol as NIFTY, or a segment and token as fo:35001",
        "side" => "buy or sell",
        "quantity" => "units, in whole lots",
        "limit" | "hedge_limit" | "back_limit" => {
            "a price in rupees as 24100.50, or a distance from the arrival price as 50bps"
        }
        "start" | "end" => {
            "a time in India as 09:20:00, or one after the start as +30s, +500ms, +5m"
        }
        "price" => "a price in rupees, which may be negative",
        "curve" => "weights of equal times as 5,3,2,2,4; at most 96, and not all nought",
        "catch_up" => "carry, spread or cross",
        "reference" => "own, middle or opposite",
        "leg_policy" => "cross or unwind",
        "offset_ticks" => "a whole number, negative away from the other side",
        "rate_bps" | "rate_max_bps" | "slices" | "strikes" | "requote_ticks" | "retry_ms" => {
            "a positive whole number"
        }
        _ => "a whole number",
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, weight) in self.weights[..self.count].iter().enumerate() {
            write!(f, "{}{weight}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Display for AlgoConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.keys().filter_map(|key| self.value(key).map(|value| (key, value)));
        for (index, (key, value)) in given.enumerate() {
            write!(f, "{}{key}={value}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: &str = "instrument=NIFTY side=sell quantity=650";

    fn needed(kind: AlgoKind) -> String {
        match kind {
            AlgoKind::Vwap => format!("{NEEDED} curve=5,3,2"),
            AlgoKind::Spread => format!("{NEEDED} hedge=fo:7 price=-12.05"),
            _ => NEEDED.into(),
        }
    }

    #[test]
    fn parameters_round_trip_through_their_text() {
        let others = "limit=24100.50 start=09:20:00 end=+1500ms child_max=130 requote_ms=5 \
                      requote_ticks=2 chase_ms=1 retry_ms=50 strikes=3 seed=9 slices=7 \
                      catch_up=spread jitter_ms=3 cross_ms=20 rate_bps=500 rate_min_bps=100 \
                      rate_max_bps=800 clip=65 display=130 jitter_lots=1 reference=middle \
                      offset_ticks=-2 units=65 hedge_units=130 hedge_limit=9.5 back_limit=7bps \
                      unhedged_max=195 unhedged_ms=8 leg_policy=unwind slip_ticks=4";
        for kind in AlgoKind::ALL {
            let mut config = AlgoConfig::parse(kind, &needed(kind)).unwrap();
            assert_eq!(AlgoConfig::parse(kind, &config.to_string()), Ok(config));
            let mut taken = 0;
            for word in others.split_whitespace() {
                let (key, value) = word.split_once('=').unwrap();
                let before = config;
                if config.set(key, value).is_ok() {
                    assert_ne!(config, before, "{word} says something");
                    taken += 1;
                }
            }
            assert!(taken >= 12, "{kind:?}");
            assert_eq!(AlgoConfig::parse(kind, &config.to_string()), Ok(config));
        }
    }

    #[test]
    fn what_is_wrong_or_missing_is_named() {
        let error = |kind, text: &str| AlgoConfig::parse(kind, text).unwrap_err();
        assert_eq!(
            error(AlgoKind::Twap, "side=buy"),
            format!("twap needs instrument=, {}", rule("instrument"))
        );
        assert!(error(AlgoKind::Vwap, NEEDED).starts_with("vwap needs curve="));
        assert!(error(AlgoKind::Spread, NEEDED).starts_with("spread needs hedge="));
        assert!(
            error(AlgoKind::Twap, "display=5").starts_with("twap has no parameter display; it has")
        );
        assert_eq!(error(AlgoKind::Peg, "side"), "side is not key=value");
        for bad in [
            "side=Buy",
            "quantity=0",
            "quantity=-1",
            "limit=0",
            "limit=x",
            "start=9",
            "end=+",
            "slices=0",
            "catch_up=never",
            "retry_ms=0",
            "seed=x",
        ] {
            let text = error(AlgoKind::Twap, bad);
            let key = bad.split('=').next().unwrap();
            assert_eq!(text, format!("twap: {bad}: {}", rule(key)));
        }
        for bad in ["curve=", "curve=0,0", "curve=1,,2", "curve=1,x"] {
            assert!(error(AlgoKind::Vwap, bad).contains("weights"), "{bad}");
        }
    }
}
