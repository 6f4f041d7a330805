//! Casts to texts, booleans and bytes.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use bytes::BytesMut;
use lw_base::{Result, SqlError, SqlState};
use lw_pgrepr::{Column, SqlType};

use super::{Job, Mode, invalid};

impl Job<'_> {
    pub(super) fn to_string(&self) -> Result<ArrayRef> {
        let mut out = StringViewBuilder::with_capacity(self.array.len());
        if self.from.is_string() {
            let strings = self.strings()?;
            if matches!(
                self.to,
                SqlType::Text | SqlType::Name | SqlType::Regproc | SqlType::CharByte
            ) && !matches!(self.from, SqlType::Char(_))
            {
                return Ok(self.array.clone());
            }
            let fitted = self.each(|row| self.fit(strings.value(row)))?;
            for value in fitted {
                out.append_option(value);
            }
            return Ok(Arc::new(out.finish()));
        }
        let column = Column::new(self.array, self.from)?;
        let texts = self.each(|row| {
            let text = match self.from {
                SqlType::Bool => {
                    let value = self.array.as_boolean().value(row);
                    String::from(if value { "true" } else { "false" })
                }
                _ => {
                    let mut bytes = BytesMut::new();
                    column.write_text(row, &self.locale.text, &mut bytes);
                    String::from_utf8_lossy(&bytes).into_owned()
                }
            };
            if let SqlType::Varchar(n) | SqlType::Char(n) = self.to
                && text.len() > n as usize
            {
                return Err(too_long(self.to, n));
            }
            Ok(text)
        })?;
        for text in texts {
            out.append_option(text);
        }
        Ok(Arc::new(out.finish()))
    }

    /// A string as CHAR(n) or VARCHAR(n): lengths are bytes; CHAR is held without its blanks.
    pub(super) fn fit<'s>(&self, text: &'s str) -> Result<&'s str> {
        let (n, blank_padded) = match self.to {
            SqlType::Char(n) => (n as usize, true),
            SqlType::Varchar(n) => (n as usize, false),
            _ => (usize::MAX, false),
        };
        let text = if blank_padded || matches!(self.from, SqlType::Char(_)) {
            text.trim_end_matches(' ')
        } else {
            text
        };
        if text.len() <= n {
            return Ok(text);
        }
        if self.mode == Mode::Assign {
            let kept = &text[..floor_boundary(text, n)];
            // Only blanks may be cut off.
            return match text[kept.len()..].bytes().all(|b| b == b' ') {
                true => Ok(kept),
                false => Err(too_long(self.to, n as u32)),
            };
        }
        let cut = &text[..floor_boundary(text, n)];
        Ok(if blank_padded {
            cut.trim_end_matches(' ')
        } else {
            cut
        })
    }

    pub(super) fn to_bool(&self) -> Result<ArrayRef> {
        let values = match self.from {
            SqlType::Bool => return Ok(self.array.clone()),
            SqlType::Int2 => {
                self.each(|r| Ok(self.array.as_primitive::<Int16Type>().value(r) != 0))?
            }
            SqlType::Int4 => {
                self.each(|r| Ok(self.array.as_primitive::<Int32Type>().value(r) != 0))?
            }
            SqlType::Int8 => {
                self.each(|r| Ok(self.array.as_primitive::<Int64Type>().value(r) != 0))?
            }
            t if t.is_string() => {
                let strings = self.strings()?;
                self.each(|r| parse_bool(strings.value(r)))?
            }
            _ => return self.no_cast(),
        };
        Ok(Arc::new(BooleanArray::from(values)))
    }

    pub(super) fn to_bytes(&self) -> Result<ArrayRef> {
        if matches!(self.from, SqlType::Varbyte(_)) {
            return Ok(self.array.clone());
        }
        if !self.from.is_string() {
            return self.no_cast();
        }
        let strings = self.strings()?;
        let mut out = BinaryViewBuilder::with_capacity(strings.len());
        for row in 0..strings.len() {
            match strings.is_null(row) {
                true => out.append_null(),
                false => out.append_value(strings.value(row).as_bytes()),
            }
        }
        Ok(Arc::new(out.finish()))
    }
}

/// `t`, `true`, `y`, `yes`, `1` and their opposites, in any case, or the beginnings of the words.
pub fn parse_bool(text: &str) -> Result<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes" | "1" | "on" => Ok(true),
        "f" | "fa" | "fal" | "fals" | "false" | "n" | "no" | "0" | "off" | "of" => Ok(false),
        _ => Err(invalid(SqlType::Bool, text)),
    }
}

fn too_long(to: SqlType, n: u32) -> SqlError {
    let name = if matches!(to, SqlType::Char(_)) {
        "character"
    } else {
        "character varying"
    };
    SqlError::new(
        SqlState::STRING_DATA_RIGHT_TRUNCATION,
        format!("value too long for type {name}({n})"),
    )
}

/// The longest beginning of at most `n` bytes that ends between characters.
pub fn floor_boundary(text: &str, n: usize) -> usize {
    let mut end = n.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end
}
