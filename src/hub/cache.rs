//! Repositories on this machine: `models--owner--name/snapshots/COMMIT`, found through
//! `refs/REVISION`. The cache is shared with Hugging Face's own tools, so what they fetched is here
//! too.

use super::HubError;
use hf_hub::Cache;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// A repository at a revision, as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// `owner/name`.
    pub id: String,
    /// A branch, tag or commit.
    pub revision: String,
    /// A file in it, where one was named.
    pub file: Option<String>,
}

impl Repository {
    /// Reads `owner/name[/FILE][@REVISION]`.
    ///
    /// # Errors
    /// Another text: parts that are missing, or that would lead out of the cache.
    pub fn parse(text: &str) -> Result<Self, HubError> {
        let wrong = || HubError::Name { found: text.to_owned() };
        let (place, revision) = text.split_once('@').unwrap_or((text, "main"));
        let sound = |part: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !part.is_empty() && !part.starts_with('.') && part.chars().all(plain)
        };
        let parts: Vec<&str> = place.split('/').collect();
        let [owner, name, file @ ..] = parts.as_slice() else { return Err(wrong()) };
        if !parts.iter().all(|part| sound(part)) || !revision.split('/').all(sound) {
            return Err(wrong());
        }
        Ok(Self {
            id: format!("{owner}/{name}"),
            revision: revision.to_owned(),
            file: (!file.is_empty()).then(|| file.join("/")),
        })
    }

    /// `owner/name`, with the revision where it is not `main`.
    #[must_use]
    pub fn name(&self) -> String {
        if self.revision == "main" {
            self.id.clone()
        } else {
            format!("{}@{}", self.id, self.revision)
        }
    }
}

/// The cache folder: `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else in the home's cache; nowhere
/// without a home.
#[must_use]
pub fn folder() -> PathBuf {
    let set = |key| std::env::var_os(key).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("HF_HUB_CACHE")
        .or_else(|| set("HF_HOME").map(|home| home.join("hub")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache/huggingface/hub")))
        .unwrap_or_else(|| PathBuf::from("huggingface-hub"))
}

/// The folder of a pulled repository `owner/name[/FILE][@REVISION]`, and the file where one was
/// named. The network is not asked.
///
/// # Errors
/// A text that names none, or one that has not been pulled.
pub fn cached(text: &str) -> Result<(PathBuf, Option<PathBuf>), HubError> {
    let repository = Repository::parse(text)?;
    let cache = folder();
    let snapshot = snapshot(&repository, &cache)
        .ok_or_else(|| HubError::NotPulled { name: repository.name(), cache })?;
    let Some(file) = &repository.file else { return Ok((snapshot, None)) };
    let path = snapshot.join(file);
    if path.is_file() {
        return Ok((snapshot, Some(path)));
    }
    let names = fs::read_dir(&snapshot).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<_> =
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let (name, has) = (repository.name(), names.join(", "));
    Err(HubError::NoFile { name, file: file.clone(), has })
}

/// What a file or folder in the cache is called on the command line: `hf:owner/name[/FILE]@COMMIT`.
#[must_use]
pub fn name_of(path: &Path) -> Option<String> {
    name_in(&std::path::absolute(folder()).ok()?, path)
}

fn name_in(cache: &Path, path: &Path) -> Option<String> {
    let inside = path.strip_prefix(cache).ok()?;
    let parts: Vec<&str> = inside.iter().map(OsStr::to_str).collect::<Option<_>>()?;
    let [repository, "snapshots", commit, file @ ..] = parts.as_slice() else { return None };
    let (owner, name) = repository.strip_prefix("models--")?.split_once("--")?;
    let place: Vec<&str> = [owner, name].into_iter().chain(file.iter().copied()).collect();
    let text = format!("{}@{commit}", place.join("/"));
    Repository::parse(&text).ok()?;
    Some(format!("hf:{text}"))
}

/// Files and folders of that name in the cache's snapshots; a snapshot goes by its commit. What several
/// snapshots share is told once.
#[must_use]
pub fn named(name: &str) -> Vec<PathBuf> {
    named_in(&folder(), name)
}

fn named_in(cache: &Path, name: &str) -> Vec<PathBuf> {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if name.is_empty() || !Path::new(name).components().all(plain) {
        return Vec::new();
    }
    let mut found: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for repository in entries(cache) {
        for snapshot in entries(&repository.join("snapshots")) {
            let commit = snapshot.file_name().is_some_and(|commit| commit == name);
            let path = if commit { snapshot } else { snapshot.join(name) };
            if let Ok(real) = path.canonicalize() {
                found.entry(real).or_insert(path);
            }
        }
    }
    found.into_values().collect()
}

/// What lies in a folder, by name; nothing where it is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn snapshot(repository: &Repository, cache: &Path) -> Option<PathBuf> {
    let repo = hf_hub::Repo::with_revision(
        repository.id.clone(),
        hf_hub::RepoType::Model,
        repository.revision.clone(),
    );
    let place = cache.join(repo.folder_name());
    let commit = fs::read_to_string(place.join("refs").join(&repository.revision)).ok();
    let commit = commit.map_or_else(|| repository.revision.clone(), |c| c.trim().to_owned());
    let snapshot = Cache::new(cache.to_owned()).repo(repo).pointer_path(&commit);
    snapshot.is_dir().then_some(snapshot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_read_with_its_revision_and_file() {
        let plain = Repository::parse("owner/name").unwrap();
        assert_eq!((plain.revision.as_str(), plain.name().as_str()), ("main", "owner/name"));
        let full = Repository::parse("owner/name/sub/model.gguf@refs/pr/1").unwrap();
        assert_eq!(full.file.as_deref(), Some("sub/model.gguf"));
        assert_eq!(full.name(), "owner/name@refs/pr/1");
        for wrong in ["", "name", "/name", "a/..", "a/b/../c", "a/b@", "a b/c", "a/b@../x"] {
            assert!(Repository::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_lies_in_the_cache_has_a_name_that_holds_on_any_machine() {
        let cache = Path::new("/home/a/.cache/hub");
        let snapshot = cache.join("models--owner--some--name/snapshots/abc123");
        for (path, name) in [
            (snapshot.clone(), Some("hf:owner/some--name@abc123")),
            (snapshot.join("sub/x.gguf"), Some("hf:owner/some--name/sub/x.gguf@abc123")),
            (snapshot.join("a b.gguf"), None),
            (cache.join("models--owner--name/blobs/abc"), None),
            (PathBuf::from("/home/a/x.gguf"), None),
        ] {
            assert_eq!(name_in(cache, &path).as_deref(), name, "{}", path.display());
        }
    }

    #[test]
    fn a_file_is_found_in_the_snapshots_by_its_name_and_a_snapshot_by_its_commit() {
        let cache = tempfile::tempdir().unwrap();
        let at = |path: &str| cache.path().join(path);
        for snapshot in ["models--a--x/snapshots/1111", "models--b--y/snapshots/2222"] {
            fs::create_dir_all(at(snapshot)).unwrap();
            fs::write(at(snapshot).join("both.gguf"), "").unwrap();
        }
        fs::write(at("models--a--x/snapshots/1111/one.gguf"), "").unwrap();
        let one = at("models--a--x/snapshots/1111/one.gguf");
        assert_eq!(named_in(cache.path(), "one.gguf"), [one]);
        assert_eq!(named_in(cache.path(), "both.gguf").len(), 2);
        assert_eq!(named_in(cache.path(), "2222"), [at("models--b--y/snapshots/2222")]);
        for none in ["", "gone", "../1111", "/", "."] {
            assert_eq!(named_in(cache.path(), none), Vec::<PathBuf>::new(), "{none:?}");
        }
        assert_eq!(named_in(Path::new("/nowhere/at/all"), "one.gguf").len(), 0);
    }
}
