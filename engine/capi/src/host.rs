//! The host for C: `tezi_host_…` of `include/tezi.h`.
#![allow(unsafe_code, reason = "functions for C take pointers")]

use std::ffi::{CString, c_char};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tezi::feed_handler::Line;
use tezi::feed_handler::feed::{Channel, FeedConfig, Protocol};
use tezi::masters::{self, LoadOptions, ReferenceData};
use tezi::model::{Instrument, Segment};
use tezi::receive::Interface;
use tezi::{FeedGroup, LiveSession, Pinning, RiskLimits, Session, StopSwitch};

use crate::abi::{self, FAILED, INVALID, OK};
use crate::strategy::{ForeignStrategy, text};

/// The host behind a pointer of C. Behind locks, for [`tezi_host_stop`] comes from another thread.
#[derive(Debug)]
pub struct Host {
    state: Mutex<State>,
    /// Of the live session under way.
    stop: Mutex<StopSwitch>,
}

#[derive(Debug)]
struct State {
    host: tezi::Host,
    config: tezi::CoreConfig,
    error: CString,
    problems: CString,
}

impl State {
    fn fail(&mut self, why: impl std::fmt::Display) -> i32 {
        self.error = c_text(&why.to_string());
        FAILED
    }

    fn run(&mut self, session: &Session, strategy: ForeignStrategy) -> Result<abi::Report, String> {
        let host = self.host.clone().config(self.config);
        let report = host.run(session, strategy).map_err(|error| error.to_string())?;
        let counters = report.core.counters;
        self.problems = c_text(&report.problems().join("\n"));
        Ok(abi::Report {
            events: counters.events,
            orders: counters.new_orders + counters.replaces + counters.cancels,
            fills: counters.fills,
            refused: report.core.refusals.iter().map(|(_, count)| count).sum(),
            lost: report.feed.lost(),
            state_hash: report.core.state_hash,
            profit: report.core.profit.to_rupees(),
            is_fine: report.is_fine().into(),
            reserved: 0,
        })
    }

    /// Runs and tells what came of it.
    ///
    /// # Safety
    ///
    /// `report` is null or may be written.
    unsafe fn conclude(
        &mut self,
        session: &Session,
        strategy: ForeignStrategy,
        report: *mut abi::Report,
    ) -> i32 {
        match self.run(session, strategy) {
            Ok(_) if report.is_null() => OK,
            Ok(done) => {
                // SAFETY: it is not null, so it may be written, by the promise above.
                unsafe { report.write(done) };
                OK
            }
            Err(why) => self.fail(why),
        }
    }
}

fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', " ")).unwrap_or_default()
}

/// The limit of a name.
fn limit<'a>(limits: &'a mut RiskLimits, name: &str) -> Option<Field<'a>> {
    Some(match name {
        "order_value_max" => Field::Wide(&mut limits.order_value_max),
        "open_order_value_max" => Field::Wide(&mut limits.open_order_value_max),
        "loss_max" => Field::Wide(&mut limits.loss_max),
        "position_max" => Field::Wide(&mut limits.position_max),
        "open_orders_max" => Field::Narrow(&mut limits.open_orders_max),
        "messages_per_second_max" => Field::Narrow(&mut limits.messages_per_second_max),
        "fat_finger_bps" => Field::Narrow(&mut limits.fat_finger_bps),
        "trade_on_stale" => Field::Switch(&mut limits.trade_on_stale),
        "trade_when_halted" => Field::Switch(&mut limits.trade_when_halted),
        _ => return None,
    })
}

enum Field<'a> {
    Wide(&'a mut i64),
    Narrow(&'a mut u32),
    Switch(&'a mut u16),
}

impl Field<'_> {
    /// Whether the value is possible; then it is set.
    fn set(self, value: i64) -> bool {
        match self {
            Self::Wide(field) if value >= 0 => *field = value,
            Self::Narrow(field) => match u32::try_from(value) {
                Ok(value) => *field = value,
                Err(_) => return false,
            },
            Self::Switch(field) if (0..=1).contains(&value) => *field = u16::from(value == 1),
            _ => return false,
        }
        true
    }
}

/// What a live session is made of.
///
/// # Safety
///
/// The texts are null or end with a zero byte.
unsafe fn live_session(live: &abi::Live) -> Result<LiveSession, String> {
    // SAFETY: the promise above.
    let [a, b, interface, contracts] =
        [live.a, live.b, live.interface, live.contracts].map(|it| unsafe { text(it) });
    let interface = interface.map_or(Interface::Any, |name| {
        name.parse().map_or_else(|_| Interface::Name(name), Interface::Address)
    });
    let mut groups = Vec::new();
    for (line, address) in [(Line::A, a), (Line::B, b)] {
        let Some(address) = address else { continue };
        let address = address.parse().map_err(|_| format!("{address} is no ADDRESS:PORT"))?;
        let interface = interface.clone();
        groups.push(FeedGroup { interface, ..FeedGroup::new(address, Channel::Line(line)) });
    }
    if groups.is_empty() {
        return Err("a group to listen to is needed".into());
    }
    let seconds = |value: f64| match value {
        0.0 => Ok(None),
        value => Duration::try_from_secs_f64(value)
            .map(Some)
            .map_err(|_| format!("{value} is no number of seconds")),
    };
    let mut session = LiveSession::new(FeedConfig::new(Protocol::NseMtbt, Segment::NseFo), groups);
    session.duration_max = seconds(live.seconds)?;
    session.silence_max = seconds(live.silence)?;
    if let Some(path) = contracts {
        session.instruments = instruments(Path::new(&path))?;
    }
    Ok(session)
}

fn instruments(path: &Path) -> Result<Vec<Instrument>, String> {
    let failed = |why: String| format!("{}: {why}", path.display());
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let loaded = masters::load(&bytes, &LoadOptions::of_segment(Segment::NseFo))
        .map_err(|error| failed(error.to_string()))?;
    let merged = ReferenceData::merge(vec![loaded]);
    Ok(merged.instruments().iter().map(|record| record.instrument).collect())
}

/// `tezi_abi`
#[unsafe(no_mangle)]
pub extern "C" fn tezi_abi() -> u32 {
    abi::ABI
}

/// `tezi_host_new`
#[unsafe(no_mangle)]
pub extern "C" fn tezi_host_new() -> *mut Host {
    let state = State {
        host: tezi::Host::new(),
        config: tezi::CoreConfig::default(),
        error: CString::default(),
        problems: CString::default(),
    };
    Box::into_raw(Box::new(Host { state: Mutex::new(state), stop: Mutex::default() }))
}

/// `tezi_host_free`
///
/// # Safety
///
/// `host` is null or of [`tezi_host_new`], and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tezi_host_free(host: *mut Host) {
    if !host.is_null() {
        // SAFETY: it is of `Box::into_raw`, and given back once, by the promise above.
        drop(unsafe { Box::from_raw(host) });
    }
}

/// A host and its state, held for one call.
///
/// # Safety
///
/// `host` is null or of [`tezi_host_new`] and not yet freed.
unsafe fn held<'a>(host: *const Host) -> Option<(&'a Host, MutexGuard<'a, State>)> {
    // SAFETY: the promise above; only shared references are ever made of it.
    let host = unsafe { host.as_ref() }?;
    Some((host, lock(&host.state)))
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `tezi_host_limit`
///
/// # Safety
///
/// `host` is null or of [`tezi_host_new`] and not yet freed; `name` is null or ends with a zero byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tezi_host_limit(
    host: *const Host,
    name: *const c_char,
    value: i64,
) -> i32 {
    // SAFETY: the promise above.
    let host = unsafe { held(host) };
    // SAFETY: the promise above.
    let name = unsafe { text(name) };
    let (Some((_, mut state)), Some(name)) = (host, name) else { return INVALID };
    let is_set = limit(&mut state.config.limits, &name).map(|field| field.set(value));
    let why = match is_set {
        Some(true) => return OK,
        Some(false) => format!("{name} cannot be {value}"),
        None => format!("{name} is no limit"),
    };
    state.fail(why);
    INVALID
}

/// `tezi_host_journal`
///
/// # Safety
///
/// As [`tezi_host_limit`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tezi_host_journal(host: *const Host, directory: *const c_char) -> i32 {
    // SAFETY: the promise above.
    let host = unsafe { held(host) };
    // SAFETY: the promise above.
    let directory = unsafe { text(directory) };
    let (Some((_, mut state)), Some(directory)) = (host, directory) else { return INVALID };
    state.host = state.host.clone().journal(directory);
    OK
}

/// `tezi_host_pin`
///
/// # Safety
///
/// `host` is null or of [`tezi_host_new`] and not yet freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tezi_host_pin(host: *const Host, feed: i32, core: i32) -> i32 {
    // SAFETY: the promise above.
    let Some((_, mut state)) = (unsafe { held(host) }) else { return INVALID };
    let pinning = match (usize::try_from(feed), usize::try_from(core)) {
        (Ok(feed), Ok(core)) => Pinning::Cores { feed, core },
        _ if (feed, core) == (-1, -1) => Pinning::Off,
        _ => return INVALID,
    };
    state.host = state.host.clone().pinning(pinning);
    OK
}

/// `tezi_host_run_captures`
///
/// # Safety
///
/// `host` as in [`tezi_host_limit`]; `files` are `count` texts; `strategy` as [`ForeignStrategy::new`]
/// wants it; `report` is null or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tezi_host_run_captures(
    host: *const Host,
    files: *const *const c_char,
    count: usize,
    strategy: *const abi::Strategy,
    report: *mut abi::Report,
) -> i32 {
    // SAFETY: the promise above; the strategy is owned, and destroyed, from here on.
    let strategy = unsafe { ForeignStrategy::new(strategy) };
    // SAFETY: the promise above.
    let Some((_, mut state)) = (unsafe { held(host) }) else { return INVALID };
    let strategy = match strategy {
        Ok(strategy) => strategy,
        Err(why) => return state.fail(why),
    };
    if files.is_null() || count == 0 {
        return state.fail("no capture is named");
    }
    // SAFETY: `count` texts, by the promise above.
    let files = unsafe { std::slice::from_raw_parts(files, count) };
    // SAFETY: the promise above.
    let path = |&file: &*const c_char| unsafe { text(file) }.map(PathBuf::from);
    match files.iter().map(path).collect::<Option<Vec<_>>>() {
        // SAFETY: the promise above.
        Some(paths) => unsafe { state.conclude(&Session::captures(paths), strategy, report) },
        None => state.fail("a capture has no name in UTF-8"),
    }
}

/// `tezi_host_run_live`
///
/// # Safety
///
/// As [`tezi_host_run_captures`]; `live` is null or a struct whose texts are null or end with a zero
/// byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tezi_host_run_live(
    host: *const Host,
    live: *const abi::Live,
    strategy: *const abi::Strategy,
    report: *mut abi::Report,
) -> i32 {
    // SAFETY: as in `tezi_host_run_captures`.
    let strategy = unsafe { ForeignStrategy::new(strategy) };
    // SAFETY: the promise above.
    let live = unsafe { live.as_ref() };
    // SAFETY: the promise above.
    let (Some((host, mut state)), Some(live)) = (unsafe { held(host) }, live) else {
        return INVALID;
    };
    let strategy = match strategy {
        Ok(strategy) => strategy,
        Err(why) => return state.fail(why),
    };
    // SAFETY: the promise above.
    match unsafe { live_session(live) } {
        Ok(session) => {
            *lock(&host.stop) = session.stop.clone();
            // SAFETY: the promise above.
            unsafe { state.conclude(&Session::Live(session), strategy, report) }
        }
        Err(why) => state.fail(why),
    }
}

/// `tezi_replay_journal`
///
/// # Safety
///
/// As [`tezi_host_run_captures`]; `directory` is null or ends with a zero byte, `state_hash` is null or
/// may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tezi_replay_journal(
    host: *const Host,
    directory: *const c_char,
    strategy: *const abi::Strategy,
    state_hash: *mut u64,
) -> i32 {
    // SAFETY: as in `tezi_host_run_captures`.
    let strategy = unsafe { ForeignStrategy::new(strategy) };
    // SAFETY: the promise above.
    let directory = unsafe { text(directory) };
    // SAFETY: the promise above.
    let (Some((_, mut state)), Some(directory)) = (unsafe { held(host) }, directory) else {
        return INVALID;
    };
    let strategy = match strategy {
        Ok(strategy) => strategy,
        Err(why) => return state.fail(why),
    };
    let report = match tezi::replay_journal(Path::new(&directory), strategy) {
        Ok(report) => report,
        Err(why) => return state.fail(why),
    };
    if !state_hash.is_null() {
        // SAFETY: not null, so it may be written, by the promise above.
        unsafe { state_hash.write(report.core.state_hash) };
    }
    match report.first_divergence {
        Some(divergence) => state.fail(divergence),
        None => OK,
    }
}

/// `tezi_host_stop`
///
/// # Safety
///
/// `host` is null or of [`tezi_host_new`] and not yet freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tezi_host_stop(host: *const Host) {
    // SAFETY: the promise above.
    if let Some(host) = unsafe { host.as_ref() } {
        lock(&host.stop).set();
    }
}

/// `tezi_host_error`
///
/// # Safety
///
/// `host` is null or of [`tezi_host_new`] and not yet freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tezi_host_error(host: *const Host) -> *const c_char {
    // SAFETY: the promise above.
    let host = unsafe { held(host) };
    host.map_or(c"there is no host".as_ptr(), |(_, state)| state.error.as_ptr())
}

/// `tezi_host_problems`
///
/// # Safety
///
/// As [`tezi_host_error`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tezi_host_problems(host: *const Host) -> *const c_char {
    // SAFETY: the promise above.
    let host = unsafe { held(host) };
    host.map_or(c"".as_ptr(), |(_, state)| state.problems.as_ptr())
}
