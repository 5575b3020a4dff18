//! Simulated trading over a recorded or live market.

#[cfg(test)]
mod tests;
mod venue;

pub use venue::SimulatedVenue;
