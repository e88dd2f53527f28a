//! The `Authorization` header: basic credentials or a bearer token.
//!
//! It reads, and checks nothing. Invariant: what it has read shows nothing of itself in `Debug`.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use host_core::secret::Secret;

/// What a request carries.
#[derive(Debug, PartialEq)]
pub(crate) enum Credentials {
    /// `Basic`: user and password.
    Basic(String, Secret),
    /// `Bearer`: a token.
    Bearer(Secret),
}

impl Credentials {
    /// Those of a request; `None` where it has none that can be read.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, rest) = value.trim().split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("basic") {
            let text = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
            let (user, password) = text.split_once(':')?;
            return Some(Self::Basic(user.to_owned(), Secret::new(password)));
        }
        let bearer = scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty();
        bearer.then(|| Self::Bearer(Secret::new(rest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read() {
        let basic = |u: &str, p: &str| Some(Credentials::Basic(u.to_owned(), Secret::new(p)));
        for (value, expected) in [
            ("Basic YWxpY2U6czE=", basic("alice", "s1")),
            ("basic  YWNtZS9hbGljZTphOmI=", basic("acme/alice", "a:b")),
            ("Basic YWxpY2U=", None),
            ("Basic !", None),
            ("Basic", None),
            (
                "Bearer acme/bob:s2",
                Some(Credentials::Bearer(Secret::new("acme/bob:s2"))),
            ),
            ("Bearer ", None),
            ("Digest a", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            assert_eq!(Credentials::of(&headers), expected, "{value}");
        }
        assert_eq!(Credentials::of(&HeaderMap::new()), None);
        assert!(!format!("{:?}", basic("u", "pw")).contains("pw"));
    }
}
