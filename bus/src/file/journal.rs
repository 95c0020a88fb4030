//! The journal: one file, written at its end only. Each entry stands behind its length and checksums bound to its
//! position, so that a tail that was not written to its end is told from damage. Now and then it is written anew
//! with what retention and compaction left.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::FileSettings;
use super::codec::{self, Entry};
use crate::error::BusError;
use crate::local::{Batch, Engine, Kept, Topic};
use crate::record::{Isolation, TopicPartition};

/// What the file begins with: its format.
const MAGIC: &[u8; 8] = b"habilog1";
/// Length, its checksum, and the checksum of what follows.
const HEAD_BYTES: usize = 4 + 4 + 8;
/// A journal is written anew when it has doubled and grown by this much more.
const GROWTH_BYTES: u64 = 16 << 20;
/// About how much one entry holds when a journal is written anew.
const CHUNK_BYTES: usize = 1 << 20;

/// The journal of a folder.
pub(crate) struct Journal {
    folder: PathBuf,
    file: File,
    settings: FileSettings,
    /// Bytes that hold whole entries.
    length: u64,
    /// The length when it was last written anew.
    floor: u64,
    /// Whether the end of the file is not known any more.
    broken: bool,
    /// Held as long as the journal is open.
    _lock: File,
}

impl Journal {
    /// Opens the journal of a folder, and the engine as it stood at the last commit.
    pub(crate) fn open(folder: &Path, settings: FileSettings) -> Result<(Self, Engine), BusError> {
        let refuse = |error: io::Error| BusError::Refused(format!("{}: {error}", folder.display()));
        fs::create_dir_all(folder).map_err(refuse)?;
        let lock = File::create(folder.join("lock")).map_err(refuse)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                BusError::Refused(format!("{} is in use by another process", folder.display()))
            }
            TryLockError::Error(error) => refuse(error),
        })?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(folder.join("journal")).map_err(refuse)?;
        let mut engine = Engine::new((settings.clock)());
        let mut length = replay(&mut file, &mut engine).map_err(|problem| match problem {
            Problem::Io(error) => refuse(error),
            Problem::Bus(error) => error,
        })?;
        file.set_len(length).map_err(refuse)?;
        file.seek(SeekFrom::Start(length)).map_err(refuse)?;
        if length == 0 {
            file.write_all(MAGIC).map_err(refuse)?;
            length = MAGIC.len() as u64;
        }
        if settings.sync {
            file.sync_all().and_then(|()| sync_folder(folder)).map_err(refuse)?;
        }
        let folder = folder.to_owned();
        let (broken, floor) = (false, 0);
        let mut journal = Self { folder, file, settings, length, floor, broken, _lock: lock };
        journal.clean_if_grown(&mut engine);
        Ok((journal, engine))
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.settings.clock)()
    }

    /// Keeps a transaction: on the disk before it is visible.
    pub(crate) fn append_batch(&mut self, batch: &Batch<'_>) -> Result<(), BusError> {
        if batch.places.is_empty() && batch.offsets.is_empty() {
            return Ok(());
        }
        self.append(&codec::batch(batch))
    }

    /// Keeps a topic.
    pub(crate) fn append_topic(&mut self, topic: &Topic) -> Result<(), BusError> {
        self.append(&codec::topic(topic))
    }

    /// Writes the journal anew, if it may have become much smaller.
    pub(crate) fn clean_if_grown(&mut self, engine: &mut Engine) {
        if self.length < self.floor * 2 + GROWTH_BYTES {
            return;
        }
        engine.clean();
        match self.rewrite(engine) {
            Ok((file, length)) => (self.file, self.length) = (file, length),
            Err(error) => tracing::warn!(%error, "the journal could not be written anew"),
        }
        self.floor = self.length;
    }

    fn append(&mut self, payload: &[u8]) -> Result<(), BusError> {
        if self.broken {
            return Err(BusError::Refused("the journal: its end is unknown, open it again".into()));
        }
        let entry = framed(self.length, payload)?;
        if let Err(error) = self.file.write_all(&entry) {
            let undone = self.file.set_len(self.length);
            let undone = undone.and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
            self.broken = undone.is_err();
            return Err(BusError::Abortable(format!("write the journal: {error}")));
        }
        if self.settings.sync
            && let Err(error) = self.file.sync_data()
        {
            self.broken = true;
            return Err(BusError::Doubtful(format!("sync the journal: {error}")));
        }
        self.length += entry.len() as u64;
        Ok(())
    }

    fn rewrite(&self, engine: &Engine) -> io::Result<(File, u64)> {
        let (new, current) = (self.folder.join("journal.new"), self.folder.join("journal"));
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(true).open(&new)?;
        file.write_all(MAGIC)?;
        let mut length = MAGIC.len() as u64;
        let mut put = |payload: &[u8]| -> io::Result<()> {
            let entry = framed(length, payload).map_err(io::Error::other)?;
            length += entry.len() as u64;
            file.write_all(&entry)
        };
        for topic in engine.topics.values() {
            put(&codec::topic(topic))?;
            for (number, place) in (0..).zip(&topic.partitions) {
                let at = TopicPartition::new(topic.name.clone(), number);
                let (start, next) = (place.start(), place.end(Isolation::ReadUncommitted));
                let mut chunk = Kept { at, start, next, records: Vec::new() };
                let mut bytes = 0;
                for (entry, body) in place.committed() {
                    bytes += body.bytes();
                    let record = (entry.offset, entry.timestamp_ms, Cow::Borrowed(body));
                    chunk.records.push(record);
                    if CHUNK_BYTES <= bytes {
                        bytes = 0;
                        chunk = put_chunk(chunk, &mut put)?;
                    }
                }
                put_chunk(chunk, &mut put)?;
            }
        }
        put(&codec::batch(&Batch { places: Vec::new(), offsets: engine.all_offsets() }))?;
        file.sync_all()?;
        fs::rename(&new, &current)?;
        sync_folder(&self.folder)?;
        Ok((file, length))
    }
}

/// Writes a part of a partition, and leaves it empty for the next part.
fn put_chunk<'a>(
    chunk: Kept<'a>,
    put: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Kept<'a>> {
    let mut batch = Batch { places: vec![chunk], offsets: Vec::new() };
    put(&codec::batch(&batch))?;
    let mut chunk = batch.places.remove(0);
    chunk.records.clear();
    Ok(chunk)
}

/// An entry behind its head, for one position.
fn framed(position: u64, payload: &[u8]) -> Result<Vec<u8>, BusError> {
    let length = u32::try_from(payload.len())
        .map_err(|_| BusError::Refused(format!("an entry of {} bytes", payload.len())))?;
    let mut entry = Vec::with_capacity(HEAD_BYTES + payload.len());
    entry.extend(length.to_le_bytes());
    entry.extend(head_sum(position, length).to_le_bytes());
    entry.extend(xxh3_64_with_seed(payload, position).to_le_bytes());
    entry.extend(payload);
    Ok(entry)
}

fn head_sum(position: u64, length: u32) -> u32 {
    let [a, b, c, d, ..] = xxh3_64_with_seed(&length.to_le_bytes(), position).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// The whole entry that stands at a position of the file, at the beginning of `bytes`.
fn whole(position: u64, bytes: &[u8]) -> Option<&[u8]> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
    let (length, sums) = head.split_first_chunk::<4>()?;
    let (of_length, of_payload) = sums.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length);
    if u32::from_le_bytes(*of_length) != head_sum(position, length) {
        return None;
    }
    let payload = rest.get(..usize::try_from(length).ok()?)?;
    let sum = xxh3_64_with_seed(payload, position).to_le_bytes();
    (of_payload == sum).then_some(payload)
}

enum Problem {
    Io(io::Error),
    Bus(BusError),
}

/// Restores the engine; returns how many bytes hold whole entries.
fn replay(file: &mut File, engine: &mut Engine) -> Result<u64, Problem> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(Problem::Io)?;
    let refuse = |what: String| Problem::Bus(BusError::Refused(what));
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        let torn = MAGIC.starts_with(&bytes);
        return if torn { Ok(0) } else { Err(refuse("the journal: it is no journal".into())) };
    };
    let mut position = MAGIC.len() as u64;
    while let Some(payload) = whole(position, rest) {
        let restored = match codec::entry(payload) {
            Some(Entry::Topic(topic)) => {
                engine.add_topic(topic);
                Ok(())
            }
            Some(Entry::Batch(batch)) => engine.restore(batch),
            None => Err(BusError::Refused(format!("the journal: unknown entry at {position}"))),
        };
        restored.map_err(Problem::Bus)?;
        let taken = HEAD_BYTES + payload.len();
        position += taken as u64;
        rest = rest.get(taken..).unwrap_or_default();
    }
    let later = (1_u64..).zip(1..rest.len());
    let mut later = later.filter_map(|(n, at)| Some((position + n, rest.get(at..)?)));
    if let Some((at, _)) = later.find(|(at, bytes)| whole(*at, bytes).is_some()) {
        return Err(refuse(format!(
            "the journal: byte {position} is damaged, and a whole entry follows at {at}"
        )));
    }
    if !rest.is_empty() {
        tracing::warn!(bytes = rest.len(), "dropped the unfinished tail of the journal");
    }
    Ok(position)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
