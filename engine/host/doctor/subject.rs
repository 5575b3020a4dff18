//! A machine as its files show it, under a root that tests replace.
//!
//! Every read is bounded and any file may be missing or malformed: that is `None`, never a panic.

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;

/// More than any file that a check reads has.
const FILE_SIZE_MAX: u64 = 4 << 20;
/// No list of processors names a higher one; a malformed list must not take the memory.
const CORES_MAX: usize = 8192;

/// The machine that is examined, and the cores it is examined for.
#[derive(Clone, Debug)]
pub struct Subject {
    root: PathBuf,
    cores: Vec<usize>,
    /// Stolen ticks of the cores when the window began, once it has.
    steal_start: Option<u64>,
}

impl Subject {
    /// The machine whose files are under `root` (`/` for this one), for latency on `cores`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, cores: &[usize]) -> Self {
        Self { root: root.into(), cores: cores.to_vec(), steal_start: None }
    }

    /// The cores, as given.
    #[must_use]
    pub fn cores(&self) -> &[usize] {
        &self.cores
    }

    /// The last core that this process may run on, where a host puts its core; `None` when the kernel
    /// does not say. A cpuset or `taskset` leaves cores out, so it is not the machine's last.
    #[must_use]
    pub fn core_last_allowed(&self) -> Option<usize> {
        parse_list(&self.status_line("Cpus_allowed_list:")?)?.into_iter().max()
    }

    /// Begins the window over which stolen time is judged: call it before a measurement and
    /// [`examine`](super::examine) after it.
    pub fn begin_window(&mut self) {
        self.steal_start = self.steal_ticks();
    }

    /// Stolen ticks when the window began.
    pub(super) const fn steal_start(&self) -> Option<u64> {
        self.steal_start
    }

    /// Ticks stolen from the cores since boot, together.
    pub(super) fn steal_ticks(&self) -> Option<u64> {
        let text = self.text("proc/stat")?;
        let of_core = |core: &usize| {
            let name = format!("cpu{core}");
            let mut lines = text.lines().map(str::split_ascii_whitespace);
            let mut words =
                lines.find_map(|mut words| (words.next() == Some(&name)).then_some(words))?;
            // proc(5): the eighth number is steal.
            words.nth(7)?.parse::<u64>().ok()
        };
        self.cores.iter().try_fold(0_u64, |sum, core| Some(sum.saturating_add(of_core(core)?)))
    }

    /// Whether this process has a capability, by its number in `linux/capability.h`.
    pub(super) fn has_capability(&self, number: u32) -> bool {
        let set = self.status_line("CapEff:").and_then(|set| u64::from_str_radix(&set, 16).ok());
        set.is_some_and(|set| (set >> number) & 1 == 1)
    }

    /// The value of a line of `/proc/self/status`.
    fn status_line(&self, name: &str) -> Option<String> {
        let text = self.text("proc/self/status")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim().to_string())
    }

    /// The cores as the kernel writes a list: `2,3`.
    pub(super) fn cores_text(&self) -> String {
        list_text(&self.cores)
    }

    /// A file's bytes.
    pub(super) fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let file = File::open(self.root.join(path)).ok()?;
        let mut bytes = Vec::new();
        file.take(FILE_SIZE_MAX).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// A file's text, without white space at its ends.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        Some(String::from_utf8_lossy(&self.bytes(path)?).trim().to_string())
    }

    /// A file of one number.
    pub(super) fn number(&self, path: &str) -> Option<i64> {
        self.text(path)?.parse().ok()
    }

    /// A file of a list of processors, such as `0-3,8`.
    pub(super) fn list(&self, path: &str) -> Option<Vec<usize>> {
        parse_list(&self.text(path)?)
    }

    /// The names in a folder, sorted; empty when it is not there.
    pub(super) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.root.join(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// The choice in brackets of a file such as `always [madvise] never`.
    pub(super) fn chosen(&self, path: &str) -> Option<String> {
        let text = self.text(path)?;
        let (_, rest) = text.split_once('[')?;
        Some(rest.split_once(']')?.0.to_string())
    }

    /// The value of a parameter of the kernel's command line, `""` for one without a value.
    pub(super) fn boot_parameter(&self, name: &str) -> Option<String> {
        let line = self.text("proc/cmdline")?;
        line.split_ascii_whitespace().find_map(|word| {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            (key == name).then(|| value.to_string())
        })
    }

    /// The cores that are not in a list.
    pub(super) fn cores_missing(&self, list: &[usize]) -> Vec<usize> {
        self.cores.iter().copied().filter(|core| !list.contains(core)).collect()
    }

    /// The soft limit of a line of `/proc/self/limits`; `u64::MAX` for unlimited.
    pub(super) fn limit(&self, name: &str) -> Option<u64> {
        let text = self.text("proc/self/limits")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        match line.split_ascii_whitespace().next()? {
            "unlimited" => Some(u64::MAX),
            number => number.parse().ok(),
        }
    }
}

/// Cores as the kernel writes a list.
pub(super) fn list_text(cores: &[usize]) -> String {
    cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

/// Processors of a list such as `0-3,8`; `None` when it is malformed. Flags such as the `nohz` of
/// `isolcpus=nohz,domain,2-3` are no processors and are passed over.
pub(super) fn parse_list(text: &str) -> Option<Vec<usize>> {
    let mut cores = Vec::new();
    for part in text.split(',').map(str::trim) {
        if !part.starts_with(|first: char| first.is_ascii_digit()) {
            continue;
        }
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let (low, high): (usize, usize) = (low.parse().ok()?, high.parse().ok()?);
        if high >= CORES_MAX {
            return None;
        }
        cores.extend(low..=high);
    }
    Some(cores)
}
