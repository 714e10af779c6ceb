//! An own picture that asks: made small beside the terminal, to be shown with its answers. It stands in no
//! session.

use super::pictures::Loose;
use crate::ids::Digest;
use crate::machine::at_home;
use crate::tui::msg::{Msg, News};
use crate::tui::picture::small;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

/// A larger file is not read. Bytes.
const LARGEST: u64 = 256 << 20;

/// Has the picture of a question made small, where a file asks.
pub fn start(question: &Value, loose: Loose, messages: Sender<Msg>) {
    let (Some(id), Some(path)) = (question["id"].as_str(), question["image"].as_str()) else {
        return;
    };
    let (id, path) = (id.to_owned(), at_home(PathBuf::from(path)));
    std::thread::spawn(move || {
        // A picture that makes its decoder panic is one that is not there.
        let made = std::panic::catch_unwind(|| read(&path)).unwrap_or_default();
        if let Some(bytes) = made {
            let picture = Digest::of(&bytes);
            loose.put(bytes);
            let _ = messages.send(Msg::News(News::Seen(id, picture)));
        }
    });
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let file = std::fs::metadata(path).ok()?;
    // A device or a pipe may never end.
    if !file.is_file() || file.len() > LARGEST {
        return None;
    }
    small(&std::fs::read(path).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::mpsc::channel;

    #[test]
    fn a_file_that_asks_is_seen_and_a_text_is_not() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pictures");
        let (sender, messages) = channel();
        let loose = Loose::default();
        start(&json!({"id": "typed-1", "text": "a cat"}), loose.clone(), sender.clone());
        let gone = json!({"id": "typed-2", "image": root.join("none.png")});
        start(&gone, loose.clone(), sender.clone());
        let endless = json!({"id": "typed-4", "image": "/dev/zero"});
        start(&endless, loose.clone(), sender.clone());
        let there = json!({"id": "typed-3", "image": root.join("rgb-37x23.png")});
        start(&there, loose, sender);
        let found: Vec<Msg> = messages.iter().collect();
        assert!(
            matches!(&found[..], [Msg::News(News::Seen(id, _))] if id == "typed-3"),
            "{found:?}"
        );
    }
}
