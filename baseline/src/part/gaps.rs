//! How long an actor pauses: pauses of at least an hour by length, in eight classes, halved together when one is
//! full.

use crate::bytes::{Reader, StateError, Writer};

/// Classes of pauses.
pub const CLASSES: usize = 8;
/// Shortest pause that counts, in seconds.
const PAUSE_S: u32 = 3_600;
/// Where the second class begins, in hours; each further one begins at twice as many.
const SECOND_HOURS: u32 = 8;

/// The pauses of one actor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    classes: [u8; CLASSES],
}

/// The class of a pause: below 8 hours, below 16 and so on, from three weeks on; `None` where it is none.
pub fn class(pause_s: u32) -> Option<usize> {
    if pause_s < PAUSE_S {
        return None;
    }
    let doubled = pause_s / 3_600 / SECOND_HOURS;
    Some(((u32::BITS - doubled.leading_zeros()) as usize).min(CLASSES - 1))
}

impl Gaps {
    /// Pauses of a class or longer, and all.
    pub fn reached(&self, class: usize) -> (u32, u32) {
        let sum = |from: usize| self.classes.iter().skip(from).map(|n| u32::from(*n)).sum();
        (sum(class), sum(0))
    }

    /// Counts one pause.
    pub fn learn(&mut self, class: usize) {
        if self.classes.get(class) == Some(&u8::MAX) {
            // A long pause is rare: rounded up, the only one of its class stays known.
            self.classes = self.classes.map(|n| n.div_ceil(2));
        }
        if let Some(n) = self.classes.get_mut(class) {
            *n += 1;
        }
    }

    /// Appends the part.
    pub fn encode(&self, out: &mut Writer) {
        out.0.extend_from_slice(&self.classes);
    }

    /// Takes the part.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let classes = input.take(CLASSES)?.try_into().map_err(|_| StateError::Length)?;
        Ok(Self { classes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn classes_double_from_eight_hours_on() {
        for (hours, expected) in [(1, 0), (7, 0), (8, 1), (15, 1), (16, 2), (64, 4), (168, 5)] {
            assert_eq!(class(hours * 3_600), Some(expected), "{hours} h");
        }
        assert_eq!((class(3_599), class(u32::MAX)), (None, Some(CLASSES - 1)));
    }

    proptest! {
        #[test]
        fn counts_fall_with_length_and_survive_their_bytes(
            pauses in proptest::collection::vec(0_usize..CLASSES, 1..2_000),
        ) {
            let mut part = Gaps::default();
            for class in pauses {
                part.learn(class);
                prop_assert!(part.reached(class).0 > 0);
            }
            for class in 1..CLASSES {
                prop_assert!(part.reached(class).0 <= part.reached(class - 1).0);
            }
            let mut out = Writer::default();
            part.encode(&mut out);
            prop_assert_eq!(Gaps::decode(&mut Reader(&out.0)), Ok(part));
        }
    }
}
