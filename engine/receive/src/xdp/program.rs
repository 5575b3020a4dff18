//! The program the kernel runs on each frame of the interface, in instructions of eBPF.
//!
//! It hands UDP to one of our addresses and ports, behind at most two VLAN tags, to our socket, and
//! passes everything else on to the kernel's stack, parts of fragmented datagrams included. Written out
//! here, it needs neither a C compiler nor an ELF file at run time. RFC 9669 is the instruction set;
//! the program's context is `struct xdp_md` of `linux/bpf.h`.

use std::net::SocketAddrV4;

use bytemuck::NoUninit;

/// The groups compared one after another: more would take longer than the comparison is worth.
pub(super) const GROUPS_MAX: usize = 256;

/// An instruction of eBPF (RFC 9669, section 3): the registers are four bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NoUninit)]
#[repr(C)]
pub(super) struct Instruction {
    code: u8,
    registers: u8,
    offset: i16,
    immediate: i32,
}

const _: () = assert!(size_of::<Instruction>() == 8);

type Register = u8;

/// Result and first argument of helpers, second, third; what the program keeps beside them.
const R0: Register = 0;
const R1: Register = 1;
const R2: Register = 2;
const R3: Register = 3;
const FRAME_END: Register = 3;
const FRAME: Register = 2;
const LIMIT: Register = 4;
const WORK: Register = 5;
const CONTEXT: Register = 6;
const ADDRESS: Register = 7;
const PORT: Register = 8;

const ALU64: u8 = 0x07;
const JUMP: u8 = 0x05;
const JUMP32: u8 = 0x06;
const FROM_REGISTER: u8 = 0x08;
/// Loads of memory: one, two or four bytes.
const LOAD8: u8 = 0x71;
const LOAD16: u8 = 0x69;
const LOAD32: u8 = 0x61;
const ADD: u8 = 0x00;
const AND: u8 = 0x50;
const SHIFT_LEFT: u8 = 0x60;
const MOVE: u8 = 0xB0;
const ALWAYS: u8 = 0x00;
const IF_EQUAL: u8 = 0x10;
const IF_GREATER: u8 = 0x20;
const IF_BITS: u8 = 0x40;
const IF_NOT_EQUAL: u8 = 0x50;
const IF_LESS: u8 = 0xA0;
const CALL: u8 = 0x85;
const EXIT: u8 = 0x95;
const LOAD_MAP: u8 = 0x18;
/// The immediate of `LOAD_MAP` is a descriptor of a map.
const PSEUDO_MAP_FD: Register = 1;

/// `XDP_PASS`: to the kernel's stack. Also what the redirection does when no socket is there.
const XDP_PASS: i32 = 2;
const REDIRECT_MAP: i32 = 51;

/// `struct xdp_md`.
const CONTEXT_DATA: i16 = 0;
const CONTEXT_DATA_END: i16 = 4;
const CONTEXT_QUEUE: i16 = 16;

/// Offsets in a frame without tags; `FRAME` moves on by four for each tag.
const ETHERTYPE: i16 = 12;
const IP: i16 = 14;
const IP_FRAGMENT: i16 = IP + 6;
const IP_PROTOCOL: i16 = IP + 9;
const IP_DESTINATION: i16 = IP + 16;
const TAG_SIZE: i32 = 4;
/// Of UDP, when `FRAME` has moved on by the IP header.
const UDP_PORT: i16 = IP + 2;
const UDP_END: i32 = IP as i32 + 8;

/// The program, for a map of sockets by queue.
pub(super) fn program(groups: &[SocketAddrV4], map: i32) -> Vec<Instruction> {
    let mut code = Assembler::default();
    code.push(ALU64 | MOVE | FROM_REGISTER, CONTEXT, R1, 0, 0);
    code.push(LOAD32, FRAME, CONTEXT, CONTEXT_DATA, 0);
    code.push(LOAD32, FRAME_END, CONTEXT, CONTEXT_DATA_END, 0);
    code.pass_unless_long(i32::from(IP));
    code.push(LOAD16, WORK, FRAME, ETHERTYPE, 0);
    for _ in 0..2 {
        code.skip_tag();
    }
    // An IPv4 header of any length, whole, of UDP, and no fragment.
    code.pass_unless_long(i32::from(IP) + 20);
    code.pass_if(JUMP | IF_NOT_EQUAL, WORK, network16(0x0800));
    code.push(LOAD8, WORK, FRAME, IP_PROTOCOL, 0);
    code.pass_if(JUMP | IF_NOT_EQUAL, WORK, 17);
    code.push(LOAD16, WORK, FRAME, IP_FRAGMENT, 0);
    code.pass_if(JUMP | IF_BITS, WORK, network16(0x3FFF));
    code.push(LOAD32, ADDRESS, FRAME, IP_DESTINATION, 0);
    code.push(LOAD8, WORK, FRAME, IP, 0);
    code.push(ALU64 | AND, WORK, 0, 0, 0xF);
    code.push(ALU64 | SHIFT_LEFT, WORK, 0, 0, 2);
    code.pass_if(JUMP | IF_LESS, WORK, 20);
    code.push(ALU64 | ADD | FROM_REGISTER, FRAME, WORK, 0, 0);
    code.pass_unless_long(UDP_END);
    code.push(LOAD16, PORT, FRAME, UDP_PORT, 0);
    let mut found = Vec::with_capacity(groups.len());
    for group in groups {
        let address = i32::from_ne_bytes(group.ip().octets());
        code.push(JUMP32 | IF_NOT_EQUAL, ADDRESS, 0, 1, address);
        found.push(code.push(JUMP | IF_EQUAL, PORT, 0, 0, network16(group.port())));
    }
    code.land_passes();
    code.push(ALU64 | MOVE, R0, 0, 0, XDP_PASS);
    code.push(EXIT, 0, 0, 0, 0);
    for jump in found {
        code.land(jump);
    }
    code.push(LOAD32, R2, CONTEXT, CONTEXT_QUEUE, 0);
    code.push(LOAD_MAP, R1, PSEUDO_MAP_FD, 0, map);
    code.push(0, 0, 0, 0, 0); // the upper half of the 64-bit immediate
    code.push(ALU64 | MOVE, R3, 0, 0, XDP_PASS);
    code.push(CALL, 0, 0, 0, REDIRECT_MAP);
    code.push(EXIT, 0, 0, 0, 0);
    code.program
}

/// Two bytes of a frame, as a load of two bytes shows them.
fn network16(value: u16) -> i32 {
    i32::from(u16::from_ne_bytes(value.to_be_bytes()))
}

/// Instructions, and the jumps whose aim is not known yet.
#[derive(Default)]
struct Assembler {
    program: Vec<Instruction>,
    passes: Vec<usize>,
}

impl Assembler {
    /// Adds an instruction and returns its place.
    fn push(
        &mut self,
        code: u8,
        to: Register,
        from: Register,
        offset: i16,
        immediate: i32,
    ) -> usize {
        self.program.push(Instruction { code, registers: from << 4 | to, offset, immediate });
        self.program.len() - 1
    }

    /// Passes the frame on when it ends before `size` bytes from `FRAME`. What the verifier has
    /// seen compared in this form it lets the program read.
    fn pass_unless_long(&mut self, size: i32) {
        self.push(ALU64 | MOVE | FROM_REGISTER, LIMIT, FRAME, 0, 0);
        self.push(ALU64 | ADD, LIMIT, 0, 0, size);
        let jump = self.push(JUMP | IF_GREATER | FROM_REGISTER, LIMIT, FRAME_END, 0, 0);
        self.passes.push(jump);
    }

    /// Passes the frame on when `register` compares so.
    fn pass_if(&mut self, code: u8, register: Register, immediate: i32) {
        let jump = self.push(code, register, 0, 0, immediate);
        self.passes.push(jump);
    }

    /// Moves on by a VLAN tag, when the EtherType in `WORK` says that there is one.
    fn skip_tag(&mut self) {
        let is_tag =
            [0x8100, 0x88A8].map(|tag| self.push(JUMP | IF_EQUAL, WORK, 0, 0, network16(tag)));
        let is_none = self.push(JUMP | ALWAYS, 0, 0, 0, 0);
        is_tag.into_iter().for_each(|jump| self.land(jump));
        self.push(ALU64 | ADD, FRAME, 0, 0, TAG_SIZE);
        self.pass_unless_long(i32::from(IP));
        self.push(LOAD16, WORK, FRAME, ETHERTYPE, 0);
        self.land(is_none);
    }

    /// Aims a jump at the next instruction. Programs are far shorter than a jump is wide.
    fn land(&mut self, jump: usize) {
        self.program[jump].offset = (self.program.len() - jump - 1) as i16;
    }

    /// Aims every jump that passes the frame on at the next instruction.
    fn land_passes(&mut self) {
        for jump in core::mem::take(&mut self.passes) {
            self.land(jump);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::tests::packet;

    const MAP: i32 = 1_234;

    /// Runs the program on a frame, as RFC 9669 says: whether it is redirected. Memory is the
    /// context at 0 and the frame at 1000; a read outside the frame is a failed test.
    fn is_redirected(program: &[Instruction], frame: &[u8]) -> bool {
        let mut registers = [0_u64; 11];
        let read = |address: u64, size: u64| match address {
            0 => 1_000,
            4 => 1_000 + frame.len() as u64,
            16 => 77,
            _ => {
                let start = (address - 1_000) as usize;
                let bytes = &frame[start..start + size as usize];
                bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
            }
        };
        let mut at = 0;
        loop {
            let Instruction { code, registers: pair, offset, immediate } = program[at];
            at += 1;
            let (to, from) = (usize::from(pair & 0xF), usize::from(pair >> 4));
            let immediate = i64::from(immediate) as u64;
            let operand = if code & FROM_REGISTER != 0 { registers[from] } else { immediate };
            let address = registers[from].wrapping_add_signed(i64::from(offset));
            match code {
                LOAD8 => registers[to] = read(address, 1),
                LOAD16 => registers[to] = read(address, 2),
                LOAD32 => registers[to] = read(address, 4),
                LOAD_MAP => {
                    assert_eq!((from, immediate), (1, MAP as u64));
                    registers[to] = immediate;
                    at += 1;
                }
                CALL => {
                    assert_eq!((immediate, registers[1]), (51, MAP as u64));
                    assert_eq!((registers[2], registers[3]), (77, 2), "queue, what else to do");
                    return true;
                }
                EXIT => {
                    assert_eq!(registers[0], 2, "passed on");
                    return false;
                }
                _ if code & 7 == ALU64 => match code & 0xF0 {
                    MOVE => registers[to] = operand,
                    ADD => registers[to] = registers[to].wrapping_add(operand),
                    AND => registers[to] &= operand,
                    SHIFT_LEFT => registers[to] <<= operand,
                    other => panic!("operation {other:#x}"),
                },
                _ => {
                    let is_32 = code & 7 == JUMP32;
                    let cut = |value: u64| if is_32 { value & 0xFFFF_FFFF } else { value };
                    let (left, right) = (cut(registers[to]), cut(operand));
                    let is_taken = match code & 0xF0 {
                        ALWAYS => true,
                        IF_EQUAL => left == right,
                        IF_NOT_EQUAL => left != right,
                        IF_GREATER => left > right,
                        IF_LESS => left < right,
                        IF_BITS => left & right != 0,
                        other => panic!("jump {other:#x}"),
                    };
                    if is_taken {
                        at = at.wrapping_add_signed(isize::from(offset));
                    }
                }
            }
        }
    }

    fn frame(tags: &[u16], packet: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xAA; 12];
        for tag in tags {
            frame.extend(tag.to_be_bytes());
            frame.extend([0, 5]);
        }
        frame.extend([0x08, 0]);
        frame.extend(packet);
        frame
    }

    #[test]
    fn udp_to_our_groups_is_redirected_and_everything_else_passed_on() {
        // Addresses and ports whose upper bits are set, which a signed comparison would miss.
        let groups = ["239.1.1.1:5000", "239.255.255.255:65535", "10.0.0.7:61000"]
            .map(|group| group.parse().unwrap());
        let program = program(&groups, MAP);
        let ours = packet("10.0.0.1:1", "239.1.1.1:5000", b"payload");
        let with = |offset: usize, value: u8| {
            let mut bytes = ours.clone();
            bytes[offset] = value;
            bytes
        };
        let mut with_options = with(0, 0x47);
        with_options.splice(20..20, [1; 8]);
        let cases: [(&str, &[u16], Vec<u8>, bool); 13] = [
            ("ours", &[], ours.clone(), true),
            ("one tag", &[0x8100], ours.clone(), true),
            ("two tags", &[0x88A8, 0x8100], ours.clone(), true),
            ("three tags", &[0x88A8, 0x8100, 0x8100], ours.clone(), false),
            ("last group", &[], packet("10.0.0.1:1", "10.0.0.7:61000", b""), true),
            ("broad", &[], packet("10.0.0.1:1", "239.255.255.255:65535", b""), true),
            ("another port", &[], packet("10.0.0.1:1", "239.1.1.1:5001", b""), false),
            ("another group", &[], packet("10.0.0.1:1", "239.1.1.2:5000", b""), false),
            ("port of another group", &[], packet("10.0.0.1:1", "10.0.0.7:5000", b""), false),
            ("TCP", &[], with(9, 6), false),
            ("a fragment", &[], with(7, 1), false),
            ("a header too short", &[], with(0, 0x44), false),
            ("options", &[0x8100], with_options, true),
        ];
        for (name, tags, packet, expected) in cases {
            assert_eq!(is_redirected(&program, &frame(tags, &packet)), expected, "{name}");
        }
        let mut arp = frame(&[], &ours);
        arp[13] = 6;
        assert!(!is_redirected(&program, &arp));
    }

    #[test]
    fn no_shorter_frame_makes_the_program_read_beyond_it() {
        let program = program(&["239.1.1.1:5000".parse().unwrap()], MAP);
        let whole = frame(&[0x8100], &packet("10.0.0.1:1", "239.1.1.1:5000", b""));
        for length in 0..whole.len() {
            assert!(!is_redirected(&program, &whole[..length]), "{length}");
        }
        assert!(is_redirected(&program, &whole));
    }
}
