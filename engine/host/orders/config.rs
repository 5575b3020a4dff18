//! What an order session is told at the start, and what of it cannot be.

use std::fmt;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::time::Duration;

use tezi_gateway::nnf::client::{Config, Limits};
use tezi_gateway::nnf::{Account, Encryption, SelfTrade, SessionIdentity, Underlying, UserRole};
use tezi_journal::Promise;
use tezi_model::{Instrument, InstrumentKind, Nanos, Segment};

/// A password. It shows in no output.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// What happens to open orders of the user that the core does not know: of an earlier session that
/// ended without its answers, or of another terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownOrders {
    /// They stay, and the report names them.
    #[default]
    Keep,
    /// They are cancelled before trading begins, by the exchange's kill switch. Those that appear
    /// while own orders are open stay, since the switch would take those as well.
    Cancel,
}

/// TLS 1.3 on the connection to the gateway router. The connection to the gateway has none: its
/// encryption is the session's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterTls {
    /// Certificates of the authorities to trust, as PEM: the exchange hands out its own.
    pub ca_file: PathBuf,
    /// The name the router's certificate is for; its address, when `None`.
    pub server_name: Option<String>,
}

/// One box with one user: who trades, where, and within which bounds.
#[derive(Clone, Debug)]
pub struct OrderSessionConfig {
    /// Futures and options, or the capital market of NSE. Sessions are of one segment.
    pub segment: Segment,
    /// Of shares, in the capital market, 1 or 2 characters.
    pub series: String,
    /// The gateway router.
    pub router: SocketAddrV4,
    /// TLS to the router; plain TCP, when `None`: for simulated exchanges.
    pub tls: Option<RouterTls>,
    /// The box, positive.
    pub box_id: i16,
    /// The trading member, 1 to 5 characters.
    pub broker_id: String,
    /// The branch, positive.
    pub branch_id: i16,
    /// The user, positive.
    pub user_id: i32,
    /// The user's password, 1 to 8 characters.
    pub password: Password,
    /// The client's code; the member's own account, when `None`.
    pub client: Option<String>,
    /// The custodial participant; empty for own settlement.
    pub settlor: String,
    /// Ten characters, or `PAN_EXEMPT`.
    pub pan: String,
    /// The 15-digit identifier of product and terminal.
    pub nnf_id: u64,
    /// Issued by the exchange for the algorithm; 0 for orders of people.
    pub algo_id: i32,
    /// What happens to an order that would trade with one of the same PAN.
    pub self_trade: SelfTrade,
    /// Whether the exchange cancels open orders when the session ends, however it ends.
    pub cancel_on_logoff: bool,
    /// What was agreed with the exchange for the box.
    pub encryption: Encryption,
    /// Of the protocol, as VVRRSS.
    pub version: i32,
    /// Whether the gateway is to acknowledge each request at once, before the matching engine does.
    pub immediate_acknowledgement: bool,
    /// Underlyings that are indices; every other is a stock. The instrument name on the wire
    /// (`FUTIDX`, `OPTSTK`, …) says which, and the exchange refuses a wrong one.
    pub index_symbols: Vec<String>,
    /// What happens to open orders that the core does not know.
    pub unknown_orders: UnknownOrders,
    /// What a command's record in the journal must have reached before the command leaves. To wait
    /// for [`Promise::Durable`] costs a write to the disk on the way of every order, for
    /// [`Promise::Replicated`] a way to the follower and back ([`crate::Host::replicate`]).
    pub wait_for: Promise,
    /// At the end, open orders' answers are awaited for so long, and then the sign-off's.
    pub stop_timeout: Duration,
    /// Commands and reports that may wait between the threads, each way. A power of two.
    pub ring_slots: usize,
    /// The core that the thread is pinned to; the scheduler decides, when `None`.
    pub core: Option<usize>,
    /// Bounds and waits of the session. The bound on instruments is raised to what the host knows.
    pub limits: Limits,
}

impl OrderSessionConfig {
    /// A session of this box, member and user; everything else as most have it: the member's own
    /// account, no encryption, orders cancelled when the session ends.
    #[must_use]
    pub fn new(
        router: SocketAddrV4,
        box_id: i16,
        broker_id: &str,
        user_id: i32,
        password: &str,
    ) -> Self {
        Self {
            segment: Segment::NseFo,
            series: "EQ".into(),
            router,
            tls: None,
            box_id,
            broker_id: broker_id.into(),
            branch_id: 1,
            user_id,
            password: Password(password.into()),
            client: None,
            settlor: String::new(),
            pan: "PAN_EXEMPT".into(),
            nnf_id: 111_111_111_111_000,
            algo_id: 0,
            self_trade: SelfTrade::ExchangeDefault,
            cancel_on_logoff: true,
            encryption: Encryption::Plain,
            version: VERSION_FO,
            immediate_acknowledgement: false,
            index_symbols: INDICES.map(String::from).into(),
            unknown_orders: UnknownOrders::Keep,
            wait_for: Promise::Appended,
            stop_timeout: Duration::from_secs(5),
            ring_slots: 4_096,
            core: None,
            limits: Limits::default(),
        }
    }

    /// The same session in a segment, with the version of its protocol. The capital market knows no
    /// cancel on logoff, so there open orders stay when a session ends without a word.
    #[must_use]
    pub fn in_segment(mut self, segment: Segment) -> Self {
        self.segment = segment;
        self.cancel_on_logoff &= segment != Segment::NseCm;
        self.version = if segment == Segment::NseCm { VERSION_CM } else { VERSION_FO };
        self
    }

    /// What the session itself is told. `instruments_max` is the core's bound.
    pub(crate) fn client(&self, instruments_max: u32) -> Config<'_> {
        let mut limits = self.limits;
        limits.instruments = limits.instruments.max(instruments_max as usize);
        Config {
            identity: SessionIdentity {
                user_id: self.user_id,
                trader_id: self.user_id,
                role: UserRole::Dealer,
                branch_id: self.branch_id,
                broker_id: &self.broker_id,
                account: self.client.as_deref().map_or(Account::Proprietary, Account::Client),
                settlor: &self.settlor,
                pan: &self.pan,
                nnf_id: self.nnf_id,
                algo_id: self.algo_id,
                self_trade: self.self_trade,
                cancel_on_logoff: self.cancel_on_logoff,
            },
            box_id: self.box_id,
            password: &self.password.0,
            version: self.version,
            encryption: self.encryption,
            immediate_acknowledgement: self.immediate_acknowledgement,
            limits,
        }
    }

    /// What a contract is on; of a share its series.
    pub(crate) fn underlying(&self, instrument: &Instrument) -> Underlying {
        if instrument.kind() == InstrumentKind::Equity {
            let mut series = [b' '; 2];
            for (to, from) in series.iter_mut().zip(self.series.bytes()) {
                *to = from;
            }
            return Underlying::Series(series);
        }
        let symbol = instrument.symbol.as_str();
        if self.index_symbols.iter().any(|index| index == symbol) {
            Underlying::Index
        } else {
            Underlying::Stock
        }
    }
}

/// FO 9.48 and CM 6.3, as VVRRSS.
const VERSION_FO: i32 = 94_800;
const VERSION_CM: i32 = 60_300;

/// Indices with futures or options at NSE in 2026.
const INDICES: [&str; 5] = ["NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50"];

/// Numbers that one second of the day is worth.
const NUMBERS_PER_SECOND: i64 = 16_384;
const NANOS_PER_DAY: i64 = 86_400 * 1_000_000_000;

/// The number before that of a session's first order, by the time of day in India at its start.
///
/// The time of day gives 16,384 numbers a second, so sessions that follow each other on one day never
/// give the same number twice as long as each sends fewer orders a second on average: no rate that is
/// sold comes near. All numbers of a day are positive in 31 bits, which is what the exchange's tag
/// holds. A wall clock that is set back between two sessions breaks this.
#[must_use]
pub const fn client_order_id_base(now: Nanos) -> u32 {
    let of_day = now.plus(tezi_model::IST_OFFSET_NS).0.rem_euclid(NANOS_PER_DAY);
    (of_day as i128 * NUMBERS_PER_SECOND as i128 / 1_000_000_000) as u32
}

const _: () = assert!(86_400 * NUMBERS_PER_SECOND < 1 << 31);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_one_day_never_share_a_number() {
        let open = Nanos::from_ist(2026, 11, 20, 9, 15, 0);
        let base = |ns: i64| client_order_id_base(open.plus(ns));
        assert_eq!(base(0), (9 * 3600 + 15 * 60) * 16_384);
        // Two seconds later there are 32,768 more, whatever the first session sent at 1,000 a second.
        assert_eq!(base(2_000_000_000) - base(0), 32_768);
        let last = client_order_id_base(Nanos::from_ist(2026, 11, 20, 23, 59, 59));
        assert!(
            last < 1 << 31 && client_order_id_base(Nanos::from_ist(2026, 11, 21, 0, 0, 0)) == 0
        );
    }

    #[test]
    fn a_password_shows_nowhere() {
        let router = "127.0.0.1:10999".parse().unwrap();
        let config = OrderSessionConfig::new(router, 1, "90001", 7, "secret1");
        let text = format!("{config:?}");
        assert!(text.contains("Password(..)") && !text.contains("secret1"), "{text}");
    }

    #[test]
    fn contracts_are_on_indices_by_name() {
        let router = "127.0.0.1:10999".parse().unwrap();
        let config = OrderSessionConfig::new(router, 1, "90001", 7, "secret1");
        let mut it = Instrument::unknown(Segment::NseFo, tezi_model::Token(1));
        it.symbol = tezi_model::Symbol::new("BANKNIFTY");
        assert_eq!(config.underlying(&it), Underlying::Index);
        it.symbol = tezi_model::Symbol::new("RELIANCE");
        assert_eq!(config.underlying(&it), Underlying::Stock);
        it.kind_code = InstrumentKind::Equity as u8;
        assert_eq!(config.underlying(&it), Underlying::Series(*b"EQ"));
    }
}
