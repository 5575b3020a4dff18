//! The state of a core, of any bytes: no panic, and what is taken is written down as the same bytes
//! again. With a first byte of 0 the rest changes a good snapshot, so that checks behind the first few are
//! reached too.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi::kernels::CppKernels;
use tezi::model::{
    Event, EventKind, Instrument, Nanos, OrderId, Px, Qty, Segment, StreamId, Token,
};
use tezi::snapshot::{SnapshotReader, SnapshotWriter};
use tezi::strategy::Watch;
use tezi::{Capacity, Core, CoreConfig};

fn core() -> Core<Watch, CppKernels> {
    let capacity = Capacity {
        instruments_max: 4,
        market_orders_max: 16,
        levels_max: 16,
        own_orders_max: 8,
        timers_max: 2,
        outputs_max: 64,
    };
    let config = CoreConfig { capacity, ..CoreConfig::default() };
    Core::new(&config, Watch, CppKernels).expect("bounds that can be")
}

fn saved(core: &Core<Watch, CppKernels>) -> Vec<u8> {
    let mut out = SnapshotWriter::new();
    core.save(&mut out).expect("a strategy without a state");
    out.bytes().to_vec()
}

fn good() -> Vec<u8> {
    let mut core = core();
    let _ = core.define(&Instrument::unknown(Segment::NseFo, Token(7)));
    for number in 1..10 {
        let kinds = [EventKind::OrderNew, EventKind::SpreadOrderNew, EventKind::Trade];
        let event = Event {
            kind_code: kinds[number as usize % 3] as u8,
            stream: StreamId::new(Segment::NseFo, 1),
            token: Token(7 + number as u32 / 6),
            order_id: OrderId(number),
            price: Px(100 + number as i64),
            quantity: Qty(5),
            ..Event::clock(Nanos(number as i64))
        };
        core.on_event(Nanos(number as i64), &event);
    }
    saved(&core)
}

fuzz_target!(|data: &[u8]| {
    let bytes = match data {
        [0, changes @ ..] => {
            let mut bytes = good();
            for change in changes.chunks_exact(3) {
                let place = usize::from(u16::from_le_bytes([change[0], change[1]]));
                let place = place % bytes.len();
                bytes[place] ^= change[2];
            }
            bytes
        }
        _ => data.to_vec(),
    };
    let mut core = core();
    if core.load(&mut SnapshotReader::new(&bytes)).is_ok() {
        assert_eq!(saved(&core), bytes);
    }
});
