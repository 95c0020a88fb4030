//! How busy destinations are, over all agents of one partition: what a newcomer that joins a surge is part of.
//! Bounded: 256 destinations, the least used out. It is a window, so it counts whatever happens; how much of it is
//! usual is learned with a gate.

use crate::bytes::{Reader, StateError, Writer};
use crate::part::places::Place;
use crate::part::rates::narrow;

/// Destinations kept.
pub const CROWD_MAX: usize = 256;

/// One destination.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spot {
    place: Place,
    first_s: u32,
}

/// How busy a destination is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Busy {
    /// Calls within a minute.
    pub minute: f64,
    /// Calls within an hour.
    pub hour: f64,
    /// Learned calls of 30 days.
    pub long: f64,
    /// Seconds since the first call.
    pub age_s: f64,
}

/// The destinations of one partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Crowd {
    spots: Vec<Spot>,
}

impl Crowd {
    /// How busy a destination is before this call.
    pub fn at(&self, tag: u32, now_s: u32) -> Busy {
        let Some(spot) = self.spots.iter().find(|spot| spot.place.tag == tag) else {
            return Busy::default();
        };
        let (minute, hour, long) = spot.place.at(now_s);
        Busy { minute, hour, long, age_s: f64::from(now_s.saturating_sub(spot.first_s)) }
    }

    /// Counts one call and learns `weight` of it.
    pub fn add(&mut self, tag: u32, now_s: u32, weight: f64) {
        let index = self
            .spots
            .iter()
            .position(|spot| spot.place.tag == tag)
            .unwrap_or_else(|| self.admit(tag, now_s));
        let Some(spot) = self.spots.get_mut(index) else { return };
        let (minute, hour, long) = spot.place.at(now_s);
        spot.place.minute = narrow(minute + 1.0);
        spot.place.hour = narrow(hour + 1.0);
        spot.place.long = narrow(long + weight);
        spot.place.last_s = spot.place.last_s.max(now_s);
    }

    fn admit(&mut self, tag: u32, now_s: u32) -> usize {
        let fresh =
            Spot { place: Place { tag, last_s: now_s, ..Place::default() }, first_s: now_s };
        if self.spots.len() < CROWD_MAX {
            self.spots.push(fresh);
            return self.spots.len() - 1;
        }
        let order = |a: &Spot, b: &Spot| a.place.at(now_s).2.total_cmp(&b.place.at(now_s).2);
        let least = self
            .spots
            .iter()
            .enumerate()
            .min_by(|a, b| order(a.1, b.1))
            .map_or(0, |(index, _)| index);
        if let Some(spot) = self.spots.get_mut(least) {
            *spot = fresh;
        }
        least
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.spots.capacity() * size_of::<Spot>()
    }

    /// The table's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        for spot in &self.spots {
            out.u32(spot.place.tag);
            out.u32(spot.place.last_s);
            out.f32(spot.place.minute);
            out.f32(spot.place.hour);
            out.f32(spot.place.long);
            out.u32(spot.first_s);
        }
        out.0
    }

    /// Reads the table.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let mut input = Reader(bytes);
        let mut spots = Vec::new();
        while !input.0.is_empty() {
            if spots.len() == CROWD_MAX {
                return Err(StateError::Value);
            }
            let place = Place {
                tag: input.u32()?,
                last_s: input.u32()?,
                minute: input.f32()?,
                hour: input.f32()?,
                long: input.f32()?,
            };
            spots.push(Spot { place, first_s: input.u32()? });
        }
        Ok(Self { spots })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_bounded_and_survives_encoding() {
        let mut crowd = Crowd::default();
        for tag in 1..1_000 {
            crowd.add(tag, tag, if tag == 7 { 50.0 } else { 1.0 });
        }
        assert_eq!(crowd.spots.len(), CROWD_MAX);
        assert!(crowd.at(7, 1_000).long > 49.0, "the busiest stays");
        assert_eq!(Crowd::decode(&crowd.encode()).as_ref(), Ok(&crowd));
    }
}
