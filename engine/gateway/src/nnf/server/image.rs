//! An order as the exchange keeps it for its member, and the messages made of it.
//!
//! The full structure is the order's image: every request lays itself into one, every answer is
//! drawn from one, and downloads carry it as it is.

use bytemuck::Zeroable;

use super::super::wire::{
    BeF64, BeI16, BeI32, BeI64, ContractDesc, ContractDescTr, MsOeRequest, MsOeRequestTr,
    MsOeResponseTr, MsOmRequestTr, MsTradeConfirm, MsTradeConfirmTr, Text,
};

/// An order with what the full structure has no place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderImage {
    /// Every field of the order, as the wire has it.
    pub order: MsOeRequest,
    /// The member's own tag, which trimmed confirmations bring back.
    pub filler: i32,
}

/// One trade of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// The exchange's number of the trade.
    pub number: i32,
    /// Units.
    pub quantity: i32,
    /// Paise.
    pub price: i32,
}

impl OrderImage {
    /// The image that a trimmed new order asks for; nothing of it is filled.
    #[must_use]
    pub fn of_entry(request: &MsOeRequestTr) -> Self {
        let order = MsOeRequest {
            token_no: request.token_no,
            contract_desc: full(request.contract_desc),
            account_number: request.account_number,
            book_type: request.book_type,
            buy_sell_indicator: request.buy_sell_indicator,
            disclosed_volume: request.disclosed_volume,
            disclosed_volume_remaining: request.disclosed_volume,
            total_volume_remaining: request.volume,
            volume: request.volume,
            price: request.price,
            good_till_date: request.good_till_date,
            st_order_flags: request.st_order_flags,
            branch_id: request.branch_id,
            trader_id: request.trader_id,
            broker_id: request.broker_id,
            open_close: request.open_close,
            settlor: request.settlor,
            pro_client_indicator: request.pro_client_indicator,
            additional_order_flags: request.additional_order_flags,
            nnf_field: request.nnf_field,
            pan: request.pan,
            algo_id: request.algo_id,
            ..blank()
        };
        Self { order, filler: request.filler.get() }
    }

    /// The image that a trimmed change or cancel describes.
    #[must_use]
    pub fn of_change(request: &MsOmRequestTr) -> Self {
        let order = MsOeRequest {
            modified_cancelled_by: request.modified_cancelled_by,
            token_no: request.token_no,
            contract_desc: full(request.contract_desc),
            order_number: request.order_number,
            account_number: request.account_number,
            book_type: request.book_type,
            buy_sell_indicator: request.buy_sell_indicator,
            disclosed_volume: request.disclosed_volume,
            disclosed_volume_remaining: request.disclosed_volume_remaining,
            total_volume_remaining: request.total_volume_remaining,
            volume: request.volume,
            volume_filled_today: request.volume_filled_today,
            price: request.price,
            good_till_date: request.good_till_date,
            entry_date_time: request.entry_date_time,
            last_modified: request.last_modified,
            st_order_flags: request.st_order_flags,
            branch_id: request.branch_id,
            trader_id: request.trader_id,
            broker_id: request.broker_id,
            open_close: request.open_close,
            settlor: request.settlor,
            pro_client_indicator: request.pro_client_indicator,
            additional_order_flags: request.additional_order_flags,
            nnf_field: request.nnf_field,
            pan: request.pan,
            algo_id: request.algo_id,
            last_activity_reference: request.last_activity_reference,
            ..blank()
        };
        Self { order, filler: request.filler.get() }
    }

    /// Whether a change that echoes `request` was made of the order as it is now; otherwise the
    /// exchange answers 16044.
    #[must_use]
    pub fn is_current(&self, request: &Self) -> bool {
        self.order.last_activity_reference == request.order.last_activity_reference
            && self.order.last_modified == request.order.last_modified
    }

    /// Lays a trade over the order: filled goes up, what remains goes down.
    pub fn fill(&mut self, fill: &Fill) {
        let order = &mut self.order;
        let filled = order.volume_filled_today.get().saturating_add(fill.quantity);
        let remaining = order.total_volume_remaining.get().saturating_sub(fill.quantity);
        order.volume_filled_today = BeI32::new(filled);
        order.total_volume_remaining = BeI32::new(remaining);
    }

    /// The trimmed confirmation.
    pub(super) fn response(&self) -> MsOeResponseTr {
        let order = &self.order;
        MsOeResponseTr {
            transaction_code: order.header.transaction_code,
            log_time: order.header.log_time,
            user_id: order.header.trader_id,
            error_code: order.header.error_code,
            time_stamp1: bytemuck::cast(order.header.time_stamp1),
            time_stamp2: order.header.time_stamp2[7],
            modified_cancelled_by: order.modified_cancelled_by,
            reason_code: order.reason_code,
            token_no: order.token_no,
            contract_desc: short(order.contract_desc),
            closeout_flag: order.closeout_flag,
            order_number: order.order_number,
            account_number: order.account_number,
            book_type: order.book_type,
            buy_sell_indicator: order.buy_sell_indicator,
            disclosed_volume: order.disclosed_volume,
            disclosed_volume_remaining: order.disclosed_volume_remaining,
            total_volume_remaining: order.total_volume_remaining,
            volume: order.volume,
            volume_filled_today: order.volume_filled_today,
            price: order.price,
            good_till_date: order.good_till_date,
            entry_date_time: order.entry_date_time,
            last_modified: order.last_modified,
            st_order_flags: order.st_order_flags,
            branch_id: order.branch_id,
            trader_id: order.trader_id,
            broker_id: order.broker_id,
            open_close: order.open_close,
            settlor: order.settlor,
            pro_client_indicator: order.pro_client_indicator,
            additional_order_flags: order.additional_order_flags,
            filler: BeI32::new(self.filler),
            nnf_field: order.nnf_field,
            time_stamp: order.header.timestamp,
            pan: order.pan,
            algo_id: order.algo_id,
            last_activity_reference: order.last_activity_reference,
            ..MsOeResponseTr::zeroed()
        }
    }

    /// The full message about a trade of the order, the order as it is after it.
    pub(super) fn trade(&self, fill: &Fill) -> MsTradeConfirm {
        let order = &self.order;
        MsTradeConfirm {
            header: order.header,
            response_order_number: order.order_number,
            broker_id: order.broker_id,
            trader_number: order.trader_id,
            account_number: order.account_number,
            buy_sell_indicator: order.buy_sell_indicator,
            original_volume: order.volume,
            disclosed_volume: order.disclosed_volume,
            remaining_volume: order.total_volume_remaining,
            disclosed_volume_remaining: order.disclosed_volume_remaining,
            price: order.price,
            st_order_flags: order.st_order_flags,
            good_till_date: order.good_till_date,
            fill_number: BeI32::new(fill.number),
            fill_quantity: BeI32::new(fill.quantity),
            fill_price: BeI32::new(fill.price),
            volume_filled_today: order.volume_filled_today,
            activity_type: trade_activity(),
            activity_time: order.header.log_time,
            counter_trader_order_number: BeF64::new(0.0),
            counter_broker_id: Text::BLANK,
            token: order.token_no,
            contract_desc: order.contract_desc,
            open_close: order.open_close,
            old_open_close: Text::BLANK,
            book_type: Text::letter(book_letter(order.book_type)),
            old_account_number: Text::BLANK,
            participant: order.settlor,
            old_participant: Text::BLANK,
            additional_order_flags: order.additional_order_flags,
            pan: order.pan,
            old_pan: Text::BLANK,
            algo_id: order.algo_id,
            last_activity_reference: order.last_activity_reference,
            ..MsTradeConfirm::zeroed()
        }
    }

    /// The trimmed message about the same trade.
    pub(super) fn trade_tr(&self, fill: &Fill) -> MsTradeConfirmTr {
        let full = self.trade(fill);
        MsTradeConfirmTr {
            transaction_code: full.header.transaction_code,
            log_time: full.header.log_time,
            trader_id: full.trader_number,
            timestamp: full.header.timestamp,
            timestamp1: BeF64::new(i64::from_be_bytes(full.header.time_stamp1) as f64),
            timestamp2: bytemuck::cast(full.header.time_stamp2),
            response_order_number: full.response_order_number,
            broker_id: full.broker_id,
            account_number: full.account_number,
            buy_sell_indicator: full.buy_sell_indicator,
            original_volume: full.original_volume,
            disclosed_volume: full.disclosed_volume,
            remaining_volume: full.remaining_volume,
            disclosed_volume_remaining: full.disclosed_volume_remaining,
            price: full.price,
            st_order_flags: full.st_order_flags,
            fill_number: full.fill_number,
            fill_quantity: full.fill_quantity,
            fill_price: full.fill_price,
            volume_filled_today: full.volume_filled_today,
            activity_type: full.activity_type,
            activity_time: full.activity_time,
            token: full.token,
            contract_desc: short(full.contract_desc),
            open_close: full.open_close,
            book_type: book_letter(self.order.book_type),
            participant: full.participant,
            additional_order_flags: full.additional_order_flags,
            pan: full.pan,
            algo_id: full.algo_id,
            last_activity_reference: full.last_activity_reference,
            ..MsTradeConfirmTr::zeroed()
        }
    }

    /// Writes who, when and where into the header, and the marks that the next change must echo.
    pub(super) fn stamp(&mut self, stamp: &Mark) {
        let order = &mut self.order;
        let header = &mut order.header;
        header.transaction_code = BeI16::new(stamp.code);
        header.log_time = BeI32::new(stamp.seconds);
        header.alpha_char = alpha(order.contract_desc.symbol);
        header.trader_id = BeI32::new(stamp.user_id);
        header.error_code = BeI16::new(stamp.error_code);
        header.timestamp = BeI64::new(stamp.nanos);
        header.time_stamp1 = stamp.jiffies.to_be_bytes();
        header.time_stamp2 = [0, 0, 0, 0, 0, 0, 0, stamp.stream];
        header.message_length = BeI16::new(MsOeRequest::SIZE as i16);
        order.reason_code = BeI16::new(stamp.reason_code);
    }
}

/// What one message says beside the order.
pub(super) struct Mark {
    pub(super) code: i16,
    pub(super) user_id: i32,
    pub(super) error_code: i16,
    pub(super) reason_code: i16,
    pub(super) stream: u8,
    pub(super) seconds: i32,
    pub(super) nanos: i64,
    pub(super) jiffies: i64,
}

/// An order with nothing in it; text fields are blank.
pub(super) fn blank() -> MsOeRequest {
    MsOeRequest {
        modified_cancelled_by: Text::BLANK,
        counter_party_broker_id: Text::BLANK,
        closeout_flag: Text::BLANK,
        c_ord_filler: Text::BLANK,
        ..MsOeRequest::zeroed()
    }
}

pub(super) fn full(contract: ContractDescTr) -> ContractDesc {
    ContractDesc {
        instrument_name: contract.instrument_name,
        symbol: contract.symbol,
        expiry_date: contract.expiry_date,
        strike_price: contract.strike_price,
        option_type: contract.option_type,
        ca_level: BeI16::new(0),
    }
}

fn short(contract: ContractDesc) -> ContractDescTr {
    ContractDescTr {
        instrument_name: contract.instrument_name,
        symbol: contract.symbol,
        expiry_date: contract.expiry_date,
        strike_price: contract.strike_price,
        option_type: contract.option_type,
    }
}

/// The first two characters of the symbol.
pub(super) fn alpha(symbol: Text<10>) -> [u8; 2] {
    let symbol: [u8; 10] = bytemuck::cast(symbol);
    [symbol[0], symbol[1]]
}

/// Activity 2, a trade.
pub(super) fn trade_activity() -> Text<2> {
    Text::new("2").unwrap_or(Text::BLANK)
}

/// The trade has the book type as one byte.
fn book_letter(book_type: BeI16) -> u8 {
    u8::try_from(book_type.get()).unwrap_or_default()
}
