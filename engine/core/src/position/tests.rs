//! Tests of holdings: worked examples, and random days against a list of every trade.

use super::*;
use tezi_testing::Random;

/// Of what is traded in these tests.
const TODAY: i32 = 20_781;

const KEY: HoldingKey = HoldingKey { account: 1, strategy: 2, instrument: InstrumentId(3) };

fn paise(paise: i64) -> Px {
    Px::from_paise(paise)
}

fn with_fills(fills: &[(Side, u32, i64)]) -> Holdings {
    let mut holdings = Holdings::new(4, 8, TODAY);
    for &(side, quantity, price) in fills {
        holdings.on_fill(KEY, side, Qty(quantity), paise(price)).unwrap();
    }
    holdings
}

fn realised(holdings: &Holdings) -> (Money, Money) {
    let holding = holdings.get(KEY).unwrap();
    (holding.average.realised, holding.lots.realised())
}

#[test]
fn the_oldest_lot_is_closed_first() {
    let holdings =
        with_fills(&[(Side::Buy, 100, 1_000), (Side::Buy, 100, 2_000), (Side::Sell, 150, 1_600)]);
    // By average 150 × (16 − 15); first in first out 100 × (16 − 10) + 50 × (16 − 20).
    assert_eq!(realised(&holdings), (Money::from_rupees(150), Money::from_rupees(400)));
    let lots: Vec<Lot> = holdings.get(KEY).unwrap().lots.iter().copied().collect();
    assert_eq!(lots, [Lot { net: 50, cost: paise(2_000).value(50), day: TODAY }]);
}

#[test]
fn a_short_position_is_closed_through_zero() {
    let holdings = with_fills(&[(Side::Sell, 65, 10_000), (Side::Buy, 130, 9_000)]);
    assert_eq!(realised(&holdings), (Money::from_rupees(650), Money::from_rupees(650)));
    assert_eq!(holdings.get(KEY).unwrap().lots.net(), 65);
}

#[test]
fn a_trade_taken_back_leaves_no_units_cash_or_turnover() {
    let mut holdings = with_fills(&[(Side::Buy, 100, 1_000), (Side::Buy, 50, 5_000)]);
    holdings.on_mark(KEY.instrument, paise(1_200));
    holdings.on_trade_canceled(KEY, Side::Buy, Qty(50), paise(5_000)).unwrap();
    let average = holdings.get(KEY).unwrap().average;
    assert_eq!((average.net, average.bought, average.sold), (100, 100, 0));
    assert_eq!(average.turnover, paise(1_000).value(100));
    assert_eq!(holdings.profit(|_| true), Money::from_rupees(200));
    assert!(holdings.is_consistent());
}

#[test]
fn positions_take_back_a_trade_and_carry_and_adjust() {
    let mut positions = Positions::new(4);
    positions.carry(KEY.instrument, 10, paise(10_000));
    assert_eq!(positions.profit(), Money::ZERO);
    positions.on_mark(KEY.instrument, paise(11_000));
    assert_eq!(positions.profit(), Money::from_rupees(100));
    positions.on_fill(KEY.instrument, Side::Buy, Qty(5), paise(50_000));
    positions.on_trade_canceled(KEY.instrument, Side::Buy, Qty(5), paise(50_000));
    assert_eq!(positions.profit(), Money::from_rupees(100));
    positions.adjust(KEY.instrument, Ratio::new(5, 1).unwrap()).unwrap();
    let position = positions.get(KEY.instrument);
    assert_eq!((position.net, position.mark), (50, Some(paise(2_200))));
    assert_eq!(positions.profit(), Money::from_rupees(100));
}

#[test]
fn an_adjustment_that_makes_fractions_changes_nothing() {
    let mut holdings = with_fills(&[(Side::Buy, 10, 1_000), (Side::Buy, 5, 1_000)]);
    let one_for_two = Ratio::new(1, 2).unwrap();
    assert_eq!(holdings.adjust(KEY, one_for_two), Err(AdjustError::Fraction));
    assert_eq!(holdings.get(KEY).unwrap().lots.net(), 15);
    let unknown = HoldingKey { account: 9, ..KEY };
    assert_eq!(holdings.adjust(unknown, one_for_two), Err(AdjustError::UnknownHolding));
    assert_eq!(Ratio::new(0, 1), None);
    // A bonus of one for one keeps the cost.
    holdings.adjust(KEY, Ratio::new(2, 1).unwrap()).unwrap();
    let average = holdings.get(KEY).unwrap().average;
    assert_eq!((average.net, average.average_price()), (30, Some(paise(500))));
}

#[test]
fn a_key_without_a_place_is_refused_and_the_bound_on_lots_merges() {
    let mut holdings = Holdings::new(1, 2, TODAY);
    for price in [1_000, 2_000, 4_000] {
        holdings.on_fill(KEY, Side::Buy, Qty(10), paise(price)).unwrap();
    }
    let other = HoldingKey { strategy: 9, ..KEY };
    assert_eq!(holdings.on_fill(other, Side::Buy, Qty(1), paise(1)), Err(HoldingError::Full));
    let lots = &holdings.get(KEY).unwrap().lots;
    assert_eq!((lots.iter().count(), lots.merged(), lots.net()), (2, 1, 30));
    assert_eq!(lots.cost(), Money::from_rupees(700));
}

#[test]
fn lots_are_carried_in_before_anything_is_traded() {
    let mut holdings = Holdings::new(1, 2, TODAY);
    assert_eq!(holdings.carry(KEY, -10, paise(500), 7), Ok(()));
    assert_eq!(holdings.carry(KEY, 5, paise(500), 8), Err(HoldingError::OtherSide));
    assert_eq!(holdings.carry(KEY, 0, paise(500), 8), Err(HoldingError::OtherSide));
    assert_eq!(holdings.carry(KEY, -5, paise(800), 8), Ok(()));
    assert_eq!(holdings.carry(KEY, -5, paise(500), 9), Err(HoldingError::TooManyLots));
    assert_eq!(
        holdings.carry(HoldingKey { account: 9, ..KEY }, 1, paise(1), 0),
        Err(HoldingError::Full)
    );
    // Ten are bought back: the oldest, at what they brought.
    holdings.on_fill(KEY, Side::Buy, Qty(10), paise(600)).unwrap();
    assert_eq!(realised(&holdings), (Money::from_rupees(0), Money::from_rupees(-10)));
    let Holding { average, lots, .. } = holdings.get(KEY).unwrap();
    let left: Vec<Lot> = lots.iter().copied().collect();
    assert_eq!(left, [Lot { net: -5, cost: paise(800).value(-5), day: 8 }]);
    assert_eq!((average.net, average.cost), (-5, paise(600).value(-5)));
    assert_eq!(holdings.carry(KEY, -5, paise(500), 9), Err(HoldingError::Traded));
    assert!(holdings.is_consistent());
}

#[test]
fn positions_take_in_units_of_both_sides_at_one_mark() {
    let mut positions = Positions::new(1);
    let id = InstrumentId(0);
    assert!(positions.carry(id, 7, paise(100)));
    assert!(!positions.carry(id, 7, paise(101)), "another mark");
    assert!(!positions.carry(id, CARRIED_UNITS_MAX, paise(100)), "too many");
    assert!(!positions.carry(InstrumentId(9), 7, paise(100)));
    assert!(positions.carry(id, -7, paise(100)));
    assert_eq!((positions.get(id).net, positions.get(id).cost), (0, Money::ZERO));
    assert!(positions.carry(id, -3, paise(100)));
    assert_eq!((positions.profit(), positions.get(id).net), (Money::ZERO, -3));
    positions.on_fill(id, Side::Buy, Qty(1), paise(100));
    assert!(!positions.carry(id, 7, paise(100)), "traded");
}

#[test]
fn a_corporate_action_is_on_every_holding_of_an_instrument_or_on_none() {
    let mut holdings = Holdings::new(4, 4, TODAY);
    let other = HoldingKey { account: 5, ..KEY };
    holdings.carry(KEY, 10, paise(10_000), 7).unwrap();
    holdings.carry(KEY, 20, paise(13_000), 8).unwrap();
    holdings.carry(other, -5, paise(12_000), 8).unwrap();
    let halves = Ratio::new(1, 2).unwrap();
    assert_eq!(holdings.adjust_all(KEY.instrument, halves), Err(AdjustError::Fraction));
    assert_eq!(holdings.get(KEY).unwrap().average.net, 30);
    assert_eq!(holdings.adjust_all(KEY.instrument, Ratio::new(5, 1).unwrap()), Ok(2));
    assert_eq!(holdings.adjust_all(InstrumentId(8), halves), Ok(0));
    let of = |key| {
        let Holding { average, lots, .. } = holdings.get(key).unwrap();
        (average.net, average.average_price(), lots.iter().map(|lot| lot.net).collect::<Vec<_>>())
    };
    assert_eq!(of(KEY), (150, Some(paise(2_400)), vec![50, 100]));
    assert_eq!(of(other), (-25, Some(paise(2_400)), vec![-25]));
    assert!(holdings.is_consistent());
}

#[test]
fn a_trade_taken_back_leaves_the_books_as_if_it_had_never_been() {
    let mut random = Random(43);
    for day in 0..200 {
        let side = Side::BOTH[random.below(2) as usize];
        let trades: Vec<(u32, i64)> = (0..2 + random.below(6))
            .map(|_| (1 + random.below(20) as u32, 100 + random.below(900) as i64))
            .collect();
        let gone = random.below(trades.len() as u64) as usize;
        let book = |without: Option<usize>| {
            let mut holdings = Holdings::new(1, 16, TODAY);
            for (index, &(quantity, price)) in trades.iter().enumerate() {
                if Some(index) != without {
                    holdings.on_fill(KEY, side, Qty(quantity), paise(price)).unwrap();
                }
            }
            holdings
        };
        let (mut whole, without) = (book(None), book(Some(gone)));
        let (quantity, price) = trades[gone];
        whole.on_trade_canceled(KEY, side, Qty(quantity), paise(price)).unwrap();
        let units = |holdings: &Holdings| {
            let Holding { average, lots, .. } = holdings.get(KEY).unwrap();
            let lots: Vec<Lot> = lots.iter().copied().collect();
            let Position { net, cost, realised, bought, sold, turnover, .. } = *average;
            (
                lots.iter().map(|lot| lot.net).sum::<i64>(),
                net,
                cost,
                realised,
                bought,
                sold,
                turnover,
            )
        };
        assert_eq!(units(&whole), units(&without), "seed 43, day {day}");
        assert_eq!(realised(&whole), (Money::ZERO, Money::ZERO), "seed 43, day {day}");
        assert!(whole.is_consistent(), "seed 43, day {day}");
    }
}

/// Unit by unit: what first in first out means.
#[derive(Default)]
struct Units {
    held: Vec<(i64, Px)>,
    realised: Money,
    cash: Money,
}

impl Units {
    fn carry(&mut self, sign: i64, quantity: i64, price: Px) {
        for _ in 0..quantity {
            self.cash -= price.value(sign);
            self.held.push((sign, price));
        }
    }

    fn take_back(&mut self, side: Side, quantity: u32, price: Px) {
        for _ in 0..quantity {
            match self.held.iter().rposition(|&unit| unit == (side.sign(), price)) {
                Some(index) => {
                    self.held.remove(index);
                    self.cash += price.value(side.sign());
                }
                None => self.trade(side.opposite(), 1, price),
            }
        }
    }

    fn trade(&mut self, side: Side, quantity: u32, price: Px) {
        for _ in 0..quantity {
            self.cash -= price.value(side.sign());
            match self.held.first() {
                Some(&(sign, cost)) if sign != side.sign() => {
                    self.held.remove(0);
                    self.realised += (price.value(1) - cost.value(1)).signed(sign);
                }
                _ => self.held.push((side.sign(), price)),
            }
        }
    }
}

/// Money times the sign of a position.
trait Signed {
    fn signed(self, sign: i64) -> Self;
}

impl Signed for Money {
    fn signed(self, sign: i64) -> Self {
        Self(self.0 * i128::from(sign))
    }
}

#[test]
fn random_days_agree_with_unit_by_unit_books() {
    let mut random = Random(41);
    for day in 0..300 {
        let mut holdings = Holdings::new(8, 256, TODAY);
        let keys: Vec<HoldingKey> = (0..8)
            .map(|index| HoldingKey {
                account: index & 1,
                strategy: index >> 1 & 1,
                instrument: InstrumentId(index >> 2),
            })
            .collect();
        let mut naive: Vec<Units> = keys.iter().map(|_| Units::default()).collect();
        for (key, units) in keys.iter().zip(&mut naive) {
            let sign = random.pick(&[-1, 0, 1]);
            for _ in 0..if sign == 0 { 0 } else { random.below(4) } {
                let (quantity, price) = (1 + random.below(20) as i64, 1 + random.below(10_000));
                units.carry(sign, quantity, Px(price as i64));
                holdings.carry(*key, sign * quantity, Px(price as i64), 7).unwrap();
            }
        }
        let mut marks = [None; 8];
        for step in 0..200 {
            let at = random.below(8) as usize;
            let price = Px(1 + random.below(10_000) as i64);
            let quantity = 1 + random.below(20) as u32;
            let side = Side::BOTH[random.below(2) as usize];
            match random.below(8) {
                0 => {
                    let instrument = keys[at].instrument;
                    holdings.on_mark(instrument, price);
                    for (mark, key) in marks.iter_mut().zip(&keys) {
                        let is_held = holdings.get(*key).is_some();
                        if key.instrument == instrument && is_held {
                            *mark = Some(price);
                        }
                    }
                }
                1 => {
                    holdings.on_fill(keys[at], side, Qty(quantity), price).unwrap();
                    holdings.on_trade_canceled(keys[at], side, Qty(quantity), price).unwrap();
                    naive[at].trade(side, quantity, price);
                    naive[at].take_back(side, quantity, price);
                    marks[at] = marks[at].or(Some(price));
                }
                _ => {
                    holdings.on_fill(keys[at], side, Qty(quantity), price).unwrap();
                    naive[at].trade(side, quantity, price);
                    marks[at] = marks[at].or(Some(price));
                }
            }
            let Some(mark) = marks[at] else { continue };
            let holding = holdings.get(keys[at]).unwrap();
            let net = naive[at].held.iter().map(|(sign, _)| sign).sum::<i64>();
            let context = format!("seed 41, day {day}, step {step}");
            assert_eq!((holding.lots.net(), holding.average.net), (net, net), "{context}");
            assert_eq!(holding.lots.realised(), naive[at].realised, "{context}");
            let profit = naive[at].cash + mark.value(net);
            assert_eq!(holdings.profit(|key| *key == keys[at]), profit, "{context}");
            assert!(holdings.is_consistent(), "{context}");
        }
    }
}
