//! A process that dies, and another one of the same day that knows what its journal knew.

use super::super::resume::ResumedOrder;
use super::*;

/// What a journal holds of an order: the commands that were handed out, and the reports.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    instrument: u32,
    price: i64,
    quantity: u32,
    pending: Option<CommandKind>,
    heard_until: Nanos,
    /// What `heard_until` was when the pending request left.
    checkpoint: Nanos,
}

/// A world whose client dies now and then.
struct Lives {
    world: World,
    known: BTreeMap<u64, Known>,
    /// Events that are in the journal.
    journaled: usize,
}

impl Lives {
    fn begin(segment: Segment, method: Encryption, inner_header: bool) -> Self {
        let world = World::live_in(segment, method, inner_header);
        Self { world, known: BTreeMap::new(), journaled: 0 }
    }

    fn send(&mut self, command: &OrderCommand) -> bool {
        self.journal();
        let is_sent = self.world.send(command).is_ok();
        if is_sent {
            let known = self.known.entry(command.client_order_id.0).or_default();
            known.pending = command.kind();
            known.checkpoint = known.heard_until;
            if command.kind() == Some(CommandKind::New) {
                known.instrument = command.instrument.0;
                (known.price, known.quantity) = (command.price.0, command.quantity.0);
            }
        }
        is_sent
    }

    /// Lays down what was reported since the last time.
    fn journal(&mut self) {
        for event in &self.world.events[self.journaled..] {
            let Event::Report { report, .. } = event else { continue };
            let known = self.known.entry(report.client_order_id.0).or_default();
            if report.reason < 60_000 {
                known.heard_until = known.heard_until.max(report.venue_time);
            }
            let answers = match report.kind().unwrap() {
                ExecutionKind::Accepted | ExecutionKind::Rejected => Some(CommandKind::New),
                ExecutionKind::Replaced | ExecutionKind::ReplaceRejected => {
                    Some(CommandKind::Replace)
                }
                ExecutionKind::CancelRejected => Some(CommandKind::Cancel),
                ExecutionKind::Canceled => known.pending,
                ExecutionKind::Fill => None,
            };
            known.pending = known.pending.filter(|_| known.pending != answers);
        }
        self.journaled = self.world.events.len();
    }

    /// The process dies: what it had not handed out is gone, and a new one begins.
    fn die(&mut self, segment: Segment, method: Encryption) {
        self.journal();
        self.world.disconnect();
        let mut next = client(segment, method);
        for (&id, known) in &self.known {
            let belief = self.world.believed.get(&id).copied().unwrap_or_default();
            if belief.rejected || (belief.order_id != 0 && !belief.open) {
                assert!(next.resume_closed(OrderId(belief.order_id)));
                continue;
            }
            let is_open = belief.open;
            let (price, quantity) = if is_open {
                (belief.price, belief.quantity)
            } else {
                (known.price, known.quantity)
            };
            let order = ResumedOrder {
                client_order_id: ClientOrderId(id),
                order_id: OrderId(belief.order_id),
                instrument: InstrumentId(known.instrument),
                side: Side::Buy,
                price: Px(price),
                quantity: Qty(quantity),
                filled: Qty(belief.filled),
                pending: known.pending,
                heard_until: known.pending.map_or(known.heard_until, |_| known.checkpoint),
            };
            next.resume_order(&order, self.world.now).unwrap();
            let again = next.resume_order(&order, self.world.now);
            assert_eq!(again, Err(CommandError::DuplicateOrder));
        }
        assert!(next.is_consistent());
        self.world.client = next;
        self.world.client.start(self.world.now);
        self.world.take_events();
    }
}

#[test]
fn a_new_process_learns_what_became_of_every_order() {
    for (segment, method) in SEGMENTS.into_iter().flat_map(|it| METHODS.map(|method| (it, method)))
    {
        let mut lives = Lives::begin(segment, method, false);
        for id in 1..=4 {
            assert!(lives.send(&new_order(id, 0, 10_000 + id as i64, 150)));
        }
        lives.world.settle();
        // One is cancelled, the answer unheard; one is changed, unheard; one never leaves.
        let beliefs: Vec<Belief> = (1..=2).map(|id| lives.world.believed[&id]).collect();
        assert!(lives.send(&change(CommandKind::Cancel, 1, &beliefs[0], 150, 10_001)));
        assert!(lives.send(&change(CommandKind::Replace, 2, &beliefs[1], 225, 10_050)));
        let mut buffer = [0; 4_096];
        let size = lives.world.client.poll_transmit(&mut buffer);
        lives.world.server.on_bytes(&buffer[..size], lives.world.now);
        lives.world.take_events();
        assert!(lives.send(&new_order(5, 0, 10_000, 75)));
        lives.die(segment, method);
        lives.world.settle();
        lives.world.check("after the first death");
        assert!(!lives.world.believed[&1].open);
        assert_eq!(lives.world.believed[&2].quantity, 225);
        assert!(lives.world.believed[&5].rejected);
        // What is open can be changed: the marks came with the download.
        let belief = lives.world.believed[&3];
        assert!(lives.send(&change(CommandKind::Replace, 3, &belief, 75, 10_033)));
        lives.world.settle();
        assert_eq!(lives.world.believed[&3].quantity, 75, "{segment:?} {method:?}");
        lives.world.check("after a change");
    }
}

#[test]
fn an_order_that_the_exchange_never_had_ends() {
    let method = METHODS[2];
    let mut lives = Lives::begin(Segment::NseFo, method, false);
    assert!(lives.send(&new_order(1, 0, 10_000, 75)));
    lives.world.settle();
    // Another exchange answers by the same name: its day is empty.
    lives.world.exchange = Exchange::default();
    lives.world.server = server::Session::new(&server_config(method)).unwrap();
    lives.die(Segment::NseFo, method);
    lives.world.settle();
    assert!(!lives.world.believed[&1].open);
    let fate = lives.world.events.iter().rev().find_map(|event| match event {
        Event::Report { report, origin } => Some((report.reason, *origin)),
        _ => None,
    });
    assert_eq!(fate, Some((LocalReason::NOT_IN_DAY, Origin::Session)));
    assert_eq!(lives.world.client.open_orders().count(), 0);
}

#[test]
fn random_days_of_many_lives_end_in_what_the_exchange_has() {
    let (mut deaths, mut orders, mut resolved) = (0, 0, 0);
    for seed in 0..120 {
        let segment = SEGMENTS[seed as usize % 2];
        let method = METHODS[(seed / 2) as usize % METHODS.len()];
        let [died, sent, own] = day_of_many_lives(segment, seed, method);
        deaths += died;
        orders += sent;
        resolved += own;
    }
    assert!(deaths > 500 && orders > 3_000 && resolved > 200, "{deaths} {orders} {resolved}");
}

fn day_of_many_lives(segment: Segment, seed: u64, method: Encryption) -> [u64; 3] {
    let mut rng = Rng(0x11FE ^ seed);
    let mut lives = Lives::begin(segment, method, seed.is_multiple_of(3));
    let (mut next, mut deaths) = (1, 0);
    for step in 0..800 {
        match rng.below(24) {
            0..=3 => {
                let (instrument, lots) = ([0, 2][rng.below(2)], 1 + rng.below(3) as u32);
                let paise = 10_000 + rng.below(3) as i64;
                next += u64::from(lives.send(&new_order(next, instrument, paise, 75 * lots)));
            }
            4..=7 => {
                let id = 1 + rng.below(next as usize) as u64;
                let Some(belief) = lives.world.believed.get(&id).copied().filter(|it| it.open)
                else {
                    continue;
                };
                let kind = [CommandKind::Replace, CommandKind::Cancel][rng.below(2)];
                let paise = 10_000 + rng.below(3) as i64;
                let command = change(kind, id, &belief, belief.filled + 75, paise);
                let instrument = InstrumentId(lives.known[&id].instrument);
                lives.send(&OrderCommand { instrument, side_code: Side::Buy as u8, ..command });
            }
            8..=9 => {
                let world = &mut lives.world;
                world.exchange.act(&mut world.server, &mut rng, world.now);
            }
            10 if rng.below(3) == 0 => lives.world.exchange.refuse_next = true,
            12 if rng.below(3) == 0 => lives.world.exchange.drop_next = true,
            11 if rng.below(3) == 0 => {
                lives.die(segment, method);
                deaths += 1;
            }
            _ => {
                let most = [40, 1_500, 1_500, 1_500][rng.below(4)];
                lives.world.carry(1 + rng.below(most));
            }
        }
        lives.world.take_events();
        lives.world.pass(rng.below(20_000_000) as i64);
        assert!(lives.world.client.is_consistent(), "seed {seed}, step {step}");
    }
    lives.world.settle();
    lives.world.check(&format!("seed {seed}"));
    let own = |event: &&Event| matches!(event, Event::Report { origin: Origin::Session, .. });
    let resolved = lives.world.events.iter().filter(own).count() as u64;
    [deaths, lives.world.exchange.orders.len() as u64, resolved]
}
