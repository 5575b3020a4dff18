//! The manifest of an archive: any text, and any lines with a chain that holds. No panic; what is read
//! is written again as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_archive::{Digest, Manifest};

const HEAD: &str = "tezi-archive 1\nsession 00000000000000ab\nretain-years 8\n";

/// The lines with their links.
fn chained(lines: &str) -> String {
    let mut chain = Digest::of(HEAD.as_bytes());
    let mut text = HEAD.to_string();
    for line in lines.lines() {
        chain = Digest::of(&[&chain.0, line.as_bytes()].concat());
        text += &format!("{line} {chain}\n");
    }
    text
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for text in [text.to_string(), chained(text)] {
        if let Ok(manifest) = Manifest::parse(&text) {
            assert_eq!(manifest.write(), (text, manifest.seal));
        }
    }
});
