//! Waiting for readiness, by mio.
//!
//! Readiness is told at its edges: once, when something arrives. So a source remembers which of its
//! descriptors it has not seen empty since, and waits only when there is none.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::ReceiveError;

/// Waits for any of a list of descriptors.
pub(crate) struct Waiter {
    poll: Poll,
    events: Events,
}

impl Waiter {
    /// For these, whose places in the list [`Waiter::wait`] tells.
    pub(crate) fn new<'a>(
        descriptors: impl ExactSizeIterator<Item = BorrowedFd<'a>>,
    ) -> Result<Self, ReceiveError> {
        let count = descriptors.len();
        let poll = || -> io::Result<Poll> {
            let poll = Poll::new()?;
            for (index, descriptor) in descriptors.enumerate() {
                let mut source = SourceFd(&descriptor.as_raw_fd());
                poll.registry().register(&mut source, Token(index), Interest::READABLE)?;
            }
            Ok(poll)
        };
        let poll = poll().map_err(ReceiveError::opening(|| {
            format!("register {count} descriptors for readiness (epoll)")
        }))?;
        Ok(Self { poll, events: Events::with_capacity(count.max(1)) })
    }

    /// Waits for news of any descriptor, at most for `timeout`, and tells which there are.
    pub(crate) fn wait(
        &mut self,
        timeout: Duration,
        mut on_ready: impl FnMut(usize),
    ) -> Result<(), ReceiveError> {
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Ok(()) => self.events.iter().for_each(|event| on_ready(event.token().0)),
            // A signal: the caller looks and comes back.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ReceiveError::running("wait for readiness", error)),
        }
        Ok(())
    }
}
