//! The machine's own stalls beside a session: a thread that only spins, and what it missed.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{PathStage, StageRecorder};
use crate::clock::Clock;
use crate::doctor::HiccupMeter;

/// Spins on the calling thread until `stop`, and records every gap over a microsecond.
pub(crate) fn measure_hiccups(mut stages: StageRecorder, clock: &Clock, stop: &AtomicBool) {
    let mut last = clock.raw();
    while !stop.load(Ordering::Relaxed) {
        // The flag is another core's cache line: looked at now and then.
        for _ in 0..HiccupMeter::BATCH {
            let now = clock.raw().max(last);
            let gap_ns = clock.between(last, now);
            if gap_ns > HiccupMeter::THRESHOLD_NS {
                stages.record(PathStage::Hiccup, gap_ns);
            }
            last = now;
        }
        if stages.is_due(last) {
            // Handing over is work of ours and no stall.
            last = clock.raw();
        }
    }
    // Without an observer nobody asked for it.
    let _ = stages.finish(clock);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::{IntervalEnd, interval_link};
    use std::time::{Duration, Instant};

    #[test]
    fn a_spinning_thread_hands_over_intervals_until_it_is_stopped() {
        let clock = Clock::start();
        let (stages, source) = interval_link(&clock, Duration::from_millis(10));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let spinning = scope.spawn(|| measure_hiccups(stages, &clock, &stop));
            let (mut intervals, deadline) = (0, Instant::now() + Duration::from_secs(20));
            while intervals < 3 && Instant::now() < deadline {
                match source.next() {
                    Ok(interval) => {
                        intervals += 1;
                        let gaps = interval.latencies.stage(PathStage::Hiccup);
                        let length = clock.between(interval.start_raw, interval.end_raw);
                        // Rounded up within two digits.
                        assert!(gaps.sum() <= 1.01 * length as f64 + 1e6);
                        source.give_back(interval.latencies);
                    }
                    Err(_) => std::thread::yield_now(),
                }
            }
            stop.store(true, Ordering::Relaxed);
            spinning.join().unwrap();
            assert_eq!(intervals, 3);
            while source.next().is_ok() {}
            assert_eq!(source.next().unwrap_err(), IntervalEnd::Ended);
        });
    }
}
