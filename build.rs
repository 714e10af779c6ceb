//! Notes the revision of the source in optimised builds from a repository, `-dirty` where files differ
//! from it. Unoptimised builds have none: every commit would build them anew.

use std::path::Path;
use std::process::Command;

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    // Only this package's own repository counts, not one that it happens to lie in.
    let own = git(&["rev-parse", "--show-toplevel"]).map(|top| Path::new(&top).join("Cargo.toml"));
    let here =
        std::env::var_os("CARGO_MANIFEST_DIR").map(|here| Path::new(&here).join("Cargo.toml"));
    if own.is_none()
        || own.and_then(|own| own.canonicalize().ok())
            != here.and_then(|here| here.canonicalize().ok())
    {
        return;
    }
    let Some(revision) = git(&["rev-parse", "HEAD"]) else { return };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]);
    let dirty = if changed.is_some_and(|changed| !changed.is_empty()) { "-dirty" } else { "" };
    println!("cargo::rustc-env=LLM2CLIP_GIT_REVISION={revision}{dirty}");
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    for path in ["src", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={path}");
    }
}
