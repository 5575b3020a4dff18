//! Order-book snapshots and the replies of the TCP services: what a reader must check.

use super::DecodeError;
use super::layout::{ReplyMessage, SnapshotHeader, SnapshotOrder};

/// The transaction code that leads a snapshot (MTBT 6.7, chapter 9).
pub const SNAPSHOT_TRANSACTION_CODE: i16 = 10501;

/// The size of a snapshot of `order_count` orders, header included.
#[must_use]
pub const fn snapshot_bytes(order_count: u32) -> u64 {
    size_of::<SnapshotHeader>() as u64 + order_count as u64 * size_of::<SnapshotOrder>() as u64
}

impl SnapshotHeader {
    /// The number of orders that follow, once code and size are found to agree with it.
    ///
    /// # Errors
    ///
    /// [`DecodeError::UnknownTransactionCode`], [`DecodeError::StreamOutOfRange`],
    /// [`DecodeError::SnapshotSizeMismatch`].
    pub fn checked_order_count(&self) -> Result<u32, DecodeError> {
        if self.transaction_code.get() != SNAPSHOT_TRANSACTION_CODE {
            return Err(DecodeError::UnknownTransactionCode);
        }
        if u8::try_from(self.stream_id.get()).is_err() {
            return Err(DecodeError::StreamOutOfRange);
        }
        let count = u32::try_from(self.order_count.get());
        match (count, u64::try_from(self.total_size.get())) {
            (Ok(count), Ok(size)) if size == snapshot_bytes(count) => Ok(count),
            _ => Err(DecodeError::SnapshotSizeMismatch),
        }
    }
}

impl ReplyMessage {
    /// Whether the server grants the request: the data follow.
    ///
    /// # Errors
    ///
    /// [`DecodeError::UnknownReplyStatus`].
    pub const fn is_granted(&self) -> Result<bool, DecodeError> {
        match self.status {
            b'S' => Ok(true),
            b'E' => Ok(false),
            _ => Err(DecodeError::UnknownReplyStatus),
        }
    }
}
