//! Checks of the processor: isolation, its clock, its sleep states, and who else is on it.

use super::subject::{list_text, parse_list};
use super::{Answer, Check, Subject, costs, good, judged, unknown};

/// A C-state that takes longer to leave than this costs, us.
const EXIT_LATENCY_US_MAX: i64 = 2;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "isolcpus",
        why: "The scheduler puts other threads on a core that is not isolated.",
        mend: "boot with isolcpus={cores}",
        look: |it| listed(it, it.list("sys/devices/system/cpu/isolated")),
    },
    Check {
        name: "nohz_full",
        why: "The timer tick interrupts a core up to a thousand times a second.",
        mend: "boot with nohz_full={cores}",
        look: |it| listed(it, it.list("sys/devices/system/cpu/nohz_full")),
    },
    Check {
        name: "rcu_nocbs",
        why: "The kernel's deferred frees run on a core that does not offload them.",
        mend: "boot with rcu_nocbs={cores}",
        look: rcu_nocbs,
    },
    Check {
        name: "governor",
        why: "A core that was clocked down takes tens of microseconds to speed up.",
        mend: "cpupower -c {cores} frequency-set -g performance",
        look: governor,
    },
    Check {
        name: "c_states",
        why: "Waking from a deep sleep state takes up to hundreds of microseconds.",
        mend: "cpupower -c {cores} idle-set -D 3, or boot with intel_idle.max_cstate=1",
        look: c_states,
    },
    Check {
        name: "smt_siblings",
        why: "A sibling thread shares the core's caches and execution units.",
        mend: "echo off > /sys/devices/system/cpu/smt/control",
        look: smt_siblings,
    },
    Check {
        name: "clocksource",
        why: "Reading any clock but tsc costs a system call or a device access.",
        mend: "boot with tsc=reliable clocksource=tsc, where the counter is invariant",
        look: |it| match it.text("sys/devices/system/clocksource/clocksource0/current_clocksource")
        {
            None => unknown("not shown"),
            Some(name) => judged(name == "tsc", name),
        },
    },
    Check {
        name: "invariant_tsc",
        why: "A counter that stops or changes speed cannot stamp latencies.",
        mend: "another machine, or a guest type that passes the invariant TSC on",
        look: |it| {
            flags(it, |has| {
                let is_invariant = has("constant_tsc") && has("nonstop_tsc");
                judged(is_invariant, if is_invariant { "invariant" } else { "not invariant" })
            })
        },
    },
    Check {
        name: "hypervisor",
        why: "A hypervisor may take the core at any time, and the guest is not told.",
        mend: "bare metal, or a guest with dedicated, pinned processors",
        look: |it| {
            flags(it, |has| {
                judged(
                    !has("hypervisor"),
                    if has("hypervisor") { "a virtual machine" } else { "bare metal" },
                )
            })
        },
    },
    Check {
        name: "steal_time",
        why: "Stolen time is time for which the hypervisor ran somebody else.",
        mend: "a guest with dedicated processors",
        look: steal_time,
    },
];

fn listed(it: &Subject, list: Option<Vec<usize>>) -> Answer {
    let Some(list) = list else { return unknown("not shown by this kernel") };
    match it.cores_missing(&list) {
        missing if missing.is_empty() => good(format!("covers {}", it.cores_text())),
        missing => costs(format!("does not cover {}", list_text(&missing))),
    }
}

fn rcu_nocbs(it: &Subject) -> Answer {
    // A core of nohz_full is one of rcu_nocbs as well.
    let lists = ["rcu_nocbs", "nohz_full"].map(|name| it.boot_parameter(name));
    if it.text("proc/cmdline").is_none() {
        return unknown("no /proc/cmdline");
    }
    if lists[0].as_deref() == Some("all") {
        return good("all");
    }
    listed(it, parse_list(&lists.map(Option::unwrap_or_default).join(",")))
}

fn governor(it: &Subject) -> Answer {
    let path = |core| format!("sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor");
    let found: Option<Vec<String>> = it.cores().iter().map(|core| it.text(&path(core))).collect();
    match found {
        None => unknown("no cpufreq here (usual in a virtual machine)"),
        Some(found) => judged(found.iter().all(|name| name == "performance"), found.join(",")),
    }
}

fn c_states(it: &Subject) -> Answer {
    let held = it.bytes("dev/cpu_dma_latency").and_then(|bytes| bytes.try_into().ok());
    if let Some(us) =
        held.map(i32::from_ne_bytes).filter(|us| i64::from(*us) <= EXIT_LATENCY_US_MAX)
    {
        return good(format!("/dev/cpu_dma_latency holds {us} us"));
    }
    let mut deepest: Option<(i64, String)> = None;
    for core in it.cores() {
        let folder = format!("sys/devices/system/cpu/cpu{core}/cpuidle");
        for state in it.names(&folder) {
            let file = |name: &str| format!("{folder}/{state}/{name}");
            let latency = it.number(&file("latency"));
            let is_on = it.number(&file("disable")) == Some(0);
            if let Some(us) = latency.filter(|_| is_on) {
                let name = it.text(&file("name")).unwrap_or(state);
                deepest = deepest.max(Some((us, name)));
            }
        }
    }
    match deepest {
        None => unknown("no cpuidle here (usual in a virtual machine)"),
        Some((us, name)) => {
            judged(us <= EXIT_LATENCY_US_MAX, format!("deepest is {name}, {us} us to leave"))
        }
    }
}

fn smt_siblings(it: &Subject) -> Answer {
    let mut siblings = Vec::new();
    for core in it.cores() {
        let path = format!("sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
        let Some(list) = it.list(&path) else { return unknown("topology not shown") };
        siblings.extend(list.into_iter().filter(|other| other != core));
    }
    match siblings.is_empty() {
        true => good("none"),
        false => costs(format!("processors {} share the cores", list_text(&siblings))),
    }
}

fn flags(it: &Subject, judge: impl Fn(&dyn Fn(&str) -> bool) -> Answer) -> Answer {
    let text = it.text("proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("flags"));
    let Some((_, line)) = line.and_then(|line| line.split_once(':')) else {
        return unknown("/proc/cpuinfo shows no flags");
    };
    judge(&|flag| line.split_ascii_whitespace().any(|word| word == flag))
}

fn steal_time(it: &Subject) -> Answer {
    match (it.steal_ticks(), it.steal_start()) {
        (None, _) => unknown("/proc/stat does not show the cores"),
        (Some(0), _) => good("none since boot"),
        (Some(now), Some(start)) => {
            let ticks = now.saturating_sub(start);
            judged(ticks == 0, format!("{ticks} ticks while measuring, {now} since boot"))
        }
        // What was stolen once need not be stolen now.
        (Some(now), None) => unknown(format!("{now} ticks since boot, nothing measured")),
    }
}
