//! The tables `venue` and `category`.

use arrow::array::{ArrayRef, Int32Array};
use std::collections::HashSet;
use std::sync::Arc;

use super::words::{CITIES, HALL_KINDS, STADIUM_KINDS, VENUE_NAMES};
use super::{VENUES, int2, text};
use crate::rng::Rng;

/// Group, name and description; the id is the position, from 1.
pub const CATEGORIES: [(&str, &str, &str); 11] = [
    ("Sports", "MLB", "Major League Baseball"),
    ("Sports", "NHL", "National Hockey League"),
    ("Sports", "NFL", "National Football League"),
    ("Sports", "NBA", "National Basketball Association"),
    ("Sports", "MLS", "Major League Soccer"),
    ("Shows", "Musicals", "Musical theatre"),
    ("Shows", "Plays", "All non-musical theatre"),
    ("Shows", "Opera", "All opera and light opera"),
    ("Concerts", "Pop", "All rock and pop music concerts"),
    ("Concerts", "Jazz", "All jazz singers and bands"),
    (
        "Concerts",
        "Classical",
        "All symphony, concerto, and choir concerts",
    ),
];

/// Every third venue is a stadium, the others are halls.
pub fn is_stadium(venue: usize) -> bool {
    venue.is_multiple_of(3)
}

pub fn category() -> Vec<ArrayRef> {
    vec![
        int2(1..=CATEGORIES.len() as i64),
        text(CATEGORIES.iter().map(|c| c.0)),
        text(CATEGORIES.iter().map(|c| c.1)),
        text(CATEGORIES.iter().map(|c| c.2)),
    ]
}

pub fn venue() -> Vec<ArrayRef> {
    let mut rng = Rng::new(2);
    let mut taken = HashSet::new();
    let mut venues = Vec::with_capacity(VENUES);
    for i in 0..VENUES {
        let kinds = if is_stadium(i) {
            STADIUM_KINDS
        } else {
            HALL_KINDS
        };
        let name = loop {
            let name = format!("{} {}", rng.pick(VENUE_NAMES), rng.pick(kinds));
            if taken.insert(name.clone()) {
                break name;
            }
        };
        let (city, state) = rng.pick(&CITIES[..60]);
        // The seats of a hall are not on record.
        let seats = is_stadium(i).then(|| rng.range(160, 910) as i32 * 100);
        venues.push((name, city, state, seats));
    }
    vec![
        int2(1..=VENUES as i64),
        text(venues.iter().map(|v| v.0.as_str())),
        text(venues.iter().map(|v| v.1)),
        text(venues.iter().map(|v| v.2)),
        Arc::new(Int32Array::from_iter(venues.iter().map(|v| v.3))),
    ]
}
