//! A consumer group: members, generation, and a cooperative rebalance. A partition that moves is first wanted back
//! from its owner; the next one gets it after the release, or after the owner is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::record::TopicPartition;

/// A member and its generation: what fences a zombie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalGroup {
    pub(crate) group: Arc<str>,
    pub(crate) member: u64,
    pub(crate) generation: u64,
}

/// What the coordinator knows of a group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) generation: u64,
    members: BTreeMap<u64, Member>,
    owners: BTreeMap<TopicPartition, u64>,
    pub(crate) offsets: BTreeMap<TopicPartition, u64>,
    /// Where they stand in the log of offsets.
    placed: BTreeMap<TopicPartition, u64>,
}

#[derive(Debug)]
struct Member {
    process: usize,
    topics: Vec<Arc<str>>,
    /// What it shall own.
    target: BTreeSet<TopicPartition>,
    /// What it was asked to release.
    asked: BTreeSet<TopicPartition>,
    /// When the group last heard of it, and when it last polled.
    seen_ms: u64,
    polled_ms: u64,
}

impl Group {
    /// Whether a member is in the group.
    pub(crate) fn has(&self, member: u64) -> bool {
        self.members.contains_key(&member)
    }

    /// Whether a member reads a topic.
    pub(crate) fn reads_topic(&self, topic: &Arc<str>) -> bool {
        self.members.values().any(|member| member.topics.contains(topic))
    }

    /// How many members there are.
    pub(crate) fn n_members(&self) -> usize {
        self.members.len()
    }

    /// Takes offsets that stand at a place of the log of offsets; what stands later counts.
    pub(crate) fn commit(&mut self, place: u64, offsets: BTreeMap<TopicPartition, u64>) {
        for (at, offset) in offsets {
            let newest = self.placed.entry(at.clone()).or_default();
            if *newest <= place {
                *newest = place;
                self.offsets.insert(at, offset);
            }
        }
    }

    /// Whether a process has a member here that was asked to release partitions.
    pub(crate) fn moves(&self, process: usize) -> bool {
        self.members.values().any(|member| member.process == process && !member.asked.is_empty())
    }

    /// Hashes who shall own, owns and is asked for which partition, members by their order.
    pub(crate) fn shape(&self, into: &mut impl Hasher) {
        let rank = |member: &u64| self.members.keys().position(|known| known == member);
        for (at, owner) in &self.owners {
            (at, rank(owner)).hash(into);
        }
        for member in self.members.values() {
            (&member.target, &member.asked).hash(into);
        }
    }

    /// Adds a member; the group must be balanced afterwards.
    pub(crate) fn join(&mut self, member: u64, process: usize, topics: &[Arc<str>], now_ms: u64) {
        let member_state = Member {
            process,
            topics: topics.to_vec(),
            target: BTreeSet::new(),
            asked: BTreeSet::new(),
            seen_ms: now_ms,
            polled_ms: now_ms,
        };
        self.members.insert(member, member_state);
    }

    /// Removes a member and frees what it owned; the group must be balanced afterwards.
    pub(crate) fn remove(&mut self, member: u64) -> bool {
        self.owners.retain(|_, owner| *owner != member);
        self.members.remove(&member).is_some()
    }

    /// Members that a condition on process, last sign and last poll picks.
    pub(crate) fn members_where(&self, picks: impl Fn(usize, u64, u64) -> bool) -> Vec<u64> {
        let members = self.members.iter();
        let picked = members.filter(|(_, m)| picks(m.process, m.seen_ms, m.polled_ms));
        picked.map(|(member, _)| *member).collect()
    }

    /// Hears of the members of a process.
    pub(crate) fn heartbeat(&mut self, process: usize, now_ms: u64) {
        for member in self.members.values_mut().filter(|member| member.process == process) {
            member.seen_ms = now_ms;
        }
    }

    /// A member polls.
    pub(crate) fn polled(&mut self, member: u64, now_ms: u64) {
        if let Some(member) = self.members.get_mut(&member) {
            (member.seen_ms, member.polled_ms) = (now_ms, now_ms);
        }
    }

    /// Sets anew what each member shall own: what it has, as far as the shares stay even. Raises the generation.
    pub(crate) fn balance(&mut self, topics: &BTreeMap<Arc<str>, u32>) {
        self.generation += 1;
        let mut targets: BTreeMap<u64, BTreeSet<TopicPartition>> =
            self.members.keys().map(|member| (*member, BTreeSet::new())).collect();
        let places = topics.iter().flat_map(|(topic, partitions)| {
            (0..*partitions).map(move |number| TopicPartition::new(topic.clone(), number))
        });
        let mut free = Vec::new();
        for at in places {
            let before = || self.members.iter().find(|(_, m)| m.target.contains(&at)).map(|m| *m.0);
            let owner = self.owners.get(&at).copied().or_else(before);
            match owner.filter(|owner| self.reads(*owner, &at)) {
                Some(owner) => {
                    targets.entry(owner).or_default().insert(at);
                }
                None => free.push(at),
            }
        }
        for at in free {
            let readers = targets.iter_mut().filter(|(member, _)| self.reads(**member, &at));
            if let Some((_, target)) = readers.min_by_key(|(member, has)| (has.len(), **member)) {
                target.insert(at);
            }
        }
        while let Some((at, from, to)) = self.uneven(&targets) {
            targets.entry(from).or_default().remove(&at);
            targets.entry(to).or_default().insert(at);
        }
        self.retarget(targets);
    }

    /// Gives every member's share to the next member, where all read the same. Raises the generation.
    pub(crate) fn rotate(&mut self) {
        self.generation += 1;
        let mut topics = self.members.values().map(|member| &member.topics);
        let first = topics.next();
        if !topics.all(|topics| Some(topics) == first) {
            return;
        }
        let members: Vec<u64> = self.members.keys().copied().collect();
        let shares = self.members.values().map(|member| member.target.clone());
        let targets = members.iter().cycle().skip(1).copied().zip(shares);
        self.retarget(targets.collect());
    }

    /// Partitions that a member is to release and was not asked for yet.
    pub(crate) fn wanted_back(&self, member: u64) -> Vec<TopicPartition> {
        let Some(state) = self.members.get(&member) else { return Vec::new() };
        let owned = self.owners.iter().filter(|(_, owner)| **owner == member).map(|(at, _)| at);
        owned
            .filter(|at| !state.target.contains(at) && !state.asked.contains(at))
            .cloned()
            .collect()
    }

    /// Partitions that a member shall own and that nobody owns.
    pub(crate) fn to_give(&self, member: u64) -> Vec<TopicPartition> {
        let Some(state) = self.members.get(&member) else { return Vec::new() };
        state.target.iter().filter(|at| !self.owners.contains_key(at)).cloned().collect()
    }

    /// Asks a member to release partitions.
    pub(crate) fn ask(&mut self, member: u64, places: &[TopicPartition]) {
        if let Some(member) = self.members.get_mut(&member) {
            member.asked.extend(places.iter().cloned());
        }
    }

    /// Gives a member partitions; one that was thrown out meanwhile owns nothing.
    pub(crate) fn give(&mut self, member: u64, places: &[TopicPartition]) {
        if !self.has(member) {
            return;
        }
        self.owners.extend(places.iter().map(|at| (at.clone(), member)));
    }

    /// A member released partitions: it joins again, so the generation rises.
    pub(crate) fn release(&mut self, member: u64, places: &[TopicPartition]) {
        let Some(state) = self.members.get_mut(&member) else { return };
        self.generation += 1;
        for at in places {
            state.asked.remove(at);
            if self.owners.get(at) == Some(&member) {
                self.owners.remove(at);
            }
        }
    }

    fn reads(&self, member: u64, at: &TopicPartition) -> bool {
        self.members.get(&member).is_some_and(|member| member.topics.contains(&at.topic))
    }

    fn retarget(&mut self, mut targets: BTreeMap<u64, BTreeSet<TopicPartition>>) {
        for (member, state) in &mut self.members {
            state.target = targets.remove(member).unwrap_or_default();
        }
    }

    /// A partition whose move makes shares more even, from whom and to whom.
    fn uneven(
        &self,
        targets: &BTreeMap<u64, BTreeSet<TopicPartition>>,
    ) -> Option<(TopicPartition, u64, u64)> {
        let mut by_load: Vec<(u64, &BTreeSet<TopicPartition>)> =
            targets.iter().map(|(member, has)| (*member, has)).collect();
        by_load.sort_by_key(|(member, has)| (has.len(), *member));
        by_load.iter().rev().find_map(|(from, has)| {
            let lighter = by_load.iter().take_while(|(_, light)| light.len() + 2 <= has.len());
            let mut moves = lighter.flat_map(|(to, _)| has.iter().rev().map(move |at| (at, *to)));
            let (at, to) = moves.find(|(at, to)| self.reads(*to, at))?;
            Some((at.clone(), *from, to))
        })
    }
}
