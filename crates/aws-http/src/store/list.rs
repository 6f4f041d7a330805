//! Listing the keys of a bucket: prefix, delimiter, pages.

use std::ops::Bound;
use std::sync::Arc;

use super::{BucketDir, ObjectMeta, StoreResult};

/// One page of a listing.
#[derive(Debug, Default)]
pub struct Page {
    /// Objects, in order of keys.
    pub objects: Vec<Arc<ObjectMeta>>,
    /// Common prefixes, in order.
    pub prefixes: Vec<String>,
    /// Where the next page begins (after this key or common prefix); `None`: this is the last.
    pub next: Option<String>,
}

impl BucketDir {
    /// All objects below a prefix.
    pub fn list_all(&self, prefix: &str) -> StoreResult<Vec<Arc<ObjectMeta>>> {
        let index = self.index()?.read();
        Ok(index
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(_, meta)| meta.clone())
            .collect())
    }

    /// One page of at most `max` objects and common prefixes, after `after` (which may itself be a
    /// common prefix of an earlier page).
    pub fn list(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
        max: usize,
    ) -> StoreResult<Page> {
        let index = self.index()?.read();
        let mut page = Page::default();
        let delimiter = delimiter.filter(|d| !d.is_empty());
        let mut start = match after {
            // A page that ended with a common prefix goes on behind all that it stands for.
            Some(after)
                if delimiter.is_some_and(|d| {
                    after.starts_with(prefix) && after[prefix.len()..].ends_with(d)
                }) =>
            {
                match successor(after) {
                    Some(next) => Bound::Included(next),
                    None => return Ok(page),
                }
            }
            Some(after) if after >= prefix => Bound::Excluded(after.to_string()),
            _ => Bound::Included(prefix.to_string()),
        };
        let mut last: Option<String> = None;
        'ranges: loop {
            let range = (start.as_ref().map(String::as_str), Bound::Unbounded);
            for (key, meta) in index.range::<str, _>(range) {
                if !key.starts_with(prefix) {
                    break 'ranges;
                }
                if page.objects.len() + page.prefixes.len() == max {
                    page.next = last;
                    break 'ranges;
                }
                let common = delimiter.and_then(|d| {
                    key[prefix.len()..]
                        .find(d)
                        .map(|at| prefix.len() + at + d.len())
                });
                match common {
                    Some(end) => {
                        let common = key[..end].to_string();
                        let next = successor(&common);
                        page.prefixes.push(common.clone());
                        last = Some(common);
                        match next {
                            Some(next) => start = Bound::Included(next),
                            None => break 'ranges,
                        }
                        continue 'ranges;
                    }
                    None => {
                        page.objects.push(meta.clone());
                        last = Some(key.clone());
                    }
                }
            }
            break;
        }
        Ok(page)
    }
}

/// The smallest text greater than every text that begins with `prefix`; `None` if there is none.
pub(crate) fn successor(prefix: &str) -> Option<String> {
    let mut text = prefix.to_string();
    while let Some(last) = text.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            c => char::from_u32(c as u32 + 1),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}
