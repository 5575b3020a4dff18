//! Both halves of a session under bytes that nobody meant: mutated messages with right checksums,
//! at every step of signing on, and noise.

use std::net::Ipv4Addr;

use md5::{Digest, Md5};
use tezi_model::{ClientOrderId, CommandKind, Instrument, InstrumentId, Nanos, OrderCommand};

use super::super::client::{self, Event, Limits};
use super::super::server::{self, Listener};
use super::super::{Encryption, Underlying};
use super::{Rng, command, future, golden, identity, legs};

pub(super) fn client() -> client::Session {
    let limits = Limits {
        instruments: 6,
        orders: 8,
        orders_of_the_day: 32,
        events: 16,
        ..Limits::default()
    };
    let config = client::Config {
        identity: identity(),
        box_id: 77,
        password: "secret",
        version: 94_800,
        encryption: Encryption::Plain,
        immediate_acknowledgement: true,
        limits,
    };
    let mut session = client::Session::new(&config).unwrap();
    let spread = Instrument::spread(&future(), legs::far().token);
    for (at, instrument) in [future(), legs::far(), spread].iter().enumerate() {
        session.define(InstrumentId(at as u32), instrument, Underlying::Index).unwrap();
    }
    session
}

pub(super) fn server() -> server::Session {
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
        messages_per_second: 100,
        heartbeat_ns: 30_000_000_000,
        early_heartbeats: 2,
        inner_header: true,
    };
    server::Session::new(&config).unwrap()
}

/// The message in a packet with the right length and checksum.
fn packet(message: &[u8]) -> Vec<u8> {
    let length = (22 + message.len()) as u16;
    let head = [&length.to_be_bytes()[..], &[0; 4], &Md5::digest(message)].concat();
    [head, message.to_vec()].concat()
}

/// Talks until nobody has anything to say, or so many packets went over; what each side said.
pub(super) fn talk(
    client: &mut client::Session,
    server: &mut server::Session,
    rounds: usize,
    now: Nanos,
) -> Vec<Vec<u8>> {
    let mut said = Vec::new();
    for _ in 0..rounds {
        while let Some(event) = client.poll_event() {
            if let Event::Connect(endpoint) = event {
                let listener = match endpoint {
                    client::Endpoint::Router => Listener::Router,
                    client::Endpoint::Gateway { .. } => Listener::Gateway,
                };
                server.on_connected(listener, now);
                client.on_connected(now);
            }
        }
        while let Some(event) = server.poll_event() {
            let is_of_legs = event == server::Event::LegsRequest;
            assert_eq!(server.poll_legs_request().is_some(), is_of_legs, "one for each event");
        }
        let mut buffer = [0; 2_048];
        let size = client.poll_transmit(&mut buffer);
        server.on_bytes(&buffer[..size], now);
        said.push(buffer[..size].to_vec());
        let size = server.poll_transmit(&mut buffer, now);
        client.on_bytes(&buffer[..size], now);
        said.push(buffer[..size].to_vec());
    }
    said.retain(|bytes| bytes.len() > 24);
    said
}

/// Every message that either side says while signing on, and the golden answers.
fn corpus(now: Nanos) -> Vec<Vec<u8>> {
    let (mut client, mut server) = (client(), server());
    client.start(now);
    let mut messages = Vec::new();
    for bytes in talk(&mut client, &mut server, 20, now) {
        let mut rest = &bytes[..];
        while let Ok(packet) = super::super::Packet::parse(rest) {
            messages.push(packet.message.to_vec());
            rest = &rest[packet.size()..];
        }
    }
    assert!(client.is_live() && messages.len() > 14, "{} messages", messages.len());
    messages.extend(
        [golden::ENTRY, golden::CANCEL, golden::RESPONSE, golden::TRADE].map(golden::bytes),
    );
    messages.push(golden::bytes(golden::ERROR));
    messages.extend(legs::corpus());
    messages
}

/// A new order in the spread of a client.
pub(super) fn of_spread() -> OrderCommand {
    OrderCommand {
        client_order_id: ClientOrderId(2),
        instrument: InstrumentId(2),
        ..legs::spread_command(CommandKind::New)
    }
}

#[test]
fn a_session_that_wants_acknowledgements_asks_for_none_of_spreads() {
    let now = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
    let (mut client, mut server) = (client(), server());
    client.start(now);
    talk(&mut client, &mut server, 20, now);
    client.on_command(&of_spread(), now).unwrap();
    client.on_legs(&legs::two_legs(ClientOrderId(3)), now).unwrap();
    client.on_command(&command(CommandKind::New), now).unwrap();
    let mut bytes = [0; 2_048];
    let size = client.poll_transmit(&mut bytes);
    let (mut rest, mut codes) = (&bytes[..size], Vec::new());
    while let Ok(packet) = super::super::Packet::parse(rest) {
        codes.push(i16::from_be_bytes([packet.message[0], packet.message[1]]));
        rest = &rest[packet.size()..];
    }
    assert_eq!(codes, [2100, 2102, 20_400]);
    assert_eq!((client.in_flight(), client.is_consistent()), (3, true));
}

#[test]
fn no_message_at_any_step_harms_a_session() {
    const SEED: u64 = 0x5eed_6e6e;
    let now = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
    let (corpus, mut rng) = (corpus(now), Rng(SEED));
    for round in 0..3_000 {
        let (mut client, mut server) = (client(), server());
        client.start(now);
        talk(&mut client, &mut server, rng.below(14), now);
        let _ = client.on_command(&command(CommandKind::New), now);
        let _ = client.on_command(&of_spread(), now);
        let _ = client.on_legs(&legs::two_legs(ClientOrderId(3)), now);
        for _ in 0..8 {
            let mut message = corpus[rng.below(corpus.len())].clone();
            if rng.below(3) == 0 {
                // A code of the other family, so that structures meet codes they are not of.
                let other = &corpus[rng.below(corpus.len())];
                message[..2].copy_from_slice(&other[..2]);
            }
            for _ in 0..rng.below(4) {
                let at = rng.below(message.len());
                message[at] = rng.next() as u8;
            }
            if rng.below(8) == 0 {
                message.truncate(2 + rng.below(message.len() - 1));
            }
            let mut bytes = packet(&message);
            if rng.below(16) == 0 {
                let at = rng.below(bytes.len());
                bytes[at] ^= 1 << rng.below(8);
            }
            assert!(client.on_bytes(&bytes, now) <= bytes.len());
            assert!(server.on_bytes(&bytes, now) <= bytes.len());
            talk(&mut client, &mut server, 1, now);
            assert!(client.is_consistent(), "seed {SEED:#x}, round {round}");
        }
    }
}
