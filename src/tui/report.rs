//! The report of a panic: written into a file, so that it outlives the terminal's last lines.

use crate::session::Time;
use crate::session::header::GIT_REVISION;
use std::backtrace::Backtrace;
use std::fs;
use std::io;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};

/// The folder of reports beside the sessions: its name is no session's.
const FOLDER: &str = ".reports";

/// Writes the report of a panic of `who`, below `sessions`, and returns what to say of it. Without
/// `sessions` nothing may be written: then the report itself is said.
#[must_use]
pub fn keep(who: &str, info: &PanicHookInfo<'_>, sessions: Option<&Path>) -> String {
    let text = compose(&info.to_string(), &Backtrace::force_capture().to_string());
    let failed = format!("{who} failed; runs go on.");
    let Some(sessions) = sessions else {
        return format!("{text}{failed} The lines above are the report: --readonly writes none");
    };
    match write(&text, sessions, Time::now()) {
        Ok(path) => format!("{failed} The report is {}", path.display()),
        Err(error) => format!(
            "{text}{failed} The lines above are the report, which could not be written into a file: {error}"
        ),
    }
}

/// The report: what, which version, where.
fn compose(what: &str, backtrace: &str) -> String {
    let revision = GIT_REVISION.map_or_else(String::new, |revision| format!(" ({revision})"));
    format!(
        "llm2clip {}{revision}, {} {}\n{what}\n\n{backtrace}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}

/// Writes a report: below the sessions, else where temporary files go.
fn write(text: &str, sessions: &Path, now: Time) -> io::Result<PathBuf> {
    let name = format!("workbench-{}-{}.txt", now.compact(), std::process::id());
    let into = |folder: PathBuf| {
        fs::create_dir_all(&folder)?;
        let path = folder.join(&name);
        fs::write(&path, text)?;
        Ok(path)
    };
    // The folder of the sessions is not made for this.
    match sessions.is_dir().then(|| into(sessions.join(FOLDER))) {
        Some(Ok(path)) => Ok(path),
        _ => into(std::env::temp_dir()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_written_below_the_sessions_and_elsewhere_where_nothing_may_be_written() {
        let sessions = tempfile::tempdir().unwrap();
        let text = compose("panicked at here:1:2:\nout of cheese", "0: somewhere");
        assert!(text.contains(env!("CARGO_PKG_VERSION")) && text.contains("out of cheese"));
        let path = write(&text, sessions.path(), Time::EPOCH).unwrap();
        assert!(path.starts_with(sessions.path().join(FOLDER)), "{path:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        // Its folder is no session.
        assert!(crate::session::folder::list_sessions(sessions.path()).unwrap().is_empty());
        let missing = sessions.path().join("missing");
        let path = write(&text, &missing, Time::EPOCH).unwrap();
        assert!(path.starts_with(std::env::temp_dir()), "{path:?}");
        fs::remove_file(path).unwrap();
        assert!(!missing.exists());
    }

    #[test]
    fn a_panic_is_kept_with_its_message_and_place() {
        let sessions = tempfile::tempdir().unwrap();
        let (folder, told) = (sessions.path().to_owned(), std::sync::mpsc::channel());
        let (sender, thread) = (std::sync::Mutex::new(told.0), std::thread::current().id());
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().id() == thread {
                let said = [Some(folder.as_path()), None].map(|to| keep("it", info, to));
                let _ = sender.lock().unwrap().send(said);
            }
        }));
        let ended = std::panic::catch_unwind(|| panic!("out of cheese"));
        std::panic::set_hook(before);
        assert!(ended.is_err());
        let [said, unwritten] = told.1.recv().unwrap();
        assert!(
            unwritten.contains("out of cheese") && unwritten.contains("--readonly writes none")
        );
        assert_eq!(fs::read_dir(sessions.path().join(FOLDER)).unwrap().count(), 1);
        let path = said.rsplit_once("The report is ").unwrap().1;
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains("out of cheese") && text.contains("report.rs"), "{text}");
    }
}
