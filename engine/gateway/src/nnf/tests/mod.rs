//! Tests over the whole of NNF: fixtures here, one file a subject.

mod decode;
mod documentation;
mod encode;
mod golden;
mod legs;
mod mutation;

use tezi_model::{
    ClientOrderId, CommandKind, Instrument, InstrumentId, InstrumentKind, Nanos, OptionType,
    OrderCommand, OrderId, Px, Qty, Segment, Side, Symbol, TimeInForce, Token,
};

pub(super) use golden::bytes as golden_bytes;

use super::{Account, SelfTrade, SessionIdentity, Underlying, UserRole};

pub(super) fn identity() -> SessionIdentity<'static> {
    SessionIdentity {
        user_id: 12345,
        trader_id: 12346,
        role: UserRole::Dealer,
        branch_id: 7,
        broker_id: "90001",
        account: Account::Proprietary,
        settlor: "",
        pan: "ABCDE1234F",
        nnf_id: 111_111_111_111_100,
        algo_id: 77_001,
        self_trade: SelfTrade::ExchangeDefault,
        cancel_on_logoff: false,
    }
}

pub(super) fn future() -> Instrument {
    let mut future = Instrument::unknown(Segment::NseFo, Token(35_001));
    future.symbol = Symbol::new("NIFTY");
    future.expiry = Nanos::from_ist(2026, 9, 24, 15, 30, 0);
    future.kind_code = InstrumentKind::Future as u8;
    future
}

pub(super) fn option() -> Instrument {
    Instrument {
        token: Token(35_002),
        strike: Px::from_paise(2_480_000),
        kind_code: InstrumentKind::Option as u8,
        option_code: OptionType::Put as u8,
        ..future()
    }
}

/// A share of the capital market, series EQ.
pub(super) fn share(symbol: &str, token: u32) -> Instrument {
    let mut share = Instrument::unknown(Segment::NseCm, Token(token));
    share.symbol = Symbol::new(symbol);
    share.kind_code = InstrumentKind::Equity as u8;
    share
}

pub(super) const EQ: Underlying = Underlying::Series(*b"EQ");

pub(super) fn command(kind: CommandKind) -> OrderCommand {
    OrderCommand {
        client_order_id: ClientOrderId(0x1_0102_0304),
        order_id: OrderId(if kind == CommandKind::New { 0 } else { 1_000_000_000_012_345 }),
        price: Px::from_paise(2_500_005),
        quantity: Qty(150),
        filled: Qty(if kind == CommandKind::New { 0 } else { 75 }),
        instrument: InstrumentId(0),
        kind_code: kind as u8,
        side_code: Side::Buy as u8,
        time_in_force_code: TimeInForce::Day as u8,
        strategy: tezi_model::StrategyId::NONE,
        account: tezi_model::AccountId::NONE,
        reserved_tail: [0; 7],
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
