//! Four contracts, their risk file, and a core with limits on what they may use.

use tezi_core::collateral::{ContractValuation, UnderlyingValuation, Valuation};
use tezi_core::margin::{
    ContractKind, ContractTerms, MarginParameters, Portfolio, PortfolioLimits, RiskArray,
    UnderlyingKind, UnderlyingTerms,
};
use tezi_core::pricing::{Reference, SpanInput};
use tezi_core::strategy::Strategy;
use tezi_core::venue::Date;
use tezi_core::venue::rules::Rules;
use tezi_core::{Capacity, Core, CoreConfig, GuardLimits, RiskLimits, VenueMode};
use tezi_model::{
    Instrument, InstrumentId, InstrumentKind, Nanos, OptionType, Px, Qty, Segment, Symbol, Token,
};

pub(super) const LOT: u32 = 65;
const SPOT: f64 = 23_547.75;
pub(super) const CONTRACTS: usize = 4;
pub(super) const AVAILABLE: i64 = 2_000_000;
const NET_MAX: i64 = 14_000_000;
pub(super) const GROSS_MAX: i64 = 20_000_000;

pub(super) fn guards() -> GuardLimits {
    GuardLimits {
        margin_available: AVAILABLE,
        futeq_net_max: NET_MAX,
        futeq_gross_max: GROSS_MAX,
        reduction_at_bps: 9_000,
        reduction_until_bps: 8_500,
        ..GuardLimits::default()
    }
}

fn definitions() -> [Instrument; CONTRACTS] {
    let contract = |token, month, strike: f64, option: Option<OptionType>| {
        let mut it = Instrument::unknown(Segment::NseFo, Token(token));
        it.symbol = Symbol::new("NIFTY");
        it.expiry = Nanos::from_ist(2026, month, 28, 15, 40, 0);
        it.tick = Px::from_paise(5);
        it.lot = Qty(LOT);
        it.strike = Px::from_rupees(strike);
        let kind = if option.is_some() { InstrumentKind::Option } else { InstrumentKind::Future };
        it.kind_code = kind as u8;
        it.option_code = option.map_or(it.option_code, |option| option as u8);
        it
    };
    [
        contract(1, 7, 0.0, None),
        contract(2, 8, 0.0, None),
        contract(3, 7, 23_600.0, Some(OptionType::Call)),
        contract(4, 7, 23_200.0, Some(OptionType::Put)),
    ]
}

/// A day's risk file, and the same for a portfolio of the test's own.
pub(super) fn valuations() -> (Vec<Valuation>, UnderlyingTerms, Vec<ContractTerms>) {
    let today = Date::parse("2026-06-30").unwrap();
    let rules = Rules::builtin().unwrap();
    let parameters = MarginParameters::of(&rules, UnderlyingKind::Index, today).unwrap();
    let price = Px::from_rupees(SPOT);
    let underlying = UnderlyingTerms {
        rates: parameters.rates,
        price,
        previous_close: price,
        is_concentrated: false,
    };
    let mut file = vec![Valuation::Underlying(UnderlyingValuation::new(0, &underlying))];
    let scan = parameters.price_scan(price, 0.0, false, false);
    let mut portfolio = Portfolio::new(PortfolioLimits::default());
    let id = portfolio.add_underlying(underlying).unwrap();
    let mut contracts = Vec::new();
    for (index, definition) in definitions().iter().enumerate() {
        let kind = ContractKind::of(definition).unwrap();
        let (price, array, futeq_delta) = match kind {
            ContractKind::Future => {
                let price = Px::from_rupees(23_600.0 + 100.0 * index as f64);
                (price, RiskArray::of_future(&parameters.grid, scan).unwrap(), 1_000_000)
            }
            ContractKind::Option { is_call, strike } => {
                let input = SpanInput {
                    underlying: SPOT,
                    strike: strike.to_rupees(),
                    years: 28.0 / 365.0,
                    vol: 0.13,
                    rate: 0.0525,
                    carry: 0.0525,
                    price_scan: scan.to_rupees(),
                    vol_scan: parameters.vol_scan(0.13),
                    is_call,
                };
                let value = input.array(&parameters.grid);
                let price = Px::from_paise((value.value * 100.0).round() as i64);
                let array = RiskArray::from_rupees(&value.loss, value.delta).unwrap();
                (price, array, if is_call { 520_000 } else { -380_000 })
            }
        };
        let instrument = InstrumentId(index as u32);
        let RiskArray { loss, delta } = array;
        file.push(Valuation::Contract(ContractValuation {
            price,
            instrument,
            underlying: 0,
            futeq_delta,
            delta,
            loss,
        }));
        let expiry = Date::of(definition.expiry);
        contracts.push(ContractTerms { underlying: id, expiry, kind, price, array });
    }
    (file, underlying, contracts)
}

pub(super) fn config() -> CoreConfig {
    CoreConfig {
        limits: RiskLimits {
            order_value_max: 0,
            open_order_value_max: 0,
            loss_max: 0,
            position_max: 0,
            open_orders_max: 0,
            messages_per_second_max: 0,
            fat_finger_bps: 0,
            ..RiskLimits::default()
        },
        capacity: Capacity {
            instruments_max: 8,
            market_orders_max: 64,
            levels_max: 64,
            own_orders_max: 256,
            timers_max: 4,
            outputs_max: 64,
        },
        venue_mode: VenueMode::External as u32,
        ..CoreConfig::default()
    }
}

pub(super) fn new_core<S: Strategy>(strategy: S) -> Core<S, Reference> {
    let mut core = Core::new(&config(), strategy, Reference).unwrap();
    for definition in definitions() {
        core.define(&definition).unwrap();
    }
    core.set_guards(&guards()).unwrap();
    core
}
