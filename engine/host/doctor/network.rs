//! Checks of the network: buffers, busy polling, and the cards as `/sys` shows them.

use super::subject::parse_list;
use super::{Answer, Check, Subject, costs, good, judged, unknown};

/// 32 MiB: some tens of milliseconds of the feed's bursts.
const RMEM_MAX_MIN: i64 = 32 << 20;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "rmem_max",
        why: "A burst that does not fit the socket's buffer is lost.",
        mend: "sysctl net.core.rmem_max=33554432",
        look: |it| at_least(it, "proc/sys/net/core/rmem_max", RMEM_MAX_MIN),
    },
    Check {
        name: "netdev_max_backlog",
        why: "Packets beyond the backlog are dropped before any socket sees them.",
        mend: "sysctl net.core.netdev_max_backlog=16384",
        look: |it| at_least(it, "proc/sys/net/core/netdev_max_backlog", 16_384),
    },
    Check {
        name: "busy_poll",
        why: "Without busy polling a packet waits for an interrupt and its soft interrupt.",
        mend: "sysctl net.core.busy_poll=50 net.core.busy_read=50",
        look: |it| at_least(it, "proc/sys/net/core/busy_poll", 1),
    },
    Check {
        name: "nic",
        why: "Each packet of a card on another NUMA node crosses between sockets.",
        mend: "cores of the card's node; ethtool -C DEVICE rx-usecs 0 adaptive-rx off",
        look: nic,
    },
];

fn at_least(it: &Subject, path: &str, least: i64) -> Answer {
    match it.number(path) {
        None => unknown("not shown"),
        Some(value) => judged(value >= least, format!("{value}, {least} wanted")),
    }
}

/// Cards are what has a device behind it and is not down; loopback, bridges and pairs have none.
fn nic(it: &Subject) -> Answer {
    let (mut found, mut is_remote) = (Vec::new(), false);
    for name in it.names("sys/class/net") {
        let folder = format!("sys/class/net/{name}");
        let is_down = it.text(&format!("{folder}/operstate")).as_deref() == Some("down");
        if is_down || it.names(&format!("{folder}/device")).is_empty() {
            continue;
        }
        let queues = it.names(&format!("{folder}/queues"));
        let queues = queues.iter().filter(|queue| queue.starts_with("rx-")).count();
        let speed = it.number(&format!("{folder}/speed")).filter(|speed| *speed > 0);
        let speed = speed.map_or("speed not shown".into(), |speed| format!("{speed} Mb/s"));
        let node = it.number(&format!("{folder}/device/numa_node")).filter(|node| *node >= 0);
        let of_node =
            node.and_then(|node| it.text(&format!("sys/devices/system/node/node{node}/cpulist")));
        let near = of_node.and_then(|list| parse_list(&list));
        let remote = near.is_some_and(|near| !it.cores_missing(&near).is_empty());
        is_remote |= remote;
        let place = if remote { ", another node" } else { "" };
        found.push(format!("{name}: {speed}, {queues} rx queues{place}"));
    }
    match (found.is_empty(), is_remote) {
        (true, _) => unknown("no card that is up"),
        (_, true) => costs(found.join("; ")),
        (_, false) => good(found.join("; ")),
    }
}
