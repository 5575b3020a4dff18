//! What the core says back: commands for the venue, refusals, and reports of the simulated venue.

use bytemuck::{Pod, Zeroable};
use tezi_model::{
    AccountId, ClientOrderId, CommandKind, ExecutionReport, InstrumentId, Nanos, OrderCommand, Px,
    Qty, RejectReason, Side, StrategyId, TimeInForce,
};

mod account;
mod change;
mod limit_use;

pub use account::{AccountChange, AccountEvent};
pub use change::{StopCause, StrategyChange, StrategyEvent};
pub use limit_use::{LimitUse, UseLevel};

/// What a strategy asked for, as it asked. 40 bytes; part of a [`Refusal`] record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Request {
    /// The order to change or cancel; zero for a new order.
    pub client_order_id: ClientOrderId,
    /// Limit price; zero for a cancel.
    pub price: Px,
    /// Total quantity; zero for a cancel.
    pub quantity: Qty,
    /// The instrument; zero for a change or cancel, where the order says it.
    pub instrument: InstrumentId,
    /// A [`CommandKind`] code.
    pub kind_code: u8,
    /// A [`Side`] code.
    pub side_code: u8,
    /// A [`TimeInForce`] code.
    pub time_in_force_code: u8,
    /// Who asks; the core knows and says it.
    pub strategy: StrategyId,
    /// For which account; the core knows and says it.
    pub account: AccountId,
    /// Zero.
    pub reserved: [u8; 3],
    /// Zero.
    pub reserved_tail: u64,
}

const _: () = assert!(size_of::<Request>() == 40);

impl Request {
    /// A new limit order.
    #[must_use]
    pub fn new_order(
        instrument: InstrumentId,
        side: Side,
        price: Px,
        quantity: Qty,
        time_in_force: TimeInForce,
    ) -> Self {
        Self {
            price,
            quantity,
            instrument,
            kind_code: CommandKind::New as u8,
            side_code: side as u8,
            time_in_force_code: time_in_force as u8,
            ..Self::zeroed()
        }
    }

    /// A change of price and total quantity.
    #[must_use]
    pub fn replace(client_order_id: ClientOrderId, price: Px, quantity: Qty) -> Self {
        let kind_code = CommandKind::Replace as u8;
        Self { client_order_id, price, quantity, kind_code, ..Self::zeroed() }
    }

    /// A cancel.
    #[must_use]
    pub fn cancel(client_order_id: ClientOrderId) -> Self {
        Self { client_order_id, kind_code: CommandKind::Cancel as u8, ..Self::zeroed() }
    }

    /// The request that led to a command which left.
    #[must_use]
    pub fn of_command(command: &OrderCommand) -> Option<Self> {
        let request = match command.kind()? {
            CommandKind::New => Self::new_order(
                command.instrument,
                command.side(),
                command.price,
                command.quantity,
                command.time_in_force(),
            ),
            CommandKind::Replace => {
                Self::replace(command.client_order_id, command.price, command.quantity)
            }
            CommandKind::Cancel => Self::cancel(command.client_order_id),
        };
        Some(Self { strategy: command.strategy, account: command.account, ..request })
    }

    /// What it asks; `None` when the record holds no known code.
    #[must_use]
    pub const fn kind(&self) -> Option<CommandKind> {
        match self.kind_code {
            1 => Some(CommandKind::New),
            2 => Some(CommandKind::Replace),
            3 => Some(CommandKind::Cancel),
            _ => None,
        }
    }

    /// The side of a new order.
    #[must_use]
    pub const fn side(&self) -> Side {
        if self.side_code == Side::Sell as u8 { Side::Sell } else { Side::Buy }
    }

    /// How long a new order lives.
    #[must_use]
    pub const fn time_in_force(&self) -> TimeInForce {
        if self.time_in_force_code == TimeInForce::Ioc as u8 {
            TimeInForce::Ioc
        } else {
            TimeInForce::Day
        }
    }
}

/// A request that did not leave. 48 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Refusal {
    /// What was asked.
    pub request: Request,
    /// A [`RejectReason`] code.
    pub reason_code: u16,
    /// Zero.
    pub reserved: [u8; 6],
}

const _: () = assert!(size_of::<Refusal>() == 48);

impl Refusal {
    /// Why it did not leave; `None` when the record holds no known code.
    #[must_use]
    pub const fn reason(&self) -> Option<RejectReason> {
        RejectReason::from_code(self.reason_code)
    }
}

/// What a strategy holds an instrument to be worth. 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Theoretical {
    /// The price; nought when it is not known any more.
    pub price: Px,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// Zero.
    pub reserved: u32,
}

const _: () = assert!(size_of::<Theoretical>() == 16);

/// The desk may only reduce risk from here on, or may trade again. 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct RiskReduction {
    /// 1 when it begins, 0 when it ends.
    pub begins: u8,
    /// Zero.
    pub reserved: [u8; 7],
}

impl RiskReduction {
    pub(crate) const fn new(begins: bool) -> Self {
        Self { begins: begins as u8, reserved: [0; 7] }
    }
}

/// One thing the core says back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A command for the venue, in the order in which they leave.
    Command(OrderCommand),
    /// A request that was refused.
    Refusal(Refusal),
    /// A report of the simulated venue, as applied.
    Report(ExecutionReport),
    /// The strategy set a timer for this time.
    Timer(Nanos),
    /// The strategy stopped trading for good.
    Kill,
    /// One of several strategies stopped, or may go on.
    Strategy(StrategyChange),
    /// An account stopped, or was released.
    Account(AccountChange),
    /// The strategy said what an instrument is worth: orders are checked against it from here on.
    Theoretical(Theoretical),
    /// What positions use of the collateral reached a limit, or is below it again.
    RiskReduction(RiskReduction),
    /// So much of a limit is used, or less again.
    LimitUse(LimitUse),
}

/// Who caused an output: the how-manieth call of the strategy during one input, from 1, or
/// [`Origin::CORE`]. Journaled with the output, so that a replay without the strategy's code can
/// ask for the same at the same point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(pub u16);

impl Origin {
    /// The core itself: a report, or a cancel by a stop.
    pub const CORE: Self = Self(0);
}

/// An output and who caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Emitted {
    /// Who caused it.
    pub origin: Origin,
    /// What it is.
    pub output: Output,
}
