//! What recipes will take, worked out by this program itself beside the terminal: one at a time, and of
//! orders that came meanwhile only the newest.

use super::Places;
use crate::recipe::Estimate;
use crate::tui::child::document;
use crate::tui::msg::{Msg, News};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Starts the thread; it ends when its orders do.
pub fn start(places: Places, messages: Sender<Msg>) -> Sender<Vec<String>> {
    let (sender, orders) = channel();
    std::thread::spawn(move || {
        while let Some(arguments) = newest(&orders) {
            let answer = document(&places, &arguments).and_then(|document| {
                serde_json::from_value::<Estimate>(document).map_err(|error| error.to_string())
            });
            let news = News::Estimated(arguments, answer.map(Box::new));
            if messages.send(Msg::News(news)).is_err() {
                return;
            }
        }
    });
    sender
}

/// The newest order, waited for where there is none.
fn newest(orders: &Receiver<Vec<String>>) -> Option<Vec<String>> {
    let first = orders.recv().ok()?;
    Some(orders.try_iter().last().unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_orders_the_newest_counts() {
        let (sender, orders) = channel();
        for word in ["a", "b", "c"] {
            sender.send(vec![word.to_owned()]).unwrap();
        }
        assert_eq!(newest(&orders), Some(vec!["c".to_owned()]));
        drop(sender);
        assert_eq!(newest(&orders), None);
    }
}
