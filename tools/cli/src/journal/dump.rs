//! `tezi journal dump`: the records of a journal, one line each.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use serde_json::{Map, Value, json};
use tezi::Entry;
use tezi::journal::{End, JournalReader, Record};
use tezi::model::Nanos;

use super::describe::{Description, Field, FieldValue, describe};
use super::moment;
use super::names::Names;
use super::verify::{of_damage, of_torn_tail};
use crate::json::known;
use crate::outcome::{Failure, Verdict, print};
use crate::text::date_time;

/// Prints the records of a journal, one line each
///
/// Sequence, time of the core (India), type, and the fields by name: prices in rupees, quantities in
/// units. Inputs come in the order in which the core took them; what an input brought about follows
/// it. Reads on behind damage, and says where it was and how many records are lost.
#[derive(ClapArgs, Clone, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The journal's directory, or one segment file
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Prints one JSON object a line; times are UTC nanoseconds, prices strings
    #[arg(long)]
    json: bool,
    /// Begins at this record
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    from: u64,
    /// Ends after this many records; what lies behind them is not checked
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Prints only records of this type; several with commas
    #[arg(long = "type", value_name = "TYPE", value_enum, value_delimiter = ',')]
    types: Vec<RecordFilter>,
    /// Prints only what names this order: an own number, or the exchange's
    #[arg(long, value_name = "ID")]
    order: Option<u64>,
    /// Prints only what names an instrument with this in its name
    #[arg(long, value_name = "TEXT")]
    instrument: Option<String>,
    /// Prints only records from this time of day in India on
    #[arg(long, value_name = "HH:MM:SS[.FFF]", value_parser = moment::time_of_day)]
    after: Option<i64>,
    /// Prints only records up to this time of day in India
    #[arg(long, value_name = "HH:MM:SS[.FFF]", value_parser = moment::time_of_day)]
    before: Option<i64>,
}

/// What `--type` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RecordFilter {
    /// Engine, strategy and parameters
    Session,
    /// Limits and bounds
    Config,
    /// Instruments known from the start
    Instrument,
    /// The session begins
    Start,
    /// Market events, gaps and the clock
    Event,
    /// Trades of the market
    Trade,
    /// Messages lost on every line
    Gap,
    /// Own orders, changes and cancels that left
    Command,
    /// Requests that were refused before they left
    Refusal,
    /// What the venue says, fills included
    Report,
    /// Fills
    Fill,
    /// Timers set
    Timer,
    /// Trading stopped by the strategy
    Kill,
    /// What operators did, who and why
    Control,
    /// One of several strategies stopped, or went on
    Strategy,
    /// An account stopped, or was released
    Account,
    /// What strategies hold instruments to be worth
    Theoretical,
    /// Risk may only be reduced, or that ends
    RiskReduction,
    /// How much of a limit is used
    LimitUse,
    /// Underlyings and contracts of the risk file
    Valuation,
    /// Positions that the session began with, and corporate actions
    Opening,
    /// The order session is live, or down
    OrderSession,
    /// The session ends
    Stop,
    /// The state hash at the end
    End,
}

const EXAMPLES: &str = "\
Examples:
  tezi journal dump day.journal --count 40
      The head of a session: who ran, limits, instruments, first events.
  tezi journal dump day.journal --type command,refusal,fill
      What the strategy did and what came of it.
  tezi journal grep day.journal --order 7 --after 10:31:00 --before 10:32:00
      All that was said of one order in a minute; --instrument NIFTY for a name.
  tezi journal dump day.journal --from 120000 --count 20
      What happened around one record.
  tezi journal dump day.journal --json --type fill | jq -r '[.instrument, .price] | @csv'
      Fills, for programs.

Exit codes: 0 what was read is fine; 1 there is damage or a torn tail in it; 2 wrong usage.";

/// Prints a journal.
pub(crate) fn run(args: &Args) -> Result<Verdict, Failure> {
    let mut reader = JournalReader::open(&args.path)?;
    let mut dump = Dump { args, names: Names::new(), printed: 0, is_fine: true };
    print(|out| dump.write(&mut reader, out))?;
    Ok(Verdict::of(dump.is_fine))
}

/// A dump under way.
struct Dump<'a> {
    args: &'a Args,
    names: Names,
    printed: u64,
    is_fine: bool,
}

impl Dump<'_> {
    fn write(&mut self, reader: &mut JournalReader, out: &mut dyn Write) -> io::Result<()> {
        if !self.args.json {
            writeln!(out, "{:>9}  {:<29}  {:<10}  fields", "sequence", "core time (IST)", "type")?;
        }
        loop {
            while let Some(record) = reader.next_record() {
                if self.args.count.is_some_and(|count| count <= self.printed) {
                    return Ok(());
                }
                self.on_record(&record, out)?;
            }
            if let Some(end) = reader.end() {
                self.on_end(end, out)?;
            }
            if !reader.skip_damage() {
                return Ok(());
            }
        }
    }

    fn on_record(&mut self, record: &Record<'_>, out: &mut dyn Write) -> io::Result<()> {
        let entry = Entry::read(record);
        if let Ok(entry) = &entry {
            self.names.learn(entry);
        }
        let description = match &entry {
            // What cannot be understood is hidden by no filter.
            Err(what) => {
                self.is_fine = false;
                Description::new("unreadable").text("what", what.clone())
            }
            Ok(_) if record.sequence < self.args.from || !self.is_in_time(record.time) => {
                return Ok(());
            }
            Ok(entry) if !self.is_asked_for(entry) => return Ok(()),
            Ok(entry) => {
                let description = describe(entry, &self.names);
                if !self.is_named(&description) {
                    return Ok(());
                }
                description
            }
        };
        self.printed += 1;
        if self.args.json {
            let mut object = Map::new();
            object.insert("sequence".into(), record.sequence.into());
            object.insert("time_ns".into(), known(record.time));
            object.insert("type".into(), description.label.into());
            description.add_to(&mut object);
            return writeln!(out, "{}", Value::Object(object));
        }
        let (sequence, time) = (record.sequence, date_time(record.time));
        let (label, words) = (description.label, description.to_words());
        let line = format!("{sequence:>9}  {time:<29}  {label:<10}  {words}");
        writeln!(out, "{}", line.trim_end())
    }

    fn is_asked_for(&self, entry: &Entry) -> bool {
        let types = &self.args.types;
        types.is_empty() || types.iter().any(|filter| filter.matches(entry))
    }

    fn is_in_time(&self, time: Nanos) -> bool {
        let (after, before) = (self.args.after, self.args.before);
        let time = moment::of(time);
        after.is_none_or(|after| after <= time) && before.is_none_or(|before| time <= before)
    }

    /// Whether it names the order and the instrument that are asked for.
    fn is_named(&self, description: &Description) -> bool {
        let Args { order, instrument, .. } = self.args;
        let any = |asked: &dyn Fn(&Field) -> bool| description.fields.iter().any(asked);
        let has_order = |id: u64| {
            any(&|(name, value)| name.ends_with("order_id") && *value == FieldValue::Count(id))
        };
        let has_instrument = |text: &String| {
            any(&|(name, value)| {
                name == "instrument"
                    && matches!(value, FieldValue::Text(it) if it.contains(text.as_str()))
            })
        };
        order.is_none_or(has_order) && instrument.as_ref().is_none_or(has_instrument)
    }

    fn on_end(&mut self, end: &End, out: &mut dyn Write) -> io::Result<()> {
        if *end != End::Clean {
            self.is_fine = false;
        }
        let (label, fields) = match end {
            End::Clean => return Ok(()),
            End::Damage(damage) => {
                self.names.on_damage();
                ("damage", of_damage(damage))
            }
            End::TornTail(tail) => ("torn_tail", of_torn_tail(tail)),
        };
        if self.args.json {
            let mut line = json!({ "type": label });
            if let (Some(line), Value::Object(mut fields)) = (line.as_object_mut(), fields) {
                line.append(&mut fields);
            }
            return writeln!(out, "{line}");
        }
        writeln!(out, "{:>9}  {:<29}  NOT FINE: {end}", "", "")
    }
}

impl RecordFilter {
    fn matches(self, entry: &Entry) -> bool {
        use tezi::model::{EventKind, ExecutionKind};
        use tezi::{Emitted, Output};

        let output = match entry {
            Entry::Output(Emitted { output, .. }) => Some(output),
            _ => None,
        };
        let kind = match entry {
            Entry::Event(event) => event.kind(),
            _ => None,
        };
        let report = match (entry, output) {
            (Entry::Report(report), _) | (_, Some(Output::Report(report))) => Some(report),
            _ => None,
        };
        match self {
            Self::Session => matches!(entry, Entry::Session(_) | Entry::Resume(_)),
            Self::Config => matches!(entry, Entry::Config(_)),
            Self::Instrument => matches!(entry, Entry::Instrument(_)),
            Self::Start => matches!(entry, Entry::Start),
            Self::Event => matches!(entry, Entry::Event(_)),
            Self::Trade => kind == Some(EventKind::Trade),
            Self::Gap => matches!(kind, Some(EventKind::StreamGap | EventKind::StreamReset)),
            Self::Command => matches!(output, Some(Output::Command(_))),
            Self::Refusal => matches!(output, Some(Output::Refusal(_))),
            Self::Report => report.is_some() || matches!(entry, Entry::TradeCanceled(_)),
            Self::Fill => report.is_some_and(|it| it.kind() == Some(ExecutionKind::Fill)),
            Self::Timer => matches!(output, Some(Output::Timer(_))),
            Self::Kill => matches!(output, Some(Output::Kill)),
            Self::Control => matches!(entry, Entry::Control(_)),
            Self::Strategy => matches!(output, Some(Output::Strategy(_))),
            Self::Account => matches!(output, Some(Output::Account(_))),
            Self::Theoretical => matches!(output, Some(Output::Theoretical(_))),
            Self::RiskReduction => matches!(output, Some(Output::RiskReduction(_))),
            Self::LimitUse => matches!(output, Some(Output::LimitUse(_))),
            Self::Valuation => matches!(entry, Entry::Valuation(_)),
            Self::Opening => matches!(entry, Entry::Opening(_)),
            Self::OrderSession => matches!(entry, Entry::OrderSession(_)),
            Self::Stop => matches!(entry, Entry::Stop),
            Self::End => matches!(entry, Entry::End(_)),
        }
    }
}
