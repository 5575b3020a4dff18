//! Returns from unadjusted closes: a split is no fall.
//!
//! A move of a fifth or more in one day that lies near the ratio of a usual split or bonus is
//! believed only when a row says what it was: the ratio to adjust by, or 1 for a true move. Without
//! a row the return is left out (nought) and reported. Of true falls this flags some; a fall
//! believed that was none would be worse: it stands in the worst of a thousand days.

/// A split, bonus or other cause of a new base of prices; or, with a factor of 1, the word that a
/// move was true.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CorporateAction {
    /// The first day with the new base, as an index into the closes.
    pub day: usize,
    /// New price of an old rupee: 0.5 for a bonus of 1:1, 0.2 for a split of 5.
    pub factor: f64,
}

/// A return that was left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suspect {
    /// The day, as an index into the closes.
    pub day: usize,
    /// Close over the close before.
    pub ratio: f64,
    /// The usual ratio nearest to it; NaN when a close was no price.
    pub nearest: f64,
}

/// What became of a series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReturnReport {
    /// Days adjusted by a row.
    pub adjusted: usize,
    /// Days left out.
    pub suspects: Vec<Suspect>,
}

/// The least move that may be a split, as a ratio either way.
const MOVE_MIN: f64 = 1.25;
/// How far a split's first day may move by itself, as a ratio.
const NEAR: f64 = 1.10;
/// New base over old of usual splits and bonuses: 1:10 to 1:1, 2:1, 3:1, splits of 2, 5, 10; and
/// consolidations, which are their inverses.
const RATIOS: [f64; 10] = [0.8, 0.75, 2.0 / 3.0, 0.6, 0.5, 0.4, 1.0 / 3.0, 0.25, 0.2, 0.1];

/// Simple returns of `closes` into `returns`, one fewer. Actions rise by day. Start of day: the
/// report allocates.
///
/// A row's factor is taken out of the return of its day. A close that is no positive number makes
/// the returns on both of its sides suspects.
#[must_use]
pub fn clean_returns(
    closes: &[f64],
    actions: &[CorporateAction],
    returns: &mut [f32],
) -> ReturnReport {
    let mut report = ReturnReport::default();
    let mut actions = actions.iter().peekable();
    for (index, (pair, out)) in closes.windows(2).zip(returns.iter_mut()).enumerate() {
        let day = index + 1;
        let mut factor = None;
        while let Some(action) = actions.next_if(|action| action.day <= day) {
            if action.day == day && action.factor.is_finite() && action.factor > 0.0 {
                factor = Some(factor.unwrap_or(1.0) * action.factor);
            }
        }
        *out = 0.0;
        let fine = pair.iter().all(|close| close.is_finite() && *close > 0.0);
        let ratio = if fine { pair[1] / pair[0] } else { f64::NAN };
        match (factor, suspicion(ratio)) {
            (Some(factor), _) if fine => {
                *out = (ratio / factor - 1.0) as f32;
                report.adjusted += usize::from(factor != 1.0);
            }
            (_, Some(nearest)) => report.suspects.push(Suspect { day, ratio, nearest }),
            _ => *out = (ratio - 1.0) as f32,
        }
    }
    report
}

/// The usual ratio that a move is near to, `None` when it is a move to believe.
fn suspicion(ratio: f64) -> Option<f64> {
    if ratio.is_nan() {
        return Some(f64::NAN);
    }
    if 1.0 / MOVE_MIN < ratio && ratio < MOVE_MIN {
        return None;
    }
    let both = RATIOS.iter().flat_map(|&usual| [usual, 1.0 / usual]);
    let apart = |usual: f64| (ratio / usual).max(usual / ratio);
    both.min_by(|&a, &b| apart(a).total_cmp(&apart(b))).filter(|&usual| apart(usual) <= NEAR)
}
