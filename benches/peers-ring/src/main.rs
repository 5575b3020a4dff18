//! The ring beside more peers: ringbuf, heapless and disruptor with those of `benches/ring.rs`, all
//! in one run. The method and the regimes are that bench's.
//!
//! ```text
//! cd benches/peers-ring && cargo run --release           (better: chrt -f 10 target/release/…)
//! cargo run --release -- 5                               five rounds
//! ```

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod peers;
#[path = "../../support/ring_peers.rs"]
mod ring_peers;
#[path = "../../support/shots.rs"]
mod shots;

use peers::{Disruptor, Heapless, Ringbuf};
use ring_peers::{Crossbeam, Rtrb, Tezi};
use shots::{Kind, Row, run};

fn main() {
    use Kind::{Batch, OneWay, RoundTrip, Single};
    let mut rows = Vec::new();
    for kind in [Single, Batch, RoundTrip, OneWay] {
        rows.push(Row::new::<Tezi>("tezi", 1_024, kind));
        rows.push(Row::new::<Rtrb>("rtrb", 1_024, kind));
        rows.push(Row::new::<Ringbuf>("ringbuf", 1_024, kind));
        rows.push(Row::new::<Disruptor>("disruptor", 1_024, kind));
        if kind != Batch {
            rows.push(Row::new::<Heapless<1_024>>("heapless", 1_024, kind));
            rows.push(Row::new::<Crossbeam>("crossbeam ArrayQueue", 1_024, kind));
        }
    }
    for kind in [RoundTrip, OneWay] {
        rows.push(Row::new::<Tezi>("tezi, 64 places", 64, kind));
        rows.push(Row::new::<Rtrb>("rtrb, 64 places", 64, kind));
        rows.push(Row::new::<Ringbuf>("ringbuf, 64 places", 64, kind));
        rows.push(Row::new::<Disruptor>("disruptor, 64 places", 64, kind));
        rows.push(Row::new::<Heapless<64>>("heapless, 64 places", 64, kind));
    }
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(60);
    run(&mut rows, rounds, true);
}
