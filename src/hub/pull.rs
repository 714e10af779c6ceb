//! Fetching files of a repository into the shared cache. A fetch that was cut off goes on where it
//! stopped; a file that is there already is not fetched again.

use super::HubError;
use super::cache::{Repository, folder};
use crate::files;
use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Repo, RepoType};
use std::path::PathBuf;

/// What is fetched where none is named: what a model needs here, and no second copy of its weights.
const WANTED: [&str; 4] = [".json", ".safetensors", ".model", ".txt"];

/// Progress of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The file.
    pub file: String,
    /// Bytes here so far.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// One file that is on this machine now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PulledFile {
    /// Its name in the repository.
    pub file: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Whether it was here before.
    pub cached: bool,
}

/// A pulled repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// The commit that the revision names.
    pub commit: String,
    /// The folder of its files.
    pub folder: PathBuf,
    /// Its files, by name.
    pub files: Vec<PulledFile>,
}

struct Listener<'a> {
    heard: Heard,
    listen: &'a mut dyn FnMut(&Heard),
}

impl Progress for Listener<'_> {
    fn init(&mut self, size: usize, filename: &str) {
        self.heard = Heard { file: filename.to_owned(), done: 0, total: size as u64 };
        (self.listen)(&self.heard);
    }
    fn update(&mut self, size: usize) {
        self.heard.done += size as u64;
        (self.listen)(&self.heard);
    }
    fn finish(&mut self) {}
}

/// Where the hub is: `HF_ENDPOINT`, else the public one.
fn endpoint() -> String {
    let set = std::env::var("HF_ENDPOINT").ok().filter(|value| !value.is_empty());
    set.unwrap_or_else(|| "https://huggingface.co".to_owned()).trim_end_matches('/').to_owned()
}

/// Fetches files of a repository: the named ones, or without names all that a model needs here.
/// Weights in GGUF files are fetched by name only, since a repository has many of one model.
/// `listen` hears of every piece that arrives.
///
/// # Errors
/// A repository or file that is not there, a hub that cannot be asked, or no room.
pub fn pull(
    repository: &Repository,
    names: &[String],
    listen: &mut dyn FnMut(&Heard),
) -> Result<Pull, HubError> {
    let endpoint = endpoint();
    let ask = |what: String| {
        let endpoint = endpoint.clone();
        move |cause: ApiError| HubError::Ask { endpoint, what, cause: Box::new(cause) }
    };
    let cache = folder();
    let mut builder = ApiBuilder::from_cache(hf_hub::Cache::new(cache.clone()))
        .with_endpoint(endpoint.clone())
        .with_retries(3)
        .with_progress(false);
    if let Ok(token) = std::env::var("HF_TOKEN")
        && !token.is_empty()
    {
        builder = builder.with_token(Some(token));
    }
    let api: Api = builder.build().map_err(ask(repository.name()))?;
    let repo =
        Repo::with_revision(repository.id.clone(), RepoType::Model, repository.revision.clone());
    let remote = api.repo(repo.clone());
    let info = remote.info().map_err(ask(repository.name()))?;
    let all: Vec<String> = info.siblings.into_iter().map(|file| file.rfilename).collect();
    let chosen = choose(repository, &all, names)?;
    // The snapshot by commit: a branch may have moved since a file of the same name was fetched.
    let snapshot = hf_hub::Cache::new(cache.clone()).repo(repo.clone()).pointer_path(&info.sha);
    let mut files = Vec::new();
    for file in chosen {
        let path = snapshot.join(&file);
        let cached = path.is_file();
        let path = if cached { path } else { fetch(&remote, &api, &file, listen, &ask)? };
        let length = path.metadata().map_err(files::FileError::at("reading", &path))?.len();
        files.push(PulledFile { file, path, bytes: length, cached });
    }
    // Only once everything is here does the revision point to this commit.
    let known = hf_hub::Cache::new(cache).repo(repo);
    known.create_ref(&info.sha).map_err(files::FileError::at("writing", &snapshot))?;
    Ok(Pull { commit: info.sha, folder: snapshot, files })
}

/// The files to fetch, each of them in the repository.
fn choose(
    repository: &Repository,
    all: &[String],
    names: &[String],
) -> Result<Vec<String>, HubError> {
    let named: Vec<&String> = repository.file.iter().chain(names).collect();
    // A name from the network becomes a path: nothing that would leave the folder.
    let safe = |file: &str| {
        !file.starts_with('/')
            && !file.contains('\\')
            && file.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
    };
    if let Some(file) = named.iter().find(|name| !all.contains(name) || !safe(name)) {
        let (name, has) = (repository.name(), all.join(", "));
        return Err(HubError::NoFile { name, file: (*file).clone(), has });
    }
    if !named.is_empty() {
        return Ok(named.into_iter().cloned().collect());
    }
    let wanted = |file: &&String| WANTED.iter().any(|end| file.ends_with(end)) && safe(file);
    // Folders in a repository hold its weights for other programs.
    let mut chosen: Vec<String> =
        all.iter().filter(wanted).filter(|file| !file.contains('/')).cloned().collect();
    if chosen.iter().any(|file| file == "model.safetensors.index.json") {
        chosen.retain(|file| file != "model.safetensors");
    }
    if chosen.is_empty() {
        let (name, has) = (repository.name(), all.join(", "));
        return Err(HubError::NoFile { name, file: "*.json, *.safetensors".to_owned(), has });
    }
    Ok(chosen)
}

fn fetch<E: FnOnce(ApiError) -> HubError>(
    remote: &ApiRepo,
    api: &Api,
    file: &str,
    listen: &mut dyn FnMut(&Heard),
    ask: &impl Fn(String) -> E,
) -> Result<PathBuf, HubError> {
    let metadata = api.metadata(&remote.url(file)).map_err(ask(file.to_owned()))?;
    room(metadata.size() as u64)?;
    let heard = Heard { file: file.to_owned(), done: 0, total: 0 };
    let path = remote
        .download_with_progress(file, Listener { heard, listen })
        .map_err(ask(file.to_owned()))?;
    let length = path.metadata().map_err(files::FileError::at("reading", &path))?.len();
    if length != metadata.size() as u64 {
        forget(&path);
        let (expected, found) = (format!("{} bytes", metadata.size()), format!("{length} bytes"));
        return Err(HubError::Damaged { file: file.to_owned(), expected, found });
    }
    let expected = metadata.etag();
    // Large files are named by their sha256, small ones by git's hash.
    if expected.len() == 64 && expected.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let found = files::digest(&path)?;
        if found.as_str() != expected {
            forget(&path);
            let (expected, found) = (format!("sha256 {expected}"), format!("sha256 {found}"));
            return Err(HubError::Damaged { file: file.to_owned(), expected, found });
        }
    }
    Ok(path)
}

/// Removes a file of the cache and what its link points to.
fn forget(path: &std::path::Path) {
    if let Ok(blob) = path.canonicalize() {
        let _ = std::fs::remove_file(blob);
    }
    let _ = std::fs::remove_file(path);
}

/// Refuses what the disk cannot hold, before the first byte.
fn room(needed: u64) -> Result<(), HubError> {
    let cache = folder();
    let existing = cache.ancestors().find(|path| path.exists());
    let free = existing.and_then(|path| rustix::fs::statvfs(path).ok());
    let free = free.map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    if free >= needed {
        return Ok(());
    }
    Err(HubError::NoRoom { folder: cache, free, needed })
}
