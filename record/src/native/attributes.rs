//! Free attributes: at most 64 scalars under any name. They are kept in the order of the record; a nested
//! value is a fault.

use schemas::activity::{Scalar, Text};
use serde::de::MapAccess;

use super::member::{Absent, Member, Node};

/// Most attributes of an activity.
const ATTRIBUTES_MAX: usize = 64;

/// The attributes read so far.
#[derive(Default)]
pub(super) struct Attributes<'a> {
    pairs: Vec<(Text<'a>, Scalar<'a>)>,
}

// === impl Attributes ===

impl<'de> Node<'de> for Attributes<'de> {
    type Value = Vec<(Text<'de>, Scalar<'de>)>;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        let scalar = at.scalar()?;
        if let Some((_, last)) = self.pairs.iter_mut().find(|(name, _)| name == key) {
            *last = scalar;
            return Ok(());
        }
        if ATTRIBUTES_MAX <= self.pairs.len() {
            return Err(at.too_many(ATTRIBUTES_MAX));
        }
        self.pairs.push((key.clone(), scalar));
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self.pairs)
    }
}
