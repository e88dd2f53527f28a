//! Tokens of MySQL's SQL (`sql/sql_lex.cc`): names, strings, numbers, symbols, with comments
//! dropped and versioned comments opened.
//!
//! It does not know keywords: a bare word is a `Word`, and the parser compares without case.
//! Invariant: tokens are in order, inside the text, on character boundaries, and never empty.

use super::Session;
use super::error::DdlErrorKind;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Bare word: keyword or name.
    Word,
    /// Name in backticks, or in double quotes under ANSI_QUOTES.
    Quoted,
    /// String in single or double quotes.
    Text,
    /// Decimal number with optional fraction and exponent.
    Number,
    /// `x'..'` or `0x..`.
    Hex,
    /// `b'..'` or `0b..`.
    Bits,
    /// `@name`, `@@name`.
    Variable,
    /// One symbol character.
    Symbol,
}

/// A token by its bytes in the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Reads tokens one by one.
pub(super) struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Open versioned comments; their `*/` is skipped.
    versioned: u32,
    session: &'a Session,
    /// The token before, to read `a.1b` as names.
    after_dot: bool,
}

type Lexed = Result<Option<Token>, (usize, DdlErrorKind)>;

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, session: &'a Session) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            versioned: 0,
            session,
            after_dot: false,
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next token, none at the end, or where and why there is none.
    pub(super) fn next(&mut self) -> Lexed {
        loop {
            match self.skip_blank()? {
                Skipped::End => return Ok(None),
                Skipped::Something => {}
                Skipped::Nothing => break,
            }
        }
        let start = self.at;
        let kind = self.token(start)?;
        self.after_dot = kind == Kind::Symbol && self.bytes.get(start) == Some(&b'.');
        // The statement is bounded far below 4 GiB.
        Ok(Some(Token {
            kind,
            start: start as u32,
            end: self.at as u32,
        }))
    }

    fn skip_blank(&mut self) -> Result<Skipped, (usize, DdlErrorKind)> {
        let Some(&byte) = self.bytes.get(self.at) else {
            return Ok(Skipped::End);
        };
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0 => self.at += 1,
            b'#' => self.skip_line(),
            b'-' if self.peek(1) == b'-' && (self.peek(2) <= b' ' || self.peek(2) == 0x7f) => {
                self.skip_line();
            }
            b'*' if self.versioned > 0 && self.peek(1) == b'/' => {
                self.versioned -= 1;
                self.at += 2;
            }
            b'/' if self.peek(1) == b'*' => return self.comment(),
            _ => return Ok(Skipped::Nothing),
        }
        Ok(Skipped::Something)
    }

    fn skip_line(&mut self) {
        let line = self
            .rest()
            .iter()
            .position(|&b| b == b'\n')
            .unwrap_or(self.rest().len());
        self.at += line;
    }

    fn comment(&mut self) -> Result<Skipped, (usize, DdlErrorKind)> {
        let start = self.at;
        let maria_only = self.peek(2) == b'M' && self.peek(3) == b'!';
        let versioned = self.peek(2) == b'!' || (maria_only && self.session.mariadb);
        if versioned {
            let digits_at = start + if maria_only { 4 } else { 3 };
            let digits = self.bytes.get(digits_at..).unwrap_or_default();
            let count = digits
                .iter()
                .take(6)
                .take_while(|b| b.is_ascii_digit())
                .count();
            // MySQL reads five digits, or six when there are six.
            let count = if count >= 5 { count } else { 0 };
            let version = digits.iter().take(count).fold(0u32, |sum, digit| {
                sum * 10 + u32::from(digit.wrapping_sub(b'0'))
            });
            let foreign =
                self.session.mariadb && !maria_only && (50_700..100_000).contains(&version);
            if version <= self.session.version && !foreign {
                self.at = digits_at + count;
                self.versioned = self.versioned.saturating_add(1);
                return Ok(Skipped::Something);
            }
        }
        // A skipped versioned comment may hold plain ones.
        let mut depth = 1u32;
        self.at += 2;
        while depth > 0 {
            match (self.peek(0), self.peek(1)) {
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                }
                (b'/', b'*') if versioned && depth < 2 => {
                    depth += 1;
                    self.at += 2;
                }
                _ if self.at >= self.bytes.len() => {
                    return Err((start, DdlErrorKind::Open("comment")));
                }
                _ => self.at += 1,
            }
        }
        Ok(Skipped::Something)
    }

    fn token(&mut self, start: usize) -> Result<Kind, (usize, DdlErrorKind)> {
        let byte = self.peek(0);
        match byte {
            b'`' => self.quoted(start, b'`', false).map(|()| Kind::Quoted),
            b'"' if self.session.ansi_quotes => {
                self.quoted(start, b'"', false).map(|()| Kind::Quoted)
            }
            b'\'' | b'"' => {
                let escapes = !self.session.no_backslash_escapes;
                self.quoted(start, byte, escapes).map(|()| Kind::Text)
            }
            b'x' | b'X' if self.peek(1) == b'\'' => {
                self.at += 1;
                self.quoted(start, b'\'', false).map(|()| Kind::Hex)
            }
            b'b' | b'B' if self.peek(1) == b'\'' => {
                self.at += 1;
                self.quoted(start, b'\'', false).map(|()| Kind::Bits)
            }
            b'n' | b'N' if self.peek(1) == b'\'' => {
                self.at += 1;
                let escapes = !self.session.no_backslash_escapes;
                self.quoted(start, b'\'', escapes).map(|()| Kind::Text)
            }
            b'@' => self.variable(start),
            b'.' if !self.after_dot
                && self.peek(1).is_ascii_digit()
                && !self.follows_name(start) =>
            {
                self.number();
                Ok(Kind::Number)
            }
            b'0'..=b'9' => Ok(self.number_or_word()),
            _ if is_word(byte) => {
                self.word();
                Ok(Kind::Word)
            }
            _ => {
                self.at += 1;
                Ok(Kind::Symbol)
            }
        }
    }

    /// Whether a name ends right before `start`, so that a dot there joins names (`db.1t`).
    fn follows_name(&self, start: usize) -> bool {
        start
            .checked_sub(1)
            .and_then(|before| self.bytes.get(before))
            .is_some_and(|&b| is_word(b) || b == b'`')
    }

    fn quoted(
        &mut self,
        start: usize,
        quote: u8,
        escapes: bool,
    ) -> Result<(), (usize, DdlErrorKind)> {
        self.at += 1;
        loop {
            match self.bytes.get(self.at) {
                None => {
                    self.at = self.bytes.len();
                    return Err((start, DdlErrorKind::Open("quote")));
                }
                Some(b'\\') if escapes => {
                    // The escaped character may be of several bytes; its tail is no quote.
                    self.at += 2;
                }
                Some(&byte) if byte == quote => {
                    self.at += 1;
                    if self.peek(0) != quote {
                        return Ok(());
                    }
                    self.at += 1;
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn variable(&mut self, start: usize) -> Result<Kind, (usize, DdlErrorKind)> {
        self.at += 1;
        if self.peek(0) == b'@' {
            self.at += 1;
        }
        match self.peek(0) {
            quote @ (b'`' | b'\'' | b'"') => self.quoted(start, quote, false)?,
            _ => {
                while is_word(self.peek(0)) || self.peek(0) == b'.' {
                    self.at += 1;
                }
            }
        }
        Ok(Kind::Variable)
    }

    fn word(&mut self) {
        while is_word(self.peek(0)) {
            self.at += 1;
        }
    }

    fn number(&mut self) {
        let digits = |lexer: &mut Self| {
            while lexer.peek(0).is_ascii_digit() {
                lexer.at += 1;
            }
        };
        digits(self);
        if self.peek(0) == b'.' {
            self.at += 1;
            digits(self);
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                digits(self);
            }
        }
    }

    /// A name may start with a digit (`1st`, `0x1g`) unless it reads as a number.
    fn number_or_word(&mut self) -> Kind {
        let start = self.at;
        if self.after_dot {
            self.word();
            return Kind::Word;
        }
        let word_len = self.rest().iter().take_while(|&&b| is_word(b)).count();
        let word = self.rest().get(..word_len).unwrap_or_default();
        let radix = |lower: u8, good: fn(&u8) -> bool| {
            word.first() == Some(&b'0')
                && word.get(1) == Some(&lower)
                && word.len() > 2
                && word.iter().skip(2).all(good)
        };
        if radix(b'x', u8::is_ascii_hexdigit) {
            self.at += word_len;
            return Kind::Hex;
        }
        if radix(b'b', |b| matches!(b, b'0' | b'1')) {
            self.at += word_len;
            return Kind::Bits;
        }
        self.number();
        // More word characters right behind the digits make it a name.
        if is_word(self.peek(0)) && !self.text_between(start).contains('.') {
            self.at = start;
            self.word();
            return Kind::Word;
        }
        Kind::Number
    }

    fn text_between(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }
}

enum Skipped {
    Nothing,
    Something,
    End,
}

/// Bytes of bare names; all of a character above ASCII counts.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}
