//! The responder by real requests, right and wrong.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::followers::FollowerStates;
use crate::latency::LatencyHistogram;
use crate::observer::{ReplicaFigures, SnapshotFigures};
use crate::replication::ReplicaState;
use crate::snapshots::SnapshotState;

const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a responder over figures that nobody changes.
fn serve(body: impl FnOnce(SocketAddr)) {
    let (shared, progress) = (Shared::default(), Progress::default());
    shared.boards.positions.open(0, Some(Segment::NseFo), Token(7));
    shared.boards.positions.set(0, -75);
    let mut latencies = Latencies::default();
    (1..=1_000).for_each(|ns| latencies.record(PathStage::Book, ns));
    shared.windows.lock().unwrap().add(&latencies);
    progress.set_orders_live(true);
    let replica = ReplicaState::default();
    let (lag, waited_ms) = (3, 1_500);
    replica.board.store(&ReplicaFigures { lag, waited_ms, ..ReplicaFigures::default() });
    let snapshots = SnapshotState::default();
    let (written, failures, took_ms) = (4, 1, 250);
    let figures = SnapshotFigures { written, failures, took_ms, ..SnapshotFigures::default() };
    snapshots.publish(&figures, 28);
    let followers =
        FollowerStates { replica: Some(replica.into()), snapshots: Some(snapshots.into()) };
    let metrics = Metrics {
        shared: &shared,
        progress: &progress,
        instruments: &[],
        strategy: "a \"b\"",
        kernel: "none",
        started: Instant::now(),
        followers: &followers,
    };
    let server = MetricsServer::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let (address, stop) = (server.address(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| server.run(metrics, &stop));
        let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(address)));
        stop.store(true, Ordering::Relaxed);
        asked.unwrap();
    });
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address);
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn only_get_of_metrics_is_answered() {
    serve(|address| {
        let long = format!("GET /metrics HTTP/1.1\r\nA: {}", "x".repeat(8_000));
        let cases: [(&[u8], &str); 9] = [
            (b"GET /metrics HTTP/1.1\r\n\r\n", "200 OK"),
            (b"GET /metrics?name=a HTTP/1.0\r\nHost: b\r\n\r\n", "200 OK"),
            (b"POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
            (b"GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
            (b"GET /metrics/x HTTP/1.1\r\n\r\n", "404 Not Found"),
            (b"GET /metrics\r\n\r\n", "400 Bad Request"),
            (b"\x00\xff\r\n\r\n", "400 Bad Request"),
            (b"GET metrics HTTP/2\r\n\r\n", "400 Bad Request"),
            (long.as_bytes(), "400 Bad Request"),
        ];
        for (request, status) in cases {
            let answer = ask(address, request);
            let wanted = format!("HTTP/1.1 {status}\r\n");
            assert!(answer.starts_with(&wanted), "{answer}");
        }
    });
}

#[test]
fn a_follower_that_is_behind_and_snapshots_that_failed_show() {
    serve(|address| {
        let answer = ask(address, b"GET /metrics HTTP/1.1\r\n\r\n");
        for sample in [
            "tezi_replica_up 0",
            "tezi_replica_lag_records 3",
            "tezi_replica_waited_seconds 1.5",
            "tezi_snapshots_written_total 4",
            "tezi_snapshot_failures_total 1",
            "tezi_snapshot_write_seconds 0.25",
        ] {
            assert!(answer.lines().any(|line| line == sample), "{sample}: {answer}");
        }
    });
}

#[test]
fn slow_connections_keep_nobody_waiting() {
    serve(|address| {
        // Some that say nothing, one that says it byte by byte.
        let idle: Vec<TcpStream> = (0..6).map(|_| connect(address)).collect();
        let mut slow = connect(address);
        for byte in b"GET /metrics HTTP/1.1\r\n\r\n" {
            slow.write_all(&[*byte]).unwrap();
        }
        let mut answer = String::new();
        slow.read_to_string(&mut answer).unwrap();
        assert!(
            answer
                .contains("tezi_stage_latency_seconds{stage=\"book\",quantile=\"0.5\"} 0.0000005")
        );
        assert!(answer.contains("tezi_stage_latency_seconds_count{stage=\"book\"} 1000\n"));
        let position = "tezi_position_units{segment=\"fo\",token=\"7\",instrument=\"\"} -75\n";
        assert!(answer.contains(position), "{answer}");
        assert!(answer.contains("strategy=\"a \\\"b\\\"\"") && answer.contains("session_live 1\n"));
        // More than there is room for are answered too, once the idle ones' time is over.
        let more: Vec<TcpStream> = (0..4).map(|_| connect(address)).collect();
        assert!(ask(address, b"GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200"));
        drop((idle, more));
    });
}

#[test]
fn quantiles_forget_and_counts_do_not() {
    let mut windows = Windows::default();
    let mut latencies = Latencies::default();
    latencies.set(PathStage::Ring, {
        let mut histogram = LatencyHistogram::new();
        (0..10).for_each(|_| histogram.record(1_000));
        histogram
    });
    let place = PathStage::ALL.iter().position(|stage| *stage == PathStage::Ring).unwrap();
    windows.add(&latencies);
    windows.turned -= Windows::LENGTH;
    windows.add(&latencies);
    assert_eq!(windows.histogram(PathStage::Ring).count(), 20);
    windows.turned -= Windows::LENGTH;
    windows.add(&latencies);
    assert_eq!(windows.histogram(PathStage::Ring).count(), 20);
    windows.turned -= 2 * Windows::LENGTH;
    windows.add(&latencies);
    assert_eq!(windows.histogram(PathStage::Ring).count(), 10);
    let (count, sum) = windows.all[place];
    assert_eq!(count, 40);
    assert!((sum - 40_000.0).abs() < 400.0);
    assert_eq!(snake_case("DayCapacity"), "day_capacity");
}
