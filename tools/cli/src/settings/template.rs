//! A file with every setting.

use std::fmt::Write;

use clap::builder::PossibleValue;
use clap::{Arg, Command};

use super::{is_list, is_switch, options, table};

/// The longest line of a comment.
const WIDTH: usize = 100;

/// A file in which every setting of a command stands with its description, switched off.
pub(crate) fn template(command: &Command) -> String {
    let name = command.get_name();
    let mut text = format!(
        "# Settings of `tezi {name}`, for `tezi {name} --config FILE`. A line that begins with `#` and a\n\
         # name shows the default, or an example where there is none. What is on the command line\n\
         # as well wins.\n"
    );
    let mut tables: Vec<String> = Vec::new();
    for arg in options(command) {
        let table = table(arg);
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    // What is above all tables has to be.
    tables.sort_by_key(|table| !table.is_empty());
    for wanted in &tables {
        if !wanted.is_empty() {
            let _ = write!(text, "\n[{wanted}]\n");
        }
        for arg in options(command).filter(|arg| table(arg) == *wanted) {
            describe(&mut text, arg);
        }
    }
    text
}

fn describe(text: &mut String, arg: &Arg) {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string);
    text.push('\n');
    for line in help.unwrap_or_default().lines() {
        comment(text, line);
    }
    let possible = arg.get_possible_values();
    let shown: Vec<_> = possible.iter().filter(|value| !value.is_hide_set()).collect();
    if !is_switch(arg) && !shown.is_empty() {
        let names: Vec<_> = shown.iter().map(|value| PossibleValue::get_name(value)).collect();
        comment(text, &format!("One of: {}", names.join(", ")));
    }
    let key = arg.get_long().unwrap_or_default();
    let _ = writeln!(text, "#{key} = {}", example(arg));
}

fn comment(text: &mut String, line: &str) {
    let mut width = 0;
    for word in line.split(' ') {
        if width == 0 || width + 1 + word.len() > WIDTH {
            if width > 0 {
                text.push('\n');
            }
            text.push('#');
            width = 1;
        }
        if !word.is_empty() {
            text.push(' ');
            text.push_str(word);
            width += 1 + word.len();
        }
    }
    text.push('\n');
}

/// The default, or the name of the value.
fn example(arg: &Arg) -> String {
    if is_switch(arg) {
        return "false".into();
    }
    let defaults = arg.get_default_values();
    let values: Vec<String> = match (defaults, arg.get_value_names()) {
        ([], Some(names)) => names.iter().map(|name| format!("{:?}", name.as_str())).collect(),
        ([], None) => vec!["\"\"".into()],
        (defaults, _) => defaults.iter().map(|value| plain(&value.to_string_lossy())).collect(),
    };
    if is_list(arg) { format!("[{}]", values.join(", ")) } else { values.join(", ") }
}

/// A number as it is, anything else between quotes.
fn plain(value: &str) -> String {
    let is_number = value.parse::<f64>().is_ok_and(f64::is_finite)
        && value.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-');
    if is_number { value.to_owned() } else { format!("{value:?}") }
}
