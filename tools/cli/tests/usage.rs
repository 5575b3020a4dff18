//! Help that teaches, wrong usage that is refused, and exit codes.

mod common;

use common::Place;

#[test]
fn help_names_every_flag_with_examples_and_exit_codes() {
    let place = Place::new("help");
    let cases: [(&str, &[&str]); 11] = [
        ("--help", &["demo", "replay", "journal", "margin", "var", "doctor", "--version"]),
        (
            "margin --help",
            &["--bhavcopy", "--what-if", "--scenarios", "--daily-vol", "--rate", "--json", "--csv"],
        ),
        (
            "var --help",
            &[
                "--actions",
                "--confidence",
                "--quantile",
                "--lambda",
                "--draws",
                "--seed",
                "--window",
            ],
        ),
        (
            "demo --help",
            &[
                "--seed",
                "--seconds",
                "--rate",
                "--speed",
                "--loss",
                "--duplicate",
                "--reorder",
                "--lag-us",
                "--lose-both",
                "--no-recovery",
                "--no-snapshot",
                "--save-pcap",
                "--journal",
                "--no-journal",
                "--strategy",
                "--set",
                "--pin",
                "--no-pin",
                "--json",
                "--decoded-csv",
                "--book-csv",
                "--order-value-max",
                "--open-order-value-max",
                "--loss-max",
                "--position-max",
                "--open-orders-max",
                "--messages-per-second-max",
                "--fat-finger-bps",
                "--trade-on-stale",
                "--order-latency-us",
                "--report-latency-us",
                "Ctrl-C",
            ],
        ),
        (
            "replay --help",
            &[
                "--speed",
                "--segment",
                "--a ",
                "--b ",
                "--contracts",
                "--tick",
                "--lot",
                "--strategy",
                "--set",
                "--journal",
                "--no-journal",
                "--decoded-csv",
                "--book-csv",
                "--json",
                "--pin",
                "--no-pin",
                "--loss-max",
                "--margin-available",
                "--risk-rate",
                "1x",
            ],
        ),
        (
            "host --help",
            &[
                "--a ",
                "--router",
                "--box",
                "--member",
                "--user",
                "--password-env",
                "--encryption",
                "--tls-ca",
                "--unknown-orders",
                "--resume",
                "--orders-wait",
                "--replicate-to",
                "--replica-lost",
                "--replica-lost-after-ms",
                "--stop-timeout",
                "--interface",
                "--contracts",
                "--strategy",
                "--loss-max",
                "Ctrl-C",
            ],
        ),
        (
            "follow --help",
            &["--listen", "--journal", "--journal-mode", "--until-end", "--json", "Ctrl-C"],
        ),
        ("doctor --help", &["--core", "--seconds", "--json", "--plot"]),
        ("journal --help", &["verify", "replay", "dump"]),
        ("journal replay --help", &["--recorded", "--json"]),
        ("journal dump --help", &["--json", "--from", "--count", "--type", "fill"]),
    ];
    for (line, flags) in cases {
        let mut ran = place.run(line).exits(0).says("Examples:").says("Exit codes:");
        for flag in flags {
            ran = ran.says(flag);
        }
        assert!(ran.err.is_empty());
    }
    place.run("journal verify -h").exits(0).says("Examples:");
    place.run("--version").exits(0).says(env!("CARGO_PKG_VERSION"));
}

#[test]
fn wrong_usage_exits_with_2_says_what_and_leaves_nothing_behind() {
    let place = Place::new("usage");
    place.write("x.pcap", &common::capture(&[]));
    let cases = [
        ("demo --frob", "--frob"),
        ("frob", "frob"),
        ("demo extra", "extra"),
        ("demo --loss 2.0", "from 0 to 1"),
        ("demo --reorder nan", "from 0 to 1"),
        ("demo --seconds 0", "from 0.01"),
        ("demo --rate -5", "-5"),
        ("demo --seconds 80000", "10,000,000 messages"),
        ("demo --loss-max -1", "-1"),
        ("demo --margin-available 100000", "--contracts"),
        ("demo --risk-rate 5.25", "a fraction, as 0.0525"),
        ("demo --daily-vol NIFTY", "NIFTY=0.0121"),
        ("demo --risk-date tomorrow", "2026-11-24"),
        ("demo --pin 1", "as in 2,3"),
        ("demo --pin 0,99999", "as in 2,3"),
        ("demo --pin 0,1 --no-pin", "cannot be used with"),
        ("demo --journal j --no-journal", "cannot be used with"),
        ("demo --strategy frob", "option-quoter"),
        ("demo --set frob=1", "frob"),
        ("demo --set vol", "vol is not key=value"),
        ("demo --strategy watch --set vol=0.2", "watch has no parameters"),
        ("demo --strategy twap --set side=buy", "twap needs instrument="),
        ("demo --strategy vwap --set instrument=NIFTY --set side=buy --set quantity=65", "curve="),
        ("demo --strategy pov --set rate_bps=0", "a positive whole number"),
        ("demo --strategy iceberg --set rate_bps=5", "iceberg has no parameter rate_bps"),
        ("demo --save-pcap y --book-csv ./y", "named twice"),
        ("replay", "<FILE>"),
        ("replay x.pcap --speed 10", "1x, 10x"),
        ("replay x.pcap --speed 0x", "1x, 10x"),
        ("replay x.pcap --segment frob", "possible values"),
        ("replay x.pcap --snapshot-a 239.0.0.1:5", "--a"),
        ("replay x.pcap --b 239.0.0.1:5", "--a"),
        ("replay x.pcap --a 239.0.0.1 --b 239.0.0.2:5", "as in"),
        ("replay x.pcap --a 239.0.0.1:5 --b 239.0.0.1:5", "both 239.0.0.1:5"),
        ("replay x.pcap --tick 0.05", "--contracts"),
        ("replay x.pcap --decoded-csv x.pcap", "would be overwritten"),
        ("host --router 127.0.0.1:1", "--box"),
        ("host --a 239.0.0.1:5 --router 127.0.0.1:1 --box 0 --member 1 --user 1", "--box"),
        (
            "host --a 239.0.0.1:5 --router 127.0.0.1:1 --box 1 --member 1 --user 1",
            "TEZI_PASSWORD must hold",
        ),
        (
            "host --router 127.0.0.1:1 --box 1 --member 1 --user 1 --password-env PATH",
            "--a GROUP:PORT",
        ),
        (
            "host --a 239.0.0.1:5 --router 127.0.0.1:1 --box 1 --member 1 --user 1 --orders-wait replicated",
            "--replicate-to",
        ),
        ("follow --journal j", "--listen"),
        ("follow --listen 7411 --journal j", "as in 10.0.0.2:7411"),
        ("doctor --seconds 0 --plot x.svg", "--seconds 0 makes none"),
        ("doctor --core 1024", "--core"),
        ("feed x.pcap --interface lo", "cannot be used with"),
        ("journal", "Commands:"),
        ("journal dump", "<PATH>"),
        ("journal dump j --type frob", "possible values"),
        ("journal dump j --count many", "many"),
    ];
    for (line, says) in cases {
        let ran = place.run(line).exits(2).says(says);
        assert!(ran.out.is_empty(), "{line}: {}", ran.out);
    }
    assert_eq!(place.read("x.pcap"), common::capture(&[]));
    assert!(!place.path("journals").exists() && !place.path("j").exists());
}

#[test]
fn what_cannot_be_opened_is_named_and_exits_with_1() {
    let place = Place::new("missing");
    std::fs::create_dir(place.path("empty")).unwrap();
    place.write("text", b"not a journal, nor a capture");
    let cases = [
        ("replay no-such.pcap", "cannot open no-such.pcap"),
        ("replay text", "text: not a pcap file: it begins with 6e 6f 74 20"),
        ("replay text --contracts no-such.csv", "cannot read contracts no-such.csv"),
        ("replay text --contracts text", "text"),
        ("journal verify no-such", "cannot open journal no-such"),
        ("journal replay no-such", "cannot open journal no-such"),
        ("journal dump no-such", "cannot open journal no-such"),
        ("journal verify empty", "no journal segment (00000000.tzj) in empty"),
        ("journal dump text", "text"),
    ];
    for (line, says) in cases {
        place.run(line).exits(1).says(says);
    }
    assert!(!place.path("journals").exists(), "a session that did not start leaves no journal");
}
