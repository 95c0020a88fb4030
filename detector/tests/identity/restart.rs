//! A partition that restarts from its saved records says the same of every activity that follows.

use std::collections::BTreeMap;
use std::sync::Arc;

use detector::{Observe, Outcome, Settings, Stamp};
use proptest::prelude::*;
use schemas::EventTime;

use crate::fleet::{HOUR_MS, START_MS, usual};

fn restored(saved: &BTreeMap<String, Vec<u8>>) -> Observe {
    let mut fold = Observe::new(Arc::new(Settings::default()));
    fold.track_touched();
    saved.iter().for_each(|(key, value)| fold.load(key, value).expect("own bytes"));
    fold
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_restart_changes_no_word(
        steps in proptest::collection::vec((0_usize..3, 1_i64..400, 0_u8..4, 0_u8..4, 0_i64..90), 1..120),
        every in 1_usize..20,
    ) {
        let mut saved = BTreeMap::new();
        let (mut straight, mut other) = (restored(&saved), restored(&saved));
        let mut ms = START_MS;
        for (at, (agent, quarter_hours, key, version, age)) in steps.into_iter().enumerate() {
            ms += quarter_hours * HOUR_MS / 4;
            let mut activity = usual(agent, ms);
            activity.agent.version = Some(format!("1.{version}").into());
            if let Some(credential) = activity.credential.as_mut() {
                credential.id = Some(format!("key-{key}").into());
                credential.issued_at = EventTime::from_millis(ms - age * HOUR_MS).ok();
                credential.scopes.truncate(usize::from(version));
            }
            let stamp = Stamp { topic: "t", partition: 0, offset: at as u64, ordinal: 0, log_ms: ms };
            let says = |fold: &mut Observe| {
                fold.advance(&stamp);
                match fold.apply(&activity, &stamp, true) {
                    Outcome::Scored(observed) => format!("{observed:?}"),
                    Outcome::Duplicate => "duplicate".to_owned(),
                }
            };
            prop_assert_eq!(says(&mut straight), says(&mut other));
            let touched = straight.touched();
            prop_assert_eq!(&touched, &other.touched());
            saved.extend(touched);
            if at % every == 0 {
                other = restored(&saved);
            }
        }
    }
}
