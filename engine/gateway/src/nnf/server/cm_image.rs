//! The image of an order, from and to the structures of the capital market.
//!
//! One image serves both segments, so that a matching engine sees one form. A security stands in it as a
//! contract with token -1, the series as its instrument name; the flags are those of futures and
//! options. Where the image has no field of the name: `Suspended` is in `CloseoutFlag`,
//! `SettlementType` in `SettlementPeriod`, `AuctionNumber` in `OrderType`, and of the 25 characters of
//! remarks 24 are kept.

use bytemuck::Zeroable;

use super::super::cm::{descriptor, from_cm, sec_info_of, to_cm};
use super::super::wire::{
    BeF64, BeI16, BeI32, CmOrderEntryRequest, CmOrderEntryRequestTr, CmOrderFlags,
    CmOrderOmRequestTr, CmOrderOmResponseTr, CmTradeConfirm, CmTradeConfirmTr, MsOeRequest,
    SecInfo, Text,
};
use super::image::{Fill, OrderImage, blank, full, trade_activity};

/// What stands for the token that the wire does not have: the descriptor names the security.
const NO_TOKEN: BeI32 = BeI32::new(-1);

impl OrderImage {
    /// The image that a trimmed new order asks for; nothing of it is filled.
    #[must_use]
    pub fn of_cm_entry(request: &CmOrderEntryRequestTr) -> Self {
        let (st_order_flags, additional_order_flags) = from_cm(request.st_order_flags);
        let order = MsOeRequest {
            token_no: NO_TOKEN,
            contract_desc: full(descriptor(&request.sec_info)),
            closeout_flag: request.suspended,
            account_number: request.account_number,
            book_type: request.book_type,
            buy_sell_indicator: request.buy_sell,
            disclosed_volume: request.disclosed_vol,
            disclosed_volume_remaining: request.disclosed_vol,
            total_volume_remaining: request.volume,
            volume: request.volume,
            price: request.price,
            good_till_date: request.good_till_date,
            st_order_flags,
            branch_id: request.branch_id,
            trader_id: request.user_id,
            broker_id: request.broker_id,
            settlor: request.settlor,
            pro_client_indicator: request.pro_client,
            additional_order_flags,
            nnf_field: request.nnf_field,
            pan: request.pan,
            algo_id: request.algo_id,
            ..blank()
        };
        Self { order, filler: request.transaction_id.get() }
    }

    /// The image that a trimmed change or cancel describes.
    #[must_use]
    pub fn of_cm_change(request: &CmOrderOmRequestTr) -> Self {
        let (st_order_flags, additional_order_flags) = from_cm(request.st_order_flags);
        let order = MsOeRequest {
            modified_cancelled_by: request.modified_cancelled_by,
            token_no: NO_TOKEN,
            contract_desc: full(descriptor(&request.sec_info)),
            closeout_flag: request.suspended,
            order_number: request.order_number,
            account_number: request.account_number,
            book_type: request.book_type,
            buy_sell_indicator: request.buy_sell,
            disclosed_volume: request.disclosed_vol,
            disclosed_volume_remaining: request.disclosed_vol_remaining,
            total_volume_remaining: request.total_vol_remaining,
            volume: request.volume,
            volume_filled_today: request.volume_filled_today,
            price: request.price,
            entry_date_time: request.entry_date_time,
            last_modified: request.last_modified,
            st_order_flags,
            branch_id: request.branch_id,
            trader_id: request.user_id_2,
            broker_id: request.broker_id,
            settlor: request.settlor,
            pro_client_indicator: request.pro_client,
            settlement_period: request.settlement_type,
            additional_order_flags,
            nnf_field: request.nnf_field,
            pan: request.pan,
            algo_id: request.algo_id,
            last_activity_reference: request.last_activity_reference,
            ..blank()
        };
        Self { order, filler: request.transaction_id.get() }
    }

    /// The image that a request in the full structure describes; it has no place for the member's tag.
    #[must_use]
    pub fn of_cm_full(request: &CmOrderEntryRequest) -> Self {
        let (st_order_flags, additional_order_flags) = from_cm(request.st_order_flags);
        let remarks: [u8; 25] = bytemuck::cast(request.oe_remarks);
        let mut c_ord_filler = [b' '; 24];
        c_ord_filler.copy_from_slice(&remarks[..24]);
        let order = MsOeRequest {
            header: request.header,
            participant_type: request.participant_type,
            competitor_period: request.competitor_period,
            solicitor_period: request.solicitor_period,
            modified_cancelled_by: request.mod_cxl_by,
            reason_code: request.reason_code,
            token_no: NO_TOKEN,
            contract_desc: full(descriptor(&request.sec_info)),
            counter_party_broker_id: request.op_broker_id,
            closeout_flag: request.suspended,
            order_type: request.auction_number,
            order_number: request.order_number,
            account_number: request.account_number,
            book_type: request.book_type,
            buy_sell_indicator: request.buy_sell,
            disclosed_volume: request.disclosed_vol,
            disclosed_volume_remaining: request.disclosed_vol_remaining,
            total_volume_remaining: request.total_vol_remaining,
            volume: request.volume,
            volume_filled_today: request.volume_filled_today,
            price: request.price,
            trigger_price: request.trigger_price,
            good_till_date: request.good_till_date,
            entry_date_time: request.entry_date_time,
            minimum_fill_aon_volume: request.min_fill_aon,
            last_modified: request.last_modified,
            st_order_flags,
            branch_id: request.branch_id,
            trader_id: request.trader_id,
            broker_id: request.broker_id,
            c_ord_filler: bytemuck::cast(c_ord_filler),
            settlor: request.settlor,
            pro_client_indicator: request.pro_client,
            settlement_period: request.settlement_type,
            additional_order_flags,
            nnf_field: request.nnf_field,
            pan: request.pan,
            algo_id: request.algo_id,
            last_activity_reference: request.last_activity_reference,
            ..blank()
        };
        Self { order, filler: 0 }
    }

    /// The image in the full structure, which downloads have of every order.
    pub(in super::super) fn cm_full(&self) -> CmOrderEntryRequest {
        let order = &self.order;
        let mut header = order.header;
        header.message_length = BeI16::new(CmOrderEntryRequest::SIZE as i16);
        let mut remarks = [b' '; 25];
        remarks[..24].copy_from_slice(&bytemuck::cast::<_, [u8; 24]>(order.c_ord_filler));
        CmOrderEntryRequest {
            header,
            participant_type: order.participant_type,
            competitor_period: order.competitor_period,
            solicitor_period: order.solicitor_period,
            mod_cxl_by: order.modified_cancelled_by,
            reason_code: order.reason_code,
            sec_info: self.sec_info(),
            auction_number: order.order_type,
            op_broker_id: order.counter_party_broker_id,
            suspended: order.closeout_flag,
            order_number: order.order_number,
            account_number: order.account_number,
            book_type: order.book_type,
            buy_sell: order.buy_sell_indicator,
            disclosed_vol: order.disclosed_volume,
            disclosed_vol_remaining: order.disclosed_volume_remaining,
            total_vol_remaining: order.total_volume_remaining,
            volume: order.volume,
            volume_filled_today: order.volume_filled_today,
            price: order.price,
            trigger_price: order.trigger_price,
            good_till_date: order.good_till_date,
            entry_date_time: order.entry_date_time,
            min_fill_aon: order.minimum_fill_aon_volume,
            last_modified: order.last_modified,
            st_order_flags: self.cm_flags(),
            branch_id: order.branch_id,
            trader_id: order.trader_id,
            broker_id: order.broker_id,
            oe_remarks: bytemuck::cast(remarks),
            settlor: order.settlor,
            pro_client: order.pro_client_indicator,
            settlement_type: order.settlement_period,
            nnf_field: order.nnf_field,
            pan: order.pan,
            algo_id: order.algo_id,
            last_activity_reference: order.last_activity_reference,
            ..CmOrderEntryRequest::zeroed()
        }
    }

    /// The trimmed answer.
    pub(super) fn cm_response(&self) -> CmOrderOmResponseTr {
        let order = &self.order;
        CmOrderOmResponseTr {
            transaction_code: order.header.transaction_code,
            log_time: order.header.log_time,
            user_id: order.header.trader_id,
            error_code: order.header.error_code,
            time_stamp1: bytemuck::cast(order.header.time_stamp1),
            time_stamp2: order.header.time_stamp2[7],
            modified_cancelled_by: order.modified_cancelled_by,
            reason_code: order.reason_code,
            sec_info: self.sec_info(),
            order_number: order.order_number,
            account_number: order.account_number,
            book_type: order.book_type,
            buy_sell: order.buy_sell_indicator,
            disclosed_vol: order.disclosed_volume,
            disclosed_vol_remaining: order.disclosed_volume_remaining,
            total_vol_remaining: order.total_volume_remaining,
            volume: order.volume,
            volume_filled_today: order.volume_filled_today,
            price: order.price,
            entry_date_time: order.entry_date_time,
            last_modified: order.last_modified,
            st_order_flags: self.cm_flags(),
            branch_id: order.branch_id,
            user_id_2: order.trader_id,
            broker_id: order.broker_id,
            suspended: order.closeout_flag,
            settlor: order.settlor,
            pro_client: order.pro_client_indicator,
            settlement_type: order.settlement_period,
            nnf_field: order.nnf_field,
            transaction_id: BeI32::new(self.filler),
            timestamp: order.header.timestamp,
            pan: order.pan,
            algo_id: order.algo_id,
            last_activity_reference: order.last_activity_reference,
            ..CmOrderOmResponseTr::zeroed()
        }
    }

    /// The full message about a trade of the order, the order as it is after it.
    pub(super) fn cm_trade(&self, fill: &Fill) -> CmTradeConfirm {
        let order = &self.order;
        let mut header = order.header;
        header.message_length = BeI16::new(CmTradeConfirm::SIZE as i16);
        CmTradeConfirm {
            header,
            response_order_number: order.order_number,
            broker_id: order.broker_id,
            trader_num: order.trader_id,
            account_num: order.account_number,
            buy_sell: order.buy_sell_indicator,
            original_vol: order.volume,
            disclosed_vol: order.disclosed_volume,
            remaining_vol: order.total_volume_remaining,
            disclosed_vol_remaining: order.disclosed_volume_remaining,
            price: order.price,
            st_order_flags: self.cm_flags(),
            gtd: order.good_till_date,
            fill_number: BeI32::new(fill.number),
            fill_qty: BeI32::new(fill.quantity),
            fill_price: BeI32::new(fill.price),
            vol_filled_today: order.volume_filled_today,
            activity_type: trade_activity(),
            activity_time: order.header.log_time,
            op_order_number: BeF64::new(0.0),
            op_broker_id: Text::BLANK,
            sec_info: self.sec_info(),
            book_type: order.book_type,
            new_volume: order.total_volume_remaining,
            pro_client: order.pro_client_indicator,
            pan: order.pan,
            algo_id: order.algo_id,
            last_activity_reference: order.last_activity_reference,
            ..CmTradeConfirm::zeroed()
        }
    }

    /// The trimmed message about the same trade.
    pub(super) fn cm_trade_tr(&self, fill: &Fill) -> CmTradeConfirmTr {
        let full = self.cm_trade(fill);
        CmTradeConfirmTr {
            transaction_code: full.header.transaction_code,
            log_time: full.header.log_time,
            user_id: full.header.trader_id,
            time_stamp: full.header.timestamp,
            time_stamp1: full.header.time_stamp1,
            response_order_number: full.response_order_number,
            time_stamp2: full.header.time_stamp2[7],
            broker_id: full.broker_id,
            trader_num: full.trader_num,
            buy_sell: full.buy_sell,
            account_num: full.account_num,
            original_vol: full.original_vol,
            disclosed_vol: full.disclosed_vol,
            remaining_vol: full.remaining_vol,
            disclosed_vol_remaining: full.disclosed_vol_remaining,
            price: full.price,
            st_order_flags: full.st_order_flags,
            fill_number: full.fill_number,
            fill_qty: full.fill_qty,
            fill_price: full.fill_price,
            vol_filled_today: full.vol_filled_today,
            activity_type: full.activity_type,
            activity_time: full.activity_time,
            sec_info: full.sec_info,
            book_type: full.book_type,
            pro_client: full.pro_client,
            pan: full.pan,
            algo_id: full.algo_id,
            last_activity_reference: full.last_activity_reference,
            ..CmTradeConfirmTr::zeroed()
        }
    }

    /// `TimeStamp1` of the message that the image was stamped for.
    pub(super) const fn jiffies(&self) -> i64 {
        i64::from_be_bytes(self.order.header.time_stamp1)
    }

    fn sec_info(&self) -> SecInfo {
        let contract = &self.order.contract_desc;
        sec_info_of(contract.instrument_name, contract.symbol)
    }

    fn cm_flags(&self) -> CmOrderFlags {
        to_cm(self.order.st_order_flags, self.order.additional_order_flags)
    }
}
