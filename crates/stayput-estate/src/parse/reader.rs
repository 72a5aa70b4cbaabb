//! Reads single values and collects errors.

use std::path::Path;
use std::path::PathBuf;

use crate::Trust;
use crate::config::At;
use crate::config::Field;
use crate::config::Named;
use crate::error::ConfigError;
use crate::error::TextFault;
use crate::shape::RemovedKeys;

use super::text;

/// State while a file is read. Every method reports an invalid value and then returns `None`.
pub(super) struct Reader<'a> {
    base_dir: &'a Path,
    removed_keys: RemovedKeys,
    errors: Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    pub fn new(base_dir: &'a Path, removed_keys: RemovedKeys, errors: Vec<ConfigError>) -> Self {
        Self {
            base_dir,
            removed_keys,
            errors,
        }
    }

    pub fn into_errors(self) -> Vec<ConfigError> {
        self.errors
    }

    pub fn report(&mut self, error: ConfigError) {
        self.errors.push(error);
    }

    /// Whether something absent from this table (a dotted path) is really absent, and not misspelt.
    pub fn is_whole(&self, table: &str) -> bool {
        self.removed_keys.is_unchanged(table)
    }

    /// Reads one value.
    pub fn read<T>(
        &mut self,
        text: &At<String>,
        parse: impl FnOnce(&str) -> Result<T, TextFault>,
    ) -> Option<At<T>> {
        match parse(text.value()) {
            Ok(value) => Some(At::new(text.span(), value)),
            Err(fault) => {
                self.report(ConfigError::new(text.span(), fault.label(), fault));
                None
            }
        }
    }

    /// Returns the value of a required key. Its absence has been reported by the shape check.
    pub fn required<T>(
        &mut self,
        field: &Field<String>,
        parse: impl FnOnce(&str) -> Result<T, TextFault>,
    ) -> Option<At<T>> {
        field.as_ref().and_then(|text| self.read(text, parse))
    }

    /// Reads the value of an optional key: `Some(None)` when it is absent, `None` when it is invalid.
    pub fn optional<T>(
        &mut self,
        field: &Field<String>,
        parse: impl FnOnce(&str) -> Result<T, TextFault>,
    ) -> Option<Option<At<T>>> {
        match field.as_ref() {
            Some(text) => self.read(text, parse).map(Some),
            None => Some(None),
        }
    }

    /// Reads the text of an optional key with a default. The location is empty when the default is used.
    pub fn text_or(&mut self, field: &Field<String>, default: &str) -> Option<At<String>> {
        let value = self.optional(field, text::filled)?;
        Some(value.unwrap_or_else(|| At::new(0..0, default.to_owned())))
    }

    /// Reads every value of a list; an absent list is empty.
    pub fn list<T>(
        &mut self,
        field: &Field<Vec<At<String>>>,
        parse: impl Fn(&str) -> Result<T, TextFault>,
    ) -> Option<Vec<At<T>>> {
        let items = field.value().map(Vec::as_slice).unwrap_or_default();
        let read: Vec<Option<At<T>>> = items.iter().map(|item| self.read(item, &parse)).collect();
        read.into_iter().collect()
    }

    /// Reads the trusted certificate authority from a `ca-file` key.
    pub fn trust(&mut self, field: &Field<String>) -> Option<Trust> {
        let path = self.optional(field, text::filled)?;
        Some(path.map_or(Trust::System, |path| Trust::CaFile(self.path(path.value()))))
    }

    /// Returns a path of the file, resolved against the base directory.
    pub fn path(&self, path: &str) -> PathBuf {
        self.base_dir.join(path)
    }
}

/// Returns named tables in the order of the file.
pub(super) fn in_file_order<T>(named: &Named<T>) -> Vec<(&At<String>, &At<T>)> {
    let mut tables: Vec<_> = named.iter().collect();
    tables.sort_by_key(|(name, _table)| name.span().start);
    tables
}

/// Returns every pair of elements, the earlier of the two first.
pub(super) fn pairs<T>(items: &[T]) -> impl Iterator<Item = (&T, &T)> {
    items.iter().enumerate().flat_map(|(index, later)| {
        items
            .iter()
            .take(index)
            .map(move |earlier| (earlier, later))
    })
}
