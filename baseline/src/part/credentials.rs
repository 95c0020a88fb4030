//! What an agent proves itself with: the credentials it used lately, the kinds of them (type, issuer and scopes), and
//! how old they usually are at use. Four ids and three kinds; the least used leaves. A session counts once.

use crate::bytes::{Reader, StateError, Writer};
use crate::part::winsor;

/// Credentials kept.
pub const IDS_MAX: usize = 4;
/// Kinds of credentials kept.
pub const KINDS_MAX: usize = 3;
/// Uses that an age weighs at most, in tenths: older ones fade.
const AGE_TENTHS_MAX: u16 = 3_000;

/// The credentials of one agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Credentials {
    /// Tags; 0 is a free place.
    ids: [u32; IDS_MAX],
    /// Day of the last use, since 1970.
    days: [u16; IDS_MAX],
    /// Sessions that used it.
    sessions: [u8; IDS_MAX],
    kinds: [u32; KINDS_MAX],
    kind_sessions: [u8; KINDS_MAX],
    age: Age,
}

/// Moments of ln(1 + seconds since issue) at use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Age {
    /// Mean.
    pub mean: f32,
    /// Mean square deviation.
    pub variance: f32,
    /// Uses behind them, in tenths.
    pub tenths: u16,
}

impl Credentials {
    /// The day of a credential's last use and the sessions that used it, where it is known.
    pub fn id(&self, tag: u32) -> Option<(u16, u8)> {
        let place = self.ids.iter().position(|id| *id == tag)?;
        Some((*self.days.get(place)?, *self.sessions.get(place)?))
    }

    /// Notes a use, and with `session` one more session.
    pub fn learn_id(&mut self, tag: u32, day: u16, session: bool) {
        let known = self.ids.iter().position(|id| *id == tag);
        let least = || (0..IDS_MAX).min_by_key(|at| (self.sessions.get(*at), self.days.get(*at)));
        let Some(place) = known.or_else(least) else { return };
        if let (Some(id), Some(last), Some(sessions)) =
            (self.ids.get_mut(place), self.days.get_mut(place), self.sessions.get_mut(place))
        {
            let before = if known.is_some() { (*last, *sessions) } else { (0, 0) };
            *id = tag;
            *last = before.0.max(day);
            *sessions = before.1.saturating_add(u8::from(session));
        }
    }

    /// Sessions that used a kind.
    pub fn kind(&self, tag: u32) -> u8 {
        let place = self.kinds.iter().position(|kind| *kind == tag);
        place.and_then(|place| self.kind_sessions.get(place)).copied().unwrap_or(0)
    }

    /// Sessions that used any kind, and the number of kinds.
    pub fn kinds(&self) -> (u32, usize) {
        let sessions = self.kind_sessions.iter().map(|sessions| u32::from(*sessions)).sum();
        (sessions, self.kinds.iter().filter(|kind| **kind != 0).count())
    }

    /// Counts one session of a kind; all are halved together when one is full.
    pub fn learn_kind(&mut self, tag: u32) {
        let known = self.kinds.iter().position(|kind| *kind == tag);
        let least = || (0..KINDS_MAX).min_by_key(|at| self.kind_sessions.get(*at));
        let Some(place) = known.or_else(least) else { return };
        if self.kind_sessions.get(place) == Some(&u8::MAX) {
            self.kind_sessions = self.kind_sessions.map(|sessions| sessions.div_ceil(2));
        }
        if let (Some(kind), Some(sessions)) =
            (self.kinds.get_mut(place), self.kind_sessions.get_mut(place))
        {
            *kind = tag;
            *sessions = if known.is_some() { sessions.saturating_add(1) } else { 1 };
        }
    }

    /// How old credentials usually are at use.
    pub fn age(&self) -> Age {
        self.age
    }

    /// Learns an age, `x` = ln(1 + seconds), with a weight in tenths; one far off widens little.
    pub fn learn_age(&mut self, x: f32, tenths: u16) {
        let Age { mean, variance, tenths: known } = self.age;
        if known == 0 {
            self.age = Age { mean: x, variance: 1.0, tenths };
            return;
        }
        let total = known.saturating_add(tenths);
        let gain = f32::from(tenths) / f32::from(total);
        let (mean, variance) = winsor::step((mean, variance), x, gain);
        self.age = Age { mean, variance, tenths: total.min(AGE_TENTHS_MAX) };
    }

    /// Appends the part: 53 bytes.
    pub fn encode(&self, out: &mut Writer) {
        for ((id, day), sessions) in self.ids.iter().zip(self.days).zip(self.sessions) {
            out.u32(*id);
            out.u16(day);
            out.u8(sessions);
        }
        for (kind, sessions) in self.kinds.iter().zip(self.kind_sessions) {
            out.u32(*kind);
            out.u8(sessions);
        }
        out.f32(self.age.mean);
        out.f32(self.age.variance);
        out.u16(self.age.tenths);
    }

    /// Takes the part.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut part = Self::default();
        for ((id, day), sessions) in part.ids.iter_mut().zip(&mut part.days).zip(&mut part.sessions)
        {
            (*id, *day, *sessions) = (input.u32()?, input.u16()?, input.u8()?);
        }
        for (kind, sessions) in part.kinds.iter_mut().zip(&mut part.kind_sessions) {
            (*kind, *sessions) = (input.u32()?, input.u8()?);
        }
        part.age = Age { mean: input.f32()?, variance: input.f32()?, tenths: input.u16()? };
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_credential_in_use_outlives_those_of_one_session() {
        let mut part = Credentials::default();
        for day in 0..40_u16 {
            part.learn_id(7, day, true);
            part.learn_id(1_000 + u32::from(day), day, true);
        }
        assert_eq!(part.id(7), Some((39, 40)));
        assert_eq!(part.id(1_039), Some((39, 1)));
        assert_eq!(part.id(1_002), None);
    }

    proptest! {
        #[test]
        fn what_was_learned_survives_its_bytes(
            uses in proptest::collection::vec((1_u32..9, 0_u16..900, 0.0_f32..20.0, any::<bool>()), 0..600),
        ) {
            let mut part = Credentials::default();
            for (tag, day, age, session) in uses {
                part.learn_id(tag, day, session);
                part.learn_kind(tag);
                part.learn_age(age, if session { 10 } else { 1 });
                prop_assert!(part.kind(tag) > 0 && part.id(tag).is_some());
            }
            let mut out = Writer::default();
            part.encode(&mut out);
            prop_assert_eq!(out.0.len(), 53);
            prop_assert_eq!(Credentials::decode(&mut Reader(&out.0)), Ok(part));
        }
    }
}
