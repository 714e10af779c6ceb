//! The samples of a run's machine, read on as they come: one log a segment.

use crate::session::names::{RunId, system_name};
use crate::session::system::SystemEvent;
use crate::session::tail::{Budget, LogTail};
use crate::tui::data::history::DeviceHistory;
use crate::tui::data::room::Room;
use std::path::{Path, PathBuf};

/// Reads the samples of a run.
#[derive(Debug)]
pub struct SampleTail {
    folder: PathBuf,
    run: RunId,
    segment: u32,
    tail: Option<LogTail<SystemEvent>>,
    history: DeviceHistory,
    room: Room,
}

impl SampleTail {
    /// From the first segment's beginning.
    pub fn new(folder: &Path, run: &RunId) -> Self {
        let (folder, run) = (folder.to_owned(), run.clone());
        let (history, room) = (DeviceHistory::default(), Room::default());
        Self { folder, run, segment: 1, tail: None, history, room }
    }

    /// The room for checkpoints, as far as samples were read.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// Reads on, up to the segment that is the newest. What cannot be read is left out: no run depends
    /// on it.
    pub fn poll(&mut self, newest: u32) -> &DeviceHistory {
        loop {
            if self.tail.is_none() {
                let path = self.folder.join(system_name(&self.run.run, self.segment));
                self.tail = LogTail::open_as(&path).ok();
            }
            if let Some(tail) = &mut self.tail {
                let (history, room) = (&mut self.history, &mut self.room);
                let _ = tail.poll(Budget::ALL, |record| {
                    if let SystemEvent::Sampled(sample) = record.event {
                        history.apply(record.time, &sample);
                        room.apply(record.time, &sample);
                    }
                });
            }
            if self.segment >= newest {
                return &self.history;
            }
            (self.segment, self.tail) = (self.segment + 1, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::header::Header;
    use crate::session::system::tests::sampled;
    use crate::session::{LogWriter, Time};

    #[test]
    fn samples_of_all_segments_are_read_and_a_segment_without_them_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let id = RunId {
            session: "20261124-100000-night-bbbbbb".parse().unwrap(),
            run: "clip-1".parse().unwrap(),
        };
        let write = |segment: u32, count: i64| {
            let path = folder.path().join(system_name(&id.run, segment));
            let header = Header::of_system(id.session.clone(), id.run.clone(), segment);
            let mut log = LogWriter::create(&path, &header, 1).unwrap();
            for at in 0..count {
                let time = Time::from_millis(at * 2000).unwrap();
                log.append_as::<SystemEvent>(time, sampled().into()).unwrap();
            }
        };
        let mut tail = SampleTail::new(folder.path(), &id);
        assert_eq!(tail.poll(1).samples, 0);
        write(1, 3);
        assert_eq!(tail.poll(1).samples, 3);
        write(3, 2);
        assert_eq!(tail.poll(3).samples, 5);
        assert_eq!(tail.poll(3).samples, 5);
    }
}
