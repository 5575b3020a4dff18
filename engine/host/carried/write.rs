//! The positions at a session's end, as the file that the next day begins with.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tezi_core::Lot;
use tezi_core::venue::Date;
use tezi_model::{Instrument, Px, Segment};

use super::file::POSITIONS;
use crate::error::Error;
use crate::report::{CoreReport, HoldingReport, Report};

/// A file made before the session runs, so that a bad path costs no session; it gets its name when it is
/// whole.
pub(crate) struct PositionsOut {
    path: PathBuf,
    made: PathBuf,
    file: File,
}

impl PositionsOut {
    /// Makes the file, under another name.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let mut made = path.as_os_str().to_owned();
        made.push(".new");
        let made = PathBuf::from(made);
        let file = File::create(&made).map_err(|source| Error::file("create", &made, source))?;
        Ok(Self { path: path.to_path_buf(), made, file })
    }

    /// Writes the positions of a report to the file, if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub(crate) fn finish(file: Option<Self>, report: Report) -> Result<Report, Error> {
        file.map(|file| file.write(&report.core)).transpose()?;
        Ok(report)
    }

    /// Writes the positions, brings them to the disk and names the file.
    fn write(mut self, core: &CoreReport) -> Result<(), Error> {
        let written = self.file.write_all(text(core).as_bytes());
        written
            .and_then(|()| self.file.sync_all())
            .and_then(|()| std::fs::rename(&self.made, &self.path))
            .map_err(|source| Error::file("write", &self.path, source))
    }
}

impl Drop for PositionsOut {
    /// Without positions there is no file. Where it has its name, nothing lies here.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.made);
    }
}

/// The lines of the file.
pub(crate) fn text(core: &CoreReport) -> String {
    let mut text = POSITIONS.join(",");
    text.push('\n');
    for holding in &core.holdings {
        for (net, price, day) in merged(&holding.lots) {
            let _ = writeln!(text, "{}", line(core, holding, net, price, day));
        }
    }
    text
}

fn line(core: &CoreReport, holding: &HoldingReport, net: i64, price: Px, day: i32) -> String {
    let HoldingReport { instrument, strategy, account, mark, .. } = holding;
    let Instrument { token, .. } = *instrument;
    let segment = instrument.segment().map_or("", Segment::name);
    let close = mark.map_or_else(String::new, |mark| mark.to_string());
    let as_of = core.holdings_day.map_or_else(String::new, |day| day.to_string());
    let day = if day == 0 { String::new() } else { Date::of_number(day).to_string() };
    format!(
        "{segment},{token},{instrument},{strategy},{account},{net},{price},{close},{day},{as_of}"
    )
}

/// Units, price and day of lots, oldest first; neighbours of one day and price are one.
fn merged(lots: &[Lot]) -> Vec<(i64, Px, i32)> {
    let price = |lot: &Lot| {
        let units = i128::from(lot.net);
        // To the nearest 10⁻⁸ rupees: what a column can say.
        let price = (2 * lot.cost.0 + units) / (2 * units);
        Px(i64::try_from(price).unwrap_or(i64::MAX).max(1))
    };
    let mut merged: Vec<(i64, Px, i32)> = Vec::with_capacity(lots.len());
    for lot in lots {
        match merged.last_mut() {
            Some((net, last, day)) if (*last, *day) == (price(lot), lot.day) => *net += lot.net,
            _ => merged.push((lot.net, price(lot), lot.day)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_day_and_price_are_one_line() {
        let lot = |net, paise, day| Lot { net, cost: Px::from_paise(paise).value(net), day };
        let px = Px::from_paise;
        let lots = [lot(5, 100, 1), lot(6, 100, 2), lot(7, 100, 2), lot(1, 101, 2), lot(2, 100, 2)];
        let lines = [(5, px(100), 1), (13, px(100), 2), (1, px(101), 2), (2, px(100), 2)];
        assert_eq!(merged(&lots), lines);
        assert_eq!(merged(&[lot(-5, 100, 1), lot(-6, 100, 1)]), [(-11, px(100), 1)]);
        // A third of a rupee is rounded, on either side.
        for units in [3, -3] {
            let third = Lot { net: units, cost: Px(200_000_000).value(units.signum()), day: 1 };
            assert_eq!(merged(&[third]), [(units, Px(66_666_667), 1)]);
        }
    }
}
