//! The slower feed beside the tape: five levels and the day's figures of each contract that changed,
//! some times a minute, as 7208 (FO 9.48, chapter 9), or 17208 from the day on which it is the only
//! form.
//!
//! Every record is a whole picture of its contract, so what is lost on the way is healed by the next.
//! Two records make a message, compressed by LZO1Z, and as many messages a datagram as fit. Spreads
//! (7211), tickers and indices are not sent. Nothing allocates after construction, and while the feed is
//! switched off a report costs one look.

use tezi_core::book::Books;
use tezi_core::matching::{Matcher, Report, Trade, TradeKind};
use tezi_core::venue::Date;
use tezi_core::venue::session::Phase;
use tezi_feed_handler::wire::nse_broadcast::{
    Auction, DATAGRAM_SIZE_MAX, DatagramWriter, DayPrices, EncodeError, Level, MarketByPrice,
    MarketByPriceForm, SecurityStatus, Trades, encode_market_by_price,
};
use tezi_model::{InstrumentId, Nanos, Px, Segment, Side};

use crate::config::{ConfigError, ExchangeConfig, Listing};

/// Records of a message.
const RECORDS_MAX: usize = 2;
/// The regular lot book.
const BOOK_REGULAR_LOT: i16 = 1;
/// The machine number that messages name.
const MACHINE: u8 = 1;
/// Wire flags of a record, first byte: the last trade was higher or lower, there are bids, offers.
const LAST_MORE: u8 = 0x80;
const LAST_LESS: u8 = 0x40;
const HAS_BIDS: u8 = 0x20;
const HAS_ASKS: u8 = 0x10;

/// How often the five-level feed speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroadcastConfig {
    /// From one look at what changed to the next, in nanoseconds.
    pub interval_ns: i64,
    /// Every contract is sent, changed or not, after so many looks; 0 for never.
    pub refresh_every: u32,
    /// 7208 or 17208; `None` for what the exchange sends on the day.
    pub form: Option<MarketByPriceForm>,
}

impl Default for BroadcastConfig {
    /// Once a second what changed, once a minute everything.
    fn default() -> Self {
        Self { interval_ns: 1_000_000_000, refresh_every: 60, form: None }
    }
}

impl BroadcastConfig {
    /// The form of a day: from 5 September 2026 the F&O feed carries the wide one only (NSE circular
    /// of 8 May 2026).
    fn form_of(&self, date: Date) -> MarketByPriceForm {
        let is_wide = Date::new(2026, 9, 5).is_some_and(|first| date >= first);
        let usual = if is_wide { MarketByPriceForm::Wide } else { MarketByPriceForm::Narrow };
        self.form.unwrap_or(usual)
    }
}

/// One contract and what was traded of it.
struct Figures {
    listing: Listing,
    has_changed: bool,
    trades: Trades,
    prices: DayPrices,
    /// Price times quantity of the day, for the average.
    value: i128,
    flags: u8,
}

/// The feed of all contracts.
pub(crate) struct Broadcast {
    config: BroadcastConfig,
    form: MarketByPriceForm,
    segment: Segment,
    figures: Box<[Figures]>,
    due: Nanos,
    looks: u32,
    /// Contracts from here on are still to be sent, of the look that runs; at the end, none.
    cursor: usize,
    /// When that look was.
    looked: Nanos,
    pub(crate) datagrams: u64,
    pub(crate) records: u64,
    /// Records that no message can say.
    pub(crate) refused: u64,
}

impl Broadcast {
    pub(crate) fn new(
        config: &ExchangeConfig,
        wanted: BroadcastConfig,
    ) -> Result<Self, ConfigError> {
        if wanted.interval_ns <= 0 {
            return Err(ConfigError::Range("broadcast.interval_ns"));
        }
        let figures = |listing: &Listing| Figures {
            listing: *listing,
            has_changed: false,
            trades: Trades::default(),
            prices: DayPrices { close: listing.reference, ..DayPrices::default() },
            value: 0,
            flags: 0,
        };
        let figures: Box<[Figures]> = config.listings.iter().map(figures).collect();
        Ok(Self {
            config: wanted,
            form: wanted.form_of(config.date),
            segment: config.segment,
            cursor: figures.len(),
            figures,
            due: Nanos::MAX,
            looks: 0,
            looked: Nanos::ZERO,
            datagrams: 0,
            records: 0,
            refused: 0,
        })
    }

    pub(crate) fn start(&mut self, now: Nanos) {
        self.due = now.plus(self.config.interval_ns);
    }

    pub(crate) const fn next_due(&self) -> Nanos {
        self.due
    }

    /// A look is due: what changed since the last one can be polled now. What nobody polled of the
    /// last one still counts as changed.
    pub(crate) fn on_time(&mut self, now: Nanos) {
        if now < self.due {
            return;
        }
        self.due = now.plus(self.config.interval_ns);
        self.looked = now;
        self.looks += 1;
        if self.config.refresh_every > 0 && self.looks.is_multiple_of(self.config.refresh_every) {
            self.figures.iter_mut().for_each(|it| it.has_changed = true);
        }
        self.cursor = 0;
    }

    #[inline]
    pub(crate) fn on_report(&mut self, report: &Report) {
        let instrument = match report {
            Report::Traded(trade) => {
                self.on_trade(trade);
                trade.instrument
            }
            Report::Accepted(state)
            | Report::Modified(state)
            | Report::Canceled(state, _)
            | Report::Priced(state)
            | Report::Triggered(state)
            | Report::Replenished(state) => state.instrument,
            Report::Frozen(_) | Report::TradeCanceled(_) | Report::Refused { .. } => return,
        };
        self.touch(instrument);
    }

    /// A contract's picture is another: its phase changed, or its book. Spreads have no picture.
    #[inline]
    pub(crate) fn touch(&mut self, instrument: InstrumentId) {
        if let Some(figures) = self.figures.get_mut(instrument.index()) {
            figures.has_changed = true;
        }
    }

    fn on_trade(&mut self, trade: &Trade) {
        let Some(figures) = self.figures.get_mut(trade.instrument.index()) else { return };
        let units = u64::from(trade.quantity.0);
        figures.trades.volume += units;
        figures.value += i128::from(trade.price.0) * i128::from(units);
        // A spread's leg is volume and no price, as on the tape.
        if trade.kind != TradeKind::Regular {
            return;
        }
        let (prices, trades) = (&mut figures.prices, &mut figures.trades);
        let is_first = prices.open == Px::ZERO;
        if is_first {
            (prices.open, prices.high, prices.low) = (trade.price, trade.price, trade.price);
        }
        (prices.high, prices.low) = (prices.high.max(trade.price), prices.low.min(trade.price));
        figures.flags = match trade.price.cmp(&trades.last_price) {
            _ if is_first => 0,
            core::cmp::Ordering::Greater => LAST_MORE,
            core::cmp::Ordering::Less => LAST_LESS,
            core::cmp::Ordering::Equal => figures.flags,
        };
        trades.last_price = trade.price;
        trades.last_quantity = units;
        trades.last_time = trade.time;
        trades.net_change = trade.price - prices.close;
    }

    /// Copies out the next datagram of the look that runs; how many bytes. A buffer of fewer than
    /// [`DATAGRAM_SIZE_MAX`] bytes gets nothing and loses nothing.
    pub(crate) fn poll(&mut self, matcher: &Matcher, buffer: &mut [u8]) -> Option<usize> {
        if buffer.len() < DATAGRAM_SIZE_MAX {
            return None;
        }
        let mut writer = DatagramWriter::new(self.segment).ok()?;
        let mut is_empty = true;
        while let Some((records, count, next)) = self.next_records(matcher) {
            match self.push(&mut writer, &records[..count]) {
                Ok(()) => is_empty = false,
                // The next datagram takes it.
                Err(EncodeError::DatagramFull) if !is_empty => break,
                Err(_) => self.refused += count as u64,
            }
            let sent = self.figures[self.cursor..next].iter_mut();
            sent.for_each(|it| it.has_changed = false);
            self.cursor = next;
        }
        let bytes = writer.as_bytes();
        if is_empty {
            return None;
        }
        buffer.get_mut(..bytes.len())?.copy_from_slice(bytes);
        self.datagrams += 1;
        Some(bytes.len())
    }

    fn push(
        &mut self,
        writer: &mut DatagramWriter,
        records: &[MarketByPrice],
    ) -> Result<(), EncodeError> {
        let message = encode_market_by_price(self.form, MACHINE, records)?;
        writer.push_compressed(message.as_bytes())?;
        self.records += records.len() as u64;
        Ok(())
    }

    /// The next one or two records, how many, and where the contracts behind them begin.
    fn next_records(
        &self,
        matcher: &Matcher,
    ) -> Option<([MarketByPrice; RECORDS_MAX], usize, usize)> {
        let changed =
            |from: usize| (from..self.figures.len()).find(|&at| self.figures[at].has_changed);
        let first = changed(self.cursor)?;
        let record = self.record(first, matcher);
        match changed(first + 1) {
            Some(second) => Some(([record, self.record(second, matcher)], 2, second + 1)),
            None => Some(([record; 2], 1, first + 1)),
        }
    }

    fn record(&self, at: usize, matcher: &Matcher) -> MarketByPrice {
        let Figures { listing, trades, prices, value, flags, .. } = &self.figures[at];
        let id = InstrumentId(at as u32);
        let (mut trades, mut flags) = (*trades, *flags);
        if trades.volume > 0 {
            let average = value / i128::from(trades.volume);
            trades.average_price = Px(average as i64).floor_to(Px(Px::PAISA));
        }
        if self.form == MarketByPriceForm::Narrow && trades.volume > u64::from(u32::MAX) {
            (trades.volume, trades.volume_exceeded) = (u64::from(u32::MAX), true);
        }
        let (bids, total_buy) = side_of(matcher.books(), id, Side::Buy);
        let (asks, total_sell) = side_of(matcher.books(), id, Side::Sell);
        flags |= if total_buy > 0 { HAS_BIDS } else { 0 };
        flags |= if total_sell > 0 { HAS_ASKS } else { 0 };
        MarketByPrice {
            segment: self.segment,
            token: listing.instrument.token,
            time: self.looked,
            book_type: BOOK_REGULAR_LOT,
            status: Some(status_of(matcher.phase(id))),
            trades,
            auction: Auction::default(),
            bids,
            asks,
            total_buy,
            total_sell,
            indicator: [flags, 0],
            prices: *prices,
            indicative_close: Px::ZERO,
        }
    }
}

/// The five best levels of a side, and the quantity of all. Market orders, which stand in an auction's
/// book beyond any price, are counted and not shown.
fn side_of(books: &Books, id: InstrumentId, side: Side) -> ([Level; 5], u64) {
    let mut levels = [Level::default(); 5];
    let (mut shown, mut total) = (levels.iter_mut(), 0);
    for level in books.levels(id, side) {
        total += level.quantity;
        let is_limit = level.price.to_paise().is_some_and(|paise| i32::try_from(paise).is_ok());
        if is_limit && let Some(place) = shown.next() {
            let orders = level.orders.min(i16::MAX as u32);
            *place = Level { price: level.price, quantity: level.quantity, orders };
        }
    }
    (levels, total)
}

const fn status_of(phase: Phase) -> SecurityStatus {
    match phase {
        Phase::Continuous => SecurityStatus::Open,
        Phase::PreOpenEntry | Phase::PreOpenLimitOnly => SecurityStatus::PreOpen,
        Phase::PreOpenMatch | Phase::PreOpenBuffer => SecurityStatus::PriceDiscovery,
        _ => SecurityStatus::Suspended,
    }
}
