//! What feed a capture holds: its protocol, segment and lines, as far as the session leaves them open.

use tezi_feed_handler::feed::{FeedConfig, Protocol as PacketProtocol};

use super::placement::{LineFinder, Placement, recognise_captures};
use crate::error::Error;
use crate::mapped::MappedFile;
use crate::session::{CaptureSession, Protocol};

/// The feed of a capture.
pub(crate) struct FoundFeed {
    pub(crate) config: FeedConfig,
    pub(crate) placement: Placement,
    /// What the user should know of how it was found.
    pub(crate) note: Option<String>,
}

/// Takes what the session says, and finds out the rest. What is not to be recognised is taken for
/// MTBT, whose decoder then says what is wrong with it.
pub(crate) fn find_feed(
    session: &CaptureSession,
    files: &[MappedFile],
) -> Result<FoundFeed, Error> {
    let asked = match session.protocol {
        Protocol::Packets(protocol) => Some(protocol),
        Protocol::Auto | Protocol::Dbn | Protocol::Itch(_) => None,
    };
    let contents = recognise_captures(&session.files, files, asked)?;
    let protocol = asked.or(contents.protocol).unwrap_or(PacketProtocol::NseMtbt);
    let is_guess = asked.is_none() && contents.protocol.is_none();
    let note = is_guess.then(|| {
        format!("no protocol was recognised in the packets; they were read as {protocol}")
    });
    let possible = protocol.segments();
    let said = contents.segment.filter(|segment| possible.contains(segment));
    let Some(segment) = session.segment.or(said).or(possible.first().copied()) else {
        return Err(Error::Parameter(format!("no segment has a feed by {protocol}")));
    };
    let mut config = FeedConfig::new(protocol, segment);
    config.session_date = session.date;
    let placement = if session.groups.is_empty() {
        Placement::Found(LineFinder::new(protocol, contents.groups))
    } else {
        Placement::of_groups(session.groups.iter().copied())
    };
    Ok(FoundFeed { config, placement, note })
}
