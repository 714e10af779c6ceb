//! The configuration file: which one is in force, and what it sets. It is only ever read.

use super::global::bytes;
use crate::recipe::near;
use crate::session::paths::{config_folder, workplace};
use crate::shown::excerpt;
use crate::tui::picture::Choice;
use crate::tui::theme::Theme;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Spanned, Value};

/// Names the file, or is `none`: no file at all.
pub const VARIABLE: &str = "LLM2CLIP_CONFIG";
/// The file's name beside `sessions` and `checkpoints`.
pub const HERE: &str = "llm2clip.toml";
/// Its name in the user's configuration folder.
const AT_HOME: &str = "config.toml";

/// What a file may set: the flags every command has, under their own names.
pub const NAMES: [&str; 11] = [
    "sessions",
    "checkpoints",
    "device",
    "threads",
    "memory-limit",
    "seed",
    "quiet",
    "ascii",
    "theme",
    "graphics",
    "readonly",
];

/// What a file sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub names: BTreeSet<&'static str>,
    pub sessions: PathBuf,
    pub checkpoints: PathBuf,
    pub device: String,
    pub threads: usize,
    pub memory_limit: u64,
    pub seed: u64,
    pub quiet: bool,
    pub ascii: bool,
    pub theme: String,
    pub graphics: Choice,
    pub readonly: bool,
}

/// The file in force for this process, if there is one.
pub fn in_force() -> std::io::Result<Option<PathBuf>> {
    let variable = std::env::var_os(VARIABLE);
    Ok(find(variable.as_deref(), &std::env::current_dir()?, config_folder().as_deref()))
}

/// The file the variable names; else the one in the nearest folder above that has sessions and
/// checkpoints; else the one at home.
fn find(variable: Option<&OsStr>, current: &Path, home: Option<&Path>) -> Option<PathBuf> {
    if let Some(named) = variable.filter(|named| !named.is_empty()) {
        return (named != "none").then(|| PathBuf::from(named));
    }
    // A link that leads nowhere is there: reading it says so.
    let there = |path: &PathBuf| fs::symlink_metadata(path).is_ok();
    let here = workplace(current).map(|folder| folder.join(HERE));
    here.filter(there).or_else(|| home.map(|folder| folder.join(AT_HOME)).filter(there))
}

/// Reads a file; what is wrong with it, with its line.
pub fn read(path: &Path) -> Result<Settings, String> {
    let text = fs::read_to_string(path).map_err(|error| {
        format!("the configuration file {} could not be read: {error}", path.display())
    })?;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    parse(&text, absolute.parent().unwrap_or(Path::new("/")))
        .map_err(|(line, why)| format!("{}:{line}: {why}", path.display()))
}

fn parse(text: &str, folder: &Path) -> Result<Settings, (usize, String)> {
    let line = |byte: usize| text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1;
    let table: BTreeMap<Spanned<String>, Spanned<Value>> =
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(1, |span| line(span.start));
            (at, format!("not TOML: {}", error.message().replace('\n', ", ")))
        })?;
    let mut settings = Settings::default();
    for (key, value) in &table {
        set(&mut settings, key.get_ref(), value.get_ref(), folder)
            .map_err(|why| (line(key.span().start), why))?;
    }
    Ok(settings)
}

fn set(settings: &mut Settings, key: &str, value: &Value, folder: &Path) -> Result<(), String> {
    let wrong = |expected: &str| {
        format!("{key}: expected {expected}, found {}", excerpt(&value.to_string(), 40))
    };
    let word = |expected: &str| value.as_str().ok_or_else(|| wrong(expected));
    let whether = || value.as_bool().ok_or_else(|| wrong("true or false"));
    let place = || match word("a folder in quotes")? {
        "" => Err(wrong("a folder in quotes")),
        name => Ok(place_of(name, folder)),
    };
    let Some(name) = NAMES.into_iter().find(|name| *name == key) else {
        return Err(unknown(key));
    };
    match name {
        "sessions" => settings.sessions = place()?,
        "checkpoints" => settings.checkpoints = place()?,
        "device" => word("\"auto\", \"cpu\" or \"cuda:N\"")?.clone_into(&mut settings.device),
        "threads" => {
            let number = value.as_integer().and_then(|number| usize::try_from(number).ok());
            settings.threads =
                number.filter(|number| *number > 0).ok_or_else(|| wrong("a number from 1 on"))?;
        }
        "memory-limit" => {
            let expected = "bytes such as \"4G\"";
            let text = match value {
                Value::Integer(number) if *number >= 0 => number.to_string(),
                _ => word(expected)?.to_owned(),
            };
            settings.memory_limit = bytes(&text).map_err(|_| wrong(expected))?;
        }
        "seed" => {
            let number = value.as_integer().and_then(|number| u64::try_from(number).ok());
            settings.seed = number.ok_or_else(|| wrong("a number from 0 on"))?;
        }
        "quiet" => settings.quiet = whether()?,
        "ascii" => settings.ascii = whether()?,
        "readonly" => settings.readonly = whether()?,
        "theme" => {
            let expected = "\"auto\", \"dark\", \"light\" or \"mono\"";
            let theme = word(expected)?;
            if !Theme::NAMES.contains(&theme) {
                return Err(wrong(expected));
            }
            theme.clone_into(&mut settings.theme);
        }
        "graphics" => {
            let expected = "\"auto\", \"kitty\", \"iterm2\", \"sixel\", \"halfblocks\" or \"off\"";
            settings.graphics = word(expected)?.parse().map_err(|_| wrong(expected))?;
        }
        _ => return Err(unknown(key)),
    }
    settings.names.insert(name);
    Ok(())
}

fn unknown(key: &str) -> String {
    let key = excerpt(key, 40);
    if ["session", "json"].contains(&key.as_str()) {
        return format!("{key}: --{key} belongs to one command and has no place in a file");
    }
    let known = NAMES.iter().map(ToString::to_string).collect();
    format!("there is no setting {key:?}; the nearest are {}", near(&key, known))
}

/// A folder as the file means it: from its own place on, `~/` from the user's home on.
fn place_of(name: &str, folder: &Path) -> PathBuf {
    match (name.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Settings, String> {
        parse(text, Path::new("/work")).map_err(|(line, why)| format!("{line}: {why}"))
    }

    #[test]
    fn every_name_is_read() {
        let text = "sessions = \"log\"\ncheckpoints = \"/big/w\"\ndevice = \"cpu\"\nthreads = 3\n\
            memory-limit = \"2G\"\nseed = 7\nquiet = true\nascii = true\ntheme = \"light\"\n\
            graphics = \"off\"\nreadonly = true\n";
        let read = read_text(text).unwrap();
        assert_eq!(read.names.len(), NAMES.len());
        assert_eq!(read.sessions, Path::new("/work/log"));
        assert_eq!(read.checkpoints, Path::new("/big/w"));
        assert_eq!((read.device.as_str(), read.theme.as_str()), ("cpu", "light"));
        assert_eq!((read.threads, read.memory_limit, read.seed), (3, 2 << 30, 7));
        assert!(read.quiet && read.ascii && read.readonly);
        assert_eq!(read.graphics, "off".parse().unwrap());
        assert_eq!(read_text("memory-limit = 512").unwrap().memory_limit, 512);
        assert_eq!(read_text("# nothing\n").unwrap(), Settings::default());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, said) in [
            ("\nthrads = 2", "2: there is no setting \"thrads\"; the nearest are threads"),
            ("memory_limit = 2", "the nearest are memory-limit"),
            ("quiet = true\nthreads = \"2\"", "2: threads: expected a number from 1 on"),
            ("threads = 0", "1: threads: expected a number from 1 on, found 0"),
            ("seed = -1", "1: seed: expected a number from 0 on, found -1"),
            ("quiet = 1", "1: quiet: expected true or false, found 1"),
            ("sessions = 3", "1: sessions: expected a folder in quotes, found 3"),
            ("sessions = \"\"", "1: sessions: expected a folder in quotes"),
            (
                "theme = \"blue\"",
                "expected \"auto\", \"dark\", \"light\" or \"mono\", found \"blue\"",
            ),
            ("graphics = \"ansi\"", "1: graphics: expected \"auto\", \"kitty\""),
            ("memory-limit = \"much\"", "1: memory-limit: expected bytes such as \"4G\""),
            ("[threads]\nn = 2", "1: threads: expected a number from 1 on"),
            ("\n\njson = true", "3: json: --json belongs to one command"),
            ("session = \"a\"", "1: session: --session belongs to one command"),
            ("seed = 1\nseed = 2", "2: not TOML: "),
            ("seed = 1\nquiet = ", "2: not TOML: "),
        ] {
            let why = read_text(text).unwrap_err();
            assert!(why.contains(said), "{text:?}: {why}");
            assert!(!why.contains('\n'), "{why}");
        }
    }

    #[test]
    fn the_variable_wins_over_the_folder_and_the_folder_over_home() {
        let top = tempfile::tempdir().unwrap();
        let (project, home) = (top.path().join("p"), top.path().join("home"));
        for folder in ["p/sessions", "p/checkpoints", "p/deep", "home"] {
            fs::create_dir_all(top.path().join(folder)).unwrap();
        }
        let found = |variable: Option<&str>, current: &str| {
            find(variable.map(OsStr::new), &top.path().join(current), Some(&home))
        };
        assert_eq!(found(None, "p/deep"), None);
        fs::write(home.join(AT_HOME), "").unwrap();
        assert_eq!(found(None, "p/deep"), Some(home.join(AT_HOME)));
        fs::write(project.join(HERE), "").unwrap();
        assert_eq!(found(None, "p/deep"), Some(project.join(HERE)));
        assert_eq!(found(Some(""), "p"), Some(project.join(HERE)));
        assert_eq!(found(Some("mine.toml"), "p"), Some(PathBuf::from("mine.toml")));
        assert_eq!(found(Some("none"), "p"), None);
        // Beside no sessions and checkpoints the name alone does not count.
        fs::write(top.path().join(HERE), "").unwrap();
        assert_eq!(found(None, "."), Some(home.join(AT_HOME)));
        assert!(read(&top.path().join("absent.toml")).unwrap_err().contains("could not be read"));
    }
}
