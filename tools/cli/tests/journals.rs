//! The demo and what it leaves behind: verified, rebuilt, dumped, and damaged.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy takes for code

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use common::{Place, Ran, short_demo};
use serde_json::Value;

const SEGMENT: &str = "j/00000000.tzj";

fn dump(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Where the record in the middle of the segment begins: half of them, by their lengths.
fn middle_record(segment: &[u8], records: u64) -> usize {
    // The header of a segment takes 64 bytes: see `docs/wire/journal.md`.
    let mut offset = tezi::journal::SEGMENT_HEADER_BYTES;
    for _ in 0..records / 2 {
        let length: [u8; 4] = segment[offset..offset + 4].try_into().unwrap();
        offset += (u32::from_le_bytes(length) as usize).next_multiple_of(8);
    }
    offset
}

#[test]
fn a_demo_leaves_a_journal_that_proves_its_state() {
    let place = Place::new("demo");
    let summary = short_demo(&place);
    assert_eq!((&summary["is_fine"], &summary["format"]), (&true.into(), &1.into()));
    assert_eq!(summary["journal"]["path"], "j");
    assert_eq!(summary["feed"]["lost"], 0);
    assert!(summary["latency_ns"]["decode"]["p50"].as_u64() > Some(0));
    let records = summary["journal"]["records"].as_u64().unwrap();

    let verified = place.run("journal verify j --json").exits(0).json();
    assert_eq!(verified["records"], records);
    place.run("journal verify j").exits(0).says("Fine: every byte").says("journal replay j");

    for options in ["", " --recorded"] {
        let line = format!("journal replay j --json{options}");
        let rebuilt = place.run(&line).exits(0).json();
        assert_eq!(rebuilt["state_hash"], summary["state_hash"]);
        assert_eq!((&rebuilt["is_equal"], &rebuilt["divergences"]), (&true.into(), &0.into()));
        assert_eq!(rebuilt["with_strategy"], options.is_empty());
        assert_eq!(rebuilt["core"]["fills"], summary["core"]["fills"]);
        assert_eq!(rebuilt["profit"], summary["profit"]);
    }
    let hash = summary["state_hash"].as_str().unwrap();
    place.run("journal replay j").exits(0).says(hash).says("the hashes are equal");

    let lines = dump(&place.run("journal dump j --json").exits(0));
    assert_eq!(lines.len() as u64, records);
    assert!((1..).zip(&lines).all(|(sequence, line)| line["sequence"] == sequence));
    assert_eq!((&lines[0]["type"], &lines[1]["type"]), (&"session".into(), &"config".into()));
    assert_eq!(lines[lines.len() - 1]["state_hash"], hash);
    let fills = dump(&place.run("journal dump j --json --type fill").exits(0));
    assert_eq!(Value::from(fills.len()), summary["core"]["fills"]);
    assert!(fills.iter().all(|fill| fill["instrument"].as_str().unwrap().contains("NIFTY")));
}

#[test]
fn a_snapshot_is_what_a_replay_begins_from_unless_told_otherwise() {
    let place = Place::new("snapshot");
    let summary = short_demo(&place);
    let hash = summary["state_hash"].as_str().unwrap();
    let written = place.run("journal snapshot j --json").exits(0).json();
    let sequence = &written["written"][0]["sequence"];
    assert!(sequence.as_u64() > Some(100), "{written}");
    place.run("journal snapshot j").exits(0).says("nothing was written");
    place
        .run("journal replay j")
        .exits(0)
        .says(hash)
        .says("--no-snapshot proves the whole journal");
    place.run("journal replay j --no-snapshot").exits(0).says("so is every output");
    for (options, begins) in [("", true), (" --recorded", true), (" --no-snapshot", false)] {
        let line = format!("journal replay j --json{options}");
        let rebuilt = place.run(&line).exits(0).json();
        assert_eq!(rebuilt["state_hash"], summary["state_hash"], "{options}");
        assert_eq!(&rebuilt["snapshot"] == sequence, begins, "{options}");
        assert_eq!(rebuilt["core"]["fills"], summary["core"]["fills"], "{options}");
    }
    let file = place.path(&format!("j/snapshot-{:012}.tzs", sequence.as_u64().unwrap()));
    let mut bytes = fs::read(&file).unwrap();
    bytes[99] ^= 1;
    fs::write(&file, bytes).unwrap();
    place.run("journal replay j").exits(0).says("passed over").says("checksum").says(hash);
}

#[test]
fn a_dump_can_begin_and_end_anywhere_and_keep_to_some_types() {
    let place = Place::new("dump");
    short_demo(&place);
    let some = dump(&place.run("journal dump j --json --from 100 --count 7").exits(0));
    let sequences: Vec<u64> = some.iter().map(|line| line["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, (100..107).collect::<Vec<_>>());
    // Names are known although the records that told them are not printed.
    let commands = dump(&place.run("journal dump j --json --type command,refusal").exits(0));
    assert!(commands.iter().any(|line| line["instrument"] != Value::Null));
    let is_asked = |line: &Value| line["type"] == "command" || line["type"] == "refusal";
    assert!(commands.iter().all(is_asked));
    let id = commands.iter().find(|line| line["type"] == "command").unwrap();
    let id = id["client_order_id"].as_u64().unwrap();
    let named = dump(&place.run(&format!("journal grep j --json --order {id}")).exits(0));
    assert!(named.iter().all(|line| {
        ["client_order_id", "order_id", "buy_order_id", "sell_order_id"]
            .iter()
            .any(|name| line[name] == id)
    }));
    assert!(named.iter().any(|line| line["type"] == "command"), "{named:?}");
    let futures = dump(&place.run("journal grep j --json --instrument FUT --count 50").exits(0));
    assert!(futures.iter().all(|line| line["instrument"].as_str().unwrap().contains("FUT")));
    assert_eq!(futures.len(), 50);
    place.run("journal grep j --after 23:59:59.999 --count 1").exits(0);
    let text = place.run("journal dump j --count 30").exits(0).says("core time (IST)");
    assert_eq!(text.out.lines().count(), 31);
    text.says("instrument=\"NIFTY 2026-").says("price=").says("exchange_time=09:15:0");
}

#[test]
fn a_flipped_byte_is_named_and_records_behind_it_are_read() {
    let place = Place::new("flip");
    let records = short_demo(&place)["journal"]["records"].as_u64().unwrap();
    let mut segment = place.read(SEGMENT);
    let offset = middle_record(&segment, records);
    segment[offset + 40] ^= 0x10;
    place.write(SEGMENT, &segment);

    let place_named = format!("segment 00000000.tzj, byte {offset}");
    place.run("journal verify j").exits(1).says("NOT FINE").says(&place_named);
    let verified = place.run("journal verify j --json").exits(1).json();
    assert_eq!(verified["findings"][0]["byte"], offset);
    assert_eq!(verified["findings"][0]["records_lost"], 1);
    assert_eq!(verified["records"], records - 1);

    let lines = dump(&place.run("journal dump j --json").exits(1));
    assert_eq!(lines.len() as u64, records); // one is the damage
    assert_eq!(lines[lines.len() - 1]["type"], "end");
    let damage: Vec<_> = lines.iter().filter(|line| line["type"] == "damage").collect();
    assert_eq!((damage.len(), &damage[0]["byte"]), (1, &offset.into()));
    place.run("journal dump j").exits(1).says(&place_named);
    place.run("journal replay j").exits(1).says(&place_named);
}

#[test]
fn a_cut_tail_is_told_apart_from_damage() {
    let place = Place::new("tail");
    let records = short_demo(&place)["journal"]["records"].as_u64().unwrap();
    let segment = place.read(SEGMENT);
    place.write(SEGMENT, &segment[..segment.len() - 5]);
    place.run("journal verify j").exits(1).says("torn tail").says("every record before it is good");
    let verified = place.run("journal verify j --json").exits(1).json();
    assert_eq!(verified["records"], records - 1);
    assert_eq!((&verified["findings_count"], &verified["is_fine"]), (&0.into(), &false.into()));
    place.run("journal dump j --from 1000000").exits(1).says("torn tail");
    place.run("journal replay j").exits(1).says("not whole").says("did not end in order");
    place.run("journal recover j").exits(0).says("removed").says("all on the disk");
    place.run("journal verify j").exits(0).says("Fine: every byte");
    let recovered = place.run("journal recover j --json").exits(0).json();
    assert_eq!(recovered["sequence_last"], records - 1);
    assert!(recovered["torn_tail"].is_null() && recovered["settled"].is_null());
}

#[test]
fn the_way_a_journal_is_written_can_be_asked_for_and_the_summary_says_it() {
    let place = Place::new("modes");
    let short = "demo --seconds 0.1 --rate 1000 --no-pin --json --journal";
    let mapped = place.run(&format!("{short} m --journal-mode mapped")).exits(0).json();
    assert!(mapped["journal"]["durability"].is_null() && mapped["latency_ns"]["to_disk"].is_null());
    let said = place.run(&format!("{short} s --journal-mode staged"));
    if said.err.contains("memory file system") {
        return println!("skipped: no memory file system at /dev/shm");
    }
    let staged = said.exits(0).json();
    let (journal, durability) = (&staged["journal"], &staged["journal"]["durability"]);
    let count = |value: &Value| value.as_u64().unwrap();
    let behind = count(&durability["watermark"]) + count(&durability["lag_at_end"]);
    assert_eq!(behind, count(&journal["records"]));
    assert_eq!(durability["bytes_written"], journal["bytes"]);
    assert!(0 < count(&durability["batches"]));
    place.run("journal replay s").exits(0).says("the hashes are equal");
}

#[test]
fn a_journal_is_never_overwritten_and_default_ones_have_names_of_their_own() {
    let place = Place::new("again");
    let short = "demo --seconds 0.1 --rate 1000 --no-pin";
    place.run(&format!("{short} --journal j")).exits(0);
    let before = place.read(SEGMENT);
    place.run(&format!("{short} --journal j")).exits(1).says("a journal is already there: j/");
    assert_eq!(place.read(SEGMENT), before);
    let first = place.run(short).exits(0).says("To look further:").says("journal verify journals/");
    assert!(first.out.contains("Latency"), "{}", first.out);
    place.run(short).exits(0);
    let found = std::fs::read_dir(place.path("journals")).unwrap().count();
    assert_eq!(found, 2);
}

#[test]
fn two_journals_are_compared_and_a_moment_is_rebuilt() {
    let place = Place::new("diff");
    let records = short_demo(&place)["journal"]["records"].as_u64().unwrap();
    place.run("journal diff j j").exits(0).says("nothing differs");
    std::fs::create_dir(place.path("cut")).unwrap();
    let mut segment = place.read(SEGMENT);
    let offset = middle_record(&segment, records);
    let time: [u8; 8] = segment[offset + 16..offset + 24].try_into().unwrap();
    let time = i64::from_le_bytes(time);
    segment.truncate(offset);
    place.write("cut/00000000.tzj", &segment);
    let diff = place.run("journal diff j cut --json").exits(1).json();
    assert_eq!(diff["records_same"], records / 2);
    assert_eq!(diff["difference"]["b"], "ends here");
    place.run("journal diff cut j").exits(1).says("differs").says("A  ends here");

    // The moment before the record in the middle: nothing behind it counts.
    let of_day = (time + 19_800_000_000_000).rem_euclid(86_400_000_000_000) - 1;
    let (seconds, nanos) = (of_day / 1_000_000_000, of_day % 1_000_000_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let at = format!("{hours:02}:{minutes:02}:{seconds:02}.{nanos:09}");
    let whole = place.run("journal replay j --json").exits(0).json();
    let moment = place.run(&format!("journal replay j --json --at {at}")).exits(0).json();
    let events = |value: &Value| value["core"]["events"].as_u64().unwrap();
    assert!(0 < events(&moment) && events(&moment) < events(&whole), "{at}");
    assert!(time <= moment["stopped_before_ns"].as_i64().unwrap() + 1_000_000_000);
    assert_eq!(moment["divergences"], 0);
    place.run("journal replay j --at 25:00:00").exits(2).says("a time of day is needed");
}

#[test]
fn messages_lost_on_both_lines_are_counted_and_not_fine() {
    let place = Place::new("lost");
    let line =
        "demo --seconds 1 --rate 3000 --no-pin --no-journal --lose-both 3 --no-recovery --json";
    let summary = place.run(line).exits(1).json();
    assert_eq!((&summary["feed"]["lost"], &summary["journal"]), (&3.into(), &Value::Null));
    let streams = summary["feed"]["streams"].as_array().unwrap();
    let ranges = streams.iter().flat_map(|stream| stream["lost"].as_array().unwrap());
    let lost: u64 =
        ranges.map(|range| range[1].as_u64().unwrap() - range[0].as_u64().unwrap() + 1).sum();
    assert_eq!(lost, 3);
    assert!(summary["problems"].to_string().contains("3 messages were lost on every line"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new("pipe");
    short_demo(&place);
    let mut child = place
        .command()
        .args(["journal", "dump", "j"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut out = BufReader::with_capacity(64, child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    drop(out);
    assert!(first.contains("core time (IST)"));
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_behind_standard_output_is_an_error() {
    let place = Place::new("full");
    short_demo(&place);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = place.command().args(["journal", "dump", "j"]).stdout(full).output().unwrap();
    Ran::new(output).exits(1).says("cannot write to standard output");
}

#[test]
fn an_archived_journal_comes_back_and_a_changed_archive_is_told() {
    let place = Place::new("archive");
    short_demo(&place);
    let made = place.run("journal archive j --to a --json").exits(0).json();
    let seal = made["seal"].as_str().unwrap();
    assert!(made["packed_bytes"].as_u64() < made["bytes"].as_u64());
    place.run("journal archive j --to a").exits(1).says("not empty");
    place.run(&format!("journal verify a --seal {seal}")).exits(0).says("under this seal");
    place.run("journal verify a").exits(0).says("kept elsewhere");
    place.run(&format!("journal verify a --seal {}", "0".repeat(64))).exits(1).says("another seal");
    place.run("journal verify a --seal 12").exits(2).says("64 hexadecimal digits");
    place.run(&format!("journal verify j --seal {seal}")).exits(2).says("no archive");
    place
        .run(&format!("journal restore a --to back --seal {seal}"))
        .exits(0)
        .says("journal replay");
    assert_eq!(place.read(SEGMENT), place.read("back/00000000.tzj"));
    place.run("journal replay back").exits(0).says("the hashes are equal");
    let mut packed = place.read("a/00000000.tzj.zst");
    packed[20] ^= 1;
    place.write("a/00000000.tzj.zst", &packed);
    place.run("journal verify a").exits(1).says("SHA-256 is not the manifest's");
}

#[test]
fn the_story_of_an_order_has_the_market_the_checks_and_the_answers() {
    let place = Place::new("audit");
    short_demo(&place);
    let sent = dump(&place.run("journal dump j --json --type command").exits(0));
    let order = sent[0]["client_order_id"].as_u64().unwrap();
    let story = place.run(&format!("audit j {order} --json")).exits(0).json();
    let chapters = story["chapters"].as_array().unwrap();
    // Each record of the order is a chapter, in the same order.
    let records = dump(&place.run(&format!("journal grep j --json --order {order}")).exits(0));
    assert_eq!(chapters.len(), records.len());
    for (chapter, record) in chapters.iter().zip(&records) {
        assert_eq!((&chapter["type"], &chapter["kind"]), (&record["type"], &record["kind"]));
    }
    let first = &chapters[0];
    assert_eq!((&first["type"], &first["kind"]), (&"command".into(), &"new".into()));
    let checks = first["checks"].as_array().unwrap();
    assert!(checks.len() > 15 && checks.iter().all(|check| check["passed"] == true));
    let book_has_a_side = !first["bids"].as_array().unwrap().is_empty();
    assert!(book_has_a_side && first["cause"]["type"] != Value::Null);
    let accepted = chapters.iter().find(|chapter| chapter["kind"] == "accepted").unwrap();
    assert_ne!(accepted["status"], "pending_new");
    assert_eq!(story["doubts"], Value::Array(Vec::new()));

    let told = place.run(&format!("audit j {order}")).exits(0);
    let told = told.says("fat_finger").says("of 22 passed").says("cause     ").says("heard     ");
    assert!(!place.run(&format!("audit j {order} --brief")).exits(0).out.contains("fat_finger"));
    drop(told);
    place.run("audit j 999999").exits(1).says("no order has the number 999999");
    place.run("audit nowhere 1").exits(1);
    place.run("audit j x").exits(2);
}

#[test]
fn a_day_is_reported_as_tables_and_a_page() {
    let place = Place::new("report");
    let summary = short_demo(&place);
    let told = place.run("report j --to day").exits(0).says("messages counted");
    drop(told);
    let text = |name: &str| String::from_utf8(place.read(name)).unwrap();
    let lines = |name: &str| text(name).lines().count() as u64 - 1;
    let core = &summary["core"];
    assert_eq!(lines("day/orders.csv"), core["new_orders"].as_u64().unwrap());
    assert_eq!(lines("day/trades.csv"), core["fills"].as_u64().unwrap());
    let dumped = dump(&place.run("journal dump j --json --type refusal").exits(0));
    let refused = text("day/refusals.csv");
    let by_checks = refused.lines().filter(|line| line.contains(",check,")).count();
    assert_eq!(by_checks, dumped.len());
    let ratios = text("day/ratios.csv");
    let row: Vec<&str> = ratios.lines().nth(1).unwrap().split(',').collect();
    let messages: u64 = row[1].parse::<u64>().unwrap() + row[2].parse::<u64>().unwrap();
    let sent = ["new_orders", "replaces", "cancels"].map(|name| core[name].as_u64().unwrap());
    assert_eq!(messages, sent.iter().sum::<u64>(), "each message is counted or exempt");
    let page = text("day/report.html");
    assert!(page.contains("<h2>Orders (") && page.ends_with("</html>\n"));
    place.run("report j --to day").exits(1).says("cannot write");
    place.run("report nowhere").exits(1);
}
