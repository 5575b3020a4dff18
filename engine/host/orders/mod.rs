//! The live way of orders: from the core to the exchange and back, over NNF on TCP.
//!
//! The thread `tezi-orders` owns the socket and the session (`tezi_gateway::nnf::client`); two rings
//! join it to the core's thread. Commands go one way; reports and the state of the session come back
//! as inputs, which the core's loop journals before the core acts on them. A command that cannot leave
//! comes back as a refusal, so that no order hangs; a report that finds no room waits, and none is
//! ever dropped. `docs/operating/trading.md` says how to run it.

mod config;
mod link;
mod refusal;
mod report;
mod stamps;
mod thread;
#[cfg(feature = "tls")]
mod tls;
mod transport;

pub use config::{OrderSessionConfig, Password, RouterTls, UnknownOrders, client_order_id_base};
pub use refusal::LocalRefusal;
pub use report::{OpenOrder, OrderCounts, OrdersReport};

pub(crate) use link::{CommandOrigin, Incoming, OrderLink, link};
pub(crate) use refusal::refused;
pub(crate) use thread::OrdersThread;
