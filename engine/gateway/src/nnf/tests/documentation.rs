//! `docs/wire/nnf.md` and `nnf_orders.md` draw every structure; here the drawings are held against
//! the code.

use std::collections::BTreeMap;

use super::super::wire::{
    AdditionalOrderFlags, BoxMessage, BoxSignOnRequestIn, BoxSignOnRequestOut, CmErrorResponse,
    CmOrderEntryRequest, CmOrderEntryRequestTr, CmOrderFlags, CmOrderOmRequestTr,
    CmOrderOmResponseTr, CmSignon, CmSystemInformationOut, CmTradeConfirm, CmTradeConfirmTr,
    CmTradeInquiryData, CmUpdateLocaldbIn, ContractDesc, ContractDescTr, Envelope, ErrorResponse,
    GrRequest, GrResponse, GrResponseNew, InnerMessageHeader, LocaldbMark, MarketStatus,
    MessageDownload, MessageHeader, MsAckResponse, MsOeRequest, MsOeRequestTr, MsOeResponseTr,
    MsOmRequestTr, MsSignon, MsSpdLegInfo, MsSpdOeRequest, MsTradeConfirm, MsTradeConfirmTr,
    MsTradeInqData, OrderChangePacket, OrderEntryPacket, PriceMod, SecInfo, StOrderFlags,
    StreamOutage, SystemInformationIn, SystemInformationOut, UpdateLocaldbIn,
};

const PAGE: &str = include_str!("../../../../../docs/wire/nnf.md");

const ORDERS_PAGE: &str = include_str!("../../../../../docs/wire/nnf_orders.md");

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

const ORDERS_LAYOUTS: [(&str, usize, Fields); 34] = [
    ("INNER_MESSAGE_HEADER", InnerMessageHeader::SIZE, InnerMessageHeader::FIELDS),
    ("GR_REQUEST", GrRequest::SIZE, GrRequest::FIELDS),
    ("GR_RESPONSE", GrResponse::SIZE, GrResponse::FIELDS),
    ("GR_RESPONSE_NEW", GrResponseNew::SIZE, GrResponseNew::FIELDS),
    ("BOX_MESSAGE", BoxMessage::SIZE, BoxMessage::FIELDS),
    ("BOX_SIGN_ON_REQUEST_IN", BoxSignOnRequestIn::SIZE, BoxSignOnRequestIn::FIELDS),
    ("BOX_SIGN_ON_REQUEST_OUT", BoxSignOnRequestOut::SIZE, BoxSignOnRequestOut::FIELDS),
    ("MS_SIGNON", MsSignon::SIZE, MsSignon::FIELDS),
    ("ST_MARKET_STATUS", MarketStatus::SIZE, MarketStatus::FIELDS),
    ("SYSTEM_INFORMATION_IN", SystemInformationIn::SIZE, SystemInformationIn::FIELDS),
    ("SYSTEM_INFORMATION_OUT", SystemInformationOut::SIZE, SystemInformationOut::FIELDS),
    ("UPDATE_LOCALDB_IN", UpdateLocaldbIn::SIZE, UpdateLocaldbIn::FIELDS),
    ("LOCALDB_MARK", LocaldbMark::SIZE, LocaldbMark::FIELDS),
    ("MESSAGE_DOWNLOAD", MessageDownload::SIZE, MessageDownload::FIELDS),
    ("STREAM_OUTAGE", StreamOutage::SIZE, StreamOutage::FIELDS),
    ("MS_ACK_RESPONSE", MsAckResponse::SIZE, MsAckResponse::FIELDS),
    ("PRICE_MOD", PriceMod::SIZE, PriceMod::FIELDS),
    ("MS_SPD_LEG_INFO", MsSpdLegInfo::SIZE, MsSpdLegInfo::FIELDS),
    ("MS_SPD_OE_REQUEST", MsSpdOeRequest::SIZE, MsSpdOeRequest::FIELDS),
    ("MS_TRADE_CONFIRM", MsTradeConfirm::SIZE, MsTradeConfirm::FIELDS),
    ("MS_TRADE_INQ_DATA", MsTradeInqData::SIZE, MsTradeInqData::FIELDS),
    ("SEC_INFO", SecInfo::SIZE, SecInfo::FIELDS),
    ("CM_ORDER_FLAGS", CmOrderFlags::SIZE, CmOrderFlags::FIELDS),
    ("CM_ORDER_ENTRY_REQUEST_TR", CmOrderEntryRequestTr::SIZE, CmOrderEntryRequestTr::FIELDS),
    ("CM_ORDER_OM_REQUEST_TR", CmOrderOmRequestTr::SIZE, CmOrderOmRequestTr::FIELDS),
    ("CM_ORDER_OM_RESPONSE_TR", CmOrderOmResponseTr::SIZE, CmOrderOmResponseTr::FIELDS),
    ("CM_TRADE_CONFIRM_TR", CmTradeConfirmTr::SIZE, CmTradeConfirmTr::FIELDS),
    ("CM_ERROR_RESPONSE", CmErrorResponse::SIZE, CmErrorResponse::FIELDS),
    ("CM_SIGNON", CmSignon::SIZE, CmSignon::FIELDS),
    ("CM_SYSTEM_INFORMATION_OUT", CmSystemInformationOut::SIZE, CmSystemInformationOut::FIELDS),
    ("CM_UPDATE_LOCALDB_IN", CmUpdateLocaldbIn::SIZE, CmUpdateLocaldbIn::FIELDS),
    ("CM_ORDER_ENTRY_REQUEST", CmOrderEntryRequest::SIZE, CmOrderEntryRequest::FIELDS),
    ("CM_TRADE_CONFIRM", CmTradeConfirm::SIZE, CmTradeConfirm::FIELDS),
    ("CM_TRADE_INQUIRY_DATA", CmTradeInquiryData::SIZE, CmTradeInquiryData::FIELDS),
];

/// Drawn fields by structure: offset, size, and the name in lower case without signs.
fn drawn(page: &'static str) -> BTreeMap<&'static str, Vec<(usize, usize, String)>> {
    let (mut drawn, mut structure) = (BTreeMap::new(), None);
    for line in page.lines() {
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
    hold(PAGE, &LAYOUTS);
    hold(ORDERS_PAGE, &ORDERS_LAYOUTS);
}

fn hold(page: &'static str, layouts: &[(&str, usize, Fields)]) {
    let drawn = drawn(page);
    for &(name, size, fields) in layouts {
        let code: Vec<_> =
            fields.iter().map(|&(at, size, field)| (at, size, plain(field))).collect();
        assert_eq!(drawn.get(name), Some(&code), "{name}");
        let end = fields.iter().fold(0, |end, &(offset, size, _)| {
            assert_eq!(offset, end, "{name} has no gap");
            end + size
        });
        assert_eq!(end, size, "{name}");
    }
    assert_eq!(drawn.len(), layouts.len(), "the page draws nothing else");
}
