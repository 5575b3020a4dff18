//! Wire formats, one module per protocol.

pub mod little_endian;
pub mod nse_mtbt;
