//! What people ask of the saved cases: requests with their state, and silences. It reads records as the fold wrote them,
//! and changes nothing.

use crate::record::{self, RecordError};
use crate::record_id::RecordId;
use crate::requests::Asked;
use crate::silence::Silence;

/// A record of the cases that people ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Saved {
    /// A request, and what became of it.
    Request(Box<Asked>),
    /// A silence.
    Silence(Box<Silence>),
}

/// Reads a record of the cases by its key, with its tenant; `None` where people do not ask for its kind.
pub fn saved<'k>(key: &'k str, bytes: &[u8]) -> Result<Option<(&'k str, Saved)>, RecordError> {
    // Alerts alone are not named by their keys.
    let Some((tenant_id, id)) = RecordId::of_key(key) else { return Ok(None) };
    let saved = match id {
        RecordId::Request(_) => Saved::Request(record::decode(bytes)?),
        RecordId::Silence(_) => Saved::Silence(record::decode(bytes)?),
        _ => return Ok(None),
    };
    Ok(Some((tenant_id, saved)))
}
