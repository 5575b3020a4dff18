//! The core's half of the control plane: journal, act, answer.

use bytemuck::Zeroable;
use tezi_core::Core;
use tezi_core::control::{Control, Limit};
use tezi_core::oms::OrderSessionState;
use tezi_core::pricing::PricingKernel;
use tezi_core::strategy::Strategy;
use tezi_journal::{JournalError, JournalStats};
use tezi_model::{InstrumentId, Money, Nanos, Px, RejectReason};

use super::link::{Ask, AskKind, Figures, HELD_MAX, Held, LOOK_MAX, STANDINGS_MAX, Standing, Told};
use crate::core_loop::CoreLoop;
use crate::orders::CommandOrigin;

impl<S: Strategy, K: PricingKernel> CoreLoop<'_, S, K> {
    /// Takes one request of operators; whether there was one. Without operators it is one comparison,
    /// with them a load.
    #[inline]
    pub(crate) fn take_control(&mut self) -> Result<bool, JournalError> {
        match &self.control {
            Some(seat) if !seat.is_empty() => self.on_ask(),
            _ => Ok(false),
        }
    }

    #[cold]
    fn on_ask(&mut self) -> Result<bool, JournalError> {
        let Some(item) = self.control.as_mut().and_then(|seat| seat.asks.pop()) else {
            return Ok(false);
        };
        let (ask, mut told) = (item.payload, Told::zeroed());
        match ask.kind() {
            Some(AskKind::Act) => self.act(&ask, &mut told)?,
            Some(AskKind::Status) => {
                told.figures = figures(&self.core, self.recorder.stats().as_ref());
            }
            Some(AskKind::Strategies) => strategies(&self.core, ask.from as usize, &mut told),
            Some(AskKind::Accounts) => accounts(&self.core, ask.from as usize, &mut told),
            Some(AskKind::Positions) => positions(&self.core, ask.from, &mut told),
            Some(AskKind::Find) => {
                let token = tezi_model::Token(ask.token);
                let id = ask.segment().and_then(|it| self.core.instruments().find(it, token));
                told.found = id.map_or(0, |id| id.0 + 1);
            }
            Some(AskKind::Rotate) => {
                let now = self.now();
                self.recorder.rotate(now)?;
                told.sequence = self.recorder.stats().map_or(0, |stats| stats.sequence_last);
            }
            None => {}
        }
        if let Some(seat) = &mut self.control {
            // One answer for each question, and as much room for them: it is never full while the
            // thread waits, and one that has given up needs none.
            let _ = seat.answers.try_push(told, item.tag);
        }
        Ok(true)
    }

    fn act(&mut self, ask: &Ask, told: &mut Told) -> Result<(), JournalError> {
        let Some((control, uid, who, why)) = ask.action() else { return Ok(()) };
        let now = self.now();
        told.sequence = self.recorder.control(now, &control, uid, who, why)?;
        told.figures.time = now.0;
        let result = self.core.on_control(now, &control);
        if let Some(watch) = &mut self.watch {
            watch.on_control(now, &control, told.sequence);
        }
        if control == Control::KillUser {
            // Before the cancels: one message that takes them all must not wait for a hundred.
            let origin = CommandOrigin { sequence: told.sequence, ..CommandOrigin::default() };
            self.orders.kill_user(origin, self.clock);
        }
        self.drain(now)?;
        if let Err(error) = result {
            told.set_error(error);
        }
        Ok(())
    }
}

fn paise(money: Money) -> i64 {
    i64::try_from(money.0 / i128::from(Px::PAISA)).unwrap_or(i64::MAX)
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn figures<S: Strategy, K: PricingKernel>(
    core: &Core<S, K>,
    journal: Option<&JournalStats>,
) -> Figures {
    let (counters, orders, work) = (core.counters(), core.orders(), core.operator_work());
    let (drawdown, minute_loss) = core.losses();
    let used = core.collateral().unwrap_or_default();
    Figures {
        time: core.now().0,
        exchange_time: core.exchange_time().0,
        stopped: core.stopped().map_or(0, |reason: RejectReason| i64::from(reason as u16)),
        paused: core.is_paused().into(),
        sweeps: work.sweeps as i64,
        flattening: work.is_flattening.into(),
        session: match core.session() {
            None => 0,
            Some(OrderSessionState::Down) => 1,
            Some(_) => 2,
        },
        profit: paise(core.profit()),
        drawdown: paise(drawdown),
        minute_loss: paise(minute_loss),
        valued: core.collateral().is_some().into(),
        margin: paise(used.margin.total()),
        margin_worst: paise(used.worst.total()),
        premium: paise(used.premium),
        reducing: used.is_reducing.into(),
        open_orders: orders.open_count() as i64,
        open_value: paise(orders.open_value()),
        in_flight: orders.in_flight().into(),
        instruments: core.instruments().len() as i64,
        events: count(counters.events),
        new_orders: count(counters.new_orders),
        replaces: count(counters.replaces),
        cancels: count(counters.cancels),
        fills: count(counters.fills),
        refusals: count(core.refusals().map(|(_, count)| count).sum()),
        messages_peak: core.messages_peak().into(),
        controls: count(core.controls()),
        journal_records: journal.map_or(0, |stats| count(stats.sequence_last)),
        journal_segments: journal.map_or(0, |stats| i64::from(stats.segments)),
        limits: std::array::from_fn(|place| core.limit(Limit::ALL[place])),
    }
}

/// Positions of the next instruments that have one or had trades, from one on.
fn positions<S: Strategy, K: PricingKernel>(core: &Core<S, K>, from: u32, told: &mut Told) {
    let end = core.instruments().len() as u32;
    let mut index = from;
    while index < end && index - from < LOOK_MAX && (told.count as usize) < HELD_MAX {
        let id = InstrumentId(index);
        let position = core.positions().get(id);
        index += 1;
        if let Some(state) = core.instruments().get(id)
            && (position.net != 0 || position.bought + position.sold > 0)
        {
            told.held[told.count as usize] = Held {
                definition: state.definition,
                net: position.net,
                average: position.average_price().map_or(0, |price| price.0),
                realised: paise(position.realised),
                unrealised: paise(position.unrealised()),
            };
            told.count += 1;
        }
    }
    told.next = if index < end { index } else { 0 };
}

/// How the next strategies stand, from one on.
fn strategies<S: Strategy, K: PricingKernel>(core: &Core<S, K>, from: usize, told: &mut Told) {
    let next = core.strategies().skip(from).take(STANDINGS_MAX);
    for (place, view) in told.standings.iter_mut().zip(next) {
        let (counts, limits) = (view.counts, view.limits);
        *place = Standing {
            stopped: view.stopped.map_or(0, |cause| i64::from(cause as u8)),
            asleep: view.is_asleep.into(),
            profit: paise(view.positions.profit()),
            open_orders: view.open_orders.into(),
            new_orders: count(counts.new_orders),
            fills: count(counts.fills),
            refusals: count(counts.refusals),
            limits: [limits.loss_max, limits.position_max, limits.open_orders_max.into(), 0, 0],
            ..Standing::zeroed()
        };
        told.count += 1;
    }
}

/// How the next accounts stand, from one on.
fn accounts<S: Strategy, K: PricingKernel>(core: &Core<S, K>, from: usize, told: &mut Told) {
    let next = core.accounts().skip(from).take(STANDINGS_MAX);
    for (place, view) in told.standings.iter_mut().zip(next) {
        let (counts, limits) = (view.counts, view.limits);
        *place = Standing {
            stopped: view.stopped.map_or(0, |cause| i64::from(cause as u8)),
            asleep: 0,
            paused: view.is_paused.into(),
            restriction: i64::from(view.restriction as u8),
            open_value: paise(view.open_value),
            profit: paise(view.positions.profit()),
            open_orders: view.open_orders.into(),
            new_orders: count(counts.new_orders),
            fills: count(counts.fills),
            refusals: count(counts.refusals),
            limits: [
                limits.loss_max,
                limits.position_max,
                limits.open_orders_max.into(),
                limits.order_value_max,
                limits.open_order_value_max,
            ],
        };
        told.count += 1;
    }
}

/// The time of a moment in India, for people.
pub(super) fn wall_clock(time: Nanos) -> String {
    const DAY: i64 = 86_400_000_000_000;
    let of_day = time.plus(tezi_model::IST_OFFSET_NS).0.rem_euclid(DAY);
    let (seconds, ns) = (of_day / 1_000_000_000, of_day % 1_000_000_000);
    format!("{:02}:{:02}:{:02}.{:06}", seconds / 3_600, seconds / 60 % 60, seconds % 60, ns / 1_000)
}
