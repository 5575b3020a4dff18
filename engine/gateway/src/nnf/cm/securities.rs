//! Securities by the engine's number, and tokens by symbol and series.

use bytemuck::Zeroable;
use tezi_model::{Instrument, InstrumentId, InstrumentKind, Segment, Token};

use super::super::contract::{ContractError, Underlying};
use super::super::wire::{BeI32, ContractDescTr, SecInfo, Text};

/// A security as requests name it, and its token, which the wire does not have.
#[derive(Clone, Copy, Debug)]
struct Security {
    sec_info: SecInfo,
    /// 0 where nothing is defined.
    token: Token,
}

/// The securities of a session.
///
/// # Invariants
///
/// - `slots` holds, as its number plus one, every defined security exactly once, in the first free
///   slot behind the home of its name. At most half of the slots are taken.
#[derive(Clone, Debug)]
pub(super) struct Securities {
    /// Indexed by [`InstrumentId`]. Never reallocated.
    securities: Box<[Security]>,
    slots: Box<[u32]>,
    shift: u32,
}

/// How requests name an instrument of the capital market.
///
/// # Errors
///
/// [`ContractError`] when a request cannot name it.
pub(in super::super) fn sec_info(
    instrument: &Instrument,
    underlying: Underlying,
) -> Result<SecInfo, ContractError> {
    if instrument.segment() != Some(Segment::NseCm) {
        return Err(ContractError::Segment);
    }
    let Underlying::Series(series) = underlying else { return Err(ContractError::Kind) };
    if instrument.kind() != InstrumentKind::Equity {
        return Err(ContractError::Kind);
    }
    if i32::try_from(instrument.token.0).is_err() || instrument.token.0 == 0 {
        return Err(ContractError::Token);
    }
    let symbol = instrument.symbol.as_str();
    let symbol = Text::new(symbol).ok().filter(|_| !symbol.is_empty());
    let series = core::str::from_utf8(&series).ok().and_then(|series| Text::new(series).ok());
    let series = series.filter(|series| !series.trimmed().is_empty());
    Ok(SecInfo {
        symbol: symbol.ok_or(ContractError::Symbol)?,
        series: series.ok_or(ContractError::Series)?,
    })
}

/// A security in the form of a contract: the series as the instrument name.
pub(in super::super) fn descriptor(sec_info: &SecInfo) -> ContractDescTr {
    let [first, second]: [u8; 2] = bytemuck::cast(sec_info.series);
    ContractDescTr {
        instrument_name: bytemuck::cast([first, second, b' ', b' ', b' ', b' ']),
        symbol: sec_info.symbol,
        expiry_date: BeI32::new(0),
        strike_price: BeI32::new(0),
        option_type: Text::BLANK,
    }
}

/// The way back from [`descriptor`].
pub(in super::super) fn sec_info_of(instrument_name: Text<6>, symbol: Text<10>) -> SecInfo {
    let [first, second, ..]: [u8; 6] = bytemuck::cast(instrument_name);
    SecInfo { symbol, series: bytemuck::cast([first, second]) }
}

impl Securities {
    pub(super) fn new(count_max: usize) -> Self {
        let nothing = Security { sec_info: SecInfo::zeroed(), token: Token(0) };
        let slots = (count_max.max(2) * 2).next_power_of_two();
        Self {
            securities: vec![nothing; count_max].into_boxed_slice(),
            slots: vec![0; slots].into_boxed_slice(),
            shift: 64 - slots.trailing_zeros(),
        }
    }

    /// Names the instrument, or names it anew; what was there stays when it cannot.
    pub(super) fn define(
        &mut self,
        id: InstrumentId,
        instrument: &Instrument,
        underlying: Underlying,
    ) -> Result<(), ContractError> {
        let place = self.securities.get_mut(id.index()).ok_or(ContractError::Capacity)?;
        let sec_info = sec_info(instrument, underlying)?;
        let was_defined = place.token.0 != 0;
        *place = Security { sec_info, token: instrument.token };
        if was_defined {
            self.slots.fill(0);
            for id in 0..self.securities.len() as u32 {
                self.take_slot(id);
            }
        } else {
            self.take_slot(id.0);
        }
        Ok(())
    }

    /// The name of an instrument, when it is defined.
    #[inline]
    pub(super) fn get(&self, id: InstrumentId) -> Option<&SecInfo> {
        let security = self.securities.get(id.index()).filter(|security| security.token.0 != 0);
        security.map(|security| &security.sec_info)
    }

    /// The token of the security with this name. Of two instruments defined with one name, the one
    /// that was first.
    #[inline]
    pub(super) fn token_of(&self, sec_info: &SecInfo) -> Option<Token> {
        let mut at = self.home(sec_info);
        while let Some(place) = self.slots[at].checked_sub(1) {
            let security = &self.securities[place as usize];
            if security.sec_info == *sec_info {
                return Some(security.token);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        None
    }

    fn take_slot(&mut self, id: u32) {
        let Security { sec_info, token } = self.securities[id as usize];
        if token.0 == 0 {
            return;
        }
        let mut at = self.home(&sec_info);
        while self.slots[at] != 0 {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = id + 1;
    }

    /// A fixed multiplication of both parts: the same day gives the same table.
    #[inline]
    fn home(&self, sec_info: &SecInfo) -> usize {
        let bytes: [u8; SecInfo::SIZE] = bytemuck::cast(*sec_info);
        let mut parts = [0_u64; 2];
        for (at, byte) in bytes.into_iter().enumerate() {
            parts[at / 8] |= u64::from(byte) << (8 * (at % 8));
        }
        let mixed = parts[0] ^ parts[1].wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tezi_model::{Nanos, Px, Symbol};

    use super::super::super::tests::Rng;
    use super::*;

    fn share(name: &str, token: u32) -> Instrument {
        let mut share = Instrument::unknown(Segment::NseCm, Token(token));
        share.symbol = Symbol::new(name);
        share.kind_code = InstrumentKind::Equity as u8;
        share
    }

    #[test]
    fn each_impossible_security_is_named() {
        let (good, eq) = (share("RELIANCE", 2885), Underlying::Series(*b"EQ"));
        assert!(sec_info(&good, eq).is_ok());
        let cases = [
            (Instrument { segment_code: Segment::NseFo as u8, ..good }, eq, ContractError::Segment),
            (Instrument { kind_code: 2, ..good }, eq, ContractError::Kind),
            (good, Underlying::Stock, ContractError::Kind),
            (Instrument { token: Token(0), ..good }, eq, ContractError::Token),
            (Instrument { token: Token(1 << 31), ..good }, eq, ContractError::Token),
            (Instrument { symbol: Symbol::new(""), ..good }, eq, ContractError::Symbol),
            (Instrument { symbol: Symbol::new("ELEVENCHARS"), ..good }, eq, ContractError::Symbol),
            (good, Underlying::Series(*b"  "), ContractError::Series),
            (good, Underlying::Series([0xFF; 2]), ContractError::Series),
        ];
        for (instrument, underlying, error) in cases {
            assert_eq!(sec_info(&instrument, underlying), Err(error), "{instrument:?}");
        }
        let far = Instrument { expiry: Nanos(1), strike: Px(1), ..good };
        assert_eq!(sec_info(&far, eq), sec_info(&good, eq), "nothing else is looked at");
    }

    #[test]
    fn names_and_tokens_agree_with_a_map() {
        const SEED: u64 = 0x5ec;
        let (mut rng, mut securities) = (Rng(SEED), Securities::new(40));
        let mut model: BTreeMap<u32, (SecInfo, Token)> = BTreeMap::new();
        for step in 0..20_000 {
            let (id, series) = (rng.below(42) as u32, [*b"EQ", *b"BE"][rng.below(2)]);
            // A name belongs to one number, as it does at the exchange.
            let name = format!("SYM{}", id + 42 * rng.below(3) as u32);
            let share = share(&name, 1 + rng.below(1_000) as u32);
            let done = securities.define(InstrumentId(id), &share, Underlying::Series(series));
            assert_eq!(done.is_ok(), id < 40, "seed {SEED:#x}, step {step}");
            if done.is_ok() {
                let sec_info = sec_info(&share, Underlying::Series(series)).unwrap();
                model.insert(id, (sec_info, share.token));
            }
            for (&id, (sec_info, token)) in &model {
                assert_eq!(securities.get(InstrumentId(id)), Some(sec_info));
                assert_eq!(securities.token_of(sec_info), Some(*token), "step {step}");
            }
            let other = SecInfo { series: Text::new("XX").unwrap(), ..model_first(&model) };
            assert_eq!(securities.token_of(&other), None);
        }
    }

    fn model_first(model: &BTreeMap<u32, (SecInfo, Token)>) -> SecInfo {
        model.values().next().map_or_else(SecInfo::zeroed, |(sec_info, _)| *sec_info)
    }
}
