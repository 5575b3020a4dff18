//! Everything outside the host: the exchange with its services, the networks, and time.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tezi_exchange::{Exchange, Limits};
use tezi_feed_handler::wire::nse_mtbt::encode_heartbeat;
use tezi_gateway::nnf::server::Listener;
use tezi_model::Nanos;

use super::lines::Lines;
use super::network::Network;
use super::plan::{Plan, Trouble};
use super::truth::{TruthOf, Witness};
use crate::clock::ClockDriver;
use crate::error::Error;
use crate::exchange::{ExchangeServerConfig, Members, Scenario};
use crate::publish::{History, ServiceConfig, Services, ServicesAtWork};
use crate::random::Random;
use crate::tcp::Door;

/// Where the exchange is, in a network that is no machine's.
pub(super) const ROUTER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 9_601);
pub(super) const GATEWAY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 9_602);
pub(super) const RECOVERY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 3), 9_603);

/// Time moves on by so much at most, and at least, in nanoseconds.
const STEP_NS_MAX: u64 = 400_000;
const STEP_NS_MIN: u64 = 2_000;
/// Bytes of the longest message.
const DATAGRAM_SIZE_MAX: usize = 64;

/// The market of the simulation: a future and two options, and a crowd that trades them.
fn scenario(seed: u64, plan: &Plan) -> String {
    let faults = plan.gateway;
    let mut text = format!(
        "[exchange]\nsegment = \"fo\"\ndate = \"2026-11-20\"\nstart = \"09:15:00\"\nheartbeat = \
         \"100ms\"\nseed = {seed}\n[population]\nseed = {seed}\nintensity = {:.3}\n[[box]]\nid = \
         77\nbroker = \"90001\"\nuser = 77\npassword = \"SECRET\"\nencryption = \"new\"\ngateway = \
         {{ address = \"{}\", port = {} }}\nfaults = {{ drop_answers = {}, disconnect_after = {}, \
         delay = \"{}us\" }}\n",
        plan.intensity,
        GATEWAY.ip(),
        GATEWAY.port(),
        f64::from(faults.drop_answers_per_million) / 1e6,
        faults.disconnect_after,
        faults.delay_ns / 1_000,
    );
    let instrument = |token: u32, more: &str| {
        format!(
            "[[instrument]]\nsymbol = \"NIFTY\"\ntoken = {token}\nexpiry = \"2026-11-24\"\n{more}"
        )
    };
    let future = "kind = \"future\"\nreference = 24500\ntick = 0.10\n";
    text += &instrument(35_001, future);
    let call = "kind = \"call\"\nstrike = 24500\nreference = 140\n";
    text += &instrument(35_002, call);
    text
}

/// What the simulation serves.
pub(super) fn server_config(seed: u64, plan: &Plan) -> Result<ExchangeServerConfig, Error> {
    let text = scenario(seed, plan);
    let scenario =
        Scenario::parse(&text).map_err(|error| Error::Parameter(format!("scenario: {error}")))?;
    let mut config = ExchangeServerConfig::new(&scenario, &[])?;
    config.exchange.limits = Limits { orders: 1 << 14, ..Limits::small() };
    config.exchange.events.extend(&plan.events);
    // Thirty seconds on a real day: the waits of both ends are shorter by the same.
    config.exchange.member_heartbeat_ns = 1_000_000_000;
    Ok(config)
}

/// The services that a feed asks, behind one door.
pub(super) fn services(network: &Network) -> Services {
    let mut config = ServiceConfig { messages_max: 1 << 18, ..ServiceConfig::default() };
    config.limits.connects_per_second = 100;
    config.limits.spacing_ns = 0;
    config.snapshot_interval = std::time::Duration::from_millis(500);
    Services::behind(Door::Simulated(network.listen(RECOVERY)), RECOVERY, &config)
}

/// The world at a moment.
pub(super) struct World<'a> {
    pub(super) driver: ClockDriver,
    /// Nanoseconds since the beginning.
    pub(super) now: u64,
    start: Nanos,
    pub(super) random: Random,
    pub(super) plan: &'a Plan,
    pub(super) network: Network,
    pub(super) exchange: Exchange,
    members: Members,
    history: Mutex<History>,
    services: ServicesAtWork<'a>,
    pub(super) lines: Lines,
    pub(super) truth: TruthOf,
    market_is_open: Arc<AtomicBool>,
    /// Troubles that are to come, the next first.
    troubles: &'a [(u64, Trouble)],
    /// Until when each thread of the host does not run.
    pub(super) descheduled: [u64; 3],
}

impl<'a> World<'a> {
    pub(super) fn new(
        seed: u64,
        plan: &'a Plan,
        config: &ExchangeServerConfig,
        network: &Network,
        services: &'a Services,
    ) -> Result<Self, Error> {
        let truth = TruthOf::default();
        let market_is_open = Arc::new(AtomicBool::new(true));
        let witness = Witness {
            background: config.background()?,
            truth: truth.clone(),
            is_open: Arc::clone(&market_is_open),
        };
        let exchange = Exchange::new(&config.exchange, Box::new(witness))
            .map_err(|error| Error::Parameter(error.to_string()))?;
        let mut members = Members::new(config.exchange.boxes.len());
        members.listen(Door::Simulated(network.listen(ROUTER)), Listener::Router);
        members.listen(Door::Simulated(network.listen(GATEWAY)), Listener::Gateway);
        Ok(Self {
            driver: ClockDriver::new(),
            now: 0,
            start: config.start,
            random: Random::new(seed ^ 0x0057_0E4D),
            plan,
            network: network.clone(),
            exchange,
            members,
            history: Mutex::new(History::new(1 << 18)),
            services: services.at_work(),
            lines: Lines::new(plan.lines, seed ^ 0x114E5),
            truth,
            market_is_open,
            troubles: &plan.troubles,
            descheduled: [0; 3],
        })
    }

    /// The exchange's time.
    pub(super) fn time(&self) -> Nanos {
        self.start.plus(self.now as i64)
    }

    /// Lets time pass, up to the next thing that is due somewhere, and everything outside the host
    /// happen.
    pub(super) fn step(&mut self) {
        let step = self.next_step();
        self.now += step;
        self.driver.advance(step);
        self.network.set_now(self.now);
        self.cause_trouble();
        let now = self.time();
        if now >= self.exchange.next_due() {
            self.exchange.on_time(now);
        }
        self.members.step(&mut self.exchange, self.now, now);
        let mut buffer = [0; DATAGRAM_SIZE_MAX];
        while let Some(datagram) = self.exchange.poll_datagram(&mut buffer) {
            let on = [datagram.lines.a, datagram.lines.b];
            self.publish(&buffer[..datagram.size], on);
        }
        self.services.step(&self.history, now);
    }

    fn publish(&mut self, payload: &[u8], on: [bool; 2]) {
        crate::publish::locked(&self.history).on_datagram(payload);
        self.lines.send(self.now, payload, on);
    }

    fn next_step(&mut self) -> u64 {
        let in_exchange = self.exchange.next_due().since(self.time()).max(0).cast_unsigned();
        let due = [self.network.next_due(), self.lines.next_due().unwrap_or(u64::MAX)];
        let due = due.into_iter().map(|due| due.saturating_sub(self.now));
        let next = due.fold(in_exchange, u64::min).clamp(STEP_NS_MIN, STEP_NS_MAX);
        next + self.random.below(STEP_NS_MIN)
    }

    fn cause_trouble(&mut self) {
        while let Some((&(at, trouble), rest)) = self.troubles.split_first()
            && at <= self.now
        {
            self.troubles = rest;
            match trouble {
                Trouble::Break => self.network.break_one(),
                Trouble::Stall(length) => self.network.stall_one(length),
                Trouble::Refuse(length) => self.network.refuse(length),
                Trouble::Deschedule(thread, length) => {
                    self.descheduled[thread] = self.now + length;
                }
            }
        }
        if self.now >= self.plan.calm_at() {
            self.lines.calm();
            self.exchange.mend_gateways();
        }
    }

    /// The others stop trading, so that what the host sees can be held against what there is.
    pub(super) fn close_market(&self) {
        self.market_is_open.store(false, Ordering::Relaxed);
    }

    /// Says on both lines which message of each stream was the last.
    pub(super) fn say_last(&mut self) {
        let streams: Vec<_> = self.exchange.streams().collect();
        for stream in streams {
            let message = encode_heartbeat(stream.stream, stream.last_sequence);
            self.lines.send(self.now, &message, [true; 2]);
        }
    }
}
