//! Guards what a compiler does not: layering between folders, file and function length, unsafe
//! islands, and words that do not belong here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 70;

/// Files that may opt out of `deny(unsafe_code)`.
const UNSAFE_ISLANDS: &[&str] = &[
    "engine/capi/src/calls.rs",
    "engine/capi/src/host.rs",
    "engine/capi/src/library.rs",
    "engine/capi/src/strategy.rs",
    "engine/host/control/peer.rs",
    "engine/host/huge_pages.rs",
    "engine/host/kernels.rs",
    "engine/host/mapped.rs",
    "engine/journal/src/crc32c.rs",
    "engine/journal/src/mapping.rs",
    "engine/prefetch/src/lib.rs",
    "engine/receive/src/mapped.rs",
    "engine/receive/src/packet_ring/ring.rs",
    "engine/receive/src/sys.rs",
    "engine/receive/src/udp/slots.rs",
    "engine/receive/src/xdp/bpf.rs",
    "engine/receive/src/xdp/socket.rs",
    "engine/ring/src/consumer.rs",
    "engine/ring/src/producer.rs",
    "engine/ring/src/storage.rs",
    "tools/cli/src/library.rs",
];

/// Which crates each crate may import; everything else is refused. Imports point down.
const IMPORTS: &[(&str, &[&str])] = &[
    ("engine/model", &[]),
    ("engine/core", &["tezi-model", "tezi-prefetch"]),
    ("engine/prefetch", &[]),
    ("engine/journal", &["tezi-model"]),
    ("engine/archive", &["tezi-model", "tezi-journal"]),
    ("engine/gateway", &["tezi-model"]),
    ("engine/receive", &["tezi-model"]),
    ("engine/ring", &[]),
    ("feed-handler", &["tezi-model"]),
    ("engine/exchange", &["tezi-model", "tezi-core", "tezi-gateway", "tezi-feed-handler"]),
    (
        ".",
        &[
            "tezi-model",
            "tezi-core",
            "tezi-journal",
            "tezi-gateway",
            "tezi-exchange",
            "tezi-receive",
            "tezi-ring",
            "tezi-feed-handler",
        ],
    ),
    ("engine/capi", &["tezi"]),
    ("tools/cli", &["tezi", "tezi-archive", "tezi-capi"]),
    ("tools/parquet", &["tezi"]),
];

/// Within the core, which folders and files a module may use beside `tezi_model` and its own.
const CORE_LAYERS: &[(&str, &[&str])] = &[
    ("snapshot", &[]),
    ("book", &["snapshot"]),
    (
        "collateral",
        &["instruments", "margin", "oms", "pricing", "position", "risk", "snapshot", "venue"],
    ),
    ("control", &["config", "output", "risk"]),
    ("ledger", &["oms", "output", "position", "risk", "snapshot"]),
    ("pricing", &[]),
    ("config", &[]),
    ("timers", &["snapshot"]),
    ("instruments", &["snapshot"]),
    ("margin", &["pricing", "venue"]),
    ("matching", &["book", "venue"]),
    ("oms", &["snapshot"]),
    ("output", &[]),
    ("venue", &[]),
    ("position", &["snapshot"]),
    ("risk", &["config", "oms", "snapshot"]),
    ("risk_measures", &["pricing", "venue"]),
    ("backtest", &["book", "config", "snapshot"]),
    (
        "desk",
        &[
            "backtest",
            "book",
            "collateral",
            "config",
            "control",
            "instruments",
            "ledger",
            "oms",
            "output",
            "position",
            "risk",
            "snapshot",
            "timers",
        ],
    ),
    (
        "roster",
        &["control", "execution", "ledger", "oms", "output", "snapshot", "strategy", "venue"],
    ),
    ("execution", &["book", "oms", "snapshot", "timers"]),
    (
        "strategy",
        &[
            "book",
            "control",
            "desk",
            "execution",
            "instruments",
            "oms",
            "output",
            "position",
            "pricing",
            "snapshot",
            "timers",
        ],
    ),
];

/// What the deterministic core must never touch.
const CORE_FORBIDDEN: &[&str] = &[
    "std::time",
    "std::net",
    "std::fs",
    "std::thread",
    "std::sync",
    "std::env",
    "std::io",
    "HashMap",
    "HashSet",
    "Instant",
    "SystemTime",
    "println!",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below the root with one of these endings, build output left out.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    fn walk(dir: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                let skip = ["target", "journals", "corpus", "artifacts", "coverage"];
                if !name.starts_with('.') && !skip.contains(&name.as_str()) {
                    walk(&path, endings, found);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), endings, &mut found);
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

/// The file without its unit tests, which stand at the end.
fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {").map_or(text, |end| &text[..end])
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let mut long = Vec::new();
    for path in files(&[".rs", ".cc", ".h"]) {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX && !text.contains("tidy: long file:") {
            long.push(format!("{}: {lines} lines", relative(&path)));
        }
    }
    assert!(long.is_empty(), "over {FILE_LINES_MAX} lines without a reason: {long:#?}");
}

/// Functions of a formatted Rust file: (name, lines), found by rustfmt's indentation.
fn functions(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    for (start, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        let is_function = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "const fn ",
            "pub const fn ",
            "pub(crate) const fn ",
            "pub(super) const fn ",
            "unsafe fn ",
        ]
        .iter()
        .any(|prefix| body.starts_with(prefix));
        if !is_function {
            continue;
        }
        let closes = |text: &&str| {
            let rest = text.trim_start();
            // A declaration has no body: it ends behind its parameters.
            let ends = rest.starts_with('}') || (rest.starts_with(')') && rest.ends_with(';'));
            text.len() - rest.len() == indent && ends
        };
        let one_line = line.trim_end().ends_with('}') || line.trim_end().ends_with(';');
        if let Some(length) = (!one_line).then(|| lines[start..].iter().position(closes)) {
            let name = body.split('(').next().unwrap_or(body).to_string();
            found.push((name, length.map_or(1, |length| length + 1)));
        }
    }
    found
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let mut long = Vec::new();
    for path in files(&[".rs"]) {
        let text = fs::read_to_string(&path).unwrap();
        let file = relative(&path);
        if file.starts_with("benches/") || file.contains("/tests/") || file.starts_with("tests/") {
            continue;
        }
        for (name, lines) in functions(&text) {
            if lines > FUNCTION_LINES_MAX {
                long.push(format!("{file}: {name} has {lines} lines"));
            }
        }
    }
    assert!(long.is_empty(), "over {FUNCTION_LINES_MAX} lines: {long:#?}");
}

#[test]
fn the_measure_of_functions_sees_long_ones() {
    let body = "    let x = 1;\n".repeat(80);
    let text = format!("fn short() {{\n}}\n\nfn long(\n    a: u8,\n) {{\n{body}}}\n");
    assert_eq!(functions(&text), [("fn short".into(), 2), ("fn long".into(), 84)]);
    let text = format!("    fn declared(\n        a: u8,\n    );\n{body}    }}\n");
    assert_eq!(functions(&text), [("fn declared".into(), 3)]);
}

#[test]
fn crates_import_only_what_lies_below_them() {
    for (dir, allowed) in IMPORTS {
        let manifest = fs::read_to_string(root().join(dir).join("Cargo.toml")).unwrap();
        let mut section = String::new();
        for line in manifest.lines() {
            if line.starts_with('[') {
                section = line.to_string();
            }
            // A test may look at anything.
            if section != "[dependencies]" && section != "[build-dependencies]" {
                continue;
            }
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if name.starts_with("tezi") {
                assert!(allowed.contains(&name), "{dir} must not import {name}");
            }
        }
    }
}

#[test]
fn modules_of_the_core_import_only_what_lies_below_them() {
    let core = root().join("engine/core/src");
    let layers: BTreeMap<&str, &[&str]> = CORE_LAYERS.iter().copied().collect();
    for path in files(&[".rs"]) {
        let Ok(inner) = path.strip_prefix(&core) else { continue };
        let first = inner.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let module = first.trim_end_matches(".rs");
        // `lib.rs` names everything and `engine.rs` assembles it; test helpers serve all.
        if ["lib", "engine", "testing"].contains(&module) {
            continue;
        }
        let allowed = layers.get(module).unwrap_or_else(|| panic!("{module}: no layer named"));
        let text = fs::read_to_string(&path).unwrap();
        for used in without_tests(&text).split("crate::").skip(1) {
            let used: String =
                used.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let ok = used == module || used == "testing" || allowed.contains(&used.as_str());
            assert!(ok, "{}: crate::{used} is not below {module}", relative(&path));
        }
    }
}

#[test]
fn the_core_is_a_function() {
    let core = root().join("engine/core/src");
    for path in files(&[".rs"]) {
        if !path.starts_with(&core) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (index, line) in without_tests(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in CORE_FORBIDDEN {
                assert!(
                    !code.contains(word),
                    "{}:{}: {word} in the core",
                    relative(&path),
                    index + 1
                );
            }
        }
    }
}

#[test]
fn unsafe_code_lives_on_its_islands() {
    for path in files(&[".rs"]) {
        let file = relative(&path);
        // Test code may count allocations; it ships nowhere.
        if file.starts_with("tests/") || file.contains("/tests/") || file == "tests/tidy.rs" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let allows = text.contains("allow(unsafe_code)") || text.contains("expect(unsafe_code");
        if allows && !UNSAFE_ISLANDS.contains(&file.as_str()) {
            panic!("{file} allows unsafe code and is no island");
        }
    }
    for island in UNSAFE_ISLANDS {
        let text = fs::read_to_string(root().join(island)).unwrap();
        assert!(text.contains("unsafe"), "{island} needs no exception any more");
    }
}

#[test]
fn every_module_says_what_it_is() {
    for path in files(&[".rs"]) {
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let says = first.starts_with("//!") || first.starts_with("#![");
        assert!(says, "{} begins without a //! doc", relative(&path));
    }
}

#[test]
fn nothing_is_left_for_later_and_nothing_foreign_is_named() {
    // Written apart, so that this file does not contain them.
    let words = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X:"].concat()];
    for path in files(&[".rs", ".cc", ".h", ".md", ".toml", ".sh"]) {
        let text = fs::read_to_string(&path).unwrap();
        for (index, line) in text.lines().enumerate() {
            for word in &words {
                assert!(!line.contains(word), "{}:{}: {word}", relative(&path), index + 1);
            }
        }
    }
}
