//! The thread that owns the exchange.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use tezi_exchange::{Datagram, Exchange, OperatorCommand};
use tezi_feed_handler::capture::PcapNgWriter;
use tezi_gateway::nnf::server::Listener;
use tezi_model::{Instrument, InstrumentId, Nanos, Side, StateHasher};

use super::broadcast::BroadcastLine;
use super::config::ExchangeServerConfig;
use super::members::Members;
use super::pace::Pace;
use super::view::{ExchangeReport, ExchangeView, InstrumentView, LineCounts};
use crate::clock::Clock;
use crate::error::Error;
use crate::publish::{PublishConfig, Publisher};

/// Bytes of the longest message.
const DATAGRAM_SIZE_MAX: usize = 64;
/// Turns without work before the thread sleeps.
const IDLE_TURNS: u32 = 200;
/// The longest sleep: members are heard that soon.
const SLEEP_MAX_NS: u64 = 50_000;
/// Missed heartbeats are counted by our time, however fast the exchange's runs (FO 9.48, chapter 11).
const MEMBER_HEARTBEAT_NS: f64 = 30e9;
/// After the end each stream says this often which number was its last.
const FINAL_HEARTBEATS: u32 = 5;
const FINAL_HEARTBEAT_INTERVAL: Duration = Duration::from_millis(20);

/// An exchange with its sockets open.
pub struct ExchangeServer {
    config: ExchangeServerConfig,
    exchange: Exchange,
    publisher: Publisher,
    broadcast: Option<BroadcastLine>,
    members: Members,
    router: SocketAddrV4,
    lines: [LineCounts; 2],
    record: Option<Record>,
    commands: Option<Receiver<OperatorCommand>>,
}

/// The file that every datagram goes to, on both lines as if from two senders.
struct Record {
    writer: PcapNgWriter<BufWriter<File>>,
    groups: [SocketAddrV4; 2],
    source: SocketAddrV4,
    path: std::path::PathBuf,
}

impl ExchangeServer {
    /// Opens sockets and files. Nobody is heard, and nothing sent, before [`ExchangeServer::run`].
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`]: something in the configuration cannot be. [`Error::Network`],
    /// [`Error::File`]: a socket or a file cannot be had.
    pub fn new(mut config: ExchangeServerConfig) -> Result<Self, Error> {
        config.check()?;
        let mut members = Members::new(config.exchange.boxes.len());
        #[cfg(feature = "tls")]
        if let Some(files) = &config.tls {
            members.tls = Some(super::tls::TlsSetup::new(files)?);
        }
        let router = members.open(config.router, Listener::Router)?;
        open_gateways(&mut config, &mut members)?;
        config.exchange.member_heartbeat_ns = (MEMBER_HEARTBEAT_NS * config.speed.max(1.0)) as i64;
        let publisher = Publisher::new(PublishConfig {
            unicast: config.unicast,
            interface: config.interface,
            ttl: config.ttl,
            services: config.services,
            ..PublishConfig::new(config.groups[0], config.groups[1])
        })?;
        let broadcast = BroadcastLine::open(&config)?;
        let background = config.background()?;
        let exchange = Exchange::new(&config.exchange, background)
            .map_err(|error| Error::Parameter(error.to_string()))?;
        let record =
            config.record.as_ref().map(|path| Record::create(path, &config)).transpose()?;
        let lines = [LineCounts::default(); 2];
        let commands = None;
        Ok(Self {
            config,
            exchange,
            publisher,
            broadcast,
            members,
            router,
            lines,
            record,
            commands,
        })
    }

    /// A way for an operator to act while the exchange runs; the last one that was asked for counts.
    pub fn operator(&mut self) -> Sender<OperatorCommand> {
        let (sender, receiver) = mpsc::channel();
        self.commands = Some(receiver);
        sender
    }

    /// Where the gateway router listens.
    #[must_use]
    pub const fn router_address(&self) -> SocketAddrV4 {
        self.router
    }

    /// Where tick recovery listens.
    #[must_use]
    pub fn recovery_address(&self) -> Option<SocketAddrV4> {
        self.publisher.recovery_address()
    }

    /// Where snapshots are served.
    #[must_use]
    pub fn snapshot_address(&self) -> Option<SocketAddrV4> {
        self.publisher.snapshot_address()
    }

    /// What is served, with the ports that the system chose.
    #[must_use]
    pub const fn config(&self) -> &ExchangeServerConfig {
        &self.config
    }

    /// The exchange: its books, its counts.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Runs until `stop`, or as long as was asked for; `sink` gets a view some times a second, on this
    /// thread. At the end every member is disconnected (orders with cancel-on-logoff go), the rest of
    /// the market is sent, and recovery goes on for a moment. What is recorded is whole when this
    /// returns; another run records nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Network`] when the market cannot be sent, [`Error::File`] when it cannot be recorded,
    /// [`Error::Thread`] when the services' thread could not be started or ended by a panic.
    pub fn run(
        &mut self,
        stop: &AtomicBool,
        sink: &mut dyn FnMut(ExchangeView),
    ) -> Result<ExchangeReport, Error> {
        let report = self.serve(stop, sink)?;
        // What is still in its buffer is written here, where a full disk can be told.
        self.record.take().map_or(Ok(()), Record::finish)?;
        Ok(report)
    }

    fn serve(
        &mut self,
        stop: &AtomicBool,
        sink: &mut dyn FnMut(ExchangeView),
    ) -> Result<ExchangeReport, Error> {
        let is_over = AtomicBool::new(false);
        let Self {
            config, exchange, publisher, broadcast, members, lines, record, commands, ..
        } = self;
        thread::scope(|scope| {
            let services = thread::Builder::new()
                .name("tezi-exchange-tcp".into())
                .spawn_scoped(scope, || publisher.serve(&Clock::start(), &is_over))
                .map_err(|error| {
                    Error::Thread(format!("cannot start thread tezi-exchange-tcp: {error}"))
                })?;
            let clock = Clock::start();
            let mut turn = Turn {
                start_raw: clock.raw(),
                clock,
                pace: Pace::new(config.start, config.speed),
                config,
                exchange,
                publisher,
                broadcast: broadcast.as_ref(),
                members,
                lines,
                record: record.as_mut(),
                commands: commands.as_ref(),
            };
            let ran = turn.run(stop, sink).and_then(|()| turn.close());
            let last = turn.view();
            is_over.store(true, Ordering::Relaxed);
            let served = services.join();
            ran?;
            let [recovery, snapshot] =
                served.map_err(|_| Error::Thread("the services' thread stopped".into()))?;
            let mut hasher = StateHasher::default();
            turn.exchange.hash_into(&mut hasher);
            Ok(ExchangeReport { last, recovery, snapshot, state_hash: hasher.finish() })
        })
    }
}

/// Opens each gateway that a box is sent to, and tells the boxes the ports that they got.
fn open_gateways(config: &mut ExchangeServerConfig, members: &mut Members) -> Result<(), Error> {
    let mut opened: Vec<((Ipv4Addr, u16), u16)> = Vec::new();
    for own in &mut config.exchange.boxes {
        let known = opened.iter().find(|(asked, _)| *asked == own.gateway);
        let port = match known {
            Some((_, port)) => *port,
            None => {
                let address = SocketAddrV4::new(own.gateway.0, own.gateway.1);
                let port = members.open(address, Listener::Gateway)?.port();
                opened.push((own.gateway, port));
                port
            }
        };
        own.gateway.1 = port;
    }
    Ok(())
}

/// Everything that one turn of the thread touches.
struct Turn<'a> {
    clock: Clock,
    start_raw: u64,
    pace: Pace,
    config: &'a ExchangeServerConfig,
    exchange: &'a mut Exchange,
    publisher: &'a Publisher,
    broadcast: Option<&'a BroadcastLine>,
    members: &'a mut Members,
    lines: &'a mut [LineCounts; 2],
    record: Option<&'a mut Record>,
    commands: Option<&'a Receiver<OperatorCommand>>,
}

impl Turn<'_> {
    fn run(&mut self, stop: &AtomicBool, sink: &mut dyn FnMut(ExchangeView)) -> Result<(), Error> {
        let end_ns = self.config.duration_max.map_or(u64::MAX, |it| it.as_nanos() as u64);
        let interval_ns = (self.config.view_interval.as_nanos() as u64).max(1);
        let (mut view_due, mut idle_turns) = (0, 0_u32);
        loop {
            let raw_ns = self.elapsed_ns();
            if stop.load(Ordering::Relaxed) || raw_ns >= end_ns {
                return Ok(());
            }
            let work = self.step(raw_ns)?;
            if raw_ns >= view_due {
                view_due = raw_ns + interval_ns;
                sink(self.view());
            }
            idle_turns = if work > 0 || self.pace.is_behind() { 0 } else { idle_turns + 1 };
            if idle_turns > IDLE_TURNS && !self.config.spin {
                let left_ns = self.pace.until(self.exchange.next_due());
                thread::sleep(Duration::from_nanos(left_ns.min(SLEEP_MAX_NS)));
            }
        }
    }

    /// Hears members, lets time pass, sends; how much there was to do.
    fn step(&mut self, raw_ns: u64) -> Result<usize, Error> {
        let now = self.pace.at(raw_ns);
        if now >= self.exchange.next_due() {
            self.exchange.on_time(now);
        }
        while let Some(Ok(command)) = self.commands.map(Receiver::try_recv) {
            self.exchange.on_operator(command, now);
        }
        let work = self.members.step(self.exchange, raw_ns, now);
        Ok(work + self.send_market(now)?)
    }

    fn send_market(&mut self, now: Nanos) -> Result<usize, Error> {
        let mut buffer = [0; DATAGRAM_SIZE_MAX];
        let mut count = 0;
        while let Some(datagram) = self.exchange.poll_datagram(&mut buffer) {
            self.send(&datagram, &buffer[..datagram.size], now)?;
            count += 1;
        }
        if let Some(line) = self.broadcast {
            count += line.send(self.exchange)?;
        }
        Ok(count)
    }

    fn send(&mut self, datagram: &Datagram, payload: &[u8], now: Nanos) -> Result<(), Error> {
        let on = [datagram.lines.a, datagram.lines.b];
        self.publisher.transmit(payload, on).map_err(|source| {
            let [a, b] = self.config.groups;
            Error::Network { doing: format!("send to {a} and {b}"), source }
        })?;
        for (line, is_on) in self.lines.iter_mut().zip(on) {
            if is_on {
                line.sent += 1;
                line.bytes += payload.len() as u64;
            } else {
                line.lost += 1;
            }
        }
        match &mut self.record {
            Some(record) => record.write(payload, on, now),
            None => Ok(()),
        }
    }

    /// Disconnects the members, sends the rest, and says which numbers were the last.
    fn close(&mut self) -> Result<(), Error> {
        let now = self.pace.at(self.elapsed_ns());
        self.exchange.on_operator(OperatorCommand::SignOffAll, now);
        self.members.close(self.exchange, now);
        self.send_market(now)?;
        for _ in 0..FINAL_HEARTBEATS {
            thread::sleep(FINAL_HEARTBEAT_INTERVAL);
            for stream in self.exchange.streams() {
                let message = tezi_feed_handler::wire::nse_mtbt::encode_heartbeat(
                    stream.stream,
                    stream.last_sequence,
                );
                self.publisher.transmit(&message, [true; 2]).map_err(|source| Error::Network {
                    doing: "send the last heartbeats".into(),
                    source,
                })?;
            }
        }
        thread::sleep(self.config.linger);
        Ok(())
    }

    fn elapsed_ns(&self) -> u64 {
        self.clock.between(self.start_raw, self.clock.raw())
    }

    fn view(&self) -> ExchangeView {
        let exchange = &*self.exchange;
        let listed = exchange.listings().iter().map(|it| it.instrument);
        let listed = listed.chain(exchange.spreads().iter().map(|it| it.instrument()));
        ExchangeView {
            time: exchange.now(),
            elapsed: Duration::from_nanos(self.elapsed_ns()),
            counters: exchange.counters(),
            lines: *self.lines,
            streams: exchange.streams().collect(),
            boxes: exchange.boxes().zip(self.members.connected()).collect(),
            connections: self.members.counts,
            instruments: (0..)
                .map(InstrumentId)
                .zip(listed)
                .map(|it| self.instrument(it))
                .collect(),
            trades: exchange.trades().copied().collect(),
            is_halted: exchange.is_halted(),
            stalls: self.pace.stalls(),
        }
    }

    fn instrument(&self, (id, instrument): (InstrumentId, Instrument)) -> InstrumentView {
        let matcher = self.exchange.matcher();
        let levels = |side| matcher.books().levels(id, side).take(self.config.depth).collect();
        InstrumentView {
            instrument,
            phase: matcher.phase(id),
            last_trade: matcher.last_trade(id),
            bids: levels(Side::Buy),
            asks: levels(Side::Sell),
        }
    }
}

impl Record {
    fn create(path: &std::path::Path, config: &ExchangeServerConfig) -> Result<Self, Error> {
        let failed = |source| Error::file("record to", path, source);
        let file = BufWriter::with_capacity(1 << 18, File::create(path).map_err(failed)?);
        let writer = PcapNgWriter::new(file).map_err(failed)?;
        let source = SocketAddrV4::new(config.interface, 40_000);
        Ok(Self { writer, groups: config.groups, source, path: path.to_path_buf() })
    }

    /// Closes the file, with all that was written to it.
    fn finish(self) -> Result<(), Error> {
        let mut file = self.writer.into_inner();
        file.flush().map_err(|source| Error::file("record to", &self.path, source))
    }

    fn write(&mut self, payload: &[u8], on: [bool; 2], now: Nanos) -> Result<(), Error> {
        for (group, _) in self.groups.iter().zip(on).filter(|(_, on)| *on) {
            let written = self.writer.write_udp(now, self.source, *group, payload);
            written.map_err(|source| Error::file("record to", &self.path, source))?;
        }
        Ok(())
    }
}
