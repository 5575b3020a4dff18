//! How a command ends, and standard output that may be closed by whoever reads it.

use std::fmt;
use std::io::{self, BufWriter, Write};

/// Whether what was run or checked is fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Exit code 0.
    Fine,
    /// Exit code 1. What is not fine has been said.
    NotFine,
}

impl Verdict {
    pub(crate) const fn of(is_fine: bool) -> Self {
        if is_fine { Self::Fine } else { Self::NotFine }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Wrong usage that only the command could find. Exit code 2.
    Usage(String),
    /// A file, the network or the machine refused. Exit code 1.
    Failed(String),
}

impl Failure {
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => write!(f, "{what}\n\nFor more information, try '--help'."),
            Self::Failed(what) => f.write_str(what),
        }
    }
}

impl From<tezi::Error> for Failure {
    fn from(error: tezi::Error) -> Self {
        match error {
            tezi::Error::Config(_) | tezi::Error::Feed(_) => Self::Usage(error.to_string()),
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<tezi::journal::JournalError> for Failure {
    fn from(error: tezi::journal::JournalError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Writes to standard output. That its reader has gone (`| head`) is no failure: the rest is not
/// written.
pub(crate) fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            // What is still in the buffer would only meet the same error again.
            drop(out.into_parts());
            Ok(())
        }
        Err(error) => Err(Failure::Failed(format!("cannot write to standard output: {error}"))),
    }
}
