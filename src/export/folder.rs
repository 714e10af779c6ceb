//! [`Folder`]: where an export's files go, each under a name of its own.

use super::chart::{Chart, png, svg};
use super::{ExportError, Format};
use crate::files::{FileError, write_atomic};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Files written, in the order of writing.
pub type Written = Vec<PathBuf>;

/// A folder that is being written: files of those names are replaced, others left alone. No two files
/// of one export share a name.
#[derive(Debug)]
pub struct Folder<'a> {
    root: &'a Path,
    formats: &'a [Format],
    taken: BTreeSet<String>,
    written: Written,
}

impl<'a> Folder<'a> {
    /// Nothing is written yet.
    #[must_use]
    pub fn new(root: &'a Path, formats: &'a [Format]) -> Self {
        Self { root, formats, taken: BTreeSet::new(), written: Written::new() }
    }

    /// Whether files of a format are asked for.
    #[must_use]
    pub fn wants(&self, format: Format) -> bool {
        self.formats.contains(&format)
    }

    /// Whether charts are asked for.
    #[must_use]
    pub fn wants_charts(&self) -> bool {
        self.wants(Format::Svg) || self.wants(Format::Png)
    }

    /// Writes `text` as the file `<name>.<ending>`, whole or not at all.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn text(&mut self, name: &str, ending: &str, text: &str) -> Result<(), ExportError> {
        let name = self.free(name, ending);
        self.write(&format!("{name}.{ending}"), text.as_bytes())
    }

    /// Draws a chart as SVG and as PNG, where they are asked for; both bear one name.
    ///
    /// # Errors
    /// A chart that cannot be drawn, a folder that cannot be written.
    pub fn chart(&mut self, name: &str, chart: &dyn Chart) -> Result<(), ExportError> {
        if !self.wants_charts() {
            return Ok(());
        }
        let name = self.free(name, "chart");
        if self.wants(Format::Svg) {
            self.write(&format!("{name}.svg"), svg(chart)?.as_bytes())?;
        }
        if self.wants(Format::Png) {
            self.write(&format!("{name}.png"), &png(chart)?)?;
        }
        Ok(())
    }

    /// All that was written.
    #[must_use]
    pub fn into_written(self) -> Written {
        self.written
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
        let path = self.root.join(name);
        let fail = |source| ExportError::Write { path: path.clone(), source };
        std::fs::create_dir_all(self.root).map_err(fail)?;
        write_atomic(&path, bytes).map_err(FileError::into_cause).map_err(fail)?;
        self.written.push(path);
        Ok(())
    }

    /// The name as files bear it; numbered where another file has it, in another case too.
    fn free(&mut self, name: &str, ending: &str) -> String {
        let plain = file_name(name);
        let mut free = plain.clone();
        let mut number = 2;
        while !self.taken.insert(format!("{free}.{ending}").to_lowercase()) {
            free = format!("{plain}.{number}");
            number += 1;
        }
        free
    }
}

/// A name that every file system and shell takes: the `#` of a replicate becomes `_`, all else `-`.
fn file_name(name: &str) -> String {
    let letter = |letter: char| match letter {
        '#' => '_',
        kept if kept.is_ascii_alphanumeric() || "-_.@".contains(kept) => kept,
        _ => '-',
    };
    name.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_hold_no_separators() {
        assert_eq!(file_name("clip-grad_norm/tower"), "clip-grad_norm-tower");
        assert_eq!(file_name("c-recall@1"), "c-recall@1");
        assert_eq!(file_name("clip#1"), "clip_1");
    }

    #[test]
    fn labels_that_would_be_one_file_are_two() {
        let out = tempfile::tempdir().unwrap();
        let mut folder = Folder::new(out.path(), &Format::ALL);
        let labels = ["clip#1", "clip-1", "clip_1", "a/b", "a-b", "A-B", "a b"];
        for label in labels {
            folder.text(&format!("caption-1.{label}"), "run", label).unwrap();
        }
        let written = folder.into_written();
        let distinct: BTreeSet<&PathBuf> = written.iter().collect();
        assert_eq!(distinct.len(), labels.len());
        for (path, label) in written.iter().zip(labels) {
            assert_eq!(std::fs::read_to_string(path).unwrap(), label, "{path:?}");
        }
        let name = |at: usize| written[at].file_name().unwrap().to_str().unwrap();
        assert_eq!([name(0), name(1)], ["caption-1.clip_1.run", "caption-1.clip-1.run"]);
        assert_eq!([name(2), name(4)], ["caption-1.clip_1.2.run", "caption-1.a-b.2.run"]);
    }
}
