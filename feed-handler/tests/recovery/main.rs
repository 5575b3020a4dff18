//! Recovery against a simulated network: whatever is lost, late, repeated, refused or invented, the
//! events are the truth in order, or the stream is marked stale; and every counter adds up.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at what is not so"
)]

mod network;
mod truth;

use network::{Network, Outcome, Scenario, ServerMood};
use tezi_feed_handler::recovery::RecoveryFailure;

/// Runs one seed and checks what must hold at its end.
fn run(seed: u64) -> Outcome {
    println!("seed {seed}"); // shown when it fails
    let scenario = Scenario::new(seed);
    let mood = scenario.mood;
    let outcome = Network::new(scenario).run();
    if mood != ServerMood::Broken {
        assert!(!outcome.is_stale, "an exchange that answers makes the stream whole: {outcome:?}");
    }
    outcome
}

#[test]
fn no_book_is_ever_silently_wrong() {
    // The last three once found a mistake each.
    let seeds = (0..3_000).chain([106_703, 118_063, 131_310]);
    let outcomes: Vec<Outcome> = seeds.map(run).collect();
    let count = |holds: fn(&Outcome) -> bool| outcomes.iter().filter(|one| holds(one)).count();
    println!("stale at the end: {}", count(|one| one.is_stale));
    // The runs must have met what they are about.
    assert!(count(|one| one.gaps.recovered > 0) > 500);
    assert!(count(|one| one.recovery.snapshots > 0) > 300);
    assert!(count(|one| one.recovery.given_up > 0 && !one.is_stale) > 50);
    assert!(count(|one| one.recovery.rewound > 0) > 50);
    assert!(count(|one| one.is_stale) > 50);
    assert!(count(|one| one.recovery.stale > 0 && one.recovery.given_up == 0) > 500);
    assert!(count(|one| one.restarts > 0) > 200);
    assert!(count(|one| one.gaps.covered > 0 && one.recovery.superseded > 0) > 50);
    for reason in RecoveryFailure::ALL {
        let met = outcomes.iter().any(|one| one.recovery.failures[*reason as usize] > 0);
        // The others need sizes and breakdowns that the unit tests have.
        let is_rare = matches!(
            reason,
            RecoveryFailure::ConnectFailed
                | RecoveryFailure::Unexpected
                | RecoveryFailure::SnapshotTooLarge
                | RecoveryFailure::Unanswered
        );
        assert!(met || is_rare, "{} was never met", reason.name());
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in [3, 14, 15] {
        assert_eq!(run(seed), run(seed));
    }
}
