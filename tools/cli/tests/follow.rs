//! `tezi follow` beside `tezi host`: the same journal on both sides, and what is refused.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Place, Ran};

const PATIENCE: Duration = Duration::from_secs(20);

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn start(place: &Place, line: &str) -> Child {
    let mut command = place.command();
    command.args(line.split_whitespace()).env("TEZI_PASSWORD", "secret1");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(child: Child) -> Ran {
    Ran::new(child.wait_with_output().unwrap())
}

/// A host whose exchange nobody is: it watches an empty line for a moment and journals that.
fn host(place: &Place, journal: &str, follower: u16) -> Ran {
    let line = format!(
        "host --a 239.255.70.99:{} --interface 127.0.0.1 --router 127.0.0.1:1 --box 1 --member 1 \
         --user 1 --strategy watch --seconds 0.3 --no-pin --journal {journal} --stop-timeout 0.1 \
         --replicate-to 127.0.0.1:{follower} --orders-wait replicated --json",
        free_port()
    );
    end(start(place, &line))
}

#[test]
fn a_follower_has_the_journal_of_its_host_and_of_no_other() {
    let (place, port) = (Place::new("follow"), free_port());
    let following = format!("follow --listen 127.0.0.1:{port} --journal copy --until-end --json");
    let follower = start(&place, &following);
    let leading = host(&place, "own", port);
    // Only the exchange was missing.
    let summary: serde_json::Value = serde_json::from_str(&leading.out).unwrap();
    let replication = &summary["journal"]["replication"];
    let last = replication["sequence_last"].as_u64().unwrap();
    assert!(last > 3, "{summary:#}");
    assert_eq!(replication["replicated"], last, "{summary:#}");
    let followed: serde_json::Value = serde_json::from_str(&end(follower).exits(0).out).unwrap();
    assert_eq!(followed["sequence_last"], last);
    assert_eq!(followed["is_complete"], true);
    place.run("journal diff own copy").exits(0);
    place.run("journal verify copy").exits(0).says("Fine");
    // The same follower is no other host's.
    let before = place.read("copy/00000000.tzj");
    let follower = start(&place, &format!("follow --listen 127.0.0.1:{port} --journal copy"));
    let refused = host(&place, "other", port).exits(1);
    assert!(refused.out.contains("the follower holds another journal"), "{}", refused.out);
    let interrupted = Command::new("kill").args(["-INT", &follower.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    end(follower).exits(0).says("the follower holds another journal");
    assert_eq!(place.read("copy/00000000.tzj"), before);
}

#[test]
fn a_follower_ends_in_order_and_says_what_it_cannot_do() {
    let (place, port) = (Place::new("follow-end"), free_port());
    let line = format!("follow --listen 127.0.0.1:{port} --journal copy");
    let follower = start(&place, &line);
    let begun = Instant::now();
    while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(begun.elapsed() < PATIENCE, "nobody listens");
        std::thread::sleep(Duration::from_millis(5));
    }
    place.run(&line).exits(1).says("cannot listen for a leader");
    let interrupted = Command::new("kill").args(["-INT", &follower.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    end(follower).exits(0).says("its last record is 0");
    assert!(!place.path("copy").exists(), "nothing came, and nothing is left behind");
}
