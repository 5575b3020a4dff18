//! The records of `include/tezi.h`, field by field. What each means is said there.
#![allow(missing_docs, reason = "the header is the description, and users read it")]

use std::ffi::{c_char, c_void};

use tezi::control::ControlRecord;
use tezi::model::Instrument;

/// The version of the interface (`TEZI_ABI`).
pub const ABI: u32 = 1;

pub const OK: i32 = 0;
pub const NONE: i32 = -1;
pub const INVALID: i32 = -2;
pub const FAILED: i32 = -3;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Level {
    pub price: i64,
    pub quantity: u64,
    pub orders: u32,
    pub reserved: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Order {
    pub order_id: u64,
    pub id: u64,
    pub price: i64,
    pub instrument: u32,
    pub quantity: u32,
    pub filled: u32,
    pub side: u8,
    pub time_in_force: u8,
    pub status: u8,
    pub reserved: [u8; 5],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct NewOrder {
    pub price: i64,
    pub instrument: u32,
    pub quantity: u32,
    pub side: u8,
    pub time_in_force: u8,
    pub reserved: [u8; 6],
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Position {
    pub net: i64,
    pub cost: f64,
    pub realised: f64,
    pub unrealised: f64,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct BookUpdate {
    pub instrument: u32,
    pub touch_changed: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Trade {
    pub price: i64,
    pub exchange_time: i64,
    pub instrument: u32,
    pub quantity: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Fill {
    pub id: u64,
    pub price: i64,
    pub instrument: u32,
    pub quantity: u32,
    pub side: u8,
    pub is_passive: u8,
    pub reserved: [u8; 6],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct OrderUpdate {
    pub order: Order,
    pub status_before: u8,
    pub reserved: [u8; 7],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct FeedUpdate {
    pub stream: u32,
    pub fault: u32,
    pub first: u32,
    pub last: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct StatusUpdate {
    pub exchange_time: i64,
    pub instrument: u32,
    pub segment: u8,
    pub status: u8,
    pub reserved: [u8; 2],
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct TradeCancel {
    pub price: i64,
    pub exchange_time: i64,
    pub buy_order_id: u64,
    pub sell_order_id: u64,
    pub instrument: u32,
    pub quantity: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct IndexUpdate {
    pub value: i64,
    pub exchange_time: i64,
    pub instrument: u32,
    pub reserved: u32,
}

/// What a strategy is lent for one call. Behind `calls` lies what only this side reads.
#[derive(Debug)]
#[repr(C)]
pub struct Context {
    pub calls: *const Calls,
    pub(crate) inner: *mut c_void,
}

#[derive(Debug)]
#[repr(C)]
pub struct Calls {
    pub abi: u32,
    pub size: u32,
    pub now: unsafe extern "C" fn(*const Context) -> i64,
    pub exchange_time: unsafe extern "C" fn(*const Context) -> i64,
    pub instruments: unsafe extern "C" fn(*const Context) -> u32,
    pub instrument: unsafe extern "C" fn(*const Context, u32, *mut Instrument) -> i32,
    pub touch: unsafe extern "C" fn(*const Context, u32, u32, *mut Level) -> i32,
    pub levels: unsafe extern "C" fn(*const Context, u32, u32, *mut Level, usize) -> usize,
    pub last_trade: unsafe extern "C" fn(*const Context, u32, *mut i64) -> i32,
    pub volume: unsafe extern "C" fn(*const Context, u32) -> u64,
    pub is_stale: unsafe extern "C" fn(*const Context, u32) -> u32,
    pub status: unsafe extern "C" fn(*const Context, u32) -> u32,
    pub position: unsafe extern "C" fn(*const Context, u32, *mut Position),
    pub profit: unsafe extern "C" fn(*const Context) -> f64,
    pub stopped: unsafe extern "C" fn(*const Context) -> i32,
    pub order: unsafe extern "C" fn(*const Context, u64, *mut Order) -> i32,
    pub open_orders: unsafe extern "C" fn(*const Context, *mut Order, usize) -> usize,
    pub submit: unsafe extern "C" fn(*mut Context, *const NewOrder, *mut u64) -> i32,
    pub replace: unsafe extern "C" fn(*mut Context, u64, i64, u32) -> i32,
    pub cancel: unsafe extern "C" fn(*mut Context, u64) -> i32,
    pub set_timer: unsafe extern "C" fn(*mut Context, i64, *mut u64) -> i32,
    pub kill: unsafe extern "C" fn(*mut Context),
    pub reason: extern "C" fn(i32) -> *const c_char,
}

/// A function of a strategy that is told something.
pub type On<T> = Option<unsafe extern "C" fn(*mut c_void, *mut Context, *const T)>;
/// A function of a strategy that is told that something is so.
pub type OnMoment = Option<unsafe extern "C" fn(*mut c_void, *mut Context)>;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Strategy {
    pub abi: u32,
    pub size: u32,
    pub this: *mut c_void,
    pub name: *const c_char,
    pub parameters: *const c_char,
    pub on_start: OnMoment,
    pub on_book: On<BookUpdate>,
    pub on_trade: On<Trade>,
    pub on_order: On<OrderUpdate>,
    pub on_fill: On<Fill>,
    pub on_timer: Option<unsafe extern "C" fn(*mut c_void, *mut Context, u64)>,
    pub on_feed: On<FeedUpdate>,
    pub on_status: On<StatusUpdate>,
    pub on_session: Option<unsafe extern "C" fn(*mut c_void, *mut Context, u32)>,
    pub on_stop: OnMoment,
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    pub on_trade_cancel: On<TradeCancel>,
    pub on_index: On<IndexUpdate>,
    pub on_fill_canceled: On<Fill>,
    pub on_control: On<ControlRecord>,
    pub on_active: Option<unsafe extern "C" fn(*mut c_void, *mut Context, u32)>,
    pub set_parameter: SetParameter,
}

/// The bytes of a strategy of the first version (`TEZI_STRATEGY_SIZE_1`).
pub const STRATEGY_SIZE_1: usize = std::mem::offset_of!(Strategy, on_trade_cancel);

/// A function of a strategy that changes a parameter.
pub type SetParameter =
    Option<unsafe extern "C" fn(*mut c_void, *mut Context, *const c_char, *const c_char) -> i32>;

/// What a shared object with a strategy exports as `tezi_open`.
pub type Open = unsafe extern "C" fn(u32, *const c_char, *mut Strategy, *mut c_char, usize) -> i32;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Report {
    pub events: u64,
    pub orders: u64,
    pub fills: u64,
    pub refused: u64,
    pub lost: u64,
    pub state_hash: u64,
    pub profit: f64,
    pub is_fine: u32,
    pub reserved: u32,
}

#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Live {
    pub a: *const c_char,
    pub b: *const c_char,
    pub interface: *const c_char,
    pub seconds: f64,
    pub silence: f64,
    pub contracts: *const c_char,
}
