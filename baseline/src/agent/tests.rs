//! Sizes promised by the design, and damage that must be refused.

use super::*;
use crate::part::makeup::Component;

fn full() -> Agent {
    let mut agent = Agent::default();
    for i in 1..9 {
        agent.head.credentials.learn_id(i, 9, true);
        agent.head.credentials.learn_kind(i);
        agent.head.makeup.note(Component::Model, i << 2);
    }
    for authority in [Authority::Delegated, Authority::Autonomous] {
        let (index, _) = agent.enter(authority);
        let actor = &mut agent.actors[index];
        (actor.progress.run_hours, actor.progress.bounds) = (12, 5);
        for i in 1..200_u32 {
            actor.places.add(i, i, 1.0, 1.0);
            actor.resources.learn(i, 10, 1);
            actor.networks.learn(i, 10, 1);
            actor.tools.learn(i, 10, true);
            actor.pairs.learn(i, 10, 1);
            actor.delegators.learn(i, 10, 1);
            actor.volume.learn(i, 3.0, 1.0);
            actor.gaps.learn(i as usize % 8);
        }
    }
    agent
}

#[test]
fn a_full_record_keeps_its_promised_sizes() {
    let agent = full();
    let mut head = Writer::default();
    agent.head.encode(&mut head);
    assert!(head.0.len() <= HEAD_BYTES_MAX, "head {}", head.0.len());
    for actor in &agent.actors {
        let mut out = Writer::default();
        actor.encode(&mut out);
        assert!(out.0.len() <= ACTOR_BYTES_MAX, "actor {}", out.0.len());
    }
    assert!(agent.encode().len() <= 4_096, "encoded {}", agent.encode().len());
    assert!(agent.bytes() <= 4_096, "in memory {}", agent.bytes());
}

#[test]
fn a_record_survives_encoding_and_damage_is_refused() {
    let agent = full();
    let bytes = agent.encode();
    assert_eq!(Agent::decode(&bytes).as_ref(), Ok(&agent));
    for index in [0, 1, 300, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[index] ^= 1;
        assert!(Agent::decode(&damaged).is_err(), "byte {index}");
    }
    assert_eq!(Agent::decode(&bytes[..7]), Err(StateError::Length));
}
