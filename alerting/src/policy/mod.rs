//! Policy as code: rules over what is known of an actor, and one `decide` that respond and the decision point share.

mod condition;
mod decide;
mod facts;
mod parse;
mod rule;

pub use condition::Mistake;
pub use decide::{Action, Decision, Hold, Obligations, PolicySet, decide, may_revoke};
pub use facts::{Facts, Inventory, Trust, VerdictFacts, names};
pub use rule::{Fail, Policy, PolicySpec, Then, ladder};
