//! Datagrams that are in memory: for tests, and for generated markets.

use tezi_feed_handler::Line;
use tezi_model::Nanos;

use super::{Datagram, DatagramSource, SourceReport};

/// Datagrams given beforehand, in order of time.
///
/// ```
/// use tezi::model::Nanos;
/// use tezi::publish::{DatagramSource, MemoryDatagrams};
///
/// let mut source = MemoryDatagrams::new(vec![(Nanos(5), None, b"payload".to_vec())]);
/// assert!(source.advance());
/// assert_eq!(source.current().unwrap().payload, b"payload");
/// assert!(!source.advance());
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryDatagrams {
    datagrams: Vec<(Nanos, Option<Line>, Vec<u8>)>,
    /// How many were advanced to.
    position: usize,
}

impl MemoryDatagrams {
    /// Each with its time, its line (`None` for both) and its payload.
    #[must_use]
    pub const fn new(datagrams: Vec<(Nanos, Option<Line>, Vec<u8>)>) -> Self {
        Self { datagrams, position: 0 }
    }
}

impl DatagramSource for MemoryDatagrams {
    fn advance(&mut self) -> bool {
        self.position = (self.position + 1).min(self.datagrams.len() + 1);
        self.position <= self.datagrams.len()
    }

    fn current(&self) -> Option<Datagram<'_>> {
        let (time, line, payload) = self.datagrams.get(self.position.checked_sub(1)?)?;
        Some(Datagram { time: *time, line: *line, payload })
    }

    fn rewind(&mut self) {
        self.position = 0;
    }

    fn report(&self) -> SourceReport {
        SourceReport::default()
    }
}
