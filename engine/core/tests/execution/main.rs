//! Execution algorithms against a venue that does everything it may: what must hold after every input,
//! over thousands of seeds.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]
#![allow(unreachable_pub, reason = "modules of a test binary")]

mod driven;
mod rig;
mod venue;

use rig::{LOT, Rig};
use tezi_core::execution::Parent;
use tezi_core::strategy::AlgoKind;
use tezi_testing::Random;

const SEEDS: u64 = if cfg!(debug_assertions) { 300 } else { 3_000 };
const STEPS: u32 = 400;

/// Parameters drawn from a seed.
fn words(kind: AlgoKind, seed: u64) -> String {
    let mut random = Random(seed ^ 0xA160);
    let mut lots = |most: u64| LOT * (1 + random.below(most) as u32);
    let (quantity, child_max, display) = (lots(60), lots(8), lots(5));
    let mut of = |from: &[&'static str]| random.pick(from);
    let side = of(&["buy", "sell"]);
    let common = format!(
        "instrument=fo:1 side={side} quantity={quantity} limit={} start={} end=+4s \
         child_max={child_max} requote_ms={} retry_ms={} strikes={}",
        of(&["10bps", "100bps", "500bps"]),
        of(&["+0s", "+200ms"]),
        of(&["0", "20"]),
        of(&["1", "50"]),
        of(&["3", "1000", "1000"]),
    );
    let own = match kind {
        AlgoKind::Twap | AlgoKind::Vwap => format!(
            "slices={} catch_up={} cross_ms={} jitter_ms={}{}",
            of(&["1", "7", "20"]),
            of(&["carry", "spread", "cross"]),
            of(&["0", "500"]),
            of(&["0", "50"]),
            if kind == AlgoKind::Vwap { " curve=5,3,0,2,9" } else { "" },
        ),
        AlgoKind::Pov => format!(
            "rate_bps={} rate_min_bps={} rate_max_bps={} clip={}",
            of(&["1000", "2500"]),
            of(&["0", "900"]),
            of(&["2500", "3000"]),
            of(&["0", "130"]),
        ),
        AlgoKind::Iceberg => format!("display={display} jitter_lots={}", of(&["0", "2"])),
        AlgoKind::Peg => format!(
            "reference={} offset_ticks={} display={display} requote_ticks={}",
            of(&["own", "middle", "opposite"]),
            of(&["-2", "0", "3"]),
            of(&["1", "3"]),
        ),
        AlgoKind::Spread => format!(
            "hedge=fo:2 price={} hedge_units={} unhedged_max={display} unhedged_ms={} \
             leg_policy={} slip_ticks={} hedge_limit=900bps back_limit=900bps",
            if side == "buy" { "2.00" } else { "-1010.00" },
            if quantity.is_multiple_of(2) { "65" } else { "130" },
            of(&["0", "30", "300"]),
            of(&["cross", "unwind"]),
            of(&["0", "3"]),
        ),
    };
    let own = if kind == AlgoKind::Spread && own.contains("hedge_units=130") {
        own.replace("price=2.00", "price=-1000.00")
    } else {
        own.replace("price=-1010.00", "price=-12.00")
    };
    format!("{common} {own}")
}

fn try_all(kind: AlgoKind) {
    let (mut sent, mut filled, mut executed) = ([0; 3], 0, 0);
    let (mut rejected, mut unsolicited, mut late, mut annulled) = (0, 0, 0, 0);
    for seed in 0..SEEDS {
        let mut rig = Rig::new(seed, kind, &words(kind, seed));
        rig.run(STEPS);
        for (sum, count) in sent.iter_mut().zip(rig.sent) {
            *sum += count;
        }
        let parents = tezi_core::strategy::Strategy::parents(rig.core.strategy());
        executed += u64::from(parents[0].executed() > 0);
        filled += u64::from(parents[0].remaining() == 0);
        for counters in parents.iter().map(Parent::counters) {
            rejected += u64::from(counters.rejected);
            unsolicited += u64::from(counters.unsolicited);
            late += counters.late_fills;
            annulled += u64::from(counters.annulled > 0);
        }
    }
    println!(
        "{kind:?}: {sent:?} commands, {executed} executed something, {filled} everything, {rejected} \
         rejected, {unsolicited} cancelled unasked, {late} late fills, {annulled} with trades taken back"
    );
    let [new, replaces, cancels] = sent;
    let is_moved = replaces > SEEDS || kind == AlgoKind::Iceberg;
    assert!(new > 4 * SEEDS && is_moved && cancels > SEEDS / 2, "{sent:?}: too little was tried");
    assert!(executed > SEEDS / 2 && filled > SEEDS / 20, "{executed} and {filled} of {SEEDS}");
    assert!(rejected > SEEDS / 10 && unsolicited > SEEDS / 10, "{rejected} and {unsolicited}");
}

#[test]
fn twap_keeps_its_invariants_at_a_hostile_venue() {
    try_all(AlgoKind::Twap);
}

#[test]
fn vwap_keeps_its_invariants_at_a_hostile_venue() {
    try_all(AlgoKind::Vwap);
}

#[test]
fn pov_keeps_its_share_at_a_hostile_venue() {
    try_all(AlgoKind::Pov);
}

#[test]
fn iceberg_keeps_its_invariants_at_a_hostile_venue() {
    try_all(AlgoKind::Iceberg);
}

#[test]
fn peg_keeps_its_invariants_at_a_hostile_venue() {
    try_all(AlgoKind::Peg);
}

#[test]
fn legs_are_never_unhedged_beyond_their_most() {
    try_all(AlgoKind::Spread);
}

#[test]
fn invariants_hold_while_parameters_change() {
    for kind in AlgoKind::ALL {
        let mut set = [0; 2];
        for seed in 0..SEEDS / 3 {
            let mut rig = Rig::new(seed, kind, &words(kind, seed));
            rig.changes = true;
            rig.run(STEPS);
            for (sum, count) in set.iter_mut().zip(rig.core.strategy().set) {
                *sum += u64::from(count);
            }
        }
        println!("{kind:?}: {set:?} changes taken and refused");
        assert!(set[0] > SEEDS / 3 && set[1] > SEEDS / 20, "{kind:?}: {set:?}");
    }
}

#[test]
fn the_same_inputs_give_the_same_states() {
    for kind in AlgoKind::ALL {
        for seed in 0..20 {
            let [a, b] = [(); 2].map(|()| {
                let mut rig = Rig::new(seed, kind, &words(kind, seed));
                rig.run(STEPS);
                rig.hashes
            });
            assert_eq!(a, b, "{kind:?}, seed {seed}");
        }
    }
}
