//! A member's order as the matching engine takes it, or why the exchange refuses it before.

use tezi_core::matching::{Order, Owner, SelfTrade};
use tezi_core::venue::bands::Lpp;
use tezi_core::venue::session::{OrderType, Phase};
use tezi_gateway::nnf::ErrorCode;
use tezi_gateway::nnf::server::OrderImage;
use tezi_gateway::nnf::wire::{AdditionalOrderFlags, BuySell, MsOeRequest, StOrderFlags};
use tezi_model::{InstrumentId, Nanos, Px, Qty, Segment, Side, TimeInForce};

use crate::contracts::Contracts;
use crate::members::Member;

/// Stop-loss orders stand in a book of their own (FO 9.48, chapter 4).
const BOOK_STOP_LOSS: i16 = 3;
const BOOK_REGULAR_LOT: i16 = 1;

/// For whom an order may be in the capital market, beside client and own (CM 6.3, chapter 4).
const WAREHOUSING: i16 = 4;

/// The number of a code in a segment; 16601, "the exchange rejects the request", where there is none.
pub(crate) const fn number(segment: Segment, code: ErrorCode) -> i16 {
    let code = if matches!(segment, Segment::NseCm) { in_cash(code) } else { code };
    match code.number(segment) {
        Some(number) => number,
        None => 16_601,
    }
}

/// What the capital market says where it has no code of the name.
const fn in_cash(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::OrderDoesNotExist => ErrorCode::OrderNotFound,
        ErrorCode::NotYourOrder => ErrorCode::NotInitiator,
        ErrorCode::OrderModifiedMeanwhile => ErrorCode::OrderChanged,
        ErrorCode::OrderEntryInPreOpen => ErrorCode::NotInPreOpen,
        ErrorCode::InvalidBuySell | ErrorCode::GtcNotAllowed => ErrorCode::InvalidData,
        code => code,
    }
}

/// The contract that a request names.
#[inline]
pub(crate) fn contract_of(
    contracts: &Contracts,
    order: &MsOeRequest,
) -> Result<InstrumentId, ErrorCode> {
    let found = contracts.find(order.token_no.get(), &order.contract_desc);
    found.ok_or(ErrorCode::InvalidSymbol)
}

/// What a request says of its sender, whatever it asks.
#[derive(Clone, Copy)]
pub(crate) struct Sender {
    pub(crate) owner: Owner,
    pub(crate) self_trade: SelfTrade,
    pub(crate) time_in_force: TimeInForce,
}

/// Whose order a request is and how long it is to live; all that the matching engine does not check itself.
#[inline]
pub(crate) fn sender_of(
    member: &mut Member,
    order: &MsOeRequest,
    phase: Phase,
) -> Result<Sender, ErrorCode> {
    if order.broker_id != member.broker_id {
        return Err(ErrorCode::MemberUnknown);
    }
    let is_share = order.token_no.get() == -1 && order.contract_desc.expiry_date.get() == 0;
    let is_known = match order.pro_client_indicator.get() {
        1 | 2 => true,
        WAREHOUSING => is_share,
        _ => false,
    };
    if !is_known {
        return Err(ErrorCode::InvalidProClient);
    }
    let owner = member.owner_of(order.pan, order.settlor).ok_or(ErrorCode::InvalidPan)?;
    let time_in_force = time_in_force(order.st_order_flags, phase)?;
    let stpc = order.additional_order_flags.bits & AdditionalOrderFlags::STPC != 0;
    let self_trade = if stpc { SelfTrade::CancelActive } else { SelfTrade::CancelPassive };
    Ok(Sender { owner, self_trade, time_in_force })
}

/// The side of a request or of one of its legs.
#[inline]
pub(crate) const fn side_of(buy_sell: i16) -> Result<Side, ErrorCode> {
    match buy_sell {
        BuySell::BUY => Ok(Side::Buy),
        BuySell::SELL => Ok(Side::Sell),
        _ => Err(ErrorCode::InvalidBuySell),
    }
}

/// Units as the wire has them.
#[inline]
pub(crate) fn units(value: i32) -> Result<Qty, ErrorCode> {
    u32::try_from(value).map(Qty).map_err(|_| ErrorCode::InvalidData)
}

/// The order that a new order or a change describes. `traded` is what has traded of it; in a change the
/// wire has what stays open, and the larger of the two readings of `Volume` counts.
#[inline]
pub(crate) fn order_of(
    member: &mut Member,
    number: u32,
    instrument: InstrumentId,
    image: &OrderImage,
    phase: Phase,
) -> Result<Order, ErrorCode> {
    let order = &image.order;
    let Sender { owner, self_trade, time_in_force } = sender_of(member, order, phase)?;
    let side = side_of(order.buy_sell_indicator.get())?;
    let order_type = order_type(order)?;
    if order_type == OrderType::Market && order.algo_id.get() != 0 {
        return Err(ErrorCode::AlgoMarketOrder);
    }
    let filled = order.volume_filled_today.get();
    let open = order.total_volume_remaining.get().saturating_add(filled);
    Ok(Order {
        instrument,
        side,
        order_type,
        time_in_force,
        price: Px::from_paise(i64::from(order.price.get())),
        trigger: Px::from_paise(i64::from(order.trigger_price.get())),
        quantity: units(order.volume.get().max(open))?,
        disclosed: units(order.disclosed_volume.get())?,
        owner,
        self_trade,
        member: number,
        reference: 0,
    })
}

/// Exactly one of day and immediate-or-cancel; the mark of the pre-open in it and nowhere else.
#[inline]
fn time_in_force(flags: StOrderFlags, phase: Phase) -> Result<TimeInForce, ErrorCode> {
    /// Good till cancelled, and all or none: gone from the exchange.
    const GTC_AON: u8 = 0x04 | 0x01;
    if flags.terms & GTC_AON != 0 {
        return Err(ErrorCode::GtcNotAllowed);
    }
    let collects = matches!(phase, Phase::PreOpenEntry | Phase::PreOpenLimitOnly);
    let says_pre_open = flags.state & StOrderFlags::PRE_OPEN != 0;
    if collects != says_pre_open && (collects || phase == Phase::Continuous) {
        return Err(ErrorCode::OrderEntryInPreOpen);
    }
    match flags.terms & (StOrderFlags::DAY | StOrderFlags::IOC) {
        StOrderFlags::DAY => Ok(TimeInForce::Day),
        StOrderFlags::IOC => Ok(TimeInForce::Ioc),
        _ => Err(ErrorCode::InvalidData),
    }
}

/// A price of 0 asks for a market order, a stop-loss has its flag and its book.
#[inline]
fn order_type(order: &MsOeRequest) -> Result<OrderType, ErrorCode> {
    let is_market = order.price.get() == 0;
    let has_stop_flag = order.st_order_flags.terms & StOrderFlags::STOP_LOSS != 0;
    match (order.book_type.get(), has_stop_flag) {
        (BOOK_REGULAR_LOT, false) if is_market => Ok(OrderType::Market),
        (BOOK_REGULAR_LOT, false) => Ok(OrderType::Limit),
        (BOOK_STOP_LOSS, true) if is_market => Ok(OrderType::StopMarket),
        (BOOK_STOP_LOSS, true) => Ok(OrderType::StopLimit),
        (BOOK_REGULAR_LOT | BOOK_STOP_LOSS, _) => Err(ErrorCode::BookTypeFlags),
        _ => Err(ErrorCode::InvalidBookType),
    }
}

/// Orders of several legs stand in no book of their own kind: regular lot, no stop-loss.
pub(crate) fn check_legs_book(order: &MsOeRequest) -> Result<(), ErrorCode> {
    let has_stop_flag = order.st_order_flags.terms & StOrderFlags::STOP_LOSS != 0;
    match order.book_type.get() {
        BOOK_REGULAR_LOT if !has_stop_flag => Ok(()),
        BOOK_REGULAR_LOT | BOOK_STOP_LOSS => Err(ErrorCode::BookTypeFlags),
        _ => Err(ErrorCode::InvalidBookType),
    }
}

/// Whether limit price protection lets an order pass: limits in continuous trading.
#[inline]
pub(crate) fn is_protected(
    protection: &mut Option<Lpp>,
    order: &Order,
    phase: Phase,
    now: Nanos,
) -> bool {
    match protection {
        Some(protection) if order.order_type == OrderType::Limit && phase == Phase::Continuous => {
            protection.on_timer(now);
            protection.check(order.side, order.price).is_ok()
        }
        _ => true,
    }
}
