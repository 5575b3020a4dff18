//! Which channel of the feed a datagram came by.
//!
//! Live, the session says what comes by each group. Of a capture it can be found out: what protocol
//! each group carries, and of each stream the first group seen is line A.

use std::net::SocketAddrV4;
use std::path::PathBuf;

use tezi_feed_handler::Line;
use tezi_feed_handler::capture::{CaptureError, CaptureReader};
use tezi_feed_handler::feed::{Channel, Protocol, Recogniser, Verdict};
use tezi_feed_handler::wire::{bse_eobi, mold_udp64, nse_mtbt};
use tezi_model::Segment;
use tezi_receive::{GROUP_NONE, Received};

use crate::error::Error;
use crate::mapped::MappedFile;

/// Where a datagram belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    /// To this channel.
    On(Channel),
    /// To no group of the feed.
    Foreign,
    /// To a third group of its stream.
    Third,
}

/// Finds the channel of a datagram.
pub(crate) enum Placement {
    /// By its group: what a session names.
    Groups(Vec<(SocketAddrV4, Channel)>),
    /// By what is in it.
    Found(LineFinder),
}

impl Placement {
    /// What comes by each group is known.
    pub(crate) fn of_groups(groups: impl IntoIterator<Item = (SocketAddrV4, Channel)>) -> Self {
        Self::Groups(groups.into_iter().collect())
    }

    #[inline]
    pub(crate) fn place(&mut self, packet: &Received<'_>) -> Placed {
        match self {
            Self::Groups(groups) => {
                let known = if packet.group == GROUP_NONE {
                    groups.iter().find(|(group, _)| *group == packet.destination)
                } else {
                    groups.get(usize::from(packet.group))
                };
                known.map_or(Placed::Foreign, |&(_, channel)| Placed::On(channel))
            }
            Self::Found(finder) => finder.place(packet.payload, packet.destination),
        }
    }
}

/// A stream of a capture, and the groups it was seen on, in order.
struct SeenStream {
    key: u64,
    is_snapshot: bool,
    groups: [Option<SocketAddrV4>; 2],
}

/// Finds lines by the streams of a protocol.
pub(crate) struct LineFinder {
    protocol: Protocol,
    /// What the groups of the capture carry, as far as was found out.
    groups: Vec<(SocketAddrV4, Verdict)>,
    seen: Vec<SeenStream>,
    /// The stream of the last datagram.
    recent: usize,
}

/// Streams told apart; of the rest nothing is known, and they are left out.
const STREAMS_MAX: usize = 4_096;

impl LineFinder {
    pub(crate) const fn new(protocol: Protocol, groups: Vec<(SocketAddrV4, Verdict)>) -> Self {
        Self { protocol, groups, seen: Vec::new(), recent: 0 }
    }

    fn place(&mut self, payload: &[u8], destination: SocketAddrV4) -> Placed {
        let verdict = self.groups.iter().find(|(group, _)| *group == destination);
        let mut is_snapshot = false;
        if let Some((_, Verdict::Is(known))) = verdict {
            if known.protocol != self.protocol {
                return Placed::Foreign;
            }
            is_snapshot = known.channel == Some(bse_eobi::Channel::Snapshot);
        }
        let channel = if is_snapshot { Channel::Snapshot } else { Channel::Line };
        let protocol = self.protocol;
        // What is of no stream has no line; line A's decoder says what is wrong with it.
        let Some(key) = stream_of(protocol, payload) else { return Placed::On(channel(Line::A)) };
        let Some(stream) = self.stream(key, is_snapshot) else { return Placed::Foreign };
        for line in Line::BOTH {
            match &mut stream.groups[line.index()] {
                Some(group) if *group == destination => return Placed::On(channel(line)),
                Some(_) => {}
                // Of something else on another group the third byte is no stream: it takes no
                // line's place.
                None if !is_of(protocol, payload) => return Placed::On(channel(Line::A)),
                free => {
                    *free = Some(destination);
                    return Placed::On(channel(line));
                }
            }
        }
        if self.protocol.is_by_level() {
            // Pictures need no order between lines: an older one is dropped whoever brings it.
            return Placed::On(Channel::Line(Line::B));
        }
        Placed::Third
    }

    /// The stream of a key, made known when it is new.
    fn stream(&mut self, key: u64, is_snapshot: bool) -> Option<&mut SeenStream> {
        let is_it = |one: &SeenStream| one.key == key && one.is_snapshot == is_snapshot;
        if !self.seen.get(self.recent).is_some_and(is_it) {
            self.recent = match self.seen.iter().position(is_it) {
                Some(known) => known,
                None if self.seen.len() < STREAMS_MAX => {
                    self.seen.push(SeenStream { key, is_snapshot, groups: [None; 2] });
                    self.seen.len() - 1
                }
                None => return None,
            };
        }
        self.seen.get_mut(self.recent)
    }
}

/// What numbers its datagrams by itself, and so may have two lines; `None` when the datagram is too
/// short or otherwise not of the protocol.
fn stream_of(protocol: Protocol, payload: &[u8]) -> Option<u64> {
    match protocol {
        // MTBT 6.7, chapter 3: the stream number is the second field of the header.
        Protocol::NseMtbt => payload.get(2).map(|&number| u64::from(number)),
        Protocol::BseEobi => {
            let packet = bse_eobi::packet(payload).ok()?;
            Some(u64::from(packet.header.market_segment_id.get().cast_unsigned()))
        }
        Protocol::MoldItch => {
            let packet = mold_udp64::decode(payload).ok()?;
            let fold = |hash: u64, byte: &u8| hash.wrapping_mul(0x100_0000_01B3) ^ u64::from(*byte);
            Some(packet.session().iter().fold(0, fold))
        }
        Protocol::NseBroadcast | Protocol::BseNfcast => Some(0),
    }
}

/// Whether a datagram that may name a stream is of the protocol indeed.
fn is_of(protocol: Protocol, payload: &[u8]) -> bool {
    protocol != Protocol::NseMtbt || matches!(nse_mtbt::messages(payload).next(), Some(Ok(_)))
}

/// What a capture holds.
#[derive(Clone, Debug)]
pub(crate) struct CaptureContents {
    /// The protocol its groups carry; `None` when none was recognised.
    pub(crate) protocol: Option<Protocol>,
    /// The segment, where the datagrams say it.
    pub(crate) segment: Option<Segment>,
    /// What each group carries.
    pub(crate) groups: Vec<(SocketAddrV4, Verdict)>,
}

/// Datagrams looked at, over all groups of a file.
const LOOK_MAX: usize = 20_000;
/// Datagrams of each group.
const LOOK_EACH: u32 = 64;
/// Groups told apart.
const GROUPS_MAX: usize = 256;

/// Refuses what is no capture, and finds out what the beginning of the captures is of. Nobody has to
/// tell what is `asked` for.
pub(crate) fn recognise_captures(
    paths: &[PathBuf],
    files: &[MappedFile],
    asked: Option<Protocol>,
) -> Result<CaptureContents, Error> {
    let mut recogniser = Recogniser::new(GROUPS_MAX, LOOK_EACH);
    for (path, file) in paths.iter().zip(files) {
        let capture = |source: CaptureError| Error::Capture { path: path.clone(), source };
        let mut reader = CaptureReader::new(file.bytes()).map_err(capture)?;
        for _ in 0..LOOK_MAX {
            // A capture that ends early is told when it is read to there.
            let Some(Ok(udp)) = reader.next_udp() else { break };
            recogniser.on_datagram(udp.packet.destination, udp.packet.payload);
        }
    }
    let groups: Vec<_> = recogniser.groups().collect();
    let known = |verdict: &Verdict| match verdict {
        Verdict::Is(known) => Some(*known),
        Verdict::Unknown | Verdict::Ambiguous(_) => None,
    };
    let count = |protocol: Protocol| {
        let recognised = groups.iter().filter_map(|(_, verdict)| known(verdict));
        recognised.filter(|known| known.protocol == protocol).count()
    };
    // Of several, the one that most groups carry, and of those the first.
    let present = Protocol::ALL.into_iter().filter(|&it| count(it) > 0);
    let protocol = asked.or(present.rev().max_by_key(|&it| count(it)));
    let mut recognised = groups.iter().filter_map(|(_, verdict)| known(verdict));
    let of_protocol = recognised.find(|known| Some(known.protocol) == protocol);
    let segment = of_protocol.and_then(|known| known.segment);
    if protocol.is_none()
        && asked.is_none()
        && let Some((group, Verdict::Ambiguous(candidates))) =
            groups.iter().find(|(_, verdict)| matches!(verdict, Verdict::Ambiguous(_)))
    {
        let names: Vec<_> = candidates.iter().map(|it| it.protocol.name()).collect();
        let names = names.join(" or ");
        return Err(Error::Parameter(format!("what comes by {group} may be {names}: say which")));
    }
    Ok(CaptureContents { protocol, segment, groups })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    use tezi_feed_handler::wire::nse_mtbt::encode_heartbeat;

    const A: Placed = Placed::On(Channel::Line(Line::A));
    const B: Placed = Placed::On(Channel::Line(Line::B));

    fn group(last: u8) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::new(239, 0, 0, last), 1)
    }

    fn mtbt() -> LineFinder {
        LineFinder::new(Protocol::NseMtbt, Vec::new())
    }

    fn place(finder: &mut LineFinder, stream: u8, last: u8) -> Placed {
        finder.place(&encode_heartbeat(stream, 1), group(last))
    }

    #[test]
    fn of_each_stream_the_first_group_is_line_a() {
        let mut finder = mtbt();
        let seen = [(1, 5), (1, 6), (2, 6), (1, 5), (2, 5), (1, 7)];
        let placed = seen.map(|(stream, last)| place(&mut finder, stream, last));
        assert_eq!(placed, [A, B, A, A, B, Placed::Third]);
    }

    #[test]
    fn another_protocol_takes_no_lines_place() {
        let mut finder = mtbt();
        for payload in [&[9, 9, 1, 9, 9][..], &[], &[38, 0, 1]] {
            assert_eq!(finder.place(payload, group(8)), A);
        }
        assert_eq!([5, 6, 8].map(|last| place(&mut finder, 1, last)), [A, B, Placed::Third]);
    }

    #[test]
    fn a_group_known_to_carry_another_protocol_is_left_out() {
        let mold = [b"20191230A ".as_slice(), &1_u64.to_be_bytes(), &[0, 0]].concat();
        let mut recogniser = Recogniser::new(4, 4);
        recogniser.on_datagram(group(9), &mold);
        let mut finder = LineFinder::new(Protocol::NseMtbt, recogniser.groups().collect());
        assert_eq!(finder.place(&mold, group(9)), Placed::Foreign);
        assert_eq!(place(&mut finder, 1, 5), A);
    }

    #[test]
    fn groups_asked_for_are_the_only_ones_taken() {
        let channels = [(group(9), Channel::Line(Line::A)), (group(8), Channel::Line(Line::B))];
        let mut placement = Placement::of_groups(channels);
        let packet = |last| Received {
            payload: &[],
            source: group(1),
            destination: group(last),
            group: GROUP_NONE,
            time: tezi_model::Nanos(1),
            stamp: tezi_receive::Stamp::Capture,
            is_truncated: false,
        };
        let placed = [8, 9, 5].map(|last| placement.place(&packet(last)));
        assert_eq!(placed, [B, A, Placed::Foreign]);
        assert_eq!(placement.place(&Received { group: 1, ..packet(5) }), B);
    }
}
