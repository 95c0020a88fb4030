//! Where and on what an agent acts: resources, endpoints, locations. Plain values, checked by the decoder.

use std::net::IpAddr;

use serde::Serialize;

use super::Text;
use crate::choice::{Anonymizer, Classification};

/// What was acted on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Resource<'a> {
    /// Hierarchical id in the source's own notation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// Type of resource.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Text<'a>>,
    /// Display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// Sensitivity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classification: Option<Classification>,
    /// Service that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Text<'a>>,
    /// Region it lies in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Text<'a>>,
}

/// A place on the network: destination or source.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Endpoint<'a> {
    /// Host name, or an address that does not parse strictly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Text<'a>>,
    /// Mail address, account, phone or queue (destination).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Text<'a>>,
    /// IP address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// Port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// URL (destination).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Text<'a>>,
    /// Protocol (destination).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Text<'a>>,
    /// Autonomous system number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Autonomous system organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_org: Option<Text<'a>>,
    /// Location.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geo: Option<Geo<'a>>,
    /// Inside the own network, or a known way out of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<bool>,
    /// User agent (source).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<Text<'a>>,
    /// What hides the origin of the route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymizer: Option<Anonymizer>,
}

/// A location.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Geo<'a> {
    /// ISO 3166-1 alpha-2 country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<Text<'a>>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<Text<'a>>,
    /// Latitude in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Longitude in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
}
