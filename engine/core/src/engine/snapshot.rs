//! A whole core as bytes: version, desk, strategy.

use crate::desk::Desk;
use crate::snapshot::{
    NoSnapshot, SNAPSHOT_VERSION, SnapshotError, SnapshotReader, SnapshotWriter, part,
};
use crate::strategy::Strategy;

pub(super) fn save<S: Strategy>(
    desk: &Desk,
    strategy: &S,
    out: &mut SnapshotWriter,
) -> Result<(), NoSnapshot> {
    let start = out.bytes().len();
    out.u32(SNAPSHOT_VERSION);
    let saved = out.part(part::STRATEGY, |out| {
        out.text(strategy.name());
        out.text(&strategy.parameters());
        strategy.save(out)
    });
    if saved.is_err() {
        out.truncate(start);
        return saved;
    }
    desk.save(out);
    Ok(())
}

/// The strategy comes last: while it reads its own, nothing else can go wrong.
pub(super) fn load<S: Strategy>(
    desk: &mut Desk,
    strategy: Option<&mut S>,
    input: &mut SnapshotReader<'_>,
) -> Result<(), SnapshotError> {
    let found = input.u32()?;
    if found != SNAPSHOT_VERSION {
        return Err(SnapshotError::Version { found });
    }
    let mut own = input.enter(part::STRATEGY)?;
    let (name, parameters) = (own.text()?, own.text()?);
    if let Some(strategy) = &strategy
        && (name, parameters) != (strategy.name(), strategy.parameters().as_str())
    {
        return Err(SnapshotError::Strategy);
    }
    desk.load(input)?;
    input.finish()?;
    if let Some(strategy) = strategy {
        strategy.load(&mut own)?;
        own.finish()?;
    }
    Ok(())
}
