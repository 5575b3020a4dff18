//! The control plane: operators act on a running host over a Unix socket.
//!
//! One thread, `tezi-control`, listens, knows who asks (the kernel says), and hands actions to the
//! core through a ring; the core journals each with who and why, acts, and answers through another. What
//! is asked and answered is text, a line each: `docs/operating/control.md`.

mod acting;
mod client;
mod link;
mod peer;
mod server;
mod socket;
#[cfg(test)]
mod tests;
mod thread;
mod users;
mod words;

use std::path::PathBuf;
use std::time::Duration;

pub use tezi_core::control::{Control, ControlError, ControlRecord, Limit, LimitUnit};

use crate::error::Error;
pub use client::{ControlAnswer, ControlClient, ControlOutcome};
pub(crate) use link::CoreSeat;
use link::control_link;
pub(crate) use server::ControlServer;
pub(crate) use thread::{ControlThread, Known};
pub(crate) use users::own_uid;

/// How a host is controlled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlConfig {
    /// Where the socket is made. Only its owner and root may connect.
    pub socket: PathBuf,
    /// A group (by number) whose members may connect as well.
    pub group: Option<u32>,
    /// Pauses trading when no operator was heard for this long; never, when `None`.
    pub deadman: Option<Duration>,
    /// What lets more through than before (a higher limit, a restriction less, the release of a stop)
    /// needs the same from two users within a minute.
    pub dual: bool,
}

impl ControlConfig {
    /// For the owner of the process alone.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), group: None, deadman: None, dual: false }
    }
}

/// A socket that listens, before anybody is there to answer.
pub(crate) struct Door<'a> {
    config: &'a ControlConfig,
    server: ControlServer,
}

/// Who answers at the door: the socket's thread.
pub(crate) type Doorkeeper<'a> = (ControlServer, ControlThread<'a>);

impl<'a> Door<'a> {
    /// Listens, where a host is to be controlled.
    ///
    /// # Errors
    ///
    /// [`Error`] when the socket cannot be made.
    pub(crate) fn open(config: Option<&'a ControlConfig>) -> Result<Option<Self>, Error> {
        config.map(|config| Ok(Self { config, server: ControlServer::bind(config)? })).transpose()
    }

    /// Both ends of the way to the core.
    ///
    /// # Errors
    ///
    /// [`Error`] when its rings cannot be had.
    pub(crate) fn seats(
        door: Option<Self>,
        known: Known<'a>,
    ) -> Result<(Option<CoreSeat>, Option<Doorkeeper<'a>>), Error> {
        let Some(Self { config, server }) = door else { return Ok((None, None)) };
        let (core_end, thread_end) = control_link()?;
        let thread = ControlThread::new(thread_end, config, known);
        Ok((Some(core_end), Some((server, thread))))
    }
}
