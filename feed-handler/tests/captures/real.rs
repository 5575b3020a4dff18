//! Real packets against an independent decode. The captures are private: without `TEZI_CAPTURES`
//! these tests say that they skip. Beside each stands one in `own.rs`.

use std::path::PathBuf;

use crate::common::{market, replay};
use tezi_feed_handler::Line;
use tezi_model::{Event, EventKind, NseTime, Side};

/// A file of the MTBT captures, `None` when there are none here.
fn file(name: &str) -> Option<Vec<u8>> {
    let Some(root) = std::env::var_os("TEZI_CAPTURES") else {
        println!("skipped: TEZI_CAPTURES is not set, so {name} is not here");
        return None;
    };
    let path = PathBuf::from(root).join("nse_mtbt").join(name);
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn type_letter(kind: EventKind) -> char {
    match kind {
        EventKind::OrderNew => 'N',
        EventKind::OrderModify => 'M',
        EventKind::OrderCancel => 'X',
        EventKind::Trade => 'T',
        EventKind::SpreadOrderNew => 'G',
        EventKind::SpreadOrderModify => 'H',
        EventKind::SpreadOrderCancel => 'J',
        EventKind::SpreadTrade => 'K',
        EventKind::TradeCancel => 'C',
        other => panic!("{} is no message", other.name()),
    }
}

/// An event in the columns of the decode.
fn csv_row(event: &Event) -> String {
    let kind = event.kind().unwrap();
    let (sell_id, side) = match kind {
        EventKind::Trade | EventKind::SpreadTrade | EventKind::TradeCancel => {
            (event.sell_order_id.to_string(), "")
        }
        _ if event.side() == Side::Sell => (String::new(), "S"),
        _ => (String::new(), "B"),
    };
    format!(
        "{},{},{},{},{},{},{},{},{},{}",
        event.stream.number(),
        event.sequence,
        type_letter(kind),
        NseTime::from_nanos(event.exchange_time).0 / 1_000_000,
        event.order_id,
        sell_id,
        event.token,
        side,
        event.price.to_paise().unwrap(),
        event.quantity
    )
}

#[test]
fn the_single_line_decodes_as_others_decode_it() {
    let (Some(capture), Some(csv)) = (file("first3000.pcap"), file("first3000.decoded.csv")) else {
        return;
    };
    let (events, arbiter) = replay(&capture);
    let csv = String::from_utf8(csv).unwrap();
    let expected: Vec<&str> = csv.lines().skip(1).collect();
    assert_eq!(events.len(), expected.len());
    for (event, expected) in events.iter().zip(expected) {
        assert_eq!(csv_row(event), expected);
    }
    assert_eq!(arbiter.line(Line::A).errors_total(), 0);
}

#[test]
fn two_lossy_lines_give_the_single_line() {
    let (Some(single), Some(both)) = (file("first3000.pcap"), file("first3000.AB_clean.pcap"))
    else {
        return;
    };
    let (events, arbiter) = replay(&both);
    assert_eq!(market(&events), market(&replay(&single).0));
    let stream = arbiter.stream(2).unwrap();
    // What the truth file says each line dropped.
    assert_eq!(Line::BOTH.map(|line| stream.missing(line)), [61, 42]);
    assert_eq!(stream.gaps().lost, 0);
}

#[test]
fn what_is_lost_on_both_lines_is_reported_exactly() {
    let (Some(single), Some(both), Some(truth)) =
        (file("first3000.pcap"), file("first3000.AB_gaps.pcap"), file("AB_truth.txt"))
    else {
        return;
    };
    let truth = String::from_utf8(truth).unwrap();
    let line = truth.lines().find(|line| line.contains("AB_gaps")).unwrap();
    let list = &line[line.find('[').unwrap() + 1..line.rfind(']').unwrap()];
    let lost: Vec<u32> = list.split(", ").map(|number| number.parse().unwrap()).collect();

    let (events, arbiter) = replay(&both);
    let stream = arbiter.stream(2).unwrap();
    let reported: Vec<u32> =
        stream.lost_ranges().iter().flat_map(|range| range.first..=range.last).collect();
    assert_eq!(reported, lost);
    let gaps = events.iter().filter(|event| event.kind() == Some(EventKind::StreamGap)).count();
    assert_eq!(gaps, stream.lost_ranges().len());
    let kept: Vec<Event> =
        events.into_iter().filter(|event| event.kind() != Some(EventKind::StreamGap)).collect();
    let expected: Vec<Event> =
        replay(&single).0.into_iter().filter(|event| !lost.contains(&event.sequence)).collect();
    assert_eq!(market(&kept), market(&expected));
    // What the truth file says each line dropped, those lost on both included.
    assert_eq!(Line::BOTH.map(|line| stream.missing(line)), [104, 86]);
}
