//! Keeping what was received: a pcapng file beside the feed.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tezi_feed_handler::capture::PcapNgWriter;
use tezi_receive::Received;

use crate::error::Error;

/// Taken before a write reaches the file: some thousand packets.
const BUFFER_BYTES: usize = 1 << 20;

/// Writes every datagram received, with its time in nanoseconds. The first error ends it, is told
/// once, and costs the feed nothing further.
pub(crate) struct Tap {
    path: PathBuf,
    writer: Option<PcapNgWriter<BufWriter<File>>>,
    written: u64,
    fault: Option<String>,
}

impl Tap {
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let created = File::create(path)
            .map(|file| BufWriter::with_capacity(BUFFER_BYTES, file))
            .and_then(PcapNgWriter::new);
        let writer = created.map_err(|source| Error::file("create", path, source))?;
        Ok(Self { path: path.to_path_buf(), writer: Some(writer), written: 0, fault: None })
    }

    #[inline]
    pub(crate) fn write(&mut self, packet: &Received<'_>) {
        let Some(writer) = &mut self.writer else { return };
        match writer.write_udp(packet.time, packet.source, packet.destination, packet.payload) {
            Ok(()) => self.written += 1,
            Err(error) => self.fail(&error),
        }
    }

    /// Completes the file: how many packets are in it, and what went wrong.
    pub(crate) fn finish(mut self) -> (u64, Option<String>) {
        if let Some(writer) = self.writer.take()
            && let Err(error) = writer.into_inner().flush()
        {
            self.fail(&error);
        }
        (self.written, self.fault)
    }

    #[cold]
    fn fail(&mut self, error: &std::io::Error) {
        let path = self.path.display();
        self.fault = Some(format!("recording to {path} stopped: {error}"));
        self.writer = None;
    }
}
