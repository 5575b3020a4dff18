//! The other end of the control socket, for `tezi ctl` and programs.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::error::Error;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlOutcome {
    /// It is done.
    Done,
    /// A second user must ask for the same.
    Waiting(String),
    /// It was refused.
    Refused(String),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlAnswer {
    /// Names and values, in order.
    pub values: Vec<(String, String)>,
    /// What became of the request.
    pub outcome: ControlOutcome,
}

impl ControlAnswer {
    /// A value by its name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

/// A connection to a running host's control socket.
#[derive(Debug)]
pub struct ControlClient {
    reader: BufReader<UnixStream>,
}

impl ControlClient {
    /// Longer than the host itself waits for its core.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// Connects.
    ///
    /// # Errors
    ///
    /// [`Error::File`]: nobody listens there, or the file's permissions forbid it.
    pub fn connect(socket: &Path) -> Result<Self, Error> {
        let connected = UnixStream::connect(socket).and_then(|stream| {
            stream.set_read_timeout(Some(Self::PATIENCE))?;
            stream.set_write_timeout(Some(Self::PATIENCE))?;
            Ok(Self { reader: BufReader::new(stream) })
        });
        connected.map_err(|source| Error::file("connect to the control socket", socket, source))
    }

    /// Asks, and waits for the answer. `request` is one line, without its end.
    ///
    /// # Errors
    ///
    /// [`Error::Network`] when the host goes away or is silent for ten seconds.
    pub fn ask(&mut self, request: &str) -> Result<ControlAnswer, Error> {
        let network = |source| Error::Network { doing: "ask the host".into(), source };
        let line = format!("{}\n", request.replace('\n', " "));
        self.reader.get_mut().write_all(line.as_bytes()).map_err(network)?;
        let mut values = Vec::new();
        loop {
            let (word, rest) = self.line().map_err(network)?;
            let outcome = match word.as_str() {
                "ok" => ControlOutcome::Done,
                "wait" => ControlOutcome::Waiting(rest),
                "error" => ControlOutcome::Refused(rest),
                _ => {
                    values.push((word, rest));
                    continue;
                }
            };
            return Ok(ControlAnswer { values, outcome });
        }
    }

    fn line(&mut self) -> io::Result<(String, String)> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "it has ended"));
        }
        let line = line.trim_end();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        Ok((word.to_string(), rest.to_string()))
    }
}
