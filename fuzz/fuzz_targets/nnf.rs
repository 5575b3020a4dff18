//! Any bytes as answers of an NNF gateway: no panic, packets are taken off whole, and a reply names
//! only what its bytes say.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_gateway::nnf::{Checksum, LegReply, Packet, decode, decode_cm, decode_legs};
use tezi_model::{ClientOrderId, Token};

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    while let Ok(packet) = Packet::parse(rest) {
        assert!(packet.size() <= rest.len() && !packet.message.is_empty());
        let _ = packet.verify(Checksum::Md5);
        let reply = decode(packet.sequence, packet.message, |_| Some(ClientOrderId(7)));
        if let Ok(reply) = reply {
            assert_eq!(reply.report.client_order_id, ClientOrderId(7));
            assert!(reply.report.kind().is_some());
        }
        rest = &rest[packet.size()..];
    }
    // Of several legs, which have as many contracts as their form.
    if let Ok(read) = decode_legs(data) {
        assert!(read.reply.report.kind().is_some());
        let key = read.reply.legs.expect("the order is of several legs");
        assert_eq!(key.further, [read.legs[1].token, read.legs[2].token]);
        let behind = &read.legs[key.form.count()..];
        assert!(behind.iter().all(|leg| *leg == LegReply::default()));
    }
    // The capital market's, whose securities go by name.
    let cm = decode_cm(0, data, |_| Some(Token(2_885)), |_| Some(ClientOrderId(7)));
    if let Ok(reply) = cm {
        assert_eq!(reply.report.client_order_id, ClientOrderId(7));
        assert!(reply.report.kind().is_some());
    }
    // A message without its envelope, so that the fuzzer need not find one.
    let _ = decode(0, data, |_| None);
});
