//! Margins as a table, as JSON and as CSV.

use std::io::{self, Write};

use serde_json::{Value, json};
use tezi::margin::{Margin, MarginDay, MarginGroup, scenario_name};
use tezi::model::Money;

use super::Asked;
use crate::text::rupees;

/// The positions' own margin, before any order.
pub(super) struct Held {
    pub(super) margin: Margin,
    pub(super) groups: Vec<MarginGroup>,
}

/// Names of a group's amounts.
const COLUMNS: [&str; 9] = [
    "scan_loss",
    "spread_charge",
    "short_option_min",
    "net_option_value",
    "span",
    "exposure",
    "expiry_day",
    "total",
    "price_scan",
];

/// What [`COLUMNS`] names, in rupees. `expiry_day` is part of `exposure`.
fn amounts(group: &MarginGroup) -> [Money; 9] {
    let span = &group.span;
    [
        span.scan,
        span.spread_charge,
        span.short_option_min,
        span.net_option_value,
        span.margin.span,
        span.margin.exposure,
        group.expiry_day,
        span.margin.total(),
        group.price_scan.value(1),
    ]
}

fn scenario(day: &MarginDay<'_>, group: &MarginGroup, number: u8) -> String {
    day.parameters(&group.symbol)
        .map_or_else(String::new, |parameters| scenario_name(&parameters.grid, number))
}

const fn contracts(group: &MarginGroup) -> &'static str {
    if group.is_last_day { "last_day" } else { "all" }
}

/// Rupees with paise, in a column.
fn paise(money: Money) -> String {
    format!("{:.2}", money.to_rupees())
}

pub(super) fn table(
    out: &mut dyn Write,
    day: &MarginDay<'_>,
    held: &Held,
    asked: &[Asked],
    with_scenarios: bool,
) -> io::Result<()> {
    let positions: usize = held.groups.iter().map(|group| group.positions).sum();
    writeln!(out, "{}: {positions} positions, in rupees", day.date())?;
    for group in &held.groups {
        let last_day = if group.is_last_day { ", on their last day, alone" } else { "" };
        let source = if group.has_volatility { "by its volatility, or " } else { "" };
        writeln!(out, "\n{}: {} positions{last_day}", group.symbol, group.positions)?;
        let [scan, charge, least, value, span, exposure, expiry_day, total, price_scan] =
            amounts(group).map(paise);
        let number = group.span.scenario;
        let worst = format!("scenario {number}: {}", scenario(day, group, number));
        let worst = if number == 0 { "no scenario loses".to_string() } else { worst };
        let source = format!("of one unit: {source}the least of the rules");
        for (name, amount, note) in [
            ("price scan range", price_scan, source.as_str()),
            ("scan loss", scan, worst.as_str()),
            ("calendar spread charge", charge, ""),
            ("short option minimum", least, ""),
            ("net option value", value, "long less short"),
            ("SPAN margin", span, ""),
            ("exposure margin", exposure, ""),
            ("  of it, expiry day", expiry_day, ""),
            ("total", total, ""),
        ] {
            let line = format!("  {name:<24}{amount:>18}  {note}");
            writeln!(out, "{}", line.trim_end())?;
        }
        if with_scenarios {
            for (number, loss) in (1..).zip(&group.losses) {
                let name = scenario(day, group, number);
                writeln!(out, "  {number:>4} {name:<30}{:>16}", paise(*loss))?;
            }
        }
    }
    writeln!(out, "\nportfolio")?;
    let Margin { span, exposure } = held.margin;
    let amounts = [("SPAN", span), ("exposure", exposure), ("total", held.margin.total())];
    for (name, amount) in amounts {
        writeln!(out, "  {name:<24}{:>18}", paise(amount))?;
    }
    for it in asked {
        let added = it.after.total() - it.before.total();
        writeln!(out, "\nwhat if {} {:+}", it.name, it.order.quantity)?;
        for (name, margin) in [("before", it.before), ("after", it.after)] {
            let [span, exposure] = [margin.span, margin.exposure].map(paise);
            let total = paise(margin.total());
            writeln!(out, "  {name:<24}{total:>18}  SPAN {span}, exposure {exposure}")?;
        }
        writeln!(out, "  {:<24}{:>18}", "added", paise(added))?;
    }
    Ok(())
}

pub(super) fn csv(out: &mut dyn Write, day: &MarginDay<'_>, held: &Held) -> io::Result<()> {
    let scenarios: Vec<String> = (1..=16).map(|number| format!("loss_{number}")).collect();
    let (columns, scenarios) = (COLUMNS.join(","), scenarios.join(","));
    writeln!(out, "date,symbol,contracts,positions,worst_scenario,{columns},{scenarios}")?;
    for group in &held.groups {
        let MarginGroup { symbol, positions, .. } = group;
        let (date, contracts, worst) = (day.date(), contracts(group), group.span.scenario);
        write!(out, "{date},{symbol},{contracts},{positions},{worst}")?;
        for amount in amounts(group).into_iter().chain(group.losses) {
            write!(out, ",{}", rupees(amount))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

pub(super) fn json(
    out: &mut dyn Write,
    day: &MarginDay<'_>,
    held: &Held,
    asked: &[Asked],
) -> io::Result<()> {
    let groups: Vec<Value> = held.groups.iter().map(|group| json_group(day, group)).collect();
    let orders: Vec<Value> = asked
        .iter()
        .map(|it| {
            json!({
                "contract": it.name,
                "quantity": it.order.quantity,
                "before": margin(it.before),
                "after": margin(it.after),
                "added": rupees(it.after.total() - it.before.total()),
            })
        })
        .collect();
    let whole = json!({
        "date": day.date().to_string(),
        "portfolio": margin(held.margin),
        "underlyings": groups,
        "what_if": orders,
    });
    writeln!(out, "{whole:#}")
}

fn margin(margin: Margin) -> Value {
    json!({
        "span": rupees(margin.span),
        "exposure": rupees(margin.exposure),
        "total": rupees(margin.total()),
    })
}

fn json_group(day: &MarginDay<'_>, group: &MarginGroup) -> Value {
    let number = group.span.scenario;
    let mut value = json!({
        "symbol": group.symbol,
        "contracts": contracts(group),
        "positions": group.positions,
        "has_volatility": group.has_volatility,
        "worst_scenario": number,
        "worst_scenario_name": scenario(day, group, number),
        "losses": group.losses.map(rupees),
    });
    if let Some(map) = value.as_object_mut() {
        for (name, amount) in COLUMNS.into_iter().zip(amounts(group)) {
            map.insert(name.to_string(), json!(rupees(amount)));
        }
    }
    value
}
