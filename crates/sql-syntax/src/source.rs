//! A statement's text, with places in it.

use sqlparser::tokenizer::Location;

/// A text and where its lines begin.
pub(crate) struct Source<'a> {
    /// The text.
    pub text: &'a str,
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str) -> Self {
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(i, _)| i + 1))
            .collect();
        Source { text, lines }
    }

    /// Byte offset of a place; the text's end for a place outside.
    pub fn byte(&self, place: Location) -> usize {
        let Some(start) = (place.line as usize)
            .checked_sub(1)
            .and_then(|l| self.lines.get(l))
        else {
            return self.text.len();
        };
        let rest = &self.text[*start..];
        rest.char_indices()
            .nth((place.column as usize).saturating_sub(1))
            .map_or(self.text.len(), |(i, _)| start + i)
    }

    /// The text between two places.
    pub fn between(&self, from: Location, to: Location) -> &'a str {
        let (from, to) = (self.byte(from), self.byte(to));
        self.text.get(from..to).unwrap_or_default()
    }

    /// Position of a byte offset, counted in characters from 1.
    pub fn position(&self, byte: usize) -> u32 {
        self.text[..byte.min(self.text.len())].chars().count() as u32 + 1
    }
}
