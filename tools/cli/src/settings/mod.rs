//! Settings in a file: `--config FILE` of the commands that host or listen.
//!
//! A file says what the command line could say, by the same names: its tables are the headings of
//! `--help`, its keys the long options. So there is one list of settings, with one description, one
//! check and one default of each. What is on the command line as well wins over the file.
//!
//! [`expand`] turns the file into words of the command line before clap reads them, and blames the
//! line of the file for what cannot be. [`template()`] writes a file with every setting, its
//! description and its default. [`in_force`] lists what a run was told, for its journal.

mod file;
mod in_force;
mod template;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Args, Command};

pub(crate) use in_force::in_force;
pub(crate) use template::template;

use crate::outcome::Failure;

/// Where settings come from.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings in a file")]
pub(crate) struct ConfigArgs {
    /// Takes settings from this TOML file; what is on the command line wins
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Prints a file with every setting, its meaning and its default, and ends
    #[arg(long)]
    pub(crate) print_config: bool,
}

/// The options that are not settings themselves.
const ABOUT_SETTINGS: [&str; 3] = ["config", "print-config", "help"];

/// What to do with a command line.
#[derive(Debug)]
pub(crate) enum Expanded {
    /// Parse these words.
    Words(Vec<OsString>),
    /// Print this.
    Template(String),
}

/// Puts the settings of the file that a command line names, if it does, behind the command's name.
///
/// # Errors
///
/// [`Failure::Usage`] names the file and the line of what is not a setting or cannot be its value;
/// [`Failure::Failed`]: the file cannot be read.
pub(crate) fn expand(program: &Command, words: Vec<OsString>) -> Result<Expanded, Failure> {
    let command = words.get(1).and_then(|name| program.find_subcommand(name));
    let Some(command) = command.filter(|it| option(it, "config").is_some()) else {
        return Ok(Expanded::Words(words));
    };
    let given: Vec<String> = words[2..].iter().filter_map(|word| option_name(word)).collect();
    if given.iter().any(|name| name == "print-config") {
        return Ok(Expanded::Template(template(command)));
    }
    let Some(path) = config_path(&words[2..]) else { return Ok(Expanded::Words(words)) };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::Failed(format!("cannot read settings from {}: {error}", path.display()))
    })?;
    let settings = file::read(command, &path, &text)?;
    let mut all = words[..2].to_vec();
    for setting in settings.iter().filter(|it| !given.contains(&it.key)) {
        all.extend(setting.words());
    }
    all.extend_from_slice(&words[2..]);
    Ok(Expanded::Words(all))
}

/// The long name of a word like `--name` or `--name=value`.
fn option_name(word: &OsStr) -> Option<String> {
    let name = word.to_str()?.strip_prefix("--")?;
    Some(name.split_once('=').map_or(name, |(name, _)| name).to_owned())
}

fn config_path(words: &[OsString]) -> Option<PathBuf> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--config" {
            return words.next().map(PathBuf::from);
        }
        if let Some(path) = word.to_str().and_then(|word| word.strip_prefix("--config=")) {
            return Some(Path::new(path).to_path_buf());
        }
    }
    None
}

/// An option by its long name.
fn option<'a>(command: &'a Command, key: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| arg.get_long() == Some(key))
}

/// Every option that a file may set, in the order of `--help`.
fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| is_setting(arg))
}

fn is_setting(arg: &Arg) -> bool {
    !arg.is_hide_set()
        && arg.get_long().is_some_and(|name| !ABOUT_SETTINGS.contains(&name))
        && !matches!(arg.get_action(), ArgAction::Help | ArgAction::Version)
}

fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::SetFalse)
}

fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// The table of an option: its heading of `--help`, in lower case, without what is in brackets.
fn table(arg: &Arg) -> String {
    let heading = arg.get_help_heading().unwrap_or_default();
    let heading = heading.split_once(" (").map_or(heading, |(name, _)| name);
    heading.to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests;
