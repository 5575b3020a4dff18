//! Files of settings, and what is said about them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Command, CommandFactory, Parser};

use super::*;

fn program() -> Command {
    let mut program = crate::Cli::command();
    program.build();
    program
}

/// A file that is gone when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tezi-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What `tezi host --config FILE MORE` becomes behind the command's name.
fn expanded(name: &str, text: &str, more: &[&str]) -> Result<Vec<String>, String> {
    let file = Scratch::new(name, text);
    let mut words: Vec<OsString> = vec!["tezi".into(), "host".into()];
    words.extend(more.iter().map(OsString::from));
    words.push(format!("--config={}", file.0.display()).into());
    match expand(&program(), words) {
        Ok(Expanded::Words(words)) => {
            let words = &words[2..words.len() - 1];
            Ok(words.iter().map(|word| word.to_str().unwrap().to_owned()).collect())
        }
        Ok(Expanded::Template(_)) => Err("a template".into()),
        Err(failure) => Err(failure
            .to_string()
            .lines()
            .next()
            .unwrap()
            .replace(&file.0.display().to_string(), "FILE")),
    }
}

const DESK: &str = "\
# a desk
[order-session]
router = \"127.0.0.1:10999\"
box = 77
member = \"90001\"
user = 77
index = [\"NIFTY\", \"BANKNIFTY\"]
keep-on-logoff = true
self-trade-cancels-active = false

[limits]
loss-max = 500_000
fat-finger-bps = 0

[strategy]
strategy = \"option-quoter\"
set = \"lots=2\"
";

#[test]
fn a_file_says_what_the_command_line_could() {
    let words = expanded("words", DESK, &[]).unwrap();
    assert_eq!(
        words,
        [
            "--router=127.0.0.1:10999",
            "--box=77",
            "--member=90001",
            "--user=77",
            "--index=NIFTY",
            "--index=BANKNIFTY",
            "--keep-on-logoff",
            "--loss-max=500000",
            "--fat-finger-bps=0",
            "--strategy=option-quoter",
            "--set=lots=2",
        ]
    );
}

#[test]
fn the_example_is_a_file_of_settings() {
    let text = include_str!("../../../../examples/host.toml");
    let words = expanded("example", text, &[]).unwrap();
    let all = ["tezi", "host"].into_iter().chain(words.iter().map(String::as_str));
    crate::Cli::try_parse_from(all).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_command_line_wins() {
    let words = expanded("wins", DESK, &["--loss-max", "7", "--index=SENSEX"]).unwrap();
    assert!(!words.iter().any(|word| word == "--loss-max=500000" || word == "--index=NIFTY"));
    assert_eq!(words[words.len() - 3..], ["--loss-max", "7", "--index=SENSEX"]);
}

#[test]
fn what_cannot_be_is_blamed_on_its_line() {
    let cases = [
        (
            "[limits]\nloss_max = 5\n",
            "FILE:2: loss_max is no setting of tezi host: is it loss-max?",
        ),
        (
            "\n[limits]\nloss-max = -1\n",
            "FILE:3: invalid value '-1' for '--loss-max <RUPEES>': -1 is not in 0..",
        ),
        ("[strategy]\nloss-max = 1\n", "FILE:2: loss-max belongs in [limits]"),
        ("loss-max = 1\n", "FILE:1: loss-max belongs in [limits]"),
        ("[limits]\nloss-max = [1]\n", "FILE:2: loss-max takes one value"),
        ("[limits]\nloss-max = true\n", "FILE:2: loss-max takes a text or a number"),
        ("[limits]\nloss-max = 0x10\n", "FILE:2: loss-max takes a text or a number"),
        ("[limits]\ntrade-on-stale = 1\n", "FILE:2: trade-on-stale is true or false"),
        ("[settings-in-a-file]\nconfig = \"a\"\n", "FILE:1: [settings-in-a-file] is no table of"),
        ("[order-session]\nbox = 70000\n", "FILE:2: invalid value '70000' for '--box <ID>'"),
        ("[order-session]\nencryption = \"rot13\"\n", "FILE:2: invalid value 'rot13'"),
        ("[limits]\nloss-max = 1\nloss-max = 2\n", "FILE:3: duplicate key"),
        ("[limits]\nloss-max = \n", "FILE:2: "),
    ];
    for (text, expected) in cases {
        let said = expanded("wrong", text, &[]).unwrap_err();
        assert!(said.starts_with(expected), "{text}: {said}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let words = ["tezi", "host", "--config", "nowhere.toml"].map(OsString::from).into();
    let Err(failure) = expand(&program(), words) else { panic!("it is not there") };
    assert!(failure.to_string().contains("nowhere.toml"), "{failure}");
    assert_eq!(failure.exit_code(), 1);
}

#[test]
fn other_command_lines_stay_as_they_are() {
    for words in [vec!["tezi"], vec!["tezi", "price", "--config", "x"], vec!["tezi", "nothing"]] {
        let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
        let expanded = expand(&program(), words.clone());
        assert!(matches!(expanded, Ok(Expanded::Words(same)) if same == words));
    }
}

/// Every setting of the template, switched on, is taken back: with its default, where it has one.
#[test]
fn the_template_is_a_file_of_settings() {
    let program = program();
    for name in ["host", "demo", "replay", "feed"] {
        let command = program.find_subcommand(name).unwrap();
        let text = template(command);
        let count = options(command).count();
        let is_setting =
            |line: &&str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
        assert_eq!(text.lines().filter(is_setting).count(), count, "{text}");
        let with_defaults: String = text
            .lines()
            .map(|line| match line.strip_prefix('#') {
                // A name in capitals stands for a value.
                Some(rest) if is_setting(&line) && !rest.contains(" = \"<") => {
                    let key = rest.split(' ').next().unwrap();
                    let arg = option(command, key).unwrap();
                    let has_default = is_switch(arg) || !arg.get_default_values().is_empty();
                    if has_default { format!("{rest}\n") } else { format!("{line}\n") }
                }
                _ => format!("{line}\n"),
            })
            .collect();
        file::read(command, std::path::Path::new("template"), &with_defaults)
            .unwrap_or_else(|failure| panic!("{failure}\n{with_defaults}"));
    }
}

#[test]
fn settings_in_force_have_the_names_of_the_options() {
    let words = "tezi host --a 239.0.0.1:5 --router 127.0.0.1:1 --box 7 --member M --user 8 --spin \
                 --set lots=2 --set vol=0.2";
    let program = program();
    let matches = program.clone().try_get_matches_from(words.split_whitespace()).unwrap();
    let (name, matches) = matches.subcommand().unwrap();
    let lines = in_force(program.find_subcommand(name).unwrap(), matches);
    for line in ["box 7", "spin true", "set lots=2", "set vol=0.2", "loss-max 1000000"] {
        assert!(lines.iter().any(|it| it == line), "{line}: {lines:?}");
    }
    assert!(!lines.iter().any(|it| it.starts_with("client") || it.starts_with("keep-on")));
}
