//! What a run was told.

use clap::{ArgMatches, Command};

use super::{is_switch, options};

/// Every setting with its value, defaults among them, a line each: `name value`. A switch that is off
/// and an option that has no value are left out, and nothing secret is a setting.
pub(crate) fn in_force(command: &Command, matches: &ArgMatches) -> Vec<String> {
    let mut lines = Vec::new();
    for arg in options(command) {
        let (id, key) = (arg.get_id().as_str(), arg.get_long().unwrap_or_default());
        if is_switch(arg) {
            if matches.get_flag(id) {
                lines.push(format!("{key} true"));
            }
            continue;
        }
        for value in matches.get_raw(id).into_iter().flatten() {
            lines.push(format!("{key} {}", value.to_string_lossy()));
        }
    }
    lines
}
