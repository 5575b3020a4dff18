//! Classic pcap: microseconds or nanoseconds, either byte order.
//!
//! Source: draft-ietf-opsawg-pcap, "PCAP Capture File Format".
//!
//! ```text
//! file   | magic 4 | major 2 | minor 2 | reserved 8 | snaplen 4 | link type 4 |
//! record | seconds 4 | fraction 4 | captured length 4 | original length 4 | data |
//! ```

use tezi_model::Nanos;

use super::error::CaptureError;
use super::frame::LinkType;
use super::record::{ByteOrder, RECORD_SIZE_MAX, Record, Step};

pub(super) const FILE_HEADER_SIZE: usize = 24;
const RECORD_HEADER_SIZE: usize = 16;

/// What the file header says about the records.
#[derive(Clone, Copy, Debug)]
pub(super) struct PcapFile {
    link_type: LinkType,
    order: ByteOrder,
    /// Nanoseconds in one unit of a record's sub-second field.
    fraction_ns: i64,
}

impl PcapFile {
    /// The byte order and the unit that a magic number stands for; `None` when it is not pcap's.
    pub(super) const fn recognise(magic: [u8; 4]) -> Option<(ByteOrder, i64)> {
        match u32::from_le_bytes(magic) {
            0xA1B2_C3D4 => Some((ByteOrder::Little, 1_000)),
            0xA1B2_3C4D => Some((ByteOrder::Little, 1)),
            0xD4C3_B2A1 => Some((ByteOrder::Big, 1_000)),
            0x4D3C_B2A1 => Some((ByteOrder::Big, 1)),
            _ => None,
        }
    }

    /// Reads the file header behind a magic number.
    ///
    /// # Errors
    ///
    /// [`CaptureError::TruncatedHeader`], [`CaptureError::UnsupportedLinkType`].
    pub(super) fn begin(
        (order, fraction_ns): (ByteOrder, i64),
        bytes: &[u8],
    ) -> Result<Self, CaptureError> {
        let Some([_, _, _, _, _, code]) = order.words(bytes) else {
            return Err(CaptureError::TruncatedHeader { size: bytes.len() });
        };
        let link_type = LinkType::from_code(code);
        let link_type = link_type.ok_or(CaptureError::UnsupportedLinkType { code })?;
        Ok(Self { link_type, order, fraction_ns })
    }

    /// The record that `rest` begins with. `index` and `offset` are for the error.
    ///
    /// # Errors
    ///
    /// [`CaptureError::ImpossibleRecordLength`].
    #[inline]
    pub(super) fn step(&self, rest: &[u8], index: u64, offset: u64) -> Result<Step, CaptureError> {
        let Some([seconds, fraction, captured, original]) = self.order.words(rest) else {
            return Ok(Step::Need(RECORD_HEADER_SIZE));
        };
        let length = captured as usize;
        if length > RECORD_SIZE_MAX {
            return Err(CaptureError::ImpossibleRecordLength { index, offset, length });
        }
        let size = RECORD_HEADER_SIZE + length;
        if rest.len() < size {
            return Ok(Step::Need(size));
        }
        let time = i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * self.fraction_ns;
        Ok(Step::Packet(Record {
            time: Nanos(time),
            link_type: Some(self.link_type),
            data_offset: RECORD_HEADER_SIZE,
            data_size: length,
            original_length: original as usize,
            size,
        }))
    }
}
