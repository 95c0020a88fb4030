//! Closed vocabularies of the wire. An unknown word falls back to the least specific one and is counted by the
//! decoder: it is never a rejection. Names on the wire are snake case.

mod action;
mod argument;
mod identity;
mod place;

pub use action::{ActionType, Decision, Outcome};
pub use argument::{ArgumentKind, ArgumentRef, Origin, OriginForm};
pub use identity::{Authority, CredentialType, PrincipalType};
pub use place::{Anonymizer, Classification};
