//! Worked examples, and that asking for trust does not move it.

use super::*;
use proptest::prelude::*;
use schemas::finding::Support;

const LEVELS: [f64; 3] = [80.0, 60.0, 40.0];
/// An hour of 2015.
const START: u32 = 400_000;

fn period(actor_months: f64) -> ReturnPeriod {
    let support = Support { actor_hours: 1e9, extrapolated: false };
    ReturnPeriod {
        actor_months,
        counted_months: actor_months,
        share: 0.01 / actor_months,
        hours_per_month: 100.0,
        support,
    }
}

fn clean(hours: u32) -> TrustState {
    let mut state = TrustState::default();
    (START..=START + hours).for_each(|hour| {
        enter_hour(&mut state, hour);
        take_in(&mut state, &period(0.0), 1.0, LEVELS);
    });
    state
}

#[test]
fn worked_examples_of_the_design() {
    // An event of once in 33 months takes trust to 60.
    for (months, factor) in [(12.0, 0.70), (33.3, 0.60), (120.0, 0.50), (1_200.0, 0.36)] {
        let mut state = clean(2_000);
        take_in(&mut state, &period(months), 1.0, LEVELS);
        assert!((score(&state) / 100.0 - factor).abs() < 0.01, "{months}");
    }
}

#[test]
fn one_incident_counts_once_and_two_fall_further() {
    let mut state = clean(2_000);
    for _ in 0..50 {
        take_in(&mut state, &period(120.0), 1.0, LEVELS);
    }
    assert_eq!(state.level, Level::Restricted);
    let once = score(&state);
    (START + 2_001..=START + 2_012).for_each(|hour| enter_hour(&mut state, hour));
    take_in(&mut state, &period(120.0), 1.0, LEVELS);
    assert!(score(&state) < once);
    let untouched = clean(2_000);
    assert_eq!(level(&untouched, score(&untouched), LEVELS), Level::Trusted);
}

#[test]
fn a_newcomer_is_unknown_not_fallen() {
    let state = clean(3);
    assert_eq!(level(&state, score(&state), LEVELS), Level::Unknown);
    assert_eq!(state.level, Level::Trusted);
}

#[test]
fn a_newcomer_falls_by_the_same_event_as_anybody() {
    for months in [2.0, 20.0, 30.0, 40.0, 500.0] {
        let [fresh, known] = [clean(0), clean(2_000)].map(|mut state| {
            let added = take_in(&mut state, &period(months), 1.0, LEVELS);
            assert!((added - ln(months)).abs() < 1e-3, "what is told is what was added");
            state.level <= Level::Restricted
        });
        assert_eq!((fresh, known), (months > 34.0, months > 34.0), "{months}");
    }
}

#[test]
fn support_caps_the_penalty() {
    let mut state = clean(2_000);
    let thin =
        ReturnPeriod { support: Support { actor_hours: 10.0, extrapolated: true }, ..period(1e6) };
    take_in(&mut state, &thin, 1.0, LEVELS);
    assert!(state.fast.abs() < 1e-6, "10 x 10 hours support nothing beyond one month");
}

fn said(sequence: u32, hour: u32, (fast, slow): (f32, f32)) -> OutsideEvidence {
    let authority = Authority::Delegated;
    OutsideEvidence { sequence, authority, hour, fast, slow, cause: u64::from(sequence) }
}

fn hear(state: &mut TrustState, all: &[OutsideEvidence]) {
    take_outside(state, all, Authority::Delegated, LEVELS);
}

#[test]
fn evidence_of_people_on_a_calm_agent_moves_it() {
    let mut state = clean(2_000);
    let against = said(1, state.hour + 5, (0.0, 10.0));
    hear(&mut state, &[against]);
    let (shown, level) = standing(&state, state.hour + 5, LEVELS);
    assert!((shown / 100.0 - exp(-10.0 / SCALE)).abs() < 0.01, "{shown}");
    assert_eq!(level, Level::Untrusted);
    let once = state;
    hear(&mut state, &[against]);
    assert_eq!(state, once, "a piece counts once");
    take_outside(&mut state, &[said(2, 0, (0.0, 9.0))], Authority::Autonomous, LEVELS);
    assert_eq!(state, once, "another actor's");
}

#[test]
fn with_all_alerts_expected_trust_is_that_of_an_actor_without_any() {
    let mut state = clean(500);
    let calm = state;
    for months in [20.0, 300.0, 5_000.0] {
        take_in(&mut state, &period(months), 1.0, LEVELS);
    }
    assert!(state.level <= Level::Restricted);
    let rise = (state.fast - calm.fast, state.slow - calm.slow);
    // The hour of the alerts was not clean, and nobody says that it was.
    let calm = TrustState { incident_hour: state.incident_hour, ..calm };
    for idle_hours in [0, 1, 40] {
        let mut forgiven = state;
        let hour = state.hour + idle_hours;
        // What an idle actor has left of it, and never less: respond knows no more.
        let left = (
            narrow(f64::from(rise.0) * decay(0.25 * f64::from(idle_hours), FAST_HALF_LIFE_H)),
            narrow(f64::from(rise.1) * decay(0.25 * f64::from(idle_hours), SLOW_HALF_LIFE_H)),
        );
        hear(&mut forgiven, &[said(1, hour, (-left.0, -left.1))]);
        assert_eq!(forgiven.level, Level::Trusted, "a person's word lifts it at once");
        for later in [0, 1, 24, 500] {
            // The documented curve: 100 (u + (1 - u) a0).
            let (shown, _) = standing(&forgiven, hour + later, LEVELS);
            let (curve, _) = standing(&calm, hour + later, LEVELS);
            assert!((curve - shown).abs() < 1e-4 && shown <= curve, "{shown} {curve}");
        }
        // More than there is cannot be taken back.
        let mut praised = state;
        hear(&mut praised, &[said(1, hour, (-99.0, -99.0))]);
        let (shown, _) = standing(&praised, hour, LEVELS);
        assert!(shown <= standing(&calm, hour, LEVELS).0);
    }
}

proptest! {
    #[test]
    fn when_evidence_of_people_is_found_changes_no_bit(
        pieces in proptest::collection::vec((0..3_000_u32, -8.0..12.0_f32, -8.0..12.0_f32), 1..6),
        (months, gap) in (0.0..5_000.0_f64, 1..4_000_u32),
    ) {
        let mut state = clean(100);
        take_in(&mut state, &period(months), 1.0, LEVELS);
        let mut hour = state.hour;
        let all: Vec<OutsideEvidence> = (1..)
            .zip(&pieces)
            .map(|(sequence, (after, fast, slow))| {
                hour += after % 500;
                said(sequence, hour, (*fast, *slow))
            })
            .collect();
        // At each epoch's end as it comes, or all of it at the next activity.
        let (mut early, mut late) = (state, state);
        for n in 1..=all.len() {
            hear(&mut early, &all[..n]);
            step_up(&mut early, all[n - 1].hour, LEVELS);
        }
        let next = hour + gap;
        for state in [&mut early, &mut late] {
            hear(state, &all);
            act(state, next, months, false);
        }
        prop_assert_eq!(early, late);
    }
}

/// One activity: hours since the one before, once in so many months, whose errand, and when trust is asked for between.
type Act = (u32, f64, bool, Vec<u32>);

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let gap = prop_oneof![4 => 0..2_u32, 2 => 2..40_u32, 1 => 40..6_000_u32];
    let months = prop_oneof![8 => Just(0.0), 2 => 1.0..30.0, 1 => 30.0..5_000.0_f64];
    let act = (gap, months, any::<bool>(), proptest::collection::vec(0..6_000_u32, 0..4));
    proptest::collection::vec(act, 1..120)
}

fn act(state: &mut TrustState, hour: u32, months: f64, for_person: bool) {
    step_up(state, hour, LEVELS);
    enter_hour(state, hour);
    state.for_person = for_person;
    take_in(state, &period(months), 1.0, LEVELS);
}

fn shown(state: &TrustState, hour: u32) -> Level {
    let mut state = *state;
    step_up(&mut state, hour, LEVELS);
    standing(&state, hour, LEVELS).1
}

proptest! {
    #[test]
    fn asking_for_trust_does_not_move_it(acts in acts(), start in 0..40_u32) {
        let (mut left_alone, mut asked) = (clean(start), clean(start));
        let mut hour = left_alone.hour;
        for (gap, months, for_person, mut asks) in acts {
            asks.sort_unstable();
            for ask in asks {
                step_up(&mut asked, hour + ask.min(gap), LEVELS);
            }
            hour += gap;
            act(&mut left_alone, hour, months, for_person);
            act(&mut asked, hour, months, for_person);
            prop_assert_eq!(left_alone, asked);
        }
        for later in [0, 1, 25, 300, 20_000] {
            step_up(&mut asked, hour + later, LEVELS);
            prop_assert_eq!(shown(&left_alone, hour + later), shown(&asked, hour + later));
        }
    }

    #[test]
    fn the_next_change_comes_at_its_hour_and_not_before(acts in acts(), start in 0..40_u32) {
        let mut state = clean(start);
        let mut hour = state.hour;
        for (gap, months, for_person, _) in acts {
            hour += gap;
            act(&mut state, hour, months, for_person);
        }
        let now = shown(&state, hour);
        state.published.level = now;
        let found = next_change(&state, LEVELS);
        let last = found.map_or(hour + 5_000, |(due, _)| due);
        let first = (hour..=last).find(|hour| shown(&state, *hour) != now);
        prop_assert_eq!(first, found.map(|(due, _)| due));
        prop_assert_eq!(found.map(|(due, _)| shown(&state, due)), found.map(|(_, level)| level));
    }
}

#[test]
fn an_idle_actor_steps_up_twice_each_at_its_hour() {
    let mut state = clean(2_000);
    take_in(&mut state, &period(120.0), 1.0, LEVELS);
    assert_eq!(state.level, Level::Restricted);
    let fallen = state.hour;
    let (first, _) = next_step(&state, HOUR_MAX, LEVELS).expect("restricted ends by itself");
    let mut polled = state;
    step_up(&mut polled, first - 1, LEVELS);
    assert_eq!(polled.level, Level::Restricted);
    step_up(&mut polled, first, LEVELS);
    assert_eq!((polled.level, polled.level_hour), (Level::Watch, first));
    step_up(&mut state, HOUR_MAX, LEVELS);
    assert_eq!(state.level, Level::Trusted);
    assert!(fallen + 24 < first && first < state.level_hour);
    // Nobody but a person ends this one.
    for months in [1e5, 1e7] {
        take_in(&mut state, &period(months), 2.0, LEVELS);
        state.incident = 0.0;
    }
    assert_eq!(state.level, Level::Untrusted);
    state.published.level = Level::Untrusted;
    assert_eq!(next_change(&state, LEVELS), None);
}
