//! Execution strategies over a captured session: their journals rebuild the same state, with their code
//! and without.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use common::tape::{Faults, both_lines, tape, write_capture};
use common::{Scratch, captures, host};
use tezi::Session;
use tezi::strategy::{AlgoConfig, AlgoKind, AlgoTrader};
use tezi::{replay_journal, replay_recorded};

const ORDER: &str = "instrument=NIFTY side=buy quantity=650 limit=500bps end=+60s";

fn words(kind: AlgoKind) -> String {
    let own = match kind {
        AlgoKind::Twap => "slices=5 cross_ms=30000 jitter_ms=20",
        AlgoKind::Vwap => "curve=3,1,2 slices=6 catch_up=cross",
        AlgoKind::Pov => "rate_bps=2000 rate_min_bps=1500 rate_max_bps=2500",
        AlgoKind::Iceberg => "display=130 jitter_lots=1",
        AlgoKind::Peg => "reference=opposite display=195",
        AlgoKind::Spread => "hedge=fo:50101 price=24000 hedge_limit=5000bps back_limit=500bps",
    };
    format!("{ORDER} {own}")
}

#[test]
fn each_is_rebuilt_from_its_journal() {
    for (seed, kind) in (1..).zip(AlgoKind::ALL) {
        let scratch = Scratch::new();
        let (file, journal) = (scratch.path("session.pcap"), scratch.path("journal"));
        let tape = tape(seed, 6_000);
        let faults = Faults { loss: 0.05, duplicate: 0.02, reorder: 0.05 };
        write_capture(&file, &tape, &both_lines(&tape, seed, faults, |_| false));
        let config = AlgoConfig::parse(kind, &words(kind)).unwrap();
        let trader = AlgoTrader::new(config);
        let session = Session::Capture(captures([file]));
        let report = host().journal(&journal).run(&session, trader.clone()).unwrap();
        assert!(report.is_fine(), "{kind:?}: {:?}", report.problems());
        let parent = &report.core.parents[0];
        println!("{kind:?}: {parent}");
        assert!(parent.executed() > 0, "{kind:?} executed nothing: {parent}");
        assert_eq!(AlgoConfig::parse(kind, &report.parameters), Ok(config), "the journal says all");
        for replay in
            [replay_journal(&journal, trader).unwrap(), replay_recorded(&journal).unwrap()]
        {
            assert!(replay.is_fine(), "{kind:?}: {:?}", replay.problems());
            assert_eq!(replay.core.state_hash, report.core.state_hash);
            assert!(replay.outputs > 5);
        }
    }
}
