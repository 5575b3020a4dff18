//! A change and the fill that crosses it.

use super::*;

/// An order of 150, confirmed, that the exchange fills while a change to 300 is on its way there.
fn fill_across_a_change(segment: Segment, loses_the_refusal: bool) -> World {
    let mut world = World::live_in(segment, METHODS[2], false);
    world.send(&new_order(1, 0, 2_500_000, 150)).unwrap();
    world.settle();
    let belief = world.believed[&1];
    world.send(&change(CommandKind::Replace, 1, &belief, 300, 2_500_000)).unwrap();
    let (number, (image, is_open)) = world.exchange.orders.iter_mut().next().unwrap();
    assert_eq!(*number, belief.order_id);
    let fill = Fill { number: 1, quantity: 150, price: image.order.price.get() };
    let stream = stream_of(image);
    world.server.on_trade(TradeKind::Made, image, &fill, stream, world.now);
    *is_open = false;
    world.exchange.drop_next = loses_the_refusal;
    world.events.clear();
    world.settle();
    world
}

#[test]
fn a_change_of_an_order_that_was_filled_is_refused_once_whether_its_refusal_comes_or_not() {
    let segments = [Segment::NseFo, Segment::NseCm];
    for (segment, loses) in segments.into_iter().flat_map(|it| [(it, false), (it, true)]) {
        let world = fill_across_a_change(segment, loses);
        let reports = world.events.iter().filter_map(|event| match event {
            Event::Report { report, origin } => Some((report.kind(), report.reason, *origin)),
            _ => None,
        });
        let expected = [
            (Some(ExecutionKind::Fill), 0, Origin::Live),
            (Some(ExecutionKind::ReplaceRejected), LocalReason::FILLED, Origin::Session),
        ];
        assert_eq!(reports.collect::<Vec<_>>(), expected, "{segment:?}, {loses}");
        assert_eq!(world.client.in_flight(), 0);
        assert_eq!(world.client.open_orders().count(), 0);
        assert!(world.client.is_consistent());
    }
}
