//! What broadcast messages say, in the units of the model. After this, nobody looks at wire bytes.
//!
//! Prices are [`Px`]; an absent price is [`Px::ZERO`]. Times are UTC [`Nanos`] with a grain of one
//! second; an absent time is [`Nanos::ZERO`]. Quantities are units in `u64`: the feed's wide forms
//! do not fit the model's 32 bits. Codes that the documents do not list stay readable: a status is
//! an `Option`, other codes are the wire's number.

use core::fmt;

use tezi_model::{Nanos, OptionType, Px, Segment, Symbol, Token};

/// Levels on each side.
pub const DEPTH: usize = 5;

/// One record of a broadcast message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Update<'a> {
    /// 7200, 7208, 17208: five levels and the day's statistics.
    MarketByPrice(MarketByPrice),
    /// 7200: the five best orders of each side.
    MarketByOrder(MarketByOrder),
    /// 7214: five levels of a call auction.
    CallAuction(CallAuction),
    /// 7211, 17211: five levels of a spread.
    Spread(SpreadMarketByPrice),
    /// 7202, 17202, 18703: the last trade.
    Ticker(Ticker),
    /// 7201, 17201: the touch of three markets.
    MarketWatch(MarketWatch),
    /// 7215: the touch of a call auction.
    AuctionWatch(AuctionWatch),
    /// CM 7210: cancelled quantities of a call auction.
    AuctionCancels(AuctionCancels),
    /// 7130, 17130: open interest of an underlying.
    OpenInterest(OpenInterest),
    /// 7220: the prices at which a contract may trade now.
    ExecutionRange(ExecutionRange),
    /// 7207, 7216: an index.
    Index(Index<'a>),
    /// 8207: an indicative index of the closing auction.
    IndicativeIndex(IndicativeIndex<'a>),
    /// 7203: an industry index.
    IndustryIndex(IndustryIndex<'a>),
    /// 6511 to 6584: a market opens or closes.
    MarketStatus(MarketStatus<'a>),
    /// 7320, F&O 7210, 18130, 18707: the status of an instrument.
    SecurityStatus(SecurityStatusChange),
    /// 7764: an action on a symbol.
    SymbolAction(SymbolAction),
    /// 7305, 7340: a contract is new or changed.
    Contract(ContractUpdate<'a>),
    /// 7309, 7341: a spread is new or changed.
    SpreadContract(SpreadUpdate),
    /// 18720: a security is new or changed.
    Security(SecurityUpdate<'a>),
    /// 6541: the feed is alive.
    CircuitCheck,
}

/// The status of an instrument in one market (FO 9.48, annexure).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SecurityStatus {
    /// In the pre-open session.
    PreOpen = 1,
    /// Open.
    Open = 2,
    /// Suspended.
    Suspended = 3,
    /// The pre-open session is extended.
    PreOpenExtended = 4,
    /// Opens with the market.
    OpenWithMarket = 5,
    /// In price discovery.
    PriceDiscovery = 6,
}

impl SecurityStatus {
    /// The status a wire number stands for.
    #[inline]
    #[must_use]
    pub const fn from_code(code: i16) -> Option<Self> {
        Some(match code {
            1 => Self::PreOpen,
            2 => Self::Open,
            3 => Self::Suspended,
            4 => Self::PreOpenExtended,
            5 => Self::OpenWithMarket,
            6 => Self::PriceDiscovery,
            _ => return None,
        })
    }
}

/// A text of the exchange, without the blanks and zeros that pad it. Any bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// The text of a padded field: what comes before the first NUL, without blanks at its ends.
    #[must_use]
    pub fn new(field: &'a [u8]) -> Self {
        let length = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
        Self(field[..length].trim_ascii())
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// As the model's symbol, cut to 16 bytes.
    #[must_use]
    pub fn to_symbol(self) -> Symbol {
        core::str::from_utf8(self.0).map_or(Symbol::default(), Symbol::new)
    }
}

impl fmt::Display for Text<'_> {
    /// The text, with every byte outside printable ASCII as `?`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.0.iter().try_for_each(|&byte| {
            let is_plain = byte.is_ascii_graphic() || byte == b' ';
            f.write_char(if is_plain { char::from(byte) } else { '?' })
        })
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// One price level. An empty one is all zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// The price, or the price difference of a spread.
    pub price: Px,
    /// Open quantity, in units.
    pub quantity: u64,
    /// Orders at the price.
    pub orders: u32,
}

impl Level {
    /// Whether nothing is there. A spread may trade at a difference of zero, so quantity decides.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.quantity == 0
    }
}

/// Open, high, low and close of the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayPrices {
    /// The first trade.
    pub open: Px,
    /// The highest.
    pub high: Px,
    /// The lowest.
    pub low: Px,
    /// The close.
    pub close: Px,
}

/// The last trade and what was traded before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trades {
    /// Units traded today; at its bound when `volume_exceeded`.
    pub volume: u64,
    /// The volume did not fit the 32 bits of 7208.
    pub volume_exceeded: bool,
    /// Price of the last trade.
    pub last_price: Px,
    /// Units of the last trade.
    pub last_quantity: u64,
    /// When it was.
    pub last_time: Nanos,
    /// Average price of the day.
    pub average_price: Px,
    /// Last price minus closing price.
    pub net_change: Px,
}

/// An auction in progress; all zero when there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Auction {
    /// Its number, 0 when there is none.
    pub number: i16,
    /// 1 approval pending … 7 cancelled.
    pub status: i16,
    /// Who began it.
    pub initiator_type: i16,
    /// Price of the order that began it.
    pub initiator_price: Px,
    /// Units of the order that began it.
    pub initiator_quantity: u64,
    /// Price.
    pub price: Px,
    /// Units.
    pub quantity: u64,
}

/// Five levels by price of one instrument, whole: what was known before is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketByPrice {
    /// The segment.
    pub segment: Segment,
    /// The instrument.
    pub token: Token,
    /// When the exchange wrote the message.
    pub time: Nanos,
    /// 1 is the regular lot book.
    pub book_type: i16,
    /// `None` when the code is not a documented one.
    pub status: Option<SecurityStatus>,
    /// What was traded.
    pub trades: Trades,
    /// The auction of the instrument.
    pub auction: Auction,
    /// Best first; empty levels last.
    pub bids: [Level; DEPTH],
    /// Best first; empty levels last.
    pub asks: [Level; DEPTH],
    /// Open quantity of all bids, beyond the five levels too.
    pub total_buy: u64,
    /// Open quantity of all asks, beyond the five levels too.
    pub total_sell: u64,
    /// Wire flags, from the top bit: last trade more, less; buy; sell.
    pub indicator: [u8; 2],
    /// Prices of the day.
    pub prices: DayPrices,
    /// Of the closing auction; zero in other forms than the CM 7208.
    pub indicative_close: Px,
}

/// One order of 7200.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderAtTouch {
    /// The price, zero for an empty place.
    pub price: Px,
    /// Open quantity, in units.
    pub quantity: u64,
    /// The least quantity it takes.
    pub min_fill: u64,
}

/// The five best orders of each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketByOrder {
    /// The segment.
    pub segment: Segment,
    /// The instrument.
    pub token: Token,
    /// When the exchange wrote the message.
    pub time: Nanos,
    /// Best first.
    pub bids: [OrderAtTouch; DEPTH],
    /// Best first.
    pub asks: [OrderAtTouch; DEPTH],
}

/// Five levels of a call auction (CM). Pre-open orders of CM are visible only here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallAuction {
    /// The security.
    pub token: Token,
    /// When the exchange wrote the message.
    pub time: Nanos,
    /// 11 or 12, the call auctions.
    pub book_type: i16,
    /// `None` when the code is not a documented one.
    pub status: Option<SecurityStatus>,
    /// What was traded; the volume always fits.
    pub trades: Trades,
    /// What would trade now, in units.
    pub indicative_quantity: u64,
    /// The first opening price.
    pub first_open: Px,
    /// Best first; empty levels last.
    pub bids: [Level; DEPTH],
    /// Best first; empty levels last.
    pub asks: [Level; DEPTH],
    /// Open quantity of all bids.
    pub total_buy: u64,
    /// Open quantity of all asks.
    pub total_sell: u64,
    /// Prices of the day.
    pub prices: DayPrices,
}

/// Five levels of a spread (F&O). Every price is a difference and may be negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpreadMarketByPrice {
    /// Near leg and far leg.
    pub tokens: [Token; 2],
    /// When the exchange wrote the message.
    pub time: Nanos,
    /// When the spread last traded or changed.
    pub last_active: Nanos,
    /// Units traded today.
    pub volume: u64,
    /// Value traded today, in the wire's unit, which is not documented.
    pub value: f64,
    /// Best first; empty levels last.
    pub bids: [Level; DEPTH],
    /// Best first; empty levels last.
    pub asks: [Level; DEPTH],
    /// Open quantity of all bids.
    pub total_buy: u64,
    /// Open quantity of all asks.
    pub total_sell: u64,
    /// Open, high and low of the day; `close` is zero.
    pub prices: DayPrices,
    /// The last trade.
    pub last_price: Px,
    /// When the message's content last changed.
    pub last_update: Nanos,
}

/// The last trade of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticker {
    /// The segment.
    pub segment: Segment,
    /// The instrument.
    pub token: Token,
    /// When the exchange wrote the message.
    pub time: Nanos,
    /// 1 is the normal market.
    pub market_type: i16,
    /// Price of the trade.
    pub price: Px,
    /// Units of the trade.
    pub quantity: u64,
    /// Open interest now, its highest and lowest of the day; `None` in CM.
    pub open_interest: Option<[u64; 3]>,
    /// The market index, CM only.
    pub index_value: Px,
}

/// The touch of one market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WatchMarket {
    /// The best bid; its order count is not sent and zero.
    pub bid: Level,
    /// The best ask; its order count is not sent and zero.
    pub ask: Level,
    /// The last trade.
    pub last_price: Px,
    /// When it was.
    pub last_time: Nanos,
    /// Wire flags, from the top bit: last trade more, less; buy; sell.
    pub indicator: [u8; 2],
}

/// The touch of the three markets of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketWatch {
    /// The segment.
    pub segment: Segment,
    /// The instrument.
    pub token: Token,
    /// When the exchange wrote the message.
    pub time: Nanos,
    /// Normal, odd lot, spot.
    pub markets: [WatchMarket; 3],
    /// Open interest; zero in CM.
    pub open_interest: u64,
}

/// The touch of a call auction (CM).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuctionWatch {
    /// The security.
    pub token: Token,
    /// When the exchange wrote the message.
    pub time: Nanos,
    /// 5 or 6, the call auctions.
    pub market_type: i16,
    /// The touch.
    pub market: WatchMarket,
}

/// What was cancelled in a call auction (CM).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuctionCancels {
    /// The security.
    pub token: Token,
    /// Buy orders cancelled.
    pub buy_count: u64,
    /// Units of them.
    pub buy_quantity: u64,
    /// Sell orders cancelled.
    pub sell_count: u64,
    /// Units of them.
    pub sell_quantity: u64,
}

/// Open interest of an underlying over all its contracts (F&O).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenInterest {
    /// The underlying, by its CM token.
    pub token: Token,
    /// In units.
    pub open_interest: u64,
}

/// The prices at which a contract may trade now (F&O).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecutionRange {
    /// The contract.
    pub token: Token,
    /// The lowest price, included.
    pub low: Px,
    /// The highest price, included.
    pub high: Px,
}

/// An index. Levels are [`Px`] with points in the place of rupees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Index<'a> {
    /// The segment of the feed.
    pub segment: Segment,
    /// `Nifty 50`, `India VIX`, …
    pub name: Text<'a>,
    /// When the exchange wrote the message.
    pub time: Nanos,
    /// Its level now.
    pub value: Px,
    /// Levels of the day.
    pub prices: DayPrices,
    /// Change from the close, in hundredths of a percent.
    pub change_basis_points: i32,
    /// The highest of the year.
    pub yearly_high: Px,
    /// The lowest of the year.
    pub yearly_low: Px,
    /// Upward moves.
    pub up_moves: u32,
    /// Downward moves.
    pub down_moves: u32,
    /// Market capitalisation, in the wire's unit, which is not documented.
    pub market_capitalisation: f64,
    /// `+`, `-` or blank.
    pub net_change_indicator: u8,
}

/// What an index would close at by the closing auction (CM).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IndicativeIndex<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// When the exchange wrote the message.
    pub time: Nanos,
    /// The indicative close.
    pub close: Px,
    /// Its change.
    pub change: Px,
    /// The change in hundredths of a percent.
    pub change_basis_points: i32,
    /// Market capitalisation, in the wire's unit, which is not documented.
    pub market_capitalisation: f64,
}

/// The index of an industry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndustryIndex<'a> {
    /// The segment of the feed.
    pub segment: Segment,
    /// The industry.
    pub name: Text<'a>,
    /// Its level.
    pub value: Px,
}

/// What happened to a market; the transaction code of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum MarketAction {
    /// The market is open.
    Open = 6511,
    /// The market is closed.
    Close = 6521,
    /// Post-close session.
    PostClose = 6522,
    /// The pre-open session is shut down.
    PreOpenShutdown = 6531,
    /// The pre-open session ended.
    PreOpenEnd = 6571,
    /// The closing session begins.
    ClosingSessionStart = 6583,
    /// The closing session ends.
    ClosingSessionEnd = 6584,
}

/// A market, or one instrument of it, opens or closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketStatus<'a> {
    /// The segment.
    pub segment: Segment,
    /// What happened.
    pub action: MarketAction,
    /// When the exchange wrote the message.
    pub time: Nanos,
    /// 1 is the normal market.
    pub market_type: i16,
    /// The contract concerned (F&O); `None` when it is the whole market.
    pub token: Option<Token>,
    /// The symbol concerned, empty when it is the whole market.
    pub symbol: Text<'a>,
    /// For people.
    pub text: Text<'a>,
}

/// The status of one instrument in each market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityStatusChange {
    /// The segment.
    pub segment: Segment,
    /// The instrument.
    pub token: Token,
    /// When the exchange wrote the message.
    pub time: Nanos,
    /// The message is the one of the pre-open session.
    pub is_preopen: bool,
    /// By market type, 1 first: F&O has four. `None` for a code that is not documented.
    pub markets: [Option<SecurityStatus>; 6],
}

/// An action on a symbol (CM).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolAction {
    /// The symbol.
    pub symbol: Symbol,
    /// Its series.
    pub series: [u8; 2],
    /// When the exchange wrote the message.
    pub time: Nanos,
    /// 1 is the normal market.
    pub market_type: i16,
    /// What was done.
    pub action_code: i16,
}

/// The name of an F&O contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContractName {
    /// `FUTIDX`, `OPTSTK`, …
    pub instrument: Symbol,
    /// The underlying.
    pub symbol: Symbol,
    /// When it expires.
    pub expiry: Nanos,
    /// The strike; zero for a future.
    pub strike: Px,
    /// `None` for a future.
    pub option_type: Option<OptionType>,
}

/// Whether one market may trade an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MarketEligibility {
    /// It may.
    pub is_eligible: bool,
    /// `None` when the code is not a documented one.
    pub status: Option<SecurityStatus>,
}

/// What the contract master says of one F&O contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContractUpdate<'a> {
    /// The contract.
    pub token: Token,
    /// Its name in parts.
    pub contract: ContractName,
    /// Its name in full.
    pub name: Text<'a>,
    /// Whether it may be traded.
    pub is_permitted: bool,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// By market type, 1 first.
    pub markets: [MarketEligibility; 4],
    /// The largest order that is not frozen, in units.
    pub freeze_quantity: u64,
    /// The smallest order, in units.
    pub minimum_lot: u64,
    /// Quantities are multiples of this, in units.
    pub board_lot: u64,
    /// Prices are multiples of this.
    pub tick: Px,
    /// The lowest price of the day.
    pub low_price_range: Px,
    /// The highest price of the day.
    pub high_price_range: Px,
    /// The base price.
    pub base_price: Px,
    /// The underlying; `None` when not told.
    pub asset_token: Option<Token>,
    /// The underlying's symbol.
    pub asset_symbol: Symbol,
    /// When it was changed.
    pub updated: Nanos,
}

/// What the spread master says of one spread (F&O). Prices are differences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpreadUpdate {
    /// Near leg and far leg.
    pub tokens: [Token; 2],
    /// Names of the legs.
    pub contracts: [ContractName; 2],
    /// The reference price.
    pub reference_price: Px,
    /// Lowest and highest difference of the day.
    pub day_range: [Px; 2],
    /// Lowest and highest difference of the operating range.
    pub operating_range: [Px; 2],
    /// Whether it may be traded.
    pub is_eligible: bool,
    /// Whether it is deleted.
    pub is_deleted: bool,
}

/// What the security master says of one security (CM).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecurityUpdate<'a> {
    /// The security.
    pub token: Token,
    /// Its symbol.
    pub symbol: Symbol,
    /// Its series.
    pub series: [u8; 2],
    /// Its name.
    pub name: Text<'a>,
    /// Its ISIN.
    pub isin: Text<'a>,
    /// Whether it may be traded.
    pub is_permitted: bool,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// By market type, 1 first.
    pub markets: [MarketEligibility; 6],
    /// Quantities are multiples of this, in units.
    pub board_lot: u64,
    /// Prices are multiples of this.
    pub tick: Px,
    /// The face value.
    pub face_value: Px,
    /// When it was changed.
    pub updated: Nanos,
}
