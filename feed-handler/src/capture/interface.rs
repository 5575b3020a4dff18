//! Interface descriptions of a pcapng file: link layer, and what a unit of time is.
//!
//! Source: draft-ietf-opsawg-pcapng, sections "Options" and "Interface Description Block".

use tezi_model::Nanos;

use super::error::BlockFault;
use super::frame::LinkType;
use super::record::ByteOrder;

const OPTION_END: u16 = 0;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How to read the packets of one interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    /// `None`: one that is not read.
    pub(super) link_type: Option<LinkType>,
    /// The most bytes kept of a packet; 0 is no limit.
    pub(super) snaplen: u32,
    unit: Unit,
    /// Added to every time.
    offset_ns: i64,
}

/// How units of time become nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// Each is this many nanoseconds.
    Nanos(u64),
    /// This many make a nanosecond.
    OfNano(u64),
    /// Two to the power of this make a second.
    Binary(u32),
}

impl Unit {
    /// Of the option's value: the power of ten or, with the highest bit set, of two that divides
    /// a second.
    fn from_option(value: u8) -> Result<Self, BlockFault> {
        let exponent = u32::from(value & 0x7F);
        match (value & 0x80 != 0, exponent) {
            (true, 0..=63) => Ok(Self::Binary(exponent)),
            (false, 0..=9) => Ok(Self::Nanos(10_u64.pow(9 - exponent))),
            (false, 10..=19) => Ok(Self::OfNano(10_u64.pow(exponent - 9))),
            _ => Err(BlockFault::TimeResolution),
        }
    }

    #[inline]
    fn nanos(self, units: u64) -> Option<u64> {
        match self {
            Self::Nanos(nanos) => units.checked_mul(nanos),
            Self::OfNano(count) => Some(units / count),
            Self::Binary(bits) => {
                u64::try_from((u128::from(units) * u128::from(NANOS_PER_SECOND)) >> bits).ok()
            }
        }
    }
}

impl Interface {
    /// Reads the body of an interface description block.
    ///
    /// # Errors
    ///
    /// [`BlockFault::LengthTooSmall`], and those of options and times.
    pub(super) fn parse(order: ByteOrder, body: &[u8]) -> Result<Self, BlockFault> {
        let [link_type, _] = order.halves(body).ok_or(BlockFault::LengthTooSmall)?;
        let [_, snaplen] = order.words(body).ok_or(BlockFault::LengthTooSmall)?;
        let (mut resolution, mut offset) = (None, None);
        for_each_option(order, &body[8..], |code, value| {
            let repeated = match code {
                IF_TSRESOL => {
                    let &[value] = value else { return Err(BlockFault::OptionLength) };
                    resolution.replace(Unit::from_option(value)?).is_some()
                }
                IF_TSOFFSET => {
                    let value = value.try_into().map_err(|_| BlockFault::OptionLength)?;
                    offset.replace(order.i64(value)).is_some()
                }
                _ => false,
            };
            if repeated { Err(BlockFault::OptionRepeated) } else { Ok(()) }
        })?;
        let offset_ns = offset.unwrap_or(0).checked_mul(NANOS_PER_SECOND as i64);
        Ok(Self {
            link_type: LinkType::from_code(u32::from(link_type)),
            snaplen,
            // Without the option the unit is a microsecond.
            unit: resolution.unwrap_or(Unit::Nanos(1_000)),
            offset_ns: offset_ns.ok_or(BlockFault::TimeOffset)?,
        })
    }

    /// The time of a packet stamped with `units`; `None` when it is out of range.
    #[inline]
    pub(super) fn time(&self, units: u64) -> Option<Nanos> {
        let nanos = i64::try_from(self.unit.nanos(units)?).ok()?;
        nanos.checked_add(self.offset_ns).map(Nanos)
    }
}

/// Visits the options of a block, up to the end of options or of the block: code and value.
///
/// # Errors
///
/// [`BlockFault::OptionLength`] when one does not fit; what `visit` refuses.
pub(super) fn for_each_option(
    order: ByteOrder,
    mut options: &[u8],
    mut visit: impl FnMut(u16, &[u8]) -> Result<(), BlockFault>,
) -> Result<(), BlockFault> {
    while !options.is_empty() {
        let [code, length] = order.halves(options).ok_or(BlockFault::OptionLength)?;
        if code == OPTION_END {
            return Ok(());
        }
        let end = 4 + usize::from(length);
        let value = options.get(4..end).ok_or(BlockFault::OptionLength)?;
        visit(code, value)?;
        options = options.get(end.next_multiple_of(4)..).ok_or(BlockFault::OptionLength)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body with these options, in little-endian order.
    fn body(options: &[u8]) -> Vec<u8> {
        [&[1, 0, 0, 0, 0xFF, 0xFF, 0, 0], options].concat()
    }

    fn time(options: &[u8], units: u64) -> Option<i64> {
        let interface = Interface::parse(ByteOrder::Little, &body(options)).unwrap();
        interface.time(units).map(|time| time.0)
    }

    fn fault(options: &[u8]) -> BlockFault {
        Interface::parse(ByteOrder::Little, &body(options)).unwrap_err()
    }

    #[test]
    fn times_are_read_in_every_unit() {
        let resolution = |value: u8| [9, 0, 1, 0, value, 0, 0, 0];
        assert_eq!(time(&[], 7), Some(7_000));
        assert_eq!(time(&resolution(0), 7), Some(7_000_000_000));
        assert_eq!(time(&resolution(3), 7), Some(7_000_000));
        assert_eq!(time(&resolution(9), 7), Some(7));
        assert_eq!(time(&resolution(12), 7_999), Some(7));
        assert_eq!(time(&resolution(19), u64::MAX), Some(1_844_674_407));
        assert_eq!(time(&resolution(0x80), 7), Some(7_000_000_000));
        assert_eq!(time(&resolution(0x81), 7), Some(3_500_000_000));
        assert_eq!(time(&resolution(0x80 | 30), 3 << 29), Some(1_500_000_000));
        assert_eq!(time(&resolution(0x80 | 63), u64::MAX), Some(1_999_999_999));
        assert_eq!(time(&resolution(9), i64::MAX as u64), Some(i64::MAX));
    }

    #[test]
    fn an_offset_moves_every_time_in_either_byte_order() {
        let negative = [14, 0, 8, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        assert_eq!(time(&negative, 5_000_000), Some(3_000_000_000));
        let big = [0, 1, 0, 0, 0, 0, 0, 64, 0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0];
        let interface = Interface::parse(ByteOrder::Big, &big).unwrap();
        assert_eq!((interface.time(1), interface.snaplen), (Some(Nanos(2_000_001_000)), 64));
        assert_eq!(interface.link_type, Some(LinkType::Ethernet));
    }

    #[test]
    fn times_out_of_range_are_refused() {
        let resolution = |value: u8| [9, 0, 1, 0, value, 0, 0, 0];
        assert_eq!(time(&resolution(9), u64::MAX), None);
        assert_eq!(time(&resolution(0), u64::MAX), None);
        assert_eq!(time(&resolution(0x80), u64::MAX), None);
        for value in [20, 127, 0x80 | 64, 0xFF] {
            assert_eq!(fault(&resolution(value)), BlockFault::TimeResolution);
        }
        let offset = [14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F];
        assert_eq!(fault(&offset), BlockFault::TimeOffset);
    }

    #[test]
    fn options_are_bounded_by_their_block() {
        assert_eq!(fault(&[9, 0]), BlockFault::OptionLength);
        assert_eq!(fault(&[2, 0, 4, 0, 1, 2]), BlockFault::OptionLength);
        assert_eq!(fault(&[2, 0, 1, 0, 1]), BlockFault::OptionLength, "no padding");
        assert_eq!(fault(&[9, 0, 2, 0, 9, 9, 0, 0]), BlockFault::OptionLength);
        assert_eq!(fault(&[14, 0, 4, 0, 9, 9, 0, 0]), BlockFault::OptionLength);
        let twice = [9, 0, 1, 0, 9, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0];
        assert_eq!(fault(&twice), BlockFault::OptionRepeated);
        // What stands behind the end of options is not looked at; an unknown one is passed over.
        assert_eq!(time(&[0, 0, 0, 0, 9], 1), Some(1_000));
        assert_eq!(
            time(&[2, 0, 3, 0, b'e', b't', b'h', 0, 9, 0, 1, 0, 6, 0, 0, 0], 1),
            Some(1_000)
        );
        for size in 0..8 {
            let short = Interface::parse(ByteOrder::Little, &body(&[])[..size]);
            assert_eq!(short, Err(BlockFault::LengthTooSmall));
        }
    }
}
