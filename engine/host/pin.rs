//! Which core a thread runs on.

/// Where the feed's and the core's threads are pinned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pinning {
    /// The core's thread to the last core, the feed's to the one before it; nowhere on a machine
    /// with one core.
    #[default]
    Auto,
    /// To the cores of these numbers.
    Cores {
        /// For the feed's thread.
        feed: usize,
        /// For the core's thread.
        core: usize,
    },
    /// Nowhere: the scheduler decides.
    Off,
}

impl Pinning {
    /// The cores of the feed's and the core's threads.
    pub(crate) fn cores(self) -> (Option<usize>, Option<usize>) {
        match self {
            Self::Off => (None, None),
            Self::Cores { feed, core } => (Some(feed), Some(core)),
            Self::Auto => {
                let ids = core_affinity::get_core_ids().unwrap_or_default();
                match ids[..] {
                    [.., feed, core] => (Some(feed.id), Some(core.id)),
                    _ => (None, None),
                }
            }
        }
    }
}

/// Pins the calling thread; what to tell the user when that is not allowed.
pub(crate) fn pin(core: Option<usize>, thread: &str) -> Option<String> {
    let core = core?;
    if core_affinity::set_for_current(core_affinity::CoreId { id: core }) {
        return None;
    }
    Some(format!(
        "the {thread} thread could not be pinned to core {core} (no such core, or not permitted); \
         it runs where the scheduler puts it, and latencies show it"
    ))
}
