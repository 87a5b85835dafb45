//! Mail addresses as Go reads them (RFC 5322 section 3.4, RFC 6532), as far as it decides what is one.

use std::borrow::Cow;

use super::findings::quoted;

/// What is wrong with `text` as a bare address; `None` where it is one.
pub(super) fn fault(text: &str) -> Option<Cow<'static, str>> {
    let start = text.trim_start_matches(SPACES);
    if start.is_empty() {
        return Some("mail: no address".into());
    }
    let mut parser = Parser { rest: start };
    match parser.address() {
        Ok(()) if parser.rest.is_empty() && start.len() == text.len() && !start.starts_with('"') => None,
        Ok(()) => Some(parser.end().err().unwrap_or(NOT_BARE.into())),
        Err(_) => Some(Parser { rest: start }.named().err().unwrap_or(NOT_BARE.into())),
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    /// `local@domain`.
    fn address(&mut self) -> Result<(), &'static str> {
        match self.rest.starts_with('"') {
            true => self.quoted()?,
            false => self.dotted().map_err(|_| "mail: no addr-spec")?,
        }
        if !self.take("@") {
            return Err("mail: missing @ in addr-spec");
        }
        if self.rest.is_empty() {
            return Err("mail: no domain in addr-spec");
        }
        if self.take("[") {
            let end = self.rest.find(']').ok_or("mail: unclosed domain-literal")?;
            self.rest = &self.rest[end + 1..];
            return Ok(());
        }
        self.dotted()
    }

    /// `Some Name <local@domain>`, and what is wrong with what is neither that nor bare.
    fn named(&mut self) -> Result<(), Cow<'static, str>> {
        let mut words = 0;
        let mut plain = true;
        while !self.rest.is_empty() && !self.rest.starts_with('<') {
            let before = self.rest;
            match self.rest.starts_with('"') {
                true => self.quoted()?,
                false if words == 0 => self.atom().map_err(|_| "mail: missing word in phrase: mail: invalid string")?,
                false if self.atom().is_err() => break,
                false => {}
            }
            plain &= words == 0 && !before.starts_with('"');
            words += 1;
            self.rest = self.rest.trim_start_matches(SPACES);
        }
        if !self.take("<") {
            return Err(if plain { "mail: missing '@' or angle-addr" } else { "mail: no angle-addr" }.into());
        }
        self.address()?;
        if !self.take(">") {
            return Err("mail: unclosed angle-addr".into());
        }
        self.end()
    }

    /// Nothing but spaces.
    fn end(&mut self) -> Result<(), Cow<'static, str>> {
        match self.rest.trim_start_matches(SPACES) {
            "" => Ok(()),
            rest => Err(format!("mail: expected single address, got {}", quoted(rest)).into()),
        }
    }

    /// Atoms parted by single dots.
    fn dotted(&mut self) -> Result<(), &'static str> {
        let taken = self.atom_text();
        let well_formed =
            !taken.is_empty() && !taken.starts_with('.') && !taken.ends_with('.') && !taken.contains("..");
        if well_formed { Ok(()) } else { Err("mail: invalid string") }
    }

    /// A word of a phrase, in which dots may stand anywhere.
    fn atom(&mut self) -> Result<(), &'static str> {
        if self.atom_text().is_empty() { Err("mail: invalid string") } else { Ok(()) }
    }

    fn atom_text(&mut self) -> &str {
        let end = self.rest.find(|c: char| c != '.' && !is_atom(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn quoted(&mut self) -> Result<(), &'static str> {
        let mut escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(());
                }
                _ => {}
            }
        }
        Err("mail: unclosed quoted-string")
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

fn is_atom(c: char) -> bool {
    c.is_alphanumeric() || !c.is_ascii() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

const SPACES: [char; 2] = [' ', '\t'];
const NOT_BARE: &str = "make sure the supplied value only contains the email address itself";
