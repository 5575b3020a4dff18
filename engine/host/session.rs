//! Where a session's market comes from.

use std::net::SocketAddrV4;
use std::path::PathBuf;

use tezi_feed_handler::wire::itch::SessionDate;
use tezi_model::{Instrument, Segment};

use crate::demo::DemoConfig;

/// A market to run a strategy against.
#[derive(Clone, Debug)]
pub enum Session {
    /// The demo: generated, on two multicast lines of this machine.
    Demo(DemoSession),
    /// Captures, replayed.
    Capture(CaptureSession),
}

/// The demo and what to keep of it.
#[derive(Clone, Debug, Default)]
pub struct DemoSession {
    /// What it is made of.
    pub config: DemoConfig,
    /// Where to write what was sent, as a capture of both lines.
    pub save_pcap: Option<PathBuf>,
}

/// Captures and how to replay them.
#[derive(Clone, Debug)]
pub struct CaptureSession {
    /// The files; several (one a line, say) are merged by time.
    pub files: Vec<PathBuf>,
    /// How much faster than recorded; `None` is as fast as it goes.
    pub speed: Option<f64>,
    /// The segment they are of.
    pub segment: Segment,
    /// The groups of lines A and B; `None` finds them.
    pub groups: Option<[SocketAddrV4; 2]>,
    /// What is in the files.
    pub protocol: Protocol,
    /// Instruments known beforehand.
    pub instruments: Vec<Instrument>,
}

/// What recorded files hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Found out: DBN by its first bytes, packets of MTBT otherwise.
    #[default]
    Auto,
    /// Captured packets of NSE's MTBT.
    Mtbt,
    /// Databento's DBN, market by order, plain or compressed.
    Dbn,
    /// NASDAQ's ITCH 5.0 as raw files have it, each message behind its length. The messages do not
    /// say their day.
    Itch(SessionDate),
}

impl Session {
    /// The default demo.
    #[must_use]
    pub fn demo() -> Self {
        Self::Demo(DemoSession::default())
    }

    /// Captures of the F&O segment, as fast as they go.
    #[must_use]
    pub fn captures(files: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        Self::Capture(CaptureSession {
            files: files.into_iter().map(Into::into).collect(),
            speed: None,
            segment: Segment::NseFo,
            groups: None,
            protocol: Protocol::Auto,
            instruments: Vec::new(),
        })
    }

    /// The demo when no file is named, the captures otherwise: what an example wants of its
    /// command line.
    ///
    /// ```
    /// use tezi::Session;
    /// assert!(matches!(Session::of_files(Vec::<String>::new()), Session::Demo(_)));
    /// assert!(matches!(Session::of_files(["a.pcap"]), Session::Capture(_)));
    /// ```
    #[must_use]
    pub fn of_files(files: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        let files: Vec<PathBuf> = files.into_iter().map(Into::into).collect();
        if files.is_empty() { Self::demo() } else { Self::captures(files) }
    }
}
