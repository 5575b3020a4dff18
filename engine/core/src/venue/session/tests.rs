//! Tests of rules 2.1 to 2.5: timetables on both sides of their dates, what each phase takes, halts.

use super::*;
use crate::venue::breaker::BreakerIndex;
use tezi_testing::Random;

const SEED: u64 = 42;
const MINUTE: i64 = 60_000_000_000;

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn time(day: &str, clock: &str) -> Nanos {
    date(day).at(TimeOfDay::parse(clock).unwrap())
}

fn build(segment: Segment, class: SessionClass, day: &str) -> DaySession {
    let query = SessionQuery { segment, class, date: date(day), scheme_ex_date: false };
    let session = DaySession::new(&Rules::builtin().unwrap(), query, SEED).unwrap();
    assert!(session.is_consistent());
    session
}

/// `HH:MM phase` of every span; a random close stands as `~`.
fn table(session: &DaySession) -> Vec<String> {
    let line = |span: &PhaseSpan| {
        let random = matches!(span.phase, Phase::PreOpenMatch | Phase::ClosingMatch);
        let clock = TimeOfDay::of(span.start).to_string();
        format!("{} {}", if random { "~" } else { &clock[..5] }, span.phase)
    };
    session.spans().iter().map(line).collect()
}

/// The window that the start of a phase lies in, `[from, to)`.
fn starts_within(session: &DaySession, phase: Phase, day: &str, from: &str, to: &str) -> bool {
    let span = session.spans().iter().find(|span| span.phase == phase).unwrap();
    time(day, from) <= span.start && span.start < time(day, to)
}

#[test]
fn rule_2_2_cash_before_3_august_2026() {
    for class in [SessionClass::CasStock, SessionClass::Stock] {
        let day = "2026-07-31";
        let session = build(Segment::NseCm, class, day);
        let expected = [
            "09:00 pre_open_entry",
            "~ pre_open_match",
            "09:12 pre_open_buffer",
            "09:15 continuous",
            "15:30 recess",
            "15:40 post_close",
            "16:00 closed",
        ];
        assert_eq!(table(&session), expected);
        assert!(starts_within(&session, Phase::PreOpenMatch, day, "09:07", "09:08"));
    }
}

#[test]
fn rule_2_2_cash_from_3_august_to_6_september_2026() {
    let day = "2026-08-03";
    let session = build(Segment::NseCm, SessionClass::CasStock, day);
    let expected = [
        "09:00 pre_open_entry",
        "~ pre_open_match",
        "09:12 pre_open_buffer",
        "09:15 continuous",
        "15:15 closing_reference",
        "15:20 closing_entry",
        "15:25 closing_limit_only",
        "~ closing_match",
        "15:35 recess",
        "15:50 post_close",
        "16:00 closed",
    ];
    assert_eq!(table(&session), expected);
    assert!(starts_within(&session, Phase::ClosingMatch, day, "15:28", "15:30"));
    let other = table(&build(Segment::NseCm, SessionClass::Stock, day));
    assert_eq!(
        other[3..],
        ["09:15 continuous", "15:30 recess", "15:50 post_close", "16:00 closed"]
    );
}

#[test]
fn rule_2_2_and_2_3_pre_open_from_7_september_2026() {
    let expected = [
        "09:00 pre_open_entry",
        "09:05 pre_open_limit_only",
        "~ pre_open_match",
        "09:12 pre_open_buffer",
        "09:15 continuous",
    ];
    for (segment, class) in [
        (Segment::NseCm, SessionClass::CasStock),
        (Segment::BseCm, SessionClass::Stock),
        (Segment::NseFo, SessionClass::FutureNear),
    ] {
        // 4 September is the last trading day of the old timetable.
        let before = build(segment, class, "2026-09-04");
        assert_eq!(table(&before)[..2], ["09:00 pre_open_entry", "~ pre_open_match"]);
        let day = "2026-09-07";
        let after = build(segment, class, day);
        assert_eq!(table(&after)[..5], expected);
        assert!(starts_within(&after, Phase::PreOpenMatch, day, "09:08", "09:10"));
    }
}

#[test]
fn rule_2_2_futures_and_options_close_at_15_40_from_3_august_2026() {
    for segment in [Segment::NseFo, Segment::BseFo] {
        for (day, end) in [("2026-07-31", "15:30"), ("2026-08-03", "15:40")] {
            let session = build(segment, SessionClass::Option, day);
            let expected = ["09:15 continuous".to_string(), format!("{end} closed")];
            assert_eq!(table(&session), expected);
            let last = time(day, end).plus(-1);
            assert_eq!(session.phase_at(last), Phase::Continuous);
            assert_eq!(session.next_change(last), Some(time(day, end)));
            assert_eq!(session.phase_at(time(day, end)), Phase::Closed);
            assert_eq!(session.next_change(time(day, end)), None);
        }
    }
}

#[test]
fn rule_2_3_futures_have_a_pre_open_from_8_december_2025() {
    let first = |class, day| build(Segment::NseFo, class, day).spans()[0].phase;
    let has = |class, day| first(class, day) == Phase::PreOpenEntry;
    assert!(!has(SessionClass::FutureNear, "2025-12-05"));
    assert!(has(SessionClass::FutureNear, "2025-12-08"));
    for class in [SessionClass::FutureFar, SessionClass::Option, SessionClass::Spread] {
        assert!(!has(class, "2025-12-08"));
    }
    // The near future expires on 29 September: the last five trading days begin on the 23rd.
    let next = SessionClass::FutureNext { near_expiry: date("2026-09-29") };
    assert!(!has(next, "2026-09-22"));
    assert!(has(next, "2026-09-23"));
    assert!(has(next, "2026-09-29"));
    assert!(!has(next, "2026-09-30"));
    let query = SessionQuery {
        segment: Segment::NseFo,
        class: SessionClass::FutureNear,
        date: date("2026-09-23"),
        scheme_ex_date: true,
    };
    let session = DaySession::new(&Rules::builtin().unwrap(), query, SEED).unwrap();
    assert_eq!(session.spans()[0].phase, Phase::Continuous);
}

#[test]
fn rule_2_3_new_listings_have_an_hour_of_pre_open() {
    let day = "2026-11-20";
    let session = build(Segment::NseCm, SessionClass::NewListing, day);
    let expected =
        ["09:00 pre_open_entry", "~ pre_open_match", "09:55 pre_open_buffer", "10:00 continuous"];
    assert_eq!(table(&session)[..4], expected);
    assert!(starts_within(&session, Phase::PreOpenMatch, day, "09:35", "09:45"));
}

#[test]
fn rule_2_8_closed_days_have_no_phase_and_special_days_need_their_hours() {
    for day in ["2026-11-21", "2026-11-24"] {
        let session = build(Segment::NseCm, SessionClass::CasStock, day);
        assert_eq!(session.phase_at(time(day, "11:00")), Phase::Closed);
        assert_eq!(session.next_change(time(day, "00:00")), None);
    }
    assert_eq!(table(&build(Segment::NseFo, SessionClass::Option, "2026-02-01")).len(), 2);
    let query = SessionQuery {
        segment: Segment::NseCm,
        class: SessionClass::CasStock,
        date: date("2026-11-08"),
        scheme_ex_date: false,
    };
    let missing = DaySession::new(&Rules::builtin().unwrap(), query, SEED).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "no row of `session.continuous` holds for special/NSE/cm/cas on 2026-11-08"
    );
    // The values are this test's own.
    let overlay = "key,scope,value,effective_from,effective_to,source,confidence,note\n\
                   session.continuous,special/NSE/cm,18:00-19:00,,,test,L,\n";
    let rules = Rules::with_overlays(&[("muhurat.csv", overlay)]).unwrap();
    let session = DaySession::new(&rules, query, SEED).unwrap();
    assert_eq!(table(&session), ["18:00 continuous", "19:00 closed"]);
}

#[test]
fn queries_that_make_no_sense_are_refused_by_name() {
    let rules = Rules::builtin().unwrap();
    let ask = |rules: &Rules, segment, class| {
        let query =
            SessionQuery { segment, class, date: date("2026-11-20"), scheme_ex_date: false };
        DaySession::new(rules, query, SEED).map(|_| ())
    };
    assert_eq!(ask(&rules, Segment::NseCm, SessionClass::Option), Err(SessionError::Class));
    assert_eq!(ask(&rules, Segment::NseFo, SessionClass::Stock), Err(SessionError::Class));
    let currency = ask(&rules, Segment::NseCd, SessionClass::Option);
    assert_eq!(currency, Err(SessionError::Segment(Segment::NseCd)));
    let overlay = "key,scope,value,effective_from,effective_to,source,confidence,note\n\
                   session.continuous,NSE/cm,09:00-15:30,2026-11-20,2026-11-20,test,L,\n";
    let early = Rules::with_overlays(&[("early.csv", overlay)]).unwrap();
    let order = ask(&early, Segment::NseCm, SessionClass::Stock);
    assert_eq!(order, Err(SessionError::Order(Phase::Continuous)));
}

#[test]
fn phases_and_changes_agree_with_a_walk_over_the_spans() {
    let session = build(Segment::NseCm, SessionClass::CasStock, "2026-09-07");
    let mut random = Random(1);
    for _ in 0..20_000 {
        let now = time("2026-09-07", "08:30").plus(random.below(480 * MINUTE as u64) as i64);
        let phase = session.spans().iter().rev().find(|span| span.start <= now);
        assert_eq!(session.phase_at(now), phase.map_or(Phase::Closed, |span| span.phase));
        let next = session.spans().iter().find(|span| span.start > now);
        assert_eq!(session.next_change(now), next.map(|span| span.start));
    }
}

use OrderType::{Limit, Market, StopLimit, StopMarket};
use SessionRefusal as No;

/// What a session says to a plain new order of each type, in the order limit, market, SL, SL-M.
fn new_orders(session: &DaySession, now: Nanos) -> [Option<No>; 4] {
    [Limit, Market, StopLimit, StopMarket]
        .map(|kind| session.check(now, OrderAction::New(OrderTerms::plain(kind))).err())
}

#[test]
fn rules_2_1_to_2_4_what_each_phase_takes() {
    let day = "2026-09-07";
    let session = build(Segment::NseCm, SessionClass::CasStock, day);
    let no_stops = [None, None, Some(No::StopLossNotAllowed), Some(No::StopLossNotAllowed)];
    let limit_only = [None, Some(No::MarketOrderNotAllowed), no_stops[2], no_stops[3]];
    for (clock, expected) in [
        ("08:59", [Some(No::MarketClosed); 4]),
        ("09:00", no_stops),
        ("09:05", limit_only),
        ("09:11", [Some(No::AuctionMatching); 4]),
        ("09:12", [Some(No::MarketClosed); 4]),
        ("09:15", [None; 4]),
        ("15:15", [Some(No::MarketClosed); 4]),
        ("15:20", no_stops),
        ("15:25", limit_only),
        ("15:30", [Some(No::AuctionMatching); 4]),
        ("15:35", [Some(No::MarketClosed); 4]),
        ("15:50", [Some(No::LimitOrderNotAllowed), None, no_stops[2], no_stops[3]]),
        ("16:00", [Some(No::MarketClosed); 4]),
    ] {
        assert_eq!(new_orders(&session, time(day, clock)), expected, "{clock}");
    }
    assert_eq!(No::MarketOrderNotAllowed.to_string(), "Market orders are currently not allowed.");
}

#[test]
fn rules_2_3_and_2_4_market_orders_are_frozen_while_only_limits_are_taken() {
    let day = "2026-09-07";
    let session = build(Segment::NseCm, SessionClass::CasStock, day);
    for (clock, frozen) in [("09:04", false), ("09:05", true), ("15:24", false), ("15:25", true)] {
        let now = time(day, clock);
        let terms = OrderTerms::plain(Limit);
        let expected = if frozen { Err(No::MarketOrderFrozen) } else { Ok(()) };
        let cancel = OrderAction::Cancel { resting: Market };
        let modify = OrderAction::Modify { resting: Market, terms };
        assert_eq!(session.check(now, cancel), expected, "{clock}");
        assert_eq!(session.check(now, modify), expected, "{clock}");
        assert_eq!(session.check(now, OrderAction::Cancel { resting: Limit }), Ok(()));
        assert_eq!(session.check(now, OrderAction::Modify { resting: Limit, terms }), Ok(()));
    }
}

#[test]
fn rule_2_1_immediate_or_cancel_and_disclosed_quantity() {
    let day = "2026-11-20";
    let cash = build(Segment::NseCm, SessionClass::CasStock, day);
    let future = build(Segment::NseFo, SessionClass::FutureNear, day);
    let ask = |session: &DaySession, clock, ioc, disclosed| {
        let terms = OrderTerms { order_type: Limit, immediate_or_cancel: ioc, disclosed };
        session.check(time(day, clock), OrderAction::New(terms)).err()
    };
    assert_eq!(ask(&cash, "10:00", true, false), None);
    assert_eq!(ask(&cash, "10:00", false, true), None);
    assert_eq!(ask(&cash, "10:00", true, true), Some(No::DisclosedImmediateOrCancel));
    assert_eq!(ask(&future, "10:00", true, false), None);
    assert_eq!(ask(&future, "10:00", false, true), Some(No::DisclosedQuantityNotAllowed));
    for clock in ["09:01", "15:21"] {
        assert_eq!(ask(&cash, clock, true, false), Some(No::ImmediateOrCancelNotAllowed));
        assert_eq!(ask(&cash, clock, false, true), Some(No::DisclosedQuantityNotAllowed));
    }
}

#[test]
fn rule_1_7_no_stop_loss_market_orders_in_options_since_27_september_2021() {
    let ask = |class, day| new_orders(&build(Segment::NseFo, class, day), time(day, "10:00"));
    assert_eq!(ask(SessionClass::Option, "2021-09-24"), [None; 4]);
    let refused = [None, None, None, Some(No::StopMarketNotAllowed)];
    assert_eq!(ask(SessionClass::Option, "2021-09-27"), refused);
    assert_eq!(ask(SessionClass::FutureNear, "2026-11-20"), [None; 4]);
}

#[test]
fn every_phase_answers_every_request_and_names_what_begins() {
    let rules =
        OrderRules { stop_limit: true, stop_market: true, disclosed: true, post_close_limit: true };
    for phase in Phase::ALL {
        for order_type in [Limit, Market, StopLimit, StopMarket] {
            for flags in 0..4 {
                let terms = OrderTerms {
                    order_type,
                    immediate_or_cancel: flags & 1 != 0,
                    disclosed: flags & 2 != 0,
                };
                let new = phase.check(rules, OrderAction::New(terms));
                let modify = phase.check(rules, OrderAction::Modify { resting: Limit, terms });
                assert_eq!(new, modify, "a limit order may become what may be entered");
                // What may be entered may be cancelled.
                let cancel = phase.check(rules, OrderAction::Cancel { resting: order_type });
                assert!(new.is_err() || cancel.is_ok(), "{phase}");
            }
        }
    }
    assert_eq!(Phase::PreOpenMatch.task(), PhaseTask::RunAuction);
    assert_eq!(Phase::ClosingReference.task(), PhaseTask::CancelStops);
    assert_eq!(Phase::Continuous.task(), PhaseTask::CarryOver);
    assert_eq!(Phase::Recess.task(), PhaseTask::CancelAll);
}

fn halt(day: &str, from: &str, minutes: Option<i64>) -> Halt {
    let from = time(day, from);
    let reopen = minutes.map(|minutes| {
        let halt_end = from.plus(minutes * MINUTE);
        Reopening { halt_end, auction_end: halt_end.plus(15 * MINUTE) }
    });
    Halt { level: 1, index: BreakerIndex::Nifty50, from, reopen }
}

#[test]
fn rule_1_9_a_halt_cuts_into_the_day_and_an_auction_opens_it_again() {
    let day = "2026-09-07";
    let mut cash = build(Segment::NseCm, SessionClass::CasStock, day);
    cash.apply_halt(halt(day, "11:00", Some(45))).unwrap();
    assert!(cash.is_consistent());
    let expected = [
        "09:15 continuous",
        "11:00 halted",
        "11:45 pre_open_entry",
        "11:50 pre_open_limit_only",
        "~ pre_open_match",
        "11:57 pre_open_buffer",
        "12:00 continuous",
        "15:15 closing_reference",
    ];
    assert_eq!(table(&cash)[4..12], expected);
    let match_start = cash.spans()[8].start;
    assert!(time(day, "11:53") <= match_start && match_start < time(day, "11:55"));
    let mut option = build(Segment::NseFo, SessionClass::Option, day);
    option.apply_halt(halt(day, "11:00", Some(45))).unwrap();
    let expected = ["09:15 continuous", "11:00 halted", "12:00 continuous", "15:40 closed"];
    assert_eq!(table(&option), expected);
    let cancel = OrderAction::Cancel { resting: Limit };
    assert_eq!(option.check(time(day, "11:30"), cancel), Ok(()));
    assert_eq!(new_orders(&option, time(day, "11:30")), [Some(No::MarketHalted); 4]);
    // A second halt of the day cuts into what the first left.
    option.apply_halt(halt(day, "13:30", Some(45))).unwrap();
    assert_eq!(
        table(&option)[2..],
        ["12:00 continuous", "13:30 halted", "14:30 continuous", "15:40 closed"]
    );
}

#[test]
fn rules_1_9_and_2_4_a_halt_to_the_close_ends_the_day_without_closing_auction() {
    let day = "2026-09-07";
    for stop in [halt(day, "14:10", None), halt(day, "14:50", Some(15))] {
        let mut cash = build(Segment::NseCm, SessionClass::CasStock, day);
        cash.apply_halt(stop).unwrap();
        let expected = if stop.reopen.is_none() { "14:10 closed" } else { "14:50 closed" };
        assert_eq!(table(&cash)[5..], [expected]);
        assert_eq!(cash.next_change(stop.from), None);
    }
}

#[test]
fn random_halts_keep_the_timetable_in_order_and_within_its_bound() {
    for seed in 0..500 {
        let mut random = Random(seed);
        let mut session = build(Segment::NseCm, SessionClass::CasStock, "2026-09-07");
        for number in 1..6 {
            let minutes = (random.below(8) > 0).then(|| random.below(120) as i64);
            let clock = TimeOfDay::new(8 + random.below(9) as u32, random.below(60) as u32, 0);
            let clock = clock.unwrap().to_string();
            let applied = session.apply_halt(halt("2026-09-07", &clock, minutes));
            assert_eq!(applied.is_ok(), number <= 3, "seed {seed}");
            assert!(session.is_consistent(), "seed {seed}");
            assert_eq!((session.spans.capacity(), session.scratch.capacity()), (31, 31));
        }
    }
}
