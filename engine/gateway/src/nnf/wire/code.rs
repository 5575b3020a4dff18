//! Transaction codes: the first two bytes of every message.

/// Transaction codes of order path and session (FO 9.48 and CM 6.3, chapters 2-6, 8, 11, appendix).
pub struct TransactionCode;

impl TransactionCode {
    /// New order, full-size.
    pub const BOARD_LOT_IN: i16 = 2000;
    /// Another price, nothing else.
    pub const PRICE_MOD: i16 = 2013;
    /// Modify, full-size.
    pub const ORDER_MOD_IN: i16 = 2040;
    /// Cancel everything, or everything in one contract.
    pub const KILL_SWITCH_IN: i16 = 2062;
    /// Cancel, full-size.
    pub const ORDER_CANCEL_IN: i16 = 2070;
    /// A kill switch is accepted, in the capital market.
    pub const QUICK_CANCEL_OUT: i16 = 2061;
    /// New order, trimmed.
    pub const BOARD_LOT_IN_TR: i16 = 20000;
    /// Modify, trimmed.
    pub const ORDER_MOD_IN_TR: i16 = 20040;
    /// Quick cancel: listed beside modify and cancel, its meaning is not described.
    pub const ORDER_QUICK_CANCEL_IN_TR: i16 = 20060;
    /// Cancel, trimmed.
    pub const ORDER_CANCEL_IN_TR: i16 = 20070;
    /// New order, trimmed, with immediate acknowledgement.
    pub const BOARD_LOT_ACK_IN: i16 = 20400;
    /// The gateway has [`Self::BOARD_LOT_ACK_IN`].
    pub const BOARD_LOT_ACK_OUT: i16 = 20401;
    /// Modify, trimmed, with immediate acknowledgement.
    pub const ORDER_MOD_ACK_IN: i16 = 20402;
    /// The gateway has [`Self::ORDER_MOD_ACK_IN`].
    pub const ORDER_MOD_ACK_OUT: i16 = 20403;
    /// Cancel, trimmed, with immediate acknowledgement.
    pub const ORDER_CANCEL_ACK_IN: i16 = 20404;
    /// The gateway has [`Self::ORDER_CANCEL_ACK_IN`].
    pub const ORDER_CANCEL_ACK_OUT: i16 = 20405;
    /// [`Self::PRICE_MOD`] with immediate acknowledgement.
    pub const PRICE_MOD_ACK_IN: i16 = 20406;
    /// The gateway has [`Self::PRICE_MOD_ACK_IN`].
    pub const PRICE_MOD_ACK_OUT: i16 = 20407;
    /// [`Self::SPREAD_IN`] with immediate acknowledgement, whose code is the next, as of those below.
    pub const SPREAD_ACK_IN: i16 = 20408;
    /// [`Self::TWO_LEG_IN`] with immediate acknowledgement.
    pub const TWO_LEG_ACK_IN: i16 = 20410;
    /// [`Self::THREE_LEG_IN`] with immediate acknowledgement.
    pub const THREE_LEG_ACK_IN: i16 = 20412;
    /// [`Self::SPREAD_CANCEL_IN`] with immediate acknowledgement.
    pub const SPREAD_CANCEL_ACK_IN: i16 = 20414;
    /// [`Self::SPREAD_MOD_IN`] with immediate acknowledgement.
    pub const SPREAD_MOD_ACK_IN: i16 = 20416;
    /// The last of the acknowledgements, which are the odd codes from 20401.
    pub const MULTI_LEG_ACK_OUT_LAST: i16 = 20417;
    /// [`Self::MARKET_PRICE_CONFIRMATION`], trimmed, in the capital market.
    pub const MARKET_PRICE_CONFIRMATION_TR: i16 = 20012;
    /// The new order is confirmed.
    pub const ORDER_CONFIRMATION_TR: i16 = 20073;
    /// The modification is confirmed.
    pub const ORDER_MOD_CONFIRMATION_TR: i16 = 20074;
    /// The order is cancelled, asked or unasked.
    pub const ORDER_CXL_CONFIRMATION_TR: i16 = 20075;
    /// [`Self::ORDER_MOD_REJECT`], trimmed, in the capital market.
    pub const ORDER_MOD_REJECT_TR: i16 = 20042;
    /// [`Self::ORDER_CXL_REJECT`], trimmed, in the capital market.
    pub const ORDER_CXL_REJECT_TR: i16 = 20072;
    /// [`Self::ORDER_ERROR`], trimmed, in the capital market.
    pub const ORDER_ERROR_TR: i16 = 20231;
    /// A trade.
    pub const TRADE_CONFIRMATION_TR: i16 = 20222;
    /// The price a market order got.
    pub const MARKET_PRICE_CONFIRMATION: i16 = 2012;
    /// The modification is refused.
    pub const ORDER_MOD_REJECT: i16 = 2042;
    /// The cancel is refused.
    pub const ORDER_CXL_REJECT: i16 = 2072;
    /// [`Self::ORDER_CONFIRMATION_TR`] in the full structure.
    pub const ORDER_CONFIRMATION: i16 = 2073;
    /// [`Self::ORDER_MOD_CONFIRMATION_TR`] in the full structure.
    pub const ORDER_MOD_CONFIRMATION: i16 = 2074;
    /// [`Self::ORDER_CXL_CONFIRMATION_TR`] in the full structure.
    pub const ORDER_CXL_CONFIRMATION: i16 = 2075;
    /// The order waits for approval: price or quantity freeze.
    pub const FREEZE_TO_CONTROL: i16 = 2170;
    /// A stop-loss order went into the book.
    pub const STOP_LOSS_TRIGGER: i16 = 2212;
    /// [`Self::TRADE_CONFIRMATION_TR`] in the full structure.
    pub const TRADE_CONFIRMATION: i16 = 2222;
    /// A request to cancel a trade is refused.
    pub const TRADE_CANCEL_REJECT: i16 = 2223;
    /// The new order is refused.
    pub const ORDER_ERROR: i16 = 2231;
    /// The exchange took a trade back.
    pub const TRADE_CANCEL_CONFIRM: i16 = 2282;
    /// The exchange let a trade stand.
    pub const TRADE_CANCEL_REFUSED: i16 = 2286;
    /// A trade is modified.
    pub const TRADE_MOD_CONFIRM: i16 = 2287;
    /// A trade stays as it was.
    pub const TRADE_MOD_REJECT: i16 = 2288;
    /// Cancelled by the exchange in a batch.
    pub const BATCH_ORDER_CANCEL: i16 = 9002;
    /// Spread order cancelled by the exchange in a batch.
    pub const BATCH_SPREAD_CANCEL: i16 = 9004;
    /// New spread order.
    pub const SPREAD_IN: i16 = 2100;
    /// Two legs at once or never.
    pub const TWO_LEG_IN: i16 = 2102;
    /// Three legs at once or never.
    pub const THREE_LEG_IN: i16 = 2104;
    /// Cancel of a spread order.
    pub const SPREAD_CANCEL_IN: i16 = 2106;
    /// Modification of a spread order.
    pub const SPREAD_MOD_IN: i16 = 2118;
    /// The spread order is confirmed.
    pub const SPREAD_CONFIRMATION: i16 = 2124;
    /// The two legs are confirmed.
    pub const TWO_LEG_CONFIRMATION: i16 = 2125;
    /// The three legs are confirmed.
    pub const THREE_LEG_CONFIRMATION: i16 = 2126;
    /// The cancel of a spread order is refused.
    pub const SPREAD_CXL_REJECT: i16 = 2127;
    /// The spread order is cancelled.
    pub const SPREAD_CXL_CONFIRMATION: i16 = 2130;
    /// What is left of two legs is cancelled.
    pub const TWO_LEG_CXL_CONFIRMATION: i16 = 2131;
    /// What is left of three legs is cancelled.
    pub const THREE_LEG_CXL_CONFIRMATION: i16 = 2132;
    /// The modification of a spread order is refused.
    pub const SPREAD_MOD_REJECT: i16 = 2133;
    /// The modification of a spread order is confirmed.
    pub const SPREAD_MOD_CONFIRMATION: i16 = 2136;
    /// The spread order is refused.
    pub const SPREAD_ERROR: i16 = 2154;
    /// The two legs are refused.
    pub const TWO_LEG_ERROR: i16 = 2155;
    /// The three legs are refused.
    pub const THREE_LEG_ERROR: i16 = 2156;
    /// Asks to cancel a trade.
    pub const TRADE_CANCEL_IN: i16 = 5440;
    /// The request to cancel a trade is passed on.
    pub const TRADE_CANCEL_OUT: i16 = 5441;
    /// Asks to modify a trade.
    pub const TRADE_MOD_IN: i16 = 5445;
}

/// Of the session.
impl TransactionCode {
    /// Asks for the state of the markets.
    pub const SYSTEM_INFORMATION_IN: i16 = 1600;
    /// The state of the markets, and how many streams there are.
    pub const SYSTEM_INFORMATION_OUT: i16 = 1601;
    /// A user signs on.
    pub const SIGN_ON_REQUEST_IN: i16 = 2300;
    /// The user is signed on, or why not.
    pub const SIGN_ON_REQUEST_OUT: i16 = 2301;
    /// The user signs off.
    pub const SIGN_OFF_REQUEST_IN: i16 = 2320;
    /// The user is signed off.
    pub const SIGN_OFF_REQUEST_OUT: i16 = 2321;
    /// Asks the router for a gateway.
    pub const GR_REQUEST: i16 = 2400;
    /// Gateway, session key, keys of the encryption; or why not.
    pub const GR_RESPONSE: i16 = 2401;
    /// A message of the exchange's control room, for people.
    pub const CONTROL_MESSAGE: i16 = 5295;
    /// A stream of the matching engine failed or is back.
    pub const STREAM_OUTAGE: i16 = 5294;
    /// Asks for the messages of a stream again.
    pub const MESSAGE_DOWNLOAD: i16 = 7000;
    /// The download of a stream begins.
    pub const DOWNLOAD_HEADER: i16 = 7011;
    /// One downloaded message.
    pub const DOWNLOAD_DATA: i16 = 7021;
    /// The download of a stream is complete.
    pub const DOWNLOAD_TRAILER: i16 = 7031;
    /// Asks for changes of the masters.
    pub const UPDATE_LOCALDB_IN: i16 = 7300;
    /// One changed record.
    pub const UPDATE_LOCALDB_DATA: i16 = 7304;
    /// The changes begin.
    pub const UPDATE_LOCALDB_HEADER: i16 = 7307;
    /// The changes are complete.
    pub const UPDATE_LOCALDB_TRAILER: i16 = 7308;
    /// The market status of the request is stale.
    pub const PARTIAL_SYSTEM_INFORMATION: i16 = 7321;
    /// The gateway ends the session, and why.
    pub const SECURE_BOX_SIGN_OFF: i16 = 20322;
    /// The box signs on.
    pub const BOX_SIGN_ON_REQUEST_IN: i16 = 23000;
    /// The box is signed on, or why not.
    pub const BOX_SIGN_ON_REQUEST_OUT: i16 = 23001;
    /// The box names itself, in plain.
    pub const SECURE_BOX_REGISTRATION_IN: i16 = 23008;
    /// The box is known; from here on all is encrypted.
    pub const SECURE_BOX_REGISTRATION_OUT: i16 = 23009;
    /// The connection lives.
    pub const HEARTBEAT: i16 = 23506;
}
