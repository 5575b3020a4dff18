//! Checks of the kernel: interrupts, timers, priorities, and the limits of a container.

use super::memory::limit;
use super::subject::list_text;
use super::{Answer, Check, Subject, costs, good, judged, unknown};

/// `capabilities(7)`: takes a real-time priority past the limit.
const CAP_SYS_NICE: u32 = 23;
/// What `/proc/irq/N` has beside a folder for each handler. An interrupt without one never comes.
const IRQ_FILES: [&str; 7] = [
    "affinity_hint",
    "effective_affinity",
    "effective_affinity_list",
    "node",
    "smp_affinity",
    "smp_affinity_list",
    "spurious",
];

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "irq_affinity",
        why: "An interrupt on the trading core stops it for microseconds.",
        mend: "write a list without {cores} to /proc/irq/N/smp_affinity_list; boot with irqaffinity=0",
        look: irq_affinity,
    },
    Check {
        name: "irqbalance",
        why: "irqbalance moves interrupts back onto the cores they were moved away from.",
        mend: "systemctl disable --now irqbalance, or IRQBALANCE_BANNED_CPULIST={cores}",
        look: irqbalance,
    },
    Check {
        name: "preemption",
        why: "Without preemption a thread that is ready waits until the kernel's own work yields.",
        mend: "an isolated core, or boot with preempt=full",
        look: preemption,
    },
    Check {
        name: "mitigations",
        why: "Mitigations of speculation make each system call and interrupt dearer.",
        mend: "boot with mitigations=off, only where no foreign code runs",
        look: mitigations,
    },
    Check {
        name: "watchdog",
        why: "The watchdog interrupts every core on a timer.",
        mend: "sysctl kernel.watchdog=0",
        look: |it| zero(it, "proc/sys/kernel/watchdog"),
    },
    Check {
        name: "timer_migration",
        why: "With migration, timers of idle cores fire on the busy one.",
        mend: "sysctl kernel.timer_migration=0",
        look: |it| zero(it, "proc/sys/kernel/timer_migration"),
    },
    Check {
        name: "sched_rt_runtime",
        why: "A spinning real-time thread is stopped for the rest of each period, 50 ms a second.",
        mend: "sysctl kernel.sched_rt_runtime_us=-1",
        look: |it| match it.number("proc/sys/kernel/sched_rt_runtime_us") {
            None => unknown("not shown"),
            Some(us) => judged(us == -1, format!("{us} us")),
        },
    },
    Check {
        name: "rtprio",
        why: "Without it the threads cannot take a real-time priority.",
        mend: "limits.conf: rtprio 99, in containers --ulimit rtprio=99",
        look: |it| match it.has_capability(CAP_SYS_NICE) {
            true => good("no limit: CAP_SYS_NICE"),
            false => limit(it, "Max realtime priority", 1),
        },
    },
    Check {
        name: "nofile",
        why: "Sockets, journal segments and rings take file descriptors.",
        mend: "ulimit -n 65536",
        look: |it| limit(it, "Max open files", 4096),
    },
    Check {
        name: "cgroup_quota",
        why: "A processor quota stops a spinning thread for the rest of each period.",
        mend: "no --cpus and no CPU limit; give whole processors (--cpuset-cpus)",
        look: cgroup_quota,
    },
];

fn zero(it: &Subject, path: &str) -> Answer {
    match it.number(path) {
        None => unknown("not shown"),
        Some(value) => judged(value == 0, value.to_string()),
    }
}

/// The mode in force as debugfs shows it, else as it was booted with, else as the kernel was built.
fn preemption(it: &Subject) -> Answer {
    if it.text("sys/kernel/realtime").as_deref() == Some("1") {
        return good("PREEMPT_RT");
    }
    // `none voluntary (full)`: the mode in force is in brackets.
    let shown = it.text("sys/kernel/debug/sched/preempt").and_then(|text| {
        let (_, rest) = text.split_once('(')?;
        Some(rest.split_once(')')?.0.to_string())
    });
    if let Some(mode) = shown.or_else(|| it.boot_parameter("preempt")) {
        return judged(mode == "full" || mode == "lazy", mode);
    }
    let Some(version) = it.text("proc/version") else { return unknown("no /proc/version") };
    let built = version.split_ascii_whitespace().find(|word| word.starts_with("PREEMPT"));
    match built {
        Some("PREEMPT_DYNAMIC") => unknown("dynamic; the mode in force is not shown"),
        Some(name) => good(name),
        None => costs("none or voluntary"),
    }
}

fn irq_affinity(it: &Subject) -> Answer {
    let irqs: Vec<String> = it.names("proc/irq");
    let lists = irqs.iter().filter_map(|irq| {
        let folder = format!("proc/irq/{irq}");
        let entries = it.names(&folder);
        entries.iter().any(|name| !IRQ_FILES.contains(&name.as_str())).then_some(())?;
        // Where the interrupt goes, not only where it may.
        let effective = it.list(&format!("{folder}/effective_affinity_list"));
        let allowed = || it.list(&format!("{folder}/smp_affinity_list"));
        Some((irq, effective.filter(|list| !list.is_empty()).or_else(allowed)?))
    });
    let (mut seen, mut overlapping) = (0, Vec::new());
    for (irq, list) in lists {
        seen += 1;
        if it.cores_missing(&list).len() < it.cores().len() {
            overlapping.extend(irq.parse::<usize>());
        }
    }
    match (seen, overlapping.len()) {
        (0, _) => unknown("/proc/irq shows none"),
        (_, 0) => good(format!("none of {seen}")),
        (_, count) => {
            let first = list_text(&overlapping[..count.min(8)]);
            costs(format!("{count} of {seen} on the cores: {first}"))
        }
    }
}

fn irqbalance(it: &Subject) -> Answer {
    let processes = it.names("proc");
    let mut ids = processes.iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    if processes.is_empty() {
        return unknown("no /proc");
    }
    let runs = ids.any(|id| it.text(&format!("proc/{id}/comm")).as_deref() == Some("irqbalance"));
    judged(!runs, if runs { "running" } else { "not running" })
}

fn mitigations(it: &Subject) -> Answer {
    let folder = "sys/devices/system/cpu/vulnerabilities";
    let names = it.names(folder);
    let is_on = |name: &&String| {
        it.text(&format!("{folder}/{name}")).is_some_and(|text| text.starts_with("Mitigation"))
    };
    match (names.len(), names.iter().filter(is_on).count()) {
        (0, _) => unknown("not shown"),
        (all, on) => judged(on == 0, format!("{on} of {all} on")),
    }
}

/// The quota of this process's group and of every group above it: the tightest stops the thread,
/// whichever group it is set on.
fn cgroup_quota(it: &Subject) -> Answer {
    let Some(groups) = it.text("proc/self/cgroup") else { return unknown("no /proc/self/cgroup") };
    let mut seen = 0;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        // cgroups(7): version 2 names no controllers, version 1 those of the hierarchy.
        let is_cpu = controllers.split(',').any(|name| name == "cpu");
        let (root, file) = match (controllers, is_cpu) {
            ("", _) => ("sys/fs/cgroup".to_string(), "cpu.max"),
            (_, true) => (format!("sys/fs/cgroup/{controllers}"), "cpu.cfs_quota_us"),
            (_, false) => continue,
        };
        for group in groups_up(path) {
            let Some(quota) = it.text(&format!("{root}{group}/{file}")) else { continue };
            seen += 1;
            if !quota.starts_with("max") && !quota.starts_with("-1") {
                let group = if group.is_empty() { "/" } else { group };
                return costs(format!("{file} {quota} on {group}"));
            }
        }
    }
    match (seen, it.names("sys/fs/cgroup").is_empty()) {
        (0, true) => unknown("no cgroup file system"),
        // The root group has neither file and no quota.
        (0, false) if groups.lines().all(|line| line.ends_with(":/")) => good("none"),
        (0, false) => unknown("the group's files are not shown"),
        _ => good(format!("none on {seen} groups")),
    }
}

/// A group's path and those above it, the root, empty, last. A path that leaves the namespace is
/// not under this root, of which only the top is then looked at.
fn groups_up(path: &str) -> impl Iterator<Item = &str> {
    let path = path.trim_end_matches('/');
    let path = if path.split('/').any(|part| part == "..") { "" } else { path };
    std::iter::successors(Some(path), |path| path.rfind('/').map(|at| &path[..at]))
}
