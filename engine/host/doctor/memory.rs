//! Checks of memory: page sizes, NUMA, swap, locking, and room for staged journals.

use super::{Answer, Check, Subject, costs, good, judged, unknown};

const THP: &str = "sys/kernel/mm/transparent_hugepage";
/// Four segments of 64 MiB, the default of a staged journal.
const SHM_BYTES_MIN: u64 = 256 << 20;
/// `capabilities(7)`: locks memory past the limit.
const CAP_IPC_LOCK: u32 = 14;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "thp",
        why: "With always, a first touch may zero 2 MiB and khugepaged moves pages that are in use.",
        mend: "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
        look: |it| match it.chosen(&format!("{THP}/enabled")) {
            None => unknown("not shown"),
            Some(mode) => judged(mode != "always", mode),
        },
    },
    Check {
        name: "thp_defrag",
        why: "A fault that compacts memory directly stalls for milliseconds.",
        mend: "echo defer+madvise > /sys/kernel/mm/transparent_hugepage/defrag",
        look: |it| match it.chosen(&format!("{THP}/defrag")) {
            None => unknown("not shown"),
            Some(mode) => judged(mode != "always", mode),
        },
    },
    Check {
        name: "khugepaged",
        why: "khugepaged takes the lock of the address space and interrupts every core of it.",
        mend: "echo 0 > /sys/kernel/mm/transparent_hugepage/khugepaged/defrag",
        look: |it| match it.number(&format!("{THP}/khugepaged/defrag")) {
            None => unknown("not shown"),
            Some(value) => judged(value == 0, format!("defrag {value}")),
        },
    },
    Check {
        name: "numa",
        why: "Memory of another node costs about twice the time, and balancing unmaps pages to find out.",
        mend: "numactl --membind of the cores' node; sysctl kernel.numa_balancing=0",
        look: numa,
    },
    Check {
        name: "swap",
        why: "A page that was swapped out comes back in milliseconds.",
        mend: "swapoff -a, or sysctl vm.swappiness=1 with locked memory",
        look: swap,
    },
    Check {
        name: "memlock",
        why: "Journal and rings can only be locked in memory within this limit.",
        mend: "ulimit -l unlimited (limits.conf: memlock), in containers --ulimit memlock=-1",
        look: |it| match it.has_capability(CAP_IPC_LOCK) {
            true => good("no limit: CAP_IPC_LOCK"),
            false => limit(it, "Max locked memory", SHM_BYTES_MIN),
        },
    },
    Check {
        name: "dev_shm",
        why: "Staged journals live there: 256 MiB by default; without room the host cannot start.",
        mend: "mount -o remount,size=1g /dev/shm, in containers --shm-size=1g",
        look: dev_shm,
    },
];

/// Judges a limit of the process by what is needed.
pub(super) fn limit(it: &Subject, name: &str, needed: u64) -> Answer {
    match it.limit(name) {
        None => unknown("/proc/self/limits does not show it"),
        Some(u64::MAX) => good("unlimited"),
        Some(value) => judged(value >= needed, format!("{value}, {needed} wanted")),
    }
}

fn numa(it: &Subject) -> Answer {
    let Some(nodes) = it.list("sys/devices/system/node/online") else {
        return unknown("nodes not shown");
    };
    let balancing = it.number("proc/sys/kernel/numa_balancing").unwrap_or(0);
    let found = format!("{} nodes, balancing {balancing}", nodes.len());
    judged(nodes.len() <= 1 || balancing == 0, found)
}

fn swap(it: &Subject) -> Answer {
    let Some(swaps) = it.text("proc/swaps") else { return unknown("no /proc/swaps") };
    if swaps.lines().count() <= 1 {
        return good("none");
    }
    match it.number("proc/sys/vm/swappiness") {
        None => costs("in use"),
        Some(swappiness) => judged(swappiness <= 1, format!("in use, swappiness {swappiness}")),
    }
}

fn dev_shm(it: &Subject) -> Answer {
    let Some(mounts) = it.text("proc/mounts") else { return unknown("no /proc/mounts") };
    let options = mounts.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        if words.next() == Some("/dev/shm") { words.nth(1) } else { None }
    });
    let Some(options) = options else { return costs("not mounted") };
    match options.split(',').find_map(|option| option.strip_prefix("size=")) {
        None => good("half of the memory, the default"),
        Some(size) => match size_bytes(size) {
            None => unknown(format!("size {size}")),
            Some(bytes) => judged(bytes >= SHM_BYTES_MIN, format!("{} MiB", bytes >> 20)),
        },
    }
}

/// A size as tmpfs shows it: a number with k, m or g.
fn size_bytes(text: &str) -> Option<u64> {
    let shift = match text.as_bytes().last()? {
        b'k' => 10,
        b'm' => 20,
        b'g' => 30,
        _ => 0,
    };
    let number: u64 = text.trim_end_matches(['k', 'm', 'g']).parse().ok()?;
    number.checked_mul(1 << shift)
}
