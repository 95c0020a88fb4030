//! Policy as code: rules over what is known of an actor, and one `decide` that respond and the decision point share. Whose
//! facts they are, and what follows from a decision, is not known here.
#![forbid(unsafe_code)]

pub mod access;
pub mod chain;
mod condition;
mod decide;
mod facts;
mod mode;
mod parse;
mod rule;

pub use condition::Mistake;
pub use decide::{Action, Decision, Hold, Obligations, PolicySet, beyond_keys, decide, may_revoke};
pub use facts::{Facts, Inventory, Trust, VerdictFacts, names};
pub use mode::Mode;
pub use rule::{Fail, Policy, PolicySpec, Then, ladder};
