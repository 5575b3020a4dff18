//! What was asked and answered of each order of the day, for the session that takes it up again. The
//! core does not keep it: these are times and numbers of the exchange.

use std::collections::{HashMap, HashSet};

use tezi_core::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter};
use tezi_core::{Emitted, Output};
use tezi_model::{ClientOrderId, ExecutionReport, Nanos, OrderId};

use crate::records::Entry;

/// Reasons of reports from here on are not the exchange's: their time is not the exchange's either.
const REASONS_OF_OURS: u16 = 60_000;

/// How far the exchange was heard of one order, in its own time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) until: Nanos,
    /// `until` when the latest request left.
    pub(crate) checkpoint: Nanos,
}

impl Heard {
    const fn on_command(&mut self) {
        self.checkpoint = self.until;
    }

    fn on_report(&mut self, report: &ExecutionReport) {
        if report.reason < REASONS_OF_OURS {
            self.until = self.until.max(report.venue_time);
        }
    }
}

/// All orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeardOrders {
    orders: HashMap<ClientOrderId, Heard>,
    /// The exchange's numbers of all orders it spoke of.
    numbers: HashSet<OrderId>,
}

impl HeardOrders {
    /// Notes an input, and what it brought about as far as the journal has it.
    #[inline]
    pub(crate) fn note(&mut self, input: &Entry, outputs: &[Emitted]) {
        if let Entry::Report(report) = input {
            self.orders.entry(report.client_order_id).or_default().on_report(report);
            if report.order_id != OrderId(0) {
                self.numbers.insert(report.order_id);
            }
        }
        for emitted in outputs {
            if let Output::Command(command) = &emitted.output {
                self.orders.entry(command.client_order_id).or_default().on_command();
            }
        }
    }

    /// What was heard of an order.
    pub(crate) fn get(&self, id: ClientOrderId) -> Heard {
        self.orders.get(&id).copied().unwrap_or_default()
    }

    /// The exchange's numbers of all orders but these.
    pub(crate) fn numbers_without(mut self, open: impl Iterator<Item = OrderId>) -> Vec<OrderId> {
        for number in open {
            self.numbers.remove(&number);
        }
        self.numbers.into_iter().collect()
    }

    /// Writes what was heard of the orders that are `open`, and every number.
    pub(crate) fn save(&self, open: impl Iterator<Item = ClientOrderId>, out: &mut SnapshotWriter) {
        let mut open: Vec<_> = open.collect();
        open.sort_unstable();
        out.count(open.len());
        for id in open {
            let Heard { until, checkpoint } = self.get(id);
            out.u64(id.0);
            out.time(until);
            out.time(checkpoint);
        }
        let mut numbers: Vec<_> = self.numbers.iter().copied().collect();
        numbers.sort_unstable();
        out.count(numbers.len());
        numbers.iter().for_each(|number| out.u64(number.0));
    }

    /// Reads them.
    pub(crate) fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        let mut this = Self::default();
        // As many as there are bytes for: nothing is made room for before it is there.
        for _ in 0..input.u32()? {
            let id = ClientOrderId(input.u64()?);
            let heard = Heard { until: input.time()?, checkpoint: input.time()? };
            this.orders.insert(id, heard);
        }
        for _ in 0..input.u32()? {
            this.numbers.insert(OrderId(input.u64()?));
        }
        Ok(this)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(id: u64, number: u64, at: i64, reason: u16) -> Entry {
        Entry::Report(ExecutionReport {
            client_order_id: ClientOrderId(id),
            order_id: OrderId(number),
            venue_time: Nanos(at),
            reason,
            ..bytemuck::Zeroable::zeroed()
        })
    }

    fn command(id: u64) -> Emitted {
        let command = tezi_model::OrderCommand {
            client_order_id: ClientOrderId(id),
            ..bytemuck::Zeroable::zeroed()
        };
        Emitted { origin: tezi_core::Origin::CORE, output: Output::Command(command) }
    }

    #[test]
    fn an_answer_is_later_than_what_was_heard_when_its_request_left() {
        let mut heard = HeardOrders::default();
        heard.note(&Entry::Start, &[command(1)]);
        heard.note(&report(1, 77, 50, 0), &[command(1)]);
        heard.note(&report(1, 77, 70, 0), &[]);
        heard.note(&report(1, 0, 900, 60_101), &[]);
        let expected = Heard { until: Nanos(70), checkpoint: Nanos(50) };
        assert_eq!(heard.get(ClientOrderId(1)), expected);
    }

    #[test]
    fn of_open_orders_and_of_numbers_nothing_is_lost() {
        let mut heard = HeardOrders::default();
        heard.note(&report(1, 77, 50, 0), &[command(2), command(3)]);
        heard.note(&report(2, 78, 60, 0), &[]);
        let mut out = SnapshotWriter::new();
        heard.save([ClientOrderId(3), ClientOrderId(2)].into_iter(), &mut out);
        let read = HeardOrders::load(&mut SnapshotReader::new(out.bytes())).unwrap();
        for id in [2, 3].map(ClientOrderId) {
            assert_eq!(read.get(id), heard.get(id));
        }
        assert_eq!(read.get(ClientOrderId(1)), Heard::default(), "it is closed");
        assert_eq!(read.numbers_without([OrderId(78)].into_iter()), [OrderId(77)]);
        let cut = &out.bytes()[..out.bytes().len() - 1];
        assert!(HeardOrders::load(&mut SnapshotReader::new(cut)).is_err());
    }
}
