//! Checks of a single order against the rows of the day.

use core::fmt;

use tezi_model::{Px, Qty, Side};

use crate::venue::{Rate, Width};

/// Why an order breaks a limit of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum LimitRefusal {
    /// The price is no multiple of the tick.
    TickSize = 1,
    /// More than one order may have: it is frozen until the exchange decides.
    QuantityFreeze = 2,
    /// A market order in an option that has not traded today.
    NoTradeToday = 3,
    /// A market order in an option would trade too far from the last trade.
    BeyondProtection = 4,
    /// The segment has no disclosed quantity.
    DisclosedNotAvailable = 5,
    /// The disclosed part is too small.
    DisclosedTooSmall = 6,
    /// The disclosed part is larger than the order.
    DisclosedTooLarge = 7,
}

impl LimitRefusal {
    /// The exchange's own code, where one is known: 2170 is the message that freezes the order,
    /// the others are error codes (rule 1.7).
    #[must_use]
    pub const fn exchange_code(self) -> Option<u16> {
        match self {
            Self::QuantityFreeze => Some(2170),
            Self::NoTradeToday => Some(17181),
            Self::BeyondProtection => Some(17182),
            _ => None,
        }
    }
}

impl fmt::Display for LimitRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TickSize => "the price is not a multiple of the tick",
            Self::QuantityFreeze => "the quantity is above the freeze quantity",
            Self::NoTradeToday => "no market order: the option has not traded today",
            Self::BeyondProtection => "the market order would trade too far from the last trade",
            Self::DisclosedNotAvailable => "the segment has no disclosed quantity",
            Self::DisclosedTooSmall => "the disclosed quantity is too small a part of the order",
            Self::DisclosedTooLarge => "the disclosed quantity is more than the order",
        })
    }
}

impl core::error::Error for LimitRefusal {}

/// `price` on the tick, never more aggressive than it was: down for a buy, up for a sell.
#[must_use]
pub const fn round_to_tick(side: Side, price: Px, tick: Px) -> Px {
    match side {
        Side::Buy => price.floor_to(tick),
        Side::Sell => price.ceil_to(tick),
    }
}

/// Whether a price is a multiple of the tick.
///
/// # Errors
///
/// [`LimitRefusal::TickSize`] when it is not.
pub const fn check_tick(price: Px, tick: Px) -> Result<(), LimitRefusal> {
    if price.is_multiple_of(tick) { Ok(()) } else { Err(LimitRefusal::TickSize) }
}

/// Whether an order is small enough not to be frozen; `freeze` is `None` where there is no limit.
///
/// # Errors
///
/// [`LimitRefusal::QuantityFreeze`] above the freeze quantity.
pub fn check_freeze(quantity: Qty, freeze: Option<Qty>) -> Result<(), LimitRefusal> {
    match freeze {
        Some(freeze) if quantity > freeze => Err(LimitRefusal::QuantityFreeze),
        _ => Ok(()),
    }
}

/// Whether an order may show only `disclosed` of `quantity`: `min` is the least part, `None` where
/// the segment has no disclosed quantity (2.1). Zero discloses the whole order and always passes.
///
/// # Errors
///
/// A [`LimitRefusal`] that says what is wrong.
pub fn check_disclosed(
    quantity: Qty,
    disclosed: Qty,
    min: Option<Rate>,
) -> Result<(), LimitRefusal> {
    if disclosed.is_zero() {
        return Ok(());
    }
    let Some(min) = min else { return Err(LimitRefusal::DisclosedNotAvailable) };
    if disclosed > quantity {
        return Err(LimitRefusal::DisclosedTooLarge);
    }
    let least = i128::from(quantity.0) * i128::from(min.0);
    if i128::from(disclosed.0) * i128::from(Rate::ONE) < least {
        return Err(LimitRefusal::DisclosedTooSmall);
    }
    Ok(())
}

/// Whether a market order in an option may trade at `price`, the worst it would take: only within
/// `width` of the last trade of the day (NSE, April and May 2022).
///
/// # Errors
///
/// [`LimitRefusal::NoTradeToday`] (17181) or [`LimitRefusal::BeyondProtection`] (17182).
pub fn check_market_order(
    side: Side,
    price: Px,
    last_trade: Option<Px>,
    width: Width,
) -> Result<(), LimitRefusal> {
    let Some(last) = last_trade else { return Err(LimitRefusal::NoTradeToday) };
    let beyond = match side {
        Side::Buy => price > last + width.of(last),
        Side::Sell => price < last - width.of(last),
    };
    if beyond { Err(LimitRefusal::BeyondProtection) } else { Ok(()) }
}
