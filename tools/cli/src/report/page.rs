//! The evidence of a day as one page that needs nothing else.

use std::fmt::Write;
use std::path::Path;

use tezi::day_report::DayReport;

use super::tables::{self, Table};
use crate::text::hash;

/// Rows of a table on the page; the files have all.
const ROWS_MAX: usize = 2_000;

const STYLE: &str = "body{font:14px/1.4 system-ui,sans-serif;margin:2em;color:#1b1f24}\
table{border-collapse:collapse;margin:.5em 0 2em}th,td{padding:.2em .7em;text-align:left;\
border-bottom:1px solid #e2e5e9;font-variant-numeric:tabular-nums;white-space:nowrap}\
th{background:#f4f6f8;position:sticky;top:0}p.bad{color:#b00020}code{background:#f4f6f8}";

/// The page.
pub(super) fn html(journal: &Path, report: &DayReport, tables: &[Table]) -> String {
    let mut page = String::new();
    let title = format!("Day of {}", journal.display());
    // Writing into a string cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{0}</title>\n\
         <style>{STYLE}</style>\n<h1>{0}</h1>\n<p>{1}, strategy <code>{2} {3}</code></p>\n\
         <p>State <code>{4}</code></p>\n",
        escape(&title),
        escape(&report.head.engine),
        escape(&report.head.strategy),
        escape(&report.head.parameters),
        hash(report.replay.core.state_hash),
    );
    for doubt in super::doubts(report) {
        let _ = writeln!(page, "<p class=\"bad\">Not fine: {}</p>", escape(&doubt));
    }
    let reasons = tables::reasons(&report.refusals);
    let reasons = Table::new("reasons", "Refusals by reason", "reason,times", &reasons, |it| {
        vec![it.0.clone(), it.1.to_string()]
    });
    let order =
        ["ratios", "strategies", "stops", "limits", "controls", "orders", "trades", "refusals"];
    let by_name = |name: &&str| tables.iter().find(|table| table.name == *name);
    for table in order.iter().filter_map(by_name).chain([&reasons]) {
        write_table(&mut page, table);
    }
    page + "</html>\n"
}

fn write_table(page: &mut String, table: &Table) {
    let count = table.rows.len();
    let _ = writeln!(page, "<h2>{} ({count})</h2>", escape(table.title));
    if count == 0 {
        page.push_str("<p>None.</p>\n");
        return;
    }
    page.push_str("<table><thead><tr>");
    for column in &table.columns {
        let _ = write!(page, "<th>{}</th>", escape(&column.replace('_', " ")));
    }
    page.push_str("</tr></thead><tbody>\n");
    for row in table.rows.iter().take(ROWS_MAX) {
        page.push_str("<tr>");
        for field in row {
            let _ = write!(page, "<td>{}</td>", escape(field));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table>\n");
    if count > ROWS_MAX {
        let _ = writeln!(page, "<p>{} more in {}.csv.</p>", count - ROWS_MAX, table.name);
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_journal_says_is_text_and_never_markup() {
        assert_eq!(escape("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
        let table = Table::new("t", "T", "one_two", &["<script>"], |it| vec![it.to_string()]);
        let mut page = String::new();
        write_table(&mut page, &table);
        assert!(page.contains("<td>&lt;script&gt;</td>") && page.contains("<th>one two</th>"));
    }
}
