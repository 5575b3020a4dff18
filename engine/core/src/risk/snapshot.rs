//! Limits in a snapshot, and what of them is used.

use tezi_model::RejectReason;

use super::Risk;
use crate::oms::OrderSessionState;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl Risk {
    /// Writes the limits in force, stop and pause, and the messages of the present second.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        let Self { limits, stop, is_paused, refuses, session, second, messages, messages_peak } =
            *self;
        let reason = |out: &mut SnapshotWriter, reason: RejectReason| out.u16(reason as u16);
        out.part(part::RISK, |out| {
            out.record(&limits);
            out.option(stop, reason);
            out.flag(is_paused);
            out.option(refuses, reason);
            OrderSessionState::save(session, out);
            out.i64(second);
            out.u32(messages);
            out.u32(messages_peak);
        });
    }

    /// Reads them.
    pub(crate) fn load(input: &mut SnapshotReader<'_>) -> Result<Self, SnapshotError> {
        fn reason(input: &mut SnapshotReader<'_>) -> Result<RejectReason, SnapshotError> {
            let reason = RejectReason::from_code(input.u16()?);
            input.known(reason, "reason")
        }
        input.part(part::RISK, |input| {
            Ok(Self {
                limits: input.record()?,
                stop: input.option(reason)?,
                is_paused: input.flag()?,
                refuses: input.option(reason)?,
                session: OrderSessionState::load(input)?,
                second: input.i64()?,
                messages: input.u32()?,
                messages_peak: input.u32()?,
            })
        })
    }
}
