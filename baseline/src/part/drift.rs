//! How slowly an actor's work grows: sessions a day, and how large transfers are, against an anchor that hardly moves.
//! A day that is done adds to a sum of likelihood ratios (Page 1954) that starts again at nothing, so that days add up
//! of which none is strange. The anchor has a speed limit, and one day counts as 2.5 deviations at most: neither
//! patience nor one wild day moves it far.

use crate::bytes::{Reader, StateError, Writer};

/// What is followed: sessions a day, and sizes.
pub const TRACKS: usize = 2;
/// Days before the anchor speaks, and before it is held: an anchor of few days is off by itself, which adds up too.
const DAYS_MIN: u8 = 14;
const DAYS_HELD: u8 = 28;
/// Days that the anchor weighs at most.
const DAYS_MAX: u8 = 60;
/// Shift that the sum looks for, in deviations of a day.
const SHIFT: f64 = 0.8;
/// Deviations that a day counts at most.
const DEVIATIONS_MAX: f64 = 2.5;
/// Most that a sum reaches, in nats.
const SUM_MAX: f64 = 12.0;
/// Least sum that is news.
const NEWS_MIN: f64 = 2.0;
/// Share by which the anchor of sessions moves in a day at most: 5 % a week.
const SPEED_A_DAY: f64 = 0.007;
/// Days that the prior of a spread weighs.
const PRIOR_DAYS: f64 = 5.0;
/// Spread of a day before any was seen, squared: of the root of a count that nothing else moves, and of a sum of
/// standard deviates over its root.
const PRIOR_SPREAD: [f64; TRACKS] = [0.25, 1.0];
/// A day with less than that share of the usual root of sessions is no working day.
const HALF: f64 = 0.5;

/// One of what is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Track {
    /// What a day usually has.
    anchor: f32,
    /// Mean square deviation of a day.
    spread: f32,
    /// The sum, and what was told of it, in thousandths of a nat.
    sum: u16,
    told: u16,
    /// Days behind it.
    days: u8,
}

/// What a day that is done showed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct News {
    /// 0 sessions, 1 sizes.
    pub track: u8,
    /// The sum in nats.
    pub nats: f64,
    /// What a day usually has, and what the last one had.
    pub usual: f64,
    /// See above.
    pub last: f64,
    /// Days behind the anchor.
    pub days: u8,
}

/// How slowly an actor's work grows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drift {
    /// Sum of the standard deviates of the sizes of `day`.
    sizes: f32,
    /// Transfers of `day`.
    transfers: u16,
    /// Sessions of `day`.
    sessions: u16,
    /// The day that is summed, since 1970.
    day: u16,
    tracks: [Track; TRACKS],
}

// === impl Track ===

impl Track {
    /// Takes a day in; `steady` keeps the anchor where it is.
    fn step(&mut self, x: f64, prior: f64, steady: bool) {
        let n = f64::from(self.days);
        let anchor = f64::from(self.anchor);
        let spread = (f64::from(self.spread) * n + prior * PRIOR_DAYS) / (n + PRIOR_DAYS);
        let deviation = spread.sqrt();
        let far = if self.days == 0 && !steady { 1e9 } else { DEVIATIONS_MAX * deviation };
        let off = (x - anchor).clamp(-far, far);
        let gain = 1.0 / (n + 1.0);
        if self.days >= DAYS_MIN {
            let z = off / deviation;
            let sum = f64::from(self.sum) / 1e3 + SHIFT * z - SHIFT * SHIFT / 2.0;
            self.sum = thousandths(sum.clamp(0.0, SUM_MAX));
            if self.sum < self.told / 2 {
                self.told = self.sum;
            }
        }
        if !steady {
            let most = if self.days < DAYS_HELD { far } else { SPEED_A_DAY / 2.0 * anchor };
            self.anchor = narrow(anchor + (gain * off).clamp(-most, most));
        }
        let square = if self.days == 0 && !steady { 0.0 } else { off * off };
        self.spread = narrow(f64::from(self.spread) + gain * (square - f64::from(self.spread)));
        self.days = (self.days + 1).min(DAYS_MAX);
    }

    /// Whether its sum has risen enough since it was told: by a quarter and more.
    fn is_news(&self) -> bool {
        let (sum, told) = (f64::from(self.sum) / 1e3, f64::from(self.told) / 1e3);
        sum >= NEWS_MIN && sum >= told * 1.25 + 0.5
    }
}

fn thousandths(x: f64) -> u16 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 12")]
    let thousandths = (x * 1e3) as u16;
    thousandths
}

fn narrow(x: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "roots of counts")]
    let narrow = x as f32;
    narrow
}

// === impl Drift ===

impl Drift {
    /// What the day showed that ends with an activity on `day`, if it is news; `last_day` is that of the newest activity.
    pub fn news(&self, last_day: u16, day: u16) -> Option<News> {
        if day <= self.day || last_day != self.day || self.day == 0 {
            return None;
        }
        let mut ended = *self;
        let x = ended.end();
        let of = |(track, (state, x)): (u8, (&Track, Option<f64>))| {
            x.filter(|_| state.is_news()).map(|last| News {
                track,
                nats: f64::from(state.sum) / 1e3,
                usual: f64::from(state.anchor),
                last,
                days: state.days,
            })
        };
        let all = (0_u8..).zip(ended.tracks.iter().zip(x)).filter_map(of);
        all.max_by(|a, b| a.nats.total_cmp(&b.nats))
    }

    /// Ends the day; gives what it had of each, where that says something.
    fn end(&mut self) -> [Option<f64>; TRACKS] {
        let root = f64::from(self.sessions).sqrt();
        let works = root >= HALF * f64::from(self.tracks[0].anchor) && self.sessions > 0;
        let sizes = f64::from(self.sizes) / f64::from(self.transfers.max(1)).sqrt();
        let days = [works.then_some(root), (self.transfers > 0).then_some(sizes)];
        for (place, x) in days.into_iter().enumerate() {
            let (Some(track), Some(prior)) = (self.tracks.get_mut(place), PRIOR_SPREAD.get(place))
            else {
                continue;
            };
            if let Some(x) = x {
                // The sizes' own anchor is the long mean that they are measured by.
                track.step(x, *prior, place == 1);
            }
        }
        (self.sizes, self.transfers, self.sessions) = (0.0, 0, 0);
        days
    }

    /// Sessions of that day, as far as it is the newest, and of a usual day where these are known.
    pub fn sessions(&self, day: u16) -> (f64, f64) {
        let [track, _] = &self.tracks;
        let root = if track.days < DAYS_MIN { 0.0 } else { f64::from(track.anchor) };
        (if day > self.day { 0.0 } else { f64::from(self.sessions) }, root * root)
    }

    /// Sessions of the newest day.
    pub(crate) fn sessions_newest(&self) -> u16 {
        self.sessions
    }

    /// Goes on with so many sessions of a day, of an agent that was young until now.
    pub(crate) fn resume(day: u16, sessions: u16) -> Self {
        Self { day, sessions, ..Self::default() }
    }

    /// Takes in an activity: whether it opened a session, and the standard deviates of its transfers.
    pub fn see(&mut self, day: u16, session: bool, sizes: impl Iterator<Item = f64>) {
        if day > self.day {
            if self.day > 0 {
                self.end();
                for track in &mut self.tracks {
                    if track.is_news() {
                        track.told = track.sum;
                    }
                }
            }
            self.day = day;
        }
        self.sessions = self.sessions.saturating_add(u16::from(session));
        for size in sizes {
            self.sizes += narrow(size.clamp(-DEVIATIONS_MAX, DEVIATIONS_MAX));
            self.transfers = self.transfers.saturating_add(1);
        }
    }

    /// Appends the part: 36 bytes.
    pub fn encode(&self, out: &mut Writer) {
        out.f32(self.sizes);
        for v in [self.transfers, self.sessions, self.day] {
            out.u16(v);
        }
        for track in self.tracks {
            out.f32(track.anchor);
            out.f32(track.spread);
            out.u16(track.sum);
            out.u16(track.told);
            out.u8(track.days);
        }
    }

    /// Takes the part.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut part = Self {
            sizes: input.f32()?,
            transfers: input.u16()?,
            sessions: input.u16()?,
            day: input.u16()?,
            ..Self::default()
        };
        for track in &mut part.tracks {
            *track = Track {
                anchor: input.f32()?,
                spread: input.f32()?,
                sum: input.u16()?,
                told: input.u16()?,
                days: input.u8()?,
            };
        }
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The largest news of so many days with these sessions and sizes.
    fn told(days: u16, sessions: impl Fn(u16) -> u16, sizes: impl Fn(u16) -> f64) -> f64 {
        let mut part = Drift::default();
        let mut most = 0.0_f64;
        for day in 1..=days {
            let news = part.news(day - 1, day);
            most = most.max(news.map_or(0.0, |news| news.nats));
            for number in 0..sessions(day) {
                // Deviates of a day as they come: to both sides, one apart.
                let noise = if (number + day) % 2 == 0 { 1.0 } else { -1.0 };
                part.see(day, true, std::iter::once(sizes(day) + noise));
            }
        }
        most
    }

    /// A count that goes up and down by a third around five.
    fn uneven(day: u16) -> u16 {
        [5, 7, 4, 6, 3, 5, 6, 4][usize::from(day % 8)]
    }

    #[test]
    fn growth_of_three_percent_a_day_is_told_before_it_has_doubled() {
        let grown = |day: u16, of: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let count = (of * 1.03_f64.powi(i32::from(day.saturating_sub(36))) + 0.5) as u16;
            count
        };
        let sessions = |day: u16| grown(day, f64::from(uneven(day)));
        assert!(told(60, sessions, |_| 0.0) > 5.0);
        // Of sizes whose logarithm spreads by a half.
        let sizes = |day: u16| f64::from(day.saturating_sub(36)) * 0.03 / 0.5;
        assert!(told(60, uneven, sizes) > 5.0);
        assert!(told(90, uneven, |_| 0.0) < 2.5, "{}", told(90, uneven, |_| 0.0));
    }

    #[test]
    fn one_wild_day_or_patience_moves_the_anchor_little() {
        let mut part = Drift::default();
        let feed = |part: &mut Drift, day: u16, sessions: u16| {
            (0..sessions).for_each(|_| part.see(day, true, std::iter::empty()));
        };
        (1..40).for_each(|day| feed(&mut part, day, uneven(day)));
        let before = part.tracks[0].anchor;
        feed(&mut part, 40, 500);
        feed(&mut part, 41, 5);
        assert!(part.tracks[0].anchor <= before * 1.004);
        // As patient as one may be: never more than the limit of 5 % a week.
        let start = part.tracks[0].anchor;
        (42..70).for_each(|day| feed(&mut part, day, 60));
        let moved = part.tracks[0].anchor / start;
        assert!(moved * moved <= 1.05_f32.powi(4) + 0.01, "{moved}");
    }

    proptest! {
        #[test]
        fn survives_its_bytes(days in proptest::collection::vec((0_u16..9, -9.0_f64..9.0), 1..90)) {
            let mut part = Drift::default();
            for (day, (sessions, size)) in (1_u16..).zip(days) {
                part.see(day, false, std::iter::once(size));
                (0..sessions).for_each(|_| part.see(day, true, std::iter::empty()));
            }
            let mut out = Writer::default();
            part.encode(&mut out);
            prop_assert_eq!(out.0.len(), 36);
            prop_assert_eq!(Drift::decode(&mut Reader(&out.0)), Ok(part));
        }
    }
}
