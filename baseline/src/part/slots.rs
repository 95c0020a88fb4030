//! Small exact table of what an actor knows: 8-byte slots up to a cap, none to spare, the least
//! decayed weight out (Space-Saving without the overestimate). Weight in tenths; half-life 30 days, lazily.

use crate::bytes::{Reader, StateError, Writer};
use crate::math::decay;

/// Half-life of a slot's weight in days.
const HALF_LIFE_DAYS: f64 = 30.0;

/// One known value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Tag of the value's hash.
    pub tag: u32,
    /// Weight in tenths at `day`.
    pub weight: u16,
    /// Day of the last use, since 1970.
    pub day: u16,
}

/// A table of at most `CAP` slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots<const CAP: usize> {
    slots: Box<[Slot]>,
}

impl Slot {
    /// The weight on `day`, in whole observations.
    pub fn weight_on(&self, day: u16) -> f64 {
        f64::from(self.weight) / 10.0
            * decay(f64::from(day.saturating_sub(self.day)), HALF_LIFE_DAYS)
    }
}

impl<const CAP: usize> Slots<CAP> {
    /// The weight of a value on `day`; 0 where it is unknown.
    pub fn weight(&self, tag: u32, day: u16) -> f64 {
        self.slots.iter().find(|slot| slot.tag == tag).map_or(0.0, |slot| slot.weight_on(day))
    }

    /// Whether a value has a slot, be its weight nothing.
    pub fn holds(&self, tag: u32) -> bool {
        self.slots.iter().any(|slot| slot.tag == tag)
    }

    /// The sum of all weights and the number of values on `day`.
    pub fn total(&self, day: u16) -> (f64, usize) {
        (self.slots.iter().map(|slot| slot.weight_on(day)).sum(), self.slots.len())
    }

    /// Adds `tenths` to a value, evicting the least value where the table is full.
    pub fn learn(&mut self, tag: u32, tenths: u16, day: u16) {
        let found = self.slots.iter_mut().find(|slot| slot.tag == tag);
        if let Some(slot) = found {
            let kept = round_u16(slot.weight_on(day) * 10.0);
            *slot = Slot { tag, weight: kept.saturating_add(tenths), day: slot.day.max(day) };
            return;
        }
        let fresh = Slot { tag, weight: tenths, day };
        if self.slots.len() < CAP {
            append(&mut self.slots, fresh);
            return;
        }
        // A newcomer replaces the least known value only: ties go to the earliest slot.
        let least =
            self.slots.iter_mut().min_by(|a, b| a.weight_on(day).total_cmp(&b.weight_on(day)));
        if let Some(slot) = least {
            *slot = fresh;
        }
    }

    /// The tags, oldest slot first.
    pub fn tags(&self) -> impl Iterator<Item = u32> + '_ {
        self.slots.iter().map(|slot| slot.tag)
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
    }

    /// Appends the table.
    pub fn encode(&self, out: &mut Writer) {
        out.u8(u8::try_from(self.slots.len()).unwrap_or(u8::MAX));
        for slot in self.slots.iter() {
            out.u32(slot.tag);
            out.u16(slot.weight);
            out.u16(slot.day);
        }
    }

    /// Takes the table.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let len = usize::from(input.u8()?);
        if len > CAP {
            return Err(StateError::Value);
        }
        let mut slots = Vec::with_capacity(len);
        for _ in 0..len {
            slots.push(Slot { tag: input.u32()?, weight: input.u16()?, day: input.u16()? });
        }
        Ok(Self { slots: slots.into() })
    }
}

/// Appends to a table without room to spare: a table grows seldom, and there are millions of them.
pub(crate) fn append<T>(table: &mut Box<[T]>, value: T) {
    let mut grown = std::mem::take(table).into_vec();
    grown.reserve_exact(1);
    grown.push(value);
    *table = grown.into();
}

/// Rounds to the nearest u16, saturating.
pub(crate) fn round_u16(x: f64) -> u16 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    let rounded = (x + 0.5).clamp(0.0, 65_535.0) as u16;
    rounded
}
