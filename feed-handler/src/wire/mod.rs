//! Wire formats, one module per protocol.

pub mod big_endian;
pub mod little_endian;
pub mod nse_broadcast;
pub mod nse_mtbt;
