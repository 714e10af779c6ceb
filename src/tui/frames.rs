//! How often frames come: seldom over SSH, more often right after a key, and as seldom as a slow terminal
//! needs it.

use std::time::Duration;

/// Frames a second: on this machine, and over SSH.
const FRAMES: (u64, u64) = (10, 4);
/// Frames a second right after a key: nobody waits for what they asked for.
const FRAMES_AFTER_KEY: (u64, u64) = (30, 12);
/// A terminal that takes longer than this for a frame gets fewer.
const SLOW: Duration = Duration::from_millis(50);
/// The longest rest that a slow terminal is given.
const LONGEST: Duration = Duration::from_secs(2);

/// The time between two frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames {
    remote: bool,
    rest: Duration,
}

impl Frames {
    /// For a terminal on this machine, or one over SSH.
    #[must_use]
    pub const fn new(remote: bool) -> Self {
        Self { remote, rest: Duration::ZERO }
    }

    /// How long after a frame the next may come; `asked` is whether a key asked for it.
    #[must_use]
    pub fn interval(&self, asked: bool) -> Duration {
        let (here, there) = if asked { FRAMES_AFTER_KEY } else { FRAMES };
        Duration::from_millis(1000 / if self.remote { there } else { here }).max(self.rest)
    }

    /// The terminal took so long for a frame: backs off from one that cannot keep up, and comes back when
    /// it can.
    pub fn took(&mut self, took: Duration) {
        self.rest = if took > SLOW { (took * 4).min(LONGEST) } else { self.rest / 2 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds between frames: usually, and after a key.
    fn both(frames: Frames) -> [u128; 2] {
        [false, true].map(|asked| frames.interval(asked).as_millis())
    }

    #[test]
    fn fewer_frames_go_over_ssh_and_more_come_after_a_key() {
        assert_eq!(both(Frames::new(false)), [100, 33]);
        assert_eq!(both(Frames::new(true)), [250, 83]);
    }

    #[test]
    fn a_slow_terminal_gets_fewer_until_it_keeps_up() {
        for remote in [false, true] {
            let usual = both(Frames::new(remote));
            let mut frames = Frames::new(remote);
            frames.took(Duration::from_millis(50));
            assert_eq!(both(frames), usual);
            frames.took(Duration::from_millis(100));
            assert_eq!(both(frames), [400, 400]);
            frames.took(Duration::from_mins(1));
            assert_eq!(both(frames), [2000, 2000]);
            for _ in 0..6 {
                frames.took(Duration::from_millis(1));
            }
            assert_eq!(both(frames), usual);
        }
    }
}
