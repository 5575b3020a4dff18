//! Compiles the C++ kernels of `cpp/` and the bridge to them, and nothing else.
//!
//! Needs a C++20 compiler (g++ 12 or newer, or clang++; `CXX` chooses) and no network. Each kernel
//! loop is compiled once per instruction set; `cpp/src/target.cc` chooses among them at run time.

use std::env;

/// Without fused contraction every target rounds alike; without errno `sqrt` is one instruction.
const FLAGS: &[&str] =
    &["-fno-exceptions", "-fno-rtti", "-ffp-contract=off", "-fno-math-errno", "-Wall", "-Wextra"];
const BASELINE: &[&str] = &["-march=x86-64-v2"];
const AVX2: &[&str] = &["-march=x86-64-v2", "-mavx2"];
const AVX512: &[&str] = &[
    "-march=x86-64-v2",
    "-mavx512f",
    "-mavx512dq",
    "-mavx512bw",
    "-mavx512vl",
    "-mprefer-vector-width=512",
];

fn main() {
    println!("cargo::rerun-if-env-changed=TEZI_CXX_WERROR");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=cpp/include");
    println!("cargo::rerun-if-changed=cpp/src");
    println!("cargo::rerun-if-changed=engine/host/kernels.rs");

    let is_x86_64 = env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64");
    let baseline: &[&str] = if is_x86_64 { BASELINE } else { &[] };

    let files = [
        "src/bridge.cc",
        "src/american.cc",
        "src/american_table.cc",
        "src/black76.cc",
        "src/implied_vol.cc",
        "src/span.cc",
        "src/svi.cc",
        "src/target.cc",
    ];
    compile("tezi_bridge", &["engine/host/kernels.rs"], &files, baseline);
    compile("tezi_baseline", &[], &sources("baseline"), baseline);
    if is_x86_64 {
        compile("tezi_avx2", &[], &sources("avx2"), AVX2);
        compile("tezi_avx512", &[], &sources("avx512"), AVX512);
    }
}

/// The loops of all kernels for one target.
fn sources(target: &str) -> [String; 5] {
    ["american", "black76", "implied_vol", "span", "svi"]
        .map(|kernel| format!("src/{kernel}_{target}.cc"))
}

/// Compiles one library of `cpp/`, one a set of flags, at full optimisation in every profile: a
/// debug build tests the kernels that ship.
fn compile(library: &str, bridges: &[&str], files: &[impl AsRef<str>], flags: &[&str]) {
    let mut build = cxx_build::bridges(bridges);
    build
        .std("c++20")
        .opt_level(3)
        .files(files.iter().map(|file| format!("cpp/{}", file.as_ref())));
    for flag in FLAGS.iter().chain(flags) {
        build.flag(flag);
    }
    // For those who change the kernels; a compiler of next year may warn of what this one does not.
    if env::var_os("TEZI_CXX_WERROR").is_some() {
        build.flag("-Werror");
    }
    build.compile(library);
}
