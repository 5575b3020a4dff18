//! Any bytes as a reference file, plain or wrapped: no panic, counts add up, memory stays bounded.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::reference::{LoadOptions, Policy, ReferenceData, load};
use tezi_model::Segment;

fuzz_target!(|data: &[u8]| {
    for policy in [Policy::Strict, Policy::Lenient] {
        let options = LoadOptions {
            segment: Some(Segment::NseFo),
            policy,
            records_max: 10_000,
            bytes_max: 4 << 20,
            ..LoadOptions::default()
        };
        if let Ok(file) = load(data, &options) {
            assert!(file.report.adds_up());
            assert!(ReferenceData::merge([file]).is_consistent());
        }
    }
});
