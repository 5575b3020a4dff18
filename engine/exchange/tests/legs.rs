//! Members trade spreads and orders of two and three legs over real sessions: what each hears is what
//! the matching engine did, byte by byte where nothing is encrypted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::collections::BTreeMap;

use common::world::*;
use common::*;
use tezi_core::matching::{Report, TradeKind};
use tezi_exchange::{Action, ExchangeConfig, GatewayFaults, Listing, SpreadListing};
use tezi_exchange::{TimedEvent, VenueEvent};
use tezi_gateway::nnf::wire::{
    BeF64, BeI16, BeI32, MessageHeader, MsOeRequest, MsSpdOeRequest, MsTradeConfirmTr, Text,
};
use tezi_gateway::nnf::{
    Checksum, DynamicIvOrder, Encryption, LegCommand, LegsCommand, OrderEncoder, Underlying,
    VenueOrderState,
};
use tezi_model::{
    ClientOrderId, CommandKind, ExecutionKind, Instrument, InstrumentId, InstrumentKind, Nanos,
    OptionType, OrderCommand, OrderId, Px, Qty, Side, Symbol, TimeInForce, Token,
};

/// The spread as the desks number it.
const SPREAD: u32 = 3;
const NEAR: u32 = 35_001;
const CALL: u32 = 35_002;
const FAR: u32 = 35_003;

/// Two boxes, a spread, and two contracts more that are in none.
fn day(encryption: Encryption) -> ExchangeConfig {
    let mut day = two_boxes(encryption);
    let legs = [Token(NEAR), Token(FAR)];
    day.spreads = vec![SpreadListing { legs, stream: 2, range: Some(paise(50_000)) }];
    let far = day.listings[2];
    let other =
        Instrument { token: Token(35_010), symbol: Symbol::new("BANKNIFTY"), ..far.instrument };
    let call = Instrument {
        token: Token(35_011),
        kind_code: InstrumentKind::Option as u8,
        option_code: OptionType::Call as u8,
        strike: paise(2_240_000),
        ..far.instrument
    };
    day.listings.push(Listing { instrument: other, ..far });
    day.listings.push(Listing { instrument: call, reference: paise(30_000), ..far });
    day.listings[0].instrument.freeze_quantity = Qty(65 * 10);
    day
}

fn open(encryption: Encryption) -> World {
    World::open(&day(encryption), at(9, 30, 0))
}

/// The legs of an order that traded or left: token, side, what, price, quantity.
fn legs_of(world: &World, desk: usize, id: u64) -> Vec<(u32, Side, ExecutionKind, i64, u32)> {
    let own = world.desks[desk].legs.iter().filter(|news| news.id == id);
    own.map(|news| (news.token, news.side, news.kind, news.price, news.quantity)).collect()
}

fn code(message: &[u8]) -> i16 {
    i16::from_be_bytes(*message.first_chunk().unwrap())
}

fn codes(world: &mut World, desk: usize) -> Vec<(i16, usize)> {
    world.desks[desk].heard.drain(..).map(|message| (code(&message), message.len())).collect()
}

fn whole(message: &[u8]) -> MsSpdOeRequest {
    *bytemuck::from_bytes(message)
}

#[test]
fn two_members_trade_a_spread_in_every_encryption() {
    use ExecutionKind::Fill;
    for encryption in
        [Encryption::Plain, Encryption::Existing, Encryption::New(DynamicIvOrder::LittleEndian)]
    {
        let mut world = open(encryption);
        let sell = world.desks[0].enter(SPREAD, Side::Sell, 11_010, 2, world.now);
        world.settle();
        let resting = world.desks[0].beliefs[&sell];
        assert_eq!((resting.is_open, resting.price), (true, paise(11_010).0), "{encryption:?}");
        let buy = world.desks[1].enter(SPREAD, Side::Buy, 11_015, 3, world.now);
        world.settle();
        // Who buys the spread sells the near leg, and gets the far leg for the difference more.
        let sold =
            [(NEAR, Side::Buy, Fill, 2_245_000, 130), (FAR, Side::Sell, Fill, 2_256_010, 130)];
        let bought =
            [(NEAR, Side::Sell, Fill, 2_245_000, 130), (FAR, Side::Buy, Fill, 2_256_010, 130)];
        assert_eq!(legs_of(&world, 0, sell), sold);
        assert_eq!(legs_of(&world, 1, buy), bought);
        assert!(!world.desks[0].beliefs[&sell].is_open);
        let rest = world.desks[1].beliefs[&buy];
        assert_eq!((rest.is_open, rest.quantity, rest.filled), (true, 195, 130));
        world.assert_agreed("after a trade");
        // What is left is moved below zero and made more, then cancelled.
        world.desks[1].change(buy, CommandKind::Replace, Side::Buy, (-5, 260), world.now);
        world.settle();
        let moved = world.desks[1].beliefs[&buy];
        assert_eq!((moved.price, moved.quantity), (paise(-5).0, 260));
        world.assert_agreed("after a change");
        world.desks[1].change(buy, CommandKind::Cancel, Side::Buy, (-5, 260), world.now);
        world.settle();
        assert!(!world.desks[1].beliefs[&buy].is_open);
        world.assert_agreed("after a cancel");
        let counters = world.exchange.counters();
        assert_eq!((counters.requests, counters.legs_requests, counters.refused), (4, 4, 0));
        assert_eq!(world.exchange.boxes().map(|own| own.activity.trades).sum::<u64>(), 4);
    }
}

#[test]
fn answers_on_spreads_are_in_their_own_structure_and_trades_are_the_legs() {
    let mut world = open(Encryption::Plain);
    world.desks[0].heard.clear();
    world.desks[1].heard.clear();
    let id = world.desks[0].enter(SPREAD, Side::Buy, 0, 3, world.now);
    world.settle();
    let confirmed = whole(world.desks[0].heard.last().unwrap());
    assert_eq!(codes(&mut world, 0), [(2124, 480)]);
    let said = |m: &MsSpdOeRequest| {
        let (second, first) =
            (m.leg_info2, [m.token1, m.total_vol_remaining1, m.volume_filled_today1]);
        let second = [second.token2, second.total_vol_remaining2, second.volume_filled_today2];
        (first.map(BeI32::get), second.map(BeI32::get), m.price_diff.get())
    };
    assert_eq!(said(&confirmed), ([35_001, 195, 0], [35_003, 195, 0], 0));
    assert_eq!((confirmed.buy_sell1.get(), confirmed.leg_info2.buy_sell2.get()), (2, 1));
    assert_eq!(confirmed.header.message_length.get(), 480);
    assert_eq!(confirmed.header.timestamp, confirmed.last_activity_reference);
    assert!(confirmed.order_number1.get() > 0.0 && confirmed.price1.get() == 0);
    // A part trades: a message for each leg, the near one's first.
    world.desks[1].enter(SPREAD, Side::Sell, -10, 1, world.now);
    world.settle();
    let heard = world.desks[0].heard.clone();
    assert_eq!(codes(&mut world, 0), [(20222, 230); 2]);
    let trades: Vec<MsTradeConfirmTr> =
        heard.iter().map(|message| *bytemuck::from_bytes(message)).collect();
    let row = |m: &MsTradeConfirmTr| {
        let numbers =
            [m.token, m.fill_price, m.fill_quantity, m.remaining_volume, m.original_volume];
        (m.buy_sell_indicator.get(), numbers.map(BeI32::get))
    };
    assert_eq!(row(&trades[0]), (2, [35_001, 2_245_000, 65, 130, 195]));
    assert_eq!(row(&trades[1]), (1, [35_003, 2_245_000, 65, 130, 195]));
    assert_eq!(trades[1].fill_number.get(), trades[0].fill_number.get() + 1);
    let open = trades.iter().all(|m| m.response_order_number == confirmed.order_number1);
    assert!(
        open && trades[1].contract_desc.expiry_date
            == confirmed.leg_info2.contract_desc.expiry_date
    );
    // A change and a cancel echo the second trade's marks.
    world.desks[0].change(id, CommandKind::Replace, Side::Buy, (-15, 130), world.now);
    world.settle();
    let changed = whole(world.desks[0].heard.last().unwrap());
    assert_eq!(said(&changed), ([35_001, 65, 65], [35_003, 65, 65], -15));
    assert_eq!((changed.volume1.get(), changed.leg_info2.volume2.get()), (130, 130));
    world.desks[0].change(id, CommandKind::Cancel, Side::Buy, (-15, 130), world.now);
    world.settle();
    assert_eq!(codes(&mut world, 0), [(2136, 480), (2130, 480)]);
    world.assert_agreed("after a cancel");
}

/// What makes a message another.
type Change = fn(&mut MsSpdOeRequest);

/// An encoder of the first desk, which may put any two contracts together.
fn encoder(day: &ExchangeConfig) -> OrderEncoder {
    let identity = identity(&day.boxes[0], true, "ABCDE1234F");
    let mut encoder = OrderEncoder::new(&identity, Checksum::None, 8).unwrap();
    for (at, listing) in day.listings.iter().enumerate() {
        let id = InstrumentId(at as u32);
        encoder.define(id, &listing.instrument, Underlying::Index).unwrap();
    }
    encoder
}

fn command(kind: CommandKind, order_id: u64, price: i64, quantity: u32) -> OrderCommand {
    OrderCommand {
        client_order_id: ClientOrderId(1),
        order_id: OrderId(order_id),
        price: Px::from_paise(price),
        quantity: Qty(quantity),
        filled: Qty(0),
        instrument: InstrumentId(0),
        kind_code: kind as u8,
        side_code: Side::Buy as u8,
        time_in_force_code: TimeInForce::Day as u8,
        strategy: tezi_model::StrategyId::NONE,
        account: tezi_model::AccountId::NONE,
        reserved_tail: [0; 7],
    }
}

/// A spread order of the first desk in two contracts of the day.
fn spread(legs: [u32; 2], price: i64, quantity: u32) -> MsSpdOeRequest {
    let command = command(CommandKind::New, 0, price, quantity);
    let venue = VenueOrderState::default();
    let legs = legs.map(InstrumentId);
    encoder(&day(Encryption::Plain)).encode_spread(&command, legs, &venue, Nanos::ZERO).unwrap()
}

/// What the first desk hears when a message is said for it: code, error code, length.
fn answer(world: &mut World, message: &[u8]) -> (i16, i16, usize) {
    world.desks[0].heard.clear();
    world.desks[0].say(message);
    world.settle();
    let heard = world.desks[0].heard.first().unwrap();
    let header = heard.get(..MessageHeader::SIZE).map(bytemuck::from_bytes::<MessageHeader>);
    (code(heard), header.map_or(0, |header| header.error_code.get()), heard.len())
}

#[test]
fn each_wrong_spread_order_is_refused_by_its_own_code() {
    let mut world = open(Encryption::Plain);
    let good = spread([0, 2], 11_000, 65);
    let with = |change: Change| {
        let mut message = good;
        change(&mut message);
        message
    };
    let cases = [
        ("legs turned round", spread([2, 0], 11_000, 65), 16_626),
        ("one leg twice", spread([0, 0], 11_000, 65), 16_626),
        ("another underlying", spread([0, 3], 11_000, 65), 16_631),
        ("not in the spread master", spread([0, 4], 11_000, 65), 16_711),
        ("a ratio", with(|m| m.leg_info2.volume2 = BeI32::new(130)), 16_610),
        ("both sides the same", with(|m| m.leg_info2.buy_sell2 = m.buy_sell1), 16_405),
        ("no side", with(|m| m.buy_sell1 = BeI16::new(0)), 16_405),
        ("a price of a leg", with(|m| m.leg_info2.price2 = BeI32::new(5)), 16_247),
        ("no lot", spread([0, 2], 11_000, 66), 16_328),
        ("no tick", spread([0, 2], 11_003, 65), 16_283),
        ("above its range", spread([0, 2], 61_005, 65), 16_713),
        ("below its range", spread([0, 2], -39_005, 65), 16_713),
        ("the freeze quantity", spread([0, 2], 11_000, 650), 16_606),
        ("immediate", with(|m| m.st_order_flags.terms = 0x02), 16_419),
        ("good till cancelled", with(|m| m.st_order_flags.terms = 0x04), 16_667),
        ("a stop-loss", with(|m| m.book_type1 = BeI16::new(3)), 16_415),
        ("another member", with(|m| m.broker_id1 = Text::new("90009").unwrap()), 16_041),
        ("no account", with(|m| m.pan = Text::new("NOBODY").unwrap()), 17_177),
        ("an unknown contract", with(|m| m.leg_info2.token2 = BeI32::new(7)), 16_012),
        ("another description", with(|m| m.contract_desc.strike_price = BeI32::new(5)), 16_012),
    ];
    for (what, message, error) in cases {
        let heard = answer(&mut world, bytemuck::bytes_of(&message));
        assert_eq!(heard, (2154, error, 480), "{what}");
    }
    let nothing = with(|m| {
        let zero = BeI32::new(0);
        (m.volume1, m.total_vol_remaining1) = (zero, zero);
        (m.leg_info2.volume2, m.leg_info2.total_vol_remaining2) = (zero, zero);
    });
    assert_eq!(answer(&mut world, bytemuck::bytes_of(&nothing)), (2154, 16_419, 480));
    // The gateway itself refuses what is no such message, or another user's.
    let short = &bytemuck::bytes_of(&good)[..479];
    assert_eq!(answer(&mut world, short), (2154, 16_573, 182));
    let foreign = with(|m| m.header.trader_id = BeI32::new(7));
    assert_eq!(answer(&mut world, bytemuck::bytes_of(&foreign)), (2154, 16_001, 182));
    assert_eq!(world.exchange.books().orders_count(), 0);
    let counters = world.exchange.counters();
    assert_eq!((counters.legs_requests, counters.refused), (21, 21));
    // The contracts may be named by their terms alone, and the answer says their numbers.
    let by_name = with(|m| (m.token1, m.leg_info2.token2) = (BeI32::new(-1), BeI32::new(-1)));
    assert_eq!(answer(&mut world, bytemuck::bytes_of(&by_name)), (2124, 0, 480));
    let confirmed = whole(world.desks[0].heard.first().unwrap());
    let tokens = [confirmed.token1.get(), confirmed.leg_info2.token2.get()];
    assert_eq!(tokens, [35_001, 35_003]);
}

#[test]
fn a_change_must_be_of_an_order_of_ones_own_as_it_is() {
    let mut world = open(Encryption::Plain);
    world.desks[1].enter(SPREAD, Side::Buy, 10_000, 1, world.now);
    world.settle();
    let foreign = world.last(1).order_id;
    assert_eq!(answer(&mut world, bytemuck::bytes_of(&spread([0, 2], 10_000, 65))).0, 2124);
    let own = whole(world.desks[0].heard.first().unwrap());
    let number = own.order_number1.get() as u64;
    let encoder = encoder(&day(Encryption::Plain));
    let right = VenueOrderState {
        last_activity_reference: own.last_activity_reference.get(),
        entry_date_time: own.entry_date_time1.get(),
        last_modified: own.last_modified1.get(),
    };
    let stale = VenueOrderState { last_activity_reference: 1, ..right };
    let legs = [0, 2].map(InstrumentId);
    for (kind, code) in [(CommandKind::Replace, 2133), (CommandKind::Cancel, 2127)] {
        for (number, venue, error) in
            [(12_345, right, 509), (foreign, right, 16_014), (number, stale, 16_044)]
        {
            let command = command(kind, number, 9_000, 65);
            let message = encoder.encode_spread(&command, legs, &venue, Nanos::ZERO).unwrap();
            let heard = answer(&mut world, bytemuck::bytes_of(&message));
            assert_eq!(heard, (code, error, 480), "{kind:?}");
        }
        // The messages of other orders do not reach a spread's, nor the other way round.
        let message =
            encoder.encode_spread(&command(kind, number, 9_000, 65), legs, &right, Nanos::ZERO);
        let mut message = message.unwrap();
        message.header.transaction_code = BeI16::new(if code == 2133 { 2040 } else { 2070 });
        message.header.message_length = BeI16::new(316);
        let heard = answer(&mut world, &bytemuck::bytes_of(&message)[..MsOeRequest::SIZE]);
        assert_eq!((heard.1, heard.2), (509, 316), "{kind:?}");
    }
    // Side and legs stay as they are.
    let mut turned = command(CommandKind::Replace, number, 9_000, 65);
    turned.side_code = Side::Sell as u8;
    let message = encoder.encode_spread(&turned, legs, &right, Nanos::ZERO).unwrap();
    assert_eq!(answer(&mut world, bytemuck::bytes_of(&message)), (2133, 16_346, 480));
    assert_eq!(world.exchange.books().orders_count(), 2);
}

#[test]
fn acknowledgements_come_before_the_answers_where_they_are_asked_for() {
    let mut world = open(Encryption::Plain);
    let mut message = spread([0, 2], 10_000, 65);
    message.header.transaction_code = BeI16::new(20_408);
    assert_eq!(answer(&mut world, bytemuck::bytes_of(&message)).2, 22);
    assert_eq!(codes(&mut world, 0), [(20_409, 22), (2124, 480)]);
}

#[test]
fn kill_switch_logoff_and_expiry_cancel_spread_orders() {
    let mut day = day(Encryption::Plain);
    day.listings[0].instrument.expiry = at(15, 30, 0);
    day.events = vec![TimedEvent { at: at(9, 40, 0), event: VenueEvent::Expiry }];
    let mut world = World::open(&day, at(9, 30, 0));
    let near = day.listings[0].instrument;
    for desk in &mut world.desks {
        desk.session.define(InstrumentId(0), &near, Underlying::Index).unwrap();
    }
    // The far leg's kill switch takes the spread along, and nothing in other contracts.
    world.desks[1].enter(SPREAD, Side::Buy, 10_000, 1, world.now);
    let future = world.desks[1].enter(0, Side::Buy, 2_244_000, 1, world.now);
    world.settle();
    world.desks[1].session.kill_switch(Some(InstrumentId(2)), world.now).unwrap();
    world.settle();
    let open = |world: &World, desk: usize| -> Vec<u64> {
        let beliefs = world.desks[desk].beliefs.iter();
        beliefs.filter(|(_, belief)| belief.is_open).map(|(id, _)| *id).collect()
    };
    assert_eq!(open(&world, 1), [future]);
    // The first desk's order goes with its user; it hears so when it is back.
    world.desks[0].enter(SPREAD, Side::Buy, 10_000, 1, world.now);
    world.settle();
    world.exchange.on_disconnected(0, world.now);
    world.desks[0].is_connected = false;
    world.desks[0].session.on_disconnected(world.now);
    assert_eq!(world.exchange.counters().canceled_on_logoff, 1);
    world.wait(world.now.plus(5_000 * MILLISECOND));
    assert!(open(&world, 0).is_empty() && world.desks[0].session.is_live());
    // At the expiry of the near leg its orders end in a batch.
    let last = world.desks[0].enter(SPREAD, Side::Sell, 12_000, 1, world.now);
    world.settle();
    world.desks[0].heard.clear();
    world.wait(at(9, 40, 1));
    let belief = world.desks[0].beliefs[&last];
    assert_eq!((belief.is_open, belief.reason), (false, 16_388));
    assert!(codes(&mut world, 0).contains(&(9004, 480)));
    world.assert_agreed("after the expiry");
}

#[test]
fn a_trade_taken_back_is_told_of_both_legs() {
    let mut day = day(Encryption::Plain);
    day.events = vec![TimedEvent { at: at(9, 31, 0), event: VenueEvent::TradeCancel(1) }];
    let mut world = World::open(&day, at(9, 30, 0));
    world.desks[0].enter(SPREAD, Side::Sell, 11_000, 1, world.now);
    world.settle();
    world.desks[1].enter(SPREAD, Side::Buy, 11_000, 1, world.now);
    world.settle();
    world.desks[0].heard.clear();
    world.wait(at(9, 31, 1));
    let taken: Vec<_> = codes(&mut world, 0);
    assert_eq!(taken.iter().filter(|it| **it == (2282, 296)).count(), 2, "{taken:?}");
    assert_eq!(world.desks[0].notices.len(), 2);
}

#[test]
fn a_download_brings_the_same_messages_and_a_new_process_finds_its_spreads() {
    let mut world = open(Encryption::Plain);
    world.desks[1].heard.clear();
    let id = world.desks[1].enter(SPREAD, Side::Buy, 11_000, 3, world.now);
    world.settle();
    world.desks[0].enter(SPREAD, Side::Sell, 11_000, 1, world.now);
    world.settle();
    let live: Vec<Vec<u8>> = world.desks[1].heard.drain(..).collect();
    let order_id = world.desks[1].beliefs[&id].order_id;
    // The process is gone, and another one signs the same box on.
    let day = day(Encryption::Plain);
    world.exchange.on_disconnected(1, world.now);
    world.desks[1].is_connected = false;
    world.desks[1].session = client(&day.boxes[1], false, "VWXYZ9876K", &day.spreads);
    world.desks[1].legs.clear();
    world.desks[1].beliefs.clear();
    world.desks[1].session.start(world.now);
    world.settle();
    assert!(world.desks[1].session.is_live());
    let again: Vec<Vec<u8>> = world.desks[1]
        .heard
        .iter()
        .filter(|it| code(it) == 7021)
        .map(|it| it[40..].to_vec())
        .collect();
    assert_eq!(again[0], live[0], "the confirmation");
    let lengths: Vec<_> = again.iter().map(|it| (code(it), it.len())).collect();
    assert_eq!(lengths, [(2124, 480), (2222, 296), (2222, 296)]);
    // The order is a stranger's to it, and its trades are told all the same.
    let open: Vec<_> = world.desks[1].session.open_orders().collect();
    assert_eq!(open, [(ClientOrderId(0), OrderId(order_id), 65, false)]);
    assert_eq!(legs_of(&world, 1, 0).len(), 2);
    // The rest trades while it watches.
    world.desks[0].enter(SPREAD, Side::Sell, 11_000, 2, world.now);
    world.settle();
    let quantities: Vec<_> = legs_of(&world, 1, 0).iter().map(|leg| (leg.0, leg.4)).collect();
    assert_eq!(quantities, [(NEAR, 65), (FAR, 65), (NEAR, 130), (FAR, 130)]);
    assert_eq!(world.desks[1].session.open_orders().count(), 0);
}

fn leg(instrument: u32, side: Side, price: i64, lots: u32) -> LegCommand {
    let (instrument, quantity) = (InstrumentId(instrument), Qty(65 * lots));
    LegCommand { instrument, side, price: paise(price), quantity }
}

fn enter_legs(world: &mut World, legs: &[LegCommand]) -> u64 {
    let (now, desk) = (world.now, &mut world.desks[0]);
    let id = desk.next;
    desk.next += 1;
    let mut command = LegsCommand { client_order_id: ClientOrderId(id), legs: [None; 3] };
    for (place, leg) in command.legs.iter_mut().zip(legs) {
        *place = Some(*leg);
    }
    desk.session.on_legs(&command, now).unwrap();
    world.settle();
    id
}

/// The background offers three lots of the near future, two of the call and the later future.
fn with_offers(encryption: Encryption) -> World {
    let mut world = open(encryption);
    for (instrument, price, lots) in [(0, 2_245_000, 3), (1, 20_000, 2), (2, 2_256_000, 2)] {
        world.script.push(world.now, Action::Submit(order(instrument, Side::Sell, price, lots)));
    }
    world.settle();
    world.script.take_reports();
    world.reader.letters();
    for desk in &mut world.desks {
        desk.heard.clear();
    }
    world
}

#[test]
fn two_and_three_legs_fill_together() {
    use ExecutionKind::Fill;
    for encryption in [Encryption::Plain, Encryption::Existing] {
        let mut world = with_offers(encryption);
        let two = enter_legs(
            &mut world,
            &[leg(0, Side::Buy, 2_245_010, 2), leg(1, Side::Buy, 20_005, 1)],
        );
        let filled = [(NEAR, Side::Buy, Fill, 2_245_000, 130), (CALL, Side::Buy, Fill, 20_000, 65)];
        assert_eq!(legs_of(&world, 0, two), filled);
        let three = enter_legs(
            &mut world,
            &[
                leg(0, Side::Buy, 2_245_000, 1),
                leg(1, Side::Buy, 20_000, 1),
                leg(2, Side::Buy, 2_256_000, 1),
            ],
        );
        let legs = legs_of(&world, 0, three);
        assert_eq!(
            legs.iter().map(|it| (it.0, it.4)).collect::<Vec<_>>(),
            [(NEAR, 65), (CALL, 65), (FAR, 65)]
        );
        assert!(!world.desks[0].beliefs[&two].is_open && !world.desks[0].beliefs[&three].is_open);
        world.assert_agreed("after the legs");
        assert_same_books(&world.exchange, &world.reader, "after the legs");
        // Such orders do not show, and their side of a trade has no number.
        assert!(world.reader.events.iter().all(|event| event.order_id.is_none()));
        assert_eq!(world.reader.letters(), "TTTTT");
        if encryption == Encryption::Plain {
            let heard = codes(&mut world, 0);
            let legs = (20_222, 230);
            assert_eq!(heard, [(2125, 480), legs, legs, (2126, 480), legs, legs, legs]);
        }
    }
}

#[test]
fn what_one_leg_cannot_trade_no_leg_trades() {
    let mut world = with_offers(Encryption::Plain);
    // Nobody sells the call so low.
    let legs = [leg(0, Side::Buy, 2_245_000, 1), leg(1, Side::Buy, 19_900, 1)];
    let id = enter_legs(&mut world, &legs);
    assert_eq!(legs_of(&world, 0, id), []);
    let belief = world.desks[0].beliefs[&id];
    assert_eq!((belief.is_open, belief.reason), (false, 16_388));
    let whole_heard = whole(&world.desks[0].heard[1]);
    assert_eq!(
        (whole_heard.total_vol_remaining1.get(), whole_heard.volume_filled_today1.get()),
        (65, 0)
    );
    assert_eq!(codes(&mut world, 0), [(2125, 480), (2131, 480)]);
    assert_eq!((world.exchange.counters().trades, world.reader.letters()), (0, String::new()));
    // Of four lots the call's book holds two: half of each leg trades, the rest leaves leg by leg.
    let legs = [leg(0, Side::Buy, 2_245_000, 2), leg(1, Side::Buy, 20_000, 4)];
    let id = enter_legs(&mut world, &legs);
    let fill = ExecutionKind::Fill;
    let gone = ExecutionKind::Canceled;
    let expected = [
        (NEAR, Side::Buy, fill, 2_245_000, 65),
        (CALL, Side::Buy, fill, 20_000, 130),
        (NEAR, Side::Buy, gone, 2_245_000, 130),
        (CALL, Side::Buy, gone, 20_000, 260),
    ];
    assert_eq!(legs_of(&world, 0, id), expected);
    assert_eq!(
        codes(&mut world, 0),
        [(2125, 480), (20_222, 230), (20_222, 230), (2075, 316), (2075, 316)]
    );
    assert!(!world.desks[0].beliefs[&id].is_open);
    world.assert_agreed("after a part");
    assert_same_books(&world.exchange, &world.reader, "after a part");
    // The member's own offer stops the leg, and so all of it.
    world.desks[0].enter(2, Side::Sell, 2_255_000, 1, world.now);
    world.settle();
    let mut stpc = encoder(&day(Encryption::Plain))
        .encode_legs(
            &LegsCommand {
                client_order_id: ClientOrderId(99),
                legs: [
                    Some(leg(0, Side::Buy, 2_245_000, 1)),
                    Some(leg(2, Side::Buy, 2_256_000, 1)),
                    None,
                ],
            },
            Nanos::ZERO,
        )
        .unwrap();
    stpc.additional_order_flags.bits |= 0x10;
    assert_eq!(answer(&mut world, bytemuck::bytes_of(&stpc)).0, 2125);
    let left = whole(&world.desks[0].heard[1]);
    assert_eq!((left.header.transaction_code.get(), left.header.error_code.get()), (2131, 17_071));
}

#[test]
fn each_wrong_order_of_legs_is_refused_by_its_own_code() {
    let mut world = with_offers(Encryption::Plain);
    let good = encoder(&day(Encryption::Plain))
        .encode_legs(
            &LegsCommand {
                client_order_id: ClientOrderId(1),
                legs: [
                    Some(leg(0, Side::Buy, 2_245_000, 1)),
                    Some(leg(1, Side::Buy, 20_000, 1)),
                    Some(leg(2, Side::Buy, 2_256_000, 1)),
                ],
            },
            Nanos::ZERO,
        )
        .unwrap();
    let cases: [(&str, Change, i16); 9] = [
        ("one contract twice", |m| m.leg_info3 = m.leg_info2, 16_605),
        ("a day order", |m| m.st_order_flags.terms = 0x08, 16_419),
        ("no lot", |m| m.leg_info2.volume2 = BeI32::new(66), 16_605),
        ("a price of none", |m| m.leg_info3.price2 = BeI32::new(0), 16_605),
        ("far from the market", |m| m.leg_info2.price2 = BeI32::new(2_000_000), 16_605),
        ("the freeze quantity", |m| m.volume1 = BeI32::new(650), 16_606),
        ("no side", |m| m.leg_info3.buy_sell2 = BeI16::new(3), 16_405),
        ("below zero", |m| m.leg_info3.volume2 = BeI32::new(-65), 16_419),
        ("an unknown contract", |m| m.leg_info3.token2 = BeI32::new(7), 16_012),
    ];
    for (what, change, error) in cases {
        let mut message = good;
        change(&mut message);
        let heard = answer(&mut world, bytemuck::bytes_of(&message));
        assert_eq!(heard, (2156, error, 480), "{what}");
        // The third leg of an order of two is not looked at.
        message.header.transaction_code = BeI16::new(2102);
        let two = answer(&mut world, bytemuck::bytes_of(&message)).0;
        assert!(two == 2155 || two == 2125, "{what}");
    }
    let mut other = good;
    other.order_number1 = BeF64::new(7.0);
    assert_eq!(answer(&mut world, bytemuck::bytes_of(&other)).0, 2126, "a new order has no number");
}

/// What of each leg of each order traded, by the matching engine's own reports.
fn traded(reports: &[Report]) -> BTreeMap<(u64, u32), u32> {
    let mut sums = BTreeMap::new();
    for report in reports {
        let Report::Traded(trade) = report else { continue };
        if trade.kind == TradeKind::Spread {
            continue;
        }
        let token = [NEAR, CALL, FAR, 35_010, 35_011][trade.instrument.index()];
        for id in trade.order_ids {
            *sums.entry((id.0, token)).or_default() += trade.quantity.0;
        }
    }
    sums
}

/// A day of random spread orders, orders of two legs and plain ones, over gateways that lose answers,
/// break, and are slow.
#[test]
fn members_learn_the_truth_of_their_legs_through_faulty_gateways() {
    let faults = [
        GatewayFaults::default(),
        GatewayFaults { drop_answers_per_million: 100_000, ..GatewayFaults::default() },
        GatewayFaults { disconnect_after: 9, ..GatewayFaults::default() },
        GatewayFaults { delay_ns: 3 * MILLISECOND, ..GatewayFaults::default() },
        GatewayFaults { drop_answers_per_million: 50_000, disconnect_after: 17, delay_ns: 700_000 },
    ];
    for (seed, faults) in faults.into_iter().enumerate() {
        let mut rng = Random(seed as u64 + 77);
        let mut day = day(if seed % 2 == 0 { Encryption::Plain } else { Encryption::Existing });
        day.boxes.iter_mut().for_each(|own| own.faults = faults);
        let mut world = World::open(&day, at(9, 30, 0));
        for step in 0..500 {
            let now = world.now;
            if step % 5 == 0 {
                let (instrument, middle) = [(0, 2_245_000), (1, 20_000)][rng.below(2) as usize];
                let price = middle + 5 * (rng.below(9) as i64 - 4);
                let side = Side::BOTH[rng.below(2) as usize];
                world.script.push(now, Action::Submit(order(instrument, side, price, 2)));
            }
            let desk = &mut world.desks[rng.below(2) as usize];
            if desk.session.is_live() {
                act(desk, &mut rng, now);
            } else {
                // It waits before it signs on again.
                (0..20).for_each(|_| world.pass(100 * MILLISECOND));
            }
            for _ in 0..rng.below(30) {
                world.pass(MILLISECOND / 10);
            }
        }
        for _ in 0..20 {
            world.wait(world.now.plus(3_000 * MILLISECOND));
        }
        let context = format!("seed {seed}, {faults:?}");
        world.assert_agreed(&context);
        assert_same_books(&world.exchange, &world.reader, &context);
        let truth = traded(&world.script.take_reports());
        let mut legs = 0;
        for desk in &world.desks {
            let mut sums: BTreeMap<(u64, u32), u32> = BTreeMap::new();
            for news in desk.legs.iter().filter(|news| news.kind == ExecutionKind::Fill) {
                *sums.entry((desk.beliefs[&news.id].order_id, news.token)).or_default() +=
                    news.quantity;
            }
            for (key, quantity) in &sums {
                assert_eq!(truth.get(key), Some(quantity), "{context}: {key:?}");
            }
            // Nothing of a spread order is missing: what traded in one leg traded in the other.
            for ((id, token), quantity) in &sums {
                if *token == FAR {
                    assert_eq!(sums.get(&(*id, NEAR)), Some(quantity), "{context}: {id}");
                }
            }
            legs += sums.len();
        }
        assert!(legs > 100, "{context}: {legs}");
    }
}

/// A desk enters, changes or cancels something.
fn act(desk: &mut Desk, rng: &mut Random, now: Nanos) {
    let ready =
        desk.session.open_orders().filter(|(_, order_id, _, waits)| !order_id.is_none() && !waits);
    let open: Vec<u64> =
        ready.map(|(id, ..)| id.0).filter(|id| desk.beliefs[id].instrument == SPREAD).collect();
    let side = Side::BOTH[rng.below(2) as usize];
    let price = 11_000 + 5 * (rng.below(9) as i64 - 4);
    let lots = 1 + rng.below(3) as u32;
    match rng.below(8) {
        0 => {
            let offset = 5 * (rng.below(9) as i64 - 4);
            let legs = [
                Some(leg(0, side, 2_245_000 + offset, lots)),
                Some(leg(1, side.opposite(), 20_000 + offset, 1)),
                None,
            ];
            let id = desk.next;
            desk.next += 1;
            desk.beliefs.entry(id).or_default();
            let command = LegsCommand { client_order_id: ClientOrderId(id), legs };
            desk.session.on_legs(&command, now).unwrap();
        }
        1 | 2 => {
            desk.enter(0, side, 2_245_000 + 5 * (rng.below(9) as i64 - 4), lots, now);
        }
        3 | 4 if !open.is_empty() => {
            let id = open[rng.below(open.len() as u64) as usize];
            let belief = desk.beliefs[&id];
            let kind = if rng.one_in(2) { CommandKind::Replace } else { CommandKind::Cancel };
            let side = if belief.side_is_buy { Side::Buy } else { Side::Sell };
            desk.change(id, kind, side, (price, belief.filled + 65 * lots), now);
        }
        _ => {
            desk.enter(SPREAD, side, price, lots, now);
        }
    }
}
