//! Shared tables as records, one for each dense table and each chunk of counts: their keys and the frame of their
//! bytes. Saved state and control records are the same bytes under the same keys.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::{Reader, StateError, Writer};
use crate::shared::counts::CHUNKS;
use crate::shared::deltas::Table;

/// A change of the list of signals moves their channels: it is a new version.
const VERSION: u8 = 4;
/// What the key of a table begins with, behind the tenant.
const PREFIX: &str = "~table/";
const TABLES: [(Table, &str); 3] =
    [(Table::Counts, "counts"), (Table::Maxima, "maxima"), (Table::Hours, "hours")];

/// Names one record of a tenant's tables; written `~table/<kind>/<scope hex>[/<chunk hex>]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableKey {
    /// The table.
    pub table: Table,
    /// Whose it is: a tenant or peer group, hashed.
    pub scope: u64,
    /// The chunk of counts; 0 for the others.
    pub chunk: u8,
}

// === impl TableKey ===

impl TableKey {
    /// Reads the key of a record, `<tenant>|~table/..`; `None` where it names no table.
    pub fn of_record(key: &str) -> Option<Self> {
        let (_, key) = key.split_once('|')?;
        let mut parts = key.strip_prefix(PREFIX)?.split('/');
        let (word, scope) = (parts.next()?, parts.next()?);
        let (table, _) = TABLES.iter().find(|(_, name)| *name == word)?;
        let scope = u64::from_str_radix(scope, 16).ok()?;
        let chunk = parts.next().map_or(Some(0), |chunk| u8::from_str_radix(chunk, 16).ok())?;
        let read = Self { table: *table, scope, chunk };
        (usize::from(chunk) < CHUNKS && read.to_string() == key).then_some(read)
    }
}

impl fmt::Display for TableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = TABLES.iter().find(|(table, _)| *table == self.table).map_or("", |(_, w)| *w);
        write!(f, "{PREFIX}{word}/{:016x}", self.scope)?;
        if self.table == Table::Counts { write!(f, "/{:02x}", self.chunk) } else { Ok(()) }
    }
}

/// A record: version, table, number of the merge that changed it last, content, checksum.
pub(super) fn seal(
    table: Table,
    content: impl FnOnce(&mut Writer) -> Option<u64>,
) -> Option<Vec<u8>> {
    let mut body = Writer::default();
    let changed = content(&mut body)?;
    let mut out = Writer(Vec::with_capacity(body.0.len() + 18));
    out.u8(VERSION);
    out.u8(table.number());
    out.u64(changed);
    out.0.append(&mut body.0);
    let sum = xxh3_64(&out.0);
    out.u64(sum);
    Some(out.0)
}

/// Checks a record; gives the number of its last merge, and its content.
pub(super) fn open(table: Table, bytes: &[u8]) -> Result<(u64, Reader<'_>), StateError> {
    let (body, sum) = bytes.split_last_chunk::<8>().ok_or(StateError::Length)?;
    let mut input = Reader(body);
    let version = input.u8()?;
    if version != VERSION {
        return Err(StateError::Version(version));
    }
    if xxh3_64(body) != u64::from_le_bytes(*sum) {
        return Err(StateError::Checksum);
    }
    if input.u8()? != table.number() {
        return Err(StateError::Value);
    }
    Ok((input.u64()?, input))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_of_tables_are_read() {
        let key = TableKey { table: Table::Counts, scope: 0x2a, chunk: 63 };
        assert_eq!(key.to_string(), "~table/counts/000000000000002a/3f");
        for chunk in 0..64 {
            for table in [Table::Counts, Table::Maxima, Table::Hours] {
                let chunk = if table == Table::Counts { chunk } else { 0 };
                let key = TableKey { table, scope: u64::MAX - u64::from(chunk), chunk };
                assert_eq!(TableKey::of_record(&format!("acme|{key}")), Some(key));
            }
        }
        for bad in [
            "~table/hours/000000000000002a",
            "acme|~table/hours/2a",
            "acme|~table/hours/000000000000002A",
            "acme|~table/hours/000000000000002a/00",
            "acme|~table/counts/000000000000002a",
            "acme|~table/counts/000000000000002a/40",
            "acme|~table/counts/000000000000002a/3f/",
            "acme|~table/moods/000000000000002a",
            "acme|~tenant",
            "acme|delegated|a|~table/hours/000000000000002a",
        ] {
            assert_eq!(TableKey::of_record(bad), None, "{bad}");
        }
    }
}
