//! Participation (POV): a share of what others trade.
//!
//! The volume is that of others alone. With the venue inside the core own trades are not on the tape,
//! and the share is of all of it. At an exchange they are, before or after their report comes: then what
//! is on the tape may hold everything executed and open. With the share `r` of others' volume, a tape
//! of `T` and own units `C`, `C ≤ r (T − C)` holds whichever came first, so `C ≤ r T / (1 + r)`.

use super::access::MarketAccess;
use super::parent::Parent;
use super::price;
use super::state::ParentError;
use super::tactic::{Plan, Tactic};

/// A whole, in basis points.
const WHOLE_BPS: u64 = 10_000;

/// The tactic of POV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Participation {
    /// The share aimed at, in basis points of others' volume.
    rate_bps: u32,
    /// Below this share it crosses.
    rate_min_bps: u32,
    /// Executed and open together never go beyond this share when a child is sent.
    rate_max_bps: u32,
    /// The least units sent at once, where the bound leaves room.
    clip: u64,
}

impl Participation {
    /// A share of others' volume, in basis points: aimed at, crossed below, never gone beyond; and
    /// the least units sent at once, where the bound leaves room for them.
    ///
    /// # Errors
    ///
    /// [`ParentError::Parameter`] unless `rate_min_bps ≤ rate_bps ≤ rate_max_bps` and `rate_bps` is
    /// positive.
    pub const fn new(
        rate_bps: u32,
        rate_min_bps: u32,
        rate_max_bps: u32,
        clip: u64,
    ) -> Result<Self, ParentError> {
        if rate_bps == 0 || rate_min_bps > rate_bps || rate_bps > rate_max_bps {
            return Err(ParentError::Parameter("0 < rate, rate_min <= rate <= rate_max"));
        }
        Ok(Self { rate_bps, rate_min_bps, rate_max_bps, clip })
    }

    /// What a share allows of what was traded.
    fn allowed(rate_bps: u32, volume: u64, shows_own: bool) -> u64 {
        let rate = u64::from(rate_bps);
        let whole = if shows_own { WHOLE_BPS + rate } else { WHOLE_BPS };
        (u128::from(volume) * u128::from(rate) / u128::from(whole)) as u64
    }
}

impl Tactic for Participation {
    fn plan(&mut self, parent: &Parent, access: &impl MarketAccess) -> Plan {
        let allowed = |rate| Self::allowed(rate, parent.benchmark().volume(), access.shows_own());
        let (executed, open) = (parent.executed(), parent.open());
        let room = allowed(self.rate_max_bps).saturating_sub(executed);
        let behind = allowed(self.rate_bps).saturating_sub(executed);
        let is_urgent = executed < allowed(self.rate_min_bps);
        let side = parent.spec().side;
        let from = if is_urgent { side.opposite() } else { side };
        // A whole clip goes out as soon as a lot is missing; what lies there stays.
        let is_behind = behind >= open + u64::from(parent.lot());
        let wanted = if is_behind { behind.max(open + self.clip) } else { open };
        Plan {
            open: wanted.min(room),
            price: price::touch(access, parent, from),
            is_urgent,
            look_at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_others_volume_wherever_own_trades_show() {
        for rate in [1, 500, 2_000, 10_000, 40_000] {
            for others in [0, 99, 12_345, 1 << 40] {
                let own = Participation::allowed(rate, others, false);
                assert_eq!(own, others * u64::from(rate) / 10_000);
                // With all own trades on the tape the same share comes out, rounded down.
                let shown = Participation::allowed(rate, others + own, true);
                assert!(shown <= own && own - shown <= 1, "{rate}, {others}: {shown} and {own}");
            }
        }
    }

    #[test]
    fn the_bounds_are_in_order() {
        assert!(Participation::new(1_000, 1_000, 1_000, 0).is_ok());
        for (rate, least, most) in [(0, 0, 0), (10, 11, 20), (10, 0, 9)] {
            assert!(Participation::new(rate, least, most, 0).is_err());
        }
    }
}
