//! Actions, their records and the limits by name.

use super::*;
use crate::config::RiskLimits;
use crate::risk::GuardLimits;

fn every_kind() -> Vec<Control> {
    let id = InstrumentId(7);
    let mut all = vec![
        Control::Pause,
        Control::Resume,
        Control::CancelAll { instrument: None },
        Control::CancelAll { instrument: Some(id) },
        Control::Flatten { instrument: None, through_bps: 50 },
        Control::Flatten { instrument: Some(InstrumentId(0)), through_bps: 0 },
        Control::FlattenStrategy { strategy: StrategyId(64), through_bps: 10_000 },
        Control::Kill,
        Control::KillUser,
        Control::Release,
        Control::PriceRange { instrument: id, low: Px(5), high: Px(9) },
    ];
    let restrictions = (0..5).filter_map(Restriction::from_code);
    all.extend(restrictions.map(|restriction| Control::Restrict { instrument: id, restriction }));
    all.extend(Limit::ALL.iter().map(|&limit| Control::SetLimit { limit, value: 77 }));
    all.extend(of_accounts());
    all
}

fn of_accounts() -> Vec<Control> {
    let account = AccountId(64);
    let definition = AccountDefinition::parse("own=pro,pan:ABCDE1234F").unwrap();
    vec![
        Control::DeclareAccount { account, definition },
        Control::AssignAccount { strategy: StrategyId::NONE, account },
        Control::AssignAccount { strategy: StrategyId(63), account: AccountId(1) },
        Control::SetAccountLimit { account, limit: Limit::OrderValue, value: i64::MAX >> 1 },
        Control::PauseAccount { account },
        Control::ResumeAccount { account },
        Control::CancelAccount { account },
        Control::FlattenAccount { account, through_bps: 10_000 },
        Control::KillAccount { account },
        Control::ReleaseAccount { account },
        Control::RestrictAccount { account, restriction: Restriction::NoBuys },
    ]
}

#[test]
fn every_action_comes_back_from_its_record() {
    for control in every_kind() {
        let record = ControlRecord::from(&control);
        assert_eq!(record.control(control.text()), Some(control), "{control:?}");
        assert_eq!(ControlRecord::kind_name(record.kind_code), Some(control.name()));
    }
    let record = ControlRecord::from(&Control::Kill);
    for unknown in [0, 10, 999] {
        assert_eq!(ControlRecord { kind_code: unknown, ..record }.control(""), None);
    }
    for (kind_code, detail) in [(7, 10), (8, 5), (8, 256)] {
        assert_eq!(ControlRecord { kind_code, detail, ..record }.control(""), None);
    }
    assert_eq!(ControlRecord { kind_code: 4, first: -1, ..record }.control(""), None);
    // What declares no account, a number that no account has, a restriction that there is not.
    for (kind_code, second, detail) in [(15, 1 << 8, 0), (22, 1 << 16, 0), (24, 1 << 8, 5)] {
        let record = ControlRecord { kind_code, second, detail, ..record };
        assert_eq!(record.control("own"), None);
    }
}

#[test]
fn a_limit_is_set_by_name_and_read_back() {
    for &limit in Limit::ALL {
        assert_eq!(Limit::from_name(limit.name()), Some(limit));
        assert_eq!(Limit::from_code(limit as u16), Some(limit));
        let (mut risk, mut guards) = (RiskLimits::default(), GuardLimits::default());
        let untouched = |risk: &RiskLimits, guards: &GuardLimits| -> Vec<i64> {
            let others = Limit::ALL.iter().filter(|it| **it != limit);
            others.map(|it| it.get(risk, guards)).collect()
        };
        let before = untouched(&risk, &guards);
        assert_eq!(limit.set(&mut risk, &mut guards, 1), Ok(()));
        assert_eq!((limit.get(&risk, &guards), untouched(&risk, &guards)), (1, before));
        for value in [-1, i64::MAX] {
            let error = limit.set(&mut risk, &mut guards, value);
            assert_eq!(error, Err(ControlError::Value { limit, value }));
            assert_eq!(limit.get(&risk, &guards), 1, "an error changes nothing");
        }
    }
    assert!(Limit::ALL.is_sorted());
    let text = ControlError::Value { limit: Limit::OpenOrders, value: -1 }.to_string();
    assert_eq!(text, "open-orders-max cannot be -1: it is a count, from 0 (off) to 4294967295");
}

#[test]
fn looser_is_higher_or_off() {
    let story = [
        (Limit::Loss, 10, 11, true),
        (Limit::Loss, 10, 0, true),
        (Limit::Loss, 10, 9, false),
        (Limit::Loss, 0, 9, false),
        (Limit::TradeOnStale, 0, 1, true),
        (Limit::TradeOnStale, 1, 0, false),
        (Limit::DuplicateWindow, 10, 5, true),
        (Limit::DuplicateWindow, 5, 10, false),
    ];
    for (limit, from, to, looser) in story {
        assert_eq!(limit.is_looser(from, to), looser, "{} {from} -> {to}", limit.name());
    }
}
