//! What the exchange's rules say, a rule a test, and a differential test against a naive matcher.

mod differential;
mod forms;
mod hash;
mod naive;
mod naive_forms;
mod rules;
