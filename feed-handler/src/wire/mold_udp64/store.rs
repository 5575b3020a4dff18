//! The messages of one session, kept so that they can be sent again.

use super::error::StoreError;
use super::layout::Session;

/// Messages by number, from 1 on, in memory taken at start.
///
/// # Invariants
///
/// - `ends` has one entry for each message, in ascending order, and the last is the length of
///   `bytes`.
/// - Neither grows beyond the capacity it was made with.
#[derive(Clone, Debug)]
pub struct MessageStore {
    session: Session,
    bytes: Vec<u8>,
    /// Where each message ends in `bytes`.
    ends: Vec<usize>,
    bytes_max: usize,
    messages_max: usize,
}

impl MessageStore {
    /// An empty store with room for so many messages, and so many bytes of them.
    #[must_use]
    pub fn new(session: Session, messages_max: usize, bytes_max: usize) -> Self {
        Self {
            session,
            bytes: Vec::with_capacity(bytes_max),
            ends: Vec::with_capacity(messages_max),
            bytes_max,
            messages_max,
        }
    }

    /// Keeps the next message and says its number.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; the store is as it was.
    pub fn push(&mut self, message: &[u8]) -> Result<u64, StoreError> {
        if message.len() > usize::from(u16::MAX) {
            return Err(StoreError::MessageTooLong);
        }
        if self.ends.len() == self.messages_max || self.bytes_max - self.bytes.len() < message.len()
        {
            return Err(StoreError::Full);
        }
        self.bytes.extend_from_slice(message);
        self.ends.push(self.bytes.len());
        Ok(self.ends.len() as u64)
    }

    /// The message of a number, `None` when there is none yet.
    #[inline]
    #[must_use]
    pub fn message(&self, sequence: u64) -> Option<&[u8]> {
        let index = usize::try_from(sequence.checked_sub(1)?).ok()?;
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { *self.ends.get(index - 1)? };
        self.bytes.get(start..end)
    }

    /// The session the numbers belong to.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// The number the next message will have.
    #[inline]
    #[must_use]
    pub const fn next_sequence(&self) -> u64 {
        self.ends.len() as u64 + 1
    }
}
