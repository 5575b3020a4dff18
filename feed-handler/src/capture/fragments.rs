//! IPv4 fragments put together, in a table of fixed size.
//!
//! A datagram is known by source, destination, identification and protocol (RFC 791, section 3.2).
//! Its fragments may come in any order. One that contradicts what is there takes the whole datagram
//! with it, since nothing says which of the two is true; an exact copy changes nothing. What is put
//! together must also match its UDP checksum: identifications repeat within a second at high rates,
//! and pieces of two datagrams then look like one (RFC 4963).
//!
//! The table holds [`CaptureConfig::fragmented_datagrams_max`](super::CaptureConfig) datagrams of
//! 64 KiB; the oldest makes room. Time is that of the capture.

use std::net::Ipv4Addr;

use tezi_model::Nanos;

use super::datagram::{fold, sum_words};
use super::frame::{IP_HEADER_SIZE_MIN, IP_PROTOCOL_UDP, Ipv4Packet, UDP_HEADER_SIZE};
use crate::named::named_reasons;

/// The most bytes a datagram may have behind its IPv4 header.
const BODY_SIZE_MAX: usize = 65_535 - IP_HEADER_SIZE_MIN;
const SLOT_SIZE: usize = 1 << 16;
/// Fragment offsets count in these.
const UNIT_SIZE: usize = 8;
const UNIT_WORDS: usize = SLOT_SIZE / UNIT_SIZE / 64;

named_reasons! {
    /// Why a fragment, or a datagram of which some fragments came, was given up.
    FragmentFault {
        /// A fragment of TCP, ICMP, … Counted once a fragment.
        NotUdp = 0, "not_udp", "a fragment of something else than UDP";
        /// A fragment without data, or one before the last whose size is no multiple of eight.
        /// Counted once a fragment.
        Size = 1, "size", "a fragment of an impossible size";
        /// A fragment that ends beyond the longest datagram. Counted once a fragment.
        TooLong = 2, "too_long", "a fragment ends beyond the longest datagram";
        /// An exact copy; the datagram is not harmed. Counted once a fragment.
        Duplicate = 3, "duplicate", "a fragment came twice";
        /// A fragment that overlaps another; the datagram is given up. Counted once a fragment.
        Overlap = 4, "overlap", "fragments overlap";
        /// Fragments that disagree where the datagram ends; it is given up. Counted once a fragment.
        End = 5, "end", "fragments disagree where the datagram ends";
        /// Put together, but not to what the sender's checksum is of. Counted once a datagram.
        Checksum = 6, "checksum", "the UDP checksum of the whole does not match";
        /// Not complete within the time allowed. Counted once a datagram.
        TimedOut = 7, "timed_out", "fragments missing: timed out";
        /// The oldest, when the table was full. Counted once a datagram.
        Evicted = 8, "evicted", "fragments missing: made room for others";
        /// Not complete at the end of the capture. Counted once a datagram.
        Unfinished = 9, "unfinished", "fragments missing at the end of the capture";
    }
}

/// What became of fragments and of the datagrams they belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentCounters {
    /// Fragments kept toward a datagram that was not complete yet.
    pub kept: u64,
    /// Datagrams put together.
    pub reassembled: u64,
    /// What was given up, indexed by the code of the [`FragmentFault`].
    pub faults: [u64; FragmentFault::COUNT],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    identification: u16,
    protocol: u8,
}

/// A datagram of which some fragments came.
#[derive(Clone, Debug)]
struct Slot {
    /// `None`: free.
    key: Option<Key>,
    opened: Nanos,
    /// Counts the datagrams, so that the oldest is known also when times are equal.
    serial: u64,
    received: usize,
    /// Where the farthest fragment ends.
    end_seen: usize,
    /// Where the datagram ends; known from its last fragment.
    end: Option<usize>,
    /// One bit for each unit that came.
    units: [u64; UNIT_WORDS],
}

impl Slot {
    const FREE: Self = Self {
        key: None,
        opened: Nanos::ZERO,
        serial: 0,
        received: 0,
        end_seen: 0,
        end: None,
        units: [0; UNIT_WORDS],
    };
}

/// A datagram put together: which bytes of the table it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Assembled {
    pub(super) offset: usize,
    pub(super) size: usize,
}

/// The datagrams of which some fragments came.
///
/// # Invariants
///
/// - A slot's `received` is the number of bytes behind its set bits, and never above `end`.
/// - No two slots have the same key.
#[derive(Clone, Debug)]
pub(super) struct FragmentTable {
    slots: Box<[Slot]>,
    /// [`SLOT_SIZE`] bytes for each slot.
    bytes: Box<[u8]>,
    timeout_ns: i64,
    serial_next: u64,
}

impl FragmentTable {
    pub(super) fn new(datagrams_max: usize, timeout_ns: i64) -> Self {
        let count = datagrams_max.max(1);
        Self {
            slots: vec![Slot::FREE; count].into(),
            // Zeroed memory from the operating system costs nothing until it is used.
            bytes: vec![0; count * SLOT_SIZE].into(),
            timeout_ns,
            serial_next: 0,
        }
    }

    /// The bytes of all datagrams; those of one put together are there until the next fragment.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes a fragment; gives the datagram when it is the last one missing.
    ///
    /// # Errors
    ///
    /// The faults that are counted once a fragment, and [`FragmentFault::Checksum`]; all are
    /// counted here.
    pub(super) fn on_fragment(
        &mut self,
        packet: &Ipv4Packet<'_>,
        time: Nanos,
        counters: &mut FragmentCounters,
    ) -> Result<Option<Assembled>, FragmentFault> {
        let outcome = self.take(packet, time, counters);
        match outcome {
            Ok(None) => counters.kept += 1,
            Ok(Some(_)) => counters.reassembled += 1,
            Err(fault) => counters.faults[fault as usize] += 1,
        }
        outcome
    }

    /// Gives up what is not complete: the capture has ended.
    pub(super) fn finish(&mut self, counters: &mut FragmentCounters) {
        for slot in self.slots.iter_mut().filter(|slot| slot.key.is_some()) {
            slot.key = None;
            counters.faults[FragmentFault::Unfinished as usize] += 1;
        }
    }

    fn take(
        &mut self,
        packet: &Ipv4Packet<'_>,
        time: Nanos,
        counters: &mut FragmentCounters,
    ) -> Result<Option<Assembled>, FragmentFault> {
        check_alone(packet)?;
        self.expire(time, counters);
        let key = Key {
            source: packet.source,
            destination: packet.destination,
            identification: packet.identification,
            protocol: packet.protocol,
        };
        let index = match self.slots.iter().position(|slot| slot.key == Some(key)) {
            Some(index) => index,
            None => self.open(key, time, counters),
        };
        let slot = &mut self.slots[index];
        let offset = index * SLOT_SIZE;
        let buffer = &mut self.bytes[offset..offset + SLOT_SIZE];
        match slot.place(packet, buffer) {
            Ok(()) => {}
            Err(FragmentFault::Duplicate) => return Err(FragmentFault::Duplicate),
            Err(fault) => {
                slot.key = None;
                return Err(fault);
            }
        }
        debug_assert!(slot.end.is_none_or(|end| slot.received <= end), "no byte counts twice");
        if slot.end != Some(slot.received) {
            return Ok(None);
        }
        slot.key = None;
        let size = slot.received;
        if !checksum_is_right(packet, &buffer[..size]) {
            return Err(FragmentFault::Checksum);
        }
        Ok(Some(Assembled { offset, size }))
    }

    fn expire(&mut self, now: Nanos, counters: &mut FragmentCounters) {
        for slot in &mut self.slots {
            if slot.key.is_some() && now.since(slot.opened) > self.timeout_ns {
                slot.key = None;
                counters.faults[FragmentFault::TimedOut as usize] += 1;
            }
        }
    }

    /// Takes a free slot, or the oldest one.
    fn open(&mut self, key: Key, now: Nanos, counters: &mut FragmentCounters) -> usize {
        let by_age = |&(_, slot): &(usize, &Slot)| slot.key.map(|_| slot.serial);
        let oldest = self.slots.iter().enumerate().min_by_key(by_age);
        let index = oldest.map_or(0, |(index, _)| index);
        let slot = &mut self.slots[index];
        if slot.key.is_some() {
            counters.faults[FragmentFault::Evicted as usize] += 1;
        }
        *slot = Slot { key: Some(key), opened: now, serial: self.serial_next, ..Slot::FREE };
        self.serial_next += 1;
        index
    }

    /// Checks the invariants by brute force.
    #[cfg(test)]
    pub(super) fn is_consistent(&self) -> bool {
        let open: Vec<&Slot> = self.slots.iter().filter(|slot| slot.key.is_some()).collect();
        open.iter().enumerate().all(|(index, slot)| {
            let units: usize = slot.units.iter().map(|word| word.count_ones() as usize).sum();
            let missing = slot.end.map_or(0, |end| end.next_multiple_of(UNIT_SIZE) - end);
            let unique = open[..index].iter().all(|other| other.key != slot.key);
            // Of the last unit, only a part may have come.
            let (least, most) = ((units * UNIT_SIZE).saturating_sub(missing), units * UNIT_SIZE);
            unique && least <= slot.received && slot.received <= most && slot.received > 0
        })
    }
}

impl Slot {
    /// Copies a fragment to its place, unless it contradicts what is there.
    fn place(&mut self, packet: &Ipv4Packet<'_>, buffer: &mut [u8]) -> Result<(), FragmentFault> {
        let start = packet.fragment_offset;
        let end = start + packet.body.len();
        let units = start / UNIT_SIZE..end.div_ceil(UNIT_SIZE);
        let present = units.clone().filter(|unit| self.units[unit / 64] >> (unit % 64) & 1 == 1);
        let is_last = !packet.has_more_fragments;
        match present.count() {
            0 => {}
            count
                if count == units.len()
                    && buffer[start..end] == *packet.body
                    && is_last == (self.end == Some(end)) =>
            {
                return Err(FragmentFault::Duplicate);
            }
            _ => return Err(FragmentFault::Overlap),
        }
        if self.end.is_some_and(|known| is_last || known < end) || is_last && end < self.end_seen {
            return Err(FragmentFault::End);
        }
        if is_last {
            self.end = Some(end);
        }
        self.end_seen = self.end_seen.max(end);
        self.received += packet.body.len();
        for unit in units {
            self.units[unit / 64] |= 1 << (unit % 64);
        }
        buffer[start..end].copy_from_slice(packet.body);
        Ok(())
    }
}

/// Checks what a fragment says about itself.
const fn check_alone(packet: &Ipv4Packet<'_>) -> Result<(), FragmentFault> {
    let size = packet.body.len();
    if packet.protocol != IP_PROTOCOL_UDP {
        Err(FragmentFault::NotUdp)
    } else if size == 0 || packet.has_more_fragments && !size.is_multiple_of(UNIT_SIZE) {
        Err(FragmentFault::Size)
    } else if packet.fragment_offset + size > BODY_SIZE_MAX {
        Err(FragmentFault::TooLong)
    } else {
        Ok(())
    }
}

/// The UDP checksum over pseudo-header and body (RFC 768). Zero means that the sender made none;
/// a body without the whole header is refused later, by its length.
fn checksum_is_right(packet: &Ipv4Packet<'_>, body: &[u8]) -> bool {
    if body.len() < UDP_HEADER_SIZE || body[6..8] == [0, 0] {
        return true;
    }
    let length = u16::from_be_bytes([body[4], body[5]]);
    let Some(covered) = body.get(..usize::from(length)) else { return true };
    let pseudo_header = sum_words(&packet.source.octets())
        + sum_words(&packet.destination.octets())
        + u32::from(IP_PROTOCOL_UDP)
        + u32::from(length);
    fold(pseudo_header + sum_words(covered)) == 0xFFFF
}
