//! The header against the records, and C++ programs against the library: compiled, linked and run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]
#![allow(unsafe_code, reason = "loads what it compiled")]

use std::collections::BTreeSet;
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use tezi::control::ControlRecord;
use tezi::model::Instrument;
use tezi::strategy::{BookUpdate, Context, OrderUpdate, ParameterError, Strategy, Watch};
use tezi::{DemoConfig, DemoSession, Host, Session};
use tezi_capi::{ForeignStrategy, Library, LibraryError, StrategyError, abi};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A folder that is gone when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tezi-c-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Compiles with the compiler that the kernels are built with.
fn compile(variable: &str, default: &str, arguments: &[&str]) {
    let compiler = std::env::var(variable).unwrap_or_else(|_| default.into());
    let include = root().join("engine/capi/include");
    let output = Command::new(&compiler)
        .current_dir(root())
        .args(["-Wall", "-Wextra", "-Werror", "-O1", "-I"])
        .arg(include)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_header_and_the_records_agree() {
    let scratch = Scratch::new();
    let program = scratch.path("layout");
    let source = "engine/capi/tests/c/layout.c";
    compile("CC", "cc", &["-std=c99", "-pedantic", source, "-o", program.to_str().unwrap()]);
    let output = Command::new(&program).output().unwrap();
    let expected = [
        ("tezi_instrument", size_of::<Instrument>()),
        ("tezi_instrument.token", offset_of!(Instrument, token)),
        ("tezi_instrument.option", offset_of!(Instrument, option_code)),
        ("tezi_level", size_of::<abi::Level>()),
        ("tezi_level.orders", offset_of!(abi::Level, orders)),
        ("tezi_order", size_of::<abi::Order>()),
        ("tezi_order.instrument", offset_of!(abi::Order, instrument)),
        ("tezi_order.status", offset_of!(abi::Order, status)),
        ("tezi_new_order", size_of::<abi::NewOrder>()),
        ("tezi_new_order.time_in_force", offset_of!(abi::NewOrder, time_in_force)),
        ("tezi_position", size_of::<abi::Position>()),
        ("tezi_position.unrealised", offset_of!(abi::Position, unrealised)),
        ("tezi_book_update", size_of::<abi::BookUpdate>()),
        ("tezi_trade", size_of::<abi::Trade>()),
        ("tezi_trade.quantity", offset_of!(abi::Trade, quantity)),
        ("tezi_fill", size_of::<abi::Fill>()),
        ("tezi_fill.is_passive", offset_of!(abi::Fill, is_passive)),
        ("tezi_order_update", size_of::<abi::OrderUpdate>()),
        ("tezi_order_update.status_before", offset_of!(abi::OrderUpdate, status_before)),
        ("tezi_feed_update", size_of::<abi::FeedUpdate>()),
        ("tezi_status_update", size_of::<abi::StatusUpdate>()),
        ("tezi_status_update.status", offset_of!(abi::StatusUpdate, status)),
        ("tezi_calls", size_of::<abi::Calls>()),
        ("tezi_calls.position", offset_of!(abi::Calls, position)),
        ("tezi_calls.reason", offset_of!(abi::Calls, reason)),
        ("tezi_strategy", size_of::<abi::Strategy>()),
        ("tezi_strategy.on_timer", offset_of!(abi::Strategy, on_timer)),
        ("tezi_strategy.destroy", offset_of!(abi::Strategy, destroy)),
        ("tezi_strategy.set_parameter", offset_of!(abi::Strategy, set_parameter)),
        ("TEZI_STRATEGY_SIZE_1", abi::STRATEGY_SIZE_1),
        ("tezi_trade_cancel", size_of::<abi::TradeCancel>()),
        ("tezi_trade_cancel.quantity", offset_of!(abi::TradeCancel, quantity)),
        ("tezi_index_update", size_of::<abi::IndexUpdate>()),
        ("tezi_index_update.instrument", offset_of!(abi::IndexUpdate, instrument)),
        ("tezi_control", size_of::<ControlRecord>()),
        ("tezi_control.kind", offset_of!(ControlRecord, kind_code)),
        ("tezi_report", size_of::<abi::Report>()),
        ("tezi_report.is_fine", offset_of!(abi::Report, is_fine)),
        ("tezi_live", size_of::<abi::Live>()),
        ("tezi_live.contracts", offset_of!(abi::Live, contracts)),
    ];
    let expected: String =
        expected.iter().map(|(name, number)| format!("{name} {number}\n")).collect();
    assert_eq!(said(&output), expected);
}

/// A capture of the demo's market.
fn capture(scratch: &Scratch) -> PathBuf {
    let path = scratch.path("demo.pcap");
    let config = DemoConfig { seconds: 1.0, lose_both: 0, ..DemoConfig::default() };
    let session = DemoSession { config, save_pcap: Some(path.clone()) };
    Host::new().run(&Session::Demo(session), Watch).unwrap();
    path
}

#[test]
fn a_cpp_program_embeds_the_host_and_replays_its_journal() {
    let scratch = Scratch::new();
    // Cargo puts the shared library beside the test's folder.
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_path_buf();
    let library = folder.join("libtezi_capi.so");
    assert!(library.exists(), "{} is not built", library.display());
    let program = scratch.path("embed");
    let rpath = format!("-Wl,-rpath,{}", folder.display());
    let [program_text, library_text] = [&program, &library].map(|it| it.to_str().unwrap());
    let arguments =
        ["-std=c++17", "examples/cpp/embed.cpp", library_text, &rpath, "-o", program_text];
    compile("CXX", "c++", &arguments);
    let (capture, journal) = (capture(&scratch), scratch.path("journal"));
    let run = |parameters: &str, journal: &Path| {
        Command::new(&program).arg(&capture).arg(journal).arg(parameters).output().unwrap()
    };
    let output = run("lots=1", &journal);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("the journal replays to the same state"), "{text}");
    // The journal by itself, without the strategy's code.
    let replay = tezi::replay_recorded(&journal).unwrap();
    assert_eq!(replay.head.strategy, "cpp-joiner");
    assert!(replay.core.counters.new_orders > 10, "{text}");
    assert!(text.contains(&format!("state {:016x}", replay.core.state_hash)), "{text}");
    // A journal that is there already, and parameters that cannot be.
    let output = run("lots=1", &journal);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let output = run("price=1", &scratch.path("other"));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("price=1"));
}

#[test]
fn a_strategy_in_a_shared_object_decides_as_the_embedded_one() {
    let scratch = Scratch::new();
    let object = scratch.path("joiner.so");
    let text = object.to_str().unwrap();
    let arguments = ["-std=c++17", "-fPIC", "-shared", "examples/cpp/plugin.cpp", "-o", text];
    compile("CXX", "c++", &arguments);
    // SAFETY: it is the example, just compiled.
    let library = unsafe { Library::load(&object) }.unwrap();
    let session = Session::captures([capture(&scratch)]);
    let hashes: Vec<_> = (0..2)
        .map(|_| {
            let report = Host::new().run(&session, library.strategy("lots=2").unwrap()).unwrap();
            assert!(report.core.counters.new_orders > 10, "{report}");
            report.core.state_hash
        })
        .collect();
    assert_eq!(hashes[0], hashes[1]);
    let error = library.strategy("price=1").unwrap_err();
    assert!(matches!(&error, LibraryError::Refused(_, why) if why.contains("price=1")), "{error}");
    assert_eq!(library.strategy("a\0b").unwrap_err(), LibraryError::Text);
}

#[test]
fn what_is_no_library_of_a_strategy_is_named() {
    let scratch = Scratch::new();
    let nothing = scratch.path("nothing.so");
    // SAFETY: nothing is loaded.
    let error = unsafe { Library::load(&nothing) }.unwrap_err();
    assert!(matches!(error, LibraryError::Load(..)), "{error}");
    std::fs::write(scratch.path("empty.c"), "int nothing;\n").unwrap();
    let (source, object) = (scratch.path("empty.c"), scratch.path("empty.so"));
    compile(
        "CC",
        "cc",
        &["-shared", "-fPIC", source.to_str().unwrap(), "-o", object.to_str().unwrap()],
    );
    // SAFETY: it was just compiled, and does nothing.
    let error = unsafe { Library::load(&object) }.unwrap_err();
    assert_eq!(error, LibraryError::NoStrategy(object));
}

/// A strategy of a shared object to which an operator sets parameters, at the first books.
struct Operated {
    inner: ForeignStrategy,
    words: Vec<(&'static str, &'static str)>,
    answers: Vec<Result<(), ParameterError>>,
    /// Quantities of the orders that it sent.
    quantities: BTreeSet<u32>,
}

impl Operated {
    fn new(inner: ForeignStrategy, words: &[(&'static str, &'static str)]) -> Self {
        let words = words.iter().rev().copied().collect();
        Self { inner, words, answers: Vec::new(), quantities: BTreeSet::new() }
    }
}

impl Strategy for Operated {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn remarks(&self) -> String {
        format!("{:?} {:?}", self.answers, self.quantities)
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        if let Some((key, value)) = self.words.pop() {
            let answer = self.inner.set_parameter(ctx, key, value);
            self.answers.push(answer);
        }
        self.inner.on_book(ctx, update);
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.quantities.insert(update.order.quantity.0);
        self.inner.on_order(ctx, update);
    }
}

#[test]
fn an_operator_changes_a_parameter_of_a_shared_object() {
    let scratch = Scratch::new();
    let object = scratch.path("joiner.so");
    let text = object.to_str().unwrap();
    let arguments = ["-std=c++17", "-fPIC", "-shared", "examples/cpp/plugin.cpp", "-o", text];
    compile("CXX", "c++", &arguments);
    // SAFETY: it is the example, just compiled.
    let library = unsafe { Library::load(&object) }.unwrap();
    let session = Session::captures([capture(&scratch)]);
    let run = |words: &[(&'static str, &'static str)]| {
        let strategy = Operated::new(library.strategy("lots=1").unwrap(), words);
        Host::new().run(&session, strategy).unwrap().core.remarks
    };
    let plain = run(&[]);
    let lot: u32 = plain.trim_start_matches("[] {").trim_end_matches('}').parse().unwrap();
    let words = [("lots", "3"), ("token", "7"), ("lots", "many"), ("lots", "0")];
    let expected = format!("[Ok(()), Err(Unknown), Err(Value), Err(Value)] {{{}}}", 3 * lot);
    assert_eq!(run(&words), expected);
}

#[test]
fn an_older_object_runs_and_one_of_another_size_is_refused_by_name() {
    let scratch = Scratch::new();
    let object = scratch.path("sized.so");
    let source = "engine/capi/tests/c/sized.c";
    compile("CC", "cc", &["-shared", "-fPIC", source, "-o", object.to_str().unwrap()]);
    // SAFETY: it was just compiled, and its functions do nothing.
    let library = unsafe { Library::load(&object) }.unwrap();
    let session = Session::captures([capture(&scratch)]);
    for parameters in ["older", "newer"] {
        let words = [("lots", "3")];
        let strategy = Operated::new(library.strategy(parameters).unwrap(), &words);
        let report = Host::new().run(&session, strategy).unwrap();
        assert_eq!(report.core.remarks, "[Err(Unknown)] {}", "{parameters}");
    }
    for parameters in ["short", "within"] {
        let error = library.strategy(parameters).unwrap_err();
        let LibraryError::Strategy(_, StrategyError::Size(_)) = &error else { panic!("{error}") };
        let least = abi::STRATEGY_SIZE_1.to_string();
        assert!(error.to_string().contains(&least), "{parameters}: {error}");
    }
    let error = library.strategy("other").unwrap_err();
    assert!(error.to_string().contains("interface 2, this host has 1"), "{error}");
}
