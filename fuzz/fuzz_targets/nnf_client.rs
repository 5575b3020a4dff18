//! Any bytes from an exchange to a member's session, at any step of signing on and after it: no
//! panic, and tables that agree.
//!
//! The first byte is the segment (its highest bit) and how many exchanges of bytes with a real gateway come first. Then come messages, a
//! length byte before each; each goes in as a packet with the right checksum, every fourth as the
//! bare bytes, and every fourth as long as a full structure is, of one contract or of several.

#![no_main]

use std::net::Ipv4Addr;

use libfuzzer_sys::fuzz_target;
use md5::{Digest, Md5};
use tezi_gateway::nnf::client::{Config, Endpoint, Event, Limits, Session};
use tezi_gateway::nnf::wire::{MsOeRequest, MsSpdOeRequest};
use tezi_gateway::nnf::{Account, Encryption, SelfTrade, SessionIdentity, UserRole, server};
use tezi_model::{Nanos, Segment};

const NOW: Nanos = Nanos::from_ist(2026, 9, 21, 9, 15, 0);

fn member(segment: Segment) -> Session {
    let identity = SessionIdentity {
        user_id: 12345,
        trader_id: 12345,
        role: UserRole::Dealer,
        branch_id: 7,
        broker_id: "90001",
        account: Account::Proprietary,
        settlor: "",
        pan: "ABCDE1234F",
        nnf_id: 111_111_111_111_100,
        algo_id: 0,
        self_trade: SelfTrade::ExchangeDefault,
        cancel_on_logoff: false,
    };
    let limits = Limits {
        instruments: 1,
        orders: 8,
        orders_of_the_day: 32,
        events: 16,
        ..Limits::default()
    };
    let config = Config {
        identity,
        box_id: 77,
        password: "secret",
        version: 94_800,
        encryption: Encryption::Plain,
        immediate_acknowledgement: false,
        limits,
    };
    Session::in_segment(&config, segment).expect("a right configuration")
}

fn gateway(segment: Segment) -> server::Session {
    let config = server::Config {
        box_id: 77,
        broker_id: "90001",
        user_id: 12345,
        password: "SECRET",
        version: 0,
        encryption: Encryption::Plain,
        gateway: (Ipv4Addr::LOCALHOST, 9602),
        streams: 2,
        seed: 7,
        log_messages: 16,
        outbox_bytes: 4_096,
        events: 8,
        messages_per_second: 0,
        heartbeat_ns: 30_000_000_000,
        early_heartbeats: 2,
        inner_header: true,
    };
    server::Session::in_segment(&config, segment).expect("a right configuration")
}

fn poll(member: &mut Session, gateway: &mut server::Session) {
    while let Some(event) = member.poll_event() {
        match event {
            Event::Connect(Endpoint::Router) => {
                gateway.on_connected(server::Listener::Router, NOW);
                member.on_connected(NOW);
            }
            Event::Connect(Endpoint::Gateway { .. }) => {
                gateway.on_connected(server::Listener::Gateway, NOW);
                member.on_connected(NOW);
            }
            Event::Report { report, .. } | Event::Leg { report, .. } => {
                assert!(report.kind().is_some());
            }
            _ => {}
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let [rounds, rest @ ..] = data else { return };
    let segment = if rounds & 128 == 0 { Segment::NseFo } else { Segment::NseCm };
    let (mut member, mut gateway) = (member(segment), gateway(segment));
    member.start(NOW);
    let mut buffer = [0; 2_048];
    for _ in 0..rounds % 16 {
        poll(&mut member, &mut gateway);
        let size = member.poll_transmit(&mut buffer);
        gateway.on_bytes(&buffer[..size], NOW);
        let size = gateway.poll_transmit(&mut buffer, NOW);
        member.on_bytes(&buffer[..size], NOW);
    }
    let mut rest = rest;
    while let [head, behind @ ..] = rest {
        let (message, behind) = behind.split_at(usize::from(*head).min(behind.len()));
        let mut message = message.to_vec();
        match head % 8 {
            1 => message.resize(MsOeRequest::SIZE, b' '),
            5 => message.resize(MsSpdOeRequest::SIZE, b' '),
            _ => {}
        }
        let length = (22 + message.len()) as u16;
        let packet =
            [&length.to_be_bytes()[..], &[0; 4], &Md5::digest(&message), &message].concat();
        let bytes = if head % 4 == 3 { &message } else { &packet };
        assert!(member.on_bytes(bytes, NOW) <= bytes.len());
        poll(&mut member, &mut gateway);
        assert!(member.is_consistent());
        rest = behind;
    }
});
