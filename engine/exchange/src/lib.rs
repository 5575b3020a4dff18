//! The simulated exchange of the Tezi engine: deterministic, without sockets, clocks or threads.

pub mod population;
