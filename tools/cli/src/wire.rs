//! What a feed is of: protocol, segment, day, groups. Shared by what reads captures and what listens.

use std::net::SocketAddrV4;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use tezi::Protocol;
use tezi::feed_handler::Line;
use tezi::feed_handler::feed::{self, Channel};
use tezi::feed_handler::wire::itch::SessionDate;
use tezi::model::Segment;

use crate::args;
use crate::outcome::Failure;

/// What the packets or files are of.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Feed")]
pub(crate) struct WireArgs {
    /// What is in the packets or files: auto finds out, itch is raw files and needs --date
    ///
    /// mtbt (NSE tick by tick), broadcast (NSE five levels), eobi (BSE order by order), nfcast (BSE
    /// five levels), mold (NASDAQ ITCH on MoldUDP64) come in packets; dbn (Databento) and itch are
    /// files.
    #[arg(long, value_name = "PROTOCOL", default_value = "auto", value_parser = protocol_names(),
          verbatim_doc_comment)]
    pub(crate) protocol: String,
    /// The segment [default: what the packets say, or the first that the protocol has]
    #[arg(long, value_name = "SEGMENT", value_parser = segment())]
    pub(crate) segment: Option<Segment>,
    /// The day, where times on the wire have none: ITCH, NFCAST
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = session_date,
          required_if_eq("protocol", "itch"))]
    pub(crate) date: Option<SessionDate>,
    /// The group of line A [default, of a capture: of each stream the first seen]
    #[arg(long, value_name = "GROUP:PORT", value_parser = args::group)]
    pub(crate) a: Option<SocketAddrV4>,
    /// The group of line B
    #[arg(long, value_name = "GROUP:PORT", value_parser = args::group, requires = "a")]
    pub(crate) b: Option<SocketAddrV4>,
    /// The group of line A of the snapshot channel (EOBI)
    #[arg(long, value_name = "GROUP:PORT", value_parser = args::group, requires = "a")]
    pub(crate) snapshot_a: Option<SocketAddrV4>,
    /// The group of line B of the snapshot channel (EOBI)
    #[arg(long, value_name = "GROUP:PORT", value_parser = args::group, requires = "snapshot_a")]
    pub(crate) snapshot_b: Option<SocketAddrV4>,
}

/// The segments there is a feed of.
const SEGMENTS: [Segment; 8] = [
    Segment::NseFo,
    Segment::NseCm,
    Segment::NseCd,
    Segment::NseCo,
    Segment::BseFo,
    Segment::BseCm,
    Segment::BseCd,
    Segment::NasdaqUs,
];

fn segment() -> impl TypedValueParser<Value = Segment> {
    let parse = |name: String| SEGMENTS.into_iter().find(|segment| segment.name() == name);
    let names = PossibleValuesParser::new(SEGMENTS.map(Segment::name));
    names.try_map(move |name| parse(name).ok_or("no such segment"))
}

fn protocol_names() -> PossibleValuesParser {
    let packets = feed::Protocol::ALL.map(feed::Protocol::name);
    PossibleValuesParser::new(["auto"].into_iter().chain(packets).chain(["dbn", "itch"]))
}

fn session_date(text: &str) -> Result<SessionDate, &'static str> {
    SessionDate::parse(text).ok_or("a day as YYYY-MM-DD, from 2007 on, is needed")
}

impl WireArgs {
    /// The protocol asked for.
    pub(crate) fn protocol(&self) -> Protocol {
        match (feed::Protocol::parse(&self.protocol), self.protocol.as_str(), self.date) {
            (Some(packets), ..) => Protocol::Packets(packets),
            (None, "dbn", _) => Protocol::Dbn,
            (None, "itch", Some(date)) => Protocol::Itch(date),
            _ => Protocol::Auto,
        }
    }

    /// The groups named, with what comes by each.
    pub(crate) fn groups(&self) -> Result<Vec<(SocketAddrV4, Channel)>, Failure> {
        let named = [
            ("--a", self.a, Channel::Line(Line::A)),
            ("--b", self.b, Channel::Line(Line::B)),
            ("--snapshot-a", self.snapshot_a, Channel::Snapshot(Line::A)),
            ("--snapshot-b", self.snapshot_b, Channel::Snapshot(Line::B)),
        ];
        let mut groups: Vec<(SocketAddrV4, Channel)> = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for (name, group, channel) in named {
            let Some(group) = group else { continue };
            if let Some(same) = groups.iter().position(|&(other, _)| other == group) {
                return Err(Failure::Usage(format!(
                    "{} and {name} are both {group}: each channel has a group of its own",
                    names[same]
                )));
            }
            groups.push((group, channel));
            names.push(name);
        }
        Ok(groups)
    }

    /// The segment that masters without one are of.
    pub(crate) fn segment_or_default(&self) -> Segment {
        let of_protocol = feed::Protocol::parse(&self.protocol);
        let first = of_protocol.and_then(|protocol| protocol.segments().first().copied());
        self.segment.or(first).unwrap_or(Segment::NseFo)
    }
}
