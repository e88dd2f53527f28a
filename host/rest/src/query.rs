//! Query strings as Jersey reads them: keys may repeat, a flag is true only as `true`.
//!
//! Unknown keys (such as Connect's internal `forward`) are ignored. Invariant: it never refuses a key it does not know.

use crate::error::RestError;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

/// The pairs of a query string in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// All values of a key.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let of_key = self.0.iter().filter(move |(k, _)| k == key);
        of_key.map(|(_, v)| v.as_str())
    }
    /// The first value of a key that is not empty.
    pub(crate) fn first<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all(key).find(|v| !v.is_empty())
    }
    /// A boolean, as Java's `Boolean.valueOf` reads it: anything but `true` is false.
    pub(crate) fn flag(&self, key: &str, default: bool) -> bool {
        self.all(key)
            .next()
            .map_or(default, |v| v.eq_ignore_ascii_case("true"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Pairs {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, RestError> {
        let Query(pairs) = Query::try_from_uri(&parts.uri)
            .map_err(|e| RestError::bad(format!("The query string cannot be read: {e}")))?;
        Ok(Self(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(uri: &str) -> Pairs {
        Pairs(Query::try_from_uri(&uri.parse().unwrap()).unwrap().0)
    }

    #[test]
    fn flags_are_javas() {
        for (uri, expected) in [
            ("/?f=true", true),
            ("/?f=TRUE", true),
            ("/?f=maybe", false),
            ("/?f=1", false),
            ("/?f=", false),
            ("/?g=true", false),
            ("/", false),
        ] {
            assert_eq!(pairs(uri).flag("f", false), expected, "{uri}");
        }
        assert!(pairs("/").flag("f", true));
    }

    #[test]
    fn keys_repeat_and_are_decoded() {
        let p = pairs("/?expand=status&x=1&expand=info&v=1.0%2Bb");
        assert_eq!(p.all("expand").collect::<Vec<_>>(), ["status", "info"]);
        assert_eq!(p.first("v"), Some("1.0+b"));
        assert_eq!(pairs("/?v=").first("v"), None);
    }
}
