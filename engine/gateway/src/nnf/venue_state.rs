//! What a change of an order must say back to the venue.

/// The venue's marks on one order, as it last gave them.
///
/// A modification or cancel echoes them, and one that echoes an older mark is refused with 16044
/// (FO 9.48, chapter 4). The session keeps one for each open order and calls
/// [`VenueOrderState::absorb`] with every [`Reply`](super::Reply).
///
/// **Units**: times are the wire's, seconds since 1980 on the wall clock in India.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VenueOrderState {
    /// Changes with every event of the order, trades included. A number without meaning.
    pub last_activity_reference: i64,
    /// `EntryDateTime` of the last confirmation.
    pub entry_date_time: i32,
    /// `LastModified` of the last confirmation, or the time of a later trade.
    pub last_modified: i32,
}

impl VenueOrderState {
    /// Takes over what a newer message said. Zero means that it did not say, and leaves what is.
    #[inline]
    pub const fn absorb(&mut self, newer: Self) {
        if newer.last_activity_reference != 0 {
            self.last_activity_reference = newer.last_activity_reference;
        }
        if newer.entry_date_time != 0 {
            self.entry_date_time = newer.entry_date_time;
        }
        if newer.last_modified != 0 {
            self.last_modified = newer.last_modified;
        }
    }
}
