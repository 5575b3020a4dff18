//! Runs the program in a directory of its own.

#![allow(dead_code, clippy::unwrap_used, clippy::panic)] // shared by tests, not all use all of it

pub(crate) mod bhavcopy;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tezi::feed_handler::capture::PcapWriter;
use tezi::model::Nanos;

/// A directory that is removed at the end of a test.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tezi-cli-{name}-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Runs `tezi` with the words of a line.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.run_args(line.split_whitespace())
    }

    pub(crate) fn run_args<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Ran {
        let output = self.command().args(args).output().unwrap();
        Ran::new(output)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tezi"));
        command.current_dir(&self.0).stdin(Stdio::null());
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Its exit code must be this.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Standard output or error must say this.
    #[track_caller]
    pub(crate) fn says(self, what: &str) -> Self {
        let is_said = self.out.contains(what) || self.err.contains(what);
        assert!(is_said, "not said: {what}\nstdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The JSON on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A short session with everything kept: `x.pcap`, the journal `j`, and the summary.
pub(crate) fn short_demo(place: &Place) -> Value {
    let line =
        "demo --seconds 1 --rate 3000 --lose-both 0 --no-pin --save-pcap x.pcap --journal j --json";
    place.run(line).exits(0).json()
}

/// A capture of UDP datagrams, a microsecond apart.
pub(crate) fn capture(payloads: &[&[u8]]) -> Vec<u8> {
    let source = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);
    let group = SocketAddrV4::new(Ipv4Addr::new(239, 0, 0, 1), 17_741);
    let mut writer = PcapWriter::new(Vec::new()).unwrap();
    for (index, payload) in payloads.iter().enumerate() {
        let time = Nanos::from_ist(2026, 11, 20, 9, 15, 0).plus(index as i64 * 1_000);
        writer.write_udp(time, source, group, payload).unwrap();
    }
    writer.into_inner()
}

/// The directory of private captures, said to be missing when it is.
pub(crate) fn private_captures() -> Option<PathBuf> {
    let found = std::env::var_os("TEZI_CAPTURES").map(|dir| Path::new(&dir).join("nse_mtbt"));
    if found.is_none() {
        eprintln!("skipped: TEZI_CAPTURES names no directory of captures");
    }
    found
}
