//! How sensitive data is, and what hides a route. It maps words, it judges none.

use serde::{Deserialize, Serialize};

/// How sensitive a resource is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Classification {
    /// `public`.
    Public,
    /// `internal`.
    Internal,
    /// `confidential`.
    Confidential,
    /// `restricted`.
    Restricted,
    /// `unknown`.
    #[default]
    Unknown,
}

impl Classification {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "public" => Self::Public,
            "internal" => Self::Internal,
            "confidential" => Self::Confidential,
            "restricted" => Self::Restricted,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
            Self::Unknown => "unknown",
        }
    }
}

/// What hides the origin of a route.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Anonymizer {
    /// `none`.
    None,
    /// `proxy`.
    Proxy,
    /// `vpn`.
    Vpn,
    /// `tor`.
    Tor,
    /// `relay`.
    Relay,
    /// `hosting`.
    Hosting,
    /// `unknown`.
    #[default]
    Unknown,
}

impl Anonymizer {
    /// Reads a word of the wire; `None` where it is not one of ours.
    pub fn from_wire(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::None,
            "proxy" => Self::Proxy,
            "vpn" => Self::Vpn,
            "tor" => Self::Tor,
            "relay" => Self::Relay,
            "hosting" => Self::Hosting,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Proxy => "proxy",
            Self::Vpn => "vpn",
            Self::Tor => "tor",
            Self::Relay => "relay",
            Self::Hosting => "hosting",
            Self::Unknown => "unknown",
        }
    }
}
