//! Bad lines among good ones: each bad one is refused with a typed code, each good one is scored as if the bad
//! ones were not there.

use habitus::local::{Input, LineOutcome, Role, Run};
use tests::mangle::{KINDS, mangle};
use tests::{Noise, demo_prefix, lines_of, plain, settings};

const GOOD: usize = 10_000;
const BAD: usize = 1_000;

#[test]
fn good_lines_are_scored_and_bad_ones_are_refused_with_a_code() {
    let demo = demo_prefix(GOOD);
    let good = lines_of(&demo);
    let mut noise = Noise(41);
    let mut bad = Vec::new();
    let mut mixed = Vec::new();
    let mut expected = Vec::new();
    for (place, line) in good.iter().enumerate() {
        if place % (GOOD / BAD) == 3 {
            bad.push(mangle(bad.len(), line, &mut noise));
            mixed.extend_from_slice(&bad[bad.len() - 1].bytes);
            mixed.push(b'\n');
            expected.push(Some(bad.len() - 1));
        }
        mixed.extend_from_slice(line);
        mixed.push(b'\n');
        expected.push(None);
    }
    assert_eq!(bad.len(), BAD);

    let mut run = Run::new(&settings(), plain(2));
    let mut scores = Vec::new();
    let mut problems = Vec::new();
    let mut seen = 0;
    run.feed(&Input { topic: "file:0", role: Role::Scored, bytes: &mixed }, &mut |line| {
        assert_eq!(line.number, seen, "a line each, in order");
        let wanted = expected[seen as usize];
        seen += 1;
        match (&line.outcome, wanted) {
            (LineOutcome::Scored { activity, observed, .. }, None) => {
                scores.push((activity.id.to_string(), observed.score(), observed.trust.to_bits()));
            }
            (LineOutcome::Rejected(rejection), Some(index)) => {
                let kind = index % KINDS;
                if !bad[index].codes.contains(&rejection.code) {
                    problems.push(format!("kind {kind}: {rejection:?}"));
                }
                if rejection.message.len() > 1_024 {
                    problems.push(format!("kind {kind}: a message of {}", rejection.message.len()));
                }
            }
            (_, None) => problems.push(format!("line {} is good and was not scored", line.number)),
            (_, Some(index)) => problems.push(format!("kind {} was accepted", index % KINDS)),
        }
    });
    problems.sort();
    problems.dedup();
    assert!(problems.is_empty(), "{problems:#?}");
    let counts = run.finish().counts;
    assert_eq!(counts.read, (GOOD + BAD) as u64);
    assert_eq!((counts.scored, counts.rejected), (GOOD as u64, BAD as u64));
    assert_eq!(counts.read, counts.scored + counts.duplicate + counts.skipped + counts.rejected);
    assert_eq!(scores, scores_of(&demo), "bad lines change no score");
}

fn scores_of(bytes: &[u8]) -> Vec<(String, schemas::MicroNats, u64)> {
    let mut run = Run::new(&settings(), plain(2));
    let mut scores = Vec::new();
    run.feed(&Input { topic: "file:0", role: Role::Scored, bytes }, &mut |line| {
        if let LineOutcome::Scored { activity, observed, .. } = &line.outcome {
            scores.push((activity.id.to_string(), observed.score(), observed.trust.to_bits()));
        }
    });
    scores
}
