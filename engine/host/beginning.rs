//! What a session begins with: the core, its journal, and the way of its orders; new, or as another
//! process of the day left them.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use tezi_core::pricing::PricingKernel;
use tezi_core::strategy::Strategy;
use tezi_core::{Core, InstrumentTable};
use tezi_journal::Promise;
use tezi_model::{Instrument, Nanos, StreamId};

use crate::assembly::{Assembly, WithTwin};
use crate::carried::{PositionsOut, left_to_tell};
use crate::clock::Clock;
use crate::core_loop::{Beginning, TakenUp, TimeSource};
use crate::error::Error;
use crate::host::Host;
use crate::kernels::CppKernels;
use crate::order_path::{OrderPath, OrderWay};
use crate::orders::{OrdersThread, link};
use crate::recorder::Recorder;
use crate::replication::{Gate, OnReplicaLoss, ReplicaThread};
use crate::resume::{OrdersOfTheDay, Resumed, Resumption, resume};
use crate::snapshots::SnapshotThread;

/// Everything the core's thread and the orders' thread begin with.
pub(crate) struct Begun<S> {
    pub(crate) core: Core<S, CppKernels>,
    pub(crate) recorder: Recorder,
    pub(crate) orders: OrderWay,
    pub(crate) orders_thread: Option<OrdersThread>,
    /// Brings the journal to a follower, where there is one.
    pub(crate) replica: Option<ReplicaThread>,
    /// Writes snapshots beside the journal, where that is asked for.
    pub(crate) snapshots: Option<SnapshotThread<S>>,
    /// Where positions are written at the end.
    pub(crate) positions: Option<PositionsOut>,
    /// What comes before anything else, where the session is taken up again.
    pub(crate) beginning: Option<Beginning>,
    pub(crate) resumption: Option<Resumption>,
    pub(crate) notes: Vec<String>,
}

impl Assembly<'_> {
    /// Makes core, journal and way of orders. What is wrong with the session is found before a
    /// journal is made or written to.
    pub(crate) fn begin<S: Strategy>(
        &self,
        (strategy, twin): WithTwin<S>,
        clock: &Clock,
    ) -> Result<Begun<S>, Error> {
        self.check_promise()?;
        let positions = self.host.carried.write.as_deref();
        let positions = positions.map(PositionsOut::create).transpose()?;
        let begun = match &self.host.journal {
            Some(path) if self.host.resume && holds_journal(path) => {
                self.take_up(path, strategy, clock)
            }
            None if self.host.resume => {
                Err(Error::Parameter("a session is resumed from its journal: name one".into()))
            }
            _ => self.begin_new(strategy, clock),
        };
        let mut begun = begun?;
        begun.positions = positions;
        if let (Some(config), Some(journal)) = (self.host.snapshots, begun.recorder.path()) {
            let from = self.host.resume_from;
            begun.snapshots = Some(SnapshotThread::new(config, journal, from, twin));
        }
        Ok(begun)
    }

    fn begin_new<S: Strategy>(&self, strategy: S, clock: &Clock) -> Result<Begun<S>, Error> {
        let session = self.session_text(&strategy);
        let mut core = Core::new(&self.host.config, strategy, CppKernels)?;
        define(&mut core, self.instruments)?;
        let day = (self.time_source, clock.now());
        let openings = self.host.openings(core.strategy(), core.instruments(), day)?;
        let beginning = Beginning { openings, taken_up: None };
        crate::huge_pages::advise_huge_pages(core.books());
        // Before the journal, so that what is wrong with it leaves none behind.
        let (orders, orders_thread) = self.order_way(core.instruments(), None, clock)?;
        let (recorder, note) = self.begin_journal(&session, clock)?;
        self.begun(core, recorder, (orders, orders_thread), (Some(beginning), None), note)
    }

    /// Goes on with the session of the journal in `path`.
    fn take_up<S: Strategy>(
        &self,
        path: &Path,
        strategy: S,
        clock: &Clock,
    ) -> Result<Begun<S>, Error> {
        let session = self.session_text(&strategy);
        let Host { config, limits, resume_from, .. } = self.host;
        let resumed = resume(path, strategy, config, limits, *resume_from, clock.now())?;
        let Resumed { mut core, has_started, unwritten, orders, openings, summary } = resumed;
        let instruments = self.instruments_unknown_to(core.instruments());
        // Their records come before anything else that happens to the core from here on.
        define(&mut core, &instruments)?;
        let day = (self.time_source, clock.now());
        let wanted = self.host.openings(core.strategy(), core.instruments(), day)?;
        let openings = left_to_tell(&openings, wanted, &self.host.carried, has_started)
            .map_err(|what| Error::JournalContent { path: path.to_path_buf(), what })?;
        let streams: BTreeSet<StreamId> =
            core.instruments().iter().filter_map(|(_, state)| state.stream).collect();
        crate::huge_pages::advise_huge_pages(core.books());
        let way = self.order_way(core.instruments(), Some(&orders), clock)?;
        let (is_staged, note) = self.is_staged()?;
        let stage = is_staged.then_some(&self.host.journal_stage);
        let recorder = Recorder::append_to(path, self.host.segment_bytes, stage)?;
        let streams = streams.into_iter().collect();
        let taken_up = TakenUp { session, has_started, unwritten, instruments, streams };
        let beginning = Beginning { openings, taken_up: Some(taken_up) };
        self.begun(core, recorder, way, (Some(beginning), Some(summary)), note)
    }

    fn begun<S: Strategy>(
        &self,
        core: Core<S, CppKernels>,
        recorder: Recorder,
        (orders, mut orders_thread): (OrderWay, Option<OrdersThread>),
        (beginning, resumption): (Option<Beginning>, Option<Resumption>),
        note: Option<String>,
    ) -> Result<Begun<S>, Error> {
        let replica = match (&self.host.replication, recorder.path()) {
            (Some(config), Some(journal)) => Some(ReplicaThread::new(config, journal)?),
            _ => None,
        };
        let gate = match (self.orders_wait(), recorder.durable(), &replica) {
            (Promise::Durable, Some(durable), _) => Some(Gate::Durable(durable)),
            (Promise::Replicated, durable, Some(replica)) => {
                Some(Gate::Replicated { state: replica.state(), durable })
            }
            _ => None,
        };
        if let (Some(thread), Some(gate)) = (&mut orders_thread, gate) {
            thread.wait_for(gate);
        }
        let notes = note.into_iter().collect();
        Ok(Begun {
            core,
            recorder,
            orders,
            orders_thread,
            replica,
            snapshots: None,
            positions: None,
            beginning,
            resumption,
            notes,
        })
    }

    /// Where commands go, and who carries them on when that is out of the process. `earlier` are
    /// orders of another process.
    fn order_way(
        &self,
        instruments: &InstrumentTable,
        earlier: Option<&OrdersOfTheDay>,
        clock: &Clock,
    ) -> Result<(OrderWay, Option<OrdersThread>), Error> {
        let capacity = &self.host.config.capacity;
        let Some(config) = self.orders else {
            let mut path = OrderPath::new(capacity.instruments_max)?;
            for (account, definition) in self.host.accounts() {
                path.declare(account, &definition)?;
            }
            return Ok((OrderWay::Inside(Box::new(path)), None));
        };
        let (core_end, thread_end) = link(config, capacity.own_orders_max)?;
        let mut thread = OrdersThread::new(config, instruments, capacity, thread_end)?;
        for (account, definition) in self.host.accounts() {
            thread.declare(account, &definition)?;
        }
        if let Some(earlier) = earlier {
            thread.take_over(earlier, clock.now())?;
        }
        Ok((OrderWay::Session(core_end), Some(thread)))
    }

    /// Instruments of the masters that a core lacks, or knows otherwise.
    fn instruments_unknown_to(&self, table: &InstrumentTable) -> Vec<Instrument> {
        let known = table.iter().map(|(_, state)| bytemuck::bytes_of(&state.definition));
        let known: HashSet<&[u8]> = known.collect();
        let is_new = |it: &&Instrument| !known.contains(bytemuck::bytes_of(*it));
        self.instruments.iter().filter(is_new).copied().collect()
    }

    /// The promise that orders wait for.
    fn orders_wait(&self) -> Promise {
        self.orders.map_or(Promise::Appended, |config| config.wait_for)
    }

    /// The promise that the journal itself must be able to make, for orders to leave.
    fn journal_promise(&self) -> Promise {
        let on_loss = self.host.replication.map(|config| config.on_loss);
        match (self.orders_wait(), on_loss) {
            (Promise::Replicated, Some(OnReplicaLoss::Durable { .. })) => Promise::Durable,
            // In the follower's journal it is without our own saying anything of the disk.
            (Promise::Replicated, _) => Promise::Appended,
            (promise, _) => promise,
        }
    }

    /// Whether what orders wait for can come.
    fn check_promise(&self) -> Result<(), Error> {
        let wait = self.orders_wait();
        let has_journal = self.host.journal.is_some();
        let what = if wait > Promise::Appended && !has_journal {
            format!("orders wait for {}, and no journal is kept", wait.name())
        } else if wait == Promise::Replicated && self.host.replication.is_none() {
            format!("orders wait for {}, and no follower is named", wait.name())
        } else if self.host.replication.is_some() && !has_journal {
            "a journal is to be replicated, and none is kept".into()
        } else {
            return Ok(());
        };
        Err(Error::Parameter(what))
    }

    /// Whether the journal is staged, and what to tell the user of that.
    fn is_staged(&self) -> Result<(bool, Option<String>), Error> {
        let Host { journal_mode, journal_stage, segment_bytes, .. } = self.host;
        let wait = self.journal_promise();
        journal_mode.resolve(self.time_source, wait, journal_stage, *segment_bytes)
    }

    /// Makes the journal the way that was asked for; what to tell the user of it.
    fn make_journal(&self, now: Nanos) -> Result<(Recorder, Option<String>), Error> {
        let Some(dir) = &self.host.journal else {
            return Ok((Recorder::off(), None));
        };
        let (is_staged, note) = self.is_staged()?;
        let stage = is_staged.then_some(&self.host.journal_stage);
        Ok((Recorder::create(dir, self.host.segment_bytes, stage, now)?, note))
    }

    /// Opens the journal and writes what a replay must know beforehand.
    fn begin_journal(
        &self,
        session: &str,
        clock: &Clock,
    ) -> Result<(Recorder, Option<String>), Error> {
        let now = match self.time_source {
            TimeSource::Clock => clock.now(),
            TimeSource::Events => Nanos::ZERO,
        };
        let (mut recorder, note) = self.make_journal(clock.now())?;
        recorder.session(now, session)?;
        recorder.config(now, &self.host.config)?;
        for definition in self.instruments {
            recorder.instrument(now, definition)?;
        }
        Ok((recorder, note))
    }

    /// Who runs, as a journal has it.
    pub(crate) fn session_text<S: Strategy>(&self, strategy: &S) -> String {
        let (version, kernel) = (env!("CARGO_PKG_VERSION"), CppKernels.name());
        let (name, parameters) = (strategy.name(), strategy.parameters());
        let mut text = format!(
            "engine tezi {version}\nstrategy {name}\nparameters {parameters}\nkernel {kernel}\n"
        );
        if strategy.strategies() > 0 {
            text += &format!("strategies {}\n", strategy.strategies());
        }
        for setting in &self.host.settings {
            text += &format!("setting {}\n", setting.replace('\n', " "));
        }
        text
    }
}

fn define<S: Strategy>(
    core: &mut Core<S, CppKernels>,
    instruments: &[Instrument],
) -> Result<(), Error> {
    for definition in instruments {
        core.define(definition).map_err(|reason| {
            Error::Parameter(format!("instrument {definition}: {}", reason.message()))
        })?;
    }
    Ok(())
}

/// Whether a directory has a segment of a journal, or the place in memory of one.
fn holds_journal(path: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(path) else { return false };
    let is_part = |name: &std::ffi::OsStr| {
        let name = Path::new(name);
        name.extension().is_some_and(|it| it == "tzj") || name == Path::new("memory")
    };
    entries.flatten().any(|entry| is_part(&entry.file_name()))
}
