//! The market around the path, and the packets that are measured.
//!
//! Two futures and fourteen options as in the demo. The future's book holds 1,000 orders on 50
//! levels a side; the measured packet is an `M` of one of its orders. What it makes the strategy do
//! is the scenario.

use tezi::feed_handler::wire::nse_mtbt::{Order, encode_order, message_type};
use tezi::kernels::KernelTarget;
use tezi::model::{
    Instrument, InstrumentKind, Nanos, OptionType, OrderId, Px, Qty, Segment, Side, Symbol, Token,
};
use tezi::strategy::OptionQuoterConfig;

use super::Random;
use super::path::TickPath;

const FUTURE_TOKEN: u32 = 50_001;
/// The order of the future that the measured packets change.
const MOVER: OrderId = OrderId(1_100_000_000_000_001);
/// Measured packets that differ; a power of two.
const PACKETS: usize = 1_024;
/// The best bid of every option, in paise: far enough from its value to leave quotes alone.
const OPTION_BID: i32 = 25_000;
/// Changes of an option's touch that the quoter is shown before it is measured.
const LOOKS: i32 = 25;
/// Bytes of the sequence number in an MTBT header.
const SEQUENCE: std::ops::Range<usize> = 4..8;

/// What a measured packet brings about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// The book changes behind the touch; the strategy is told and has nothing to do.
    Depth,
    /// The future's touch moves, options are priced anew, and every quote is still good: 1 option.
    Priced,
    /// The same with 4 options.
    Priced4,
    /// One option, quoted on one side: one quote moves.
    OneOrder,
    /// One option, quoted on both sides: two quotes move.
    TwoOrders,
    /// Four options, both sides, as the demo's quoter: eight quotes move.
    EightOrders,
}

impl Scenario {
    pub(crate) const ALL: [Self; 6] = [
        Self::Depth,
        Self::Priced,
        Self::Priced4,
        Self::OneOrder,
        Self::TwoOrders,
        Self::EightOrders,
    ];

    /// What reports call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Depth => "no_order/depth",
            Self::Priced => "no_order/priced_1",
            Self::Priced4 => "no_order/priced_4",
            Self::OneOrder => "orders/1",
            Self::TwoOrders => "orders/2",
            Self::EightOrders => "orders/8",
        }
    }

    /// Orders that each measured packet must make.
    pub(crate) const fn orders(self) -> u32 {
        match self {
            Self::Depth | Self::Priced | Self::Priced4 => 0,
            Self::OneOrder => 1,
            Self::TwoOrders => 2,
            Self::EightOrders => 8,
        }
    }

    fn quoter(self) -> OptionQuoterConfig {
        let options = match self {
            Self::Depth | Self::Priced4 | Self::EightOrders => 4,
            Self::Priced | Self::OneOrder | Self::TwoOrders => 1,
        };
        let stays = matches!(self, Self::Priced | Self::Priced4);
        OptionQuoterConfig {
            options,
            // Wide enough that a side can move before the other one has: else it would meet its own
            // order there, and the check against self-trades would hold it back.
            edge_ticks: 40.0,
            // At the most it may hold after its first fill, the bid is not quoted.
            lots_max: if self == Self::OneOrder { 1 } else { 5 },
            requote_ticks: if stays { 1e6 } else { 3.0 },
            requote_ms: 0,
            hedge_lots: 1e6,
            ..OptionQuoterConfig::default()
        }
    }
}

/// Packets between which the journal need not be looked at.
pub(crate) const BLOCK: u64 = 1_000;

/// A path in a market, and the packets to come.
pub(crate) struct Stage {
    pub(crate) path: TickPath,
    scenario: Scenario,
    packets: Vec<[u8; 38]>,
    index: usize,
    sequence: u32,
    now: Nanos,
}

impl Stage {
    /// A market that is open and quoted.
    pub(crate) fn new(scenario: Scenario, kernel: KernelTarget) -> Self {
        let instruments = instruments();
        let path = TickPath::new(&instruments, scenario.quoter(), kernel);
        let now = Nanos::from_ist(2026, 11, 20, 10, 0, 0);
        let packets = movers(scenario, now);
        let mut stage = Self { path, scenario, packets, index: 0, sequence: 0, now };
        let openings = openings(&instruments);
        openings.iter().for_each(|order| stage.bring(order));
        // The quoter learns the volatility of each option from its market before it quotes.
        for look in 0..LOOKS {
            stage.step();
            for order in openings.iter().filter(|order| order.price == OPTION_BID) {
                let quantity = order.quantity * (1 + look % 2);
                let message_type = message_type::ORDER_MODIFY;
                stage.bring(&Order { message_type, quantity, ..*order });
            }
        }
        // From here on each packet does what the scenario says.
        stage.path.make_room(BLOCK);
        (0..BLOCK).for_each(|_| {
            stage.step();
        });
        let quotes = if scenario.orders() > 0 { scenario.orders() } else { 2 };
        assert!(stage.path.open_orders() >= quotes as usize, "the options are quoted");
        stage
    }

    /// An order of the market on its way to the state in which measuring begins.
    fn bring(&mut self, order: &Order) {
        self.sequence += 1;
        let datagram = encode_order(1, self.sequence, &Order { time: self.now, ..*order });
        self.path.on_packet(self.now, &datagram);
        self.path.acknowledge(self.now, self.scenario == Scenario::OneOrder);
    }

    /// Makes the next packet ready.
    #[inline]
    pub(crate) fn prepare(&mut self) {
        self.index = (self.index + 1) % PACKETS;
        self.sequence += 1;
        self.packets[self.index][SEQUENCE].copy_from_slice(&self.sequence.to_le_bytes());
        self.now = self.now.plus(1_000);
    }

    /// The measured part: the prepared packet in, its orders out.
    #[inline]
    pub(crate) fn measured(&mut self) -> u32 {
        self.path.on_packet(self.now, &self.packets[self.index])
    }

    /// The venue answers.
    #[inline]
    pub(crate) fn acknowledge(&mut self) {
        self.path.acknowledge(self.now, false);
    }

    /// All three.
    #[inline]
    pub(crate) fn step(&mut self) -> u32 {
        self.prepare();
        let orders = self.measured();
        self.acknowledge();
        orders
    }

    /// A few packets, checked.
    pub(crate) fn check(&mut self) {
        self.path.make_room(BLOCK);
        for _ in 0..BLOCK {
            let orders = self.step();
            let scenario = self.scenario;
            assert_eq!(orders, scenario.orders(), "{scenario:?} makes its orders");
        }
    }
}

/// Changes of one order of the future. Those of the touch alternate between two ranges half a
/// rupee of the option's value apart, and vary within, so that no quote stays good.
fn movers(scenario: Scenario, now: Nanos) -> Vec<[u8; 38]> {
    let mut random = Random::new(11);
    let price = |index: usize, random: &mut Random| match scenario {
        Scenario::Depth => 2_399_400 - 10 * random.below(40) as i32,
        _ => 2_399_800 + 200 * (index % 2) as i32 - 10 * random.below(5) as i32,
    };
    let packet = |index| {
        encode_order(
            1,
            0,
            &Order {
                message_type: message_type::ORDER_MODIFY,
                time: now,
                order_id: MOVER,
                token: FUTURE_TOKEN.cast_signed(),
                side: Side::Buy,
                price: price(index, &mut random),
                quantity: 650,
            },
        )
    };
    (0..PACKETS).map(packet).collect()
}

/// Options first, so that the quoter finds them when the future opens.
fn openings(instruments: &[Instrument]) -> Vec<Order> {
    let mut next = MOVER.0;
    let mut order = |instrument: &Instrument, side, price| {
        next += 1;
        Order {
            message_type: message_type::ORDER_NEW,
            time: Nanos(0),
            order_id: OrderId(next),
            token: instrument.token.0.cast_signed(),
            side,
            price,
            quantity: instrument.lot.0.cast_signed() * 10,
        }
    };
    let mut all = Vec::new();
    for option in &instruments[2..] {
        for index in 0..20 {
            all.push(order(option, Side::Buy, OPTION_BID - 5 * index));
            all.push(order(option, Side::Sell, 52_000 + 5 * index));
        }
    }
    for index in (0..500).rev() {
        all.push(order(&instruments[0], Side::Buy, 2_399_500 - 10 * (index % 50)));
        all.push(order(&instruments[0], Side::Sell, 2_400_200 + 10 * (index % 50)));
    }
    let mover = order(&instruments[0], Side::Buy, 2_399_800);
    all.push(Order { order_id: MOVER, ..mover });
    all
}

/// The demo's instruments: NIFTY and BANKNIFTY futures, fourteen NIFTY options.
pub(crate) fn instruments() -> Vec<Instrument> {
    let future = |token, symbol, lot, freeze, tick, base: f64| {
        let mut instrument = Instrument::unknown(Segment::NseFo, Token(token));
        instrument.symbol = Symbol::new(symbol);
        instrument.expiry = Nanos::from_ist(2026, 12, 29, 15, 40, 0);
        instrument.tick = Px::from_paise(tick);
        instrument.price_low = Px::from_rupees(base * 0.9);
        instrument.price_high = Px::from_rupees(base * 1.1);
        instrument.lot = Qty(lot);
        instrument.freeze_quantity = Qty(freeze);
        instrument.kind_code = InstrumentKind::Future as u8;
        instrument
    };
    let mut all = vec![
        future(FUTURE_TOKEN, "NIFTY", 65, 3_510, 10, 24_000.0),
        future(FUTURE_TOKEN + 1, "BANKNIFTY", 30, 1_440, 20, 52_000.0),
    ];
    for step in -3_i64..=3 {
        for option in [OptionType::Call, OptionType::Put] {
            let mut instrument = all[0];
            instrument.token = Token(50_100 + all.len() as u32);
            instrument.kind_code = InstrumentKind::Option as u8;
            instrument.option_code = option as u8;
            instrument.strike = Px::from_rupees(24_000.0 + 100.0 * step as f64);
            instrument.tick = Px::from_paise(5);
            instrument.price_low = Px::from_paise(5);
            instrument.price_high = Px::from_rupees(3_000.0);
            all.push(instrument);
        }
    }
    all
}
