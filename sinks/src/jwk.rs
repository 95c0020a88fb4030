//! Private keys written as JWK (RFC 7517, RFC 7518 6).

use data_encoding::BASE64URL_NOPAD;
use rsa::{BoxedUint, PrivateKey};
use serde_json::Value;

use crate::key::KeyError;

/// A private key.
pub(crate) enum Private {
    Rsa(Box<PrivateKey>),
    Ec(p256::SecretKey),
}

/// Reads a private key.
pub(crate) fn read(text: &str) -> Result<Private, KeyError> {
    let jwk: Value = serde_json::from_str(text).map_err(|_| KeyError::Unknown)?;
    let bytes = |member: &str| {
        let text = jwk.get(member).and_then(Value::as_str).ok_or(KeyError::Unknown)?;
        let decoded = BASE64URL_NOPAD.decode(text.as_bytes());
        decoded.map_err(|_| KeyError::Invalid(format!("`{member}` is not base64url")))
    };
    let invalid = |error: &dyn std::fmt::Display| KeyError::Invalid(error.to_string());
    match (jwk.get("kty").and_then(Value::as_str), jwk.get("crv").and_then(Value::as_str)) {
        (Some("RSA"), _) => {
            let number = |member: &str| Ok(BoxedUint::from_be_slice_vartime(&bytes(member)?));
            let (n, e, d) = (number("n")?, number("e")?, number("d")?);
            let primes = vec![number("p")?, number("q")?];
            let key = PrivateKey::from_components(n, e, d, primes);
            key.map(|key| Private::Rsa(Box::new(key))).map_err(|error| invalid(&error))
        }
        (Some("EC"), Some("P-256")) => {
            let key = p256::SecretKey::from_slice(&bytes("d")?);
            key.map(Private::Ec).map_err(|error| invalid(&error))
        }
        _ => Err(KeyError::Unknown),
    }
}
