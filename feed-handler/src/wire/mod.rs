//! Wire formats, one module per protocol.

pub mod big_endian;
pub mod bse_eobi;
pub mod bse_nfcast;
pub mod dbn;
pub mod itch;
pub mod little_endian;
pub mod mold_udp64;
pub mod nse_broadcast;
pub mod nse_mtbt;
