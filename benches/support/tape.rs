//! A flow as MTBT datagrams, one message each, on two lines that lose some.

use tezi::feed_handler::Line;
use tezi::feed_handler::wire::nse_mtbt::{Order, Trade, encode_order, encode_trade, message_type};
use tezi::model::{Nanos, OrderId, Px, Side};

use super::Random;
use super::flow::{Flow, FlowShape, Step, StepKind};

/// The token of the first instrument.
const FIRST_TOKEN: i32 = 50_001;
/// Instruments on stream 1; the others are on stream 2.
const STREAM_1_INSTRUMENTS: u32 = 2;
/// 12,000 messages a second.
const INTERVAL_NS: i64 = 83_333;

/// A datagram on a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) line: Line,
    pub(crate) time: Nanos,
    start: u32,
    size: u32,
}

/// Datagrams, back to back in memory, in the order in which they arrive.
pub(crate) struct Tape {
    bytes: Vec<u8>,
    pub(crate) arrivals: Vec<Arrival>,
    /// Different messages among them.
    pub(crate) messages: usize,
}

impl Tape {
    /// `messages` messages on line A, each once and in order.
    pub(crate) fn one_line(seed: u64, messages: usize) -> Self {
        let flow = Flow::new(FlowShape::DEMO, seed, messages);
        let start = Nanos::from_ist(2026, 11, 20, 9, 15, 0);
        let mut tape = Self { bytes: Vec::new(), arrivals: Vec::new(), messages };
        let mut sequences = [0; 2];
        for (index, step) in flow.steps.iter().enumerate() {
            let time = start.plus(index as i64 * INTERVAL_NS);
            let stream = if step.instrument.0 < STREAM_1_INSTRUMENTS { 1 } else { 2 };
            let sequence = &mut sequences[usize::from(stream) - 1];
            *sequence += 1;
            let offset = tape.bytes.len();
            encode(step, stream, *sequence, time, &mut tape.bytes);
            let (start, size) = (offset as u32, (tape.bytes.len() - offset) as u32);
            tape.arrivals.push(Arrival { line: Line::A, time, start, size });
        }
        tape
    }

    /// The same on two lines: B is `lag` messages behind, each line loses `loss` of a thousand
    /// messages, and never both the same one.
    pub(crate) fn two_lines(seed: u64, messages: usize, lag: usize, loss: usize) -> Self {
        let Self { bytes, arrivals, messages } = Self::one_line(seed, messages);
        let mut random = Random::new(seed ^ 0xB);
        let lost: Vec<_> = arrivals
            .iter()
            .map(|_| match random.below(1_000) {
                roll if roll < loss => Some(Line::A),
                roll if roll < 2 * loss => Some(Line::B),
                _ => None,
            })
            .collect();
        let mut both = Vec::with_capacity(arrivals.len() * 2);
        for index in 0..arrivals.len() + lag {
            for (line, index) in [(Line::A, Some(index)), (Line::B, index.checked_sub(lag))] {
                if let Some(index) = index.filter(|&i| i < arrivals.len() && lost[i] != Some(line))
                {
                    let behind = INTERVAL_NS * if line == Line::A { 0 } else { lag as i64 };
                    let time = arrivals[index].time.plus(behind);
                    both.push(Arrival { line, time, ..arrivals[index] });
                }
            }
        }
        Self { bytes, arrivals: both, messages }
    }

    /// The bytes of a datagram.
    #[inline]
    pub(crate) fn datagram(&self, arrival: &Arrival) -> &[u8] {
        &self.bytes[arrival.start as usize..][..arrival.size as usize]
    }
}

fn encode(step: &Step, stream: u8, sequence: u32, time: Nanos, out: &mut Vec<u8>) {
    let token = FIRST_TOKEN + step.instrument.0.cast_signed();
    let quantity = step.quantity.0.cast_signed();
    let price = wire_price(step.price);
    let kind = match step.kind {
        StepKind::New => message_type::ORDER_NEW,
        StepKind::Modify => message_type::ORDER_MODIFY,
        StepKind::Cancel => message_type::ORDER_CANCEL,
        StepKind::Trade => {
            let (buy, sell) = match step.side {
                Side::Buy => (step.order_id, OrderId(0)),
                Side::Sell => (OrderId(0), step.order_id),
            };
            let trade = Trade {
                message_type: message_type::TRADE,
                time,
                buy_order_id: buy,
                sell_order_id: sell,
                token,
                price,
                quantity,
            };
            return out.extend_from_slice(&encode_trade(stream, sequence, &trade));
        }
    };
    let order = Order {
        message_type: kind,
        time,
        order_id: step.order_id,
        token,
        side: step.side,
        price,
        quantity,
    };
    out.extend_from_slice(&encode_order(stream, sequence, &order));
}

/// A price in paise, as F&O streams carry it.
pub(crate) fn wire_price(price: Px) -> i32 {
    price.to_paise().and_then(|paise| i32::try_from(paise).ok()).expect("prices are whole paise")
}
