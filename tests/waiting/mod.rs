//! Waits for what other threads and processes do.

#![allow(clippy::panic)]

use std::time::Duration;

/// Waits until something has come about, for a minute at most.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited a minute for {what}");
}
