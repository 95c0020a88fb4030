//! Signatures of what people and machines say: HMAC-SHA256 (RFC 2104) over the bytes of a record's value, with a secret
//! that its author and Habitus share. Whether one is needed, and what its author may say, is decided at intake.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header that holds a signature.
pub const SIGNATURE_HEADER: &str = "habitus-signature";
/// What it begins with: how it was made. The code follows in lower-case hexadecimal.
const PREFIX: &str = "sha256=";
/// Fewest bytes of a secret: as many as the code has.
const SECRET_BYTES_MIN: usize = 32;

/// Why a text holds no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It has no line that counts.
    #[error("find a secret in it: one a line, `#` begins a comment")]
    None,
    /// A line is too short.
    #[error("use its line {0}: a secret has at least 32 bytes")]
    Short(usize),
}

/// A secret. Whoever knows it can say everything that its author may.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Says that there is one, never which.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

// === impl Secret ===

impl Secret {
    /// Reads a file's text: a secret a line, of which the first signs and all are accepted, so that a new one can come
    /// before the old one goes.
    pub fn read(text: &str) -> Result<Vec<Self>, SecretError> {
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let secret = |(at, line): (usize, &str)| match line.len() {
            SECRET_BYTES_MIN.. => Ok(Self(line.as_bytes().to_vec())),
            _ => Err(SecretError::Short(at + 1)),
        };
        let secrets = lines.map(secret).collect::<Result<Vec<_>, _>>()?;
        if secrets.is_empty() { Err(SecretError::None) } else { Ok(secrets) }
    }

    /// The signature of a record's value.
    pub fn sign(&self, value: &[u8]) -> String {
        let code = self.mac(value).map(|mac| mac.finalize().into_bytes());
        format!("{PREFIX}{}", HEXLOWER.encode(code.as_deref().unwrap_or_default()))
    }

    /// Whether a signature is that of the value; it takes as long whichever byte is wrong.
    pub(crate) fn verifies(&self, value: &[u8], signature: &[u8]) -> bool {
        let code = signature.strip_prefix(PREFIX.as_bytes());
        let code = code.and_then(|code| HEXLOWER.decode(code).ok());
        let mac = self.mac(value);
        mac.zip(code).is_some_and(|(mac, code)| mac.verify_slice(&code).is_ok())
    }

    /// Any length is a key.
    fn mac(&self, value: &[u8]) -> Option<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        Some(mac.chain_update(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_secrets_old_and_new_and_never_a_short_one() {
        let (new, old) = ("n".repeat(32), "o".repeat(40));
        let read = Secret::read(&format!("# carol\n\n  {new}\n{old}\n")).unwrap();
        assert_eq!(read, [Secret(new.into_bytes()), Secret(old.into_bytes())]);
        assert_eq!(Secret::read("# nothing\n\n"), Err(SecretError::None));
        assert_eq!(Secret::read(&format!("#\n{}", "x".repeat(31))), Err(SecretError::Short(2)));
        assert!(!format!("{read:?}").contains("nnn"));
    }

    #[test]
    fn a_signature_is_of_one_value_and_one_secret() {
        // As `openssl dgst -sha256 -hmac` gives it.
        let [secret, other] =
            ["0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdeF"]
                .map(|text| Secret(text.as_bytes().to_vec()));
        let value = b"what do ya want for nothing?";
        let signature = secret.sign(value);
        assert_eq!(
            signature,
            "sha256=137e6557c3c13a1ca5dc7e52a389a0f86be8cb4db4ae61c62396058b00acacd0"
        );
        assert!(secret.verifies(value, signature.as_bytes()));
        assert!(!other.verifies(value, signature.as_bytes()));
        for at in 0..signature.len() {
            let mut wrong = signature.clone().into_bytes();
            wrong[at] ^= 1;
            assert!(!secret.verifies(value, &wrong), "{at}");
            assert!(!secret.verifies(value, &signature.as_bytes()[..at]), "{at}");
        }
        assert!(!secret.verifies(b"what do ya want for nothing!", signature.as_bytes()));
        assert!(!secret.verifies(value, b""));
    }
}
