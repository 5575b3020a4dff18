//! A page that needs nothing else: table, percentiles, and every stage over time.

use std::fmt::Write;

use super::compare::Row;
use super::series::{Log, Series};
use super::show::{COLUMNS, about, values};
use super::time_plot::over_time;
use crate::percentile_plot::escaped;
use crate::text::grouped;

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Latency</title>
<style>
body { font-family: sans-serif; max-width: 960px; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; margin: 1em 0 }
th, td { padding: 0.3em 0.8em; border-bottom: 1px solid #ddd; text-align: right }
th:first-child, td:first-child { text-align: left }
tr.slower td { background: #fbe3d6 }
tr.faster td { background: #dff2ea }
svg { width: 100%; height: auto }
</style>
</head>
<body>
<h1>Latency</h1>
";

/// The page of some logs, and of how two compare.
pub(super) fn page(logs: &[Log], compared: Option<&[Row]>) -> String {
    let mut page = HEAD.to_owned();
    if let Some(rows) = compared {
        comparison(&mut page, rows);
    }
    for log in logs {
        // Writing to a string does not fail, here and below.
        let _ =
            writeln!(page, "<h2>{}</h2>\n<p>{}</p>", escaped(&log.name()), escaped(&about(log)));
        table(&mut page, log);
    }
    page.push_str("<h2>By percentile</h2>\n");
    page.push_str(&super::plot(logs));
    for log in logs {
        let _ = writeln!(page, "<h2>Over time: {}</h2>", escaped(&log.name()));
        for series in &log.stages {
            page.push_str(&over_time(series, log.seconds));
        }
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn table(page: &mut String, log: &Log) {
    page.push_str("<table>\n<tr><th>stage</th><th>count</th>");
    for (heading, ..) in COLUMNS {
        let _ = write!(page, "<th>{heading}</th>");
    }
    page.push_str("<th>max</th></tr>\n");
    for series in &log.stages {
        let _ = write!(page, "<tr><td>{}</td>", escaped(Series::title(series)));
        let _ = write!(page, "<td>{}</td>", grouped(series.total.count()));
        for value in values(series) {
            let _ = write!(page, "<td>{}</td>", grouped(value));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table>\n");
}

fn comparison(page: &mut String, rows: &[Row]) {
    page.push_str(
        "<h2>Before and after</h2>\n<p>With 99 % intervals of a bootstrap over blocks of \
         intervals, in nanoseconds.</p>\n<table>\n<tr><th>stage</th><th></th><th>before</th>\
         <th>after</th><th>change</th><th>shown</th></tr>\n",
    );
    for row in rows {
        let class = row.shown.text();
        let _ = write!(page, "<tr class=\"{class}\"><td>{}</td>", escaped(&row.title));
        for text in row.texts() {
            let _ = write!(page, "<td>{}</td>", escaped(&text));
        }
        let _ = writeln!(page, "<td>{class}</td></tr>");
    }
    page.push_str("</table>\n");
}
