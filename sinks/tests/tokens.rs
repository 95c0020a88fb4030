//! What signs is one library, what verifies is another: the tokens, their header and the published keys are judged by
//! `jsonwebtoken` on ring. The keys in `keys/` were made for these tests and sign nothing else.
#![expect(clippy::unwrap_used, reason = "tests: a failure here is a failure of the test")]

use std::path::PathBuf;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm as Verified, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};
use sinks::{Algorithm, Key, KeyError, Signing};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name)
}

fn key(name: &str) -> Result<Key, KeyError> {
    Key::parse(&std::fs::read_to_string(file(name)).unwrap())
}

fn claims(jti: &str) -> Value {
    json!({"iss": "https://habitus.acme.example", "aud": "https://idp.acme.example/ssf", "jti": jti, "iat": 1_795_467_091})
}

/// The claims of a token that holds for the audience and is signed by the key that it names.
fn verified(token: &str, jwks: &Value, audience: &str) -> Result<Value, String> {
    let header = decode_header(token).map_err(|error| error.to_string())?;
    let jwks: JwkSet = serde_json::from_value(jwks.clone()).map_err(|error| error.to_string())?;
    let kid = header.kid.ok_or("no kid")?;
    let jwk: &Jwk = jwks.find(&kid).ok_or("no such key")?;
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[audience]);
    validation.set_issuer(&["https://habitus.acme.example"]);
    validation.set_required_spec_claims(&["iss", "aud"]);
    let key = DecodingKey::from_jwk(jwk).map_err(|error| error.to_string())?;
    decode(token, &key, &validation).map(|data| data.claims).map_err(|error| error.to_string())
}

#[test]
fn another_library_verifies_what_is_signed() {
    let signing = Signing::load(&[file("rsa.pem"), file("ec.pem")]).unwrap();
    let jwks = signing.jwks();
    for (algorithm, known) in
        [(Algorithm::Rs256, Verified::RS256), (Algorithm::Es256, Verified::ES256)]
    {
        let key = signing.key(Some(algorithm)).unwrap();
        let said = claims("rr-1.session-revoked.0.idp");
        let token = key.sign(said.to_string().as_bytes()).unwrap();
        let header = decode_header(&token).unwrap();
        assert_eq!((header.typ.as_deref(), header.alg), (Some("secevent+jwt"), known));
        assert_eq!(header.kid.as_deref(), Some(key.kid()));
        assert_eq!(verified(&token, &jwks, "https://idp.acme.example/ssf"), Ok(said));
        assert!(verified(&token, &jwks, "https://other.example").is_err(), "another audience");
        let alone = json!({"keys": []});
        assert!(verified(&token, &alone, "https://idp.acme.example/ssf").is_err(), "no key");
        // Any bit of claims or signature that is another one is seen.
        let at = token.find('.').unwrap() + 1;
        for place in (at..token.len()).step_by(token.len() / 40) {
            let mut forged = token.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert!(verified(&forged, &jwks, "https://idp.acme.example/ssf").is_err(), "{place}");
        }
    }
    assert_eq!(signing.key(None).unwrap().algorithm(), Algorithm::Rs256, "the first of all");
}

#[test]
fn the_same_claims_are_the_same_token_and_others_are_not() {
    for name in ["rsa.pem", "ec.pem"] {
        let said = claims("rl-1.risk-level-change.0.idp").to_string();
        let tokens: Vec<String> =
            (0..8).map(|_| key(name).unwrap().sign(said.as_bytes()).unwrap()).collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]), "{name}");
        let other = claims("rl-2.risk-level-change.0.idp").to_string();
        assert_ne!(key(name).unwrap().sign(other.as_bytes()).unwrap(), tokens[0], "{name}");
    }
}

#[test]
fn a_key_is_the_same_in_every_form() {
    for forms in
        [["rsa.pem", "rsa.pkcs1.pem", "rsa.jwk.json"], ["ec.pem", "ec.sec1.pem", "ec.jwk.json"]]
    {
        let keys = forms.map(|name| key(name).unwrap_or_else(|error| panic!("{name}: {error}")));
        assert!(keys.iter().all(|key| key.kid() == keys[0].kid()), "{keys:?}");
        // The thumbprint that the verifying library makes of the published key.
        let jwks = Signing::load(&[file(forms[0])]).unwrap().jwks();
        assert_eq!(jwks["keys"][0]["kid"], keys[0].kid());
        let mut members = jwks["keys"][0].as_object().unwrap().clone();
        members.retain(|name, _| ["crv", "e", "kty", "n", "x", "y"].contains(&name.as_str()));
        let canonical = Value::Object(members).to_string();
        assert_eq!(keys[0].kid(), thumbprint(&canonical), "RFC 7638");
    }
}

fn thumbprint(canonical: &str) -> String {
    use sha2::Digest;
    data_encoding::BASE64URL_NOPAD.encode(&sha2::Sha256::digest(canonical.as_bytes()))
}

#[test]
fn no_secret_is_published_or_printed() {
    let signing = Signing::load(&[file("rsa.pem"), file("ec.pem")]).unwrap();
    let shown = format!("{signing:?} {}", signing.jwks());
    for name in ["rsa.jwk.json", "ec.jwk.json"] {
        let private: Value =
            serde_json::from_str(&std::fs::read_to_string(file(name)).unwrap()).unwrap();
        for member in ["d", "p", "q"] {
            let Some(secret) = private[member].as_str() else { continue };
            assert!(!shown.contains(secret), "{member} of {name}");
        }
    }
}

#[test]
fn what_cannot_sign_is_refused_with_its_reason() {
    assert_eq!(key("rsa.1024.pem").unwrap_err(), KeyError::Short(1_024));
    assert_eq!(key("p384.pem").unwrap_err(), KeyError::Unknown);
    for text in ["", "{", "{}", "-----BEGIN PRIVATE KEY-----", "{\"kty\":\"oct\",\"k\":\"AAAA\"}"] {
        assert_eq!(Key::parse(text).unwrap_err(), KeyError::Unknown, "{text}");
    }
    let zero =
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}";
    assert!(matches!(Key::parse(zero).unwrap_err(), KeyError::Invalid(_)));
    let (at, error) = Signing::load(&[file("ec.pem"), file("absent.pem")]).unwrap_err();
    assert!(at == 1 && matches!(error, KeyError::Unreadable(_)), "{error}");
}
