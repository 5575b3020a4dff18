//! The exchange's screen and keys on a terminal: a real one, which `script` (util-linux) provides.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::Place;

const PATIENCE: Duration = Duration::from_secs(30);

/// A command on a terminal of its own, and what it shows.
struct Terminal {
    child: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    /// `None` where there is no `script` that can be asked like this.
    fn open(place: &Place, line: &str) -> Option<Self> {
        let script = ["--quiet", "--flush", "--return", "--command"];
        let works = Command::new("script").args(script).args(["true", "/dev/null"]).output();
        if !works.is_ok_and(|it| it.status.success()) {
            return None;
        }
        let mut child = Command::new("script")
            .args(script)
            .args([line, "/dev/null"])
            .current_dir(place.path("."))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let shown = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&shown);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                seen.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        });
        Some(Self { child, keys, shown })
    }

    /// Waits until the newest screen passes.
    fn until(&self, what: &str, is_there: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        loop {
            let shown = self.shown.lock().unwrap().clone();
            let screens: Vec<&str> = shown.split("tezi exchange  ").collect();
            // The last one may be half written.
            if screens.iter().rev().take(2).any(|screen| is_there(screen)) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{what} was never shown: {shown}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn press(&mut self, key: char) {
        write!(self.keys, "{key}").unwrap();
        self.keys.flush().unwrap();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Over already, where the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_operator_halts_chooses_and_ends_with_single_keys() {
    let place = Place::new("terminal");
    let line = format!(
        "{} exchange --seconds 120 --intensity 0 --router 127.0.0.1:0 --recovery 127.0.0.1:0 \
         --a 239.255.70.87:29871 --b 239.255.70.88:29872; echo code $?; stty -a",
        env!("CARGO_BIN_EXE_tezi")
    );
    let Some(mut terminal) = Terminal::open(&place, &line) else {
        return println!("skipped: no `script` of util-linux here");
    };
    terminal.until("the keys", |screen| screen.contains("h halts and resumes"));
    terminal.until("the first box", |screen| has_mark(screen, 0));
    terminal.press('h');
    terminal.until("the halt", |screen| screen.contains("  HALTED"));
    terminal.press('2');
    terminal.until("the second box", |screen| has_mark(screen, 1) && screen.contains("  HALTED"));
    terminal.press('x');
    terminal.press('h');
    terminal
        .until("the market again", |screen| has_mark(screen, 1) && !screen.contains("  HALTED"));
    terminal.press('q');
    // The program is over, in order, and the terminal is as it was.
    terminal.until("the end", |screen| screen.contains("code 0"));
    terminal.until("the terminal's settings", |screen| {
        let words: Vec<&str> = screen.split_whitespace().collect();
        words.contains(&"icanon") && words.contains(&"echo")
    });
    assert!(terminal.child.wait().unwrap().success());
}

/// Whether the line of the box at a place is the marked one.
fn has_mark(screen: &str, place: usize) -> bool {
    let is_box = |line: &&str| line.contains(" away ") || line.contains(" signed on ");
    let mut boxes = screen.lines().filter(is_box);
    boxes.nth(place).is_some_and(|line| line.trim_start_matches('\x1b').contains("> "))
}
