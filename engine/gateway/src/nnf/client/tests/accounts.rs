//! Orders of several accounts: what the exchange hears of each, and says back.

use tezi_model::{AccountDefinition, AccountId};

use super::super::super::{Account, EncodeError, IdentityError, OrderAttributes, SessionIdentity};
use super::*;

const OWN: AccountId = AccountId(1);
const ALPHA: AccountId = AccountId(2);
const LINES: [(AccountId, &str); 2] =
    [(OWN, "own=pro"), (ALPHA, "alpha=client:C0042,participant:CUST1,pan:AAAAA0001A")];

fn declare(session: &mut Session) {
    for (account, line) in LINES {
        let definition = AccountDefinition::parse(line).unwrap();
        session.declare(account, &definition, &identity()).unwrap();
    }
}

/// What an order says of for whom it is: account, participant, PAN, pro or client.
fn holder(image: &OrderImage) -> [String; 4] {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let order = &image.order;
    [
        text(order.account_number.trimmed()),
        text(order.settlor.trimmed()),
        text(order.pan.trimmed()),
        order.pro_client_indicator.get().to_string(),
    ]
}

/// Carries one request there and its answer back; the answer's bytes.
fn answer(world: &mut World) -> Vec<u8> {
    let mut buffer = vec![0; 4_096];
    let size = world.client.poll_transmit(&mut buffer);
    assert_eq!(world.server.on_bytes(&buffer[..size], world.now), size);
    world.take_events();
    let size = world.server.poll_transmit(&mut buffer, world.now);
    buffer.truncate(size);
    assert_eq!(world.client.on_bytes(&buffer, world.now), size);
    world.take_events();
    buffer
}

/// Whether bytes hold a text; every one holds nothing.
fn has(bytes: &[u8], text: &str) -> bool {
    text.is_empty() || bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

#[test]
fn each_order_is_for_its_account_and_answers_say_so() {
    for (segment, member) in [(Segment::NseFo, ""), (Segment::NseCm, "90001")] {
        let mut world = World::live_in(segment, Encryption::Plain, false);
        declare(&mut world.client);
        let expected = [
            (AccountId::NONE, [member, "", "ABCDE1234F", "2"]),
            (OWN, [member, "", "ABCDE1234F", "2"]),
            (ALPHA, ["C0042", "CUST1", "AAAAA0001A", "1"]),
        ];
        for (id, (account, holds)) in (1..).zip(expected) {
            let of = |command| OrderCommand { account, ..command };
            world.send(&of(new_order(id, 0, 10_000, 100))).unwrap();
            let said = answer(&mut world);
            let belief = world.believed[&id];
            assert!(belief.open, "{segment:?} {account}");
            let is_told = has(&said, holds[2]) && has(&said, holds[0]) && has(&said, holds[1]);
            assert!(is_told, "{segment:?} {account}: the confirmation");
            assert_eq!(holder(&world.exchange.orders[&belief.order_id].0), holds);
            world.send(&of(change(CommandKind::Replace, id, &belief, 50, 10_005))).unwrap();
            let asked = answer(&mut world);
            assert!(has(&asked, holds[2]), "{segment:?} {account}: the answer to a change");
            let belief = world.believed[&id];
            assert_eq!((belief.quantity, belief.price), (50, Px::from_paise(10_005).0));
            world.send(&of(change(CommandKind::Cancel, id, &belief, 50, 10_005))).unwrap();
            answer(&mut world);
            assert!(!world.believed[&id].open);
        }
    }
}

#[test]
fn what_was_never_declared_or_cannot_be_said_does_not_leave() {
    let mut world = World::live(Encryption::Plain, false);
    let of = |account, command| OrderCommand { account: AccountId(account), ..command };
    let unknown = Err(CommandError::Encode(EncodeError::Account));
    assert_eq!(world.send(&of(1, new_order(1, 0, 10_000, 100))), unknown);
    declare(&mut world.client);
    assert_eq!(world.send(&of(3, new_order(1, 0, 10_000, 100))), unknown);
    assert_eq!(world.send(&of(2, new_order(1, 0, 10_000, 100))), Ok(()));
    // Attributes are laid over the same request.
    let attributes = OrderAttributes { disclosed: Qty(10), ..OrderAttributes::default() };
    let command = of(2, new_order(2, 0, 10_000, 100));
    world.client.on_order(&command, &attributes, world.now).unwrap();
    world.settle();
    let images = world.exchange.orders.values().map(|(image, _)| holder(image));
    assert_eq!(images.collect::<Vec<_>>(), [["C0042", "CUST1", "AAAAA0001A", "1"]; 2]);
    // A number left out; and a session of a client has no PAN for the member's own.
    let own = AccountDefinition::parse("own=pro").unwrap();
    let error = world.client.declare(AccountId(4), &own, &identity());
    assert_eq!(error, Err(IdentityError::Account));
    let client = SessionIdentity { account: Account::Client("C1"), ..identity() };
    assert_eq!(world.client.declare(AccountId(3), &own, &client), Err(IdentityError::Pan));
    let own = AccountDefinition::parse("own=pro,pan:BBBBB0002B").unwrap();
    assert_eq!(world.client.declare(AccountId(3), &own, &client), Ok(()));
}
