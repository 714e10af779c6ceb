//! The system's limits on this process, and what ends a run when its user logs out.

use super::{Check, State, Surroundings, bytes};
use rustix::process::{Resource, getrlimit};
use std::fs;
use std::path::{Path, PathBuf};

const GROUP: &str = "limits";

pub(super) fn checks(around: &Surroundings) -> Vec<Check> {
    vec![files(), cpu_time(), address_space(), group_memory(), log_out(around, Path::new("/"))]
}

fn files() -> Check {
    let limit = getrlimit(Resource::Nofile).current;
    let found = limit.map_or_else(|| "no limit".to_owned(), |limit| limit.to_string());
    Check::new(GROUP, "open files", found).advise_if(
        limit.is_some_and(|limit| limit < 1024),
        State::Warning,
        "ulimit -n 4096",
    )
}

fn cpu_time() -> Check {
    let limit = getrlimit(Resource::Cpu).current;
    let found = limit.map_or_else(|| "no limit".to_owned(), |limit| format!("{limit} s"));
    Check::new(GROUP, "processor time", found).advise_if(
        limit.is_some(),
        State::Warning,
        "a long run is ended at this limit; ulimit -t unlimited, or ask whoever set it",
    )
}

fn address_space() -> Check {
    let limit = getrlimit(Resource::As).current;
    let found = limit.map_or_else(|| "no limit".to_owned(), bytes);
    Check::new(GROUP, "address space", found).advise_if(
        limit.is_some(),
        State::Warning,
        "tables and models are mapped whole and may not fit; ulimit -v unlimited",
    )
}

/// What this process' control group allows of memory.
fn group_memory() -> Check {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let place = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/").to_owned();
    let root = Path::new("/sys/fs/cgroup");
    let least = Path::new(&place)
        .ancestors()
        .filter_map(|path| {
            let inside = path.strip_prefix("/").unwrap_or(path);
            fs::read_to_string(root.join(inside).join("memory.max")).ok()?.trim().parse().ok()
        })
        .min();
    match least {
        None => Check::new(GROUP, "memory of the group", "no limit"),
        Some(least) => Check::new(GROUP, "memory of the group", bytes(least)).advise_if(
            least < 2 << 30,
            State::Warning,
            "a run that needs more is ended without a word; give the container or session more",
        ),
    }
}

/// Whether systemd ends what a user left running. `root` is where its files are looked for.
fn log_out(around: &Surroundings, root: &Path) -> Check {
    let name = "logging out";
    if !root.join("run/systemd/system").exists() {
        return Check::new(GROUP, name, "no systemd here; detached runs go on");
    }
    let user = around.var("USER");
    let lingers = !user.is_empty() && root.join("var/lib/systemd/linger").join(user).exists();
    let kills = kill_user_processes(root);
    let found = format!(
        "KillUserProcesses={}, lingering {}",
        if kills { "yes" } else { "no" },
        if lingers { "on" } else { "off" }
    );
    Check::new(GROUP, name, found).advise_if(
        kills && !lingers,
        State::Warning,
        "detached runs end when you log out; loginctl enable-linger, or start them with \
         systemd-run --user --scope",
    )
}

/// logind's setting: the main file, then the drop-ins by name, the last one that sets it wins.
fn kill_user_processes(root: &Path) -> bool {
    let mut texts = Vec::new();
    let folders = ["usr/lib/systemd", "run/systemd", "etc/systemd"];
    for folder in folders {
        texts.extend(fs::read_to_string(root.join(folder).join("logind.conf")).ok());
    }
    let mut drop_ins: Vec<PathBuf> = folders
        .iter()
        .filter_map(|folder| fs::read_dir(root.join(folder).join("logind.conf.d")).ok())
        .flat_map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())))
        .filter(|path| path.extension().is_some_and(|end| end == "conf"))
        .collect();
    drop_ins.sort_by_key(|path| path.file_name().map(std::ffi::OsStr::to_owned));
    texts.extend(drop_ins.iter().filter_map(|path| fs::read_to_string(path).ok()));
    let mut last = texts.iter().flat_map(|text| text.lines()).filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "KillUserProcesses").then(|| value.trim().to_lowercase())
    });
    last.next_back().is_some_and(|value| ["yes", "true", "on", "1"].contains(&value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_who_does_not_linger_is_told_when_logging_out_ends_runs() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let around = Surroundings {
            env: [("USER".to_owned(), "ada".to_owned())].into(),
            ..Surroundings::default()
        };
        assert!(log_out(&around, root.path()).found.starts_with("no systemd"));
        fs::create_dir_all(at("run/systemd/system")).unwrap();
        fs::create_dir_all(at("etc/systemd/logind.conf.d")).unwrap();
        assert_eq!(log_out(&around, root.path()).state, State::Ok);
        fs::write(at("etc/systemd/logind.conf"), "[Login]\n#KillUserProcesses=no\n").unwrap();
        fs::write(at("etc/systemd/logind.conf.d/9.conf"), "KillUserProcesses = yes\n").unwrap();
        assert_eq!(log_out(&around, root.path()).state, State::Warning);
        fs::create_dir_all(at("var/lib/systemd/linger")).unwrap();
        fs::write(at("var/lib/systemd/linger/ada"), "").unwrap();
        assert_eq!(log_out(&around, root.path()).state, State::Ok);
    }
}
