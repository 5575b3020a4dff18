//! Names for codes that the model leaves without one, in the words of `tezi journal dump`.

use tezi::model::{CommandKind, InstrumentKind, OptionType, Side, TimeInForce};

/// `buy` or `sell`.
pub(crate) const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// What a command or a refused request asked.
pub(crate) const fn command(kind: CommandKind) -> &'static str {
    match kind {
        CommandKind::New => "new",
        CommandKind::Replace => "replace",
        CommandKind::Cancel => "cancel",
    }
}

/// How long an order lives, by its code.
pub(crate) const fn time_in_force(code: u8) -> Option<&'static str> {
    const DAY: u8 = TimeInForce::Day as u8;
    const IOC: u8 = TimeInForce::Ioc as u8;
    match code {
        DAY => Some("day"),
        IOC => Some("ioc"),
        _ => None,
    }
}

/// The kind of a contract.
pub(crate) const fn instrument(kind: InstrumentKind) -> &'static str {
    match kind {
        InstrumentKind::Unknown => "unknown",
        InstrumentKind::Equity => "equity",
        InstrumentKind::Future => "future",
        InstrumentKind::Option => "option",
        InstrumentKind::Spread => "spread",
        InstrumentKind::Index => "index",
    }
}

/// Call or put.
pub(crate) const fn option(kind: OptionType) -> &'static str {
    match kind {
        OptionType::Call => "call",
        OptionType::Put => "put",
    }
}
