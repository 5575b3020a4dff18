//! A journal back to its state, and the proof that it is the same.
//!
//! The inputs go through the core again; every output the core brings about is compared with the
//! one the journal holds. With the strategy's code the decisions are compared too; without it they
//! are taken from the journal, and everything else is still worked out anew.

use std::path::{Path, PathBuf};

use tezi_core::roster::Roster;
use tezi_core::strategy::{Recorded, Strategy};
use tezi_core::{Core, CoreConfig, Emitted};
use tezi_journal::JournalReader;
use tezi_model::{IST_OFFSET_NS, Nanos};

use crate::error::Error;
use crate::kernels::CppKernels;
use crate::records::Entry;
use crate::report::CoreReport;
use crate::snapshots::{
    self, Facts, HeardOrders, Records, ReplayFrom, SnapshotInfo, SnapshotReport, SnapshotSink,
    SnapshotWhen, Wanted,
};

/// What a journal says before its first event.
#[derive(Clone, Debug, Default)]
pub struct JournalHead {
    /// The engine and its version.
    pub engine: String,
    /// The strategy's name.
    pub strategy: String,
    /// The strategy's parameters.
    pub parameters: String,
    /// How many strategies it is made of, 0 for one alone.
    pub strategies: u8,
    /// The pricing kernel.
    pub kernel: String,
    /// The settings in force, `name value` each; none in journals of before there were any.
    pub settings: Vec<String>,
}

impl JournalHead {
    fn parse(text: &str) -> Self {
        let value = |key: &str| {
            let mut words = text.lines().filter_map(|line| line.split_once(' '));
            words.find(|(name, _)| *name == key).map_or("", |(_, value)| value).to_string()
        };
        let settings = text.lines().filter_map(|line| line.strip_prefix("setting "));
        Self {
            settings: settings.map(String::from).collect(),
            engine: value("engine"),
            strategy: value("strategy"),
            parameters: value("parameters"),
            // A number that cannot be is not one of ours.
            strategies: value("strategies").parse().unwrap_or(0),
            kernel: value("kernel"),
        }
    }
}

/// What a replay came to.
#[derive(Clone, Debug)]
pub struct ReplayReport {
    /// What the journal says of who ran.
    pub head: JournalHead,
    /// Whether the strategy's decisions were worked out anew (rather than taken from the journal).
    pub with_strategy: bool,
    /// The core at the end.
    pub core: CoreReport,
    /// The hash that the journal ends with; `None` when the session did not end in order.
    pub recorded_hash: Option<u64>,
    /// Records read.
    pub records: u64,
    /// Outputs compared.
    pub outputs: u64,
    /// Outputs that differ from the journal's.
    pub divergences: u64,
    /// The first of them, for people.
    pub first_divergence: Option<String>,
    /// Records of types this version does not know.
    pub unknown_records: u64,
    /// How the journal ends.
    pub end: String,
    /// Whether the journal's end is neither torn nor damaged.
    pub is_whole: bool,
    /// The core's time of the first input that was not acted on, when the replay was to stop before
    /// the end; what lies behind it was not read.
    pub stopped_before: Option<Nanos>,
    /// The first record that was read, where the state before it came from a snapshot.
    pub snapshot: Option<u64>,
    /// Snapshots that did not fit, and why.
    pub passed_over: Vec<String>,
}

impl ReplayReport {
    /// Whether the state is proven: the journal is whole, ends with a hash, and everything worked
    /// out anew equals it.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.problems().is_empty()
    }

    /// What is not fine, a sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.is_whole {
            problems.push(format!("the journal is not whole: {}", self.end));
        }
        match self.recorded_hash {
            None if self.stopped_before.is_some() => {}
            None => problems.push(
                "the session did not end in order: the journal has no hash to compare with".into(),
            ),
            Some(recorded) if recorded != self.core.state_hash => problems.push(format!(
                "the state differs: rebuilt {:016x}, recorded {recorded:016x}",
                self.core.state_hash
            )),
            Some(_) => {}
        }
        if let Some(first) = &self.first_divergence {
            problems.push(format!("{} outputs differ; the first: {first}", self.divergences));
        }
        if self.unknown_records > 0 {
            problems.push(format!("{} records of unknown types", self.unknown_records));
        }
        problems
    }
}

/// Reads what a journal says before its first event.
///
/// # Errors
///
/// [`Error::Journal`] when it cannot be opened, [`Error::JournalContent`] when it does not begin
/// as a session does.
pub fn read_head(path: &Path) -> Result<JournalHead, Error> {
    read_beginning(path).map(|(head, _)| head)
}

/// As [`read_head`], with the configuration of the core.
pub(crate) fn read_beginning(path: &Path) -> Result<(JournalHead, CoreConfig), Error> {
    head(path, &mut Records::of(JournalReader::open(path)?))
}

/// Rebuilds the state with the strategy's own code and compares every decision.
///
/// # Errors
///
/// As [`read_head`]; what is wrong further on is in the report.
pub fn replay_journal<S: Strategy>(path: &Path, strategy: S) -> Result<ReplayReport, Error> {
    replay_journal_from(path, strategy, ReplayFrom::Start)
}

/// As [`replay_journal`], from a snapshot if that is asked for and one fits: what came before it is then
/// taken on its word.
///
/// # Errors
///
/// As [`read_head`].
pub fn replay_journal_from<S: Strategy>(
    path: &Path,
    strategy: S,
    from: ReplayFrom,
) -> Result<ReplayReport, Error> {
    let begin = Begin { from, ..Begin::START };
    Replay::open_at(path, strategy, |_, _| {}, |_| 0, begin)?.run(true)
}

/// What takes the decisions of a journal's strategy, or strategies, from it.
///
/// # Errors
///
/// As [`read_head`].
pub(crate) fn recorded(path: &Path) -> Result<Recorded, Error> {
    let head = read_head(path)?;
    let members = match head.strategies {
        0 => Vec::new(),
        _ => Roster::members_told(&head.parameters),
    };
    Ok(Recorded::of_strategies(head.strategies).with_members(members))
}

/// Rebuilds the state from the journal alone, taking the strategy's decisions from it.
///
/// # Errors
///
/// As [`read_head`]; what is wrong further on is in the report.
pub fn replay_recorded(path: &Path) -> Result<ReplayReport, Error> {
    replay_recorded_from(path, None, ReplayFrom::Start)
}

/// As [`replay_recorded`] or [`replay_recorded_until`], from a snapshot if that is asked for and one
/// fits: what came before it is then taken on its word.
///
/// # Errors
///
/// As [`read_head`].
pub fn replay_recorded_from(
    path: &Path,
    time_of_day: Option<i64>,
    from: ReplayFrom,
) -> Result<ReplayReport, Error> {
    let load = |strategy: &mut Recorded, emitted: &Emitted| strategy.load(emitted);
    let begin = Begin { from, until: time_of_day, is_recorded: true, ..Begin::START };
    Replay::open_at(path, recorded(path)?, load, Recorded::left, begin)?.run(false)
}

/// Writes snapshots of a journal's states beside it, deciding anew with the strategy's own code: what
/// a session is resumed from.
///
/// # Errors
///
/// As [`read_head`]; [`Error::File`]; [`Error::JournalContent`] when the strategy has no snapshot of its
/// state, or the journal is not what the replay gives, up to where the snapshot would be.
pub fn write_snapshots<S: Strategy>(
    path: &Path,
    strategy: S,
    when: SnapshotWhen,
    from: ReplayFrom,
) -> Result<SnapshotReport, Error> {
    let begin = Begin { from, until: when.until, ..Begin::START };
    Replay::open_at(path, strategy, |_: &mut S, _: &Emitted| {}, |_: &S| 0, begin)?
        .write_snapshots(path, when)
}

/// As [`write_snapshots`], with the decisions taken from the journal: for any strategy, and of use
/// where decisions are taken from the journal again.
///
/// # Errors
///
/// As [`write_snapshots`].
pub fn write_snapshots_recorded(
    path: &Path,
    when: SnapshotWhen,
    from: ReplayFrom,
) -> Result<SnapshotReport, Error> {
    let load = |strategy: &mut Recorded, emitted: &Emitted| strategy.load(emitted);
    let begin = Begin { from, until: when.until, is_recorded: true, ..Begin::START };
    Replay::open_at(path, recorded(path)?, load, Recorded::left, begin)?.write_snapshots(path, when)
}

/// As [`replay_recorded`], up to a moment: inputs that the core took at or before `time_of_day`,
/// nanoseconds since midnight in India. The state is then that of the moment, and no hash is there to
/// compare it with; outputs are compared all the same.
///
/// # Errors
///
/// As [`read_head`].
pub fn replay_recorded_until(path: &Path, time_of_day: i64) -> Result<ReplayReport, Error> {
    replay_recorded_from(path, Some(time_of_day), ReplayFrom::Start)
}

/// Nanoseconds since midnight in India.
pub(crate) fn time_of_day(time: Nanos) -> i64 {
    const NANOS_PER_DAY: i64 = 86_400 * 1_000_000_000;
    time.plus(IST_OFFSET_NS).0.rem_euclid(NANOS_PER_DAY)
}

/// A session that did not end, as its journal has it: the core as it was when the process died.
pub(crate) struct Rebuilt<S> {
    pub(crate) core: Core<S, CppKernels>,
    /// How many of the last input's outputs the journal holds. The rest never left.
    pub(crate) outputs_recorded: usize,
    /// Whether the session had begun.
    pub(crate) has_started: bool,
    pub(crate) records: u64,
    /// What was heard of each order.
    pub(crate) heard: HeardOrders,
    /// The snapshot it came from, by its sequence.
    pub(crate) snapshot: Option<u64>,
    /// How many snapshots did not fit.
    pub(crate) passed_over: usize,
}

/// Rebuilds the core of a session that did not end, with the strategy's own code, from the newest
/// snapshot that fits, if that is asked for.
///
/// # Errors
///
/// As [`read_head`], and [`Error::JournalContent`] when the session ended in order, or what is rebuilt
/// is not what the journal says.
pub(crate) fn rebuild<S: Strategy>(
    path: &Path,
    strategy: S,
    from: ReplayFrom,
) -> Result<Rebuilt<S>, Error> {
    let begin = Begin { from, ..Begin::START };
    let mut replay =
        Replay::open_at(path, strategy, |_: &mut S, _: &Emitted| {}, |_: &S| 0, begin)?;
    let mut outputs_recorded = 0;
    if let Some(step) = replay.run_to_last() {
        replay.act(&step);
        outputs_recorded = step.outputs.len();
        if replay.core.outputs().get(..outputs_recorded) != Some(&step.outputs[..]) {
            replay.diverge(step.sequence, "other outputs than the journal's");
        }
    }
    let wrong = |what: String| Error::JournalContent { path: path.to_path_buf(), what };
    if replay.recorded_hash.is_some() {
        let how = "the session ended in order and is not to be resumed; begin another journal";
        return Err(wrong(how.into()));
    }
    if let Some(what) = &replay.content_error {
        return Err(wrong(what.clone()));
    }
    match replay.reader.end() {
        Some((true, _)) => {}
        Some((false, end)) => return Err(wrong(end)),
        None => return Err(wrong("not read to its end".into())),
    }
    if let Some(first) = &replay.first_divergence {
        let what = format!("the strategy's code no longer does what it did: {first}");
        return Err(wrong(what));
    }
    if replay.unknown_records > 0 {
        return Err(wrong(format!("{} records of unknown types", replay.unknown_records)));
    }
    let Replay { core, facts: Facts { has_started, heard }, records, .. } = replay;
    let (snapshot, passed_over) = (replay.snapshot, replay.unfit.len());
    Ok(Rebuilt { core, outputs_recorded, has_started, records, heard, snapshot, passed_over })
}

/// Snapshots that did not fit, a sentence each.
fn passed_over(unfit: &[(PathBuf, String)]) -> Vec<String> {
    unfit.iter().map(|(path, why)| format!("{}: {why}", path.display())).collect()
}

fn head(path: &Path, reader: &mut Records) -> Result<(JournalHead, CoreConfig), Error> {
    let wrong = |what: &str| Error::JournalContent {
        path: path.to_path_buf(),
        what: format!("not a session of Tezi: {what}"),
    };
    let mut next = |expected: &str| match reader.next_record() {
        Some(record) => Entry::read(&record).map_err(|what| wrong(&what)),
        None => Err(wrong(&format!("it ends where {expected} should be"))),
    };
    let Entry::Session(text) = next("who ran")? else {
        return Err(wrong("the first record does not say who ran"));
    };
    let Entry::Config(config) = next("the configuration")? else {
        return Err(wrong("the second record is no configuration"));
    };
    Ok((JournalHead::parse(&text), config))
}

/// An input and what the journal says it brought about.
pub(crate) struct Step {
    pub(crate) input: Entry,
    pub(crate) time: Nanos,
    pub(crate) sequence: u64,
    pub(crate) outputs: Vec<Emitted>,
    /// The mark of the record before it, where marks are wanted.
    pub(crate) mark_before: u32,
}

/// Where a replay begins and ends, and who decides in it.
#[derive(Clone, Copy)]
struct Begin {
    from: ReplayFrom,
    until: Option<i64>,
    is_recorded: bool,
    is_live: bool,
}

impl Begin {
    const START: Self =
        Self { from: ReplayFrom::Start, until: None, is_recorded: false, is_live: false };
}

/// Snapshots of one journal that are kept, the newest ones.
const KEPT: usize = 2;

/// A replay under way.
pub(crate) struct Replay<S, L, F> {
    reader: Records,
    pub(crate) head: JournalHead,
    pub(crate) core: Core<S, CppKernels>,
    /// The last input read, while its outputs are.
    pending: Option<Step>,
    is_over: bool,
    /// Prepares the strategy for an input with one of its outputs.
    load: L,
    /// Actions prepared and not taken.
    left: F,
    facts: Facts,
    records: u64,
    outputs: u64,
    divergences: u64,
    first_divergence: Option<String>,
    unknown_records: u64,
    recorded_hash: Option<u64>,
    content_error: Option<String>,
    /// The time of day up to which inputs are acted on; all are, when `None`.
    until: Option<i64>,
    stopped_before: Option<Nanos>,
    snapshot: Option<u64>,
    unfit: Vec<(PathBuf, String)>,
    /// Whether snapshots are written: each record is marked then.
    has_marks: bool,
    mark_last: u32,
    /// The input that was read and not acted on, and the mark of the record before it.
    stop: Option<(u64, u32)>,
}

impl<S, L, F> Replay<S, L, F>
where
    S: Strategy,
    L: Fn(&mut S, &Emitted),
    F: Fn(&S) -> usize,
{
    /// From the first record to the last.
    pub(crate) fn open(path: &Path, strategy: S, load: L, left: F) -> Result<Self, Error> {
        Self::open_at(path, strategy, load, left, Begin::START)
    }

    /// Of a journal that is being written. Records are marked.
    pub(crate) fn open_live(
        path: &Path,
        strategy: S,
        load: L,
        left: F,
        from: ReplayFrom,
        is_recorded: bool,
    ) -> Result<Self, Error> {
        let begin = Begin { from, is_recorded, is_live: true, ..Begin::START };
        let mut replay = Self::open_at(path, strategy, load, left, begin)?;
        replay.has_marks = true;
        Ok(replay)
    }

    fn open_at(path: &Path, strategy: S, load: L, left: F, begin: Begin) -> Result<Self, Error> {
        let Begin { from, until, is_recorded, is_live } = begin;
        let mut reader = match is_live {
            true => Records::live(path)?,
            false => Records::of(JournalReader::open(path)?),
        };
        let (head, config) = head(path, &mut reader)?;
        let wanted = Wanted { session_id: reader.session_id(), until, is_recorded, is_live };
        let begun = match from {
            ReplayFrom::Start => snapshots::Begun::new(&config, strategy)?,
            ReplayFrom::Snapshot => snapshots::begin(path, &config, strategy, &wanted)?,
        };
        let (reader, facts, snapshot) = match begun.taken {
            Some((records, facts, sequence)) => (records, facts, Some(sequence)),
            None => (reader, Facts::default(), None),
        };
        Ok(Self {
            reader,
            head,
            core: begun.core,
            pending: None,
            is_over: false,
            load,
            left,
            facts,
            records: 2,
            outputs: 0,
            divergences: 0,
            first_divergence: None,
            unknown_records: 0,
            recorded_hash: None,
            content_error: None,
            until,
            stopped_before: None,
            snapshot,
            unfit: begun.unfit,
            has_marks: false,
            mark_last: 0,
            stop: None,
        })
    }

    fn run(mut self, with_strategy: bool) -> Result<ReplayReport, Error> {
        // Without a hash the last input's outputs may be cut short: what is missing is no difference.
        if let Some(step) = self.run_to_last() {
            if self.recorded_hash.is_some() || self.stopped_before.is_some() {
                self.apply(&step);
            } else {
                self.act(&step);
            }
        }
        Ok(self.finish(with_strategy))
    }

    /// Acts on every input, and writes down states on the way and the last one: that before the last
    /// input, or before the first that is too late. The outputs of an input before another are all there.
    fn write_snapshots(mut self, path: &Path, when: SnapshotWhen) -> Result<SnapshotReport, Error> {
        let (_, unfit) = self.begun_from();
        let mut sink = SnapshotSink::new(path, self.session_id(), unfit, KEPT);
        self.has_marks = true;
        let mut written = Vec::new();
        let mut sequence_last = self.snapshot.unwrap_or(1);
        while let Some((step, is_last)) = self.next_step() {
            let is_due = when.every.is_some_and(|every| step.sequence - sequence_last >= every);
            let is_end = is_last && self.stop.is_none();
            if (is_due || is_end) && step.sequence != sequence_last {
                written.push(self.write_snapshot(&mut sink, step.sequence, step.mark_before)?);
                sequence_last = step.sequence;
            }
            self.apply(&step);
        }
        if let Some((sequence, mark)) = self.stop.filter(|stop| stop.0 != sequence_last) {
            written.push(self.write_snapshot(&mut sink, sequence, mark)?);
        }
        let passed_over = passed_over(&self.unfit);
        Ok(SnapshotReport { written, from: self.snapshot, passed_over, records: self.records })
    }

    /// Writes the state before an input, if everything until then was as the journal says.
    ///
    /// # Errors
    ///
    /// [`Error::File`], and [`Error::JournalContent`] for a strategy without snapshots and a journal that
    /// is not what the replay gives.
    pub(crate) fn write_snapshot(
        &self,
        sink: &mut SnapshotSink,
        sequence: u64,
        mark: u32,
    ) -> Result<SnapshotInfo, Error> {
        let unknown = || format!("{} records of unknown types", self.unknown_records);
        let divergence = self.first_divergence.clone();
        let what = divergence.or_else(|| (self.unknown_records > 0).then(unknown));
        match what {
            Some(what) => Err(Error::JournalContent { path: sink.dir().to_path_buf(), what }),
            None => sink.write(&self.core, &self.facts, sequence, mark),
        }
    }

    /// Acts on every input but the last, which is returned.
    fn run_to_last(&mut self) -> Option<Step> {
        while let Some((step, is_last)) = self.next_step() {
            if is_last {
                return Some(step);
            }
            self.apply(&step);
        }
        None
    }

    /// The next input with its outputs, and whether it is the last; of a live journal `None` also while the
    /// next is awaited.
    pub(crate) fn next_step(&mut self) -> Option<(Step, bool)> {
        while !self.is_over {
            let Some(record) = self.reader.next_record() else {
                if self.reader.go_on() {
                    continue;
                }
                if self.reader.is_awaited() {
                    return None;
                }
                break;
            };
            self.records += 1;
            let (time, sequence) = (record.time, record.sequence);
            let mark = if self.has_marks { snapshots::mark(&record) } else { 0 };
            let mark_before = std::mem::replace(&mut self.mark_last, mark);
            match Entry::read(&record) {
                Ok(Entry::Output(emitted)) => match &mut self.pending {
                    Some(step) => step.outputs.push(emitted),
                    None => self.diverge(sequence, "an output before the first input"),
                },
                Ok(Entry::End(hash)) => self.recorded_hash = Some(hash),
                Ok(Entry::Unknown(_)) => self.unknown_records += 1,
                Ok(Entry::Resume(_)) => {}
                // The head of a replayed session has no time.
                Ok(_)
                    if time.0 > 0 && self.until.is_some_and(|until| until < time_of_day(time)) =>
                {
                    self.stopped_before = Some(time);
                    self.stop = Some((sequence, mark_before));
                    self.is_over = true;
                }
                Ok(input) => {
                    let step = Step { input, time, sequence, outputs: Vec::new(), mark_before };
                    if let Some(before) = self.pending.replace(step) {
                        return Some((before, false));
                    }
                }
                Err(what) => {
                    self.content_error = Some(format!("record {sequence}: {what}"));
                    self.is_over = true;
                }
            }
        }
        self.is_over = true;
        self.pending.take().map(|step| (step, true))
    }

    /// Acts on an input and compares what comes of it.
    pub(crate) fn apply(&mut self, step: &Step) {
        self.act(step);
        self.outputs += step.outputs.len() as u64;
        let outputs = self.core.outputs();
        if outputs == step.outputs {
            return;
        }
        let differs = outputs.iter().zip(&step.outputs).position(|(a, b)| a != b);
        let index = differs.unwrap_or(outputs.len().min(step.outputs.len()));
        let what = format!(
            "output {} is {:?}, the journal has {:?}",
            index + 1,
            outputs.get(index),
            step.outputs.get(index)
        );
        self.diverge(step.sequence, &what);
    }

    pub(crate) fn act(&mut self, step: &Step) {
        for emitted in &step.outputs {
            (self.load)(self.core.strategy_mut(), emitted);
        }
        self.facts.heard.note(&step.input, &step.outputs);
        let time = step.time;
        match &step.input {
            Entry::Instrument(instrument) => {
                if self.core.define(instrument).is_err() {
                    self.diverge(step.sequence, "an instrument found no room");
                }
            }
            Entry::Start => {
                self.facts.has_started = true;
                self.core.on_start(time);
            }
            Entry::Event(event) => self.core.on_event(time, event),
            Entry::Report(report) => {
                // A refused report was refused then too; the core counts it.
                let _ = self.core.on_report(time, report);
            }
            Entry::TradeCanceled(report) => {
                let _ = self.core.on_trade_canceled(time, report);
            }
            Entry::OrderSession(state) => self.core.on_session(time, *state),
            Entry::Valuation(valuation) => {
                // One that was refused was refused then too.
                let _ = self.core.on_valuation(time, valuation);
            }
            Entry::Opening(opening) => {
                // One that was refused was refused then too.
                let _ = self.core.on_opening(time, opening);
            }
            Entry::Control(entry) => {
                // One that was refused was refused then too.
                let _ = self.core.on_control(time, &entry.control);
            }
            Entry::Stop => self.core.on_stop(time),
            _ => self.diverge(step.sequence, "a record that is no input"),
        }
        let left = (self.left)(self.core.strategy());
        if left > 0 {
            self.diverge(step.sequence, &format!("{left} recorded actions found no call"));
        }
    }

    /// The session that the journal is of.
    pub(crate) fn session_id(&self) -> u64 {
        self.reader.session_id()
    }

    /// The snapshot that it began from, by its sequence, and those that do not fit.
    pub(crate) fn begun_from(&self) -> (Option<u64>, Vec<PathBuf>) {
        (self.snapshot, self.unfit.iter().map(|(path, _)| path.clone()).collect())
    }

    /// The last record read.
    pub(crate) const fn sequence_last(&self) -> u64 {
        self.reader.sequence_last()
    }

    /// Whether what was acted on is not what the journal says, or nothing more can be read.
    pub(crate) const fn has_gone_wrong(&self) -> bool {
        self.divergences > 0 || self.unknown_records > 0 || self.is_over
    }

    /// Why it cannot go on with a live journal, or should not.
    pub(crate) fn what_is_wrong(&self) -> Option<String> {
        let divergence = self.first_divergence.as_ref().map(|first| {
            format!("the journal is not what its inputs give again; the first difference: {first}")
        });
        let unknown = (self.unknown_records > 0).then(|| "records of unknown types".to_string());
        let unreadable = self.reader.end().filter(|(is_clean, _)| !is_clean).map(|(_, end)| end);
        divergence.or_else(|| self.content_error.clone()).or(unknown).or(unreadable)
    }

    /// The last input of a live journal that gets no more, with its outputs.
    pub(crate) fn take_last(&mut self) -> Option<Step> {
        self.pending.take()
    }

    /// Acts on the last input, and compares the state where the journal says it.
    pub(crate) fn apply_last(&mut self, step: &Step) {
        let Some(recorded) = self.recorded_hash else { return };
        self.apply(step);
        let found = self.core.state_hash();
        if found != recorded {
            let what = format!("the state is {found:016x}, the journal has {recorded:016x}");
            self.diverge(step.sequence, &what);
        }
    }

    fn diverge(&mut self, sequence: u64, what: &str) {
        self.divergences += 1;
        if self.first_divergence.is_none() {
            self.first_divergence = Some(format!("record {sequence}: {what}"));
        }
    }

    pub(crate) fn finish(self, with_strategy: bool) -> ReplayReport {
        let (is_whole, end) = match (self.content_error, self.reader.end()) {
            (Some(what), _) => (false, what),
            (None, Some(end)) => end,
            (None, None) if self.stopped_before.is_some() => (true, "not read to its end".into()),
            (None, None) => (false, "not read to its end".to_string()),
        };
        ReplayReport {
            head: self.head,
            with_strategy,
            core: CoreReport::new(&self.core, self.core.stopped()),
            recorded_hash: self.recorded_hash,
            records: self.records,
            outputs: self.outputs,
            divergences: self.divergences,
            first_divergence: self.first_divergence,
            unknown_records: self.unknown_records,
            end,
            is_whole,
            stopped_before: self.stopped_before,
            snapshot: self.snapshot,
            passed_over: passed_over(&self.unfit),
        }
    }
}
