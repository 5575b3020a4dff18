//! What both ends of a connection share: encryption, framing, what waits to be sent, rates, and
//! tables of a fixed size. Nothing here allocates after construction.

mod cipher;
mod framer;
mod index;
mod outbox;
mod rate;
mod stamp;

pub(super) use cipher::{Cipher, End};
pub use cipher::{CipherError, DynamicIvOrder, Encryption, SessionKeys};
pub(super) use framer::Framer;
pub(super) use index::{Index, NumberSet};
pub(super) use outbox::Outbox;
pub(super) use rate::RateMeter;
pub(super) use stamp::{Stamp, jiffies_from_wire, jiffies_to_double, stamp_of};
