//! Spreads and orders of several legs: golden messages, laid out from the tables of FO 9.48 and apart
//! from the code they test, and every refusal of encoder and decoder.

use tezi_model::{
    ClientOrderId, CommandKind, ExecutionKind, Instrument, InstrumentId, Nanos, OrderCommand,
    OrderId, Px, Qty, Side, TimeInForce, Token,
};

use super::super::client::{CommandError, Config, Event, ResumedOrder, Session};
use super::super::server::{self, AnswerKind, Fill, LegsRequest, Terms, TradeKind};
use super::super::wire::BeF64;
use super::super::{
    Checksum, ContractError, DecodeError, EncodeError, Encryption, Field, LegCommand, LegReply,
    LegsCommand, LegsForm, LegsKey, OrderEncoder, Underlying, VenueOrderState, decode, decode_legs,
};
use super::{command, future, golden, identity, mutation, option};

const NOW: Nanos = Nanos::from_ist(2026, 9, 21, 9, 15, 0);

/// A new spread order: 150 bought at a difference of 110.05, day.
const SPREAD: &str = "
   0 0834                       TransactionCode
   2 57e24f94                   LogTime
   6 4e49                       AlphaChar
   8 00003039                   TraderId
  12 0000                       ErrorCode
  14 00*8                       Timestamp
  22 00*8                       TimeStamp1
  30 00*8                       TimeStamp2
  38 01e0                       MessageLength
  40 00                         ParticipantType1
  41 00                         Filler1
  42 0000                       CompetitorPeriod1
  44 0000                       SolicitorPeriod1
  46 20                         ModCxlBy1
  47 00                         Filler9
  48 0000                       ReasonCode1
  50 2020                       StartAlpha1
  52 2020                       EndAlpha1
  54 000088b9                   Token1
  58 465554494458               InstrumentName
  64 4e494654592020202020       Symbol
  74 57e69bf8                   ExpiryDate
  78 ffffffff                   StrikePrice
  82 5858                       OptionType
  84 0000                       CALevel
  86 20*5                       OpBrokerId1
  91 00                         Fillerx1
  92 000000                     FillerOptions1
  95 00                         Fillery1
  96 0000                       OrderType1
  98 00*8                       OrderNumber1
 106 20*10                      AccountNumber1
 116 0001                       BookType1
 118 0002                       BuySell1
 120 00000000                   DisclosedVol1
 124 00000000                   DisclosedVolRemaining1
 128 00000096                   TotalVolRemaining1
 132 00000096                   Volume1
 136 00000000                   VolumeFilledToday1
 140 00000000                   Price1
 144 00000000                   TriggerPrice1
 148 00000000                   GoodTillDate1
 152 00000000                   EntryDateTime1
 156 00000000                   MinFillAon1
 160 00000000                   LastModified1
 164 08                         ST_ORDER_FLAGS: Day
 165 00                         ST_ORDER_FLAGS
 166 0007                       BranchId1
 168 0000303a                   TraderId1
 172 3930303031                 BrokerId1
 177 20*24                      cOrdFiller
 201 4f                         OpenClose1
 202 20*12                      Settlor1
 214 0002                       ProClient1
 216 0000                       SettlementPeriod1
 218 00                         ADDITIONAL_ORDER_FLAGS
 219 00                         Reserved
 220 0000                       Filler1-16
 222 00                         Filler17
 223 00                         Filler18
 224 42d9438493bc6f00           NnfField
 232 00*8                       MktReplay
 240 41424344453132333446       PAN
 250 00012cc9                   AlgoID
 254 0000                       Reserved
 256 00*8                       LastActivityReference
 264 00*52                      Reserved
 316 00002afd                   PriceDiff
 320 000088bb                   Token2
 324 465554494458               InstrumentName
 330 4e494654592020202020       Symbol
 340 5814c078                   ExpiryDate
 344 ffffffff                   StrikePrice
 348 5858                       OptionType
 350 0000                       CALevel
 352 20*5                       OpBrokerId2
 357 00                         Fillerx2
 358 0000                       OrderType2
 360 0001                       BuySell2
 362 00000000                   DisclosedVol2
 366 00000000                   DisclosedVolRemaining2
 370 00000096                   TotalVolRemaining2
 374 00000096                   Volume2
 378 00000000                   VolumeFilledToday2
 382 00000000                   Price2
 386 00000000                   TriggerPrice2
 390 00000000                   MinFillAon2
 394 0800                       ST_ORDER_FLAGS: Day
 396 4f                         OpenClose2
 397 00                         ADDITIONAL_ORDER_FLAGS
 398 00                         Reserved
 399 00                         FillerY
 400 00000000                   Token3
 404 20*16                      InstrumentName, Symbol
 420 00*8                       ExpiryDate, StrikePrice
 428 2020                       OptionType
 430 0000                       CALevel
 432 20*5                       OpBrokerId3
 437 00*39                      numbers and flags
 476 20                         OpenClose3
 477 00*3                       flags and fillers
";

/// What the exchange changes in the order when it confirms its modification: a third of 225 is filled.
const CONFIRMED: [(usize, &[u8]); 12] = [
    (0, &[0x08, 0x58]),
    (14, &[0x14, 0x76, 0x4b, 0xd3, 0x8d, 0xd2, 0xcb, 0xe8]),
    (46, b"T"),
    (98, &[0x43, 0x0c, 0x6b, 0xf5, 0x26, 0x35, 0x81, 0xc8]),
    (132, &[0, 0, 0, 225]),
    (136, &[0, 0, 0, 75]),
    (152, &[0x57, 0xe2, 0x4f, 0x95]),
    (160, &[0x57, 0xe2, 0x4f, 0x96]),
    (256, &[0x14, 0x76, 0x4b, 0xd4, 0x05, 0x08, 0x5f, 0x09]),
    (316, &[0xff, 0xff, 0xff, 0xfb]),
    (374, &[0, 0, 0, 225]),
    (378, &[0, 0, 0, 75]),
];

/// A later future.
pub(super) fn far() -> Instrument {
    let expiry = Nanos::from_ist(2026, 10, 29, 15, 30, 0);
    Instrument { token: Token(35_003), expiry, ..future() }
}

fn encoder() -> OrderEncoder {
    let mut encoder = OrderEncoder::new(&identity(), Checksum::None, 3).unwrap();
    for (at, instrument) in [future(), option(), far()].iter().enumerate() {
        encoder.define(InstrumentId(at as u32), instrument, Underlying::Index).unwrap();
    }
    encoder
}

/// A buy at a difference of 110.05.
pub(super) fn spread_command(kind: CommandKind) -> OrderCommand {
    OrderCommand { price: Px::from_paise(11_005), ..command(kind) }
}

fn encode(command: &OrderCommand) -> Result<Vec<u8>, EncodeError> {
    let venue = VenueOrderState {
        last_activity_reference: 1_474_449_302_000_000_777,
        entry_date_time: 1_474_449_301,
        last_modified: 1_474_449_302,
    };
    let legs = [InstrumentId(0), InstrumentId(2)];
    let message = encoder().encode_spread(command, legs, &venue, NOW)?;
    Ok(bytemuck::bytes_of(&message).to_vec())
}

fn patched(patches: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = golden::bytes(SPREAD);
    for &(offset, patch) in patches {
        bytes[offset..offset + patch.len()].copy_from_slice(patch);
    }
    bytes
}

#[test]
fn a_spread_order_has_the_golden_bytes() {
    assert_eq!(encode(&spread_command(CommandKind::New)).unwrap(), golden::bytes(SPREAD));
}

#[test]
fn a_change_of_a_spread_order_echoes_what_the_venue_said() {
    let echo: [(usize, &[u8]); 11] = [
        (46, b"T"),
        (98, &[0x43, 0x0c, 0x6b, 0xf5, 0x26, 0x35, 0x81, 0xc8]),
        (128, &[0, 0, 0, 75]),
        (132, &[0, 0, 0, 75]),
        (136, &[0, 0, 0, 75]),
        (152, &[0x57, 0xe2, 0x4f, 0x95]),
        (160, &[0x57, 0xe2, 0x4f, 0x96]),
        (256, &[0x14, 0x76, 0x4b, 0xd4, 0x05, 0x08, 0x5f, 0x09]),
        (370, &[0, 0, 0, 75]),
        (374, &[0, 0, 0, 75]),
        (378, &[0, 0, 0, 75]),
    ];
    for (kind, code) in [(CommandKind::Replace, 2118_i16), (CommandKind::Cancel, 2106)] {
        let mut expected = patched(&echo);
        expected[..2].copy_from_slice(&code.to_be_bytes());
        let order =
            OrderCommand { order_id: OrderId(1_000_000_000_012_345), ..spread_command(kind) };
        assert_eq!(encode(&order).unwrap(), expected, "{kind:?}");
    }
}

#[test]
fn what_a_spread_order_cannot_say_is_named() {
    let new = spread_command(CommandKind::New);
    let paise = |paise| OrderCommand { price: Px::from_paise(paise), ..new };
    for (command, error) in [
        (OrderCommand { kind_code: 9, ..new }, EncodeError::Kind),
        (OrderCommand { side_code: 9, ..new }, EncodeError::Side),
        (
            OrderCommand { time_in_force_code: TimeInForce::Ioc as u8, ..new },
            EncodeError::TimeInForce,
        ),
        (OrderCommand { quantity: Qty(0), ..new }, EncodeError::Quantity),
        (OrderCommand { price: Px(1), ..new }, EncodeError::PriceNotPaise),
        (paise(999_999_990), EncodeError::PriceRange),
        (paise(-999_999_990), EncodeError::PriceRange),
        (spread_command(CommandKind::Replace), EncodeError::OrderNumber),
    ] {
        let command = OrderCommand { order_id: OrderId(0), ..command };
        assert_eq!(encode(&command).unwrap_err(), error);
    }
    for difference in [-999_999_989, 0, 999_999_989] {
        assert!(encode(&paise(difference)).is_ok(), "{difference}");
    }
    let venue = VenueOrderState::default();
    let unknown = encoder().encode_spread(&new, [InstrumentId(0), InstrumentId(7)], &venue, NOW);
    assert_eq!(unknown.unwrap_err(), EncodeError::UnknownInstrument);
}

/// An order in the first two instruments of a session.
pub(super) fn two_legs(client_order_id: ClientOrderId) -> LegsCommand {
    let legs = [leg(0, Side::Buy, 2_500_005, 150), leg(1, Side::Sell, 2_511_010, 150), None];
    LegsCommand { client_order_id, legs }
}

/// Requests and answers to be mutated: every code of a spread order and of orders of legs.
pub(super) fn corpus() -> Vec<Vec<u8>> {
    let requests = [2100_i16, 2102, 2104, 2106, 2118, 20_408, 20_410];
    let answers = [2124_i16, 2125, 2126, 2127, 2130, 2131, 2132, 2133, 2136, 2154, 2155, 9004];
    let with = |mut message: Vec<u8>, code: i16| {
        message[..2].copy_from_slice(&code.to_be_bytes());
        message
    };
    let requests = requests.map(|code| with(golden::bytes(SPREAD), code));
    let answers = answers.map(|code| with(patched(&CONFIRMED), code));
    requests.into_iter().chain(answers).collect()
}

fn leg(instrument: u32, side: Side, paise: i64, quantity: u32) -> Option<LegCommand> {
    let (instrument, quantity) = (InstrumentId(instrument), Qty(quantity));
    Some(LegCommand { instrument, side, price: Px::from_paise(paise), quantity })
}

fn of_legs(legs: [Option<LegCommand>; 3]) -> LegsCommand {
    LegsCommand { client_order_id: ClientOrderId(1), legs }
}

#[test]
fn legs_have_their_own_contract_side_price_and_quantity() {
    let (first, second) = (leg(0, Side::Buy, 2_500_005, 150), leg(1, Side::Sell, 12_000, 75));
    let message = encoder().encode_legs(&of_legs([first, second, None]), NOW).unwrap();
    let mut expected = patched(&[
        (0, &2102_i16.to_be_bytes()),
        (118, &[0, 1]),
        (140, &2_500_005_i32.to_be_bytes()),
        (164, &[0x02]),
        (316, &[0; 4]),
        (320, &35_002_i32.to_be_bytes()),
        (324, b"OPTIDX"),
        (340, &[0x57, 0xe6, 0x9b, 0xf8]),
        (344, &2_480_000_i32.to_be_bytes()),
        (348, b"PE"),
        (360, &[0, 2]),
        (370, &[0, 0, 0, 75]),
        (374, &[0, 0, 0, 75]),
        (382, &12_000_i32.to_be_bytes()),
        (394, &[0x02]),
    ]);
    assert_eq!(bytemuck::bytes_of(&message), expected);
    // A third leg takes the last eighty bytes, in the form of the second.
    let third = leg(2, Side::Sell, 12_000, 75);
    let message = encoder().encode_legs(&of_legs([first, second, third]), NOW).unwrap();
    expected[..2].copy_from_slice(&2104_i16.to_be_bytes());
    expected.copy_within(320..400, 400);
    expected[400..404].copy_from_slice(&35_003_i32.to_be_bytes());
    expected[404..430].copy_from_slice(&golden::bytes(SPREAD)[324..350]);
    assert_eq!(bytemuck::bytes_of(&message), expected);
}

#[test]
fn what_an_order_of_legs_cannot_say_is_named() {
    let (a, b, c) = (leg(0, Side::Buy, 5, 1), leg(1, Side::Buy, 5, 1), leg(2, Side::Buy, 5, 1));
    for (legs, error) in [
        ([None, b, c], EncodeError::Legs),
        ([a, None, c], EncodeError::Legs),
        ([a, a, None], EncodeError::Legs),
        ([a, b, a], EncodeError::Legs),
        ([a, b, b], EncodeError::Legs),
        ([a, leg(1, Side::Buy, 0, 1), None], EncodeError::PriceRange),
        ([a, b, leg(2, Side::Buy, 5, 0)], EncodeError::Quantity),
        ([a, leg(1, Side::Buy, 5, 1 << 31), None], EncodeError::Quantity),
        ([a, leg(7, Side::Buy, 5, 1), None], EncodeError::UnknownInstrument),
    ] {
        assert_eq!(encoder().encode_legs(&of_legs(legs), NOW).unwrap_err(), error, "{legs:?}");
    }
}

#[test]
fn a_confirmation_of_a_spread_decodes_field_by_field() {
    let read = decode_legs(&patched(&CONFIRMED)).unwrap();
    let report = read.reply.report;
    assert_eq!(report.kind(), Some(ExecutionKind::Replaced));
    assert_eq!(report.order_id, OrderId(1_000_000_000_012_345));
    assert_eq!((report.price, report.quantity), (Px::from_paise(-5), Qty(225)));
    assert_eq!(report.venue_time.to_string(), "2026-09-21 09:15:00.000001000");
    let further = [Token(35_003), Token(0)];
    assert_eq!(read.reply.legs, Some(LegsKey { form: LegsForm::Spread, further }));
    assert_eq!((read.reply.token, read.reply.side), (Token(35_001), Some(Side::Buy)));
    assert_eq!((read.reply.remaining, read.reply.filled), (Qty(150), Qty(75)));
    assert_eq!(read.reply.venue.last_activity_reference, 1_474_449_302_000_000_777);
    let (token, side) = (Token(35_001), Some(Side::Sell));
    let near = LegReply { token, side, quantity: Qty(225), filled: Qty(75) };
    let far = LegReply { token: Token(35_003), side: Some(Side::Buy), ..near };
    assert_eq!(read.legs, [near, far, LegReply::default()]);
}

#[test]
fn each_code_means_one_thing() {
    use ExecutionKind::*;
    let cases = [
        (2124, 0, Accepted, LegsForm::Spread),
        (2124, 16_388, Rejected, LegsForm::Spread),
        (2125, 0, Accepted, LegsForm::TwoLegs),
        (2126, 0, Accepted, LegsForm::ThreeLegs),
        (2136, 0, Replaced, LegsForm::Spread),
        (2136, 16_388, ReplaceRejected, LegsForm::Spread),
        (2130, 0, Canceled, LegsForm::Spread),
        (2131, 16_388, Canceled, LegsForm::TwoLegs),
        (2132, 17_071, Canceled, LegsForm::ThreeLegs),
        (9004, 16_388, Canceled, LegsForm::Spread),
        (2154, 16_713, Rejected, LegsForm::Spread),
        (2155, 16_605, Rejected, LegsForm::TwoLegs),
        (2156, 16_605, Rejected, LegsForm::ThreeLegs),
        (2133, 16_044, ReplaceRejected, LegsForm::Spread),
        (2127, 16_044, CancelRejected, LegsForm::Spread),
    ];
    for (code, error, kind, form) in cases {
        let mut message = patched(&CONFIRMED);
        message[..2].copy_from_slice(&i16::to_be_bytes(code));
        message[12..14].copy_from_slice(&i16::to_be_bytes(error));
        // A third leg that is not looked at, but by the form that has one.
        message[400..404].copy_from_slice(&35_002_i32.to_be_bytes());
        message[440..442].copy_from_slice(&[0, 1]);
        let read = decode_legs(&message).unwrap();
        assert_eq!(
            (read.reply.report.kind(), read.reply.report.reason),
            (Some(kind), error as u16),
            "{code}"
        );
        let third = if form == LegsForm::ThreeLegs { Token(35_002) } else { Token(0) };
        let further = [Token(35_003), third];
        assert_eq!(read.reply.legs, Some(LegsKey { form, further }), "{code}");
        // The decoder of other orders leaves them alone.
        let other = decode(9, &message, |_| None);
        assert_eq!(other, Err(DecodeError::UnknownTransactionCode { code }));
        // Refusals come as a plain error response too.
        let plain = decode_legs(&message[..182]);
        let is_refusal = matches!(code, 2127 | 2133 | 2154..=2156);
        assert_eq!(
            plain.map(|read| read.reply.report.kind()).ok(),
            is_refusal.then_some(Some(kind)),
            "{code}"
        );
    }
}

#[test]
fn what_no_answer_can_say_is_named_and_refusals_are_never_lost() {
    use DecodeError::OutOfRange;
    let good = patched(&CONFIRMED);
    for length in 0..good.len() {
        let error = match length {
            0 | 1 => DecodeError::Truncated,
            _ => DecodeError::MessageLength { code: 2136, length: length as u16 },
        };
        assert_eq!(decode_legs(&good[..length]), Err(error), "{length}");
    }
    let cases: [(usize, &[u8], Field); 8] = [
        (98, &[0; 8], Field::OrderNumber),
        (54, &[0; 4], Field::TokenNo),
        (118, &[0, 3], Field::BuySellIndicator),
        (320, &[0xff; 4], Field::TokenNo),
        (360, &[0, 0], Field::BuySellIndicator),
        (370, &[0xff; 4], Field::RemainingVolume),
        (374, &[0xff; 4], Field::Volume),
        (378, &[0xff; 4], Field::VolumeFilledToday),
    ];
    for (offset, bytes, field) in cases {
        let mut message = good.clone();
        message[offset..offset + bytes.len()].copy_from_slice(bytes);
        assert_eq!(decode_legs(&message), Err(OutOfRange(field)), "{offset}");
        message[..2].copy_from_slice(&2133_i16.to_be_bytes());
        assert!(decode_legs(&message).is_ok(), "{offset}");
    }
}

fn session() -> Session {
    let mut limits = super::super::client::Limits::default();
    (limits.instruments, limits.orders) = (4, 8);
    let config = Config {
        identity: identity(),
        box_id: 77,
        password: "secret",
        version: 94_800,
        encryption: Encryption::Plain,
        immediate_acknowledgement: false,
        limits,
    };
    Session::new(&config).unwrap()
}

#[test]
fn a_spread_is_defined_behind_its_legs_and_is_not_taken_over() {
    let mut session = session();
    let spread = Instrument::spread(&future(), Token(35_003));
    let define = |session: &mut Session, id, instrument: &Instrument| {
        session.define(InstrumentId(id), instrument, Underlying::Index)
    };
    define(&mut session, 0, &future()).unwrap();
    assert_eq!(define(&mut session, 3, &spread), Err(ContractError::Leg));
    define(&mut session, 1, &far()).unwrap();
    define(&mut session, 3, &spread).unwrap();
    assert_eq!(define(&mut session, 9, &spread), Err(ContractError::Capacity));
    let order = ResumedOrder {
        client_order_id: ClientOrderId(1),
        order_id: OrderId(7),
        instrument: InstrumentId(3),
        side: Side::Buy,
        price: Px::from_paise(5),
        quantity: Qty(65),
        filled: Qty(0),
        pending: None,
        heard_until: NOW,
    };
    assert_eq!(session.resume_order(&order, NOW), Err(CommandError::NotResumable));
    assert_eq!(session.open_orders().count(), 0);
    // Defined anew as a contract, it is one.
    define(&mut session, 3, &option()).unwrap();
    assert_eq!(session.resume_order(&order, NOW), Ok(()));
}

/// A member and a gateway that are signed on, with a spread in the near future and a later one (2), and
/// another in the same near future (4).
struct Table {
    client: Session,
    server: server::Session,
    /// What the member's host hears: own number, the leg or 0, what happened.
    heard: Vec<(u64, u32, ExecutionKind)>,
}

impl Table {
    fn new() -> Self {
        let (mut client, mut server) = (mutation::client(), mutation::server());
        let farther =
            Instrument { token: Token(35_004), expiry: far().expiry.plus(1_000_000_000), ..far() };
        let other = Instrument::spread(&future(), farther.token);
        for (id, instrument) in [(3, farther), (4, other)] {
            client.define(InstrumentId(id), &instrument, Underlying::Index).unwrap();
        }
        client.start(NOW);
        mutation::talk(&mut client, &mut server, 20, NOW);
        assert!(client.is_live());
        Self { client, server, heard: Vec::new() }
    }

    /// Sends an order in one of the spreads; the request as the gateway has it.
    fn enter(&mut self, id: u64, spread: u32) -> LegsRequest {
        let (client_order_id, instrument) = (ClientOrderId(id), InstrumentId(spread));
        let command = OrderCommand { client_order_id, instrument, ..mutation::of_spread() };
        self.client.on_command(&command, NOW).unwrap();
        self.carry();
        assert_eq!(self.server.poll_event(), Some(server::Event::LegsRequest));
        self.server.poll_legs_request().unwrap()
    }

    fn answer(&mut self, kind: AnswerKind, request: &mut LegsRequest, number: f64) {
        request.order.order.order_number = BeF64::new(number);
        let terms = Terms { stream: 1, ..Terms::default() };
        let (order, legs) = (&mut request.order, &request.legs);
        self.server.on_legs_answer(kind, request.form, order, legs, terms, NOW);
    }

    fn carry(&mut self) {
        let (mut buffer, mut waiting) = ([0; 256], Vec::new());
        for _ in 0..60 {
            let size = self.client.poll_transmit(&mut buffer);
            assert_eq!(self.server.on_bytes(&buffer[..size], NOW), size);
            let size = self.server.poll_transmit(&mut buffer, NOW);
            waiting.extend_from_slice(&buffer[..size]);
            let taken = self.client.on_bytes(&waiting, NOW);
            waiting.drain(..taken);
            self.listen();
        }
        assert!(waiting.is_empty());
    }

    fn listen(&mut self) {
        while let Some(event) = self.client.poll_event() {
            let (report, token) = match event {
                Event::Report { report, .. } => (report, 0),
                Event::Leg { report, token, .. } => (report, token.0),
                _ => continue,
            };
            self.heard.push((report.client_order_id.0, token, report.kind().unwrap()));
        }
    }
}

#[test]
fn the_further_legs_tell_which_order_is_meant() {
    let mut table = Table::new();
    let (mut first, mut second) = (table.enter(11, 2), table.enter(12, 4));
    // Nothing else tells the two apart in plain mode, and the first answer is lost.
    table.server.drop_answers(1);
    table.answer(AnswerKind::Confirmed, &mut first, 1.0);
    table.answer(AnswerKind::Confirmed, &mut second, 2.0);
    table.carry();
    assert_eq!(table.heard, [(12, 0, ExecutionKind::Accepted)]);
    assert!(table.client.open_orders().any(|(id, order, ..)| (id.0, order.0) == (12, 2)));
}

#[test]
fn an_end_that_says_more_filled_in_any_leg_waits_for_the_missing_trade() {
    let mut table = Table::new();
    let mut request = table.enter(11, 2);
    table.answer(AnswerKind::Confirmed, &mut request, 1.0);
    for leg in 0..2 {
        // The second leg's trade is lost.
        table.server.drop_answers(leg);
        let fill = Fill { number: 7, quantity: 75, price: 2_500_000 };
        let (order, legs) = (&mut request.order, &mut request.legs);
        let (made, at) = (TradeKind::Made, leg as usize);
        table.server.on_leg_trade(made, order, legs, at, &fill, 1, NOW);
    }
    table.answer(AnswerKind::Cancelled, &mut request, 1.0);
    table.carry();
    let (fill, near, later) = (ExecutionKind::Fill, 35_001, 35_003);
    let expected = [
        (11, 0, ExecutionKind::Accepted),
        (11, near, fill),
        (11, later, fill),
        (11, 0, ExecutionKind::Canceled),
    ];
    assert_eq!(table.heard, expected);
    assert_eq!((table.client.counters().gaps, table.client.open_orders().count()), (1, 0));
    assert!(table.client.is_consistent());
}
