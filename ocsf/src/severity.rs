//! Severity of an alert, and the same in the other scales that consumers use. It follows trust and
//! rareness; what is done about an alert follows the ladder, not the severity.

use schemas::trust::Level;

/// How severe an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For information.
    Informational,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

// === impl Severity ===

impl Severity {
    /// The severity for the level after an event that is `ratio` times as rare as an alert has to be.
    ///
    /// | level | from 1 | from 100 | from 1,000 | from 10,000 |
    /// |---|---|---|---|---|
    /// | untrusted | high | high | high | critical |
    /// | restricted | medium | medium | high | high |
    /// | watch, unknown, trusted | low | medium | medium | medium |
    pub fn of(level: Level, ratio: f64) -> Self {
        match level {
            Level::Untrusted if 10_000.0 <= ratio => Self::Critical,
            Level::Untrusted => Self::High,
            Level::Restricted if 1_000.0 <= ratio => Self::High,
            Level::Restricted => Self::Medium,
            Level::Watch | Level::Unknown | Level::Trusted if 100.0 <= ratio => Self::Medium,
            Level::Watch | Level::Unknown | Level::Trusted => Self::Low,
        }
    }

    /// The severity id of OCSF.
    pub fn id(self) -> u8 {
        match self {
            Self::Informational => 1,
            Self::Low => 2,
            Self::Medium => 3,
            Self::High => 4,
            Self::Critical => 5,
        }
    }

    /// The severity of an id of OCSF; what is not one of ours is informational.
    pub fn from_id(id: u8) -> Self {
        let all = [Self::Low, Self::Medium, Self::High, Self::Critical];
        all.into_iter().find(|severity| severity.id() == id).unwrap_or(Self::Informational)
    }

    /// The risk level id of OCSF.
    pub fn risk_level_id(self) -> u8 {
        self.id() - 1
    }

    /// The name in OCSF.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "Informational",
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }

    /// The name of the risk level in OCSF.
    pub fn risk_level(self) -> &'static str {
        match self {
            Self::Informational => "Info",
            other => other.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_follows_trust_and_rareness() {
        let check = |level, expected: [Severity; 4]| {
            let got = [1.0, 100.0, 1_000.0, 10_000.0].map(|ratio| Severity::of(level, ratio));
            assert_eq!(got, expected, "{level:?}");
        };
        use Severity::{Critical, High, Low, Medium};
        check(Level::Untrusted, [High, High, High, Critical]);
        check(Level::Restricted, [Medium, Medium, High, High]);
        for level in [Level::Watch, Level::Unknown, Level::Trusted] {
            check(level, [Low, Medium, Medium, Medium]);
        }
    }
}
