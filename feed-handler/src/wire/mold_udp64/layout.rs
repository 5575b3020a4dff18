//! The layouts: each struct is the bytes it names, proven by the assertions at the end.

use bytemuck::{Pod, Zeroable};

use crate::wire::big_endian::{BeU16, BeU64};

/// The name of a session: ten characters, padded with spaces.
pub type Session = [u8; 10];

/// The count of a packet that says that nothing was sent meanwhile.
pub const COUNT_HEARTBEAT: u16 = 0;
/// The count of a packet that says that the session is over.
pub const COUNT_END_OF_SESSION: u16 = 0xFFFF;

/// Leads every downstream packet. 20 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct DownstreamHeader {
    /// The session the numbers belong to.
    pub session: Session,
    /// The number of the packet's first message; of a heartbeat or an end, the number due next.
    pub sequence_number: BeU64,
    /// Messages in the packet, or one of the two counts that say something else.
    pub message_count: BeU16,
}

/// Asks a re-request server for messages. 20 bytes, a packet of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RequestPacket {
    /// The session the numbers belong to.
    pub session: Session,
    /// The first message wanted.
    pub sequence_number: BeU64,
    /// How many are wanted. The server may answer with fewer: what fits its packet.
    pub message_count: BeU16,
}

const _: () = {
    use core::mem::offset_of;
    assert!(size_of::<DownstreamHeader>() == 20 && align_of::<DownstreamHeader>() == 1);
    assert!(offset_of!(DownstreamHeader, sequence_number) == 10);
    assert!(offset_of!(DownstreamHeader, message_count) == 18);
    assert!(size_of::<RequestPacket>() == 20 && align_of::<RequestPacket>() == 1);
    assert!(offset_of!(RequestPacket, sequence_number) == 10);
    assert!(offset_of!(RequestPacket, message_count) == 18);
};
