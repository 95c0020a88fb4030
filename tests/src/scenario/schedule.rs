//! When agents work. A declared schedule also says when they never do: that is what off-hours is judged by.

use super::random::Random;

/// The rhythm of a blueprint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rhythm {
    Office,
    Always,
    Nightly,
    Periodic,
    Weekly,
}

/// The schedule of an agent; hours are local.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Schedule {
    rhythm: Rhythm,
    zone: i64,
    begin: i64,
    end: i64,
    weekday: i64,
    overtime: f64,
}

impl Schedule {
    pub(super) fn new(rhythm: Rhythm, zone: i64, random: &mut Random) -> Self {
        let begin = match rhythm {
            Rhythm::Office => 7 + random.below(3) as i64,
            _ => 1 + random.below(5) as i64,
        };
        Self {
            rhythm,
            zone,
            begin,
            end: begin + 9,
            weekday: random.below(5) as i64,
            overtime: if random.chance(0.3) { 0.01 } else { 0.0 },
        }
    }

    /// The share of a working day's sessions that an hour since the start of the scenario has.
    pub(super) fn share(&self, hour: i64) -> f64 {
        let local = hour + self.zone;
        let (day, hour) = (local.div_euclid(24).rem_euclid(7), local.rem_euclid(24));
        match self.rhythm {
            Rhythm::Office if day < 5 && (self.begin..self.end).contains(&hour) => {
                if hour == self.begin + 4 { 0.05 } else { 0.119 }
            }
            Rhythm::Office if (9..22).contains(&hour) => self.overtime,
            Rhythm::Always if (7..20).contains(&hour) => 0.055,
            Rhythm::Always => 0.026,
            Rhythm::Nightly if hour == self.begin => 1.0,
            Rhythm::Periodic if (hour - self.begin) % 4 == 0 => 1.0 / 6.0,
            Rhythm::Weekly if day == self.weekday && hour == self.begin => 1.0,
            _ => 0.0,
        }
    }

    /// Whether sessions come as the clock says and not as people do.
    pub(super) fn is_clockwork(&self) -> bool {
        matches!(self.rhythm, Rhythm::Nightly | Rhythm::Periodic | Rhythm::Weekly)
    }

    /// Whether the declared schedule has no work at that hour since the start.
    pub(super) fn excludes(&self, hour: i64) -> bool {
        self.share(hour) == 0.0
    }

    /// The first hour of usual work from this one on.
    pub(super) fn next_active(&self, hour: i64) -> i64 {
        (hour..hour + 24 * 14).find(|hour| self.share(*hour) >= 0.02).unwrap_or(hour)
    }

    /// The hour of that day in which the agent has least to do: 03:00, or the other end of the clock's day.
    pub(super) fn odd_hour(&self, day: i64) -> i64 {
        let local = match self.rhythm {
            Rhythm::Nightly | Rhythm::Weekly => self.begin + 12,
            Rhythm::Periodic => self.begin + 2,
            _ => 3,
        };
        day * 24 + (local - self.zone).rem_euclid(24)
    }

    /// The longest usual silence.
    pub(super) fn longest_gap_days(&self) -> i64 {
        match self.rhythm {
            Rhythm::Office => 3,
            Rhythm::Weekly => 7,
            _ => 1,
        }
    }

    /// Hours of a week with usual work.
    pub(super) fn hours_a_week(&self) -> f64 {
        (0..168).filter(|hour| self.share(*hour) >= 0.02).count() as f64
    }

    pub(super) fn sleeps_on_holidays(&self) -> bool {
        self.rhythm == Rhythm::Office
    }
}
