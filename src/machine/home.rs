//! Paths as people type them: `~/` is the home folder. A shell says so before the program starts, but not in
//! `--image=~/cat.png`, and nobody does for a path typed into the workbench.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A path with the home folder in place of its `~`, unless there is a file of that very name.
#[must_use]
pub fn at_home(path: PathBuf) -> PathBuf {
    let there = path.exists();
    under(path, std::env::var_os("HOME").as_deref().filter(|_| !there))
}

fn under(path: PathBuf, home: Option<&OsStr>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => Path::new(home).join(rest),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_that_stands_alone_is_the_home_folder() {
        let home = Some(OsStr::new("/home/me"));
        for (typed, meant) in [
            ("~/a cat.png", "/home/me/a cat.png"),
            ("~", "/home/me"),
            ("~you/cat.png", "~you/cat.png"),
            ("pets/~/cat.png", "pets/~/cat.png"),
            ("/x/cat.png", "/x/cat.png"),
        ] {
            assert_eq!(under(PathBuf::from(typed), home), Path::new(meant), "{typed}");
        }
        assert_eq!(under(PathBuf::from("~/cat.png"), None), Path::new("~/cat.png"));
    }
}
