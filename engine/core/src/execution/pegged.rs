//! Pegged: the price follows the market at a distance, within the limit.

use tezi_model::Px;

use super::access::MarketAccess;
use super::iceberg::Iceberg;
use super::parent::Parent;
use super::price;
use super::tactic::{Plan, Tactic};

/// What a price is pegged to. Own children are left out of the market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reference {
    /// The best price of the own side.
    #[default]
    Own,
    /// The middle of the touch, rounded to the passive side.
    Middle,
    /// The best price of the other side.
    Opposite,
}

/// The tactic of a pegged order. How often and from how far it moves is in the parent's
/// [`ChildPolicy`](super::ChildPolicy).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pegged {
    reference: Reference,
    /// Ticks towards the other side; negative away from it.
    offset_ticks: i32,
    display: Iceberg,
}

impl Pegged {
    /// Pegs to `reference`, so many ticks nearer the other side; shows like an [`Iceberg`].
    #[must_use]
    pub const fn new(reference: Reference, offset_ticks: i32, display: Iceberg) -> Self {
        Self { reference, offset_ticks, display }
    }

    fn price(&self, parent: &Parent, access: &impl MarketAccess) -> Option<Px> {
        let side = parent.spec().side;
        let touch = |side| price::touch(access, parent, side);
        let reference = match self.reference {
            Reference::Own => touch(side)?,
            Reference::Opposite => touch(side.opposite())?,
            Reference::Middle => price::middle(touch(side)?, touch(side.opposite())?),
        };
        let ticks = i64::from(self.offset_ticks) * side.sign();
        Some(reference + Px(parent.terms.tick.0.max(1).saturating_mul(ticks)))
    }
}

impl Tactic for Pegged {
    fn plan(&mut self, parent: &Parent, access: &impl MarketAccess) -> Plan {
        let open = self.display.shown(parent);
        Plan { open, price: self.price(parent, access), is_urgent: false, look_at: None }
    }
}
