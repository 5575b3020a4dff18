//! What the kernel says beside a datagram: control messages (`cmsg(3)`), read as bytes.

use libc::{SCM_TIMESTAMPNS, SO_RXQ_OVFL, SOL_SOCKET};
use tezi_model::Nanos;

/// A control message's header: length with header, level, type (`struct cmsghdr`).
const HEADER_SIZE: usize = size_of::<usize>() + 8;
const _: () = assert!(HEADER_SIZE == size_of::<libc::cmsghdr>());

/// What the control messages of a datagram say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Control {
    /// When the kernel received it.
    pub(super) time: Option<Nanos>,
    /// Datagrams the socket had lost before it, modulo 2³².
    pub(super) drops: Option<u32>,
}

impl Control {
    /// Reads as far as the messages make sense.
    #[inline]
    pub(super) fn parse(mut bytes: &[u8]) -> Self {
        let mut control = Self::default();
        while let Some((length, rest)) = bytes.split_first_chunk() {
            let length = usize::from_ne_bytes(*length);
            let Some(body) = bytes.get(HEADER_SIZE..length) else { break };
            control.on_message(word(rest, 0), word(rest, 4), body);
            // The next message begins at the alignment of its header.
            bytes = bytes.get(length.next_multiple_of(align_of::<usize>())..).unwrap_or_default();
        }
        control
    }

    #[inline]
    fn on_message(&mut self, level: Option<i32>, kind: Option<i32>, body: &[u8]) {
        if level != Some(SOL_SOCKET) {
            return;
        }
        match kind {
            Some(SCM_TIMESTAMPNS) => self.time = timespec(body),
            Some(SO_RXQ_OVFL) => self.drops = word(body, 0).map(i32::cast_unsigned),
            _ => {}
        }
    }
}

/// Seconds and nanoseconds, eight bytes each.
#[inline]
fn timespec(body: &[u8]) -> Option<Nanos> {
    let (seconds, rest) = body.split_first_chunk()?;
    let seconds = i64::from_ne_bytes(*seconds);
    let nanos = i64::from_ne_bytes(*rest.first_chunk()?);
    Some(Nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos)))
}

#[inline]
fn word(bytes: &[u8], offset: usize) -> Option<i32> {
    bytes.get(offset..)?.first_chunk().map(|word| i32::from_ne_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: i32, kind: i32, body: &[u8]) -> Vec<u8> {
        let mut bytes = (HEADER_SIZE + body.len()).to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    fn both() -> Vec<u8> {
        let time: Vec<u8> = [7_i64, 9].into_iter().flat_map(i64::to_ne_bytes).collect();
        let mut bytes = message(SOL_SOCKET, SCM_TIMESTAMPNS, &time);
        bytes.extend(message(SOL_SOCKET, SO_RXQ_OVFL, &u32::MAX.to_ne_bytes()));
        bytes
    }

    #[test]
    fn time_and_drops_are_read_among_others() {
        let mut bytes = message(SOL_SOCKET, 1, b"credentials");
        bytes.extend(message(libc::IPPROTO_IP, SO_RXQ_OVFL, &[1; 4]));
        assert_eq!(Control::parse(&bytes), Control::default());
        bytes.extend(both());
        let expected = Control { time: Some(Nanos(7_000_000_009)), drops: Some(u32::MAX) };
        assert_eq!(Control::parse(&bytes), expected);
    }

    #[test]
    fn messages_cut_or_with_impossible_lengths_say_nothing() {
        let bytes = both();
        for length in 0..32 {
            assert_eq!(Control::parse(&bytes[..length]), Control::default(), "{length}");
        }
        for length in [0, 1, HEADER_SIZE - 1, 57, usize::MAX] {
            let mut bytes = bytes.clone();
            bytes[..8].copy_from_slice(&length.to_ne_bytes());
            let control = Control::parse(&bytes);
            assert_eq!(control, Control::default(), "{length}");
        }
    }
}
