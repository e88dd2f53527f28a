//! Name and password out of a `sasl.jaas.config`.
//!
//! It reads the one-entry form Kafka documents for PLAIN and SCRAM: `Module required key="value" …;`. Kerberos and
//! OAuth modules are refused. Invariant: an error never quotes the text, because it holds a password.

/// A login.
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: String,
}

/// Reads the one login of `text`.
pub(super) fn parse(text: &str) -> Result<Login, String> {
    let text = text.trim().trim_end_matches(';');
    let mut words = Words(text);
    let module = words.next_word().ok_or("it is empty")?;
    if !module.ends_with("PlainLoginModule") && !module.ends_with("ScramLoginModule") {
        return Err("only PlainLoginModule and ScramLoginModule are supported".to_owned());
    }
    if words.next_word().as_deref() != Some("required") {
        return Err("'required' is expected after the module".to_owned());
    }
    let (mut username, mut password) = (None, None);
    while let Some(word) = words.next_word() {
        let (key, value) = word
            .split_once('=')
            .ok_or("key=\"value\" is expected after 'required'")?;
        match key {
            "username" => username = Some(value.to_owned()),
            "password" => password = Some(value.to_owned()),
            _ => {}
        }
    }
    match (username, password) {
        (Some(username), Some(password)) => Ok(Login { username, password }),
        _ => Err("username=\"…\" and password=\"…\" are both needed".to_owned()),
    }
}

/// Words divided by white space; quotes keep white space together and are removed, a backslash keeps the next character.
struct Words<'a>(&'a str);

impl Words<'_> {
    fn next_word(&mut self) -> Option<String> {
        let mut word = String::new();
        let (mut quote, mut started, mut escaped) = (None, false, false);
        let mut end = self.0.len();
        for (i, c) in self.0.char_indices() {
            if escaped {
                word.push(c);
                escaped = false;
            } else if c == '\\' {
                escaped = true;
                started = true;
            } else if quote == Some(c) {
                quote = None;
            } else if quote.is_none() && (c == '"' || c == '\'') {
                quote = Some(c);
                started = true;
            } else if quote.is_none() && c.is_whitespace() {
                if started {
                    end = i;
                    break;
                }
            } else {
                word.push(c);
                started = true;
            }
        }
        self.0 = self.0.get(end..).unwrap_or_default();
        started.then_some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_the_field_are_read() {
        for (text, expected) in [
            (
                "a.PlainLoginModule required username=\"u\" password=\"p;=\\\" x\";",
                Ok(("u", "p;=\" x")),
            ),
            (
                "a.ScramLoginModule   required\n password='p' username=u ;",
                Ok(("u", "p")),
            ),
            ("a.PlainLoginModule required username=u;", Err("both")),
            (
                "com.sun.Krb5LoginModule required keyTab=\"/k\";",
                Err("only"),
            ),
            ("", Err("empty")),
        ] {
            match (parse(text), expected) {
                (Ok(l), Ok((u, p))) => {
                    assert_eq!((l.username.as_str(), l.password.as_str()), (u, p), "{text}");
                }
                (Err(e), Err(part)) => assert!(e.contains(part), "{text}: {e}"),
                (got, _) => panic!("{text}: {}", got.is_ok()),
            }
        }
    }
}
