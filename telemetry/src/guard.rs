//! Who may ask over HTTP, and by what: tokens by role, read from files, and TLS. A token that nobody has is 401, one
//! that is meant for something else 403.

use std::fmt;
use std::fs;
use std::hint::black_box;
use std::io;

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::tls::Tls;

/// Longest token, in bytes: a longer one is compared with none.
const TOKEN_BYTES_MAX: usize = 4_096;

/// What a token lets its bearer do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Read metrics and readiness.
    Reader,
    /// Ask for decisions.
    Caller,
}

/// Tokens, each with its role.
#[derive(Clone, Default)]
pub struct Tokens(Vec<(Role, String)>);

/// What stands before the routes of a process.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Tokens of all roles: without one of readers, readers need none.
    pub tokens: Tokens,
    /// TLS; without it all is served in the clear.
    pub tls: Option<Tls>,
}

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Nobody's token, or none.
    Unknown,
    /// The token of another role.
    OtherRole,
}

// === impl Tokens ===

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.0.len())
    }
}

impl Tokens {
    /// Adds the tokens of a text, one a line; `#` begins a comment.
    #[must_use]
    pub fn with(mut self, role: Role, text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        let tokens = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        self.0.extend(tokens.map(|token| (role, token.to_owned())));
        self
    }

    /// Reads the tokens of files; a file without one is an error.
    pub fn load(files: &[(Role, &str)]) -> io::Result<Self> {
        let mut tokens = Self::default();
        for (role, file) in files {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{file}: {error}"));
            let before = tokens.0.len();
            tokens = tokens.with(*role, &fs::read_to_string(file).map_err(named)?);
            if tokens.0.len() == before {
                return Err(io::Error::other(format!("{file} holds no token")));
            }
        }
        Ok(tokens)
    }

    /// A token of a role.
    pub fn first(&self, role: Role) -> Option<&str> {
        self.0.iter().find_map(|(known, token)| (*known == role).then_some(token.as_str()))
    }

    /// Whether nobody has this role.
    pub(super) fn lacks(&self, role: Role) -> bool {
        self.first(role).is_none()
    }

    /// Lets in who bears a token of this role. All tokens are compared, and how long that takes tells no more than
    /// lengths.
    pub(super) fn check(&self, headers: &HeaderMap, role: Role) -> Result<(), Refused> {
        let borne = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let borne = borne.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let borne = borne.filter(|token| token.len() <= TOKEN_BYTES_MAX).ok_or(Refused::Unknown)?;
        let (mut right, mut other) = (false, false);
        for (known, token) in &self.0 {
            let same = same(token.as_bytes(), borne.as_bytes());
            right |= same & (*known == role);
            other |= same & (*known != role);
        }
        match (right, other) {
            (true, _) => Ok(()),
            (false, true) => Err(Refused::OtherRole),
            (false, false) => Err(Refused::Unknown),
        }
    }
}

/// Compares all bytes, wherever the first difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differs = a.iter().zip(b).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
    (a.len() == b.len()) & (differs == 0)
}

// === impl Refused ===

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Unknown => {
                let text = "bear a token: Authorization: Bearer ..\n";
                let scheme = HeaderValue::from_static("Bearer");
                (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, scheme)], text).into_response()
            }
            Self::OtherRole => {
                (StatusCode::FORBIDDEN, "this token is not for this\n").into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_what_its_role_may_and_no_prefix_of_it_does() {
        let tokens = Tokens::default()
            .with(Role::Reader, "# of prometheus\nread\n\n")
            .with(Role::Caller, " call ");
        let said = |borne: &str, role| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_str(borne).unwrap());
            tokens.check(&headers, role)
        };
        assert_eq!(said("Bearer read", Role::Reader), Ok(()));
        assert_eq!(said("bearer call", Role::Caller), Ok(()));
        assert_eq!(said("Bearer call", Role::Reader), Err(Refused::OtherRole));
        assert_eq!(said("Bearer read", Role::Caller), Err(Refused::OtherRole));
        let long = format!("Bearer {}", "x".repeat(TOKEN_BYTES_MAX + 1));
        for borne in
            ["Bearer rea", "Bearer reads", "Bearer ", "Basic read", "read", "Bearer #", &long]
        {
            assert_eq!(said(borne, Role::Reader), Err(Refused::Unknown), "{borne}");
        }
        assert_eq!(tokens.check(&HeaderMap::new(), Role::Reader), Err(Refused::Unknown));
        assert_eq!(format!("{tokens:?}"), "2 tokens");
        assert!(Tokens::default().lacks(Role::Reader) && !tokens.lacks(Role::Caller));
    }
}
