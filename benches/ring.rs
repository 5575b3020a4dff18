//! The ring between two threads, 64 bytes an item.
//!
//! Regimes: *single* (one thread pushes, one pops, as fast as it goes), *batch* (32 pushed at once,
//! all there are taken at once, as the core does), *round trip* through two rings, *one way* at a
//! million items a second. 1,024 places, and 64 as on the way of orders, where a small ring stays in
//! the first-level cache. Peers: rtrb and crossbeam's `ArrayQueue`; more of them in
//! `benches/peers-ring`. `tools/callgrind.sh ring_pair ring_pair_rtrb` counts the instructions of a
//! push and a pop. The core waits for the ring after every packet.

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

#[path = "support/ring_peers.rs"]
mod ring_peers;
#[path = "support/shots.rs"]
mod shots;
mod support;

use ring_peers::{Crossbeam, Rtrb, Tezi};
use shots::{Kind, Row, run};
use support::is_measuring;

fn main() {
    use Kind::{Batch, OneWay, RoundTrip, Single};
    let mut rows = Vec::new();
    for kind in [Single, Batch, RoundTrip, OneWay] {
        rows.push(Row::new::<Tezi>("tezi", 1_024, kind));
        rows.push(Row::new::<Rtrb>("rtrb", 1_024, kind));
        if kind != Batch {
            rows.push(Row::new::<Crossbeam>("crossbeam ArrayQueue", 1_024, kind));
        }
    }
    for kind in [RoundTrip, OneWay] {
        rows.push(Row::new::<Tezi>("tezi, 64 places", 64, kind));
        rows.push(Row::new::<Rtrb>("rtrb, 64 places", 64, kind));
    }
    run(&mut rows, 60, is_measuring());
}
