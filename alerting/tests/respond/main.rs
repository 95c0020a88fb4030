//! The respond fold from outside: findings in, responses out. Nothing here looks into its state.

#[cfg(test)]
mod coordination;
mod counting;
mod determinism;
mod findings;
mod ladder;
mod life;
mod ocsf;
mod outgoing;
mod tables;
