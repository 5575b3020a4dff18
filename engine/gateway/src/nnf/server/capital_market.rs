//! What the gateway of the capital market says differently (CM 6.3, chapters 3 and 4, appendix).

use bytemuck::Zeroable;
use tezi_model::Nanos;

use super::super::header::header;
use super::super::wire::{
    BeI16, BeI32, BookType, CmErrorResponse, CmOrderEntryRequest, CmOrderEntryRequestTr,
    CmOrderOmRequestTr, CmSignon, CmSystemInformationOut, CmUpdateLocaldbIn, MarketStatus,
    MessageHeader, SecInfo, SystemInformationIn, Text, TransactionCode as Code,
};
use super::config::{AnswerKind, RequestKind, TradeKind};
use super::gateway::{SignOn, is_full, view};
use super::image::{Fill, OrderImage};
use super::reply::{Terms, codes};
use super::{Segment, Session};

impl Session {
    /// Bytes of a request for the state of the markets.
    pub(super) const fn system_information_size(&self) -> usize {
        match self.segment {
            Segment::NseCm => MessageHeader::SIZE,
            _ => SystemInformationIn::SIZE,
        }
    }

    pub(super) fn cm_signed_on(&self, now: Nanos) -> CmSignon {
        CmSignon {
            header: header(Code::SIGN_ON_REQUEST_OUT, self.user_id, CmSignon::SIZE, now),
            user_id: BeI32::new(self.user_id),
            trader_name: Text::BLANK,
            broker_id: self.broker_id,
            workstation_number: Text::BLANK,
            broker_status: Text::letter(b'A'),
            show_index: Text::letter(b'T'),
            broker_name: Text::BLANK,
            ..CmSignon::zeroed()
        }
    }

    pub(super) fn cm_markets(&self, code: i16, now: Nanos) -> CmSystemInformationOut {
        let mut head = header(code, self.user_id, CmSystemInformationOut::SIZE, now);
        head.alpha_char = [self.streams, b' '];
        let [markets, call_auctions, _] = self.market_status;
        CmSystemInformationOut {
            header: head,
            normal: markets.normal,
            oddlot: markets.oddlot,
            spot: markets.spot,
            auction: markets.auction,
            call_auction1: call_auctions.normal,
            call_auction2: call_auctions.oddlot,
            board_lot_quantity: BeI32::new(1),
            tick_size: BeI32::new(5),
            ..CmSystemInformationOut::zeroed()
        }
    }

    /// An error response under the code that would have answered.
    pub(super) fn cm_refusal(&self, code: i16, error: i16, now: Nanos) -> CmErrorResponse {
        let mut message = CmErrorResponse {
            header: header(code, self.user_id, CmErrorResponse::SIZE, now),
            sec_info: SecInfo { symbol: Text::BLANK, series: Text::BLANK },
            error_message: Text::BLANK,
        };
        message.header.error_code = BeI16::new(error);
        message
    }

    /// Keeps and sends an answer that is stamped: trimmed for the books whose requests are, in the full
    /// structure for the others, and where nothing trimmed exists.
    pub(super) fn on_cm_answer(
        &mut self,
        kind: AnswerKind,
        image: &OrderImage,
        terms: Terms,
        now: Nanos,
    ) {
        let full = image.cm_full();
        self.log.append(terms.stream, image.jiffies(), bytemuck::bytes_of(&full));
        let trimmed = cm_code(kind).filter(|_| is_trimmed_book(image.order.book_type.get()));
        match trimmed {
            Some(code) => {
                let mut response = image.cm_response();
                response.transaction_code = BeI16::new(code);
                self.send(terms.sequence, bytemuck::bytes_of(&response), now);
            }
            None => self.send(terms.sequence, bytemuck::bytes_of(&full), now),
        }
    }

    /// Keeps and sends a message about a trade that is stamped.
    pub(super) fn on_cm_trade(
        &mut self,
        kind: TradeKind,
        image: &OrderImage,
        fill: &Fill,
        stream: u8,
        now: Nanos,
    ) {
        let full = image.cm_trade(fill);
        self.log.append(stream, image.jiffies(), bytemuck::bytes_of(&full));
        if kind == TradeKind::Made {
            let mut trimmed = image.cm_trade_tr(fill);
            trimmed.transaction_code = BeI16::new(Code::TRADE_CONFIRMATION_TR);
            self.send(0, bytemuck::bytes_of(&trimmed), now);
        } else {
            self.send(0, bytemuck::bytes_of(&full), now);
        }
    }
}

impl From<&CmSignon> for SignOn {
    fn from(wire: &CmSignon) -> Self {
        Self {
            user_id: wire.user_id.get(),
            version: wire.version_number.get(),
            broker_id: wire.broker_id,
            password: wire.password,
        }
    }
}

/// The state of the markets as the session keeps it.
pub(super) fn cm_market_status(wire: &CmUpdateLocaldbIn) -> [MarketStatus; 3] {
    let markets = MarketStatus {
        normal: wire.normal_market_status,
        oddlot: wire.odd_lot_market_status,
        spot: wire.spot_market_status,
        auction: wire.auction_market_status,
    };
    let call_auctions = MarketStatus {
        normal: wire.call_auction1_market_status,
        oddlot: wire.call_auction2_market_status,
        ..MarketStatus::zeroed()
    };
    [markets, call_auctions, MarketStatus::zeroed()]
}

/// Every market open.
pub(super) fn cm_open_markets() -> [MarketStatus; 3] {
    let open = BeI16::new(1);
    let markets = MarketStatus { normal: open, oddlot: open, spot: open, auction: open };
    let call_auctions = MarketStatus { normal: open, oddlot: open, ..MarketStatus::zeroed() };
    [markets, call_auctions, MarketStatus::zeroed()]
}

/// The order of a request, `None` when its length is another's; and the user that it names.
pub(super) fn cm_request(
    code: i16,
    kind: RequestKind,
    message: &[u8],
) -> (Option<OrderImage>, Option<i32>) {
    let (order, user_at) = match kind {
        _ if is_full(code) => (view::<CmOrderEntryRequest>(message).map(OrderImage::of_cm_full), 8),
        RequestKind::New => {
            (view::<CmOrderEntryRequestTr>(message).map(OrderImage::of_cm_entry), 52)
        }
        RequestKind::Modify | RequestKind::Cancel => {
            (view::<CmOrderOmRequestTr>(message).map(OrderImage::of_cm_change), 6)
        }
    };
    let user = message.get(user_at..).and_then(|at| at.first_chunk());
    (order, user.map(|user| i32::from_be_bytes(*user)))
}

/// The books whose orders are asked for and answered in trimmed structures only.
pub(super) const fn is_trimmed_book(book_type: i16) -> bool {
    matches!(book_type, BookType::REGULAR_LOT | BookType::CALL_AUCTION_1 | BookType::CALL_AUCTION_2)
}

/// The trimmed code of a refusal.
pub(super) const fn trimmed_reject(code: i16) -> i16 {
    match code {
        Code::ORDER_MOD_REJECT => Code::ORDER_MOD_REJECT_TR,
        Code::ORDER_CXL_REJECT => Code::ORDER_CXL_REJECT_TR,
        _ => Code::ORDER_ERROR_TR,
    }
}

/// The code of the trimmed message, where there is one.
const fn cm_code(kind: AnswerKind) -> Option<i16> {
    match kind {
        AnswerKind::Refused => Some(Code::ORDER_ERROR_TR),
        AnswerKind::ModifyRefused => Some(Code::ORDER_MOD_REJECT_TR),
        AnswerKind::CancelRefused => Some(Code::ORDER_CXL_REJECT_TR),
        AnswerKind::MarketPrice => Some(Code::MARKET_PRICE_CONFIRMATION_TR),
        _ => codes(kind).0,
    }
}
