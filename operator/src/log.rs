//! A deployment's topics as an operator sees them: read from their beginning to their end, and one producer for what is
//! said. What records mean stands beside those who ask for them.

use std::time::Duration;

use alerting::RecordError;
use bus::kafka::Kafka;
use bus::{Bus, BusError, Isolation, Outgoing, Producer, Reader, Record, TopicPartition};
use config::{AuthorConfig, Config};
use lane::FrameError;
use stream::{Topic, Topics, link};

/// How long a record, or a broker's answer to the first call, may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Records of a transaction.
const BATCH: u64 = 1_000;

/// Why the console cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// The log does not do it.
    #[error("work with the log")]
    Log(#[from] BusError),
    /// Nothing can be printed.
    #[error("print")]
    Print(#[from] std::io::Error),
    /// A record of the cases is damaged, so that what it holds is not known.
    #[error("read {0}")]
    Damaged(String, #[source] RecordError),
    /// Its frame is.
    #[error("read {0}")]
    Broken(String, #[source] FrameError),
    /// What was said names nothing, does not fit together, or would be refused.
    #[error("{0}")]
    Misuse(String),
}

/// A deployment as an operator sees it.
pub struct Console<B> {
    pub(crate) bus: B,
    topics: Topics,
    group: String,
    /// Who may say what; empty where nothing is signed.
    pub(crate) authors: Vec<AuthorConfig>,
}

/// Records on their way in transactions: counted once they are written for good.
pub struct Sending<'a, P> {
    producer: P,
    partitions: Vec<TopicPartition>,
    headers: &'a [(String, Vec<u8>)],
    open: u64,
    sent: u64,
}

// === impl Console ===

impl Console<Kafka> {
    /// The deployment that a config names. Nothing is asked of the brokers yet.
    pub fn of(config: &Config) -> Result<Self, ConsoleError> {
        Ok(Self::new(link(config)?, config))
    }
}

impl<B: Bus> Console<B> {
    /// A deployment on a log.
    pub fn new(bus: B, config: &Config) -> Self {
        let (group, authors) = (config.kafka().group.clone(), config.authors().to_vec());
        Self { bus, topics: Topics::new(config), group, authors }
    }

    /// The partitions of a topic; none of one that the config has no use for.
    fn partitions(&self, topic: Topic) -> Result<Vec<TopicPartition>, BusError> {
        let Some(spec) = self.topics.get(topic) else { return Ok(Vec::new()) };
        let found = self.bus.admin()?.describe(&[&spec.name])?.into_iter().flatten().next();
        let info = found.ok_or_else(|| {
            BusError::Refused(format!("{} does not exist: `habitus run` makes it", spec.name))
        })?;
        Ok((0..info.partitions).map(|n| TopicPartition::new(spec.name.as_str(), n)).collect())
    }

    /// Shows every committed record of a topic, or of the one partition that a key is in, oldest first.
    pub(crate) fn each(
        &self,
        topic: Topic,
        key: Option<&str>,
        mut show: impl FnMut(Record),
    ) -> Result<(), BusError> {
        let partitions = self.partitions(topic)?;
        let count = u32::try_from(partitions.len()).unwrap_or(u32::MAX);
        let only = key.map(|key| bus::partition(key.as_bytes(), count));
        for at in partitions.iter().filter(|at| only.is_none_or(|only| at.partition == only)) {
            let mut reader = self.bus.reader(at, 0, Isolation::ReadCommitted)?;
            loop {
                match reader.next(PATIENCE)? {
                    Some(record) => show(record),
                    None if reader.at_end() => break,
                    None => return Err(BusError::Unavailable(format!("no answer from {at}"))),
                }
            }
        }
        Ok(())
    }

    /// Writes what a person says, under its tenant and with these headers; gives where to.
    pub(crate) fn say(
        &self,
        tenant_id: &str,
        value: &[u8],
        headers: &[(String, Vec<u8>)],
    ) -> Result<TopicPartition, BusError> {
        let [_, (feedback, _)] = self.topics.said();
        let partitions = self.partitions(feedback)?;
        let id = format!("{}-console-{}", self.group, std::process::id());
        let mut sending = Sending::new(self.bus.producer(&id, PATIENCE)?, partitions, headers);
        let to = sending.send(tenant_id, value)?;
        sending.commit()?;
        Ok(to)
    }
}

// === impl Sending ===

impl<'a, P: Producer> Sending<'a, P> {
    /// Records for the partitions of a topic, each with these headers.
    pub fn new(
        producer: P,
        partitions: Vec<TopicPartition>,
        headers: &'a [(String, Vec<u8>)],
    ) -> Self {
        Self { producer, partitions, headers, open: 0, sent: 0 }
    }

    /// Adds a record to the partition of its key, which it gives.
    pub fn send(&mut self, key: &str, record: &[u8]) -> Result<TopicPartition, BusError> {
        if self.open == 0 {
            self.producer.begin()?;
        }
        let count = u32::try_from(self.partitions.len()).unwrap_or(u32::MAX);
        let number = bus::partition(key.as_bytes(), count);
        let to = self.partitions.get(number as usize);
        let to = to.ok_or_else(|| BusError::Refused("the topic has no partitions".to_owned()))?;
        let to = to.clone();
        self.producer.send(&Outgoing {
            to: to.clone(),
            key: Some(key.as_bytes().to_vec()),
            value: Some(record.to_vec()),
            headers: self.headers.to_vec(),
        })?;
        self.open += 1;
        if self.open == BATCH {
            self.commit()?;
        }
        Ok(to)
    }

    /// Writes what is open for good.
    pub fn commit(&mut self) -> Result<(), BusError> {
        if self.open > 0 {
            self.producer.commit()?;
            self.sent += std::mem::take(&mut self.open);
        }
        Ok(())
    }

    /// How many records are written for good.
    pub fn sent(&self) -> u64 {
        self.sent
    }
}
