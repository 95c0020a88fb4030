//! Destinations an actor knows, each with its own rate over one minute and one hour: 20-byte slots, at most
//! 32. The place with the least long-run count leaves.

use crate::bytes::{Reader, StateError, Writer};
use crate::math::decay;
use crate::part::rates::narrow;
use crate::part::slots::append;

/// Most destinations kept.
pub const PLACES_MAX: usize = 32;
const MINUTE_S: f64 = 60.0;
const HOUR_S: f64 = 3_600.0;
const LONG_S: f64 = 30.0 * 86_400.0;

/// One destination.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Tag of the destination's hash.
    pub tag: u32,
    /// Second of the last use, since 1990.
    pub last_s: u32,
    /// Decayed count of a minute.
    pub minute: f32,
    /// Decayed count of an hour.
    pub hour: f32,
    /// Decayed count of 30 days, in learned weight.
    pub long: f32,
}

/// The destinations of one actor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places {
    slots: Box<[Place]>,
}

impl Place {
    /// Counts of minute, hour and 30 days at `now_s`.
    pub fn at(&self, now_s: u32) -> (f64, f64, f64) {
        let dt = f64::from(now_s.saturating_sub(self.last_s));
        (
            f64::from(self.minute) * decay(dt, MINUTE_S),
            f64::from(self.hour) * decay(dt, HOUR_S),
            f64::from(self.long) * decay(dt, LONG_S),
        )
    }
}

impl Places {
    /// The destination, where known.
    pub fn get(&self, tag: u32) -> Option<&Place> {
        self.slots.iter().find(|place| place.tag == tag)
    }

    /// How many destinations are known.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The tags of the destinations, the most used first.
    pub fn top(&self, now_s: u32) -> Vec<u32> {
        let mut order: Vec<&Place> = self.slots.iter().collect();
        order.sort_by(|a, b| b.at(now_s).2.total_cmp(&a.at(now_s).2).then(a.tag.cmp(&b.tag)));
        order.into_iter().map(|place| place.tag).collect()
    }

    /// Counts one use and learns `weight` of it.
    pub fn add(&mut self, tag: u32, now_s: u32, seen: f64, weight: f64) {
        let index = self
            .slots
            .iter()
            .position(|place| place.tag == tag)
            .unwrap_or_else(|| self.admit(tag, now_s));
        if let Some(place) = self.slots.get_mut(index) {
            let (minute, hour, long) = place.at(now_s);
            place.minute = narrow(minute + seen);
            place.hour = narrow(hour + seen);
            if weight > 0.0 {
                place.long = narrow(long + weight);
            }
            place.last_s = place.last_s.max(now_s);
        }
    }

    fn admit(&mut self, tag: u32, now_s: u32) -> usize {
        let fresh = Place { tag, last_s: now_s, ..Place::default() };
        if self.slots.len() < PLACES_MAX {
            append(&mut self.slots, fresh);
            return self.slots.len() - 1;
        }
        let least = self
            .slots
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.at(now_s).2.total_cmp(&b.1.at(now_s).2))
            .map_or(0, |(index, _)| index);
        if let Some(place) = self.slots.get_mut(least) {
            *place = fresh;
        }
        least
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.slots.len() * size_of::<Place>()
    }

    /// Appends the table.
    pub fn encode(&self, out: &mut Writer) {
        out.u8(u8::try_from(self.slots.len()).unwrap_or(u8::MAX));
        for place in self.slots.iter() {
            out.u32(place.tag);
            out.u32(place.last_s);
            out.f32(place.minute);
            out.f32(place.hour);
            out.f32(place.long);
        }
    }

    /// Takes the table.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let len = usize::from(input.u8()?);
        if len > PLACES_MAX {
            return Err(StateError::Value);
        }
        let mut slots = Vec::with_capacity(len);
        for _ in 0..len {
            slots.push(Place {
                tag: input.u32()?,
                last_s: input.u32()?,
                minute: input.f32()?,
                hour: input.f32()?,
                long: input.f32()?,
            });
        }
        Ok(Self { slots: slots.into() })
    }
}
