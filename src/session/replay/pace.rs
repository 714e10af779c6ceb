//! How long a session takes to look at: as long as it took, but for stretches in which nothing was
//! recorded, which are cut down to a few seconds.

use super::timeline::{Entries, Kind};

/// Longest stretch without entries that is shown as long as it was. Milliseconds; a runner says
/// something every ten seconds.
const QUIET: i64 = 15_000;

/// What is left of a longer one, before a record of a run. Milliseconds.
const LEFT: i64 = 10_000;

/// The same before an action at the terminal: whoever looked for an hour did not run for an hour.
const LEFT_ACTION: i64 = 2_000;

/// Cuts of at least so much are told of. Milliseconds.
const LONG: i64 = 60_000;

/// A stretch that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    from: i64,
    to: i64,
    /// Milliseconds left out before it.
    before: i64,
}

/// From moments to how long one has watched when they come, and back. Both in milliseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    start: i64,
    cuts: Vec<Cut>,
}

impl Pace {
    /// Reads entries from a place on; what was known of them is forgotten.
    pub fn read(&mut self, entries: &impl Entries, from: usize) {
        self.start = entries.time(0).millis();
        let first = from.max(1);
        let mut last = entries.time(first - 1).millis();
        let known = self.cuts.partition_point(|cut| cut.to <= last);
        self.cuts.truncate(known);
        let mut before = self.cuts.last().map_or(0, |cut| cut.before + cut.to - cut.from);
        for at in first..entries.len() {
            let now = entries.time(at).millis();
            let (quiet, left) = match entries.kind(at) {
                Kind::Scrub => (0, 0),
                Kind::Action | Kind::Mark => (LEFT_ACTION, LEFT_ACTION),
                _ => (QUIET, LEFT),
            };
            if now - last > quiet {
                let cut = Cut { from: last, to: now - left, before };
                before += cut.to - cut.from;
                self.cuts.push(cut);
            }
            last = now;
        }
    }

    /// How long one has watched at a moment.
    pub fn shown(&self, millis: f64) -> f64 {
        let at = self.cuts.partition_point(|cut| (cut.from as f64) < millis);
        let out = at.checked_sub(1).and_then(|at| self.cuts.get(at)).map_or(0.0, |cut| {
            cut.before as f64 + (millis - cut.from as f64).min((cut.to - cut.from) as f64)
        });
        millis - self.start as f64 - out
    }

    /// The moment one sees after having watched so long; of a cut, its beginning.
    pub fn moment(&self, shown: f64) -> f64 {
        let place = |cut: &Cut| (cut.from - self.start - cut.before) as f64;
        let at = self.cuts.partition_point(|cut| place(cut) < shown);
        let out = at
            .checked_sub(1)
            .and_then(|at| self.cuts.get(at))
            .map_or(0, |cut| cut.before + cut.to - cut.from);
        shown + (self.start + out) as f64
    }

    /// Where long stretches are left out: how long one has watched when they come.
    pub fn gaps(&self) -> impl Iterator<Item = f64> {
        let long = self.cuts.iter().filter(|cut| cut.to - cut.from >= LONG);
        long.map(|cut| (cut.from - self.start - cut.before) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Time;
    use crate::session::event::Heartbeat;
    use crate::session::record::Record;
    use crate::session::replay::Entry;
    use crate::session::sitting::Acted;

    fn acted(millis: i64, screen: &str) -> Entry {
        let acted = Acted {
            action: "down".into(),
            screen: Some(screen.into()),
            with: serde_json::Map::default(),
        };
        Entry::Sitting(1, Record::of(1, Time::from_millis(millis).unwrap(), acted.into()))
    }

    fn beat(millis: i64) -> Entry {
        let time = Time::from_millis(millis).unwrap();
        Entry::Run("tiny-1".parse().unwrap(), Record::new(1, time, Heartbeat {}))
    }

    /// A run of 20 s, four days of nothing, a look at it, and scrubbing.
    #[test]
    fn days_of_nothing_and_scrubbing_take_no_room() {
        const DAY: i64 = 86_400_000;
        let entries = vec![
            beat(1_000),
            beat(11_000),
            beat(21_000),
            acted(4 * DAY, "inspect"),
            acted(4 * DAY + 500, "inspect"),
            acted(4 * DAY + 60_000, "replay"),
            acted(5 * DAY, "replay"),
            beat(9 * DAY),
        ];
        let mut pace = Pace::default();
        pace.read(&entries, 0);
        let shown: Vec<f64> =
            entries.iter().map(|entry| pace.shown(entry.time().millis() as f64)).collect();
        let expected = [0.0, 10_000.0, 20_000.0, 22_000.0, 22_500.0, 22_500.0, 22_500.0, 32_500.0];
        assert_eq!(shown, expected);
        assert_eq!(pace.gaps().count(), 3);
        for at in [0.0, 5_000.0, 20_500.0, 21_999.0, 22_250.0, 30_000.0] {
            assert!((pace.shown(pace.moment(at)) - at).abs() < 1e-3, "{at}");
        }
        // In the middle of a cut one has watched as long as at its beginning.
        assert_eq!(pace.shown((2 * DAY) as f64), 20_000.0);
        // Read again from any place, it says the same.
        for from in 0..entries.len() {
            let mut again = pace.clone();
            again.read(&entries, from);
            assert_eq!(again.cuts, pace.cuts, "{from}");
        }
    }
}
