//! The checks on made trees: one as low latency wants it, one as installed, an empty one, and noise.

use std::fs;
use std::path::PathBuf;

use super::*;

/// A tree of files, removed in the end.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let root = std::env::temp_dir().join(format!("tezi-doctor-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(root)
    }

    fn examine(&self) -> Vec<Finding> {
        examine(&Subject::new(&self.0, &[2, 3]))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// No core was ever stolen from.
const NO_STEAL: &str = "cpu2 1 2 3 4 5 6 7 0 0 0\ncpu3 1 2 3 4 5 6 7 0 0 0";

/// Path, text that is good, text that costs, and the check that says so.
const FILES: &[(&str, &str, &str, &str)] = &[
    ("sys/devices/system/cpu/isolated", "2-3", "3", "isolcpus"),
    ("sys/devices/system/cpu/nohz_full", "1-3", "", "nohz_full"),
    ("proc/cmdline", "ro rcu_nocbs=2,3", "ro quiet", "rcu_nocbs"),
    (
        "sys/devices/system/cpu/cpu2/cpufreq/scaling_governor",
        "performance",
        "powersave",
        "governor",
    ),
    ("sys/devices/system/cpu/cpu3/cpufreq/scaling_governor", "performance", "performance", ""),
    ("sys/devices/system/cpu/cpu2/cpuidle/state3/latency", "133", "133", ""),
    ("sys/devices/system/cpu/cpu2/cpuidle/state3/disable", "1", "0", "c_states"),
    ("sys/devices/system/cpu/cpu2/cpuidle/state1/latency", "1", "1", ""),
    ("sys/devices/system/cpu/cpu2/cpuidle/state1/disable", "0", "0", ""),
    ("sys/devices/system/cpu/cpu2/topology/thread_siblings_list", "2", "2,6", "smt_siblings"),
    ("sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "3", "3", ""),
    (
        "sys/devices/system/clocksource/clocksource0/current_clocksource",
        "tsc",
        "hpet",
        "clocksource",
    ),
    (
        "proc/cpuinfo",
        "flags\t: fpu constant_tsc nonstop_tsc",
        "flags\t: fpu constant_tsc hypervisor",
        "invariant_tsc hypervisor",
    ),
    ("proc/stat", NO_STEAL, NO_STEAL, ""),
    (
        "proc/self/status",
        "CapEff:\t0000000000000000\nCpus_allowed_list:\t2-3",
        "CapEff:\t0000000000000000\nCpus_allowed_list:\t2-3",
        "",
    ),
    (
        "sys/kernel/mm/transparent_hugepage/enabled",
        "always [madvise] never",
        "[always] madvise never",
        "thp",
    ),
    (
        "sys/kernel/mm/transparent_hugepage/defrag",
        "always [madvise] never",
        "[always] madvise never",
        "thp_defrag",
    ),
    ("sys/kernel/mm/transparent_hugepage/khugepaged/defrag", "0", "1", "khugepaged"),
    ("sys/devices/system/node/online", "0-1", "0-1", ""),
    ("proc/sys/kernel/numa_balancing", "0", "1", "numa"),
    ("proc/swaps", "Filename Type", "Filename Type\n/swap file", "swap"),
    ("proc/sys/vm/swappiness", "60", "60", ""),
    (
        "proc/self/limits",
        "Max open files 65536 65536 files\nMax locked memory unlimited unlimited bytes\nMax realtime priority 99 99",
        "Max open files 1024 65536 files\nMax locked memory 65536 65536 bytes\nMax realtime priority 0 0",
        "nofile memlock rtprio",
    ),
    (
        "proc/mounts",
        "shm /dev/shm tmpfs rw,size=1g 0 0",
        "shm /dev/shm tmpfs rw,size=65536k 0 0",
        "dev_shm",
    ),
    ("proc/irq/7/effective_affinity_list", "0", "3", "irq_affinity"),
    ("proc/irq/7/eth0/handler", "", "", ""),
    ("proc/99/comm", "bash", "irqbalance", "irqbalance"),
    ("proc/version", "Linux SMP PREEMPT x", "Linux SMP x", "preemption"),
    (
        "sys/devices/system/cpu/vulnerabilities/mds",
        "Not affected",
        "Mitigation: Clear",
        "mitigations",
    ),
    ("proc/sys/kernel/watchdog", "0", "1", "watchdog"),
    ("proc/sys/kernel/timer_migration", "0", "1", "timer_migration"),
    ("proc/sys/kernel/sched_rt_runtime_us", "-1", "950000", "sched_rt_runtime"),
    ("proc/self/cgroup", "1:memory:/\n0::/pod/box", "1:memory:/\n0::/pod/box", ""),
    ("sys/fs/cgroup/pod/box/cpu.max", "max 100000", "max 100000", ""),
    ("sys/fs/cgroup/pod/cpu.max", "max 100000", "50000 100000", "cgroup_quota"),
    ("proc/sys/net/core/rmem_max", "67108864", "212992", "rmem_max"),
    ("proc/sys/net/core/netdev_max_backlog", "16384", "1000", "netdev_max_backlog"),
    ("proc/sys/net/core/busy_poll", "50", "0", "busy_poll"),
    ("sys/class/net/eth0/device/numa_node", "0", "1", "nic"),
    ("sys/devices/system/node/node0/cpulist", "0-3", "0-3", ""),
    ("sys/devices/system/node/node1/cpulist", "4-7", "4-7", ""),
];

fn good_files() -> Vec<(&'static str, &'static str)> {
    FILES.iter().map(|&(path, good, ..)| (path, good)).collect()
}

#[test]
fn a_machine_set_for_low_latency_is_good_throughout() {
    for finding in Tree::new("good", &good_files()).examine() {
        assert_eq!(finding.status, Status::Good, "{finding:?}");
        assert!(finding.mend.is_empty(), "{finding:?}");
    }
}

#[test]
fn each_file_costs_in_its_own_check_and_no_other() {
    for (index, &(path, good, bad, names)) in
        FILES.iter().enumerate().filter(|(_, it)| it.1 != it.2)
    {
        let mut files = good_files();
        files[index] = (path, bad);
        let found = Tree::new(&format!("bad-{index}"), &files).examine();
        let costs = found.iter().filter(|it| it.status == Status::Costs);
        let mut costs: Vec<&str> = costs.map(|it| it.name).collect();
        let mut names: Vec<&str> = names.split(' ').collect();
        costs.sort_unstable();
        names.sort_unstable();
        assert_eq!(costs, names, "{path}: {bad} in place of {good}");
        assert!(found.iter().all(|it| it.mend.is_empty() == (it.status == Status::Good)));
    }
}

#[test]
fn what_cannot_be_read_is_never_good() {
    for finding in Tree::new("empty", &[]).examine() {
        assert_eq!(finding.status, Status::Unknown, "{finding:?}");
    }
}

#[test]
fn noise_is_no_panic_and_lists_are_bounded() {
    for noise in
        ["", "-", "0-", "3-1", "99999999999999999999", "0-18446744073709551615", "[", "\0\u{fffd}"]
    {
        let files: Vec<_> = FILES.iter().map(|&(path, ..)| (path, noise)).collect();
        assert!(!Tree::new("noise", &files).examine().is_empty());
    }
    assert_eq!(subject::parse_list("nohz,domain,2-3,8"), Some(vec![2, 3, 8]));
    assert_eq!(subject::parse_list("0-99999"), None);
}

/// The status of one check on a tree that is good but for one file.
fn status_with(name: &str, path: &str, text: &str) -> (Status, String) {
    let mut files: Vec<_> = good_files().into_iter().filter(|file| file.0 != path).collect();
    files.push((path, text));
    let found = Tree::new(&format!("one-{name}-{}", text.len()), &files).examine();
    let finding = found.into_iter().find(|it| it.name == name).unwrap();
    (finding.status, finding.found)
}

#[test]
fn stolen_time_is_judged_over_the_window() {
    let mut files: Vec<_> = good_files();
    files.retain(|file| file.0 != "proc/stat");
    files.push(("proc/stat", "cpu2 1 2 3 4 5 6 7 9 0 0\ncpu3 1 2 3 4 5 6 7 5 0 0"));
    let tree = Tree::new("steal", &files);
    let steal = |subject: &Subject| {
        let found = examine(subject).into_iter().find(|it| it.name == "steal_time").unwrap();
        (found.status, found.found)
    };
    let mut subject = Subject::new(&tree.0, &[2, 3]);
    assert_eq!(steal(&subject).0, Status::Unknown, "stolen once, not known to be stolen now");
    subject.begin_window();
    assert_eq!(steal(&subject), (Status::Good, "0 ticks while measuring, 14 since boot".into()));
    let later = "cpu2 1 2 3 4 5 6 7 12 0 0\ncpu3 1 2 3 4 5 6 7 5 0 0";
    fs::write(tree.0.join("proc/stat"), later).unwrap();
    assert_eq!(steal(&subject), (Status::Costs, "3 ticks while measuring, 17 since boot".into()));
}

#[test]
fn the_last_core_is_the_last_one_allowed() {
    let allowed = |text| {
        let tree = Tree::new("allowed", &[("proc/self/status", text)]);
        Subject::new(&tree.0, &[]).core_last_allowed()
    };
    assert_eq!(allowed("Cpus_allowed:\tf0\nCpus_allowed_list:\t1,4-6"), Some(6));
    assert_eq!(allowed("Cpus_allowed_list:\tx-"), None);
    assert_eq!(allowed("Name:\tx"), None);
}

#[test]
fn preemption_is_the_mode_in_force() {
    let debug = "sys/kernel/debug/sched/preempt";
    let mode = |path, text| status_with("preemption", path, text).0;
    assert_eq!(mode(debug, "none voluntary (full)"), Status::Good);
    assert_eq!(mode(debug, "none (voluntary) full"), Status::Costs);
    assert_eq!(mode("proc/cmdline", "rcu_nocbs=2,3 preempt=none"), Status::Costs);
    assert_eq!(mode("proc/version", "Linux SMP PREEMPT_DYNAMIC x"), Status::Unknown);
    assert_eq!(mode("proc/version", "Linux SMP PREEMPT_RT x"), Status::Good);
}

#[test]
fn capabilities_lift_limits_and_interrupts_without_handler_never_come() {
    let mut files = good_files();
    files.retain(|file| !["proc/self/limits", "proc/self/status"].contains(&file.0));
    // CAP_IPC_LOCK is bit 14, CAP_SYS_NICE bit 23.
    files.push(("proc/self/status", "CapEff:\t0000000000804000"));
    files.push(("proc/irq/9/smp_affinity_list", "0-3"));
    let found = Tree::new("root", &files).examine();
    let status = |name| found.iter().find(|it| it.name == name).map(|it| it.status);
    assert_eq!(status("memlock"), Some(Status::Good));
    assert_eq!(status("rtprio"), Some(Status::Good));
    assert_eq!(status("nofile"), Some(Status::Unknown));
    assert_eq!(status("irq_affinity"), Some(Status::Good));
}

#[test]
fn a_quota_of_any_version_and_any_group_above_counts() {
    let quota = |groups, path, text| {
        let files = [("proc/self/cgroup", groups), (path, text)];
        let found = Tree::new("quota", &files).examine();
        found.into_iter().find(|it| it.name == "cgroup_quota").map(|it| it.status)
    };
    let (top, v1) = ("sys/fs/cgroup/cpu.max", "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us");
    assert_eq!(quota("0::/", top, "50000 100000"), Some(Status::Costs));
    assert_eq!(quota("0::/../../x", top, "50000 100000"), Some(Status::Costs));
    assert_eq!(quota("4:cpu,cpuacct:/a/b", v1, "20000"), Some(Status::Costs));
    assert_eq!(quota("4:cpu,cpuacct:/a/b", v1, "-1"), Some(Status::Good));
    assert_eq!(quota("0::/", "sys/fs/cgroup/cgroup.procs", ""), Some(Status::Good));
    assert_eq!(quota("0::/a", "sys/fs/cgroup/cgroup.procs", ""), Some(Status::Unknown));
}
