//! How busy destinations are, over all agents of one partition: what a newcomer that joins a surge is part of.
//! Bounded: 256 destinations, the least used out. It is a window, so it counts whatever happens; how much of it is
//! usual is learned with a gate. Each destination has a place of its own, saved by itself when it is touched.

use crate::bytes::{Reader, StateError, Writer};
use crate::part::places::Place;
use crate::part::rates::narrow;

/// Destinations kept.
pub const CROWD_MAX: usize = 256;
/// Version of a saved place.
const VERSION: u8 = 1;

/// One destination.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
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
#[derive(Clone, Debug, Default)]
pub struct Crowd {
    spots: Vec<Spot>,
    /// A bit for each place that changed.
    touched: [u64; CROWD_MAX / 64],
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
        if let Some(bits) = self.touched.get_mut(index / 64) {
            *bits |= 1 << (index % 64);
        }
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

    /// The places that changed since the last call, with their bytes.
    pub fn take_touched(&mut self) -> Vec<(usize, Vec<u8>)> {
        let touched = std::mem::take(&mut self.touched);
        let is_touched = |place: &usize| {
            touched.get(place / 64).is_some_and(|bits| bits >> (place % 64) & 1 == 1)
        };
        let places = self.spots.iter().enumerate().filter(|(place, _)| is_touched(place));
        places.map(|(place, spot)| (place, spot.encode())).collect()
    }

    /// Restores one place, in any order.
    pub fn load(&mut self, place: usize, bytes: &[u8]) -> Result<(), StateError> {
        if place >= CROWD_MAX {
            return Err(StateError::Value);
        }
        let loaded = Spot::decode(bytes)?;
        if self.spots.len() <= place {
            self.spots.resize(place + 1, Spot::default());
        }
        if let Some(spot) = self.spots.get_mut(place) {
            *spot = loaded;
        }
        Ok(())
    }
}

impl Spot {
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(25));
        out.u8(VERSION);
        out.u32(self.place.tag);
        out.u32(self.place.last_s);
        out.f32(self.place.minute);
        out.f32(self.place.hour);
        out.f32(self.place.long);
        out.u32(self.first_s);
        out.0
    }

    fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let mut input = Reader(bytes);
        let version = input.u8()?;
        if version != VERSION {
            return Err(StateError::Version(version));
        }
        let place = Place {
            tag: input.u32()?,
            last_s: input.u32()?,
            minute: input.f32()?,
            hour: input.f32()?,
            long: input.f32()?,
        };
        let spot = Self { place, first_s: input.u32()? };
        if input.0.is_empty() { Ok(spot) } else { Err(StateError::Length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_bounded_and_survives_its_saved_places() {
        let (mut crowd, mut saved) = (Crowd::default(), std::collections::BTreeMap::new());
        for tag in 1..1_000 {
            crowd.add(tag, tag, if tag == 7 { 50.0 } else { 1.0 });
            if tag % 90 == 0 {
                let touched = crowd.take_touched();
                assert!(!touched.is_empty() && touched.len() <= 90);
                saved.extend(touched);
            }
        }
        saved.extend(crowd.take_touched());
        assert!(crowd.take_touched().is_empty());
        assert_eq!(crowd.spots.len(), CROWD_MAX);
        assert!(crowd.at(7, 1_000).long > 49.0, "the busiest stays");
        let mut back = Crowd::default();
        for (place, bytes) in saved.into_iter().rev() {
            back.load(place, &bytes).expect("own bytes");
        }
        assert_eq!(back.spots, crowd.spots);
        assert!(back.load(CROWD_MAX, &Spot::default().encode()).is_err());
        assert!(back.load(0, &[VERSION; 3]).is_err());
    }
}
