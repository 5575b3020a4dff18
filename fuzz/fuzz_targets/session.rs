//! What a session writes into its journal, of any type with any bytes: no panic, and an action of an
//! operator that is understood fits the record it came from.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi::Entry;
use tezi::journal::Record;
use tezi::model::Nanos;

fuzz_target!(|data: &[u8]| {
    let [record_type, flags, payload @ ..] = data else { return };
    let record = Record {
        sequence: 1,
        time: Nanos(1),
        record_type: u16::from(*record_type % 40),
        flags: u16::from(*flags),
        payload,
        segment: 0,
        offset: 0,
    };
    match Entry::read(&record) {
        Ok(Entry::Control(entry)) => {
            assert!(payload.len() >= 32);
            // What is no UTF-8 grows by up to three bytes a byte.
            assert!(entry.who.len() + entry.why.len() <= 3 * (payload.len() - 32));
            assert!(!entry.control.name().is_empty());
        }
        Ok(Entry::Opening(opening)) => {
            // What is understood says again what was read, but for the fields that its kind has no use for.
            let record = tezi::OpeningRecord::from(&opening);
            assert_eq!(record.opening(), Some(opening));
            assert_eq!(payload.len(), size_of_val(&record));
        }
        Ok(Entry::Unknown(number)) => assert_eq!(number, record.record_type),
        Ok(_) | Err(_) => {}
    }
});
