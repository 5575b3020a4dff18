//! Names of instruments and facts of orders, learnt record by record the way the core learns them, and
//! given up where lost records make them uncertain.

use std::collections::BTreeMap;

use tezi::model::{
    ClientOrderId, CommandKind, Event, EventKind, Instrument, InstrumentId, Segment,
};
use tezi::{CoreConfig, Emitted, Entry, InstrumentTable, Output};

use crate::column::Label;

/// Own orders that are remembered, some 48 MB; beyond, the one with the lowest number is forgotten.
const ORDERS_MAX: usize = 1 << 20;

/// What is known of an instrument, as columns have it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known<'a> {
    pub(crate) id: Option<u32>,
    pub(crate) name: Option<Label<'a>>,
    pub(crate) segment: Option<Label<'a>>,
    pub(crate) token: Option<u32>,
}

/// See the module.
pub(crate) struct Names {
    table: InstrumentTable,
    /// How dealers write each instrument, by number.
    labels: Vec<String>,
    /// Numbers below this are right; beyond, lost records may have shifted them.
    trusted: usize,
    is_damaged: bool,
    /// Instrument and side code of own orders.
    orders: BTreeMap<ClientOrderId, (InstrumentId, u8)>,
    orders_max: usize,
    forgotten: u64,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self::with_orders_max(ORDERS_MAX)
    }

    fn with_orders_max(orders_max: usize) -> Self {
        Self {
            table: InstrumentTable::new(CoreConfig::default().capacity.instruments_max),
            labels: Vec::new(),
            trusted: 0,
            is_damaged: false,
            orders: BTreeMap::new(),
            orders_max,
            forgotten: 0,
        }
    }

    /// Takes in what a record says of instruments and orders.
    pub(crate) fn learn(&mut self, entry: &Entry) {
        match entry {
            Entry::Config(config) if config.validate().is_ok() => {
                self.table = InstrumentTable::new(config.capacity.instruments_max);
                self.labels.clear();
            }
            Entry::Instrument(definition) => {
                let id = self.table.define(definition);
                // A definition may replace that of an instrument known by its token alone.
                if let Some(label) = id.and_then(|id| self.labels.get_mut(id.index())) {
                    *label = definition.to_string();
                }
            }
            Entry::Event(event) => self.table.follow(event),
            Entry::Output(Emitted { output: Output::Command(command), .. })
                if command.kind() == Some(CommandKind::New) =>
            {
                let facts = (command.instrument, command.side_code);
                self.orders.insert(command.client_order_id, facts);
                if self.orders_max < self.orders.len() {
                    self.orders.pop_first();
                    self.forgotten += 1;
                }
            }
            _ => {}
        }
        while self.labels.len() < self.table.len() {
            let id = InstrumentId(self.labels.len() as u32);
            let label = self.table.get(id).map(|state| state.definition.to_string());
            self.labels.push(label.unwrap_or_default());
        }
        if !self.is_damaged {
            self.trusted = self.table.len();
        }
    }

    /// Records are missing here.
    pub(crate) const fn on_damage(&mut self) {
        self.is_damaged = true;
    }

    /// Orders that were given up for lack of room.
    pub(crate) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// An instrument by the core's number; of one that is not known for certain the number alone.
    pub(crate) fn instrument(&self, id: InstrumentId) -> Known<'_> {
        let number = Known { id: Some(id.0), ..Known::default() };
        let index = id.index();
        let state = self.table.get(id).filter(|_| index < self.trusted);
        let (Some(state), Some(label)) = (state, self.labels.get(index)) else { return number };
        let Instrument { segment_code, token, .. } = state.definition;
        let segment = state.definition.segment().map(Segment::name);
        Known {
            name: Some(Label::Text(label)),
            segment: Some(Label::of(segment, segment_code)),
            token: Some(token.0),
            ..number
        }
    }

    /// The number of an instrument that a record defines; `None` when it cannot be told.
    pub(crate) fn number(&self, definition: &Instrument) -> Option<InstrumentId> {
        let segment = definition.segment()?;
        let id = match (definition.legs(), definition.kind()) {
            (Some([near, far]), _) => self.table.find_spread(segment, near, far),
            (None, tezi::model::InstrumentKind::Index) => {
                self.table.find_index(segment, definition.token)
            }
            (None, _) => self.table.find(segment, definition.token),
        };
        id.filter(|id| id.index() < self.trusted)
    }

    /// The name of an event's instrument; `None` when it is about none, or the table had no room.
    pub(crate) fn of_event(&self, event: &Event) -> Option<&str> {
        let segment = event.stream.segment()?;
        let id = match event.kind()? {
            EventKind::IndexValue => self.table.find_index(segment, event.token),
            kind if kind_has_instrument(kind) => self.table.find(segment, event.token),
            _ => None,
        }?;
        self.labels.get(id.index()).map(String::as_str)
    }

    /// Instrument and side code of an own order, where its record was read.
    pub(crate) fn order(&self, id: ClientOrderId) -> Option<(InstrumentId, u8)> {
        self.orders.get(&id).copied()
    }
}

const fn kind_has_instrument(kind: EventKind) -> bool {
    use EventKind as K;
    !matches!(
        kind,
        K::Clock
            | K::StreamGap
            | K::StreamReset
            | K::StreamStale
            | K::StreamWhole
            | K::SnapshotStart
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi::Origin;
    use tezi::model::{Nanos, OrderCommand, Px, Qty, Side, StreamId, Token};

    fn seen(token: u32) -> Entry {
        Entry::Event(Event {
            kind_code: EventKind::OrderNew as u8,
            stream: StreamId::new(Segment::NseFo, 2),
            token: Token(token),
            ..Event::clock(Nanos(1))
        })
    }

    fn entered(id: u64, side: Side) -> Entry {
        let request = tezi::Request::new_order(
            InstrumentId(3),
            side,
            Px::ZERO,
            Qty(1),
            tezi::model::TimeInForce::Day,
        );
        let command = OrderCommand {
            client_order_id: ClientOrderId(id),
            order_id: tezi::model::OrderId(0),
            price: request.price,
            quantity: request.quantity,
            filled: Qty::ZERO,
            instrument: request.instrument,
            kind_code: request.kind_code,
            side_code: request.side_code,
            time_in_force_code: request.time_in_force_code,
            strategy: request.strategy,
            account: tezi::model::AccountId::NONE,
            reserved_tail: [0; 7],
        };
        Entry::Output(Emitted { origin: Origin(1), output: Output::Command(command) })
    }

    #[test]
    fn numbers_given_behind_lost_records_are_not_guessed() {
        let mut names = Names::new();
        names.learn(&seen(7));
        names.on_damage();
        names.learn(&seen(8));
        let known = names.instrument(InstrumentId(0));
        assert_eq!((known.name, known.token), (Some(Label::Text("fo:7")), Some(7)));
        for uncertain in [1, 9] {
            let known = names.instrument(InstrumentId(uncertain));
            assert_eq!((known.id, known.name, known.token), (Some(uncertain), None, None));
        }
        let Entry::Event(event) = seen(8) else { unreachable!() };
        assert_eq!(names.of_event(&event), Some("fo:8"), "a token says what it is");
    }

    #[test]
    fn a_definition_renames_what_was_known_by_its_token() {
        let mut names = Names::new();
        names.learn(&seen(7));
        let mut share = Instrument::unknown(Segment::NseFo, Token(7));
        share.symbol = tezi::model::Symbol::new("INFY");
        share.kind_code = tezi::model::InstrumentKind::Equity as u8;
        names.learn(&Entry::Instrument(Box::new(share)));
        assert_eq!(names.number(&share), Some(InstrumentId(0)));
        assert_eq!(names.instrument(InstrumentId(0)).name, Some(Label::Text("INFY EQ")));
    }

    #[test]
    fn the_oldest_order_is_forgotten_when_there_are_too_many() {
        let mut names = Names::with_orders_max(2);
        for (id, side) in [(1, Side::Buy), (2, Side::Sell), (3, Side::Buy), (3, Side::Sell)] {
            names.learn(&entered(id, side));
        }
        let orders = [1, 2, 3].map(|id| names.order(ClientOrderId(id)));
        let sell = Some((InstrumentId(3), Side::Sell as u8));
        assert_eq!((orders, names.forgotten()), ([None, sell, sell], 1));
    }
}
