//! Why a host could not start, or had to stop.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tezi_core::ConfigError;
use tezi_feed_handler::capture::CaptureError;
use tezi_feed_handler::feed::FeedConfigError;
use tezi_journal::JournalError;
use tezi_receive::ReceiveError;

/// What went wrong, and with what.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    File {
        /// What was being done, as in "cannot …".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The network refused.
    Network {
        /// What was being done, as in "cannot …".
        doing: String,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A capture cannot be read at all.
    Capture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: CaptureError,
    },
    /// The journal could not be written or read.
    Journal(JournalError),
    /// A journal does not say what is needed to rebuild its state.
    JournalContent {
        /// The journal.
        path: PathBuf,
        /// What is missing or wrong.
        what: String,
    },
    /// The configuration of the core cannot be honoured.
    Config(ConfigError),
    /// The configuration of the feed cannot be honoured.
    Feed(FeedConfigError),
    /// A source of packets could not be opened.
    Receive(ReceiveError),
    /// A parameter is not one that can be.
    Parameter(String),
    /// A thread could not be started, or ended by a panic.
    Thread(String),
}

impl Error {
    pub(crate) fn file(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { doing, path: path.to_path_buf(), source }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { doing, path, source } => {
                write!(f, "cannot {doing} {}: {source}", path.display())
            }
            Self::Network { doing, source } => write!(f, "cannot {doing}: {source}"),
            Self::Capture { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Journal(source) => source.fmt(f),
            Self::JournalContent { path, what } => write!(f, "{}: {what}", path.display()),
            Self::Config(source) => write!(f, "configuration: {source}"),
            Self::Feed(source) => write!(f, "configuration of the feed: {source}"),
            Self::Receive(source) => source.fmt(f),
            Self::Parameter(what) | Self::Thread(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } | Self::Network { source, .. } => Some(source),
            Self::Capture { source, .. } => Some(source),
            Self::Journal(source) => Some(source),
            Self::Config(source) => Some(source),
            _ => None,
        }
    }
}

impl From<JournalError> for Error {
    fn from(source: JournalError) -> Self {
        Self::Journal(source)
    }
}

impl From<ConfigError> for Error {
    fn from(source: ConfigError) -> Self {
        Self::Config(source)
    }
}

impl From<FeedConfigError> for Error {
    fn from(source: FeedConfigError) -> Self {
        Self::Feed(source)
    }
}
