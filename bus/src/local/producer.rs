//! A transactional producer of the log in one process.

use std::collections::BTreeSet;

use super::core::{Edge, Handle};
use super::group::LocalGroup;
use super::txn::Claim;
use crate::error::BusError;
use crate::memory::Step;
use crate::record::{Outgoing, TopicPartition};
use crate::traits::Producer;

/// A transactional producer.
pub struct LocalProducer {
    handle: Handle,
    claim: Claim,
    state: State,
    /// Partitions that this producer believes are in the transaction.
    added: BTreeSet<TopicPartition>,
    doubtful: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Open,
    /// Only `abort` helps.
    Failed,
    /// Nothing helps.
    Dead,
}

impl LocalProducer {
    pub(crate) fn new(handle: &Handle, id: &str) -> Result<Self, BusError> {
        let process = handle.process;
        let claim = handle.step(Step::Init, |core, _| Ok(core.engine.claim(id, process)))?;
        let (state, added) = (State::Idle, BTreeSet::new());
        Ok(Self { handle: handle.clone(), claim, state, added, doubtful: false })
    }

    fn expect(&self, wanted: &[State]) -> Result<(), BusError> {
        match self.state {
            state if wanted.contains(&state) => Ok(()),
            State::Failed => Err(BusError::Abortable("the transaction has failed".into())),
            state => Err(BusError::Refused(format!("a producer that is {state:?}"))),
        }
    }

    /// Notes what a failure leaves of this producer.
    fn settle<T>(&mut self, result: Result<T, BusError>) -> Result<T, BusError> {
        match &result {
            Ok(_) => {}
            Err(BusError::Abortable(_)) => self.state = State::Failed,
            Err(_) => self.state = State::Dead,
        }
        result
    }
}

impl Producer for LocalProducer {
    type Group = LocalGroup;

    fn begin(&mut self) -> Result<(), BusError> {
        self.expect(&[State::Idle])?;
        let result = self.handle.step(Step::Begin, |_, _| Ok(()));
        self.added.clear();
        self.doubtful = false;
        self.state = State::Open;
        self.settle(result)
    }

    fn send(&mut self, record: &Outgoing) -> Result<(), BusError> {
        self.expect(&[State::Open])?;
        let claim = &self.claim;
        let mut result = Ok(());
        if !self.added.contains(&record.to) {
            result = self
                .handle
                .step(Step::AddPartition, |core, _| core.engine.add_place(claim, &record.to));
        }
        if result.is_ok() {
            self.added.insert(record.to.clone());
            result = self.handle.step(Step::Send, |core, _| core.engine.append(claim, record));
        }
        self.settle(result)
    }

    fn offsets(
        &mut self,
        offsets: &[(TopicPartition, u64)],
        group: &LocalGroup,
    ) -> Result<(), BusError> {
        self.expect(&[State::Open])?;
        let claim = &self.claim;
        let result = self
            .handle
            .step(Step::Offsets, |core, _| core.engine.add_offsets(claim, offsets, group));
        self.settle(result)
    }

    fn commit(&mut self) -> Result<(), BusError> {
        self.expect(&[State::Open])?;
        let claim = &self.claim;
        let result = self.handle.step(Step::Commit, |core, fault| core.commit(claim, fault));
        self.state = State::Idle;
        self.doubtful = matches!(result, Ok(true) | Err(BusError::Doubtful(_)));
        self.settle(result).map(|_| ())
    }

    fn abort(&mut self) -> Result<(), BusError> {
        self.expect(&[State::Open, State::Failed])?;
        let claim = &self.claim;
        let result =
            self.handle.step(Step::Abort, |core, _| core.engine.finish(claim, false, false));
        self.state = State::Idle;
        self.settle(result)
    }

    fn is_doubtful(&self) -> bool {
        self.doubtful
    }
}

impl Drop for LocalProducer {
    /// A broker would wait for the transaction's time limit; a journal has none, so the transaction ends here.
    fn drop(&mut self) {
        let mut core = self.handle.raw();
        if matches!(core.edge, Edge::Journal(_)) {
            core.engine.finish(&self.claim, false, false).ok();
            drop(core);
            self.handle.wake();
        }
    }
}
