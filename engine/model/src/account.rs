//! Accounts: for whom orders are, and what the exchange is told of that.
//!
//! An account is declared by one line of text, `NAME=pro` or `NAME=client:CODE`, with `,participant:CODE`
//! and `,pan:PAN` behind it. The line is what a command line, a settings file and a journal hold, so that
//! all three say the same.

use core::fmt;

use bytemuck::{Pod, Zeroable};

/// An account among those declared, from 1; [`AccountId::NONE`] is that of the order session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct AccountId(pub u8);

impl AccountId {
    /// No account declared: orders carry what the order session is configured with.
    pub const NONE: Self = Self(0);

    /// Whether this names no declared account.
    #[inline]
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Its place among the accounts, from 0; `None` for [`AccountId::NONE`].
    #[inline]
    #[must_use]
    pub const fn index(self) -> Option<usize> {
        match self.0 {
            0 => None,
            number => Some(number as usize - 1),
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Bytes of an account's name.
const NAME_MAX: usize = 32;
/// Characters of a client's code, of a participant's and of a PAN (NNF F&O, `MS_OE_REQUEST_TR`).
const CLIENT_MAX: usize = 10;
const PARTICIPANT_MAX: usize = 12;
const PAN_SIZE: usize = 10;

/// The line that declares an account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccountDefinition {
    bytes: [u8; Self::BYTES_MAX],
    length: u8,
}

/// Why a line declares no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountError {
    /// Not `NAME=…`, or a name not of 1 to 32 lower-case letters, digits, `-` or `_`.
    Name,
    /// Neither `pro` nor `client:CODE` first behind the name.
    Kind,
    /// A word behind that is neither `participant:CODE` nor `pan:PAN`, or comes twice.
    Word,
    /// A client's code not of 1 to 10 letters, digits, `-`, `_`, `/` or `.`.
    Client,
    /// A participant's code not of 1 to 12 of them.
    Participant,
    /// A PAN not of ten letters, digits or `_`.
    Pan,
    /// A client without a PAN.
    NoPan,
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Name => {
                "an account is NAME=pro or NAME=client:CODE, its name 1 to 32 lower-case letters, digits, - or _"
            }
            Self::Kind => "behind the name stands pro, or client:CODE",
            Self::Word => "behind that there are participant:CODE and pan:PAN, once each",
            Self::Client => "a client's code has 1 to 10 letters, digits, -, _, / or .",
            Self::Participant => "a participant's code has 1 to 12 letters, digits, -, _, / or .",
            Self::Pan => "a PAN has ten letters or digits; PAN_EXEMPT is one",
            Self::NoPan => "a client needs its pan:PAN; pan:PAN_EXEMPT where it has none",
        })
    }
}

impl core::error::Error for AccountError {}

impl AccountDefinition {
    /// The longest line, in bytes: every part at its longest fits.
    pub const BYTES_MAX: usize = 96;

    /// Reads a line.
    ///
    /// # Errors
    ///
    /// [`AccountError`] names the first part that cannot be.
    pub fn parse(text: &str) -> Result<Self, AccountError> {
        let (name, rest) = text.split_once('=').ok_or(AccountError::Name)?;
        let is_plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        };
        if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(is_plain) {
            return Err(AccountError::Name);
        }
        let mut words = rest.split(',');
        let kind = words.next().unwrap_or_default();
        let is_client = match kind.strip_prefix("client:") {
            Some(code) if is_code(code, CLIENT_MAX) => true,
            Some(_) => return Err(AccountError::Client),
            None if kind == "pro" => false,
            None => return Err(AccountError::Kind),
        };
        let (mut has_participant, mut has_pan) = (false, false);
        for word in words {
            let (is_again, is_right, error) = if let Some(code) = word.strip_prefix("participant:")
            {
                let is_again = core::mem::replace(&mut has_participant, true);
                (is_again, is_code(code, PARTICIPANT_MAX), AccountError::Participant)
            } else if let Some(pan) = word.strip_prefix("pan:") {
                let is_pan = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                let is_right = pan.len() == PAN_SIZE && pan.bytes().all(is_pan);
                (core::mem::replace(&mut has_pan, true), is_right, AccountError::Pan)
            } else {
                return Err(AccountError::Word);
            };
            if is_again {
                return Err(AccountError::Word);
            }
            if !is_right {
                return Err(error);
            }
        }
        if is_client && !has_pan {
            return Err(AccountError::NoPan);
        }
        let mut bytes = [0; Self::BYTES_MAX];
        let place = bytes.get_mut(..text.len()).ok_or(AccountError::Name)?;
        place.copy_from_slice(text.as_bytes());
        Ok(Self { bytes, length: text.len() as u8 })
    }

    /// The whole line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length.into()).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.as_str().split_once('=').map_or("", |(name, _)| name)
    }

    /// The client's code; `None` for an account of the member's own.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.word("client:")
    }

    /// The custodial participant's code, where one settles.
    #[must_use]
    pub fn participant(&self) -> Option<&str> {
        self.word("participant:")
    }

    /// The PAN; `None` for an account of the member's own that has the order session's.
    #[must_use]
    pub fn pan(&self) -> Option<&str> {
        self.word("pan:")
    }

    fn word(&self, prefix: &str) -> Option<&str> {
        let (_, rest) = self.as_str().split_once('=')?;
        rest.split(',').find_map(|word| word.strip_prefix(prefix))
    }
}

impl fmt::Debug for AccountDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

fn is_code(code: &str, length_max: usize) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/.".contains(&byte);
    (1..=length_max).contains(&code.len()) && code.bytes().all(is_plain)
}

const _: () = assert!(
    AccountDefinition::BYTES_MAX
        >= NAME_MAX
            + "=client:".len()
            + CLIENT_MAX
            + ",participant:".len()
            + PARTICIPANT_MAX
            + ",pan:".len()
            + PAN_SIZE
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart() {
        let parts = |text: &str| {
            let it = AccountDefinition::parse(text).unwrap();
            assert_eq!((it.as_str(), AccountDefinition::parse(it.as_str())), (text, Ok(it)));
            let owned = |text: Option<&str>| text.map(String::from);
            (it.name().to_string(), owned(it.client()), owned(it.participant()), owned(it.pan()))
        };
        let some = |text: &str| Some(text.to_string());
        assert_eq!(parts("own=pro"), ("own".into(), None, None, None));
        assert_eq!(parts("own-2=pro,pan:ABCDE1234F").3, some("ABCDE1234F"));
        assert_eq!(
            parts("alpha=client:C0042,pan:AAAAA0001A,participant:CUST1"),
            ("alpha".into(), some("C0042"), some("CUST1"), some("AAAAA0001A"))
        );
        let (name, client, participant) = ("n".repeat(32), "C".repeat(10), "P".repeat(12));
        let longest = format!("{name}=client:{client},participant:{participant},pan:PAN_EXEMPT");
        assert_eq!(parts(&longest), (name, Some(client), Some(participant), some("PAN_EXEMPT")));
    }

    #[test]
    fn what_declares_no_account_is_named() {
        use AccountError as E;
        let lines = [
            ("", E::Name),
            ("pro", E::Name),
            ("=pro", E::Name),
            ("Own=pro", E::Name),
            ("own=", E::Kind),
            ("own=client", E::Kind),
            ("own=client:,pan:ABCDE1234F", E::Client),
            ("own=client:C00420042004,pan:ABCDE1234F", E::Client),
            ("own=client:C 1,pan:ABCDE1234F", E::Client),
            ("own=client:C1", E::NoPan),
            ("own=pro,pan:ABCDE1234", E::Pan),
            ("own=pro,pan:ABCDE 234F", E::Pan),
            ("own=pro,pan:ABCDE1234F,pan:ABCDE1234F", E::Word),
            ("own=pro,", E::Word),
            ("own=pro,settlor:X", E::Word),
            ("own=pro,participant:", E::Participant),
            ("own=pro,participant:1234567890123", E::Participant),
        ];
        for (line, error) in lines {
            assert_eq!(AccountDefinition::parse(line), Err(error), "{line}");
        }
        let name = "n".repeat(33);
        assert_eq!(AccountDefinition::parse(&format!("{name}=pro")), Err(E::Name));
    }
}
