//! Embedding tables: made once, kept under a name that says everything their bits depend on.

use super::{Narrator, RunError, Workspace};
use crate::encode::{KeptRows, Table, TableDtype, TextEncoder, table_key};
use crate::ids::Digest;
use crate::session::Finite;
use crate::session::event::TableMade;
use std::path::PathBuf;
use std::time::Instant;

/// Where a table lies.
pub fn table_path(workspace: &Workspace, key: &Digest) -> PathBuf {
    workspace.checkpoints.join("tables").join(format!("{key}.safetensors"))
}

/// The rows of `texts` under `encoder`: from the store where they are, else made and kept. `data` is the
/// digest of the texts.
pub fn ensure_table(
    workspace: &Workspace,
    narrator: &mut Narrator,
    encoder: &dyn TextEncoder,
    texts: &[&str],
    data: &Digest,
) -> Result<(Table, Digest), RunError> {
    let key = table_key(encoder.card(), data, &workspace.device_name, workspace.threads);
    let path = table_path(workspace, &key);
    let clock = Instant::now();
    let found = if path.exists() { Table::open(&path).ok() } else { None };
    let fits = |table: &Table| table.rows.rows() == texts.len() && table.card == *encoder.card();
    let found = found.filter(fits);
    let reused = found.is_some();
    let table = match found {
        Some(table) => table,
        None => {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)
                    .map_err(crate::files::FileError::at("creating", parent))?;
            }
            // An encoding that was stopped or killed goes on behind its last whole batch.
            let mut kept = KeptRows::open(&path.with_file_name(format!(".{key}.partial")))?;
            let encoded = narrator.encoding("encoding captions", |progress| {
                encoder.encode_on(texts, &mut kept, progress)
            })?;
            let table = Table { rows: encoded.rows, card: encoder.card().clone() };
            table.save(&path, TableDtype::F32)?;
            kept.done();
            table
        }
    };
    let bytes = std::fs::metadata(&path).map_or(0, |file| file.len());
    narrator.tell(TableMade {
        digest: key.clone(),
        card: serde_json::to_value(&table.card).unwrap_or_default(),
        rows: table.rows.rows() as u64,
        dim: table.rows.dim() as u64,
        bytes,
        seconds: Finite::new(clock.elapsed().as_secs_f64()).unwrap_or(Finite::ZERO),
        path: format!("tables/{key}.safetensors"),
        reused,
    })?;
    Ok((table, key))
}
