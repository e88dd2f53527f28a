//! A place among the tokens of one statement, with the small steps every clause needs.
//!
//! It never moves back and never beyond the end; stepping over brackets counts depth instead of
//! recursing.

use super::super::Session;
use super::super::error::DdlErrorKind;
use super::super::lexer::{Kind, Lexer, Token};
use super::super::statement::{Charset, TableName};
use super::{MAX_ITEMS, Parsed, literal};

pub(super) struct Cursor<'a> {
    sql: &'a str,
    tokens: Vec<Token>,
    at: usize,
    text_start: usize,
    pub(super) session: &'a Session,
}

impl<'a> Cursor<'a> {
    pub(super) fn lex(sql: &'a str, session: &'a Session) -> Parsed<Self> {
        let mut lexer = Lexer::new(sql, session);
        let mut tokens = Vec::new();
        while let Some(token) = lexer.next()? {
            tokens.push(token);
        }
        // One statement: a semicolon ends it.
        let end = tokens
            .iter()
            .position(|token| token.kind == Kind::Symbol && text(sql, *token) == ";")
            .unwrap_or(tokens.len());
        tokens.truncate(end);
        let text_start = tokens.first().map_or(0, |token| token.start as usize);
        Ok(Self {
            sql,
            tokens,
            at: 0,
            text_start,
            session,
        })
    }

    /// The first 64 tokens, as far as they can be read; none when not even one can.
    pub(super) fn lex_head(sql: &'a str, session: &'a Session) -> Option<Self> {
        const HEAD_TOKENS: usize = 64;
        let mut lexer = Lexer::new(sql, session);
        let mut tokens = Vec::new();
        while tokens.len() < HEAD_TOKENS
            && let Ok(Some(token)) = lexer.next()
        {
            tokens.push(token);
        }
        (!tokens.is_empty()).then_some(Self {
            sql,
            tokens,
            at: 0,
            text_start: 0,
            session,
        })
    }

    /// Bytes from the statement's first token to its last.
    pub(super) fn statement_range(&self) -> (usize, usize) {
        let end = self
            .tokens
            .last()
            .map_or(self.text_start, |token| token.end as usize);
        (self.text_start, end)
    }

    /// What came before was a prefix, not the statement.
    pub(super) fn start_text_here(&mut self) {
        self.text_start = self.position();
    }

    /// The statement's text up to here, blanks before the next token included.
    pub(super) fn text_so_far(&self) -> &'a str {
        self.sql
            .get(self.text_start..self.position())
            .unwrap_or_default()
    }

    /// Text from a [`Cursor::position`] to the end of the last token taken.
    pub(super) fn text_from(&self, start: usize) -> &'a str {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let end = last.map_or(start, |token| token.end as usize);
        self.sql.get(start..end).unwrap_or_default()
    }

    /// Byte where the next token starts.
    pub(super) fn position(&self) -> usize {
        self.peek()
            .map_or(self.sql.len(), |token| token.start as usize)
    }

    pub(super) fn fail<T>(&self, expected: &'static str) -> Parsed<T> {
        Err((self.position(), DdlErrorKind::Expected(expected)))
    }

    /// Refuses lists longer than any server accepts.
    pub(super) fn bound(&self, items: usize, unit: &'static str) -> Parsed<()> {
        if items > MAX_ITEMS {
            return Err((
                self.position(),
                DdlErrorKind::TooMany {
                    limit: MAX_ITEMS,
                    unit,
                },
            ));
        }
        Ok(())
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(super) fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    pub(super) fn peek_kind(&self) -> Option<Kind> {
        self.peek().map(|token| token.kind)
    }

    pub(super) fn peek_text(&self) -> &'a str {
        self.peek().map_or("", |token| text(self.sql, token))
    }

    fn is_word_at(&self, ahead: usize, word: &str) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| {
            token.kind == Kind::Word && text(self.sql, *token).eq_ignore_ascii_case(word)
        })
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    pub(super) fn is_words(&self, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(ahead, word)| self.is_word_at(ahead, word))
    }

    pub(super) fn accept(&mut self, word: &str) -> bool {
        let hit = self.is_word(word);
        self.at += usize::from(hit);
        hit
    }

    pub(super) fn accept_words(&mut self, words: &[&str]) -> bool {
        let hit = self.is_words(words);
        if hit {
            self.at += words.len();
        }
        hit
    }

    pub(super) fn expect(&mut self, word: &'static str) -> Parsed<()> {
        if self.accept(word) {
            Ok(())
        } else {
            self.fail(word)
        }
    }

    pub(super) fn is_symbol(&self, symbol: u8) -> bool {
        self.peek().is_some_and(|token| {
            token.kind == Kind::Symbol && text(self.sql, token).as_bytes() == [symbol]
        })
    }

    pub(super) fn accept_symbol(&mut self, symbol: u8) -> bool {
        let hit = self.is_symbol(symbol);
        self.at += usize::from(hit);
        hit
    }

    pub(super) fn expect_symbol(&mut self, symbol: u8, name: &'static str) -> Parsed<()> {
        if self.accept_symbol(symbol) {
            Ok(())
        } else {
            self.fail(name)
        }
    }

    pub(super) fn skip_token(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len());
    }

    /// Takes one token and gives its text, empty at the end.
    pub(super) fn take_text(&mut self) -> &'a str {
        let taken = self.peek_text();
        self.skip_token();
        taken
    }

    /// Takes a token of this kind.
    pub(super) fn take_kind(&mut self, kind: Kind) -> Option<&'a str> {
        (self.peek_kind() == Some(kind)).then(|| self.take_text())
    }

    /// Steps over one token, or over a whole bracket when it opens one.
    pub(super) fn skip_item(&mut self) {
        let mut depth = 0usize;
        loop {
            if self.is_symbol(b'(') {
                depth += 1;
            } else if self.is_symbol(b')') {
                depth = depth.saturating_sub(1);
            }
            self.skip_token();
            if depth == 0 || self.at_end() {
                return;
            }
        }
    }

    /// Steps to the next comma or closing bracket of this depth.
    pub(super) fn skip_clause(&mut self) {
        while !self.at_end() && !self.is_symbol(b',') && !self.is_symbol(b')') {
            self.skip_item();
        }
    }

    /// A name: bare, in backticks, or in double quotes under ANSI_QUOTES.
    pub(super) fn name(&mut self) -> Parsed<String> {
        match self.peek_kind() {
            Some(Kind::Word) => Ok(self.take_text().to_owned()),
            Some(Kind::Quoted) => Ok(literal::unquote_name(self.take_text())),
            // `USE 1db`-like names read as numbers when they are only digits behind a quote rule
            // MySQL refuses too; anything else is no name.
            _ => self.fail("a name"),
        }
    }

    /// `[db.]table`, also `.table` of ODBC.
    pub(super) fn table_name(&mut self) -> Parsed<TableName> {
        self.accept_symbol(b'.');
        let first = self.name()?;
        if self.accept_symbol(b'.') {
            return Ok(TableName {
                database: Some(first),
                table: self.name()?,
            });
        }
        Ok(TableName {
            database: None,
            table: first,
        })
    }

    /// A column name, of which `db.table.` may be written too.
    pub(super) fn column_name(&mut self) -> Parsed<String> {
        let mut name = self.name()?;
        while self.accept_symbol(b'.') {
            name = self.name()?;
        }
        Ok(name)
    }

    /// `= value` or `value`: a name or string without quotes, or any single token's text.
    pub(super) fn value_text(&mut self) -> String {
        match self.peek_kind() {
            Some(Kind::Quoted) => literal::unquote_name(self.take_text()),
            Some(Kind::Text) => {
                literal::decode_text(self.take_text(), self.session.no_backslash_escapes)
            }
            _ => self.take_text().to_owned(),
        }
    }

    /// Takes `[DEFAULT] CHARACTER SET [=] x` or `[DEFAULT] COLLATE [=] x` into `charset`.
    pub(super) fn accept_charset(&mut self, charset: &mut Charset) -> bool {
        let ahead = usize::from(self.is_word("DEFAULT"));
        let words = if self.is_word_at(ahead, "CHARSET") || self.is_word_at(ahead, "COLLATE") {
            1
        } else if (self.is_word_at(ahead, "CHARACTER") || self.is_word_at(ahead, "CHAR"))
            && self.is_word_at(ahead + 1, "SET")
        {
            2
        } else {
            return false;
        };
        let collate = self.is_word_at(ahead, "COLLATE");
        self.at += ahead + words;
        self.accept_symbol(b'=');
        let value = self.value_text().to_ascii_lowercase();
        if collate {
            charset.collation = Some(value);
        } else {
            charset.charset = Some(value);
        }
        true
    }
}

fn text(sql: &str, token: Token) -> &str {
    sql.get(token.start as usize..token.end as usize)
        .unwrap_or_default()
}
