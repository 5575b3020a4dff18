//! A real panel of unadjusted closes: no split may stand among the returns, and no fall be invented.
//!
//! Needs `TEZI_CAPTURES`; says that it skipped without.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy takes for code

use std::collections::BTreeMap;
use std::path::PathBuf;

use tezi_core::risk_measures::{CorporateAction, clean_returns};

const PANEL: &str = "nse_cm_panel/nse_fno_stocks_daily_20250101_20250829.csv";

/// Closes by symbol, with their dates.
fn panel() -> Option<BTreeMap<String, Vec<(String, f64)>>> {
    let path = PathBuf::from(std::env::var_os("TEZI_CAPTURES")?).join(PANEL);
    let text = std::fs::read_to_string(path).ok()?;
    let mut series: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let close = fields[2].parse().unwrap();
        series.entry(fields[1].to_owned()).or_default().push((fields[0].to_owned(), close));
    }
    Some(series)
}

#[test]
fn splits_of_real_shares_are_flagged_and_adjusted() {
    let Some(series) = panel() else {
        println!("skipped: TEZI_CAPTURES does not lead to {PANEL}");
        return;
    };
    let mut flagged = 0;
    for (symbol, days) in &series {
        let closes: Vec<f64> = days.iter().map(|(_, close)| *close).collect();
        let mut returns = vec![0.0; closes.len().saturating_sub(1)];
        let report = clean_returns(&closes, &[], &mut returns);
        for suspect in &report.suspects {
            println!(
                "{symbol} {}: {:.4} near {:.4}",
                days[suspect.day].0, suspect.ratio, suspect.nearest
            );
        }
        flagged += report.suspects.len();
        // What is left is what a share can do in a day.
        assert!(returns.iter().all(|r| (-0.2..=0.25).contains(r)), "{symbol}");
        // With rows for what was flagged nothing is, and those days are ordinary.
        let rows: Vec<CorporateAction> = report
            .suspects
            .iter()
            .map(|it| CorporateAction { day: it.day, factor: it.nearest })
            .collect();
        let adjusted = clean_returns(&closes, &rows, &mut returns);
        assert_eq!((adjusted.suspects.len(), adjusted.adjusted), (0, rows.len()), "{symbol}");
        assert!(rows.iter().all(|row| returns[row.day - 1].abs() < 0.1), "{symbol}");
    }
    println!("{} series, {flagged} flagged", series.len());
    assert!(flagged > 0, "the panel has splits");
}
