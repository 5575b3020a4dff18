//! What an order says of its origin: whether the exchange takes terminal and algo number together.
//!
//! NSE: the NNF id has 12 digits of origin and a 13th for the kind of order (NSE/INVG/69289); the
//! cross-checks are those of NSE/FAOP/76748, in force where and when the rule `algo.nnf_check` is on.
//! BSE: the 14th of the 16 digits of the location id is the kind, with other meanings (BSE
//! 20251223-22), so the two share nothing. Both are checked once, when a session's identity is known.

/// What NSE asks of the numbers of an order, on a day and in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NseTagRules {
    /// The algo id of orders below the rate at which an algo must be registered: the rule
    /// `algo.generic_id`.
    pub generic_algo_id: u32,
    /// Whether NNF id and algo id are checked against each other: the rule `algo.nnf_check`.
    pub is_cross_checked: bool,
}

/// Where an NSE order comes from: the first 12 digits of its NNF id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A dealer's terminal: numbers of pin, branch and terminal.
    Terminal,
    /// The web or an app (`111111111111`).
    Web,
    /// Direct market access (`222222222222`).
    DirectAccess,
    /// Mobile trading (`333333333333`).
    Mobile,
    /// A client's own program (`444444444444`).
    ClientApi,
}

/// Why an order's numbers do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagFault {
    /// The id has another number of digits than the exchange's.
    Digits,
    /// The kind of order has no meaning, or none for this origin.
    Kind,
    /// A kind that is an algo's, or a square-off by the risk system, from the web or a phone.
    AlgoByHand,
    /// A kind that is no algo's, from a client's own program.
    HandByProgram,
    /// The generic algo id, from elsewhere than a client's own program.
    GenericElsewhere,
    /// An algo's kind without an algo id, or an algo id on an order that is none.
    AlgoId,
}

impl Origin {
    const fn of(first_twelve: u64) -> Self {
        match first_twelve {
            111_111_111_111 => Self::Web,
            222_222_222_222 => Self::DirectAccess,
            333_333_333_333 => Self::Mobile,
            444_444_444_444 => Self::ClientApi,
            _ => Self::Terminal,
        }
    }

    /// Whether NSE lists a kind for this origin.
    const fn has_kind(self, kind: u8) -> bool {
        match self {
            Self::Terminal | Self::DirectAccess => kind <= 8,
            Self::Web | Self::Mobile => matches!(kind, 1 | 3 | 6 | 7 | 8),
            Self::ClientApi => matches!(kind, 0 | 2 | 4),
        }
    }
}

/// Whether a kind (13th digit) is an algo's on NSE.
#[must_use]
pub const fn is_nse_algo(kind: u8) -> bool {
    matches!(kind, 0 | 2 | 4)
}

/// Whether a kind (14th digit) is an algo's on BSE.
#[must_use]
pub const fn is_bse_algo(kind: u8) -> bool {
    matches!(kind, 1 | 2 | 4)
}

/// Checks the numbers of an NSE order: `nnf_id` of 15 digits, `algo_id` 0 for none.
///
/// # Errors
///
/// [`TagFault`]: the digits first, then what the exchange's cross-checks refuse, then kind and algo id.
pub const fn check_nse(nnf_id: u64, algo_id: u32, rules: NseTagRules) -> Result<(), TagFault> {
    // No origin starts with a nought.
    if nnf_id < 100_000_000_000_000 || nnf_id > 999_999_999_999_999 {
        return Err(TagFault::Digits);
    }
    let kind = (nnf_id / 100 % 10) as u8;
    let origin = Origin::of(nnf_id / 1_000);
    if rules.is_cross_checked {
        let is_by_hand = matches!(origin, Origin::Web | Origin::Mobile);
        let is_program = matches!(origin, Origin::ClientApi);
        if is_by_hand && matches!(kind, 0 | 2 | 4 | 5) {
            return Err(TagFault::AlgoByHand);
        }
        if is_program && matches!(kind, 1 | 3 | 5 | 6 | 7 | 8) {
            return Err(TagFault::HandByProgram);
        }
        if algo_id == rules.generic_algo_id && !is_program {
            return Err(TagFault::GenericElsewhere);
        }
    }
    if !origin.has_kind(kind) {
        return Err(TagFault::Kind);
    }
    if is_nse_algo(kind) != (algo_id != 0) { Err(TagFault::AlgoId) } else { Ok(()) }
}

/// Checks the location id of a BSE order, of 16 digits; `algo_id` 0 for none.
///
/// # Errors
///
/// [`TagFault::Digits`], [`TagFault::Kind`] or [`TagFault::AlgoId`].
pub const fn check_bse(location_id: u64, algo_id: u32) -> Result<(), TagFault> {
    if location_id < 1_000_000_000_000_000 || location_id > 9_999_999_999_999_999 {
        return Err(TagFault::Digits);
    }
    let kind = (location_id / 100 % 10) as u8;
    if kind > 7 {
        return Err(TagFault::Kind);
    }
    if is_bse_algo(kind) != (algo_id != 0) { Err(TagFault::AlgoId) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENERIC_ALGO_ID: u32 = 99_999;

    const fn rules(is_cross_checked: bool) -> NseTagRules {
        NseTagRules { generic_algo_id: GENERIC_ALGO_ID, is_cross_checked }
    }

    /// An id of an origin and a kind, with two further digits.
    const fn nnf_id(first_twelve: u64, kind: u64) -> u64 {
        first_twelve * 1_000 + kind * 100 + 17
    }

    /// What NSE makes of every kind of an origin: `.` taken, else the fault.
    fn row(first_twelve: u64, algo_id: u32, is_cross_checked: bool) -> String {
        let verdict =
            |kind| match check_nse(nnf_id(first_twelve, kind), algo_id, rules(is_cross_checked)) {
                Ok(()) => '.',
                Err(TagFault::Kind) => 'k',
                Err(TagFault::AlgoByHand) => 'h',
                Err(TagFault::HandByProgram) => 'p',
                Err(TagFault::GenericElsewhere) => 'g',
                Err(TagFault::AlgoId) => 'a',
                Err(TagFault::Digits) => 'd',
            };
        (0..10).map(verdict).collect()
    }

    #[test]
    fn the_truth_table_of_nse() {
        const TERMINAL: u64 = 400_013_001_001;
        const WEB: u64 = 111_111_111_111;
        const DMA: u64 = 222_222_222_222;
        const MOBILE: u64 = 333_333_333_333;
        const API: u64 = 444_444_444_444;
        // Kinds 0 to 9: origin, algo id, before 12 October 2026, from then on.
        let cases = [
            (TERMINAL, 0, "a.a.a....k", "a.a.a....k"),
            (TERMINAL, 12_345, ".a.a.aaaak", ".a.a.aaaak"),
            (TERMINAL, GENERIC_ALGO_ID, ".a.a.aaaak", "gggggggggg"),
            (WEB, 0, "k.k.kk...k", "h.h.hh...k"),
            (WEB, 12_345, "kakakkaaak", "hahahhaaak"),
            (WEB, GENERIC_ALGO_ID, "kakakkaaak", "hghghhgggg"),
            (DMA, 0, "a.a.a....k", "a.a.a....k"),
            (DMA, 12_345, ".a.a.aaaak", ".a.a.aaaak"),
            (DMA, GENERIC_ALGO_ID, ".a.a.aaaak", "gggggggggg"),
            (MOBILE, 0, "k.k.kk...k", "h.h.hh...k"),
            (MOBILE, 12_345, "kakakkaaak", "hahahhaaak"),
            (API, 0, "akakakkkkk", "apapappppk"),
            (API, 12_345, ".k.k.kkkkk", ".p.p.ppppk"),
            (API, GENERIC_ALGO_ID, ".k.k.kkkkk", ".p.p.ppppk"),
        ];
        for (origin, algo_id, before, after) in cases {
            assert_eq!(row(origin, algo_id, false), before, "{origin} {algo_id}");
            assert_eq!(row(origin, algo_id, true), after, "{origin} {algo_id}");
        }
        for id in [0, 99_999_999_999_999, 1_000_000_000_000_000] {
            assert_eq!(check_nse(id, 0, rules(true)), Err(TagFault::Digits), "{id}");
        }
    }

    #[test]
    fn the_kinds_of_bse_are_not_those_of_nse() {
        let id = |kind: u64| 1_111_110_000_000_000 + kind * 100;
        let row = |algo_id| -> String {
            let verdict = |kind| match check_bse(id(kind), algo_id) {
                Ok(()) => '.',
                Err(TagFault::Kind) => 'k',
                Err(TagFault::AlgoId) => 'a',
                Err(other) => panic!("{other:?}"),
            };
            (0..10).map(verdict).collect()
        };
        assert_eq!(row(0), ".aa.a...kk");
        assert_eq!(row(7), "a..a.aaakk");
        assert_eq!(check_bse(999, 0), Err(TagFault::Digits));
    }
}
