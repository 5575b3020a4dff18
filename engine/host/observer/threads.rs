//! The threads of those who look on: observer, metrics, hiccup meter, and the operators' door.

use std::sync::atomic::AtomicBool;
use std::thread::{Scope, ScopedJoinHandle};

use super::{Observed, Observer, Seats, Shared};
use crate::assembly::{join, spawn};
use crate::clock::Clock;
use crate::control::Doorkeeper;
use crate::error::Error;
use crate::latency::{StageRecorder, measure_hiccups};
use crate::metrics::Metrics;
use crate::pin::pin;

/// Everybody who looks on at a session, and the places of those who are looked at.
pub(crate) struct Onlookers<'a> {
    pub(crate) observer: Option<Observer<'a>>,
    pub(crate) seats: Seats<'a>,
    pub(crate) metrics: Metrics<'a>,
    /// Those who do more than look.
    pub(crate) controls: Option<Doorkeeper<'a>>,
    /// The core for the hiccup meter.
    pub(crate) hiccup_core: Option<usize>,
    /// The core for the others, away from feed and core.
    pub(crate) core: Option<usize>,
}

/// Onlookers at work.
pub(crate) struct Looking<'scope> {
    observer: Option<ScopedJoinHandle<'scope, Observed>>,
    hiccups: Option<ScopedJoinHandle<'scope, Option<String>>>,
    server: Option<ScopedJoinHandle<'scope, ()>>,
    controls: Option<ScopedJoinHandle<'scope, ()>>,
}

/// What feed and orders are observed by.
#[derive(Debug, Default)]
pub(crate) struct Observables<'a> {
    pub(crate) feed: StageRecorder,
    pub(crate) orders: StageRecorder,
    pub(crate) shared: Option<&'a Shared>,
}

impl<'a> Onlookers<'a> {
    /// Starts their threads. The observer ends when everyone it observes has; the others by `stop`.
    pub(crate) fn start<'scope>(
        self,
        scope: &'scope Scope<'scope, '_>,
        clock: &'a Clock,
        stop: &'a AtomicBool,
    ) -> Result<(Looking<'scope>, Observables<'a>), Error>
    where
        'a: 'scope,
    {
        let Self { observer, seats, metrics, controls, hiccup_core, core } = self;
        let observe = |observer: Observer<'a>| {
            spawn(scope, "tezi-observer", move || {
                // Not to be had, it looks on from wherever it is: nothing to tell the user.
                let _ = pin(core, "observer");
                observer.run()
            })
        };
        let measure = |stages: StageRecorder| {
            spawn(scope, "tezi-hiccup", move || {
                let note = pin(hiccup_core, "hiccup meter's");
                measure_hiccups(stages, clock, stop);
                note
            })
        };
        let serve = |server: crate::metrics::MetricsServer| {
            spawn(scope, "tezi-metrics", move || {
                let _ = pin(core, "metrics");
                server.run(metrics, stop);
            })
        };
        let control = |(server, thread): Doorkeeper<'a>| {
            spawn(scope, "tezi-control", move || {
                let _ = pin(core, "control");
                server.run(thread, stop);
            })
        };
        let looking = Looking {
            observer: observer.map(observe).transpose()?,
            hiccups: seats.hiccups.map(measure).transpose()?,
            server: seats.server.map(serve).transpose()?,
            controls: controls.map(control).transpose()?,
        };
        let Seats { feed, orders, shared, .. } = Seats { hiccups: None, server: None, ..seats };
        Ok((looking, Observables { feed, orders, shared }))
    }
}

impl Looking<'_> {
    /// Waits for all of them, once everyone they look at has ended.
    pub(crate) fn join(self) -> Result<Observed, Error> {
        let served = self.server.map_or(Ok(()), |thread| join(thread, "metrics"));
        let controlled = self.controls.map_or(Ok(()), |thread| join(thread, "control"));
        let hiccups = self.hiccups.map(|thread| join(thread, "hiccup meter's"));
        let observed = self.observer.map(|thread| join(thread, "observer"));
        let mut observed = observed.transpose()?.unwrap_or_default();
        observed.notes.extend(hiccups.transpose()?.flatten());
        served?;
        controlled?;
        Ok(observed)
    }
}
