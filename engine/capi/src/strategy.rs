//! A strategy of another language as the host runs it.
#![allow(unsafe_code, reason = "calls functions by pointer")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::fmt;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use tezi::control::{Control, ControlRecord};
use tezi::model::{FeedFault, RejectReason};
use tezi::oms::OrderSessionState;
use tezi::strategy::{
    BookUpdate, Context, FeedUpdate, Fill, IndexUpdate, OrderUpdate, ParameterError, StatusUpdate,
    Strategy, TimerId, Trade, TradeCancel,
};

use crate::abi;
use crate::calls::{CALLS, order_of};

/// Why a struct is no strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrategyError {
    /// There is none.
    Null,
    /// It was built for another version of the interface.
    Abi(u32),
    /// It is shorter than the first version's, or ends within a field.
    Size(u32),
    /// It has no name, or one that is no UTF-8.
    Name,
}

impl fmt::Display for StrategyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("there is no strategy"),
            Self::Abi(abi) => {
                write!(f, "the strategy is of interface {abi}, this host has {}", abi::ABI)
            }
            Self::Size(size) => {
                let (least, most) = (abi::STRATEGY_SIZE_1, size_of::<abi::Strategy>());
                write!(
                    f,
                    "the strategy's struct says {size} bytes; it has {least} to {most}, whole fields"
                )
            }
            Self::Name => f.write_str("the strategy has no name in UTF-8"),
        }
    }
}

impl std::error::Error for StrategyError {}

/// A strategy behind a struct of functions. Dropping it destroys what is behind.
#[derive(Debug)]
pub struct ForeignStrategy {
    functions: abi::Strategy,
    name: String,
    parameters: String,
}

// SAFETY: the header says that functions are called one at a time, from the thread that the host runs
// the strategy on, which need not be the one that made it.
unsafe impl Send for ForeignStrategy {}

impl ForeignStrategy {
    /// Takes a strategy over.
    ///
    /// # Errors
    ///
    /// [`StrategyError`]; what is behind the struct is then destroyed where that can be told, which is
    /// when version and size are right.
    ///
    /// # Safety
    ///
    /// `strategy` is null, or points to a struct that begins with `abi` and `size` and is `size` bytes
    /// long, of which this function then owns what `self` points to.
    pub unsafe fn new(strategy: *const abi::Strategy) -> Result<Self, StrategyError> {
        if strategy.is_null() {
            return Err(StrategyError::Null);
        }
        // SAFETY: not null, so the two first fields are there, by the promise above.
        let abi = unsafe { (*strategy).abi };
        // SAFETY: as above.
        let size = unsafe { (*strategy).size };
        if abi != abi::ABI {
            return Err(StrategyError::Abi(abi));
        }
        let bytes = size as usize;
        if bytes < abi::STRATEGY_SIZE_1 || !bytes.is_multiple_of(size_of::<usize>()) {
            return Err(StrategyError::Size(size));
        }
        // What an older strategy does not have is null; what a newer one has beyond is not called.
        let known = bytes.min(size_of::<abi::Strategy>());
        let mut functions = MaybeUninit::<abi::Strategy>::zeroed();
        // SAFETY: the strategy's struct has at least as many bytes, by its size, and so has ours.
        unsafe {
            ptr::copy_nonoverlapping(strategy.cast::<u8>(), functions.as_mut_ptr().cast(), known);
        }
        // SAFETY: fields are whole, each either the strategy's own or zero, which is null.
        let functions = unsafe { functions.assume_init() };
        let mut this = Self { functions, name: String::new(), parameters: String::new() };
        // SAFETY: null or a text, by the header.
        let name = unsafe { text(functions.name) };
        // SAFETY: null or a text, by the header.
        let parameters = unsafe { text(functions.parameters) };
        this.name = name.filter(|name| !name.is_empty()).ok_or(StrategyError::Name)?;
        this.parameters = parameters.unwrap_or_default();
        Ok(this)
    }

    /// Lends the context for one call.
    #[inline]
    fn lend(
        &mut self,
        context: &mut Context<'_>,
        call: impl FnOnce(*mut c_void, *mut abi::Context),
    ) {
        let inner = ptr::from_mut(context).cast::<c_void>();
        let mut lent = abi::Context { calls: &raw const CALLS, inner };
        call(self.functions.this, &raw mut lent);
    }

    #[inline]
    fn tell<T>(&mut self, context: &mut Context<'_>, function: abi::On<T>, what: &T) {
        let Some(function) = function else { return };
        // SAFETY: the function is the strategy's own and gets its own `self`; context and record live
        // through the call.
        self.lend(context, |this, lent| unsafe { function(this, lent, what) });
    }

    #[inline]
    fn tell_moment(&mut self, context: &mut Context<'_>, function: abi::OnMoment) {
        let Some(function) = function else { return };
        // SAFETY: as in `tell`.
        self.lend(context, |this, lent| unsafe { function(this, lent) });
    }
}

/// A text of C.
///
/// # Safety
///
/// It is null or ends with a zero byte.
pub(crate) unsafe fn text(from: *const c_char) -> Option<String> {
    if from.is_null() {
        return None;
    }
    // SAFETY: not null, so it ends with a zero byte, by the promise above.
    let text = unsafe { CStr::from_ptr(from) };
    text.to_str().ok().map(String::from)
}

/// The message of a reason of refusal, as C has texts.
pub(crate) fn reason_text(code: i32) -> *const c_char {
    static TEXTS: OnceLock<Vec<(i32, CString)>> = OnceLock::new();
    let texts = TEXTS.get_or_init(|| {
        let text = |reason: &RejectReason| CString::new(reason.message()).unwrap_or_default();
        RejectReason::ALL.iter().map(|reason| ((*reason as u16).into(), text(reason))).collect()
    });
    let found = texts.iter().find(|(known, _)| *known == code);
    found.map_or(c"not a reason".as_ptr(), |(_, text)| text.as_ptr())
}

fn fill_of(fill: &Fill) -> abi::Fill {
    abi::Fill {
        id: fill.client_order_id.0,
        price: fill.price.0,
        instrument: fill.instrument.0,
        quantity: fill.quantity.0,
        side: fill.side as u8,
        is_passive: fill.is_passive.into(),
        reserved: [0; 6],
    }
}

impl Drop for ForeignStrategy {
    fn drop(&mut self) {
        if let Some(destroy) = self.functions.destroy {
            // SAFETY: the strategy's own function, with its own `self`, once.
            unsafe { destroy(self.functions.this) };
        }
    }
}

impl Strategy for ForeignStrategy {
    fn name(&self) -> &str {
        &self.name
    }

    fn parameters(&self) -> String {
        self.parameters.clone()
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.tell_moment(ctx, self.functions.on_start);
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        let told = abi::BookUpdate {
            instrument: update.instrument.0,
            touch_changed: update.touch_changed.into(),
        };
        self.tell(ctx, self.functions.on_book, &told);
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, trade: &Trade) {
        let told = abi::Trade {
            price: trade.price.0,
            exchange_time: trade.exchange_time.0,
            instrument: trade.instrument.0,
            quantity: trade.quantity.0,
        };
        self.tell(ctx, self.functions.on_trade, &told);
    }

    fn on_status(&mut self, ctx: &mut Context<'_>, update: &StatusUpdate) {
        let told = abi::StatusUpdate {
            exchange_time: update.exchange_time.0,
            instrument: update.instrument.map_or(u32::MAX, |id| id.0),
            segment: update.segment as u8,
            status: update.status as u8,
            reserved: [0; 2],
        };
        self.tell(ctx, self.functions.on_status, &told);
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        let order = order_of(&update.order);
        let status_before = update.status_before as u8;
        let told = abi::OrderUpdate { order, status_before, reserved: [0; 7] };
        self.tell(ctx, self.functions.on_order, &told);
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.tell(ctx, self.functions.on_fill, &fill_of(fill));
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerId) {
        let Some(function) = self.functions.on_timer else { return };
        // SAFETY: as in `tell`.
        self.lend(ctx, |this, lent| unsafe { function(this, lent, timer.0) });
    }

    fn on_feed(&mut self, ctx: &mut Context<'_>, update: &FeedUpdate) {
        let (fault, first, last) = match update.fault {
            FeedFault::Stale { first } => (1, first, 0),
            FeedFault::Whole => (2, 0, 0),
            FeedFault::Snapshot => (3, 0, 0),
            FeedFault::Gap { first, last } => (4, first, last),
            FeedFault::Reset => (5, 0, 0),
        };
        let told = abi::FeedUpdate { stream: update.stream.0.into(), fault, first, last };
        self.tell(ctx, self.functions.on_feed, &told);
    }

    fn on_session(&mut self, ctx: &mut Context<'_>, state: OrderSessionState) {
        let Some(function) = self.functions.on_session else { return };
        let is_live = u32::from(state == OrderSessionState::Live);
        // SAFETY: as in `tell`.
        self.lend(ctx, |this, lent| unsafe { function(this, lent, is_live) });
    }

    fn on_trade_cancel(&mut self, ctx: &mut Context<'_>, cancel: &TradeCancel) {
        let told = abi::TradeCancel {
            price: cancel.price.0,
            exchange_time: cancel.exchange_time.0,
            buy_order_id: cancel.buy_order_id.0,
            sell_order_id: cancel.sell_order_id.0,
            instrument: cancel.instrument.0,
            quantity: cancel.quantity.0,
        };
        self.tell(ctx, self.functions.on_trade_cancel, &told);
    }

    fn on_index(&mut self, ctx: &mut Context<'_>, update: &IndexUpdate) {
        let told = abi::IndexUpdate {
            value: update.value.0,
            exchange_time: update.exchange_time.0,
            instrument: update.instrument.0,
            reserved: 0,
        };
        self.tell(ctx, self.functions.on_index, &told);
    }

    fn on_fill_canceled(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.tell(ctx, self.functions.on_fill_canceled, &fill_of(fill));
    }

    fn on_control(&mut self, ctx: &mut Context<'_>, control: &Control) {
        self.tell(ctx, self.functions.on_control, &ControlRecord::from(control));
    }

    fn on_active(&mut self, ctx: &mut Context<'_>, is_active: bool) {
        let Some(function) = self.functions.on_active else { return };
        // SAFETY: as in `tell`.
        self.lend(ctx, |this, lent| unsafe { function(this, lent, is_active.into()) });
    }

    fn set_parameter(
        &mut self,
        ctx: &mut Context<'_>,
        key: &str,
        value: &str,
    ) -> Result<(), ParameterError> {
        let function = self.functions.set_parameter.ok_or(ParameterError::Unknown)?;
        // An operator's action, rare enough to allocate for.
        let text = |text: &str| CString::new(text).map_err(|_| ParameterError::Value);
        let (key, value) = (text(key)?, text(value)?);
        let mut answer = abi::INVALID;
        self.lend(ctx, |this, lent| {
            // SAFETY: as in `tell`; both texts live through the call.
            answer = unsafe { function(this, lent, key.as_ptr(), value.as_ptr()) };
        });
        match answer {
            abi::OK => Ok(()),
            abi::NONE => Err(ParameterError::Unknown),
            _ => Err(ParameterError::Value),
        }
    }

    fn on_stop(&mut self, ctx: &mut Context<'_>) {
        self.tell_moment(ctx, self.functions.on_stop);
    }
}
