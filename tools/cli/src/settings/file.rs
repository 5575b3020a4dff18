//! Reading a file of settings.

use std::ffi::OsString;
use std::path::Path;

use clap::{Arg, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{is_list, is_switch, option, options, table};
use crate::outcome::Failure;

/// One setting of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) key: String,
    /// None of a switch that is on.
    values: Vec<String>,
}

impl Setting {
    /// As the command line has it.
    pub(super) fn words(&self) -> Vec<OsString> {
        let key = &self.key;
        if self.values.is_empty() {
            return vec![format!("--{key}").into()];
        }
        self.values.iter().map(|value| format!("--{key}={value}").into()).collect()
    }
}

/// Reads every setting of a file.
pub(super) fn read(command: &Command, path: &Path, text: &str) -> Result<Vec<Setting>, Failure> {
    let reader = Reader { command, path, text };
    let root = DeTable::parse(text).map_err(|error| {
        reader.wrong(error.span().map_or(0, |span| span.start), error.message())
    })?;
    let mut settings = Vec::new();
    for (key, value) in in_order(root.get_ref()) {
        match value.get_ref() {
            DeValue::Table(inner) => {
                reader.check_table(key)?;
                for (key_inner, value) in in_order(inner) {
                    settings.extend(reader.setting(key.get_ref(), key_inner, value)?);
                }
            }
            _ => settings.extend(reader.setting("", key, value)?),
        }
    }
    Ok(settings)
}

type Key<'a> = Spanned<toml::de::DeString<'a>>;
type Value<'a> = Spanned<DeValue<'a>>;

/// A table's entries as the file has them.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<(&'a Key<'i>, &'a Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

struct Reader<'a> {
    command: &'a Command,
    path: &'a Path,
    text: &'a str,
}

impl Reader<'_> {
    /// Blames the line of a byte of the file.
    fn wrong(&self, at: usize, why: impl std::fmt::Display) -> Failure {
        let line = 1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        Failure::Usage(format!("{}:{line}: {why}", self.path.display()))
    }

    fn check_table(&self, name: &Key<'_>) -> Result<(), Failure> {
        let mut tables: Vec<_> = options(self.command).map(table).collect();
        tables.sort_unstable();
        tables.dedup();
        tables.retain(|table| !table.is_empty());
        if tables.iter().any(|table| table == name.get_ref()) {
            return Ok(());
        }
        let (command, name_text) = (self.command.get_name(), name.get_ref());
        let all = tables.join("], [");
        let why = format!("[{name_text}] is no table of tezi {command}: there are [{all}]");
        Err(self.wrong(name.span().start, why))
    }

    /// The setting, or none for a switch that is off.
    fn setting(
        &self,
        within: &str,
        key: &Key<'_>,
        value: &Value<'_>,
    ) -> Result<Option<Setting>, Failure> {
        let (name, at) = (key.get_ref().as_ref(), key.span().start);
        let Some(arg) = option(self.command, name).filter(|arg| super::is_setting(arg)) else {
            return Err(self.wrong(at, self.unknown(name)));
        };
        let home = table(arg);
        if home != within {
            let place =
                if home.is_empty() { "above all tables".into() } else { format!("in [{home}]") };
            return Err(self.wrong(at, format!("{name} belongs {place}")));
        }
        let at = value.span().start;
        if is_switch(arg) {
            return match value.get_ref() {
                DeValue::Boolean(true) => Ok(Some(Setting { key: name.into(), values: vec![] })),
                DeValue::Boolean(false) => Ok(None),
                _ => Err(self.wrong(at, format!("{name} is true or false"))),
            };
        }
        let values = match value.get_ref() {
            DeValue::Array(values) if is_list(arg) => values.iter().collect(),
            DeValue::Array(_) => return Err(self.wrong(at, format!("{name} takes one value"))),
            _ => vec![value],
        };
        let values: Result<Vec<_>, _> =
            values.into_iter().map(|value| self.value(arg, name, value)).collect();
        let values = values?;
        Ok((!values.is_empty()).then(|| Setting { key: name.into(), values }))
    }

    /// The text of a value that the option takes.
    fn value(&self, arg: &Arg, name: &str, value: &Value<'_>) -> Result<String, Failure> {
        let at = value.span().start;
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Datetime(time) => time.to_string(),
            _ => return Err(self.wrong(at, format!("{name} takes a text or a number"))),
        };
        // By itself, so that the complaint is of this value and nothing else.
        let alone = Arg::new("value")
            .long("value")
            .num_args(1)
            .allow_hyphen_values(true)
            .value_parser(arg.get_value_parser().clone());
        let alone = match arg.get_value_names() {
            Some(names) => alone.value_names(names.to_vec()),
            None => alone,
        };
        let command = Command::new("tezi").no_binary_name(true).arg(alone);
        match command.try_get_matches_from([format!("--value={text}")]) {
            Ok(_) => Ok(text),
            Err(error) => {
                let said = error.to_string();
                let why = said.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>();
                let why = why.join(" ").replace("--value", &format!("--{name}"));
                Err(self.wrong(at, why.strip_prefix("error: ").unwrap_or(&why)))
            }
        }
    }

    fn unknown(&self, name: &str) -> String {
        let near = options(self.command)
            .filter_map(Arg::get_long)
            .map(|known| (distance(name, known), known))
            .min()
            .filter(|(distance, known)| *distance * 3 <= known.len());
        let command = self.command.get_name();
        match near {
            Some((_, known)) => format!("{name} is no setting of tezi {command}: is it {known}?"),
            None => format!(
                "{name} is no setting of tezi {command}: tezi {command} --print-config shows all"
            ),
        }
    }
}

/// Letters to change, put in or take out between two words (Levenshtein 1965).
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.bytes().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (index, other) in right.bytes().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(row[index] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}
