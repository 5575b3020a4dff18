//! Ctrl-C and termination: the first asks for an end in order, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Exit code of a process ended by Ctrl-C, as shells count.
const EXIT_INTERRUPTED: i32 = 130;

/// Sets `stop` at the first signal.
pub(crate) fn stops(stop: &Arc<AtomicBool>) {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the second signal finds the flag set by the first. Where handlers cannot
        // be had, signals do what they always do.
        let _ = flag::register_conditional_shutdown(signal, EXIT_INTERRUPTED, Arc::clone(stop));
        let _ = flag::register(signal, Arc::clone(stop));
    }
}
