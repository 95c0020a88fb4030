//! Who is blamed for a death, and who is not: owners that follow each other on one partition, each of which dies or leaves
//! in peace at a chosen point.

use std::sync::Arc;

use bus::{Outgoing, Record, TopicPartition};
use lane::{
    Assignment, BatchLimits, Command, InForce, Lane, Outcome, PROGRESS_KEY, Progress, Transaction,
};

use crate::core::layout;
use crate::toy::{INPUT, Toy};

/// What stands of one partition, and how many owners it had.
#[derive(Default)]
struct Log {
    state: Vec<Outgoing>,
    offset: u64,
    owners: u128,
}

/// How an owner comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It dies at once.
    Silent,
    /// It leaves in peace at once.
    Quiet,
    /// It dies of the first entry that it applies.
    Dies,
    /// It leaves in peace once an entry waits for an attempt.
    LeavesWanting,
    /// It leaves in peace while the announcement is on its way.
    LeavesAnnouncing,
    /// It leaves in peace once the announcement stands.
    LeavesAnnounced,
}

fn at() -> TopicPartition {
    TopicPartition::new(INPUT, 0)
}

fn entry(offset: u64) -> Record {
    let value = Some(b"a0 1".to_vec());
    Record { at: at(), offset, timestamp_ms: 1, key: None, value, headers: Vec::new() }
}

/// The transaction that is to be committed.
fn commit_of(commands: Vec<Command>) -> Arc<Transaction> {
    let commit = |command| match command {
        Command::Commit(transaction) => Some(transaction),
        _ => None,
    };
    commands.into_iter().find_map(commit).unwrap()
}

impl Log {
    fn newest(&self) -> Progress {
        let newest = self.state.iter().rev().find(|r| r.key.as_deref() == Some(PROGRESS_KEY));
        newest.map_or_else(Progress::default, |r| {
            Progress::decode(r.value.as_ref().unwrap()).unwrap()
        })
    }

    fn quarantined(&self) -> Vec<u64> {
        let progress = self.state.iter().filter(|r| r.key.as_deref() == Some(PROGRESS_KEY));
        progress
            .flat_map(|r| Progress::decode(r.value.as_ref().unwrap()).unwrap().quarantined)
            .collect()
    }

    /// A new owner whose claim is on its way.
    fn assigned(&mut self, start: u64) -> (Lane<Toy>, Arc<Transaction>) {
        let limits = BatchLimits { age_ms: 0, records: 16, bytes: 1 << 20 };
        let mut lane = Lane::new(
            layout(1),
            limits,
            "test".to_owned(),
            Box::new(|at| Toy::new(&at.topic)),
            (1, InForce::default()),
        );
        self.owners += 1;
        let assigned = Assignment { at: at(), start, after_loss: false };
        let claim = commit_of(lane.on_assign(&[assigned], self.owners));
        (lane, claim)
    }

    /// A new owner, restored; where it starts elsewhere than the progress says, its mending marker is on its way.
    fn claimed(&mut self, start: u64) -> (Lane<Toy>, Vec<Command>) {
        self.claimed_with(start, |_| {})
    }

    /// As `claimed`; something happens to the lane before it is restored.
    fn claimed_with(
        &mut self,
        start: u64,
        meanwhile: impl Fn(&mut Lane<Toy>),
    ) -> (Lane<Toy>, Vec<Command>) {
        let (mut lane, claim) = self.assigned(start);
        meanwhile(&mut lane);
        let mut after = Vec::new();
        for command in self.committed(&mut lane, &claim) {
            if let Command::Restore { at, state } = command {
                for (offset, record) in (0..).zip(self.state.clone()) {
                    let (key, value) = (record.key, record.value);
                    let record = Record { at: state.clone(), offset, key, value, ..entry(0) };
                    after.extend(lane.on_state(&at, &record).unwrap());
                }
            }
        }
        (lane, after)
    }

    /// A new owner with nothing on its way.
    fn owner(&mut self, start: u64) -> Lane<Toy> {
        let (mut lane, commands) = self.claimed(start);
        self.commit(&mut lane, commands);
        lane
    }

    /// Commits whatever comes of these commands.
    fn commit(&mut self, lane: &mut Lane<Toy>, mut commands: Vec<Command>) {
        while let Some(command) = commands.pop() {
            if let Command::Commit(transaction) = command {
                commands.extend(self.committed(lane, &transaction));
            }
        }
    }

    fn committed(&mut self, lane: &mut Lane<Toy>, transaction: &Transaction) -> Vec<Command> {
        for part in &transaction.parts {
            self.offset = part.next;
            let state = part.records.iter().filter(|record| record.to == part.state);
            self.state.extend(state.cloned());
        }
        lane.on_commit(&Outcome::Committed)
    }

    /// An owner that ends so, before the entry at the end of what is committed.
    fn owned(&mut self, end: End) {
        let mut lane = self.owner(self.offset);
        let (entry, next) = (entry(self.offset), self.offset);
        let leave = |log: &mut Self, lane: &mut Lane<Toy>| {
            let commands = lane.on_revoke(&[at()]);
            log.commit(lane, commands);
            assert!(lane.is_idle());
        };
        if end == End::Silent {
            return;
        }
        if end == End::Quiet {
            return leave(self, &mut lane);
        }
        lane.on_record(&entry, 1).unwrap();
        if lane.partitions().next().unwrap().2 {
            // It is not careful.
            assert_eq!(end, End::Dies, "only who is careful leaves amid an attempt");
            return;
        }
        if end == End::LeavesWanting {
            return leave(self, &mut lane);
        }
        let commands = lane.on_time(1);
        if end == End::LeavesAnnouncing {
            assert!(lane.on_revoke(&[at()]).is_empty(), "it is drained first");
            let commands = self.committed(&mut lane, &commit_of(commands));
            return self.commit(&mut lane, commands);
        }
        self.commit(&mut lane, commands);
        if end == End::LeavesAnnounced {
            return leave(self, &mut lane);
        }
        lane.on_record(&entry, 2).unwrap();
        assert_eq!(lane.partitions().next().unwrap().1, next + 1, "it is applied");
    }

    /// An owner that does not die of it goes past the entry.
    fn passed(&mut self) {
        let (mut lane, next) = (self.owner(self.offset), self.offset);
        for now_ms in 1..9 {
            lane.on_record(&entry(next), now_ms).unwrap();
            let commands = lane.on_time(now_ms);
            self.commit(&mut lane, commands);
        }
        assert_eq!(self.newest().to, next + 1);
    }
}

#[test]
fn handovers_in_peace_blame_nobody_wherever_they_come() {
    for end in [End::LeavesWanting, End::LeavesAnnouncing, End::LeavesAnnounced] {
        // The first announces many entries, those after it one.
        for deaths in [1, 2, 3] {
            let mut log = Log::default();
            (0..deaths).for_each(|_| log.owned(End::Dies));
            for _ in 0..5 {
                log.owned(end);
                assert!(log.newest().attempt.is_none_or(|attempt| attempt.deaths <= 1), "{end:?}");
            }
            log.passed();
            assert_eq!(log.quarantined(), [0_u64; 0], "{end:?} after {deaths} deaths");
        }
    }
}

#[test]
fn an_entry_that_kills_is_found_however_its_owners_change() {
    for end in [End::Silent, End::LeavesWanting, End::LeavesAnnouncing, End::LeavesAnnounced] {
        let mut log = Log::default();
        // Once unannounced, once among many, then three times alone; who comes between forgets nothing.
        for death in 0..5 {
            log.owned(End::Dies);
            if (1..4).contains(&death) {
                log.owned(end);
            }
        }
        log.passed();
        assert_eq!(log.quarantined(), [0], "{end:?}");
    }
}

#[test]
fn a_quiet_partition_is_not_taken_for_one_that_kills() {
    let mut log = Log::default();
    log.passed();
    for _ in 0..3 {
        log.owned(End::Quiet);
    }
    let mut lane = log.owner(1);
    lane.on_record(&entry(1), 1).unwrap();
    assert_eq!(lane.partitions().next().unwrap().1, 2, "it is applied at once");
    // Whoever died without a word is another matter.
    log.owned(End::Silent);
    let mut lane = log.owner(1);
    lane.on_record(&entry(1), 1).unwrap();
    assert_eq!(lane.partitions().next().unwrap().1, 1, "an attempt is announced first");
}

#[test]
fn a_partition_given_back_before_its_state_is_restored_is_not_taken_for_a_death() {
    for died_before in [false, true] {
        for is_claimed in [false, true] {
            let mut log = Log::default();
            log.passed();
            if died_before {
                log.owned(End::Silent);
            }
            for _ in 0..3 {
                let (mut lane, claim) = log.assigned(1);
                // In doubt a claim is sent twice.
                let marker = claim.parts[0].records[0].clone();
                log.state.push(marker);
                let commands = if is_claimed {
                    log.committed(&mut lane, &claim);
                    lane.on_revoke(&[at()])
                } else {
                    assert!(lane.on_revoke(&[at()]).is_empty(), "its claim is on its way");
                    log.committed(&mut lane, &claim)
                };
                assert!(!commands.iter().any(|command| matches!(command, Command::Restore { .. })));
                log.commit(&mut lane, commands);
                assert!(lane.is_idle() && lane.partitions().next().is_none());
            }
            let mut lane = log.owner(1);
            lane.on_record(&entry(1), 1).unwrap();
            let applied = lane.partitions().next().unwrap().1 == 2;
            assert_eq!(applied, !died_before, "{is_claimed}");
        }
    }
}

#[test]
fn only_its_own_commit_opens_an_attempt() {
    let mut log = Log::default();
    log.passed();
    log.owned(End::Silent);
    // The group's offset differs from the progress: a second marker mends it, and is on its way when the attempt is wanted.
    let (mut lane, mend) = log.claimed(0);
    assert!(mend.iter().any(|command| matches!(command, Command::Commit(_))));
    lane.on_record(&entry(1), 1).unwrap();
    let mut commands = lane.on_time(1);
    for applied in [1, 1] {
        assert_eq!(lane.partitions().next().unwrap().1, applied);
        commands = lane.on_commit(&Outcome::Committed);
        if !commands.iter().any(|command| matches!(command, Command::Resume { .. })) {
            lane.on_record(&entry(1), 2).unwrap();
            assert_eq!(lane.partitions().next().unwrap().1, 1, "nothing is announced yet");
        }
    }
    assert!(commands.iter().any(|command| matches!(command, Command::Resume { .. })));
    lane.on_record(&entry(1), 3).unwrap();
    assert_eq!(lane.partitions().next().unwrap().1, 2);
}

#[test]
fn entries_gone_while_the_state_is_restored_are_passed_over_and_those_after_wait_for_it() {
    let mut log = Log::default();
    log.passed();
    log.owned(End::Quiet);
    let (mut lane, commands) = log.claimed_with(1, |lane| {
        assert!(!lane.on_loss(&at(), 1, 5), "nothing of it may come yet");
        lane.on_record(&entry(5), 1).unwrap();
    });
    // It came all the same: it must come again.
    let again = Command::Resume { at: at(), next: 5, moved: true };
    assert!(commands.contains(&again), "{commands:?}");
    lane.on_record(&entry(5), 2).unwrap();
    let commands = lane.on_time(2);
    log.commit(&mut lane, commands);
    let newest = log.newest();
    assert_eq!((newest.from, newest.to, newest.after_loss), (5, 6, true));
}

#[test]
fn an_attempt_whose_entries_are_gone_holds_nothing_up() {
    for told in 0..3 {
        let mut log = Log::default();
        log.passed();
        log.owned(End::Silent);
        let mut lane = log.owner(1);
        lane.on_record(&entry(1), 1).unwrap();
        let commands = if told > 0 { lane.on_time(1) } else { Vec::new() };
        if told == 2 {
            log.commit(&mut lane, commands.clone());
        }
        assert!(lane.on_loss(&at(), 1, 500), "what is left may come at once");
        if told == 1 {
            log.commit(&mut lane, commands);
        }
        // With the same care as before.
        for now_ms in 2..9 {
            for offset in 500..503 {
                lane.on_record(&entry(offset), now_ms).unwrap();
            }
            let commands = lane.on_time(now_ms);
            log.commit(&mut lane, commands);
        }
        assert_eq!(lane.partitions().next().unwrap().1, 503, "{told}");
        assert_eq!(log.newest().to, 503, "{told}");
    }
}

#[test]
fn an_entry_that_kills_right_behind_what_is_gone_is_found() {
    let mut log = Log::default();
    log.passed();
    // The group stands before the gap as long as nobody commits. One dies unannounced, one among many, three alone.
    for owner in 0..6 {
        let mut lane = log.owner(1);
        lane.on_loss(&at(), 1, 500);
        for now_ms in 1..4 {
            // It is told, announced, applied: and dies.
            lane.on_record(&entry(500), now_ms).unwrap();
            if lane.partitions().next().unwrap().1 == 501 && owner < 5 {
                break;
            }
            let commands = lane.on_time(now_ms);
            log.commit(&mut lane, commands);
        }
    }
    assert_eq!(log.quarantined(), [500]);
}

#[test]
fn a_loss_told_before_the_state_is_restored_overrules_no_progress() {
    for (progress, (offset, start), expected) in
        [(8, (1, 5), 8), (8, (1, 9), 9), (8, (20, 9), 8), (8, (20, 6), 6)]
    {
        let mut log = Log::default();
        for now_ms in 0..2 {
            let mut lane = log.owner(0);
            lane.on_record(&entry(progress - 1), now_ms).unwrap();
            let commands = lane.on_time(now_ms);
            log.commit(&mut lane, commands);
        }
        assert_eq!(log.newest().to, progress);
        let meanwhile = |lane: &mut Lane<Toy>| assert!(!lane.on_loss(&at(), offset, start));
        let (lane, commands) = log.claimed_with(offset, meanwhile);
        assert_eq!(lane.partitions().next().unwrap().1, expected, "{progress} {offset} {start}");
        let resumed = commands
            .iter()
            .any(|command| matches!(command, Command::Resume { next, .. } if *next == expected));
        assert!(resumed, "{commands:?}");
    }
}
