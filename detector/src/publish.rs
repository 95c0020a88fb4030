//! Trust records: what consumers are told of an actor's trust, and when. A record is written at the actor's first
//! activity, at a change of level, after a move of a point, and in each new active hour; between two of them the
//! score falls by less than a point. How trust moves is not decided here.

use baseline::Actor;
use baseline::agent::authority_index;
use baseline::part::reach::{CLASSES, Reach};
use baseline::part::trust::{Published, TrustState};
use schemas::finding::{Body, Finding, LevelChange};
use schemas::time::{DAY_MS, EventTime, HOUR_MS, TIME_MS_MIN};
use schemas::trust::{
    HabitState, Level, NextLevel, PreviousTrust, Recommended, RiskLevel, TRUST_SCHEMA,
    TrustBaseline, TrustContributor, TrustReason, TrustRecord, risk_score,
};

use crate::engine::{Assessment, SignalScore};
use crate::observe::{Judged, Moment, Observe};
use crate::report::{READY_HOURS, actor_ref, finding, log_time};
use crate::trust::next_change;

/// A move of this many hundredths of a point is told.
const MOVE_HUNDREDTHS: u16 = 100;
/// Idle time after which habits are stale.
const STALE_MS: i64 = 30 * DAY_MS;
/// An actor is as sensitive as the data that it touches in one of so many sessions.
const SENSITIVE_SHARE: f64 = 20.0;
/// Most signals that a record names.
const CONTRIBUTORS_MAX: usize = 16;

/// What a record says beside the actor's state.
pub(crate) struct Said<'a> {
    pub(crate) tenant_id: &'a str,
    pub(crate) agent_id: &'a str,
    pub(crate) log_ms: i64,
    pub(crate) sequence: u64,
    pub(crate) score: f64,
    pub(crate) level: Level,
    pub(crate) reason: TrustReason,
    pub(crate) contributors: Vec<TrustContributor>,
}

/// A score in hundredths, rounded down: a record never claims a bound that the score does not reach.
fn hundredths(score: f64) -> u16 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10,000")]
    let hundredths = (score * 100.0) as u16;
    hundredths
}

/// The longest life of a token that is recommended, in seconds: an hour while trusted, the less the lower the level,
/// half of it for who touches confidential data, a quarter for restricted.
fn max_token_lifetime_seconds(level: Level, class: usize) -> u32 {
    let seconds = match level {
        Level::Trusted => 3_600,
        Level::Watch | Level::Unknown => 1_800,
        Level::Restricted => 900,
        Level::Untrusted => 300,
    };
    match class {
        0 | 1 => seconds,
        2 => seconds / 2,
        _ => seconds / 4,
    }
}

/// The most sensitive class of data that an actor touches in at least one of twenty sessions, as far as was learnt.
fn sensitivity(reach: &Reach) -> usize {
    let sessions: f64 = (0..CLASSES).map(|class| reach.of(class)).sum();
    let often = |class: &usize| reach.of(*class) * SENSITIVE_SHARE >= sessions.max(1.0);
    (0..CLASSES).rev().find(often).unwrap_or(0)
}

impl Observe {
    /// Tells what an activity did to an actor's trust, where it matters: a finding at a change of level, and a record.
    pub(crate) fn publish(
        &mut self,
        at: &Moment<'_>,
        actor: &mut Actor,
        judged: &Judged,
        before: &TrustState,
    ) -> (Option<Finding>, Option<Box<TrustRecord>>) {
        if actor.trust == *before {
            return (None, None);
        }
        let (trust, told) = (judged.trust, before.published);
        let is_first = told.at_s == 0;
        let level_before = if is_first { trust.level_before } else { told.level };
        let change = (level_before != trust.level_after).then(|| LevelChange {
            actor: actor_ref(at.activity),
            before: level_before,
            after: trust.level_after,
            score: trust.after,
            time: at.activity.time,
        });
        let (was, now) = (hundredths(trust.before), hundredths(trust.after));
        let matters = is_first
            || change.is_some()
            || actor.trust.hour != before.hour
            || now.abs_diff(told.hundredths) >= MOVE_HUNDREDTHS;
        let record = matters.then(|| {
            // Lower than told: evidence of now, or of earlier activities that moved it by less than a point.
            let reason = match now {
                _ if is_first => TrustReason::Bootstrap,
                _ if now < was || now < told.hundredths => TrustReason::Evidence,
                _ => TrustReason::Recovery,
            };
            let contributors = if now < was && !is_first {
                contributors(&judged.assessment, trust.before - trust.after, &at.activity.id)
            } else {
                Vec::new()
            };
            let said = Said {
                tenant_id: &at.activity.tenant_id,
                agent_id: &at.activity.agent.id,
                log_ms: at.stamp.log_ms,
                sequence: at.position,
                score: trust.after,
                level: trust.level_after,
                reason,
                contributors,
            };
            Box::new(self.record(at.agent_key, actor, said))
        });
        if record.is_none() {
            self.note_due(at.agent_key, actor);
        }
        let tenant_id = &at.activity.tenant_id;
        let finding =
            change.map(|change| finding(tenant_id, at.stamp, &self.settings, Body::Level(change)));
        (finding, record)
    }

    /// Writes a record, notes in the actor what it said, and when it is due next.
    pub(crate) fn record(
        &mut self,
        agent_key: &str,
        actor: &mut Actor,
        said: Said<'_>,
    ) -> TrustRecord {
        let time = log_time(said.log_ms);
        let told = actor.trust.published;
        let hundredths = hundredths(said.score);
        let at_s = u32::try_from((time.millis() - TIME_MS_MIN) / 1_000).unwrap_or(0).max(1);
        actor.trust.published = Published { at_s, hundredths, level: said.level };
        let next = self.note_due(agent_key, actor);
        let score = f64::from(hundredths) / 100.0;
        TrustRecord {
            schema: TRUST_SCHEMA.to_owned(),
            tenant_id: said.tenant_id.to_owned(),
            agent_id: said.agent_id.to_owned(),
            agent_issuer: None,
            authority: actor.authority,
            time,
            sequence: said.sequence,
            score,
            level: said.level,
            risk_score: risk_score(score),
            risk_level: RiskLevel::of_trust(score),
            next_level: next_level(said.level, next),
            previous: previous(told),
            reason: said.reason,
            contributors: said.contributors,
            baseline: Some(baseline(actor, time)),
            valid_until: None,
            policy: None,
            recommended: Some(Recommended {
                max_token_lifetime_seconds: Some(max_token_lifetime_seconds(
                    said.level,
                    sensitivity(&actor.reach),
                )),
                require_human_approval: Some(said.level <= Level::Restricted),
            }),
        }
    }

    /// Notes when another level than the published one will show of itself, and gives it.
    pub(crate) fn note_due(&mut self, agent_key: &str, actor: &Actor) -> Option<(u32, Level)> {
        let next = next_change(&actor.trust, self.settings.trust_levels);
        let hour = next.map_or(0, |(hour, _)| hour);
        self.due.set(agent_key, authority_index(actor.authority), hour);
        next
    }
}

/// The next step, where it is one up and has a name among the levels that can be stepped to.
fn next_level(level: Level, next: Option<(u32, Level)>) -> Option<NextLevel> {
    let (hour, next) = next.filter(|(_, next)| *next > level && *next != Level::Unknown)?;
    let not_before = EventTime::from_millis(i64::from(hour) * HOUR_MS).ok()?;
    Some(NextLevel { level: next, not_before })
}

fn previous(told: Published) -> Option<PreviousTrust> {
    let time = EventTime::from_millis(second_ms(told.at_s)).ok()?;
    let score = f64::from(told.hundredths) / 100.0;
    (told.at_s != 0).then_some(PreviousTrust { score, level: told.level, time })
}

/// Milliseconds since 1970 of a second since 1990.
fn second_ms(second: u32) -> i64 {
    TIME_MS_MIN + i64::from(second) * 1_000
}

fn baseline(actor: &Actor, now: EventTime) -> TrustBaseline {
    let progress = &actor.progress;
    let last_ms = second_ms(progress.last_s);
    let state = if now.millis() - last_ms > STALE_MS {
        HabitState::Stale
    } else if progress.active_hours >= READY_HOURS {
        HabitState::Ready
    } else {
        HabitState::Learning
    };
    TrustBaseline {
        state,
        events: u64::from(progress.events),
        first_seen: EventTime::from_millis(second_ms(progress.first_s)).ok(),
        last_seen: EventTime::from_millis(last_ms).ok(),
    }
}

/// The signals behind a fall of a hundredth and more, each with its share of it: that of the score.
fn contributors(assessment: &Assessment, fall: f64, activity_id: &str) -> Vec<TrustContributor> {
    let contributor = |signal: &SignalScore| {
        #[expect(clippy::cast_precision_loss, reason = "micro-nats below 2^52")]
        let share = signal.micronats as f64 / assessment.micronats.max(1) as f64;
        let hundredths = (fall * share * 100.0).round();
        (hundredths >= 1.0).then(|| TrustContributor {
            signal: signal.id.to_owned(),
            delta: Some(-hundredths / 100.0),
            alert_id: None,
            event_ids: vec![activity_id.to_owned()],
        })
    };
    let counted = assessment.signals.iter().filter(|signal| !signal.shadow);
    counted.filter_map(contributor).take(CONTRIBUTORS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: [Level; 5] =
        [Level::Untrusted, Level::Restricted, Level::Watch, Level::Unknown, Level::Trusted];

    #[test]
    fn tokens_live_the_shorter_the_less_trusted_and_the_more_sensitive() {
        for class in 0..CLASSES {
            let of = |level| max_token_lifetime_seconds(level, class);
            assert!(LEVELS.map(of).is_sorted(), "{class}");
            assert!(LEVELS.map(of).iter().all(|seconds| *seconds >= 60));
        }
        for level in LEVELS {
            let of = |class| max_token_lifetime_seconds(level, class);
            assert!([3, 2, 1, 0].map(of).is_sorted(), "{level:?}");
        }
        assert!(
            max_token_lifetime_seconds(Level::Trusted, 0)
                > max_token_lifetime_seconds(Level::Trusted, 3)
        );
    }

    #[test]
    fn what_is_touched_now_and_then_makes_nobody_sensitive() {
        let mut reach = Reach::default();
        assert_eq!(sensitivity(&reach), 0);
        reach.learn(1, 10 * 100);
        reach.learn(3, 10 * 3);
        assert_eq!(sensitivity(&reach), 1);
        reach.learn(3, 10 * 5);
        assert_eq!(sensitivity(&reach), 3);
    }
}
