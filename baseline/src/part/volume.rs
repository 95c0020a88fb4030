//! How much: mean and variance of the logarithm of bytes sent, per class of action; four classes, the least
//! used leaves. Updates are winsorised, so one huge transfer cannot widen what is normal.

use crate::bytes::{Reader, StateError, Writer};
use crate::part::slots::append;
use crate::part::winsor;

/// Most classes kept.
pub const CLASSES_MAX: usize = 4;
/// Observations that weigh at most: older ones fade.
const COUNT_MAX: f32 = 500.0;

/// Moments of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// Tag of the class.
    pub tag: u32,
    /// Observations, in learned weight.
    pub count: f32,
    /// Mean of ln(1 + bytes).
    pub mean: f32,
    /// Mean square deviation.
    pub variance: f32,
}

/// Moments of an actor's transfers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Volume {
    classes: Box<[Moments]>,
}

impl Volume {
    /// The moments of a class, where known.
    pub fn get(&self, tag: u32) -> Option<&Moments> {
        self.classes.iter().find(|class| class.tag == tag)
    }

    /// Learns one transfer of `x` = ln(1 + bytes) with `weight`.
    pub fn learn(&mut self, tag: u32, x: f32, weight: f32) {
        let index = self
            .classes
            .iter()
            .position(|class| class.tag == tag)
            .unwrap_or_else(|| self.admit(tag));
        let Some(class) = self.classes.get_mut(index) else { return };
        if class.count <= 0.0 {
            *class = Moments { tag, count: weight, mean: x, variance: 1.0 };
            return;
        }
        let gain = weight / (class.count + weight);
        (class.mean, class.variance) = winsor::step((class.mean, class.variance), x, gain);
        class.count = (class.count + weight).min(COUNT_MAX);
    }

    fn admit(&mut self, tag: u32) -> usize {
        let fresh = Moments { tag, ..Moments::default() };
        if self.classes.len() < CLASSES_MAX {
            append(&mut self.classes, fresh);
            return self.classes.len() - 1;
        }
        let least = self
            .classes
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.count.total_cmp(&b.1.count))
            .map_or(0, |(index, _)| index);
        if let Some(class) = self.classes.get_mut(least) {
            *class = fresh;
        }
        least
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.classes.len() * size_of::<Moments>()
    }

    /// Appends the moments.
    pub fn encode(&self, out: &mut Writer) {
        out.u8(u8::try_from(self.classes.len()).unwrap_or(u8::MAX));
        for class in self.classes.iter() {
            out.u32(class.tag);
            out.f32(class.count);
            out.f32(class.mean);
            out.f32(class.variance);
        }
    }

    /// Takes the moments.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let len = usize::from(input.u8()?);
        if len > CLASSES_MAX {
            return Err(StateError::Value);
        }
        let mut classes = Vec::with_capacity(len);
        for _ in 0..len {
            classes.push(Moments {
                tag: input.u32()?,
                count: input.f32()?,
                mean: input.f32()?,
                variance: input.f32()?,
            });
        }
        Ok(Self { classes: classes.into() })
    }
}
