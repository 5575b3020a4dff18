//! A tactic says what a parent should have open; an execution makes it so.

mod snapshot;

use tezi_model::{Nanos, Px};

use super::access::{Input, MarketAccess};
use super::parent::Parent;

/// What should be open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Units; what is beyond is pulled back.
    pub open: u64,
    /// Where; `None` leaves children where they are and sends none.
    pub price: Option<Px>,
    /// Whether children have to cross: their price is chased.
    pub is_urgent: bool,
    /// When to look again at the latest, without another input.
    pub look_at: Option<Nanos>,
}

/// What one algorithm wants, from what it sees. It sends nothing itself.
pub trait Tactic {
    /// What should be open now. Called with each input while the parent works.
    fn plan(&mut self, parent: &Parent, access: &impl MarketAccess) -> Plan;

    /// Goes on with other parameters; what it came to stays.
    fn retarget(&mut self, to: Self)
    where
        Self: Sized,
    {
        *self = to;
    }
}

/// A parent order worked by a tactic.
///
/// A strategy owns it and passes on each of its calls as an [`Input`].
#[derive(Clone, Debug)]
pub struct Execution<T> {
    parent: Parent,
    tactic: T,
}

impl<T: Tactic> Execution<T> {
    /// A parent, and what works it.
    #[must_use]
    pub const fn new(parent: Parent, tactic: T) -> Self {
        Self { parent, tactic }
    }

    /// The parent order.
    #[must_use]
    pub const fn parent(&self) -> &Parent {
        &self.parent
    }

    /// What works it.
    #[must_use]
    pub const fn tactic(&self) -> &T {
        &self.tactic
    }

    /// Takes an input, and does what there is to do.
    pub fn on_input(&mut self, access: &mut impl MarketAccess, input: &Input) {
        if !self.parent.on_input(access, input) {
            return;
        }
        self.step(access);
    }

    /// Goes on as `to`, which is the same order with other parameters and has not begun, would from here:
    /// limit, end, how children are kept, and the tactic's own.
    pub fn retarget(&mut self, to: Self, access: &mut impl MarketAccess) {
        self.parent.retarget(&to.parent);
        self.tactic.retarget(to.tactic);
        self.step(access);
    }

    /// Cancels the parent: no more children, the open ones are pulled back.
    pub fn cancel(&mut self, access: &mut impl MarketAccess) {
        self.parent.cancel(access);
    }

    /// Pulls the children back, and sends none until it is resumed.
    pub fn pause(&mut self, access: &mut impl MarketAccess) {
        self.parent.pause(access);
    }

    /// Goes on after a pause.
    pub fn resume(&mut self, access: &mut impl MarketAccess) {
        self.parent.resume();
        self.step(access);
    }

    fn step(&mut self, access: &mut impl MarketAccess) {
        if self.parent.advance(access) {
            let plan = self.tactic.plan(&self.parent, access);
            self.parent.work(access, &plan);
            if let Some(at) = plan.look_at {
                self.parent.look(access.now(), at);
            }
            // A refusal may have ended it: its children go at once.
            if !self.parent.is_working() {
                self.parent.advance(access);
            }
        }
        self.parent.rest(access);
    }
}
