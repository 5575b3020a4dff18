//! An execution in a snapshot.

use super::Execution;
use crate::execution::parent::Parent;

impl<T> Execution<T> {
    /// What has a state, to read it.
    pub(crate) const fn parts_mut(&mut self) -> (&mut Parent, &mut T) {
        let Self { parent, tactic } = self;
        (parent, tactic)
    }
}
