//! Two users, and a core that notes what it is asked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytemuck::Zeroable;
use tezi_core::control::{Control, ControlError, Limit};
use tezi_model::{Instrument, InstrumentKind, Segment, Symbol, Token};

use super::link::{AskKind, CoreSeat, Told, control_link};
use super::thread::{ControlThread, Known, tell_replica};
use super::{ControlConfig, Door};
use crate::observer::ReplicaFigures;
use crate::replication::{ReplicaLink, ReplicaState};

const FIRST: u32 = 4_000_000_001;
const SECOND: u32 = 4_000_000_002;

/// Answers until `over`; what it was asked to do, and by whom.
fn answer(mut seat: CoreSeat, over: &AtomicBool) -> Vec<(Control, String)> {
    let mut done = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let Some(item) = seat.asks.pop() else {
            std::thread::yield_now();
            continue;
        };
        let mut told = Told::zeroed();
        match item.payload.kind() {
            Some(AskKind::Act) => {
                let (control, _, who, _) = item.payload.action().unwrap();
                done.push((control, String::from_utf8(who.to_vec()).unwrap()));
                told.sequence = done.len() as u64;
                if control == Control::Kill {
                    told.set_error(ControlError::Busy);
                }
            }
            _ => told.figures.limits = [100; Limit::ALL.len()],
        }
        seat.answers.try_push(told, item.tag).unwrap();
    }
    done
}

/// What a core is asked while a thread serves two users.
fn serve(dual: bool, ask: impl FnOnce(&mut ControlThread<'_>)) -> Vec<(Control, String)> {
    let (core, seat) = control_link().unwrap();
    let config = ControlConfig { dual, ..ControlConfig::new("nowhere") };
    let known = Known {
        instruments: &[],
        strategy: "none",
        parameters: "",
        members: &[],
        accounts: &[],
        replica: None,
    };
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let core = scope.spawn(|| answer(core, &over));
        ask(&mut ControlThread::new(seat, &config, known));
        over.store(true, Ordering::Relaxed);
        core.join().unwrap()
    })
}

#[test]
fn what_loosens_needs_the_same_of_two_users_within_a_minute() {
    let done = serve(true, |thread| {
        let more = "limit loss-max 200 why: more";
        assert!(thread.answer(more, FIRST).starts_with("wait "));
        assert!(thread.answer(more, FIRST).starts_with("wait "), "the same user is one user");
        let other = "limit loss-max 300 why: more";
        assert!(thread.answer(other, SECOND).starts_with("wait "), "not the same");
        assert!(thread.answer(other, FIRST).ends_with("ok\n"));
        // A second user comes too late.
        assert!(thread.answer("release why: calm", FIRST).starts_with("wait "));
        thread.age_waiting(Duration::from_secs(61));
        assert!(thread.answer("release why: calm", SECOND).starts_with("wait "));
        assert!(thread.answer("release why: calm", FIRST).ends_with("ok\n"));
        // What tightens needs one.
        assert!(thread.answer("limit loss-max 99 why: less", FIRST).ends_with("ok\n"));
        assert_eq!(
            thread.answer("kill why: now", FIRST),
            format!("error {}\n", ControlError::Busy)
        );
    });
    let both = format!("uid {FIRST} and uid {SECOND}");
    let limit = |value| Control::SetLimit { limit: Limit::Loss, value };
    let one = format!("uid {FIRST}");
    let expected = [
        (limit(300), both.clone()),
        (Control::Release, both),
        (limit(99), one.clone()),
        (Control::Kill, one),
    ];
    assert_eq!(done, expected);
}

#[test]
fn without_dual_control_one_user_does_everything_but_release_a_stop() {
    let done = serve(false, |thread| {
        assert!(thread.answer("limit loss-max 200 why: more", FIRST).ends_with("ok\n"));
        assert!(thread.answer("release why: calm", FIRST).starts_with("error a stop is released"));
    });
    assert_eq!(done.len(), 1);
}

#[test]
fn a_name_that_several_have_is_none() {
    let mut shares = [Segment::NseCm, Segment::BseCm].map(|it| Instrument::unknown(it, Token(7)));
    for share in &mut shares {
        (share.symbol, share.kind_code) = (Symbol::new("INFY"), InstrumentKind::Equity as u8);
    }
    let (_core, seat) = control_link().unwrap();
    let config = ControlConfig::new("nowhere");
    let known = Known {
        instruments: &shares,
        strategy: "none",
        parameters: "",
        members: &[],
        accounts: &[],
        replica: None,
    };
    let mut thread = ControlThread::new(seat, &config, known);
    let said = thread.answer("flatten infy eq why: which", FIRST);
    assert_eq!(said, "error several are called 'infy eq': say SEGMENT:TOKEN\n");
    let said = thread.answer("flatten tcs eq why: which", FIRST);
    assert!(said.starts_with("error no instrument is called 'tcs eq'"), "{said}");
}

#[test]
fn the_status_tells_how_the_follower_stands() {
    let state = ReplicaState::default();
    state.set_link(ReplicaLink::DurableOnly);
    let (lag, disk_lag, waited_ms, degradations) = (4, 9, 1_200, 2);
    let figures = ReplicaFigures { lag, disk_lag, waited_ms, degradations, ..Default::default() };
    state.board.store(&figures);
    let mut text = String::new();
    tell_replica(&mut text, &state);
    let expected = "replica durable-only\nreplica-lag 4\nreplica-disk-lag 9\nreplica-waited-ms 1200\n\
                    replica-degradations 2\n";
    assert_eq!(text, expected);
}

#[test]
fn a_core_that_is_gone_is_told() {
    let (core, seat) = control_link().unwrap();
    let config = ControlConfig::new("nowhere");
    let known = Known {
        instruments: &[],
        strategy: "none",
        parameters: "",
        members: &[],
        accounts: &[],
        replica: None,
    };
    let mut thread = ControlThread::new(seat, &config, known);
    drop(core);
    assert_eq!(thread.answer("status", FIRST), "error the session ends\n");
    assert!(Door::open(None).unwrap().is_none());
}
