//! What a busy loop does when there is nothing to do.

/// Spins for a while, then gives the core away between looks.
///
/// On an isolated core the spinning is all that matters; on a laptop with two cores giving way is
/// what lets the other threads run at all.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    idle: u32,
}

impl Backoff {
    /// Looks before the core is given away: a few microseconds.
    const SPINS: u32 = 256;

    #[inline]
    pub(crate) const fn reset(&mut self) {
        self.idle = 0;
    }

    #[inline]
    pub(crate) fn wait(&mut self) {
        if self.idle < Self::SPINS {
            self.idle += 1;
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
    }
}
