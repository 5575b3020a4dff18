//! Any bytes as an ITCH message and as a file of them: no panic, both ways to the event agree, and
//! what decodes keeps the model's promises.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::wire::itch::{
    FileReader, Message, MessageContext, SessionDate, decode, decode_event,
};
use tezi_model::{Event, EventKind, Nanos, Segment, StreamId, TradingStatus};

fn check(bytes: &[u8], context: &MessageContext) -> Option<Event> {
    let decoded = decode(bytes);
    let event = decode_event(bytes, context);
    assert_eq!(event, decoded.and_then(|message| message.to_event(context)));
    if let Ok(Message::StockDirectory(stock)) = decoded
        && let Ok(instrument) = stock.instrument()
    {
        assert!(instrument.token.0 > 0 && instrument.lot.0 > 0);
    }
    event.ok().flatten()
}

fuzz_target!(|data: &[u8]| {
    let context = MessageContext {
        stream: StreamId::new(Segment::NasdaqUs, 1),
        midnight: SessionDate::new(2019, 12, 30).expect("a date").midnight(),
        receive_time: Nanos(1),
        flags: 0,
        sequence: 1,
    };
    let file = FileReader::new(data).filter_map(Result::ok).map(|message| message.bytes);
    for event in std::iter::once(data).chain(file).filter_map(|bytes| check(bytes, &context)) {
        match event.kind() {
            Some(EventKind::TradingStatus) => {
                assert!(TradingStatus::from_code(event.quantity.0).is_some());
                continue;
            }
            _ => assert!(event.token.0 > 0),
        }
        match event.kind() {
            Some(EventKind::OrderNew | EventKind::OrderReplace | EventKind::Trade) => {
                assert!(event.price.0 > 0 && !event.quantity.is_zero());
            }
            kind => assert!(kind.is_some()),
        }
    }
});
