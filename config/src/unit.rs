//! Whole numbers with a unit: sizes and durations, read and written.

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Bytes.
    Bytes,
    /// Time, in milliseconds; a day has 24 hours.
    Millis,
}

impl Unit {
    /// Names of the units with their factors, rising.
    fn table(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Bytes => &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)],
            Self::Millis => &[
                ("ms", 1),
                ("s", 1_000),
                ("m", 60_000),
                ("h", 3_600_000),
                ("d", 86_400_000),
                ("w", 604_800_000),
            ],
        }
    }

    /// What it is, with an example.
    pub(super) fn wanted(self) -> &'static str {
        match self {
            Self::Bytes => "a size such as \"512MiB\"",
            Self::Millis => "a duration such as \"5ms\"",
        }
    }

    /// The names of its units, with this between them.
    pub(super) fn names(self, between: &str) -> String {
        self.table().iter().map(|(name, _)| *name).collect::<Vec<_>>().join(between)
    }

    /// Reads a whole number with its unit.
    pub(super) fn parse(self, text: &str) -> Option<u64> {
        let split = text.find(|c: char| !c.is_ascii_digit())?;
        let (digits, name) = text.split_at_checked(split)?;
        let (_, factor) = self.table().iter().find(|(known, _)| *known == name.trim())?;
        digits.parse::<u64>().ok()?.checked_mul(*factor)
    }

    /// Writes it in the largest unit that divides it, so that equal values read and hash the same.
    pub(super) fn text(self, value: u64) -> String {
        let divides =
            |entry: &&(&str, u64)| value.is_multiple_of(entry.1) && (value != 0 || entry.1 == 1);
        let (name, factor) = self.table().iter().rev().find(divides).unwrap_or(&("", 1));
        format!("{}{name}", value / factor)
    }
}
