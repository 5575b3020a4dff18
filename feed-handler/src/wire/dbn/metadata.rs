//! The metadata that lead a file: what was asked for, and which symbol each instrument had when.
//!
//! ```text
//! 0      3        4       8         24      26     34   42     50 …
//! "DBN"  version  length  dataset   schema  start  end  limit  …   symbols, mappings
//! ```
//!
//! Version 1 has a record count behind the limit, later ones have the length of symbols behind
//! `ts_out`; that length is 22 in version 1. `length` counts what follows it.

use tezi_model::{Instrument, Nanos, Segment, Symbol, Token};

use super::FileError;
use super::record::TIME_UNDEFINED;

const MAGIC: &[u8; 3] = b"DBN";
const PREFIX_SIZE: usize = 8;
const DATASET_SIZE: usize = 16;
const VERSION_MAX: u8 = 3;
const SYMBOL_SIZE_V1: usize = 22;
const RESERVED_SIZE_V1: usize = 47;
const RESERVED_SIZE: usize = 53;
const SCHEMA_NONE: u16 = u16::MAX;
const SYMBOLOGY_NONE: u8 = u8::MAX;
const SYMBOLOGY_INSTRUMENT_ID: u8 = 0;

/// What leads a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// 1, 2 or 3.
    pub version: u8,
    /// The data set, `GLBX.MDP3`.
    pub dataset: String,
    /// The provider's number of the records' type, 0 for market by order; `None` when they are
    /// mixed.
    pub schema: Option<u16>,
    /// Where the time range begins, UTC, inclusive.
    pub start: Nanos,
    /// Where it ends, UTC, exclusive; `None` when it was open.
    pub end: Option<Nanos>,
    /// The most records asked for, `None` for no bound.
    pub limit: Option<u64>,
    /// The provider's number of the symbology asked in, `None` when mixed.
    pub symbology_in: Option<u8>,
    /// The provider's number of the symbology answered in, 0 for instrument ids.
    pub symbology_out: u8,
    /// Every record has the time it was sent behind it.
    pub ts_out: bool,
    /// The symbols asked for.
    pub symbols: Vec<String>,
    /// Those of them that were not found on every day.
    pub partial: Vec<String>,
    /// Those of them that were not found at all.
    pub not_found: Vec<String>,
    /// What they stood for.
    pub mappings: Vec<SymbolMapping>,
}

/// What a symbol stood for, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolMapping {
    /// The symbol asked for.
    pub raw_symbol: String,
    /// Its meanings, by date.
    pub intervals: Vec<MappingInterval>,
}

/// What a symbol stood for from one date to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingInterval {
    /// The first day, `YYYYMMDD`.
    pub start_date: u32,
    /// The day after the last, `YYYYMMDD`.
    pub end_date: u32,
    /// The symbol in the symbology answered in.
    pub symbol: String,
}

impl Metadata {
    /// The metadata of a file, and where its records begin.
    ///
    /// # Errors
    ///
    /// [`FileError::NotDbn`], [`FileError::UnsupportedVersion`], [`FileError::TruncatedMetadata`],
    /// [`FileError::SymbolLength`].
    pub fn parse(file: &[u8]) -> Result<(Self, usize), FileError> {
        let mut magic = [0; 4];
        for (to, from) in magic.iter_mut().zip(file) {
            *to = *from;
        }
        if file.first_chunk() != Some(MAGIC) {
            return Err(FileError::NotDbn { magic });
        }
        let version = magic[3];
        if version == 0 || version > VERSION_MAX {
            return Err(FileError::UnsupportedVersion { version });
        }
        let mut prefix = Fields { bytes: file, offset: MAGIC.len() + 1 };
        let length = prefix.u32()? as usize;
        prefix.take(length)?;
        // The padding of version 3 and fields of later revisions stand before the end.
        let end = PREFIX_SIZE + length;
        let fields = Fields { bytes: &file[..end], offset: PREFIX_SIZE };
        Ok((Self::parse_fields(version, fields)?, end))
    }

    fn parse_fields(version: u8, mut fields: Fields<'_>) -> Result<Self, FileError> {
        let dataset = fields.text(DATASET_SIZE)?;
        let schema = Some(fields.u16()?).filter(|&schema| schema != SCHEMA_NONE);
        let start = fields.u64()?;
        let end = Some(fields.u64()?).filter(|&end| end != TIME_UNDEFINED && end != 0);
        let limit = Some(fields.u64()?).filter(|&limit| limit != 0);
        if version == 1 {
            fields.u64()?; // the record count, no longer used
        }
        let symbology_in = Some(fields.u8()?).filter(|&code| code != SYMBOLOGY_NONE);
        let symbology_out = fields.u8()?;
        let ts_out = fields.u8()? != 0;
        let symbol_size = if version == 1 { SYMBOL_SIZE_V1 } else { usize::from(fields.u16()?) };
        if symbol_size == 0 {
            return Err(FileError::SymbolLength);
        }
        fields.take(if version == 1 { RESERVED_SIZE_V1 } else { RESERVED_SIZE })?;
        let definition_size = fields.u32()? as usize;
        fields.take(definition_size)?;
        Ok(Self {
            version,
            dataset,
            schema,
            start: nanos(start),
            end: end.map(nanos),
            limit,
            symbology_in,
            symbology_out,
            ts_out,
            symbols: fields.symbols(symbol_size)?,
            partial: fields.symbols(symbol_size)?,
            not_found: fields.symbols(symbol_size)?,
            mappings: fields.mappings(symbol_size)?,
        })
    }

    /// The segment that the data set is of, `None` for one that the model does not know.
    #[must_use]
    pub fn segment(&self) -> Option<Segment> {
        match self.dataset.as_str() {
            "GLBX.MDP3" => Some(Segment::CmeGlobex),
            "XNAS.ITCH" => Some(Segment::NasdaqUs),
            _ => None,
        }
    }

    /// The instruments that the mappings name: symbol and token, nothing else is known here. Empty
    /// when symbols were not answered as instrument ids.
    pub fn instruments(&self, segment: Segment) -> impl Iterator<Item = Instrument> {
        let mappings =
            if self.symbology_out == SYMBOLOGY_INSTRUMENT_ID { &self.mappings[..] } else { &[] };
        mappings.iter().flat_map(move |mapping| {
            mapping.intervals.iter().filter_map(move |interval| {
                let token = Token(interval.symbol.parse().ok()?);
                let symbol = Symbol::new(&mapping.raw_symbol);
                Some(Instrument { symbol, ..Instrument::unknown(segment, token) })
            })
        })
    }
}

/// Times beyond the year 2262 saturate.
fn nanos(time: u64) -> Nanos {
    Nanos(i64::try_from(time).unwrap_or(i64::MAX))
}

/// Reads fields one after the other.
struct Fields<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Fields<'a> {
    fn take(&mut self, size: usize) -> Result<&'a [u8], FileError> {
        let rest = &self.bytes[self.offset..];
        let Some(field) = rest.get(..size) else {
            let (offset, available) = (self.offset, rest.len());
            return Err(FileError::TruncatedMetadata { offset, needed: size, available });
        };
        self.offset += size;
        Ok(field)
    }

    fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], FileError> {
        let mut array = [0; SIZE];
        array.copy_from_slice(self.take(SIZE)?);
        Ok(array)
    }

    fn u8(&mut self) -> Result<u8, FileError> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16, FileError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, FileError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, FileError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Text that NULs fill up; what is not UTF-8 is replaced.
    fn text(&mut self, size: usize) -> Result<String, FileError> {
        let field = self.take(size)?;
        let length = field.iter().position(|&byte| byte == 0).unwrap_or(size);
        Ok(String::from_utf8_lossy(&field[..length]).into_owned())
    }

    /// A count that `size` bytes each follow, checked against what is there before anything is
    /// allocated for it.
    fn count(&mut self, size: usize) -> Result<usize, FileError> {
        let count = self.u32()? as usize;
        let (offset, available) = (self.offset, self.bytes.len() - self.offset);
        let needed = count.saturating_mul(size);
        if needed > available {
            return Err(FileError::TruncatedMetadata { offset, needed, available });
        }
        Ok(count)
    }

    fn symbols(&mut self, size: usize) -> Result<Vec<String>, FileError> {
        let count = self.count(size)?;
        (0..count).map(|_| self.text(size)).collect()
    }

    fn mappings(&mut self, size: usize) -> Result<Vec<SymbolMapping>, FileError> {
        let count = self.count(size + size_of::<u32>())?;
        (0..count)
            .map(|_| {
                let raw_symbol = self.text(size)?;
                let intervals = self.count(size + 2 * size_of::<u32>())?;
                let intervals =
                    (0..intervals).map(|_| self.interval(size)).collect::<Result<_, _>>();
                Ok(SymbolMapping { raw_symbol, intervals: intervals? })
            })
            .collect()
    }

    fn interval(&mut self, size: usize) -> Result<MappingInterval, FileError> {
        let (start_date, end_date) = (self.u32()?, self.u32()?);
        Ok(MappingInterval { start_date, end_date, symbol: self.text(size)? })
    }
}
