//! The few uses of bpf(2): a map of sockets, a program, and a link that runs it on an interface.
#![allow(unsafe_code, reason = "calls bpf(2), whose arguments hold addresses")]

use std::ffi::c_long;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use bytemuck::{NoUninit, Pod, Zeroable};

use super::program::Instruction;

/// `enum bpf_cmd` of `linux/bpf.h`.
const BPF_MAP_CREATE: c_long = 0;
const BPF_MAP_UPDATE_ELEM: c_long = 2;
const BPF_PROG_LOAD: c_long = 5;
const BPF_LINK_CREATE: c_long = 28;

const BPF_MAP_TYPE_XSKMAP: u32 = 17;
const BPF_PROG_TYPE_XDP: u32 = 6;
const BPF_XDP: u32 = 37;
/// `linux/if_link.h`.
pub(super) const XDP_FLAGS_SKB_MODE: u32 = 1 << 1;
pub(super) const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;

/// The arguments of the commands: parts of `union bpf_attr`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct MapCreate {
    kind: u32,
    key_size: u32,
    value_size: u32,
    entries_max: u32,
    flags: u32,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct MapUpdate {
    map: i32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct ProgramLoad {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    attach_type: u32,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct LinkCreate {
    program: i32,
    interface: u32,
    attach_type: u32,
    flags: u32,
}

const _: () = {
    assert!(size_of::<MapUpdate>() == 32);
    assert!(size_of::<ProgramLoad>() == 72);
};

/// A map from a queue's number to the socket that takes its frames.
pub(super) fn create_map(entries_max: u32) -> io::Result<OwnedFd> {
    let arguments =
        MapCreate { kind: BPF_MAP_TYPE_XSKMAP, key_size: 4, value_size: 4, entries_max, flags: 0 };
    // SAFETY: these arguments hold no addresses.
    unsafe { bpf(BPF_MAP_CREATE, &arguments) }.and_then(owned)
}

/// Puts a socket into the map.
pub(super) fn set_socket(
    map: BorrowedFd<'_>,
    queue: u32,
    socket: BorrowedFd<'_>,
) -> io::Result<()> {
    let socket = socket.as_raw_fd();
    let arguments = MapUpdate {
        map: map.as_raw_fd(),
        padding: 0,
        key: (&raw const queue) as u64,
        value: (&raw const socket) as u64,
        flags: 0,
    };
    // SAFETY: key and value are four bytes each, as the map was created, and live during the call.
    unsafe { bpf(BPF_MAP_UPDATE_ELEM, &arguments) }.map(drop)
}

/// Gives a program to the kernel, which verifies it.
pub(super) fn load(program: &[Instruction]) -> io::Result<OwnedFd> {
    let mut name = [0; 16];
    name[..12].copy_from_slice(b"tezi_receive");
    let arguments = ProgramLoad {
        kind: BPF_PROG_TYPE_XDP,
        instruction_count: program.len() as u32,
        instructions: program.as_ptr() as u64,
        license: c"MIT OR Apache-2.0".as_ptr() as u64,
        attach_type: BPF_XDP,
        name,
        ..ProgramLoad::zeroed()
    };
    // SAFETY: the instructions, as many as stated, and the license, which ends in a zero byte, live
    // during the call.
    unsafe { bpf(BPF_PROG_LOAD, &arguments) }.and_then(owned)
}

/// Runs a program on an interface for as long as the result lives.
pub(super) fn attach(program: &OwnedFd, interface: u32, flags: u32) -> io::Result<OwnedFd> {
    let program = program.as_fd().as_raw_fd();
    let arguments = LinkCreate { program, interface, attach_type: BPF_XDP, flags };
    // SAFETY: these arguments hold no addresses.
    unsafe { bpf(BPF_LINK_CREATE, &arguments) }.and_then(owned)
}

/// # Safety
///
/// Addresses in `arguments` lead to memory the command may read and write.
unsafe fn bpf<T: NoUninit>(command: c_long, arguments: &T) -> io::Result<c_long> {
    let bytes = bytemuck::bytes_of(arguments);
    // SAFETY: as many bytes of arguments as stated; the caller answers for the addresses in them.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, bytes.as_ptr(), bytes.len()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(descriptor: c_long) -> io::Result<OwnedFd> {
    let descriptor = i32::try_from(descriptor).map_err(io::Error::other)?;
    // SAFETY: the kernel has just made it for this process, and no one else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
