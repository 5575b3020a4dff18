//! The thread that writes what was committed to the disk, and says how far it came.
//!
//! It takes whatever is there, so a slow disk makes batches large by itself. It reads the memory of
//! the segments and nothing else of the writer's: the writer does not know that it is there.

use std::{
    fs::File,
    path::PathBuf,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, SyncSender},
    },
    thread,
    time::Duration,
};

use crate::{JournalError, segment::sync_dir};

use super::{
    Idle, Shared,
    disk::{BlockBuffer, DiskSegment},
    keeper::{Drained, Prepared},
};

/// The most that is taken into one write.
const BATCH_BYTES: usize = 1 << 20;
/// Looks without a pause, and looks with one, before the thread sleeps.
const SPINS: u32 = 2_000;
const YIELDS: u32 = 2_000;
const SLEEP: Duration = Duration::from_micros(100);

/// The segment that was being written when the journal was closed.
pub(super) struct LastSegment {
    pub(super) disk: DiskSegment,
    pub(super) bytes_used: usize,
}

/// See the module.
///
/// # Invariants
///
/// - `sequence` is the last one committed in what was read so far; when a write returns it is on
///   the disk with everything before it.
pub(super) struct WriteOutThread {
    dir: PathBuf,
    idle: Idle,
    shared: Arc<Shared>,
    current: Prepared,
    next: Option<Prepared>,
    sequence: u64,
    begun: Receiver<Prepared>,
    drained: SyncSender<Drained>,
    buffer: BlockBuffer,
}

impl WriteOutThread {
    pub(super) fn new(
        dir: PathBuf,
        idle: Idle,
        shared: Arc<Shared>,
        current: Prepared,
        begun: Receiver<Prepared>,
        drained: SyncSender<Drained>,
    ) -> Self {
        let (sequence, buffer) = (shared.durable(), BlockBuffer::new());
        Self { dir, idle, shared, current, next: None, sequence, begun, drained, buffer }
    }

    /// Works until the journal is closed, and returns what is left to do; `None` after a fault.
    pub(super) fn run(mut self) -> Option<LastSegment> {
        match self.write_all() {
            Ok(()) => {
                let bytes_used = self.current.reader.committed().len();
                Some(LastSegment { disk: self.current.disk, bytes_used })
            }
            Err(JournalError::Io { doing, path, source, .. }) => {
                self.shared.fail(doing, &path, &source);
                None
            }
            Err(other) => {
                let source = std::io::Error::other(other.to_string());
                self.shared.fail("write out journal", &self.dir, &source);
                None
            }
        }
    }

    fn write_all(&mut self) -> Result<(), JournalError> {
        let mut idle_looks = 0;
        loop {
            // Read before looking: what was committed before closing is seen below.
            let is_closing = self.shared.is_closing.load(Ordering::Acquire);
            if self.write_batch()? || self.enter_next()? {
                idle_looks = 0;
            } else if is_closing {
                return Ok(());
            } else {
                self.wait(idle_looks);
                idle_looks = idle_looks.saturating_add(1);
            }
        }
    }

    /// Writes what was committed since. Returns whether there was anything.
    fn write_batch(&mut self) -> Result<bool, JournalError> {
        let before = self.current.reader.committed().len();
        let records = self.current.reader.look(BATCH_BYTES);
        if records == 0 {
            return Ok(false);
        }
        let committed = self.current.reader.committed();
        self.current.disk.write(committed, &mut self.buffer)?;
        self.sequence += records;
        let written = &self.shared.written;
        written.batches.fetch_add(1, Ordering::Relaxed);
        written.bytes.fetch_add((committed.len() - before) as u64, Ordering::Relaxed);
        self.shared.durable.0.store(self.sequence, Ordering::Release);
        Ok(true)
    }

    /// Goes to the next segment, when the writer has begun it.
    fn enter_next(&mut self) -> Result<bool, JournalError> {
        if self.next.is_none() {
            self.next = self.begun.try_recv().ok();
        }
        let has_begun = self.next.as_mut().is_some_and(|next| next.reader.look_for_header());
        // The last records of this one were committed before that header: look once more.
        if !has_begun || self.write_batch()? {
            return Ok(has_begun);
        }
        let Some(mut next) = self.next.take() else { return Ok(false) };
        next.disk.write(next.reader.committed(), &mut self.buffer)?;
        next.disk = next.disk.put_in_place()?;
        let dir = File::open(&self.dir)
            .map_err(|source| JournalError::io("open journal", &self.dir, source))?;
        sync_dir(&dir, &self.dir)?;
        let Prepared { number, reader, .. } = std::mem::replace(&mut self.current, next);
        // Nobody takes it when the journal is being closed; the memory goes with its directory.
        drop(self.drained.send(Drained { number, reader }));
        Ok(true)
    }

    fn wait(&self, looks: u32) {
        if self.idle == Idle::Spin || looks < SPINS {
            core::hint::spin_loop();
        } else if looks < SPINS + YIELDS {
            thread::yield_now();
        } else {
            thread::sleep(SLEEP);
        }
    }
}
