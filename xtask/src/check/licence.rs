//! Whether an SPDX licence expression can be met with a list of licences.
//!
//! Knows AND, OR, parentheses, `WITH` as part of a licence's name, and the old `/` for OR.
//! Deliberately reads no licence texts; `cargo deny` does. Invariant: an expression that cannot be
//! read is not allowed.

/// `true` if the expression holds with the allowed licences.
pub(super) fn allowed(expression: &str, allow: &[String]) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader {
        words: &words,
        allow,
    };
    let result = reader.any();
    result == Some(true) && reader.words.is_empty()
}

struct Reader<'a> {
    words: &'a [&'a str],
    allow: &'a [String],
}

impl<'a> Reader<'a> {
    fn any(&mut self) -> Option<bool> {
        let mut met = self.all()?;
        while self.take("OR") {
            // Both sides are read in any case: the rest must still be well-formed.
            let right = self.all()?;
            met |= right;
        }
        Some(met)
    }

    fn all(&mut self) -> Option<bool> {
        let mut met = self.one()?;
        while self.take("AND") {
            let right = self.one()?;
            met &= right;
        }
        Some(met)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let met = self.any()?;
            return self.take(")").then_some(met);
        }
        let mut name = self.word()?.to_owned();
        if ["AND", "OR", "WITH", ")"].contains(&name.as_str()) {
            return None;
        }
        if self.take("WITH") {
            name = format!("{name} WITH {}", self.word()?);
        }
        Some(self.allow.contains(&name))
    }

    fn word(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.words = &self.words[1..];
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_or_not() {
        let allow = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
        let check = |expression: &str, expected: bool| {
            assert_eq!(allowed(expression, &allow), expected, "{expression}");
        };
        check("MIT", true);
        check("MIT OR GPL-3.0", true);
        check("GPL-3.0/MIT", true);
        check("MIT AND GPL-3.0", false);
        check("(MIT OR GPL-3.0) AND ISC", true);
        check("GPL-3.0 OR MIT AND ISC", true);
        check("Apache-2.0 WITH LLVM-exception", true);
        check("Apache-2.0", false);
        for broken in [
            "", "MIT OR", "(MIT", "MIT MIT", "OR MIT", "MIT)", "MIT WITH",
        ] {
            check(broken, false);
        }
    }
}
