//! Towards where and from where. An address that is no IP is no fault: it becomes the host where none is
//! given, so that a service name still tells places apart.

use schemas::activity::{Endpoint, Geo, Text};
use schemas::choice::Anonymizer;
use schemas::rule::is_country;
use serde::de::MapAccess;

use super::member::{Absent, Address, Member, Node};

/// The endpoint an activity goes to.
#[derive(Default)]
pub(super) struct Destination<'a> {
    endpoint: Endpoint<'a>,
}

/// The endpoint an activity comes from.
#[derive(Default)]
pub(super) struct Source<'a> {
    endpoint: Endpoint<'a>,
}

// === impl Destination ===

impl<'de> Node<'de> for Destination<'de> {
    type Value = Endpoint<'de>;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "address" => self.endpoint.address = at.text(512)?,
            "url" => self.endpoint.url = at.text(2_048)?,
            "protocol" => self.endpoint.protocol = at.text(32)?,
            "internal" => self.endpoint.internal = at.flag()?,
            _ => endpoint_member(&mut self.endpoint, key, at)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self.endpoint)
    }
}

// === impl Source ===

impl<'de> Node<'de> for Source<'de> {
    type Value = Endpoint<'de>;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "user_agent" => self.endpoint.user_agent = at.text(2_048)?,
            _ => endpoint_member(&mut self.endpoint, key, at)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self.endpoint)
    }
}

/// The members that both ends have.
fn endpoint_member<'de, A: MapAccess<'de>>(
    endpoint: &mut Endpoint<'de>,
    key: &Text<'de>,
    at: &mut Member<'_, '_, 'de, A>,
) -> Result<(), A::Error> {
    match key.as_ref() {
        "host" => {
            // A null may not undo what an opaque address gave.
            if let Some(host) = at.text(255)? {
                endpoint.host = Some(host);
            }
        }
        "ip" => match at.address()? {
            Some(Address::Ip(ip)) => endpoint.ip = Some(ip),
            Some(Address::Opaque(text)) => {
                endpoint.ip = None;
                endpoint.host.get_or_insert(text);
            }
            None => endpoint.ip = None,
        },
        "port" => endpoint.port = at.unsigned()?,
        "asn" => endpoint.asn = at.unsigned()?,
        "as_org" => endpoint.as_org = at.text(256)?,
        "geo" => endpoint.geo = at.node::<Geo<'_>>()?,
        "anonymizer" => endpoint.anonymizer = at.word(Anonymizer::from_wire)?,
        _ => at.unknown()?,
    }
    Ok(())
}

// === impl Geo ===

impl<'de> Node<'de> for Geo<'de> {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "country" => self.country = at.text_if(is_country)?,
            "city" => self.city = at.text(usize::MAX)?,
            "lat" => self.lat = at.number(-90.0..=90.0)?,
            "lon" => self.lon = at.number(-180.0..=180.0)?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self)
    }
}
