//! COPY from JSON: objects one after another, fields found by name (Developer Guide, "COPY from JSON
//! format").

use std::collections::HashMap;

use memchr::memchr;
use serde_json::value::RawValue;

use super::errors::FieldError;
use super::scan::{NULL, Scanner};

/// Where the last object that is whole ends; 0 if none is. `block` starts outside of objects.
pub(crate) fn last_boundary(block: &[u8]) -> usize {
    let mut boundary = 0;
    let mut at = 0;
    while let Some(start) = memchr::memchr2(b'{', b'[', &block[at..]).map(|i| at + i) {
        match value_end(block, start) {
            Some(end) => {
                boundary = end;
                at = end;
            }
            None => return boundary,
        }
    }
    // What stands behind the last object is no object: it goes with this block, up to its last line.
    memchr::memrchr(b'\n', &block[at..]).map_or(boundary, |i| at + i + 1)
}

/// Where the object or array that begins at `start` ends.
fn value_end(block: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = start;
    while at < block.len() {
        match block[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'"' => at = string_end(block, at)?,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The closing quote of the string that begins at `open`.
fn string_end(block: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        let found = at + memchr::memchr2(b'"', b'\\', &block[at..])?;
        if block[found] == b'"' {
            return Some(found);
        }
        at = found + 2;
        if at > block.len() {
            return None;
        }
    }
}

fn malformed(what: impl std::fmt::Display) -> FieldError {
    FieldError::new(1216, format!("Invalid JSON format: {what}"))
}

impl Scanner<'_> {
    /// Objects one after another; `fold`: names are compared without case.
    pub(super) fn json(&mut self, names: &[String], fold: bool) {
        let mut at = 0;
        loop {
            let blanks = self.out.block[at..]
                .iter()
                .take_while(|b| b.is_ascii_whitespace())
                .count();
            at += blanks;
            self.start = at;
            if at >= self.out.block.len() {
                return;
            }
            if self.out.block[at] != b'{' {
                let what = match self.out.block[at] {
                    b'[' => "an array needs a JSONPaths file",
                    _ => "an object was expected",
                };
                self.refuse(malformed(what));
                // Goes on with the next object, if one begins on a later line.
                let rest = &self.out.block[at..];
                at += memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
                continue;
            }
            let Some(end) = value_end(&self.out.block, at) else {
                self.refuse(malformed("the object does not end"));
                return;
            };
            // The record's line is the object's last one.
            let last_line =
                memchr::memrchr(b'\n', &self.out.block[at..end]).map_or(at, |i| at + i + 1);
            match self.object(at, end, names, fold) {
                Ok(()) => {
                    self.start = last_line;
                    self.accept();
                }
                Err(error) => {
                    self.start = last_line;
                    self.refuse(error);
                }
            }
            at = end;
        }
    }

    fn object(
        &mut self,
        start: usize,
        end: usize,
        names: &[String],
        fold: bool,
    ) -> Result<(), FieldError> {
        let block = std::mem::take(&mut self.out.block);
        let result = self.fields(&block[start..end], block.len(), names, fold);
        self.out.block = block;
        result
    }

    fn fields(
        &mut self,
        object: &[u8],
        base: usize,
        names: &[String],
        fold: bool,
    ) -> Result<(), FieldError> {
        let mut values: HashMap<String, &RawValue> =
            serde_json::from_slice(object).map_err(malformed)?;
        if fold {
            values = values
                .into_iter()
                .map(|(name, value)| (name.to_lowercase(), value))
                .collect();
        }
        for name in names {
            let raw = values.get(name).map(|v| v.get()).unwrap_or("null");
            if raw == "null" {
                self.out.fields.push(NULL);
                continue;
            }
            let from = base + self.out.decoded.len();
            if raw.starts_with('"') {
                let text: String = serde_json::from_str(raw).map_err(malformed)?;
                self.out.decoded.extend_from_slice(text.as_bytes());
            } else {
                self.out.decoded.extend_from_slice(raw.as_bytes());
            }
            let to = base + self.out.decoded.len();
            self.out.fields.push((from as u32, to as u32));
        }
        Ok(())
    }
}
