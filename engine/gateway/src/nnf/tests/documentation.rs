//! `docs/wire/nnf.md` draws every structure; here the drawings are held against the code.

use std::collections::BTreeMap;

use super::super::wire::{
    AdditionalOrderFlags, ContractDesc, ContractDescTr, Envelope, ErrorResponse, MessageHeader,
    MsOeRequest, MsOeRequestTr, MsOeResponseTr, MsOmRequestTr, MsTradeConfirmTr, OrderChangePacket,
    OrderEntryPacket, StOrderFlags,
};

const PAGE: &str = include_str!("../../../../../docs/wire/nnf.md");

type Fields = &'static [(usize, usize, &'static str)];

const LAYOUTS: [(&str, usize, Fields); 14] = [
    ("Envelope", Envelope::SIZE, Envelope::FIELDS),
    ("OrderEntryPacket", OrderEntryPacket::SIZE, OrderEntryPacket::FIELDS),
    ("OrderChangePacket", OrderChangePacket::SIZE, OrderChangePacket::FIELDS),
    ("MESSAGE_HEADER", MessageHeader::SIZE, MessageHeader::FIELDS),
    ("CONTRACT_DESC_TR", ContractDescTr::SIZE, ContractDescTr::FIELDS),
    ("CONTRACT_DESC", ContractDesc::SIZE, ContractDesc::FIELDS),
    ("ST_ORDER_FLAGS", StOrderFlags::SIZE, StOrderFlags::FIELDS),
    ("ADDITIONAL_ORDER_FLAGS", AdditionalOrderFlags::SIZE, AdditionalOrderFlags::FIELDS),
    ("MS_OE_REQUEST_TR", MsOeRequestTr::SIZE, MsOeRequestTr::FIELDS),
    ("MS_OM_REQUEST_TR", MsOmRequestTr::SIZE, MsOmRequestTr::FIELDS),
    ("MS_OE_RESPONSE_TR", MsOeResponseTr::SIZE, MsOeResponseTr::FIELDS),
    ("MS_TRADE_CONFIRM_TR", MsTradeConfirmTr::SIZE, MsTradeConfirmTr::FIELDS),
    ("ERROR_RESPONSE", ErrorResponse::SIZE, ErrorResponse::FIELDS),
    ("MS_OE_REQUEST", MsOeRequest::SIZE, MsOeRequest::FIELDS),
];

/// Drawn fields by structure: offset, size, and the name in lower case without signs.
fn drawn() -> BTreeMap<&'static str, Vec<(usize, usize, String)>> {
    let (mut drawn, mut structure) = (BTreeMap::new(), None);
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            structure = heading.split_whitespace().next();
        }
        let Some(name) = structure else { continue };
        let columns: Vec<_> = line.split_whitespace().collect();
        let [offset, kind, field, ..] = columns[..] else { continue };
        let (Ok(offset), Some(size)) = (offset.parse::<usize>(), size_of_kind(kind)) else {
            continue;
        };
        drawn.entry(name).or_insert_with(Vec::new).push((offset, size, plain(field)));
    }
    drawn
}

/// `i32` has 4 bytes, `c10` ten, and so on; a structure is drawn as `S` and its size.
fn size_of_kind(kind: &str) -> Option<usize> {
    let digits = kind.get(1..)?.parse::<usize>().ok()?;
    match kind.as_bytes().first()? {
        b'i' | b'u' | b'f' => Some(digits / 8),
        b'b' | b'c' | b'S' => Some(digits),
        _ => None,
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

#[test]
fn the_page_draws_each_structure_as_the_code_has_it() {
    let drawn = drawn();
    for (name, size, fields) in LAYOUTS {
        let code: Vec<_> =
            fields.iter().map(|&(at, size, field)| (at, size, plain(field))).collect();
        assert_eq!(drawn.get(name), Some(&code), "{name}");
        let end = fields.iter().fold(0, |end, &(offset, size, _)| {
            assert_eq!(offset, end, "{name} has no gap");
            end + size
        });
        assert_eq!(end, size, "{name}");
    }
    assert_eq!(drawn.len(), LAYOUTS.len(), "the page draws nothing else");
}
