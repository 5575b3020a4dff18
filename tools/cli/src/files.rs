//! Where files come to lie: default places of journals, and outputs that must not meet.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tezi::model::Nanos;

use crate::outcome::Failure;

/// Directories tried for one second of the clock.
const ATTEMPTS_MAX: u32 = 1_000;

/// Makes a new directory `journals/KIND-YYYYMMDD-HHMMSS` (the clock of India) under the current
/// one; where that is taken, -2, -3 and so on behind it.
pub(crate) fn make_journal_dir(kind: &str) -> Result<PathBuf, Failure> {
    let parent = Path::new("journals");
    let failed = |path: &Path, error: io::Error| {
        let path = path.display();
        Failure::Failed(format!(
            "cannot create journal directory {path}: {error} (--journal DIR names another place)"
        ))
    };
    std::fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
    let name = format!("{kind}-{}", stamp(now()));
    for attempt in 1..=ATTEMPTS_MAX {
        let suffix = if attempt == 1 { String::new() } else { format!("-{attempt}") };
        let path = parent.join(format!("{name}{suffix}"));
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&path, error)),
        }
    }
    Err(Failure::Failed(format!("journals/{name} and {ATTEMPTS_MAX} names behind it are taken")))
}

/// Takes back a directory of [`make_journal_dir`] that nothing was written to.
pub(crate) fn remove_empty(path: &Path) {
    // Only empty directories can be removed this way; any other stays, and rightly.
    if std::fs::remove_dir(path).is_ok()
        && let Some(parent) = path.parent()
    {
        let _ = std::fs::remove_dir(parent);
    }
}

fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos(i64::try_from(since.as_nanos()).unwrap_or(0))
}

/// `YYYYMMDD-HHMMSS`, the clock of India.
fn stamp(time: Nanos) -> String {
    let digits: String = time.to_string().chars().filter(char::is_ascii_digit).collect();
    let (date, clock) = digits.split_at(8.min(digits.len()));
    format!("{date}-{}", clock.get(..6).unwrap_or(clock))
}

/// Refuses an output that would overwrite an input or another output.
pub(crate) fn check_distinct(inputs: &[&Path], outputs: &[&Path]) -> Result<(), Failure> {
    let real =
        |path: &Path| std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).ok();
    for (index, output) in outputs.iter().enumerate() {
        let Some(place) = real(output) else { continue };
        let others = inputs.iter().chain(&outputs[..index]);
        if others.into_iter().any(|other| real(other).as_ref() == Some(&place)) {
            let output = output.display();
            return Err(Failure::Usage(format!(
                "{output} is named twice: it would be overwritten"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journals_are_named_by_the_clock_of_india() {
        assert_eq!(stamp(Nanos::from_ist(2026, 11, 20, 9, 15, 7).plus(5)), "20261120-091507");
    }

    #[test]
    fn an_output_may_not_be_an_input_or_another_output() {
        let [a, b] = ["no-such-a", "no-such-b"].map(Path::new);
        assert!(check_distinct(&[a], &[b]).is_ok());
        assert!(check_distinct(&[a], &[b, a]).is_err());
        assert!(check_distinct(&[], &[b, b]).is_err());
        let here = [Path::new("Cargo.toml"), Path::new("./src/../Cargo.toml")];
        assert!(check_distinct(&here[..1], &here[1..]).is_err());
    }
}
