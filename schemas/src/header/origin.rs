//! Headers of an activity that intake wrote under its agent's key: the record it came from, when that was, and what was
//! in force when it was decoded and enriched.

use super::{HeaderError, RawHeaders, filled, number, put, required};

const TOPIC: &str = "habitus.origin.topic";
const PARTITION: &str = "habitus.origin.partition";
const OFFSET: &str = "habitus.origin.offset";
const INDEX: &str = "habitus.origin.index";
const TIMESTAMP: &str = "habitus.origin.timestamp";
const LOG_TIME: &str = "habitus.origin.log_time";
const CONFIG: &str = "habitus.config";
const LISTS: &str = "habitus.lists";
const PROGRAM: &str = "habitus.program";

/// Where an activity under its agent's key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginHeaders {
    /// Topic of its record.
    pub topic: String,
    /// Partition of its record.
    pub partition: u32,
    /// Offset of its record.
    pub offset: u64,
    /// Its ordinal in the record.
    pub index: u32,
    /// Timestamp of its record in milliseconds: latencies count from there.
    pub timestamp_ms: i64,
    /// Log time of its record in milliseconds: the newest timestamp of the partition up to there.
    pub log_ms: i64,
    /// Hash of the config in force.
    pub config: String,
    /// Hash of the lists in force; empty where there are none.
    pub lists: String,
    /// Version of the program.
    pub program: String,
}

impl OriginHeaders {
    /// Writes them for the bus.
    pub fn encode(&self) -> RawHeaders {
        let mut to = Vec::with_capacity(9);
        put(&mut to, TOPIC, &self.topic);
        put(&mut to, PARTITION, &self.partition.to_string());
        put(&mut to, OFFSET, &self.offset.to_string());
        put(&mut to, INDEX, &self.index.to_string());
        put(&mut to, TIMESTAMP, &self.timestamp_ms.to_string());
        put(&mut to, LOG_TIME, &self.log_ms.to_string());
        put(&mut to, CONFIG, &self.config);
        put(&mut to, LISTS, &self.lists);
        put(&mut to, PROGRAM, &self.program);
        to
    }

    /// Reads only the timestamp and the log time of the record it came from, in milliseconds.
    pub fn times(from: &[(String, Vec<u8>)]) -> Result<(i64, i64), HeaderError> {
        Ok((number(from, TIMESTAMP)?, number(from, LOG_TIME)?))
    }

    /// Reads them from the bus.
    pub fn decode(from: &[(String, Vec<u8>)]) -> Result<Self, HeaderError> {
        Ok(Self {
            topic: filled(from, TOPIC)?,
            partition: number(from, PARTITION)?,
            offset: number(from, OFFSET)?,
            index: number(from, INDEX)?,
            timestamp_ms: number(from, TIMESTAMP)?,
            log_ms: number(from, LOG_TIME)?,
            config: required(from, CONFIG)?.to_owned(),
            lists: required(from, LISTS)?.to_owned(),
            program: required(from, PROGRAM)?.to_owned(),
        })
    }
}
