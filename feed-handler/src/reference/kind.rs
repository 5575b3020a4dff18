//! The kinds of reference file, and how to tell them apart by content.

use core::fmt;

use super::loader::lines;

/// A kind of reference file.
///
/// The order is the precedence in a merge: of what two files say of an instrument, the smaller
/// kind's word counts. The exchange's own trading masters come first, then its public ones, then
/// what is a by-product, and a third party's copy last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// `contract.txt`: NSE F&O contracts (NNF F&O 9.48, appendix).
    Contract,
    /// `security.txt`: NSE cash instruments (NNF CM 6.3, appendix).
    Security,
    /// `spd_contract.txt`: NSE F&O spreads (NNF F&O 9.48, spread master).
    SpreadContract,
    /// `NSE_FO_contract_ddmmyyyy.csv`: the public form of `contract.txt`.
    MiiContract,
    /// `NSE_CM_security_ddmmyyyy.csv`: the public form of `security.txt`.
    MiiSecurity,
    /// `BhavCopy_…csv`: a day's prices in the unified format (UDiFF), all segments.
    Bhavcopy,
    /// `fo_contract_stream_info.csv` and its like: which stream carries what (MTBT 6.7, chapter 5).
    StreamInfo,
    /// Instruments of an exchange as a broker gives them out.
    BrokerMaster,
}

impl FileKind {
    /// Every kind, by precedence.
    pub const ALL: [Self; 8] = [
        Self::Contract,
        Self::Security,
        Self::SpreadContract,
        Self::MiiContract,
        Self::MiiSecurity,
        Self::Bhavcopy,
        Self::StreamInfo,
        Self::BrokerMaster,
    ];

    /// A name for programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Security => "security",
            Self::SpreadContract => "spread_contract",
            Self::MiiContract => "mii_contract",
            Self::MiiSecurity => "mii_security",
            Self::Bhavcopy => "bhavcopy",
            Self::StreamInfo => "stream_info",
            Self::BrokerMaster => "broker_master",
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Lines looked at to tell a contract file from a spread file, so that one that is cut short does
/// not decide.
const LINES_LOOKED_AT: usize = 16;

/// Separators in a line that only a contract can have: it has 69 fields, a spread 29.
const CONTRACT_SEPARATORS: usize = 40;

/// The kind of a file's text, unwrapped; `None` when it is none that is known.
#[must_use]
pub fn detect(text: &[u8]) -> Option<FileKind> {
    let mut lines = lines(text).map(|(_, line)| line);
    let header = lines.next()?;
    if header.starts_with(b"NEATCM|") {
        return Some(FileKind::Security);
    }
    if header.starts_with(b"NEAT") && header.contains(&b'|') {
        let separators = |line: &[u8]| line.iter().filter(|&&byte| byte == b'|').count();
        let most = lines.take(LINES_LOOKED_AT).map(separators).max().unwrap_or(CONTRACT_SEPARATORS);
        let is_contract = most >= CONTRACT_SEPARATORS;
        return Some(if is_contract { FileKind::Contract } else { FileKind::SpreadContract });
    }
    let has =
        |name: &[u8]| header.split(|&byte| byte == b',').any(|field| field.trim_ascii() == name);
    if has(b"FinInstrmId") {
        return if has(b"TradDt") {
            Some(FileKind::Bhavcopy)
        } else if has(b"StrkPric") {
            Some(FileKind::MiiContract)
        } else {
            has(b"SctySrs").then_some(FileKind::MiiSecurity)
        };
    }
    if has(b"Token") && has(b"LotSize") && has(b"TickSize") {
        return Some(FileKind::BrokerMaster);
    }
    is_stream_info(header, lines.next()).then_some(FileKind::StreamInfo)
}

/// A time and a count, and then a contract or a pair, if anything.
fn is_stream_info(header: &[u8], first: Option<&[u8]>) -> bool {
    let digits = |field: &&[u8]| !field.is_empty() && field.iter().all(u8::is_ascii_digit);
    let fields: Vec<&[u8]> = header.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).collect();
    matches!(fields[..], [time, count] | [time, count, b""] if digits(&time) && digits(&count))
        && first.is_none_or(|line| line.starts_with(b"C,") || line.starts_with(b"P,"))
}
