//! What an agent is made of: the versions, models and tool servers it was seen with. Six values, the one that was
//! not met for longest leaves. A value it never had begins an epoch; habits go on as its prior.

use crate::bytes::{Reader, StateError, Writer};

/// Values kept.
pub const VALUES_MAX: usize = 6;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The agent's own version.
    Version,
    /// The model that drives it.
    Model,
    /// A server of its tools.
    ToolServer,
}

/// What one agent is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Makeup {
    /// Newest first; the lowest two bits are the component, 0 is a free place.
    values: [u32; VALUES_MAX],
}

/// A value as it is kept.
fn mark(component: Component, tag: u32) -> u32 {
    let number = match component {
        Component::Version => 1,
        Component::Model => 2,
        Component::ToolServer => 3,
    };
    (tag & !3) | number
}

impl Makeup {
    /// Whether the agent was seen with a value.
    pub fn holds(&self, component: Component, tag: u32) -> bool {
        self.values.contains(&mark(component, tag))
    }

    /// How many values of a component it was seen with.
    pub fn count(&self, component: Component) -> usize {
        self.values.iter().filter(|value| **value & 3 == mark(component, 0)).count()
    }

    /// Notes a value.
    pub fn note(&mut self, component: Component, tag: u32) {
        let value = mark(component, tag);
        let last = self.values.iter().position(|known| *known == value);
        if let Some(newer) = self.values.get_mut(..=last.unwrap_or(VALUES_MAX - 1)) {
            newer.rotate_right(1);
        }
        self.values[0] = value;
    }

    /// Appends the part: 24 bytes.
    pub fn encode(&self, out: &mut Writer) {
        for value in self.values {
            out.u32(value);
        }
    }

    /// Takes the part.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut part = Self::default();
        for value in &mut part.values {
            *value = input.u32()?;
        }
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_newest_values_stay_and_survive_their_bytes(
            notes in proptest::collection::vec((0_usize..3, 1_u32..6), 1..40),
        ) {
            let components = [Component::Version, Component::Model, Component::ToolServer];
            let mut part = Makeup::default();
            let mut newest: Vec<(usize, u32)> = Vec::new();
            for (component, tag) in notes {
                part.note(components[component], tag << 8);
                newest.retain(|known| *known != (component, tag));
                newest.insert(0, (component, tag));
                newest.truncate(VALUES_MAX);
                for (place, component) in components.into_iter().enumerate() {
                    let of_it = newest.iter().filter(|known| known.0 == place).count();
                    prop_assert_eq!(part.count(component), of_it);
                    for tag in 1..6 {
                        let holds = part.holds(component, tag << 8);
                        prop_assert_eq!(holds, newest.contains(&(place, tag)));
                    }
                }
            }
            let mut out = Writer::default();
            part.encode(&mut out);
            prop_assert_eq!(Makeup::decode(&mut Reader(&out.0)), Ok(part));
        }
    }
}
