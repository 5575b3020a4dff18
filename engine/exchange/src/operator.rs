//! What an operator does by hand, at any time: stop trading and let it go on, take a box's orders out
//! of the books, send everybody home.

use tezi_model::Nanos;

use crate::exchange::Exchange;
use crate::members::Member;

/// Something an operator asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorCommand {
    /// All trading stops until [`OperatorCommand::Resume`].
    Halt,
    /// Trading goes on, in the phase that the timetable has by then.
    Resume,
    /// Resumes trading that was halted, by hand or by a scenario's event, and halts it otherwise.
    HaltOrResume,
    /// Every order of a box is cancelled, as by its own kill switch. Boxes go by their position.
    CancelAll(usize),
    /// Every box is signed off: it is told so (20322), and its connection is to be closed.
    SignOffAll,
}

impl Exchange {
    /// Does what an operator asks. Whether there was anything to do: trading that stands still cannot be
    /// halted, a box without orders has none to cancel.
    pub fn on_operator(&mut self, command: OperatorCommand, now: Nanos) -> bool {
        let now = self.pass(now);
        match command {
            OperatorCommand::Halt => self.halt(now),
            OperatorCommand::Resume => self.resume(now),
            OperatorCommand::HaltOrResume if self.is_halted() => self.resume(now),
            OperatorCommand::HaltOrResume => self.halt(now),
            OperatorCommand::CancelAll(member) if member < self.floor.members.len() => {
                self.floor.counters.kill_switches += 1;
                self.cancel_where(member as u32, now, |_, _| true) > 0
            }
            OperatorCommand::CancelAll(_) => false,
            OperatorCommand::SignOffAll => {
                let mut is_any = false;
                for member in 0..self.floor.members.len() {
                    let session = &mut self.floor.members[member].session;
                    is_any |= session.is_signed_on();
                    session.close(SIGNED_OFF_BY_EXCHANGE, now);
                    self.drain(member, now);
                }
                is_any
            }
        }
    }

    /// Takes all faults out of the boxes' gateways: from now on they lose, break and delay nothing.
    pub fn mend_gateways(&mut self) {
        self.floor.members.iter_mut().for_each(Member::mend);
    }

    /// Whether trading was halted, by hand or by an event of that kind.
    #[must_use]
    pub const fn is_halted(&self) -> bool {
        self.day.is_halted
    }
}

/// A sign-off that nobody is to blame for has no error code.
const SIGNED_OFF_BY_EXCHANGE: i16 = 0;
