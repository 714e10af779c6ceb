//! Lists of shards in one name: `train-{000..003}.tar`, `{a,b}.tar`, `*.tar`.

use super::super::error::{DataError, Result};
use std::path::{Path, PathBuf};

/// Names one list may stand for.
const MOST: usize = 100_000;

/// Bytes of all names written on the way to the last brace: many braces of one choice each would
/// otherwise write the same names again and again.
const WORK: usize = 256 << 20;

/// Bytes of a list: what systems take as a path.
const LONGEST: usize = 4096;

/// Whether a path stands for several.
pub fn is_list(path: &Path) -> bool {
    let name = path.to_string_lossy();
    name.contains('{') && name.contains('}') || name.contains('*')
}

/// The paths a list stands for: every brace `{000..003}` (numbers, with the first's width) or
/// `{a,b}` in turn, as a shell does, the last one fastest; then every `*` in a file's name the
/// files there are, by name.
///
/// # Errors
/// A brace is neither, there are more than 100,000 names, or no file fits a `*`.
pub fn expand(path: &Path) -> Result<Vec<PathBuf>> {
    let unfit = |expected: &str, found: String| DataError::Unreadable {
        path: path.to_owned(),
        expected: expected.to_owned(),
        found,
    };
    let list = path.to_string_lossy().into_owned();
    if list.len() > LONGEST {
        return Err(unfit("a name of at most 4096 bytes", format!("{} bytes", list.len())));
    }
    let mut names = vec![list];
    let mut work = 0;
    while names.iter().any(|name| brace(name).is_some()) {
        let mut next = Vec::new();
        for name in &names {
            let Some((before, inside, after)) = brace(name) else {
                next.push(name.clone());
                continue;
            };
            let choices = choices(inside).ok_or_else(|| {
                unfit("a range {000..003} or a list {a,b} in braces", format!("{{{inside}}}"))
            })?;
            next.extend(choices.into_iter().map(|choice| format!("{before}{choice}{after}")));
            if next.len() > MOST {
                return Err(unfit("at most 100,000 names", "more".to_owned()));
            }
        }
        work += next.iter().map(String::len).sum::<usize>();
        if work > WORK {
            return Err(unfit("fewer braces", "a list that takes too long to write".to_owned()));
        }
        names = next;
    }
    let mut paths = Vec::new();
    for name in names {
        if name.contains('*') {
            let found = fitting(Path::new(&name))?;
            if found.is_empty() {
                return Err(unfit("files that fit", "none".to_owned()));
            }
            paths.extend(found);
        } else {
            paths.push(PathBuf::from(name));
        }
    }
    Ok(paths)
}

/// The first brace that holds none: what stands before, in and after it.
fn brace(name: &str) -> Option<(&str, &str, &str)> {
    let end = name.find('}')?;
    let start = name[..end].rfind('{')?;
    Some((&name[..start], &name[start + 1..end], &name[end + 1..]))
}

fn choices(inside: &str) -> Option<Vec<String>> {
    let Some((first, last)) = inside.split_once("..") else {
        // Braces stand in no choice, so that expanding comes to an end.
        return inside.contains(',').then(|| inside.split(',').map(str::to_owned).collect());
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(first) || !digits(last) {
        return None;
    }
    // A longer number is none that a shard has, and its zeros would be written 100,000 times.
    let width = first.len();
    if width > 20 {
        return None;
    }
    let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
    // One too many is enough for the caller to refuse.
    let last = last.min(first.saturating_add(MOST));
    (first <= last).then(|| (first..=last).map(|number| format!("{number:0width$}")).collect())
}

/// The files whose names fit one with `*` in it, by name.
fn fitting(path: &Path) -> Result<Vec<PathBuf>> {
    let pattern = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(DataError::read(folder))? {
        let file = entry.map_err(DataError::read(folder))?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if file.is_file() && fits(&name, &pattern) {
            found.push(file.clone());
        }
    }
    found.sort();
    Ok(found)
}

fn fits(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Vec<String> {
        let paths = expand(Path::new(list)).unwrap();
        paths.iter().map(|path| path.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn braces_stand_for_numbers_and_choices() {
        assert_eq!(names("a-{008..011}.tar"), ["a-008.tar", "a-009.tar", "a-010.tar", "a-011.tar"]);
        assert_eq!(names("{x,y}/{1..2}.tar"), ["x/1.tar", "x/2.tar", "y/1.tar", "y/2.tar"]);
        assert_eq!(names("plain.tar"), ["plain.tar"]);
        for bad in [
            "{3..1}.tar",
            "{a..b}.tar",
            "{}.tar",
            "{0..9999999}.tar",
            "{000000000000000000000000..1}.tar",
            "absent-*.tar",
        ] {
            assert!(expand(Path::new(bad)).is_err(), "{bad}");
        }
        assert!(expand(Path::new("{0..99999}{0..99999}.tar")).is_err());
        let many = format!("{{0..99998}}{}.tar", "{0..0}".repeat(70));
        assert!(expand(Path::new(&many)).is_err());
    }

    #[test]
    fn a_star_stands_for_the_files_there_are() {
        let home = tempfile::tempdir().unwrap();
        for name in ["a-2.tar", "a-10.tar", "a-1.txt", "b-1.tar"] {
            std::fs::write(home.path().join(name), "").unwrap();
        }
        let found = expand(&home.path().join("a-*.tar")).unwrap();
        let found: Vec<_> = found.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(found, ["a-10.tar", "a-2.tar"]);
        assert!(fits("abc", "a*c") && fits("ac", "a*c") && !fits("ab", "a*c"));
        assert!(fits("abcbd", "*b*d") && !fits("a", "a*a") && fits("x", "*"));
    }
}
