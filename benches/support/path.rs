//! The whole path on one thread: datagram in, bytes of an order out, everything on.
//!
//! Arbiter, journal append of the input, book, strategy with C++ pricing, all pre-trade checks,
//! order management, journal append of the command, NNF packet. The venue is outside: its answers
//! come from [`TickPath::acknowledge`], which is no part of the path.

use std::hint::black_box;

use tezi::feed_handler::{Arbiter, ArbiterConfig, Line};
use tezi::gateway::nnf::{
    Account, Checksum, ORDER_PACKET_SIZE_MAX, OrderEncoder, SelfTrade, SessionIdentity, Underlying,
    UserRole, VenueOrderState,
};
use tezi::kernels::KernelTarget;
use tezi::model::{
    CommandKind, ExecutionKind, ExecutionReport, Instrument, InstrumentId, Nanos, OrderCommand,
    OrderId, Qty, Segment,
};
use tezi::strategy::{OptionQuoter, OptionQuoterConfig};
use tezi::{Core, CoreConfig, Output, RiskLimits, VenueMode};

use super::scratch::ScratchJournal;

/// The host's record types (docs/wire/journal.md, part 2).
const RECORD_EVENT: u16 = 5;
const RECORD_REPORT: u16 = 6;
const RECORD_COMMAND: u16 = 16;
/// More than one packet, its commands and their answers take.
const JOURNAL_STEP_BYTES: usize = 4_096;

/// See the module.
pub(crate) struct TickPath {
    arbiter: Arbiter,
    journal: ScratchJournal,
    core: Core<OptionQuoter, KernelTarget>,
    encoder: OrderEncoder,
    packet: [u8; ORDER_PACKET_SIZE_MAX],
    packets: u32,
    /// Commands that the venue has not answered.
    unanswered: Vec<OrderCommand>,
    next_venue_id: u64,
}

impl TickPath {
    /// A path around the strategy, every instrument defined, every check on.
    pub(crate) fn new(
        instruments: &[Instrument],
        strategy: OptionQuoterConfig,
        kernel: KernelTarget,
    ) -> Self {
        let config = CoreConfig {
            // On, with a bound that a bench of millions of orders a second does not reach.
            limits: RiskLimits { messages_per_second_max: u32::MAX, ..RiskLimits::default() },
            venue_mode: VenueMode::External as u32,
            ..CoreConfig::default()
        };
        let mut core = Core::new(&config, OptionQuoter::new(strategy), kernel).expect("bounds");
        let mut encoder =
            OrderEncoder::new(&identity(), Checksum::None, instruments.len()).expect("identity");
        for instrument in instruments {
            let id = core.define(instrument).expect("there is room for every instrument");
            encoder.define(id, instrument, Underlying::Index).expect("every instrument is known");
        }
        core.on_start(Nanos(0));
        Self {
            arbiter: Arbiter::new(ArbiterConfig::new(Segment::NseFo)).expect("bounds"),
            journal: ScratchJournal::new("path", 64 << 20),
            core,
            encoder,
            packet: [0; ORDER_PACKET_SIZE_MAX],
            packets: 0,
            unanswered: Vec::with_capacity(64),
            next_venue_id: 1_200_000_000_000_001,
        }
    }

    /// Takes a datagram and returns how many orders it made.
    #[inline(never)] // the instruction count is taken inside this function
    pub(crate) fn on_packet(&mut self, now: Nanos, datagram: &[u8]) -> u32 {
        let Self { arbiter, journal, core, encoder, packet, packets, .. } = self;
        let writer = journal.writer();
        let packets_before = *packets;
        arbiter.on_packet(Line::A, datagram, now, &mut |event| {
            let bytes = bytemuck::bytes_of(event);
            writer.append(RECORD_EVENT, 0, now, bytes).expect("the journal has room");
            core.on_event(now, event);
            for emitted in core.outputs() {
                // While the quoter finds its level some of its requests are refused; a measured
                // packet makes exactly its orders, which `Stage::check` holds it to.
                let Output::Command(command) = &emitted.output else { continue };
                let bytes = bytemuck::bytes_of(command);
                let origin = emitted.origin.0;
                writer.append(RECORD_COMMAND, origin, now, bytes).expect("the journal has room");
                *packets = packets.wrapping_add(1);
                let venue = VenueOrderState::default();
                let size = encoder.encode(command, &venue, *packets, packet).expect("sayable");
                black_box(&packet[..size]);
            }
        });
        packets.wrapping_sub(packets_before)
    }

    /// Takes what the last datagram made and answers it as a venue that accepts everything. With
    /// `fill_buys` every new buy order is filled at once.
    pub(crate) fn acknowledge(&mut self, now: Nanos, fill_buys: bool) {
        self.collect();
        while let Some(command) = self.unanswered.pop() {
            let kind = command.kind().expect("the core sends known commands");
            self.report(now, &command, answer(kind));
            if fill_buys && kind == CommandKind::New && command.side().sign() > 0 {
                self.report(now, &command, ExecutionKind::Fill);
            }
        }
    }

    /// Begins a new journal when the present one has no room for so many packets.
    pub(crate) fn make_room(&mut self, packets: u64) {
        if self.journal.room(JOURNAL_STEP_BYTES) < packets {
            self.journal.renew();
        }
    }

    /// Orders open now.
    pub(crate) fn open_orders(&self) -> usize {
        self.core.orders().open_count()
    }

    fn report(&mut self, now: Nanos, command: &OrderCommand, kind: ExecutionKind) {
        let mut order_id = command.order_id;
        if kind == ExecutionKind::Accepted {
            order_id = OrderId(self.next_venue_id);
            self.next_venue_id += 1;
        }
        let report = ExecutionReport {
            client_order_id: command.client_order_id,
            order_id,
            price: command.price,
            quantity: Qty(command.quantity.0 - command.filled.0),
            fill_id: u32::from(kind == ExecutionKind::Fill),
            kind_code: kind as u8,
            passive: 1,
            reason: 0,
            reserved: 0,
            venue_time: now,
        };
        let bytes = bytemuck::bytes_of(&report);
        self.journal.writer().append(RECORD_REPORT, 0, now, bytes).expect("the journal has room");
        self.core.on_report(now, &report).expect("the venue keeps its protocol");
        self.collect();
    }

    fn collect(&mut self) {
        for emitted in self.core.outputs() {
            if let Output::Command(command) = emitted.output {
                self.unanswered.push(command);
            }
        }
    }
}

const fn answer(kind: CommandKind) -> ExecutionKind {
    match kind {
        CommandKind::New => ExecutionKind::Accepted,
        CommandKind::Replace => ExecutionKind::Replaced,
        CommandKind::Cancel => ExecutionKind::Canceled,
    }
}

/// A session of no real member.
pub(crate) const fn identity() -> SessionIdentity<'static> {
    SessionIdentity {
        user_id: 1,
        trader_id: 1,
        role: UserRole::Dealer,
        branch_id: 1,
        broker_id: "00000",
        account: Account::Proprietary,
        settlor: "",
        pan: "PAN_EXEMPT",
        nnf_id: 111_111_111_111_000,
        algo_id: 0,
        self_trade: SelfTrade::ExchangeDefault,
        cancel_on_logoff: true,
    }
}

/// The command a strategy's request becomes, for encoders to work on.
pub(crate) fn command(kind: CommandKind) -> OrderCommand {
    OrderCommand {
        client_order_id: tezi::model::ClientOrderId(1),
        order_id: OrderId(if kind as u8 == CommandKind::New as u8 { 0 } else { 1_200_000_001 }),
        price: tezi::model::Px::from_paise(38_005),
        quantity: Qty(65),
        filled: Qty(0),
        instrument: InstrumentId(2),
        kind_code: kind as u8,
        side_code: 1,
        time_in_force_code: 0,
        strategy: tezi::model::StrategyId::NONE,
        account: tezi::model::AccountId::NONE,
        reserved_tail: [0; 7],
    }
}
