//! Any bytes as answers of an NNF gateway: no panic, packets are taken off whole, and a reply names
//! only what its bytes say.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_gateway::nnf::{Checksum, Packet, decode, decode_cm};
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
    // The capital market's, whose securities go by name.
    let cm = decode_cm(0, data, |_| Some(Token(2_885)), |_| Some(ClientOrderId(7)));
    if let Ok(reply) = cm {
        assert_eq!(reply.report.client_order_id, ClientOrderId(7));
        assert!(reply.report.kind().is_some());
    }
    // A message without its envelope, so that the fuzzer need not find one.
    let _ = decode(0, data, |_| None);
});
