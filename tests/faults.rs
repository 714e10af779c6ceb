//! What befalls a run on a shared machine, each with the one sentence that the user reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod program;
mod waiting;

use llm2clip::session::folder::{Session, SessionCard, list_sessions};
use llm2clip::session::overview::bytes_below;
use llm2clip::session::{Record, RunState, RunStatus, Time};
use llm2clip::soak::{SoakRequest, soak};
use program::{PROGRAM, program, put_folders, rows, sentence, train};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use waiting::until;

fn undisturbed(folder: &Path) -> Option<llm2clip::ids::Digest> {
    let folder = folder.join("undisturbed");
    let mut command = program(&folder);
    train(&mut command, &[]);
    assert!(command.output().unwrap().status.success());
    rows(&folder)[0].final_digest.clone()
}

#[test]
fn a_detached_run_leaves_its_parent_and_tells_its_end_to_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let told = folder.join("told");
    let mut command = program(folder);
    train(&mut command, &["steps=300"]);
    let end = "echo \"$LLM2CLIP_RUN $LLM2CLIP_STATE $LLM2CLIP_LOSS $LLM2CLIP_DIGEST\" > ";
    command.args(["--detach", "--json", "--on-end"]).arg(format!("{end}'{}'", told.display()));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["format"], "llm2clip.run/1");
    let session = list_sessions(&folder.join("sessions")).unwrap().remove(0);
    let session = folder.join("sessions").join(session.as_str());
    let log = fs::read_to_string(session.join("clip-1.1.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(log.lines().nth(1).unwrap()).unwrap();
    // Field 6 of the process's own account is the session it belongs to: its own, not this one's.
    if let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", first["pid"])) {
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        assert_eq!(fields[3], first["pid"].to_string());
    }
    until("the first step", || rows(folder).first().is_some_and(|row| row.step > 0));
    let mut stop = program(folder);
    stop.args(["stop", "clip-1", "--json"]);
    let answer = stop.output().unwrap();
    if answer.status.success() {
        let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
        assert_eq!(
            (&answer["format"], &answer["answer"]),
            (&"llm2clip.answer/1".into(), &"applied".into())
        );
    }
    let mut watch = program(folder);
    watch.args(["watch", "clip-1", "--json"]);
    assert!(watch.output().unwrap().status.success());
    until("the command of --on-end", || told.exists() && !fs::read(&told).unwrap().is_empty());
    let said = fs::read_to_string(&told).unwrap();
    let row = &rows(folder)[0];
    let digest = row.final_digest.as_ref().map_or("", |digest| digest.as_str());
    assert_eq!(
        said.trim_end(),
        format!("{} {} {} {digest}", row.run, row.state, row.loss.unwrap())
    );
    assert!(session.join("clip-1.1.console.log").exists());
}

#[test]
fn a_lost_terminal_ends_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut command = program(folder);
    train(&mut command, &["steps=60"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Whoever read its lines is gone.
    drop(child.stderr.take());
    until("the run", || rows(folder).first().is_some_and(|row| row.step > 0));
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    assert_eq!(child.wait().unwrap().signal(), None);
    assert_eq!(rows(folder)[0].state, RunStatus::Done);
}

#[test]
fn a_full_disk_is_said_in_one_sentence_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let expected = undisturbed(folder);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 24 && exec \"$0\" \"$@\"", PROGRAM]);
    put_folders(&mut command, folder);
    train(&mut command, &[]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let said = sentence(&output);
    assert!(said.contains("disk full") && said.contains("resume"), "{said}");
    let mut command = program(folder);
    command.args(["resume", "clip-1"]);
    assert!(command.output().unwrap().status.success());
    assert_eq!(rows(folder)[0].final_digest, expected);
}

/// Trains on a disk of the second argument's size, and goes on when it has grown; the run's documents
/// and words stay behind. 77 where this machine lets nobody have a disk of their own.
const ON_A_SMALL_DISK: &str = r#"
out=$1 size=$2 program=$3; shift 3
mkdir "$out/disk" && mount -t tmpfs -o size=$size none "$out/disk" || exit 77
"$program" --sessions "$out/disk/sessions" --checkpoints "$out/disk/checkpoints" "$@" 2> "$out/said"
echo $? > "$out/code"
df "$out/disk" > "$out/full"
mount -o remount,size=64m "$out/disk" || exit 77
"$program" --sessions "$out/disk/sessions" --checkpoints "$out/disk/checkpoints" --json resume clip-1 > "$out/resumed"
"#;

#[test]
fn a_disk_that_is_really_full_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let expected = undisturbed(folder);
    let stage = folder.join("undisturbed/checkpoints");
    let below = |path: &Path| {
        let mut entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.find(|path| path.is_dir()).unwrap()
    };
    // Session, run, stage, and one of its checkpoints.
    let checkpoint = bytes_below(&below(&below(&below(&below(&stage)))));
    let mut command = Command::new("unshare");
    command.env("LLM2CLIP_CONFIG", "none");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh"]);
    // Room for two checkpoints and a half.
    command.arg(folder).arg((checkpoint * 5 / 2).to_string()).arg(PROGRAM);
    command.args(["--threads", "1", "--device", "cpu"]).stdin(Stdio::null());
    train(&mut command, &["keep=9"]);
    let Ok(output) = command.output() else { return };
    if !folder.join("code").exists() {
        println!("no disk of one's own here: {}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let said = read("said");
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!((errors.len(), read("code").trim()), (1, "1"), "{said}");
    assert!(errors[0].contains("disk full") && errors[0].contains("resume"), "{said}");
    let resumed: serde_json::Value = serde_json::from_str(&read("resumed")).unwrap();
    assert_eq!(resumed["state"], "done");
    assert_eq!(
        resumed["final_digest"].as_str(),
        expected.as_ref().map(llm2clip::ids::Digest::as_str)
    );
}

#[test]
fn a_folder_that_is_closed_is_said_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    // The superuser writes anywhere but to the kernel's own files.
    let is_root = fs::write(closed.join("probe"), "").is_ok();
    let closed = if is_root { Path::new("/sys/kernel").to_owned() } else { closed };
    for (flag, open) in [("--sessions", "--checkpoints"), ("--checkpoints", "--sessions")] {
        let mut command = Command::new(PROGRAM);
        command.env("LLM2CLIP_CONFIG", "none");
        command.arg(flag).arg(closed.join("x")).arg(open).arg(folder.path().join("open"));
        command.args(["--threads", "1"]).stdin(Stdio::null());
        train(&mut command, &[]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{flag}");
        sentence(&output);
    }
}

#[test]
fn a_second_runner_is_turned_away_from_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let card = SessionCard::new("test", None, "host".into(), "cpu".into(), 1);
    let session = Session::create(folder.path(), card).unwrap();
    let held = session.start_run("clip").unwrap();
    let error = session.continue_run(&held.run).unwrap_err().to_string();
    assert!(error.starts_with("another runner holds this run"), "{error}");
}

#[test]
fn a_clock_that_jumps_moves_neither_the_state_of_a_run_nor_its_time_to_go() {
    let line = |seq: u64, millis: i64, rest: serde_json::Value| {
        let mut line = serde_json::json!({"seq": seq, "time": Time::from_millis(millis).unwrap()});
        line.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        Record::decode(line.to_string().as_bytes()).unwrap()
    };
    let mut run = RunState::default();
    run.apply(line(
        1,
        0,
        serde_json::json!({
            "event": "run_started", "run": "clip-1", "segment": 1, "recipe": {},
            "stages": [{"stage": "clip", "objective": "clip", "steps": 100}],
            "program_version": "0", "host": "h", "pid": 1, "device": "cpu", "threads": 1, "seed": 0,
        }),
    ));
    let mut now = 1_000_000_000;
    for step in 1..=50 {
        // A day forward, two days back, and a second a step in between.
        now += match step {
            20 => 86_400_000,
            30 => -172_800_000,
            _ => 1000,
        };
        run.apply(line(
            step + 1,
            now,
            serde_json::json!({
                "event": "step_finished", "stage": "clip", "step": step, "epoch": 0, "loss": 1.0,
                "learning_rate": 0.1, "gradient_norm": {}, "clipped": false, "memory_bytes": 1,
                "milliseconds": {"data": 0.0, "forward": 1000.0, "backward": 0.0, "optimizer": 0.0},
            }),
        ));
    }
    let eta = run.eta().unwrap().seconds;
    assert!((eta - 50.0).abs() < 1.0, "{eta}");
    let early = Time::from_millis(now - 86_400_000).unwrap();
    for lock in
        [llm2clip::session::state::LogLock::Held, llm2clip::session::state::LogLock::Unsupported]
    {
        assert_eq!(llm2clip::session::state::status_of(&run, lock, early), RunStatus::Live);
    }
}

#[test]
fn runs_struck_at_random_moments_lose_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let request = SoakRequest {
        program: PROGRAM.into(),
        folder: folder.path().to_owned(),
        kills: 6,
        objectives: vec!["causal-lm".to_owned(), "clip".to_owned()],
        seed: 3,
        threads: 1,
    };
    let document = soak(&request, &mut |_| {}).unwrap();
    assert_eq!(document.lost, 0, "{:?}", document.losses);
    assert!(document.faults.iter().map(|row| row.struck).sum::<usize>() >= 6);
}
