//! The rows that records must become, read from their bytes by offset. Names of instruments are left
//! out: bytes alone do not have them.

use std::collections::BTreeMap;

use tezi_parquet::Table;

use super::{Cell, Raw, Row};

/// Columns whose values the bytes of a record alone do not give.
const NAMES: [&str; 3] = ["instrument", "segment", "token"];

/// The rows of a table, without [`NAMES`] but in `market`, where only the instrument is left out.
pub fn rows(table: Table, records: &[Raw]) -> Vec<Row> {
    let mut orders = BTreeMap::new();
    let row = |raw: &Raw| {
        if raw.record_type == 16 && raw.payload.len() == 48 && raw.payload[36] == 1 {
            orders.insert(raw.u64(0), (raw.u32(32), raw.payload[37]));
        }
        match table {
            Table::Records => Some(record(raw)),
            Table::Market => market(raw),
            Table::Orders => order(raw, &orders),
            Table::Fills => fill(raw, &orders),
            Table::Instruments | Table::Controls => None,
        }
    };
    records.iter().filter_map(row).collect()
}

/// A row as the bytes alone give it.
pub fn without_names(table: Table, mut row: Row) -> Row {
    let names = if table == Table::Market { &NAMES[..1] } else { &NAMES };
    row.retain(|name, _| table == Table::Records || !names.contains(&name.as_str()));
    row
}

type Orders = BTreeMap<u64, (u32, u8)>;

impl Raw {
    fn bytes<const N: usize>(&self, offset: usize) -> [u8; N] {
        self.payload[offset..offset + N].try_into().unwrap()
    }

    pub fn u16(&self, offset: usize) -> u16 {
        u16::from_le_bytes(self.bytes(offset))
    }

    pub fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.bytes(offset))
    }

    pub fn u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.bytes(offset))
    }

    fn i64(&self, offset: usize) -> i64 {
        i64::from_le_bytes(self.bytes(offset))
    }

    fn row<const N: usize>(&self, cells: [(&str, Cell); N]) -> Row {
        let own = [("sequence", int(self.sequence)), ("time", time(self.time))];
        own.into_iter().chain(cells).map(|(name, cell)| (name.to_string(), cell)).collect()
    }
}

fn int(number: impl Into<i128>) -> Cell {
    Cell::Int(number.into())
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

fn time(time: i64) -> Cell {
    nonzero(time)
}

fn nonzero(number: impl Into<i128>) -> Cell {
    match number.into() {
        0 => Cell::Null,
        number => Cell::Int(number),
    }
}

/// The name of a code from a list that begins at `first`.
fn name(names: &[&str], first: u8, code: u8) -> Cell {
    let name = code.checked_sub(first).and_then(|index| names.get(usize::from(index)));
    name.map_or_else(|| Cell::Text(format!("unknown_{code}")), |name| text(name))
}

fn record(raw: &Raw) -> Row {
    let name = match raw.record_type {
        1 => "session",
        2 => "config",
        3 => "instrument",
        4 => "start",
        5 => "event",
        6 => "report",
        7 => "stop",
        8 => "order_session",
        9 => "control",
        10 => "resume",
        11 => "trade_cancel",
        12 => "underlying",
        13 => "contract",
        14 => "opening",
        16 => "command",
        17 => "refusal",
        18 => "venue_report",
        19 => "timer",
        20 => "kill",
        21 => "strategy",
        22 => "theoretical",
        23 => "risk_reduction",
        24 => "limit_use",
        25 => "account",
        32 => "end",
        other => &format!("unknown_{other}"),
    };
    raw.row([
        ("record_type", text(name)),
        ("flags", int(raw.flags)),
        ("length", int(raw.payload.len() as u64)),
        ("segment", int(raw.segment)),
        ("payload", Cell::Bytes(raw.payload.clone())),
    ])
}

const KINDS: [&str; 21] = [
    "order_new",
    "order_modify",
    "order_cancel",
    "trade",
    "spread_order_new",
    "spread_order_modify",
    "spread_order_cancel",
    "spread_trade",
    "trade_cancel",
    "stream_gap",
    "stream_reset",
    "clock",
    "stream_stale",
    "stream_whole",
    "snapshot_start",
    "order_reduce",
    "order_execute",
    "order_replace",
    "trading_status",
    "index_value",
    "book_clear",
];
const SEGMENTS: [&str; 9] = ["fo", "cm", "cd", "co", "bse-fo", "bse-cm", "bse-cd", "nasdaq", "cme"];
const SIDES: [&str; 2] = ["buy", "sell"];

fn market(raw: &Raw) -> Option<Row> {
    if raw.record_type != 5 || raw.payload.len() != 56 {
        return None;
    }
    let (kind, flags, stream) = (raw.payload[0], raw.payload[1], raw.u16(2));
    let side = SIDES[usize::from(flags & 1)];
    let says_nothing = flags & 1 == 0 && raw.u32(28) == 0 && raw.i64(32) == 0;
    let side = match kind {
        1 | 2 | 5 | 6 => text(side),
        3 | 7 if !says_nothing => text(side),
        _ => Cell::Null,
    };
    let segment = name(&SEGMENTS, 1, (stream >> 8 & 0xF) as u8);
    Some(raw.row([
        ("kind", name(&KINDS, 1, kind)),
        ("segment", if stream == 0 { Cell::Null } else { segment }),
        ("token", int(raw.u32(4))),
        ("side", side),
        ("price", int(raw.i64(32))),
        ("quantity", int(raw.u32(28))),
        ("order_id", nonzero(raw.u64(40))),
        ("sell_order_id", nonzero(raw.u64(48))),
        ("stream", int(stream & 0xFF | stream >> 4 & 0xF00)),
        ("stream_sequence", int(raw.u32(24))),
        ("exchange_time", time(raw.i64(8))),
        ("receive_time", time(raw.i64(16))),
        ("flags", int(flags)),
    ]))
}

fn order(raw: &Raw, orders: &Orders) -> Option<Row> {
    let asked = ["new", "replace", "cancel"];
    let tif = ["day", "ioc"];
    if raw.payload.len() != 48 {
        return None;
    }
    let null = Cell::Null;
    let code = |offset: usize| raw.payload[offset];
    let known = orders.get(&raw.u64(0));
    let known_id = known.map_or(Cell::Null, |(id, _)| int(*id));
    let known_side = known.map_or(Cell::Null, |(_, side)| name(&SIDES, 0, *side));
    let answers =
        ["accepted", "rejected", "replaced", "replace_rejected", "canceled", "cancel_rejected"];
    Some(match raw.record_type {
        16 => raw.row([
            ("event", text("sent")),
            ("request", name(&asked, 1, code(36))),
            ("source", text("core")),
            ("call", int(raw.flags)),
            ("strategy", nonzero(code(39))),
            ("account", nonzero(code(40))),
            ("client_order_id", nonzero(raw.u64(0))),
            ("order_id", nonzero(raw.u64(8))),
            ("instrument_id", int(raw.u32(32))),
            ("side", name(&SIDES, 0, code(37))),
            ("time_in_force", name(&tif, 0, code(38))),
            ("price", int(raw.i64(16))),
            ("quantity", int(raw.u32(24))),
            ("filled", int(raw.u32(28))),
            ("reason_code", null.clone()),
            ("reason", null.clone()),
            ("venue_time", null),
        ]),
        17 => {
            let is_new = code(24) == 1;
            let reason = tezi::model::RejectReason::from_code(raw.u16(40));
            let reason = reason.map_or(format!("unknown_{}", raw.u16(40)), |it| it.name().into());
            raw.row([
                ("event", text("refused")),
                ("request", name(&asked, 1, code(24))),
                ("source", text("core")),
                ("call", int(raw.flags)),
                ("strategy", nonzero(code(27))),
                ("account", nonzero(code(28))),
                ("client_order_id", nonzero(raw.u64(0))),
                ("order_id", null.clone()),
                ("instrument_id", if is_new { int(raw.u32(20)) } else { known_id }),
                ("side", if is_new { name(&SIDES, 0, code(25)) } else { known_side }),
                ("time_in_force", if is_new { name(&tif, 0, code(26)) } else { null.clone() }),
                ("price", int(raw.i64(8))),
                ("quantity", int(raw.u32(16))),
                ("filled", null.clone()),
                ("reason_code", int(raw.u16(40))),
                ("reason", text(&reason)),
                ("venue_time", null),
            ])
        }
        6 | 18 if code(32) != 7 => raw.row([
            ("event", name(&answers, 1, code(32))),
            ("request", null.clone()),
            ("source", text(if raw.record_type == 6 { "venue" } else { "simulated_venue" })),
            ("call", null.clone()),
            ("strategy", null.clone()),
            ("account", null.clone()),
            ("client_order_id", nonzero(raw.u64(0))),
            ("order_id", nonzero(raw.u64(8))),
            ("instrument_id", known_id),
            ("side", known_side),
            ("time_in_force", null.clone()),
            ("price", int(raw.i64(16))),
            ("quantity", int(raw.u32(24))),
            ("filled", null.clone()),
            ("reason_code", nonzero(raw.u16(34))),
            ("reason", null),
            ("venue_time", time(raw.i64(40))),
        ]),
        _ => return None,
    })
}

fn fill(raw: &Raw, orders: &Orders) -> Option<Row> {
    let is_report = [6, 11, 18].contains(&raw.record_type) && raw.payload.len() == 48;
    let is_fill = is_report && (raw.payload[32] == 7 || raw.record_type == 11);
    if !is_fill {
        return None;
    }
    let known = orders.get(&raw.u64(0));
    Some(raw.row([
        ("event", text(if raw.record_type == 11 { "trade_cancel" } else { "fill" })),
        ("source", text(if raw.record_type == 18 { "simulated_venue" } else { "venue" })),
        ("client_order_id", nonzero(raw.u64(0))),
        ("order_id", nonzero(raw.u64(8))),
        ("fill_id", int(raw.u32(28))),
        ("instrument_id", known.map_or(Cell::Null, |(id, _)| int(*id))),
        ("side", known.map_or(Cell::Null, |(_, side)| name(&SIDES, 0, *side))),
        ("price", int(raw.i64(16))),
        ("quantity", int(raw.u32(24))),
        ("is_passive", int(u8::from(raw.payload[33] != 0))),
        ("reason_code", nonzero(raw.u16(34))),
        ("venue_time", time(raw.i64(40))),
    ]))
}
