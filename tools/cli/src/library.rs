//! Strategies from shared objects that the user names.
#![allow(unsafe_code, reason = "loads what the user asks for")]

use std::path::Path;

use tezi_capi::{ForeignStrategy, Library, LibraryError};

use crate::outcome::Failure;

/// The strategy of a shared object, for parameters.
pub(crate) fn strategy(path: &Path, parameters: &str) -> Result<ForeignStrategy, Failure> {
    // SAFETY: the user names the file to be run, as a program to start; `--help` says so.
    let library = unsafe { Library::load(path) };
    library.and_then(|library| library.strategy(parameters)).map_err(|error| match error {
        LibraryError::Refused(..) | LibraryError::Text => Failure::Usage(error.to_string()),
        error => Failure::Failed(error.to_string()),
    })
}
