//! Which core a thread runs on.

/// Where the feed's and the core's threads are pinned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pinning {
    /// The core's thread to the last core, the feed's to the one before it, the demo's publisher to
    /// the first; nowhere on a machine with one core.
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

/// The cores of the threads of a session, `None` where the scheduler decides.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cores {
    pub(crate) feed: Option<usize>,
    pub(crate) core: Option<usize>,
    /// Away from the core's: what sends the demo's packets must not take the core's time.
    pub(crate) publisher: Option<usize>,
}

impl Pinning {
    /// The cores of the threads of a session.
    pub(crate) fn cores(self) -> Cores {
        match self {
            Self::Off => Cores::default(),
            Self::Cores { feed, core } => {
                Cores { feed: Some(feed), core: Some(core), publisher: None }
            }
            Self::Auto => {
                let ids = core_affinity::get_core_ids().unwrap_or_default();
                match (ids.first(), &ids[..]) {
                    (Some(first), [.., feed, core]) => Cores {
                        feed: Some(feed.id),
                        core: Some(core.id),
                        publisher: Some(first.id),
                    },
                    _ => Cores::default(),
                }
            }
        }
    }
}

/// One more than the highest core number that can be asked for.
const CORES_MAX: usize = 1024;

/// Pins the calling thread; what to tell the user when that is not allowed.
pub(crate) fn pin(core: Option<usize>, thread: &str) -> Option<String> {
    let core = core?;
    // The set of the operating system's call ends there; beyond it the library would panic.
    if core < CORES_MAX && core_affinity::set_for_current(core_affinity::CoreId { id: core }) {
        return None;
    }
    Some(format!(
        "the {thread} thread could not be pinned to core {core} (no such core, or not permitted); \
         it runs where the scheduler puts it, and latencies show it"
    ))
}
