//! The order flags of one segment as those of the other.
//!
//! Both have the same attributes; only their bits lie elsewhere, and self-trade prevention has a
//! byte of its own in futures and options (FO 9.48 chapter 4, CM 6.3 chapter 4).

use super::super::wire::{AdditionalOrderFlags, CmOrderFlags, StOrderFlags};

/// At the opening, market, stop-loss: the same bits in both segments.
const SAME: u8 = StOrderFlags::ATO | StOrderFlags::MARKET | StOrderFlags::STOP_LOSS;

/// Day, GTC, IOC and AON of futures and options; one bit higher in the capital market.
const LIFE: u8 = 0x0F;

/// Minimum fill of futures and options, in `state`; the last bit of `terms` in the capital market.
const MINIMUM_FILL: u8 = 0x80;

/// Matched, traded, modified, frozen and pre-open; one bit higher in the capital market.
const STATE: u8 = 0x7C;

/// The flags as the capital market has them. Market-if-touched and cancel-on-logoff have no place there.
#[inline]
pub(in super::super) const fn to_cm(
    flags: StOrderFlags,
    additional: AdditionalOrderFlags,
) -> CmOrderFlags {
    let stpc = additional.bits & AdditionalOrderFlags::STPC != 0;
    CmOrderFlags {
        terms: flags.terms & SAME | (flags.terms & LIFE) << 1 | (flags.state & MINIMUM_FILL) >> 7,
        state: (flags.state & STATE) << 1 | if stpc { CmOrderFlags::STPC } else { 0 },
    }
}

/// The flags of the capital market as futures and options have them.
#[inline]
pub(in super::super) const fn from_cm(flags: CmOrderFlags) -> (StOrderFlags, AdditionalOrderFlags) {
    let stpc = flags.state & CmOrderFlags::STPC != 0;
    let same = StOrderFlags {
        terms: flags.terms & SAME | flags.terms >> 1 & LIFE,
        state: flags.terms << 7 & MINIMUM_FILL | flags.state >> 1 & STATE,
    };
    (same, AdditionalOrderFlags { bits: if stpc { AdditionalOrderFlags::STPC } else { 0 } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attribute_keeps_its_name() {
        let terms = |terms| to_cm(StOrderFlags { terms, state: 0 }, NONE);
        let state = |state| to_cm(StOrderFlags { terms: 0, state }, NONE);
        const NONE: AdditionalOrderFlags = AdditionalOrderFlags { bits: 0 };
        assert_eq!(terms(StOrderFlags::ATO).terms, CmOrderFlags::ATO);
        assert_eq!(terms(StOrderFlags::MARKET).terms, CmOrderFlags::MARKET);
        assert_eq!(terms(StOrderFlags::STOP_LOSS).terms, CmOrderFlags::STOP_LOSS);
        assert_eq!(terms(StOrderFlags::DAY).terms, CmOrderFlags::DAY);
        assert_eq!(terms(StOrderFlags::IOC).terms, CmOrderFlags::IOC);
        assert_eq!(state(StOrderFlags::TRADED).state, CmOrderFlags::TRADED);
        assert_eq!(state(StOrderFlags::MODIFIED).state, CmOrderFlags::MODIFIED);
        assert_eq!(state(StOrderFlags::FROZEN).state, CmOrderFlags::FROZEN);
        assert_eq!(state(StOrderFlags::PRE_OPEN).state, CmOrderFlags::PRE_OPEN);
        let stpc = AdditionalOrderFlags { bits: AdditionalOrderFlags::STPC };
        assert_eq!(to_cm(StOrderFlags { terms: 0, state: 0 }, stpc).state, CmOrderFlags::STPC);
    }

    #[test]
    fn every_flag_of_the_capital_market_comes_back() {
        for terms in 0..=u8::MAX {
            for state in (0..=u8::MAX).filter(|state| state & 0x05 == 0) {
                let flags = CmOrderFlags { terms, state };
                let (st_order_flags, additional) = from_cm(flags);
                assert_eq!(to_cm(st_order_flags, additional), flags);
            }
        }
    }
}
