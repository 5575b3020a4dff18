//! A journal whose live segments are in memory, and the threads that bring it to the disk.
//!
//! The writer appends into segments on a memory file system, which no write-back ever touches, so an
//! append takes no page fault and no system call. One thread copies what was committed to the
//! segment files with writes that are on the disk when they return, and publishes how far it came;
//! another makes segments ready ahead of the writer and takes back those that were written out.
//! The memory outlives the process: after `kill -9` a reader finds the tail there, and
//! [`settle`] brings it to the disk.

mod disk;
mod keeper;
mod place;
mod settle;
mod write_out;

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, TryRecvError, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use crate::{
    DurableWatermark, JournalError, SegmentHeader,
    mapping::{WriteHalf, memory_bytes_free},
    segment::{remove_unfinished, sync_dir},
};

use self::{
    disk::DiskSegment,
    keeper::{Keeper, Prepared},
    place::Place,
    write_out::{LastSegment, WriteOutThread},
};

pub(crate) use self::{
    place::{memory_segment_path, staged_segments},
    settle::settle,
};

/// How a journal is kept in memory while it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageConfig {
    /// A directory on a memory file system (tmpfs) that outlives the process.
    pub memory_dir: PathBuf,
    /// Segments in memory, at least 2: the one that is written, those that are ready, and those
    /// that are on their way to the disk. When none is ready the writer waits, and counts it.
    pub segments: usize,
    /// What the thread that writes out does while there is nothing to write.
    pub idle: Idle,
}

impl Default for StageConfig {
    /// Four segments in `/dev/shm`, and a thread that soon sleeps.
    fn default() -> Self {
        Self { memory_dir: PathBuf::from("/dev/shm"), segments: 4, idle: Idle::Sleep }
    }
}

impl StageConfig {
    /// Whether the memory takes a journal with segments of that size, now.
    ///
    /// # Errors
    ///
    /// [`JournalError::NotInMemory`] where there is no memory file system, and
    /// [`JournalError::MemoryShort`] when it has too little left.
    pub fn check_room(&self, segment_bytes: u64) -> Result<(), JournalError> {
        let path = || self.memory_dir.clone();
        let free = memory_bytes_free(&self.memory_dir)
            .ok_or_else(|| JournalError::NotInMemory { path: path() })?;
        let needed = segment_bytes.saturating_mul(self.segments.max(2) as u64);
        if free < needed {
            return Err(JournalError::MemoryShort { path: path(), needed, free });
        }
        Ok(())
    }
}

/// What a thread does while it has nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Looks again at once: for a core of its own.
    Spin,
    /// Looks again at once for a while, then gives the core away between looks, and sleeps 100 µs
    /// at a time when nothing came for longer.
    Sleep,
}

/// How a journal's bytes reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteOut {
    /// The segment files are mapped; the operating system writes them when it likes.
    PageCache,
    /// A thread writes past the page cache (`O_DIRECT` and `O_DSYNC`).
    Direct,
    /// A thread writes through the page cache (`O_DSYNC`): the file system knows no direct writes.
    Buffered,
}

/// What went wrong on the way to the disk.
struct Fault {
    doing: &'static str,
    path: PathBuf,
    os_error: Option<i32>,
    message: String,
}

/// What the threads and the writer know of each other.
pub(crate) struct Shared {
    /// Alone in its cache lines: whoever waits for it must not slow down whoever writes.
    durable: CachePadded,
    written: Written,
    fault: OnceLock<Fault>,
    is_closing: AtomicBool,
}

/// What the thread that writes out did.
#[derive(Default)]
struct Written {
    batches: AtomicU64,
    bytes: AtomicU64,
}

#[repr(align(128))]
struct CachePadded(AtomicU64);

impl Shared {
    /// The last sequence on the disk.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.0.load(Ordering::Acquire)
    }

    /// Whether the journal no longer reaches the disk.
    pub(crate) fn has_failed(&self) -> bool {
        self.fault.get().is_some()
    }

    fn check(&self) -> Result<(), JournalError> {
        let Some(Fault { doing, path, os_error, message }) = self.fault.get() else {
            return Ok(());
        };
        let source = os_error.map_or_else(
            || std::io::Error::other(message.clone()),
            std::io::Error::from_raw_os_error,
        );
        Err(JournalError::io(doing, path, source))
    }

    fn fail(&self, doing: &'static str, path: &Path, source: &std::io::Error) {
        let (path, os_error) = (path.to_path_buf(), source.raw_os_error());
        // The first fault is the one that counts.
        drop(self.fault.set(Fault { doing, path, os_error, message: source.to_string() }));
    }
}

/// The writer's handle on the memory and the threads.
pub(crate) struct Stage {
    shared: Arc<Shared>,
    ready: Receiver<Result<(u32, WriteHalf), JournalError>>,
    /// What was taken from there ahead of the roll that needs it.
    next: Option<Result<(u32, WriteHalf), JournalError>>,
    keeper: Option<JoinHandle<()>>,
    write_out: Option<JoinHandle<Option<LastSegment>>>,
    place: Place,
    dir: PathBuf,
    is_direct: bool,
    /// Rolls that found no segment ready.
    waits: u64,
}

/// Where writing begins.
pub(crate) struct Beginning<'a> {
    pub(crate) header: &'a SegmentHeader,
    /// The bytes of the segment that are there already; empty for a new one.
    pub(crate) present: &'a [u8],
    /// The last sequence there is.
    pub(crate) sequence_last: u64,
}

impl Stage {
    /// Begins or continues the segment of `beginning`, which is on the disk when this returns.
    pub(crate) fn start(
        dir: &Path,
        lock: &File,
        config: &StageConfig,
        beginning: &Beginning<'_>,
    ) -> Result<(Self, WriteHalf), JournalError> {
        let header = beginning.header;
        let place = Place::make(dir, &config.memory_dir, header.session_id)?;
        let (first, writer) = match first_segment(dir, lock, &place, beginning) {
            Ok(made) => made,
            Err(error) => {
                place.remove();
                return Err(error);
            }
        };
        let shared = Arc::new(Shared {
            durable: CachePadded(AtomicU64::new(beginning.sequence_last)),
            written: Written::default(),
            fault: OnceLock::new(),
            is_closing: AtomicBool::new(false),
        });
        let segments = config.segments.max(2);
        let (ready_sent, ready) = sync_channel(segments);
        let (begun_sent, begun) = sync_channel(segments);
        let (drained_sent, drained) = sync_channel(segments);
        let is_direct = first.disk.is_direct();
        let keeper = Keeper {
            dir: dir.to_path_buf(),
            place: place.clone(),
            segment_bytes: header.segment_bytes,
            number_next: header.number + 1,
            unmade: segments - 1,
            shared: Arc::clone(&shared),
            ready: ready_sent,
            begun: begun_sent,
            drained,
        };
        let write_out = WriteOutThread::new(
            dir.to_path_buf(),
            config.idle,
            Arc::clone(&shared),
            first,
            begun,
            drained_sent,
        );
        let spawn_error = |source| JournalError::io("start a thread for journal", dir, source);
        let mut stage = Self {
            shared,
            ready,
            next: None,
            keeper: None,
            write_out: None,
            place,
            dir: dir.to_path_buf(),
            is_direct,
            waits: 0,
        };
        let builder = Builder::new().name("tezi-journal-out".into());
        stage.write_out = Some(builder.spawn(move || write_out.run()).map_err(spawn_error)?);
        let builder = Builder::new().name("tezi-journal".into());
        stage.keeper = Some(builder.spawn(move || keeper.run()).map_err(spawn_error)?);
        Ok((stage, writer))
    }

    /// Takes the next segment when it is ready, and its first lines into the cache, so that a roll
    /// finds both at hand. What is wrong with it the roll tells.
    pub(crate) fn look_ahead(&mut self) {
        if self.next.is_none() {
            self.next = self.ready.try_recv().ok();
        }
        if let Some(Ok((_, half))) = &self.next {
            half.touch();
        }
    }

    /// The next segment, ready to begin. Waits when the disk is behind; makes no system call when
    /// it is not.
    pub(crate) fn take(&mut self, number: u32) -> Result<WriteHalf, JournalError> {
        let mut has_waited = false;
        loop {
            self.shared.check()?;
            let next = self.next.take().map_or_else(|| self.ready.try_recv(), Ok);
            match next {
                Ok(Ok((found, writer))) => {
                    assert!(found == number, "segments are made in order");
                    return Ok(writer);
                }
                Ok(Err(error)) => return Err(error),
                Err(TryRecvError::Disconnected) => return Err(self.thread_ended()),
                Err(TryRecvError::Empty) => {
                    self.waits += u64::from(!has_waited);
                    has_waited = true;
                    std::thread::yield_now();
                }
            }
        }
    }

    /// The fault that keeps the journal from the disk, if there is one.
    pub(crate) fn check(&self) -> Result<(), JournalError> {
        self.shared.check()
    }

    pub(crate) const fn write_out(&self) -> WriteOut {
        if self.is_direct { WriteOut::Direct } else { WriteOut::Buffered }
    }

    pub(crate) const fn waits(&self) -> u64 {
        self.waits
    }

    pub(crate) fn watermark(&self) -> DurableWatermark {
        DurableWatermark::new(Arc::clone(&self.shared))
    }

    pub(crate) fn durable(&self) -> u64 {
        self.shared.durable()
    }

    /// Writes to the disk so far, and their bytes.
    pub(crate) fn written(&self) -> (u64, u64) {
        let Written { batches, bytes } = &self.shared.written;
        (batches.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed))
    }

    /// Has everything written out, cuts the last segment to the bytes used, and gives the memory
    /// back. Returns what [`Stage::written`] does at the end.
    pub(crate) fn close(mut self, lock: &File) -> Result<(u64, u64), JournalError> {
        let last = self.join();
        self.shared.check()?;
        let Some(LastSegment { disk, bytes_used }) = last else {
            return Err(self.thread_ended());
        };
        remove_unfinished(&self.dir)?;
        disk.cut(bytes_used)?;
        sync_dir(lock, &self.dir)?;
        self.place.remove();
        Ok(self.written())
    }

    /// Ends the threads, everything committed written out if the disk takes it.
    fn join(&mut self) -> Option<LastSegment> {
        self.shared.is_closing.store(true, Ordering::Release);
        let last = self.write_out.take().and_then(|thread| thread.join().ok().flatten());
        self.next = None;
        // A segment on offer would keep the other thread waiting for room.
        while self.ready.try_recv().is_ok() {}
        if let Some(thread) = self.keeper.take() {
            drop(thread.join());
        }
        last
    }

    #[cold]
    fn thread_ended(&self) -> JournalError {
        let source = std::io::Error::other("the thread that makes segments has ended");
        JournalError::io("make the next segment of journal", &self.dir, source)
    }
}

/// The segment in which writing begins, in memory and on the disk.
fn first_segment(
    dir: &Path,
    lock: &File,
    place: &Place,
    beginning: &Beginning<'_>,
) -> Result<(Prepared, WriteHalf), JournalError> {
    let Beginning { header, present, .. } = *beginning;
    let mut mapping = place.make_segment(header.number, header.segment_bytes)?;
    mapping.fill(present);
    let (mut writer, mut reader) = mapping.split(present.len());
    if present.is_empty() {
        writer.begin(&header.encode());
        reader.look_for_header();
    }
    let disk = DiskSegment::begin(dir, header, reader.committed())?;
    sync_dir(lock, dir)?;
    Ok((Prepared { number: header.number, reader, disk }, writer))
}

impl Drop for Stage {
    /// Writes everything out. The memory stays, for recovery, when the disk did not take it.
    fn drop(&mut self) {
        if self.write_out.is_none() {
            return; // closed, or never started
        }
        if self.join().is_some() && !self.shared.has_failed() {
            drop(remove_unfinished(&self.dir));
            self.place.remove();
        }
    }
}
