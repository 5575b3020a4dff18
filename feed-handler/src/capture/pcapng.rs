//! pcapng: sections of blocks, each section in a byte order of its own.
//!
//! Source: draft-ietf-opsawg-pcapng, "PCAP Now Generic (pcapng) Capture File Format". Packets come
//! from enhanced, simple and old packet blocks; section headers and interface descriptions say how
//! to read them; every other block is passed over.
//!
//! ```text
//! block         | type 4 | length 4 | body, a multiple of 4 | length 4 |
//! section (SHB) | 0A0D0D0A | length | magic 4 | major 2 | minor 2 | section length 8 | options |
//! interface     | 1 | length | link type 2 | reserved 2 | snaplen 4 | options |
//! old packet    | 2 | length | interface 2 | drops 2 | time 4 + 4 | captured 4 | original 4 | data |
//! simple packet | 3 | length | original 4 | data |
//! enhanced      | 6 | length | interface 4 | time 4 + 4 | captured 4 | original 4 | data | options |
//! ```

use tezi_model::Nanos;

use super::error::{BlockFault, CaptureError};
use super::interface::{Interface, for_each_option};
use super::record::{ByteOrder, RECORD_SIZE_MAX, Record, Step};

/// The type of a section header block, the same in both byte orders: the file's magic number.
pub(super) const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE_DESCRIPTION: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;
/// Type and length in front, length behind.
const FRAMING_SIZE: usize = 12;
const BODY_OFFSET: usize = 8;
const SECTION_SIZE_MIN: usize = 28;
/// The most bytes a block may have, as in libpcap. It bounds what must be held at once.
pub(super) const BLOCK_SIZE_MAX: usize = 16 << 20;

/// The most interfaces a section may describe.
pub const INTERFACES_MAX: usize = 4_096;

/// What the blocks read so far say about those to come.
#[derive(Clone, Debug)]
pub(super) struct PcapNgFile {
    order: ByteOrder,
    /// Those of this section, in the order of their descriptions.
    interfaces: Vec<Interface>,
    /// The next block's, from 0.
    block_index: u64,
    /// Simple packets have no time and get that of the packet before.
    time_last: Nanos,
}

impl PcapNgFile {
    pub(super) const fn new() -> Self {
        Self {
            order: ByteOrder::Little,
            interfaces: Vec::new(),
            block_index: 0,
            time_last: Nanos::ZERO,
        }
    }

    /// The next block's index, from 0.
    pub(super) const fn block_index(&self) -> u64 {
        self.block_index
    }

    /// The block that `rest` begins with.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Block`] of the block at `offset`.
    #[inline]
    pub(super) fn step(&mut self, rest: &[u8], offset: u64) -> Result<Step, CaptureError> {
        let step = self.block(rest);
        if matches!(step, Ok(Step::Packet(_) | Step::Other(_))) {
            self.block_index += 1;
        }
        let index = self.block_index;
        step.map_err(|fault| CaptureError::Block { index, offset, fault })
    }

    #[inline]
    fn block(&mut self, rest: &[u8]) -> Result<Step, BlockFault> {
        let Some([block_type, _, magic]) = self.order.words(rest) else {
            return Ok(Step::Need(FRAMING_SIZE));
        };
        if block_type == SECTION_HEADER {
            self.order = section_order(self.order, magic)?;
        }
        let Some([_, length]) = self.order.words(rest) else {
            return Ok(Step::Need(FRAMING_SIZE));
        };
        let size = length as usize;
        check_length(size)?;
        let Some(block) = rest.get(..size) else {
            return Ok(Step::Need(size));
        };
        let (block, behind) = block.split_at(size - 4);
        if self.order.words(behind) != Some([length]) {
            return Err(BlockFault::LengthsDiffer);
        }
        let record = match block_type {
            ENHANCED_PACKET => self.enhanced_packet(block)?,
            SIMPLE_PACKET => self.simple_packet(block)?,
            OLD_PACKET => self.old_packet(block)?,
            SECTION_HEADER => return self.section(block).map(|()| Step::Other(size)),
            INTERFACE_DESCRIPTION => return self.interface(block).map(|()| Step::Other(size)),
            _ => return Ok(Step::Other(size)),
        };
        self.time_last = record.time;
        Ok(Step::Packet(record))
    }

    /// The order is known from the magic already. A section begins without interfaces; its length
    /// is not needed, since its blocks say where it ends.
    fn section(&mut self, block: &[u8]) -> Result<(), BlockFault> {
        let options = block.get(SECTION_SIZE_MIN - 4..).ok_or(BlockFault::LengthTooSmall)?;
        let version = block.get(12..).and_then(|bytes| self.order.halves(bytes));
        let Some([1, _]) = version else {
            return Err(BlockFault::Version);
        };
        self.interfaces.clear();
        for_each_option(self.order, options, |_, _| Ok(()))
    }

    fn interface(&mut self, block: &[u8]) -> Result<(), BlockFault> {
        if self.interfaces.len() >= INTERFACES_MAX {
            return Err(BlockFault::TooManyInterfaces);
        }
        let body = block.get(BODY_OFFSET..).unwrap_or_default();
        self.interfaces.push(Interface::parse(self.order, body)?);
        Ok(())
    }

    #[inline]
    fn enhanced_packet(&self, block: &[u8]) -> Result<Record, BlockFault> {
        let Some([_, _, interface, high, low, captured, original]) = self.order.words(block) else {
            return Err(BlockFault::LengthTooSmall);
        };
        self.timed_packet(block, interface, [high, low], [captured, original])
    }

    fn old_packet(&self, block: &[u8]) -> Result<Record, BlockFault> {
        let Some([_, _, _, high, low, captured, original]) = self.order.words(block) else {
            return Err(BlockFault::LengthTooSmall);
        };
        let [interface] =
            self.order.halves(&block[BODY_OFFSET..]).ok_or(BlockFault::LengthTooSmall)?;
        self.timed_packet(block, u32::from(interface), [high, low], [captured, original])
    }

    /// Enhanced and old packets: the data begins behind seven words in both.
    #[inline]
    fn timed_packet(
        &self,
        block: &[u8],
        interface: u32,
        [high, low]: [u32; 2],
        [captured, original]: [u32; 2],
    ) -> Result<Record, BlockFault> {
        const DATA_OFFSET: usize = 28;
        let interface =
            self.interfaces.get(interface as usize).ok_or(BlockFault::UnknownInterface)?;
        let data_size = captured as usize;
        if data_size > RECORD_SIZE_MAX || block.len() < DATA_OFFSET + data_size {
            return Err(BlockFault::CapturedLength);
        }
        let units = u64::from(high) << 32 | u64::from(low);
        Ok(Record {
            time: interface.time(units).ok_or(BlockFault::TimeRange)?,
            link_type: interface.link_type,
            data_offset: DATA_OFFSET,
            data_size,
            original_length: original as usize,
            size: block.len() + 4,
        })
    }

    /// Of the first interface, and cut to its snaplen: the block does not say where data ends and
    /// padding begins.
    fn simple_packet(&self, block: &[u8]) -> Result<Record, BlockFault> {
        const DATA_OFFSET: usize = 12;
        let Some([_, _, original]) = self.order.words(block) else {
            return Err(BlockFault::LengthTooSmall);
        };
        let interface = self.interfaces.first().ok_or(BlockFault::UnknownInterface)?;
        let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let data_size = original.min(snaplen) as usize;
        if data_size > RECORD_SIZE_MAX || block.len() < DATA_OFFSET + data_size {
            return Err(BlockFault::CapturedLength);
        }
        Ok(Record {
            time: self.time_last,
            link_type: interface.link_type,
            data_offset: DATA_OFFSET,
            data_size,
            original_length: original as usize,
            size: block.len() + 4,
        })
    }
}

/// The byte order in which the magic, read in `order`, is right.
fn section_order(order: ByteOrder, magic: u32) -> Result<ByteOrder, BlockFault> {
    let other = match order {
        ByteOrder::Little => ByteOrder::Big,
        ByteOrder::Big => ByteOrder::Little,
    };
    match magic {
        BYTE_ORDER_MAGIC => Ok(order),
        _ if magic.swap_bytes() == BYTE_ORDER_MAGIC => Ok(other),
        _ => Err(BlockFault::ByteOrderMagic),
    }
}

#[inline]
const fn check_length(size: usize) -> Result<(), BlockFault> {
    if size < FRAMING_SIZE {
        Err(BlockFault::LengthTooSmall)
    } else if !size.is_multiple_of(4) {
        Err(BlockFault::LengthUnaligned)
    } else if size > BLOCK_SIZE_MAX {
        Err(BlockFault::LengthTooLarge)
    } else {
        Ok(())
    }
}
