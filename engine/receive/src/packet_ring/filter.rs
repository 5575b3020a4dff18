//! The kernel's filter before the ring: a few instructions of classic BPF that keep UDP to our
//! addresses, so that no other traffic fills frames.
//!
//! Offsets count from the IPv4 header. Ports are left to the reader of the ring: with IP options they
//! have no fixed place.

use std::net::{Ipv4Addr, SocketAddrV4};

use libc::{BPF_ABS, BPF_B, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};
use socket2::{SockFilter, Socket};

use crate::ReceiveError;

const PROTOCOL_OFFSET: u32 = 9;
const DESTINATION_OFFSET: u32 = 16;
const UDP: u32 = 17;
/// More than any packet has: all of it.
const KEEP_ALL: u32 = u32::MAX;
/// The kernel takes 4,096 instructions; with more addresses than that everything comes up.
const ADDRESSES_MAX: usize = 2_000;

/// Attaches the filter for some groups.
pub(super) fn attach(
    socket: &Socket,
    groups: &[SocketAddrV4],
    notes: &mut Vec<String>,
) -> Result<(), ReceiveError> {
    let mut addresses: Vec<Ipv4Addr> = groups.iter().map(|group| *group.ip()).collect();
    addresses.sort();
    addresses.dedup();
    if addresses.len() > ADDRESSES_MAX {
        notes.push(format!(
            "filter of the packet ring: asked for {} addresses, got none: {ADDRESSES_MAX} is the \
             most, so all IPv4 traffic passes through the ring",
            addresses.len()
        ));
        return Ok(());
    }
    let program: Vec<SockFilter> = program(&addresses)
        .iter()
        .map(|step| SockFilter::new(step.code as u16, step.if_true, step.if_false, step.value))
        .collect();
    socket.attach_filter(&program).map_err(ReceiveError::opening(|| {
        format!("attach a filter for {} addresses to a packet socket", addresses.len())
    }))
}

/// An instruction (`struct sock_filter`); the jumps count instructions to skip.
#[derive(Clone, Copy, Debug)]
struct Instruction {
    code: u32,
    if_true: u8,
    if_false: u8,
    value: u32,
}

/// Keeps UDP to any of the addresses.
fn program(addresses: &[Ipv4Addr]) -> Vec<Instruction> {
    let step = |code, if_true, if_false, value| Instruction { code, if_true, if_false, value };
    let load = |size, offset| step(BPF_LD | size | BPF_ABS, 0, 0, offset);
    let jump = |value, if_true, if_false| step(BPF_JMP | BPF_JEQ | BPF_K, if_true, if_false, value);
    let keep = |bytes| step(BPF_RET | BPF_K, 0, 0, bytes);

    let mut program = vec![load(BPF_B, PROTOCOL_OFFSET), jump(UDP, 1, 0), keep(0)];
    program.push(load(BPF_W, DESTINATION_OFFSET));
    // An end for each address, since a jump reaches no further than 255 instructions.
    for address in addresses {
        program.extend([jump(address.to_bits(), 0, 1), keep(KEEP_ALL)]);
    }
    program.push(keep(0));
    program
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::tests::packet;

    /// The instructions the program uses, by the numbers the kernel's documentation gives them.
    fn run(program: &[Instruction], packet: &[u8]) -> u32 {
        let (mut accumulator, mut at) = (0, 0);
        loop {
            let Instruction { code, if_true, if_false, value } = program[at];
            at += 1;
            let place = value as usize;
            match code {
                0x30 => accumulator = u32::from(packet[place]),
                0x20 => {
                    let word = packet[place..].first_chunk().unwrap();
                    accumulator = u32::from_be_bytes(*word);
                }
                0x15 if accumulator == value => at += usize::from(if_true),
                0x15 => at += usize::from(if_false),
                0x06 => return value,
                other => panic!("instruction {other:#x}"),
            }
        }
    }

    #[test]
    fn udp_to_our_addresses_is_kept_and_nothing_else() {
        let ours: Vec<Ipv4Addr> = (0..300).map(|n| Ipv4Addr::from(0xEF01_0000 + n)).collect();
        let program = program(&ours);
        for (address, expected) in
            [("239.1.0.0:1", u32::MAX), ("239.1.1.43:9", u32::MAX), ("239.1.1.44:9", 0)]
        {
            let mut packet = packet("10.0.0.1:1", address, b"x");
            assert_eq!(run(&program, &packet), expected, "{address}");
            packet[9] = 6;
            assert_eq!(run(&program, &packet), 0, "TCP to {address}");
        }
    }
}
