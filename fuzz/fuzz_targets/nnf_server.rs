//! Any bytes from a member to a gateway, at any step of signing on and after it: no panic, nothing
//! but order requests of the signed-on user gets through, and downloads end.
//!
//! The first byte is the method and the segment.
//! Messages follow, a length byte before each, in packets with the right checksum; the code of every
//! other one is taken from the list of those a gateway knows.

#![no_main]

use std::net::Ipv4Addr;

use libfuzzer_sys::fuzz_target;
use md5::{Digest, Md5};
use tezi_gateway::nnf::server::{Config, Event, Listener, Session};
use tezi_gateway::nnf::wire::{
    CmOrderEntryRequest, CmOrderEntryRequestTr, CmOrderOmRequestTr, CmSignon, CmUpdateLocaldbIn,
    MsSpdOeRequest,
};
use tezi_gateway::nnf::{DynamicIvOrder, Encryption};
use tezi_model::{Nanos, Segment};

const NOW: Nanos = Nanos::from_ist(2026, 9, 21, 9, 15, 0);

/// Code and length of what a gateway of futures and options takes.
const MESSAGES: [(i16, usize); 21] = [
    (2400, 48),
    (23008, 42),
    (23000, 60),
    (2300, 278),
    (1600, 44),
    (7300, 82),
    (7000, 48),
    (2320, 40),
    (23506, 40),
    (20000, 158),
    (20040, 186),
    (20070, 186),
    (20400, 158),
    (20404, 186),
    (2062, 316),
    (2100, MsSpdOeRequest::SIZE),
    (2118, MsSpdOeRequest::SIZE),
    (2106, MsSpdOeRequest::SIZE),
    (2102, MsSpdOeRequest::SIZE),
    (2104, MsSpdOeRequest::SIZE),
    (20408, MsSpdOeRequest::SIZE),
];

/// The same of the capital market.
const CM_MESSAGES: [(i16, usize); 15] = [
    (2400, 48),
    (23008, 42),
    (23000, 60),
    (2300, CmSignon::SIZE),
    (1600, 40),
    (7300, CmUpdateLocaldbIn::SIZE),
    (7000, 48),
    (2320, 40),
    (23506, 40),
    (20000, CmOrderEntryRequestTr::SIZE),
    (20040, CmOrderOmRequestTr::SIZE),
    (20070, CmOrderOmRequestTr::SIZE),
    (2000, CmOrderEntryRequest::SIZE),
    (2040, CmOrderEntryRequest::SIZE),
    (2062, CmOrderEntryRequest::SIZE),
];

fn packet(message: &[u8]) -> Vec<u8> {
    let length = (22 + message.len()) as u16;
    [&length.to_be_bytes()[..], &[0; 4], &Md5::digest(message), message].concat()
}

fuzz_target!(|data: &[u8]| {
    let [method, rest @ ..] = data else { return };
    let encryption = match method % 4 {
        0 => Encryption::New(DynamicIvOrder::LittleEndian),
        1 => Encryption::Existing,
        _ => Encryption::Plain,
    };
    let config = Config {
        box_id: 0x2020,
        broker_id: "",
        user_id: 0x2020_2020,
        password: "",
        version: 0,
        encryption,
        gateway: (Ipv4Addr::LOCALHOST, 9602),
        streams: 2,
        seed: 7,
        log_messages: 16,
        outbox_bytes: 4_096,
        events: 8,
        messages_per_second: 100,
        heartbeat_ns: 30_000_000_000,
        early_heartbeats: 2,
        inner_header: true,
    };
    let is_cm = method & 4 != 0;
    let (segment, messages): (_, &[(i16, usize)]) =
        if is_cm { (Segment::NseCm, &CM_MESSAGES) } else { (Segment::NseFo, &MESSAGES) };
    let mut session = Session::in_segment(&config, segment).expect("a right configuration");
    session.on_connected(Listener::Router, NOW);
    let mut session_key = [0; 8];
    let mut rest = rest;
    while let [head, behind @ ..] = rest {
        let (message, behind) = behind.split_at(usize::from(*head % 64).min(behind.len()));
        let mut message = message.to_vec();
        if head & 128 == 0 {
            // A right form with the fuzzer's bytes at its front: blanks are the box and the user.
            let (code, size) = messages[usize::from(*head) % messages.len()];
            message.resize(size, b' ');
            message[..2].copy_from_slice(&code.to_be_bytes());
            if code == 23000 {
                message[52..60].copy_from_slice(&session_key);
            }
        }
        let bytes = packet(&message);
        assert!(session.on_bytes(&bytes, NOW) <= bytes.len());
        while let Some(event) = session.poll_event() {
            match event {
                // Only the plain method lets messages through that nobody encrypted.
                Event::Request(_) | Event::KillSwitch { .. } => {
                    assert_eq!(encryption, Encryption::Plain);
                }
                Event::LegsRequest => {
                    assert_eq!((encryption, is_cm), (Encryption::Plain, false));
                    assert!(session.poll_legs_request().is_some());
                }
                Event::Close(_) => session.on_connected(Listener::Gateway, NOW),
                _ => {}
            }
        }
        let mut out = [0; 4_096];
        let size = session.poll_transmit(&mut out, NOW);
        if size >= 98 && out[22..24] == 2401_i16.to_be_bytes() {
            session_key.copy_from_slice(&out[90..98]);
            session.on_connected(Listener::Gateway, NOW);
        }
        rest = behind;
    }
});
