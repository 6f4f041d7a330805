//! Splits a block of text into records and fields. A block holds whole records: where one may end
//! is found by [`last_boundary`].

use memchr::{memchr, memchr2, memchr3, memrchr};

use super::errors::{
    FieldError, RowError, bad_quote, delimiter_not_found, extra_columns, missing_end_quote, shown,
};
use super::options::{CopyOptions, Format};

/// Where a field is: in the block, or (from the block's length on) in the decoded text behind it.
pub(super) type Place = (u32, u32);

/// Marks a field the record does not have (FILLRECORD).
pub(super) const MISSING: Place = (u32::MAX, u32::MAX);
/// Marks a field that is NULL whatever its type (JSON's null).
pub(super) const NULL: Place = (u32::MAX, u32::MAX - 1);

/// A block, split. What is no longer needed can be used again, with [`scan_again`].
#[derive(Default)]
pub(crate) struct Scanned {
    pub(super) block: Vec<u8>,
    /// Fields that had to be decoded (quotes, escapes).
    pub(super) decoded: Vec<u8>,
    /// `width` places per row.
    pub(super) fields: Vec<Place>,
    /// Where each row's record starts.
    rows: Vec<u32>,
    /// Where delimiters and newlines are.
    ends: Vec<u32>,
    width: usize,
    /// Lines of the block.
    pub lines: u64,
    /// Records that are no rows.
    pub errors: Vec<RowError>,
}

impl Scanned {
    /// Rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// A field's bytes; `None` if it is NULL or the record ended before it (FILLRECORD).
    pub fn field(&self, row: usize, column: usize) -> Option<&[u8]> {
        self.at(self.fields[row * self.width + column])
    }

    /// The fields of a column.
    pub fn column(&self, column: usize) -> impl Iterator<Item = Option<&[u8]>> {
        let places = self.places(column);
        places.map(|place| self.at(*place))
    }

    /// Where the fields of a column are.
    pub(super) fn places(&self, column: usize) -> impl Iterator<Item = &Place> {
        let fields = self.fields.get(column..).unwrap_or_default();
        fields.iter().step_by(self.width.max(1))
    }

    #[inline]
    pub(super) fn at(&self, place: Place) -> Option<&[u8]> {
        match self.block.get(place.0 as usize..place.1 as usize) {
            Some(field) => Some(field),
            None => self.elsewhere(place),
        }
    }

    #[cold]
    fn elsewhere(&self, place: Place) -> Option<&[u8]> {
        if place == MISSING || place == NULL {
            return None;
        }
        let base = self.block.len();
        let (start, end) = (place.0 as usize - base, place.1 as usize - base);
        self.decoded.get(start..end)
    }

    /// The block, if all of it is UTF-8: then its fields are, as only ASCII stands between them.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.block).ok()
    }

    /// The block's memory, for another one.
    pub fn take_block(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.block)
    }

    /// An error of a row, with its line.
    pub fn row_error(&self, row: usize, column: Option<usize>, error: FieldError) -> RowError {
        let start = self.rows[row] as usize;
        RowError {
            line: count_lines(&self.block[..start]),
            column,
            error,
            raw_line: shown(line_at(&self.block, start)),
            raw_field: column
                .and_then(|c| self.field(row, c))
                .map(shown)
                .unwrap_or_default(),
        }
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn line_at(block: &[u8], start: usize) -> &[u8] {
    let end = memchr(b'\n', &block[start..]).map_or(block.len(), |i| start + i);
    &block[start..end]
}

/// Where the last record that is whole ends (behind its newline); 0 if none is. `block` starts with
/// a record.
pub(crate) fn last_boundary(block: &[u8], options: &CopyOptions) -> usize {
    match options.format {
        Format::Csv => last_csv_boundary(block, options),
        Format::Json { .. } => super::json::last_boundary(block),
        _ if options.escape => {
            let mut end = block.len();
            while let Some(at) = memrchr(b'\n', &block[..end]) {
                if !escaped(block, at) {
                    return at + 1;
                }
                end = at;
            }
            0
        }
        _ => memrchr(b'\n', block).map_or(0, |at| at + 1),
    }
}

/// True if an odd number of backslashes stands before `at`.
fn escaped(block: &[u8], at: usize) -> bool {
    let run = block[..at]
        .iter()
        .rev()
        .take_while(|b| **b == b'\\')
        .count();
    run % 2 == 1
}

fn last_csv_boundary(block: &[u8], options: &CopyOptions) -> usize {
    let quote = options.quote;
    let (mut at, mut boundary) = (0, 0);
    loop {
        let Some(open) = memchr(quote, &block[at..]).map(|i| at + i) else {
            if let Some(newline) = memrchr(b'\n', &block[at..]) {
                boundary = at + newline + 1;
            }
            return boundary;
        };
        if let Some(newline) = memrchr(b'\n', &block[at..open]) {
            boundary = at + newline + 1;
        }
        if !opens_field(block, open, options.delimiter) {
            at = open + 1;
            continue;
        }
        let mut end = open + 1;
        loop {
            match memchr(quote, &block[end..]).map(|i| end + i) {
                None => return boundary,
                Some(close) if block.get(close + 1) == Some(&quote) => end = close + 2,
                Some(close) => {
                    at = close + 1;
                    break;
                }
            }
        }
    }
}

/// True if a quote stands where a field begins, blanks aside.
fn opens_field(block: &[u8], at: usize, delimiter: u8) -> bool {
    let before = block[..at]
        .iter()
        .rev()
        .find(|b| **b == delimiter || !matches!(b, b' ' | b'\t'));
    before.is_none_or(|b| *b == delimiter || *b == b'\n')
}

/// Splits a block into records with one field for each of the columns `names`.
#[cfg(test)]
pub(crate) fn scan(block: Vec<u8>, names: &[String], options: &CopyOptions) -> Scanned {
    scan_again(Scanned::default(), block, names, options)
}

/// Splits a block into records with one field for each of the columns `names`, in the memory of
/// one that is no longer needed.
pub(crate) fn scan_again(
    mut out: Scanned,
    block: Vec<u8>,
    names: &[String],
    options: &CopyOptions,
) -> Scanned {
    out.decoded.clear();
    out.fields.clear();
    out.rows.clear();
    out.errors.clear();
    out.width = names.len();
    out.block = block;
    let mut scanner = Scanner {
        out,
        options,
        base: 0,
        start: 0,
    };
    match &options.format {
        Format::Csv => scanner.csv(),
        Format::FixedWidth(widths) => scanner.fixed(widths),
        Format::Json { fold } => scanner.json(names, *fold),
        _ if options.escape || options.remove_quotes => scanner.dressed(),
        _ => scanner.plain(),
    }
    let mut out = scanner.out;
    out.lines = count_lines(&out.block);
    if !out.block.is_empty() && out.block.last() != Some(&b'\n') {
        out.lines += 1;
    }
    out
}

/// Goes through a block.
pub(super) struct Scanner<'a> {
    pub(super) out: Scanned,
    options: &'a CopyOptions,
    /// Fields of finished rows.
    base: usize,
    /// Where the current record starts.
    pub(super) start: usize,
}

impl Scanner<'_> {
    fn push(&mut self, start: usize, end: usize) {
        self.out.fields.push((start as u32, end as u32));
    }

    /// Ends the last field of a record at `end`, where its newline (or the block's end) is.
    fn last_field(&mut self, start: usize, mut end: usize) {
        if end > start && self.out.block[end - 1] == b'\r' {
            end -= 1;
        }
        self.push(start, end);
    }

    /// Ends the current record; `next` is where the next one starts.
    fn end_row(&mut self, next: usize) {
        let count = self.out.fields.len() - self.base;
        let width = self.out.width;
        if count == 1 && self.options.ignore_blank_lines {
            let (start, end) = self.out.fields[self.base];
            if start == end && start as usize == self.start {
                self.out.fields.truncate(self.base);
                self.start = next;
                return;
            }
        }
        if count == width {
            self.accept();
        } else if count < width {
            if self.options.fill_record {
                self.out.fields.resize(self.base + width, MISSING);
                self.accept();
            } else {
                self.refuse(delimiter_not_found());
            }
        } else {
            let (start, end) = self.out.fields[self.base + width];
            // A delimiter may also stand behind the last field.
            if count == width + 1 && start == end && self.options.format == Format::Delimited {
                self.out.fields.truncate(self.base + width);
                self.accept();
            } else {
                self.refuse(extra_columns());
            }
        }
        self.start = next;
    }

    /// The current record is a row.
    pub(super) fn accept(&mut self) {
        self.out.rows.push(self.start as u32);
        self.base = self.out.fields.len();
    }

    /// The current record is no row.
    pub(super) fn refuse(&mut self, error: FieldError) {
        self.out.fields.truncate(self.base);
        let raw = line_at(&self.out.block, self.start);
        self.out.errors.push(RowError {
            line: count_lines(&self.out.block[..self.start]),
            column: None,
            error,
            raw_line: shown(raw),
            raw_field: String::new(),
        });
    }

    /// Goes on behind the line `at` is in.
    fn skip_line(&mut self, at: usize) -> usize {
        let block = &self.out.block;
        let from = at.min(block.len());
        let next = memchr(b'\n', &block[from..]).map_or(block.len(), |i| from + i + 1);
        self.start = next;
        next
    }

    /// A delimiter and nothing special.
    fn plain(&mut self) {
        let mut start = 0;
        // The places are gathered first, so that the search runs undisturbed.
        let mut ends = std::mem::take(&mut self.out.ends);
        ends.clear();
        let found = memchr::memchr2_iter(self.options.delimiter, b'\n', &self.out.block);
        ends.extend(found.map(|i| i as u32));
        for end in &ends {
            let end = *end as usize;
            if self.out.block[end] == b'\n' {
                self.last_field(start, end);
                self.end_row(end + 1);
            } else {
                self.push(start, end);
            }
            start = end + 1;
        }
        self.out.ends = ends;
        self.tail(start);
    }

    /// What stands behind the last newline.
    fn tail(&mut self, start: usize) {
        let end = self.out.block.len();
        if self.start < end {
            self.last_field(start, end);
            self.end_row(end);
        }
    }

    fn csv(&mut self) {
        let (quote, delimiter) = (self.options.quote, self.options.delimiter);
        if memchr(quote, &self.out.block).is_none() {
            return self.plain();
        }
        let mut at = 0;
        let length = self.out.block.len();
        while at < length {
            let block = &self.out.block;
            let first = block[at];
            let quoted = first == quote
                || (matches!(first, b' ' | b'\t') && first != delimiter && {
                    let blanks = block[at..]
                        .iter()
                        .take_while(|b| matches!(b, b' ' | b'\t') && **b != delimiter)
                        .count();
                    block.get(at + blanks) == Some(&quote)
                });
            if quoted {
                at = self.quoted_field(at);
                continue;
            }
            match memchr2(delimiter, b'\n', &block[at..]).map(|i| at + i) {
                None => return self.tail(at),
                Some(end) if block[end] == b'\n' => {
                    self.last_field(at, end);
                    self.end_row(end + 1);
                    at = end + 1;
                }
                Some(end) => {
                    self.push(at, end);
                    at = end + 1;
                    // A record may end with an empty field at the end of the file.
                    if at == length {
                        return self.tail(at);
                    }
                }
            }
        }
    }

    /// A field in quotes, from `at`; gives where to go on.
    fn quoted_field(&mut self, at: usize) -> usize {
        let (quote, delimiter) = (self.options.quote, self.options.delimiter);
        let block = &self.out.block;
        let Some(open) = memchr(quote, &block[at..]).map(|i| at + i) else {
            return block.len();
        };
        let mut end = open + 1;
        let mut doubled = false;
        let close = loop {
            match memchr(quote, &block[end..]).map(|i| end + i) {
                None => {
                    self.refuse(bad_quote());
                    // The quote was never closed: the rest of the block is this record.
                    self.start = self.out.block.len();
                    return self.start;
                }
                Some(i) if block.get(i + 1) == Some(&quote) => {
                    doubled = true;
                    end = i + 2;
                }
                Some(i) => break i,
            }
        };
        let blanks = block[close + 1..]
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t' | b'\r') && **b != delimiter)
            .count();
        let after = close + 1 + blanks;
        let follower = block.get(after).copied();
        if follower.is_some_and(|b| b != delimiter && b != b'\n') {
            self.refuse(bad_quote());
            return self.skip_line(after);
        }
        if doubled {
            let from = block.len() + self.out.decoded.len();
            let mut rest = open + 1;
            while rest < close {
                let stop = memchr(quote, &block[rest..close]).map_or(close, |i| rest + i + 1);
                self.out.decoded.extend_from_slice(&block[rest..stop]);
                // The second quote of the pair.
                rest = stop + 1;
            }
            self.push(from, self.out.block.len() + self.out.decoded.len());
        } else {
            self.push(open + 1, close);
        }
        match follower {
            Some(b) if b == delimiter => {
                if after + 1 == self.out.block.len() {
                    self.tail(after + 1);
                }
                after + 1
            }
            _ => {
                let next = (after + 1).min(self.out.block.len());
                self.end_row(next);
                next
            }
        }
    }

    /// ESCAPE, REMOVEQUOTES.
    fn dressed(&mut self) {
        let mut at = 0;
        while self.start < self.out.block.len() {
            match self.dressed_field(at) {
                Ok((end, true)) => {
                    self.end_row(end);
                    at = end;
                }
                Ok((end, false)) => at = end,
                Err((error, from)) => {
                    self.refuse(error);
                    at = self.skip_line(from);
                }
            }
        }
    }

    /// One field from `at`: where to go on, and whether the record ended.
    fn dressed_field(&mut self, at: usize) -> Result<(usize, bool), (FieldError, usize)> {
        let delimiter = self.options.delimiter;
        let escape = self.options.escape;
        let block = &self.out.block;
        let first = block.get(at).copied();
        let quote = first.filter(|b| self.options.remove_quotes && matches!(b, b'"' | b'\''));
        let from = block.len() + self.out.decoded.len();
        let mut copied = false;
        let (mut plain, mut i) = (at, at);
        if quote.is_some() {
            (plain, i) = (at + 1, at + 1);
        }
        // Where the field's content ends and where its end mark is.
        let (content_end, mark) = loop {
            let stop = match quote {
                Some(q) => memchr3(q, b'\n', b'\\', &block[i..]),
                None => memchr3(delimiter, b'\n', b'\\', &block[i..]),
            };
            let Some(stop) = stop.map(|s| i + s) else {
                if quote.is_some() {
                    return Err((missing_end_quote(), at));
                }
                break (block.len(), block.len());
            };
            match block[stop] {
                b'\\' if escape && stop + 1 < block.len() => {
                    // The null string's backslash is no escape.
                    if block[stop + 1] == b'N' && stop == at && quote.is_none() {
                        i = stop + 2;
                        continue;
                    }
                    self.out.decoded.extend_from_slice(&block[plain..stop]);
                    self.out.decoded.push(block[stop + 1]);
                    copied = true;
                    (plain, i) = (stop + 2, stop + 2);
                }
                b'\\' if block[stop] != delimiter => i = stop + 1,
                b'\n' if quote.is_some() => return Err((missing_end_quote(), at)),
                b if Some(b) == quote => {
                    let next = block.get(stop + 1).copied();
                    match next {
                        None => break (stop, stop + 1),
                        Some(n) if n == delimiter || n == b'\n' => break (stop, stop + 1),
                        Some(b'\r') if block.get(stop + 2) == Some(&b'\n') => {
                            break (stop, stop + 2);
                        }
                        // A quote inside the value.
                        Some(_) => i = stop + 1,
                    }
                }
                _ => break (stop, stop),
            }
        };
        let ends_record = block.get(mark).is_none_or(|b| *b == b'\n');
        let mut end = content_end;
        if ends_record && quote.is_none() && end > plain && block[end - 1] == b'\r' {
            end -= 1;
        }
        if copied {
            self.out.decoded.extend_from_slice(&block[plain..end]);
            let to = self.out.block.len() + self.out.decoded.len();
            self.push(from, to);
        } else {
            self.push(plain, end);
        }
        let next = (mark + 1).min(self.out.block.len());
        Ok((next, ends_record))
    }

    /// Columns of fixed widths, counted in characters.
    fn fixed(&mut self, widths: &[usize]) {
        let mut at = 0;
        while at < self.out.block.len() {
            let line = line_at(&self.out.block, at);
            let next = (at + line.len() + 1).min(self.out.block.len());
            let end = at + line.strip_suffix(b"\r").unwrap_or(line).len();
            if at == end && self.options.ignore_blank_lines {
                self.start = next;
                at = next;
                continue;
            }
            let mut from = at;
            for width in widths {
                let bytes = match std::str::from_utf8(&self.out.block[from..end]) {
                    Ok(text) => text
                        .char_indices()
                        .nth(*width)
                        .map_or(text.len(), |(i, _)| i),
                    Err(_) => (*width).min(end - from),
                };
                if from == end && bytes == 0 && from > at {
                    break;
                }
                self.push(from, from + bytes);
                from += bytes;
            }
            if from < end {
                self.refuse(extra_columns());
                self.start = next;
            } else {
                self.end_row(next);
            }
            at = next;
        }
    }
}
