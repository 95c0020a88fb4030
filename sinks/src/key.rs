//! Keys that sign security event tokens, and the tokens: compact JWS with RS256 or ES256. Both sign deterministically
//! (RFC 8017 8.2, RFC 6979): the same claims are the same token, on every retry and on every machine.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::{SignatureEncoding, Signer};
use p256::pkcs8::DecodePrivateKey;
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs1v15;
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::jwk;

/// Fewest bits of an RSA key, as the interoperability profile of CAEP wants.
const RSA_BITS_MIN: usize = 2_048;
/// Most bytes of a key file.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// RSA with SHA-256: what every receiver reads.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

/// Why a key cannot sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("read it: {0}")]
    Unreadable(String),
    /// It is no private key of a known kind.
    #[error("find a private key in it: PEM or a JWK, of RSA or P-256")]
    Unknown,
    /// Its numbers do not make a key.
    #[error("use the key: {0}")]
    Invalid(String),
    /// It is too short.
    #[error("use an RSA key of {0} bits: the shortest is 2048")]
    Short(usize),
}

enum Secret {
    Rsa(Box<pkcs1v15::SigningKey<Sha256>>),
    Ec(p256::ecdsa::SigningKey),
}

/// A private key that signs.
pub struct Key {
    secret: Secret,
    kid: String,
    public: Value,
}

/// The keys of a deployment, in the order of the config: of each algorithm the first signs, all are published.
#[derive(Debug, Default)]
pub struct Signing {
    keys: Vec<Key>,
}

// === impl Algorithm ===

impl Algorithm {
    /// Its name in JOSE.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    /// The algorithm of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Rs256, Self::Es256].into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

// === impl Key ===

impl Key {
    /// Reads a private key: PEM (PKCS #8, PKCS #1 or SEC 1), or a JWK.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.starts_with('{') {
            return match jwk::read(text)? {
                jwk::Private::Rsa(key) => Self::rsa(*key),
                jwk::Private::Ec(key) => Self::ec(key),
            };
        }
        let rsa = PrivateKey::from_pkcs8_pem(text).ok();
        if let Some(key) = rsa.or_else(|| PrivateKey::from_pkcs1_pem(text).ok()) {
            return Self::rsa(key);
        }
        let ec = p256::SecretKey::from_pkcs8_pem(text).ok();
        match ec.or_else(|| p256::SecretKey::from_sec1_pem(text).ok()) {
            Some(key) => Self::ec(key),
            None => Err(KeyError::Unknown),
        }
    }

    fn rsa(key: PrivateKey) -> Result<Self, KeyError> {
        let bits = key.size() * 8;
        if bits < RSA_BITS_MIN {
            return Err(KeyError::Short(bits));
        }
        let [n, e] = [key.n_bytes(), key.e_bytes()].map(|bytes| BASE64URL_NOPAD.encode(&bytes));
        // RFC 7638: the required members, in order, without blanks.
        let kid = thumbprint(&format!("{{\"e\":\"{e}\",\"kty\":\"RSA\",\"n\":\"{n}\"}}"));
        let public =
            json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e});
        let key =
            Self { secret: Secret::Rsa(Box::new(pkcs1v15::SigningKey::new(key))), kid, public };
        // What fails to sign now would fail for a token.
        key.sign(b"{}").map(|_| key)
    }

    fn ec(key: p256::SecretKey) -> Result<Self, KeyError> {
        let key = p256::ecdsa::SigningKey::from(&key);
        let point = key.verifying_key().to_sec1_point(false);
        let number = |bytes: Option<&p256::FieldBytes>| {
            BASE64URL_NOPAD.encode(bytes.map(AsRef::as_ref).unwrap_or_default())
        };
        let (x, y) = (number(point.x()), number(point.y()));
        let kid = thumbprint(&format!(
            "{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"{x}\",\"y\":\"{y}\"}}"
        ));
        let public = json!({
            "kty": "EC", "use": "sig", "alg": "ES256", "kid": kid, "crv": "P-256", "x": x, "y": y,
        });
        let key = Self { secret: Secret::Ec(key), kid, public };
        key.sign(b"{}").map(|_| key)
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        match &self.secret {
            Secret::Rsa(_) => Algorithm::Rs256,
            Secret::Ec(_) => Algorithm::Es256,
        }
    }

    /// Its id: the thumbprint of RFC 7638.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The token of these claims, which are JSON.
    pub fn sign(&self, claims: &[u8]) -> Result<String, KeyError> {
        let (algorithm, kid) = (self.algorithm().as_str(), &self.kid);
        let header =
            format!("{{\"typ\":\"secevent+jwt\",\"alg\":\"{algorithm}\",\"kid\":\"{kid}\"}}");
        let mut token = BASE64URL_NOPAD.encode(header.as_bytes());
        token.push('.');
        BASE64URL_NOPAD.encode_append(claims, &mut token);
        let invalid = |error: p256::ecdsa::signature::Error| KeyError::Invalid(error.to_string());
        let signature = match &self.secret {
            Secret::Rsa(key) => key.try_sign(token.as_bytes()).map_err(invalid)?.to_vec(),
            Secret::Ec(key) => {
                let signature: p256::ecdsa::Signature =
                    key.try_sign(token.as_bytes()).map_err(invalid)?;
                signature.to_vec()
            }
        };
        token.push('.');
        BASE64URL_NOPAD.encode_append(&signature, &mut token);
        Ok(token)
    }
}

/// Says which key it is, never the key.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({} {})", self.algorithm().as_str(), self.kid)
    }
}

// === impl Signing ===

impl Signing {
    /// Reads key files; gives the place of the first that cannot be used, and why.
    pub fn load(files: &[PathBuf]) -> Result<Self, (usize, KeyError)> {
        let read = |(at, file): (usize, &PathBuf)| {
            let text = text_of(file).map_err(|error| KeyError::Unreadable(error.to_string()));
            text.and_then(|text| Key::parse(&text)).map_err(|error| (at, error))
        };
        Ok(Self { keys: files.iter().enumerate().map(read).collect::<Result<_, _>>()? })
    }

    /// The key that signs: of this algorithm, or the first of all.
    pub fn key(&self, algorithm: Option<Algorithm>) -> Option<&Key> {
        self.keys.iter().find(|key| algorithm.is_none_or(|wanted| key.algorithm() == wanted))
    }

    /// The public keys as a JWK set, for receivers: what `jwks_uri` serves.
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.keys.iter().map(|key| &key.public).collect::<Vec<_>>() })
    }
}

fn text_of(file: &Path) -> std::io::Result<String> {
    if fs::metadata(file)?.len() > FILE_BYTES_MAX {
        return Err(std::io::Error::other("it is longer than a key"));
    }
    fs::read_to_string(file)
}

fn thumbprint(members: &str) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(members.as_bytes()))
}
