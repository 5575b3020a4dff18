//! gzip, member by member, with the checks of RFC 1952: header, CRC-32 and size of each.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::error::StreamFault;
use super::window::Decoded;

/// The first bytes of a member.
pub(super) const MAGIC: [u8; 2] = [0x1F, 0x8B];
const METHOD_DEFLATE: u8 = 8;
const HEADER_SIZE: usize = 10;

/// Bits of a member's flags (section 2.3.1).
const FLAG_HEADER_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;
const FLAGS_RESERVED: u8 = 0b1110_0000;

/// Decompresses a file of one member or several.
#[derive(Debug)]
pub(super) struct Gzip<'a> {
    input: &'a [u8],
    position: usize,
    is_in_member: bool,
    inflate: Decompress,
    /// Over what came out of this member, which it also counts.
    crc: Crc,
    fault: Option<StreamFault>,
}

impl<'a> Gzip<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        let inflate = Decompress::new(false);
        Self { input, position: 0, is_in_member: false, inflate, crc: Crc::new(), fault: None }
    }

    /// How many bytes of the input were taken.
    pub(super) const fn position(&self) -> usize {
        self.position
    }

    /// Decompresses the next bytes into `out`, which must not be empty.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Decoded {
        loop {
            if let Some(fault) = self.fault {
                return Decoded::Fault(fault);
            }
            if !self.is_in_member {
                if self.position == self.input.len() {
                    return Decoded::End;
                }
                self.fault = self.begin_member().err();
                continue;
            }
            let size = self.inflate(out);
            if size > 0 {
                return Decoded::Bytes(size);
            }
        }
    }

    fn begin_member(&mut self) -> Result<(), StreamFault> {
        self.position += header_size(&self.input[self.position..])?;
        self.inflate.reset(false);
        self.crc.reset();
        self.is_in_member = true;
        Ok(())
    }

    /// One call of the decoder. What it wrote before it found a fault counts.
    fn inflate(&mut self, out: &mut [u8]) -> usize {
        let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
        let rest = &self.input[self.position..];
        let status = self.inflate.decompress(rest, out, FlushDecompress::None);
        let taken = (self.inflate.total_in() - taken) as usize;
        let given = (self.inflate.total_out() - given) as usize;
        self.position += taken;
        self.crc.update(&out[..given]);
        self.fault = match status {
            Err(_) => Some(StreamFault::Corrupt),
            Ok(Status::StreamEnd) => self.end_member().err(),
            Ok(Status::Ok | Status::BufError) if taken == 0 && given == 0 => {
                Some(StreamFault::Truncated)
            }
            Ok(Status::Ok | Status::BufError) => None,
        };
        given
    }

    fn end_member(&mut self) -> Result<(), StreamFault> {
        self.is_in_member = false;
        let trailer = self.input[self.position..].first_chunk::<8>();
        let [c0, c1, c2, c3, s0, s1, s2, s3] = *trailer.ok_or(StreamFault::Truncated)?;
        self.position += 8;
        if u32::from_le_bytes([c0, c1, c2, c3]) != self.crc.sum() {
            return Err(StreamFault::Checksum);
        }
        // Both count modulo 2^32.
        let size = u32::from_le_bytes([s0, s1, s2, s3]);
        if size == self.crc.amount() { Ok(()) } else { Err(StreamFault::Size) }
    }
}

/// The size of a member's header.
fn header_size(bytes: &[u8]) -> Result<usize, StreamFault> {
    if !bytes.starts_with(&MAGIC[..bytes.len().min(2)]) {
        return Err(StreamFault::Header);
    }
    let fixed = bytes.first_chunk::<HEADER_SIZE>().ok_or(StreamFault::Truncated)?;
    let (method, flags) = (fixed[2], fixed[3]);
    if method != METHOD_DEFLATE || flags & FLAGS_RESERVED != 0 {
        return Err(StreamFault::Header);
    }
    let mut size = HEADER_SIZE;
    if flags & FLAG_EXTRA != 0 {
        let length = bytes[size..].first_chunk().ok_or(StreamFault::Truncated)?;
        size += 2 + usize::from(u16::from_le_bytes(*length));
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            let text = bytes.get(size..).ok_or(StreamFault::Truncated)?;
            let zero = text.iter().position(|&byte| byte == 0);
            size += zero.ok_or(StreamFault::Truncated)? + 1;
        }
    }
    let header = bytes.get(..size).ok_or(StreamFault::Truncated)?;
    if flags & FLAG_HEADER_CRC != 0 {
        let expected = bytes[size..].first_chunk().ok_or(StreamFault::Truncated)?;
        let mut crc = Crc::new();
        crc.update(header);
        if u16::from_le_bytes(*expected) != crc.sum() as u16 {
            return Err(StreamFault::Header);
        }
        size += 2;
    }
    Ok(size)
}
