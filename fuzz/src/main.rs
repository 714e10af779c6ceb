//! Throws broken files at every reader: `cargo run --release --manifest-path fuzz/Cargo.toml -- TARGET`.
//!
//! Inputs are mutations of small valid files, drawn from a keyed stream: the same target, seed and
//! number of inputs give the same inputs. An input whose outcome was not seen before joins the files
//! that are mutated, so that a run finds its way deeper than one mutation reaches. What ends a
//! reader in a panic, takes longer than `--hang` or makes the process larger than `--memory` is
//! written to `fuzz/findings` and ends the run with exit code 1.

mod mutate;
mod seeds;
mod targets;
mod watch;

use llm2clip::rng::Key;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

struct Options {
    targets: Vec<&'static targets::Target>,
    seconds: u64,
    inputs: u64,
    seed: u64,
    hang: u64,
    memory: u64,
    replay: Option<PathBuf>,
}

/// Most kinds of outcome that are kept apart; their texts are this program's own memory.
const KINDS: usize = 100_000;

const USAGE: &str = "usage: llm2clip-fuzz TARGET|all [--seconds 600] [--inputs N] [--seed 0] \
                     [--hang SECONDS] [--memory MIB] [--replay FILE]";

fn options() -> Result<Options, String> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or(USAGE)?;
    let targets: Vec<&targets::Target> =
        targets::ALL.iter().filter(|target| name == "all" || target.name == name).collect();
    if targets.is_empty() {
        let names: Vec<&str> = targets::ALL.iter().map(|target| target.name).collect();
        return Err(format!("{USAGE}\ntargets: {}", names.join(" ")));
    }
    let mut options = Options {
        targets,
        seconds: 600,
        inputs: u64::MAX,
        seed: 0,
        hang: 10,
        memory: 2048,
        replay: None,
    };
    while let Some(flag) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{flag} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{flag}: no number: {value}"));
        match flag.as_str() {
            "--seconds" => options.seconds = number()?,
            "--inputs" => options.inputs = number()?,
            "--seed" => options.seed = number()?,
            "--hang" => options.hang = number()?,
            "--memory" => options.memory = number()?,
            "--replay" => options.replay = Some(PathBuf::from(value)),
            _ => return Err(format!("{USAGE}\nunknown: {flag}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::from(2);
        }
    };
    let findings = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings");
    let room = std::env::temp_dir().join(format!("llm2clip-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&room).expect("a folder for inputs");
    let mut failed = 0;
    for target in &options.targets {
        let watch = watch::Watch::begin(target.name, &findings, options.hang, options.memory);
        failed += match &options.replay {
            Some(file) => {
                let bytes = std::fs::read(file).expect("the file to replay");
                let outcome = one(target, &room, &bytes, &watch);
                println!("{}: {}", target.name, outcome.as_deref().unwrap_or("panicked"));
                usize::from(outcome.is_none())
            }
            None => hunt(target, &room, &options, &findings, &watch),
        };
        watch.end();
    }
    let _ = std::fs::remove_dir_all(&room);
    ExitCode::from(u8::from(failed > 0))
}

/// Runs one input; none where the reader panicked.
fn one(
    target: &targets::Target,
    room: &Path,
    bytes: &[u8],
    watch: &watch::Watch,
) -> Option<String> {
    watch.start(bytes);
    let run = std::panic::AssertUnwindSafe(|| (target.run)(room, bytes));
    let outcome = std::panic::catch_unwind(run).ok();
    watch.stop();
    outcome
}

/// An outcome without what differs from input to input: digits and what is quoted.
fn kind_of(outcome: &str) -> String {
    let mut kind = String::new();
    let mut quoted = false;
    for c in outcome.chars().take(400) {
        match c {
            '"' => quoted = !quoted,
            _ if quoted || c.is_ascii_digit() => {}
            _ => kind.push(c),
        }
    }
    kind
}

fn hunt(
    target: &targets::Target,
    room: &Path,
    options: &Options,
    findings: &Path,
    watch: &watch::Watch,
) -> usize {
    let key = Key::new(options.seed).named(target.name);
    let mut pool = (target.seeds)();
    for seed in &pool {
        let outcome = one(target, room, seed, watch);
        assert!(outcome.is_some(), "{}: a valid file panics", target.name);
    }
    let valid = pool.len();
    let mut kinds: BTreeSet<String> = BTreeSet::new();
    let mut panics = 0;
    let began = Instant::now();
    let mut inputs = 0;
    std::panic::set_hook(Box::new(|_| ()));
    while inputs < options.inputs && began.elapsed() < Duration::from_secs(options.seconds) {
        let mut stream = key.child(inputs).stream();
        let input = mutate::mutate(&pool, &mut stream, target.words);
        inputs += 1;
        match one(target, room, &input, watch) {
            Some(outcome) => {
                // Beyond a number of kinds that no reader has, they differ only in what an error quotes.
                if kinds.len() < KINDS
                    && kinds.insert(kind_of(&outcome))
                    && pool.len() < 2000
                    && input.len() < 1 << 16
                {
                    pool.push(input);
                }
            }
            None => {
                panics += 1;
                watch::keep(findings, target.name, "panic", &input);
                if panics > 20 {
                    break;
                }
            }
        }
    }
    let _ = std::panic::take_hook();
    println!(
        "{:<12} {inputs:>9} inputs  {:>5.0} s  {valid} valid files, {} kinds of outcome  {panics} \
         panics  peak {} MiB",
        target.name,
        began.elapsed().as_secs_f64(),
        kinds.len(),
        watch::peak_mib()
    );
    panics
}
