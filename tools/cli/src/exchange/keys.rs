//! The operator's keys: single letters from the terminal, while the exchange runs.
//!
//! The terminal is told by `stty` to hand over each key at once and not to show it, and gets back what
//! it had. Without a terminal, or without `stty`, there are no keys; Ctrl-C works either way.

use std::io::{self, IsTerminal, Read};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;

use tezi::exchange::OperatorCommand;

/// A terminal that hands over single keys, until this is dropped.
pub(super) struct Keys {
    /// What `stty` said it was like before.
    before: String,
    chosen: Arc<AtomicUsize>,
}

impl Keys {
    /// Listens on a thread of its own, which ends with the process; `None` where there is no terminal
    /// to listen to. `q` sets `stop`.
    pub(super) fn listen(
        commands: Sender<OperatorCommand>,
        boxes: usize,
        stop: Arc<AtomicBool>,
    ) -> Option<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return None;
        }
        let before = stty(&["-g"])?.trim().to_string();
        stty(&["-icanon", "-echo", "min", "1", "time", "0"])?;
        let chosen = Arc::new(AtomicUsize::new(0));
        let mut operator = Operator { commands, stop, boxes, chosen: Arc::clone(&chosen) };
        std::thread::spawn(move || {
            for key in io::stdin().lock().bytes() {
                let Ok(key) = key else { return };
                if !operator.on_key(key) {
                    return;
                }
            }
        });
        Some(Self { before, chosen })
    }

    /// The box that `c` is about, by its position.
    pub(super) fn chosen(&self) -> usize {
        self.chosen.load(Ordering::Relaxed)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = stty(&[&self.before]);
    }
}

/// Runs `stty` on our terminal; what it says, `None` when it cannot.
fn stty(arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("stty");
    let output = command.args(arguments).stdin(Stdio::inherit()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What keys mean.
struct Operator {
    commands: Sender<OperatorCommand>,
    stop: Arc<AtomicBool>,
    boxes: usize,
    chosen: Arc<AtomicUsize>,
}

impl Operator {
    /// Acts on a key; whether there may be more.
    fn on_key(&mut self, key: u8) -> bool {
        let command = match key {
            b'q' => {
                self.stop.store(true, Ordering::Relaxed);
                return false;
            }
            b'h' => OperatorCommand::HaltOrResume,
            b'c' => OperatorCommand::CancelAll(self.chosen.load(Ordering::Relaxed)),
            b'1'..=b'9' => {
                let place = usize::from(key - b'1');
                if place < self.boxes {
                    self.chosen.store(place, Ordering::Relaxed);
                }
                return true;
            }
            _ => return true,
        };
        self.commands.send(command).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn keys_are_commands_and_others_are_not() {
        let (commands, received) = mpsc::channel();
        let (stop, chosen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut operator = Operator { commands, stop: Arc::clone(&stop), boxes: 2, chosen };
        assert!(b"hxh29c1c\x1b[A".iter().all(|key| operator.on_key(*key)));
        let found: Vec<_> = received.try_iter().collect();
        use OperatorCommand::{CancelAll, HaltOrResume};
        assert_eq!(found, [HaltOrResume, HaltOrResume, CancelAll(1), CancelAll(0)]);
        assert!(!stop.load(Ordering::Relaxed));
        assert!(!operator.on_key(b'q') && stop.load(Ordering::Relaxed));
        drop(received);
        assert!(!operator.on_key(b'h'), "nobody listens any more");
    }
}
