//! Seeded markets as other exchanges would send them, captures of them, and what they must end in by
//! a second way of reckoning.

pub mod orders;
pub mod pictures;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

use tezi::feed_handler::capture::PcapWriter;
use tezi::model::{IST_OFFSET_NS, NSE_EPOCH_UNIX_SECONDS, Nanos, Side};

use super::Random;

/// The groups of lines A and B.
pub const LINES: [SocketAddrV4; 2] = [group(1), group(2)];
/// The groups of the snapshot channel's lines.
pub const SNAPSHOTS: [SocketAddrV4; 2] = [group(11), group(12)];

pub const fn group(last: u8) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(239, 80, 80, last), 15_000 + last as u16)
}

/// One datagram of a capture.
pub type Packet = (Nanos, SocketAddrV4, Vec<u8>);

/// A market and what must come of it.
#[derive(Clone, Debug, Default)]
pub struct Market {
    /// The datagrams of the feed itself, in order, each to be sent on both lines.
    pub datagrams: Vec<(Nanos, Vec<u8>)>,
    /// Those of the snapshot channel, where there is one.
    pub snapshots: Vec<(Nanos, Vec<u8>)>,
    /// Decoded messages, as `--decoded-csv` writes them.
    pub rows: Vec<String>,
    /// The final book, as `--book-csv` writes it.
    pub book: String,
    /// What a strategy is told of statuses and indices.
    pub told: Vec<String>,
}

impl Market {
    /// Both lines, B a little later, each losing a part of what the other brings; and the snapshot
    /// channel. What `is_lost` names, by position, comes by neither line.
    pub fn packets(&self, seed: u64, loss: f64, is_lost: impl Fn(usize) -> bool) -> Vec<Packet> {
        let mut random = Random(seed);
        let mut packets = Vec::new();
        for (index, (time, bytes)) in self.datagrams.iter().enumerate() {
            let one_lost = random.happens(loss).then(|| random.below(2) as usize);
            for (line, group) in LINES.into_iter().enumerate() {
                if one_lost != Some(line) && !is_lost(index) {
                    packets.push((time.plus(200_000 * line as i64), group, bytes.clone()));
                }
            }
        }
        for (time, bytes) in &self.snapshots {
            for (line, group) in SNAPSHOTS.into_iter().enumerate() {
                packets.push((time.plus(200_000 * line as i64), group, bytes.clone()));
            }
        }
        packets.sort_by_key(|(time, ..)| *time);
        packets
    }
}

/// Writes packets as a capture.
pub fn write_packets<'a>(path: &Path, packets: impl IntoIterator<Item = &'a Packet>) {
    let source = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 40_000);
    let mut writer = PcapWriter::new(Vec::new()).unwrap();
    for (time, group, bytes) in packets {
        writer.write_udp(*time, source, *group, bytes).unwrap();
    }
    std::fs::write(path, writer.into_inner()).unwrap();
}

/// A time as the decoded CSV writes it: milliseconds of Indian wall-clock time since 1980.
fn csv_time(time: Nanos) -> String {
    let ns = time.0 + IST_OFFSET_NS - NSE_EPOCH_UNIX_SECONDS * 1_000_000_000;
    let (whole, part) = (ns / 1_000_000, ns % 1_000_000);
    if part == 0 { whole.to_string() } else { format!("{whole}.{part:06}") }
}

/// A level by its place in the book's file: token, asks after bids, rank of the price.
type Place = (u32, bool, i64);

/// The place of a price in paise: the best of a side first.
fn place(token: u32, side: Side, price: i64) -> Place {
    (token, side == Side::Sell, -price * side.sign())
}

/// The book's file from levels: quantity and orders by place.
fn book_csv(levels: &std::collections::BTreeMap<Place, (u64, u32)>) -> String {
    let mut text = String::from("token,side,level,price_paise,qty,orders\n");
    let (mut before, mut number) = (None, 0);
    for (&(token, is_sell, rank), (quantity, orders)) in levels {
        number = if before == Some((token, is_sell)) { number + 1 } else { 1 };
        before = Some((token, is_sell));
        let (letter, price) = if is_sell { ('S', rank) } else { ('B', -rank) };
        text += &format!("{token},{letter},{number},{price},{quantity},{orders}\n");
    }
    text
}
