//! How sensitive the data is that an actor touches: sessions by classification, in tenths, the lowest first. All halve
//! together, so that the last few thousand sessions weigh most.

use crate::bytes::{Reader, StateError, Writer};

/// Classes that a resource may be in: public, internal, confidential, restricted.
pub const CLASSES: usize = 4;
/// Weight of one class at which all halve.
const TENTHS_MAX: u16 = 40_000;

/// Sessions by classification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach([u16; CLASSES]);

impl Reach {
    /// Adds `tenths` of a session to a class.
    pub fn learn(&mut self, class: usize, tenths: u16) {
        if let Some(weight) = self.0.get_mut(class) {
            *weight = weight.saturating_add(tenths);
            if *weight >= TENTHS_MAX {
                self.0 = self.0.map(|weight| weight / 2);
            }
        }
    }

    /// Sessions of a class.
    pub fn of(&self, class: usize) -> f64 {
        self.0.get(class).map_or(0.0, |weight| f64::from(*weight) / 10.0)
    }

    /// Appends the weights.
    pub fn encode(&self, out: &mut Writer) {
        for weight in self.0 {
            out.u16(weight);
        }
    }

    /// Takes the weights.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        Ok(Self([input.u16()?, input.u16()?, input.u16()?, input.u16()?]))
    }
}
