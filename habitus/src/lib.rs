//! The binary's parts as a library, so that tests drive what users run: verbs, rendering, and the folds in one
//! process. It wires; it decides nothing.
#![forbid(unsafe_code)]

pub mod commands;
pub mod local;
pub mod render;
