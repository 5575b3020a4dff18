//! Names of instruments and orders for a dump, learnt record by record the way the core learns
//! them, and given up where lost records make them uncertain.

use std::collections::HashMap;

use tezi::model::{ClientOrderId, CommandKind, Event, EventKind, Instrument, InstrumentId, Side};
use tezi::{CoreConfig, Emitted, Entry, InstrumentTable, Output};

/// See the module.
pub(super) struct Names {
    table: InstrumentTable,
    /// Numbers below this are right; beyond, lost records may have shifted them.
    trusted: usize,
    is_damaged: bool,
    orders: HashMap<ClientOrderId, (InstrumentId, Side)>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self {
            table: InstrumentTable::new(CoreConfig::default().capacity.instruments_max),
            trusted: 0,
            is_damaged: false,
            orders: HashMap::new(),
        }
    }

    /// Takes in what a record says of instruments and orders.
    pub(super) fn learn(&mut self, entry: &Entry) {
        match entry {
            Entry::Config(config) if config.validate().is_ok() => {
                self.table = InstrumentTable::new(config.capacity.instruments_max);
            }
            Entry::Instrument(definition) => drop(self.table.define(definition)),
            Entry::Event(event) => self.table.follow(event),
            Entry::Output(Emitted { output: Output::Command(command), .. })
                if command.kind() == Some(CommandKind::New) =>
            {
                let side = (command.instrument, command.side());
                self.orders.insert(command.client_order_id, side);
            }
            _ => {}
        }
        if !self.is_damaged {
            self.trusted = self.table.len();
        }
    }

    /// Records are missing here.
    pub(super) fn on_damage(&mut self) {
        self.is_damaged = true;
    }

    /// The name of an instrument by the core's number; the number where that is not known.
    pub(super) fn instrument(&self, id: InstrumentId) -> String {
        let state = self.table.get(id).filter(|_| id.index() < self.trusted);
        state.map_or_else(|| format!("#{}", id.0), |state| state.definition.to_string())
    }

    /// Instrument and side of an own order, where its record was read.
    pub(super) fn order(&self, id: ClientOrderId) -> Option<(String, Side)> {
        self.orders.get(&id).map(|&(instrument, side)| (self.instrument(instrument), side))
    }

    /// The name of an event's instrument.
    pub(super) fn of_event(&self, event: &Event) -> String {
        let Some(segment) = event.stream.segment() else { return format!("?:{}", event.token) };
        let (known, unknown) = match event.kind() {
            Some(EventKind::IndexValue) => (
                self.table.find_index(segment, event.token),
                Instrument::index(segment, event.token),
            ),
            _ => (self.table.find(segment, event.token), Instrument::unknown(segment, event.token)),
        };
        let known = known.and_then(|id| self.table.get(id));
        known.map_or(unknown, |state| state.definition).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi::model::{Nanos, Segment, StreamId, Token};

    fn order(token: u32) -> Entry {
        Entry::Event(Event {
            kind_code: EventKind::OrderNew as u8,
            stream: StreamId::new(Segment::NseFo, 2),
            token: Token(token),
            ..Event::clock(Nanos(1))
        })
    }

    #[test]
    fn numbers_given_behind_lost_records_are_not_guessed() {
        let mut names = Names::new();
        names.learn(&order(7));
        names.on_damage();
        names.learn(&order(8));
        assert_eq!(names.instrument(InstrumentId(0)), "fo:7");
        assert_eq!(names.instrument(InstrumentId(1)), "#1");
        assert_eq!(names.instrument(InstrumentId(9)), "#9");
    }
}
