//! The two ways in which NNF encrypts, and the plain one (FO 9.48, chapters 10 and 11).
//!
//! The existing method is one AES-256-CTR keystream per direction over everything that direction
//! ever says; the envelope carries the MD5 of the plain message. The new one is AES-256-GCM message
//! by message, the tag in the envelope. Both ends start from the same key and vector: this
//! module does what the protocol says, and the keys are fresh at every sign-on.

use core::fmt;

use aes::Aes256;
use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{AesGcm, Nonce, Tag};
use ctr::Ctr32BE;
use ctr::cipher::{KeyIvInit, StreamCipher};

use super::super::md5;
use super::super::wire::{Envelope, Secret};

type Gcm = AesGcm<Aes256, U16>;

/// How messages are guarded on a connection to a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all: MD5 only. For a simulated exchange on one's own machine.
    Plain,
    /// One AES-256-CTR keystream per direction, MD5 of the plain message.
    Existing,
    /// AES-256-GCM message by message.
    New(DynamicIvOrder),
}

/// In which order the bytes of the counting half of the vector stand. It travels as a number; the
/// published sample copies the number as an x86 machine holds it, and the text is silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DynamicIvOrder {
    /// As an x86 machine holds it.
    #[default]
    LittleEndian,
    /// As it travels.
    BigEndian,
}

/// What the router hands out for one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKeys {
    /// AES-256.
    pub key: Secret<32>,
    /// The existing method takes the first twelve bytes; the new one the first eight, as its
    /// static half, and the other eight as its counting half, big-endian.
    pub iv: Secret<16>,
    /// Authenticated with every message of the new method.
    pub additional: Secret<12>,
}

impl SessionKeys {
    /// No keys, for the plain method.
    pub const NONE: Self =
        Self { key: Secret([0; 32]), iv: Secret([0; 16]), additional: Secret([0; 12]) };
}

/// Why a packet is not what the other end sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CipherError {
    /// The MD5 of the plain message is not the envelope's.
    Checksum,
    /// The tag of the encrypted message is not the envelope's.
    Tag,
    /// The keystream is used up, after 64 GiB in one direction.
    Exhausted,
}

impl fmt::Display for CipherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Checksum => "the MD5 of the message is not the envelope's",
            Self::Tag => "the tag of the message is not the envelope's",
            Self::Exhausted => "the keystream of this direction is used up",
        })
    }
}

impl core::error::Error for CipherError {}

/// Which end of the connection this is: the vectors count up from member to exchange and down the
/// other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum End {
    Member,
    Exchange,
}

/// Both directions of one connection.
pub(in super::super) struct Cipher {
    method: Method,
}

// One of them exists a session, and its size is what its keys take.
#[expect(clippy::large_enum_variant, reason = "one a session, never moved")]
enum Method {
    Plain,
    Stream { out: Ctr32BE<Aes256>, back: Ctr32BE<Aes256> },
    Gcm(Messages),
}

struct Messages {
    gcm: Gcm,
    static_iv: [u8; 8],
    additional: [u8; 12],
    order: DynamicIvOrder,
    out: i64,
    out_step: i64,
    back: i64,
}

impl Cipher {
    pub(in super::super) const PLAIN: Self = Self { method: Method::Plain };

    pub(in super::super) fn new(encryption: Encryption, keys: &SessionKeys, end: End) -> Self {
        let method = match encryption {
            Encryption::Plain => Method::Plain,
            Encryption::Existing => {
                let mut block = [0; 16];
                block[..12].copy_from_slice(&keys.iv.0[..12]);
                block[15] = 2; // the block after the one that would have masked a tag
                let stream = || Ctr32BE::<Aes256>::new(&keys.key.0.into(), &block.into());
                Method::Stream { out: stream(), back: stream() }
            }
            Encryption::New(order) => {
                let [static_iv, dynamic_iv] = halves(keys.iv.0);
                let base = i64::from_be_bytes(dynamic_iv);
                let out_step = if end == End::Member { 1 } else { -1 };
                Method::Gcm(Messages {
                    gcm: Gcm::new(&keys.key.0.into()),
                    static_iv,
                    additional: keys.additional.0,
                    order,
                    out: base,
                    out_step,
                    back: base,
                })
            }
        };
        Self { method }
    }

    /// Guards a whole packet in place: its checksum, and its message encrypted.
    #[inline]
    pub(in super::super) fn seal(&mut self, packet: &mut [u8]) -> Result<(), CipherError> {
        let (envelope, message) = packet.split_at_mut(Envelope::SIZE);
        let checksum = match &mut self.method {
            Method::Plain => md5::digest(message),
            Method::Stream { out, .. } => {
                let digest = md5::digest(message);
                out.try_apply_keystream(message).map_err(|_| CipherError::Exhausted)?;
                digest
            }
            Method::Gcm(messages) => messages.seal(message)?,
        };
        envelope[CHECKSUM..].copy_from_slice(&checksum);
        Ok(())
    }

    /// Takes the guard off a whole packet in place. After an error nothing of it may be used.
    #[inline]
    pub(in super::super) fn open(&mut self, packet: &mut [u8]) -> Result<(), CipherError> {
        let (envelope, message) = packet.split_at_mut(Envelope::SIZE);
        let checksum = &envelope[CHECKSUM..];
        match &mut self.method {
            Method::Plain => {}
            Method::Stream { back, .. } => {
                back.try_apply_keystream(message).map_err(|_| CipherError::Exhausted)?;
            }
            Method::Gcm(messages) => return messages.open(message, checksum),
        }
        let digest = md5::digest(message);
        if digest == *checksum { Ok(()) } else { Err(CipherError::Checksum) }
    }
}

/// Where the checksum stands in the envelope.
const CHECKSUM: usize = 6;

const _: () = assert!(core::mem::offset_of!(Envelope, checksum) == CHECKSUM);

impl Messages {
    fn seal(&mut self, message: &mut [u8]) -> Result<[u8; 16], CipherError> {
        self.out = self.out.wrapping_add(self.out_step);
        let nonce = self.nonce(self.out);
        let tag = self.gcm.encrypt_inout_detached(&nonce, &self.additional, message.into());
        tag.map(Into::into).map_err(|_| CipherError::Exhausted)
    }

    fn open(&mut self, message: &mut [u8], tag: &[u8]) -> Result<(), CipherError> {
        self.back = self.back.wrapping_sub(self.out_step);
        let nonce = self.nonce(self.back);
        let tag: [u8; 16] = tag.try_into().map_err(|_| CipherError::Tag)?;
        let tag = Tag::from(tag);
        let opened =
            self.gcm.decrypt_inout_detached(&nonce, &self.additional, message.into(), &tag);
        opened.map_err(|_| CipherError::Tag)
    }

    fn nonce(&self, dynamic: i64) -> Nonce<U16> {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.static_iv);
        nonce[8..].copy_from_slice(&match self.order {
            DynamicIvOrder::LittleEndian => dynamic.to_le_bytes(),
            DynamicIvOrder::BigEndian => dynamic.to_be_bytes(),
        });
        nonce.into()
    }
}

fn halves(iv: [u8; 16]) -> [[u8; 8]; 2] {
    let (mut first, mut second) = ([0; 8], [0; 8]);
    first.copy_from_slice(&iv[..8]);
    second.copy_from_slice(&iv[8..]);
    [first, second]
}

#[cfg(test)]
mod tests {
    use ::md5::{Digest, Md5};

    use super::*;

    fn keys() -> SessionKeys {
        SessionKeys {
            key: Secret(core::array::from_fn(|at| at as u8)),
            iv: Secret(core::array::from_fn(|at| 0xa0 + at as u8)),
            additional: Secret(core::array::from_fn(|at| 0x50 + at as u8)),
        }
    }

    fn packet(message: &[u8]) -> Vec<u8> {
        [&[0; Envelope::SIZE], message].concat()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_existing_method_is_one_keystream() {
        // OpenSSL, AES-256-GCM with its default vector length, one context, no tag.
        let plain: [Vec<u8>; 2] = [(0..0x14).collect(), (0x40..0x4d).collect()];
        let expected = ["e6197e2e41ce04b86a6c8dd80b77ced160bd4b03", "d2f6002fd84b60c137e23f4a9e"];
        let mut cipher = Cipher::new(Encryption::Existing, &keys(), End::Member);
        let mut other = Cipher::new(Encryption::Existing, &keys(), End::Exchange);
        for (plain, expected) in plain.iter().zip(expected) {
            let mut sealed = packet(plain);
            cipher.seal(&mut sealed).unwrap();
            assert_eq!(hex(&sealed[22..]), expected);
            assert_eq!(sealed[6..22], Md5::digest(plain)[..]);
            other.open(&mut sealed).unwrap();
            assert_eq!(sealed[22..], plain[..]);
        }
    }

    #[test]
    fn the_new_method_hashes_its_vector_of_sixteen_bytes() {
        // OpenSSL with that vector as given; the member counts up before it encrypts.
        for order in [DynamicIvOrder::LittleEndian, DynamicIvOrder::BigEndian] {
            let mut keys = keys();
            let [_, second] = halves(keys.iv.0);
            let dynamic = match order {
                DynamicIvOrder::LittleEndian => i64::from_le_bytes(second),
                DynamicIvOrder::BigEndian => i64::from_be_bytes(second),
            };
            keys.iv.0[8..].copy_from_slice(&(dynamic - 1).to_be_bytes());
            let mut sealed = packet(&(0..0x14).collect::<Vec<u8>>());
            Cipher::new(Encryption::New(order), &keys, End::Member).seal(&mut sealed).unwrap();
            assert_eq!(hex(&sealed[22..]), "2aa221bf1cc8cb71cb9715bae119839f9254516a");
            assert_eq!(hex(&sealed[6..22]), "287263c575655586d98f6710eb58767e");
        }
    }

    #[test]
    fn what_one_end_seals_the_other_opens_and_a_changed_bit_shows() {
        let methods = [
            Encryption::Plain,
            Encryption::Existing,
            Encryption::New(DynamicIvOrder::LittleEndian),
            Encryption::New(DynamicIvOrder::BigEndian),
        ];
        for method in methods {
            let mut member = Cipher::new(method, &keys(), End::Member);
            let mut exchange = Cipher::new(method, &keys(), End::Exchange);
            for length in 1..70_u8 {
                let plain: Vec<u8> = (0..length).collect();
                let (mut there, mut back) = (packet(&plain), packet(&plain));
                member.seal(&mut there).unwrap();
                exchange.open(&mut there).unwrap();
                exchange.seal(&mut back).unwrap();
                member.open(&mut back).unwrap();
                assert_eq!((&there[22..], &back[22..]), (&plain[..], &plain[..]));
            }
            let mut sealed = packet(b"order");
            member.seal(&mut sealed).unwrap();
            sealed[24] ^= 1;
            assert!(exchange.open(&mut sealed).is_err(), "{method:?}");
        }
    }

    #[test]
    fn a_plain_packet_has_the_published_checksum() {
        let mut message = vec![0; 40];
        message[..12].copy_from_slice(&[0x5b, 0xd2, 0, 0, 0, 0, 0x20, 0x20, 0, 0, 0x30, 0x39]);
        message[39] = 0x28;
        let mut sealed = packet(&message);
        Cipher { method: Method::Plain }.seal(&mut sealed).unwrap();
        assert_eq!(hex(&sealed[6..22]), "6040812afa0f3e7446680f96e63060d0");
    }
}
