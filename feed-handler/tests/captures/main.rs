//! Whole captures through reader, decoder and arbiter: our own, real ones, and damaged ones.

#[cfg(test)]
mod common;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod own;
#[cfg(test)]
mod real;
