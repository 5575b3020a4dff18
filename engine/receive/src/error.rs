//! Why a source could not be opened, or failed meanwhile.

use std::borrow::Cow;
use std::{fmt, io};

/// What went wrong, and with what.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The operating system refused.
    System {
        /// What was being done, with what, as in "cannot …". Borrowed after a source is open:
        /// polling allocates nothing.
        doing: Cow<'static, str>,
        /// Its answer.
        source: io::Error,
    },
    /// What was asked for makes no sense, whatever the machine.
    Config(String),
}

impl ReceiveError {
    /// For use with `map_err` while a source is opened.
    pub(crate) fn opening(doing: impl FnOnce() -> String) -> impl FnOnce(io::Error) -> Self {
        |source| Self::System { doing: Cow::Owned(doing()), source }
    }

    #[cold]
    pub(crate) const fn running(doing: &'static str, source: io::Error) -> Self {
        Self::System { doing: Cow::Borrowed(doing), source }
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System { doing, source } => write!(f, "cannot {doing}: {source}"),
            Self::Config(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for ReceiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::System { source, .. } => Some(source),
            Self::Config(_) => None,
        }
    }
}
