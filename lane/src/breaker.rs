//! Stops a lane that refuses most of what it reads of guarded inputs: a bad deploy must not drain them into the dead
//! letters. It looks at shares over a window; once broken it waits, then tries a batch, and waits twice as long where that
//! is no better. Where too little comes to tell, it mends after one more window.

use crate::fold::Counts;

/// Milliseconds over which shares are taken, and of the first wait.
const WINDOW_MS: i64 = 60_000;
/// Waits double up to so many windows.
const WAITS_MAX: i64 = 16;

/// When a breaker breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerLimits {
    /// Refused activities of a window in percent that are too many; 100 never breaks.
    pub percent: u64,
    /// Activities that a window needs before it is judged.
    pub activities_min: u64,
}

/// A lane's breaker.
#[derive(Debug)]
pub struct Breaker {
    limits: BreakerLimits,
    since_ms: i64,
    seen: Counts,
    /// It is broken until then; `None` while it is whole.
    until_ms: Option<i64>,
    /// Windows of the next wait.
    waits: i64,
}

/// What a breaker did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// It broke for so many milliseconds: of these activities so many were refused.
    Broke {
        /// How long nothing is read.
        wait_ms: i64,
        /// Activities of the window.
        activities: u64,
        /// Refused ones.
        refused: u64,
        /// It was broken before, and this was a try.
        again: bool,
    },
    /// Few enough were refused since, or nothing came to be refused.
    Mended,
}

impl Breaker {
    /// A breaker that is whole.
    pub fn new(limits: BreakerLimits) -> Self {
        Self { limits, since_ms: 0, seen: Counts::default(), until_ms: None, waits: 1 }
    }

    /// Takes in what became of committed activities.
    pub fn note(&mut self, counts: &Counts, now_ms: i64) -> Option<Turned> {
        if now_ms - self.since_ms >= WINDOW_MS {
            (self.since_ms, self.seen) = (now_ms, Counts::default());
        }
        self.seen.add(counts);
        let (activities, refused) = (self.seen.ended(), self.seen.dead_lettered);
        // After a wait a hundredth is enough to tell that nothing is better.
        let tries = self.until_ms.is_some();
        let needed =
            if tries { self.limits.activities_min / 100 } else { self.limits.activities_min };
        if activities < needed.max(1) {
            return None;
        }
        if refused * 100 > activities * self.limits.percent {
            let wait_ms = self.waits * WINDOW_MS;
            self.waits = (self.waits * 2).min(WAITS_MAX);
            self.until_ms = Some(now_ms + wait_ms);
            self.seen = Counts::default();
            return Some(Turned::Broke { wait_ms, activities, refused, again: tries });
        }
        self.waits = 1;
        self.until_ms.take().map(|_| Turned::Mended)
    }

    /// Lets time pass: a window after the wait in which too little came to tell mends it.
    pub fn look(&mut self, now_ms: i64) -> Option<Turned> {
        self.until_ms.take_if(|until_ms| now_ms - *until_ms >= WINDOW_MS)?;
        (self.since_ms, self.seen, self.waits) = (now_ms, Counts::default(), 1);
        Some(Turned::Mended)
    }

    /// Whether nothing may be read now.
    pub fn is_broken(&self, now_ms: i64) -> bool {
        self.until_ms.is_some_and(|until_ms| now_ms < until_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(activities: u64, dead_lettered: u64) -> Counts {
        Counts {
            activities,
            scored: activities - dead_lettered,
            dead_lettered,
            ..Counts::default()
        }
    }

    #[test]
    fn it_breaks_waits_tries_and_mends() {
        let mut breaker = Breaker::new(BreakerLimits { percent: 50, activities_min: 1_000 });
        // Few may all be bad, and half of many; the window forgets.
        assert_eq!(breaker.note(&counts(999, 999), 1), None);
        assert_eq!(breaker.note(&counts(999, 999), 60_001), None);
        assert_eq!(breaker.note(&counts(9_000, 4_000), 60_002), None);
        let broke = |wait_ms, activities, refused, again| {
            Some(Turned::Broke { wait_ms, activities, refused, again })
        };
        assert_eq!(breaker.note(&counts(1, 1), 60_003), None);
        assert_eq!(breaker.note(&counts(1, 1), 60_004), broke(60_000, 10_001, 5_001, false));
        assert!(breaker.is_broken(120_003) && !breaker.is_broken(120_004));
        let mut now_ms = 120_004;
        for wait in [2, 4, 8, 16, 16] {
            assert_eq!(breaker.note(&counts(9, 9), now_ms), None, "too few to tell");
            assert_eq!(breaker.note(&counts(1, 1), now_ms), broke(wait * 60_000, 10, 10, true));
            now_ms += wait * 60_000;
            assert!(!breaker.is_broken(now_ms));
        }
        assert_eq!(breaker.note(&counts(20, 0), now_ms), Some(Turned::Mended));
        assert_eq!(
            breaker.note(&counts(2_000, 2_000), now_ms + 60_000),
            broke(60_000, 2_000, 2_000, false)
        );
        // Nobody sends any more, or so little that it tells nothing.
        assert_eq!(breaker.note(&counts(3, 3), now_ms + 130_000), None);
        assert_eq!(breaker.look(now_ms + 179_999), None);
        assert_eq!(breaker.look(now_ms + 180_000), Some(Turned::Mended));
        assert_eq!(breaker.look(now_ms + 999_999), None, "once");
        let mut never = Breaker::new(BreakerLimits { percent: 100, activities_min: 1 });
        assert_eq!(never.note(&counts(9_999, 9_999), 1), None);
    }
}
