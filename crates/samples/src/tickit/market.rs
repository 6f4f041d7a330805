//! The tables `event`, `listing` and `sales`: what is on, what is offered, what is sold.

use arrow::array::ArrayRef;

use super::calendar::{DAYS, FIRST_DAY, FIRST_ID, NOVEMBER};
use super::places::is_stadium;
use super::words::{BANDS, MUSICALS, OPERAS, PLAYS};
use super::{EVENTS, LISTINGS, SALES, USERS, VENUES, int2, int4, money, text, timestamps};
use crate::rng::Rng;

/// Sales in November, as the documentation's own query of this sample counts them.
const NOVEMBER_SALES: usize = 14_261;
/// The house keeps 15 percent of a price.
const COMMISSION_PERCENT: i64 = 15;
const LAST_ID: i64 = FIRST_ID + DAYS - 1;
const DAY_SECONDS: i64 = 86_400;

struct Event {
    venue: i64,
    category: i64,
    date: i64,
    name: &'static str,
    start: i64,
}

struct Listing {
    seller: i64,
    event: i64,
    date: i64,
    tickets: i64,
    /// Cents for one ticket.
    price: i64,
    time: i64,
    /// Last day on which it can be sold: the one before the event.
    until: i64,
}

struct Sale {
    listing: usize,
    buyer: i64,
    date: i64,
    quantity: i64,
    /// Second of the day.
    time: i64,
}

fn midnight(date: i64) -> i64 {
    (FIRST_DAY + date - FIRST_ID) * DAY_SECONDS
}

fn events() -> Vec<Event> {
    const CURTAINS: [i64; 6] = [
        14 * 60,
        14 * 60 + 30,
        15 * 60,
        19 * 60,
        19 * 60 + 30,
        20 * 60,
    ];
    let mut rng = Rng::new(3);
    (0..EVENTS)
        .map(|_| {
            let venue = rng.range(0, VENUES as i64 - 1);
            let (category, names) = if is_stadium(venue as usize) {
                (9, BANDS)
            } else {
                match rng.range(0, 9) {
                    0..=4 => (6, MUSICALS),
                    5..=7 => (7, PLAYS),
                    _ => (8, OPERAS),
                }
            };
            let date = rng.range(FIRST_ID + 1, LAST_ID);
            Event {
                venue: venue + 1,
                category,
                date,
                name: rng.pick(names),
                start: midnight(date) + rng.pick(&CURTAINS) * 60,
            }
        })
        .collect()
}

fn listings() -> Vec<Listing> {
    let events = events();
    let mut rng = Rng::new(4);
    (0..LISTINGS)
        .map(|_| {
            let event = rng.range(0, EVENTS as i64 - 1);
            let until = events[event as usize].date - 1;
            let date = (until - rng.range(0, 59)).max(FIRST_ID);
            let tickets = match rng.range(0, 9) {
                0..=6 => rng.range(1, 8),
                7..=8 => rng.range(8, 20),
                _ => rng.range(20, 30),
            };
            Listing {
                seller: rng.range(1, USERS as i64),
                event: event + 1,
                date,
                tickets,
                price: if rng.chance(1) {
                    rng.range(500, 2_500) * 100
                } else {
                    rng.range(20, 500) * 100
                },
                // Sales start in the evening of the day at the earliest.
                time: midnight(date) + rng.range(0, DAY_SECONDS * 3 / 4),
                until,
            }
        })
        .collect()
}

/// Sales in the order of their listings: how often each listing is sold from is drawn first, so
/// that the total is exact.
fn sales(listings: &[Listing]) -> Vec<Sale> {
    let mut rng = Rng::new(5);
    let mut sold = vec![0i64; listings.len()];
    let mut drawn = 0;
    while drawn < SALES {
        let at = rng.range(0, listings.len() as i64 - 1) as usize;
        // At least one ticket for each sale.
        if sold[at] < listings[at].tickets {
            sold[at] += 1;
            drawn += 1;
        }
    }
    let mut sales = Vec::with_capacity(SALES);
    for (at, listing) in listings.iter().enumerate() {
        let mut left = listing.tickets;
        for more in (0..sold[at]).rev() {
            let quantity = rng.range(1, 4).min(left - more);
            left -= quantity;
            let mut buyer = rng.range(1, USERS as i64 - 1);
            if buyer >= listing.seller {
                buyer += 1;
            }
            sales.push(Sale {
                listing: at,
                buyer,
                date: rng.range(listing.date, listing.until),
                quantity,
                time: rng.range(DAY_SECONDS * 3 / 4, DAY_SECONDS - 1),
            });
        }
    }
    settle_november(&mut sales, listings);
    sales
}

/// Moves sales into or out of November, within the time their listing was open, until the count of
/// November is the documented one.
fn settle_november(sales: &mut [Sale], listings: &[Listing]) {
    let (first, last) = (*NOVEMBER.start(), *NOVEMBER.end());
    let mut count = sales.iter().filter(|s| NOVEMBER.contains(&s.date)).count();
    for sale in sales {
        let listing = &listings[sale.listing];
        if count == NOVEMBER_SALES {
            return;
        }
        if count > NOVEMBER_SALES && NOVEMBER.contains(&sale.date) {
            if listing.date < first {
                sale.date = first - 1;
                count -= 1;
            } else if listing.until > last {
                sale.date = last + 1;
                count -= 1;
            }
        } else if count < NOVEMBER_SALES && !NOVEMBER.contains(&sale.date) {
            let day = listing.date.max(first);
            if day <= listing.until.min(last) {
                sale.date = day;
                count += 1;
            }
        }
    }
}

pub fn event_columns() -> Vec<ArrayRef> {
    let events = events();
    vec![
        int4(1..=EVENTS as i64),
        int2(events.iter().map(|e| e.venue)),
        int2(events.iter().map(|e| e.category)),
        int2(events.iter().map(|e| e.date)),
        text(events.iter().map(|e| e.name)),
        timestamps(events.iter().map(|e| e.start)),
    ]
}

pub fn listing_columns() -> Vec<ArrayRef> {
    let listings = listings();
    vec![
        int4(1..=LISTINGS as i64),
        int4(listings.iter().map(|l| l.seller)),
        int4(listings.iter().map(|l| l.event)),
        int2(listings.iter().map(|l| l.date)),
        int2(listings.iter().map(|l| l.tickets)),
        money(listings.iter().map(|l| l.price)),
        money(listings.iter().map(|l| l.price * l.tickets)),
        timestamps(listings.iter().map(|l| l.time)),
    ]
}

pub fn sales_columns() -> Vec<ArrayRef> {
    let listings = listings();
    let sales = sales(&listings);
    let paid = |s: &Sale| listings[s.listing].price * s.quantity;
    vec![
        int4(1..=SALES as i64),
        int4(sales.iter().map(|s| s.listing as i64 + 1)),
        int4(sales.iter().map(|s| listings[s.listing].seller)),
        int4(sales.iter().map(|s| s.buyer)),
        int4(sales.iter().map(|s| listings[s.listing].event)),
        int2(sales.iter().map(|s| s.date)),
        int2(sales.iter().map(|s| s.quantity)),
        money(sales.iter().map(paid)),
        money(sales.iter().map(|s| paid(s) * COMMISSION_PERCENT / 100)),
        timestamps(sales.iter().map(|s| midnight(s.date) + s.time)),
    ]
}
