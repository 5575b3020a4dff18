//! What a strategy calls while it is called: the table of functions over a lent context.
#![allow(unsafe_code, reason = "functions for C take pointers")]

use std::ffi::{CStr, c_char};
use std::slice;

use tezi::model::{
    ClientOrderId, Instrument, InstrumentId, Nanos, Px, Qty, RejectReason, Side, TimeInForce,
};
use tezi::oms;
use tezi::strategy::Context as Lent;

use crate::abi::{self, Calls, Context, INVALID, Level, NONE, NewOrder, OK, Order, Position};

/// The table that every context points to.
pub(crate) static CALLS: Calls = Calls {
    abi: abi::ABI,
    size: size_of::<Calls>() as u32,
    now,
    exchange_time,
    instruments,
    instrument,
    touch,
    levels,
    last_trade,
    volume,
    is_stale,
    status,
    position,
    profit,
    stopped,
    order,
    open_orders,
    submit,
    replace,
    cancel,
    set_timer,
    kill,
    reason,
};

/// What was lent, to look at.
///
/// # Safety
///
/// `context` is one that [`crate::ForeignStrategy`] lends, during the call that it was lent for.
const unsafe fn seen<'a>(context: *const Context) -> &'a Lent<'a> {
    // SAFETY: the strategy has the pointer from a call that still lasts, by the promise above.
    let inner = unsafe { (*context).inner };
    // SAFETY: the same, and the call's own `&mut` is not used while it lasts.
    unsafe { &*inner.cast::<Lent<'a>>() }
}

/// What was lent, to act on.
///
/// # Safety
///
/// As [`seen`]; functions of the table do not call each other, so no two references live at once.
const unsafe fn held<'a>(context: *mut Context) -> &'a mut Lent<'a> {
    // SAFETY: as in `seen`.
    let inner = unsafe { (*context).inner };
    // SAFETY: as in `seen`.
    unsafe { &mut *inner.cast::<Lent<'a>>() }
}

/// Stores a value where the caller wants it; whether there is one.
///
/// # Safety
///
/// `out` is null or may be written.
unsafe fn give<T>(value: Option<T>, out: *mut T) -> i32 {
    let Some(value) = value else { return NONE };
    if out.is_null() {
        return INVALID;
    }
    // SAFETY: it is not null, so it may be written, by the promise above.
    unsafe { out.write(value) };
    OK
}

/// Stores as many values as the caller has room for; how many.
///
/// # Safety
///
/// `out` is null, or `max` values may be written there.
unsafe fn give_all<T>(values: impl Iterator<Item = T>, out: *mut T, max: usize) -> usize {
    if out.is_null() {
        return 0;
    }
    // SAFETY: there is room, by the promise above, and what lies there is only written.
    let room = unsafe { slice::from_raw_parts_mut(out.cast::<std::mem::MaybeUninit<T>>(), max) };
    room.iter_mut().zip(values).map(|(place, value)| place.write(value)).count()
}

const fn side_of(code: u32) -> Option<Side> {
    match code {
        0 => Some(Side::Buy),
        1 => Some(Side::Sell),
        _ => None,
    }
}

const fn answer(result: Result<ClientOrderId, RejectReason>) -> Result<u64, i32> {
    match result {
        Ok(id) => Ok(id.0),
        Err(reason) => Err(reason as u16 as i32),
    }
}

pub(crate) const fn order_of(order: &oms::Order) -> Order {
    Order {
        order_id: order.order_id.0,
        id: order.client_order_id.0,
        price: order.price.0,
        instrument: order.instrument.0,
        quantity: order.quantity.0,
        filled: order.filled.0,
        side: order.side as u8,
        time_in_force: order.time_in_force as u8,
        status: order.status as u8,
        reserved: [0; 5],
    }
}

const fn level_of(level: &tezi::book::Level) -> Level {
    let tezi::book::Level { price, quantity, orders } = *level;
    Level { price: price.0, quantity, orders, reserved: 0 }
}

unsafe extern "C" fn now(context: *const Context) -> i64 {
    // SAFETY: the header's promise: the context is lent for this call.
    unsafe { seen(context) }.now().0
}

unsafe extern "C" fn exchange_time(context: *const Context) -> i64 {
    // SAFETY: as in `now`.
    unsafe { seen(context) }.exchange_time().0
}

unsafe extern "C" fn instruments(context: *const Context) -> u32 {
    // SAFETY: as in `now`.
    let count = unsafe { seen(context) }.instruments().count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

unsafe extern "C" fn instrument(context: *const Context, id: u32, out: *mut Instrument) -> i32 {
    // SAFETY: as in `now`.
    let state = unsafe { seen(context) }.instrument(InstrumentId(id));
    // SAFETY: the header's promise: `out` may be written.
    unsafe { give(state.map(|state| state.definition), out) }
}

unsafe extern "C" fn touch(context: *const Context, id: u32, side: u32, out: *mut Level) -> i32 {
    let Some(side) = side_of(side) else { return INVALID };
    // SAFETY: as in `now`.
    let touch = unsafe { seen(context) }.book(InstrumentId(id)).touch(side);
    // SAFETY: the header's promise: `out` may be written.
    unsafe { give(touch.as_ref().map(level_of), out) }
}

unsafe extern "C" fn levels(
    context: *const Context,
    id: u32,
    side: u32,
    out: *mut Level,
    max: usize,
) -> usize {
    let Some(side) = side_of(side) else { return 0 };
    // SAFETY: as in `now`.
    let levels = unsafe { seen(context) }.book(InstrumentId(id)).levels(side);
    // SAFETY: the header's promise: `max` levels may be written at `out`.
    unsafe { give_all(levels.map(|level| level_of(&level)), out, max) }
}

unsafe extern "C" fn last_trade(context: *const Context, id: u32, price: *mut i64) -> i32 {
    // SAFETY: as in `now`.
    let last = unsafe { seen(context) }.last_trade(InstrumentId(id));
    // SAFETY: the header's promise: `price` may be written.
    unsafe { give(last.map(|price| price.0), price) }
}

unsafe extern "C" fn volume(context: *const Context, id: u32) -> u64 {
    // SAFETY: as in `now`.
    unsafe { seen(context) }.volume(InstrumentId(id))
}

unsafe extern "C" fn is_stale(context: *const Context, id: u32) -> u32 {
    // SAFETY: as in `now`.
    unsafe { seen(context) }.is_stale(InstrumentId(id)).into()
}

unsafe extern "C" fn status(context: *const Context, id: u32) -> u32 {
    // SAFETY: as in `now`.
    unsafe { seen(context) }.status(InstrumentId(id)) as u32
}

unsafe extern "C" fn position(context: *const Context, id: u32, out: *mut Position) {
    // SAFETY: as in `now`.
    let position = unsafe { seen(context) }.position(InstrumentId(id));
    let position = Position {
        net: position.net,
        cost: position.cost.to_rupees(),
        realised: position.realised.to_rupees(),
        unrealised: position.unrealised().to_rupees(),
    };
    // SAFETY: the header's promise: `out` may be written.
    unsafe { give(Some(position), out) };
}

unsafe extern "C" fn profit(context: *const Context) -> f64 {
    // SAFETY: as in `now`.
    unsafe { seen(context) }.profit().to_rupees()
}

unsafe extern "C" fn stopped(context: *const Context) -> i32 {
    // SAFETY: as in `now`.
    unsafe { seen(context) }.stopped().map_or(OK, |reason| (reason as u16).into())
}

unsafe extern "C" fn order(context: *const Context, id: u64, out: *mut Order) -> i32 {
    // SAFETY: as in `now`.
    let order = unsafe { seen(context) }.order(ClientOrderId(id));
    // SAFETY: the header's promise: `out` may be written.
    unsafe { give(order.as_ref().map(order_of), out) }
}

unsafe extern "C" fn open_orders(context: *const Context, out: *mut Order, max: usize) -> usize {
    // SAFETY: as in `now`.
    let orders = unsafe { seen(context) }.open_orders();
    // SAFETY: the header's promise: `max` orders may be written at `out`.
    unsafe { give_all(orders.map(|order| order_of(&order)), out, max) }
}

unsafe extern "C" fn submit(context: *mut Context, order: *const NewOrder, id: *mut u64) -> i32 {
    // SAFETY: the header's promise: `order` is null or points to one.
    let Some(order) = (unsafe { order.as_ref() }) else { return INVALID };
    let time_in_force = match order.time_in_force {
        0 => TimeInForce::Day,
        1 => TimeInForce::Ioc,
        _ => return INVALID,
    };
    let Some(side) = side_of(order.side.into()) else { return INVALID };
    let (instrument, price) = (InstrumentId(order.instrument), Px(order.price));
    let request =
        tezi::Request::new_order(instrument, side, price, Qty(order.quantity), time_in_force);
    // SAFETY: as in `now`.
    match answer(unsafe { held(context) }.request(&request)) {
        // The order has left: its number is told to whoever wants it.
        Ok(number) if !id.is_null() => {
            // SAFETY: the header's promise: `id` may be written.
            unsafe { give(Some(number), id) }
        }
        Ok(_) => OK,
        Err(code) => code,
    }
}

unsafe extern "C" fn replace(context: *mut Context, id: u64, price: i64, quantity: u32) -> i32 {
    // SAFETY: as in `now`.
    let sent = unsafe { held(context) }.replace(ClientOrderId(id), Px(price), Qty(quantity));
    answer(sent).map_or_else(|code| code, |_| OK)
}

unsafe extern "C" fn cancel(context: *mut Context, id: u64) -> i32 {
    // SAFETY: as in `now`.
    answer(unsafe { held(context) }.cancel(ClientOrderId(id))).map_or_else(|code| code, |_| OK)
}

unsafe extern "C" fn set_timer(context: *mut Context, at: i64, timer: *mut u64) -> i32 {
    // SAFETY: as in `now`.
    match unsafe { held(context) }.set_timer(Nanos(at)) {
        // SAFETY: the header's promise: `timer` is null or may be written.
        Ok(id) if !timer.is_null() => unsafe { give(Some(id.0), timer) },
        Ok(_) => OK,
        Err(reason) => (reason as u16).into(),
    }
}

unsafe extern "C" fn kill(context: *mut Context) {
    // SAFETY: as in `now`.
    unsafe { held(context) }.kill();
}

/// A sentence for an answer. It lives as long as the process.
extern "C" fn reason(answer: i32) -> *const c_char {
    let text: &CStr = match answer {
        OK => c"done",
        NONE => c"there is no such thing",
        INVALID => c"an argument cannot be",
        abi::FAILED => c"it failed",
        code => return crate::strategy::reason_text(code),
    };
    text.as_ptr()
}
