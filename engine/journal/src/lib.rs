//! The memory-mapped event journal: an append-only sequence of records, the truth of a session.
//!
//! A journal is a directory of preallocated segment files. [`JournalWriter::append`] copies a
//! record into mapped memory and commits it with one release store: no system call, no
//! allocation, and a record whose append returned survives `kill -9` of the process.
//! [`JournalReader`] returns exactly the records that were committed and says how the journal
//! ends; [`verify`] reads on behind damage and names it; [`recover`] removes a torn tail, and
//! nothing else, so that [`JournalWriter::open_append`] can continue.
//!
//! [`JournalFollower`] reads along while the journal is written. [`Promise`] names what a record
//! survives: of a journal staged in memory, [`DurableWatermark`] says how far the disk has it.
//!
//! [`replication`] brings a journal into a second host.
//!
//! The format is in `docs/wire/journal.md`, byte by byte. Record types and payloads are the
//! host's business; nothing here looks inside them, and nothing here reads a clock.

mod ahead;
mod crc32c;
mod damage;
mod error;
mod follower;
mod format;
mod header;
mod mapping;
mod promise;
mod reader;
mod recover;
pub mod replication;
mod segment;
mod stage;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use crc32c::Crc32c;
pub use damage::{Damage, DamageKind, End, RecordFault, TornTail};
pub use error::JournalError;
pub use follower::{Batch, JournalFollower, Sought};
pub use format::{RECORD_ALIGN, RECORD_HEADER_BYTES, record_bytes};
pub use header::{
    FORMAT_VERSION, HeaderFault, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES,
    SegmentHeader,
};
pub use promise::{DurableWatermark, Promise};
pub use reader::{JournalReader, Record};
pub use recover::{Recovery, recover};
pub use stage::{Idle, StageConfig, WriteOut};
pub use verify::{FINDINGS_MAX, Finding, VerifyReport, verify};
pub use writer::{JournalStats, JournalWriter, WriterConfig};
