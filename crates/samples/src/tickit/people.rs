//! The table `users`.

use arrow::array::ArrayRef;

use super::words::{CITIES, FIRST_NAMES, LAST_NAMES, MAIL_WORDS};
use super::{USERS, booleans, int4, text};
use crate::rng::Rng;

/// Number of columns that say what a person likes.
const LIKES: usize = 10;

struct User {
    first: &'static str,
    last: &'static str,
    city: &'static str,
    state: &'static str,
    email: String,
    phone: String,
    likes: [Option<bool>; LIKES],
}

pub fn users() -> Vec<ArrayRef> {
    let mut rng = Rng::new(1);
    let users: Vec<User> = (0..USERS).map(|_| user(&mut rng)).collect();
    let mut columns = vec![
        int4(1..=USERS as i64),
        text((0..USERS as u64).map(username)),
        text(users.iter().map(|u| u.first)),
        text(users.iter().map(|u| u.last)),
        text(users.iter().map(|u| u.city)),
        text(users.iter().map(|u| u.state)),
        text(users.iter().map(|u| u.email.as_str())),
        text(users.iter().map(|u| u.phone.as_str())),
    ];
    columns.extend((0..LIKES).map(|i| booleans(users.iter().map(move |u| u.likes[i]))));
    columns
}

fn user(rng: &mut Rng) -> User {
    let (city, state) = rng.pick(CITIES);
    let ending = rng.pick(&["com", "org", "edu", "net", "ca", "co.uk"]);
    let (a, b, c) = (
        rng.pick(MAIL_WORDS),
        rng.pick(MAIL_WORDS),
        rng.pick(MAIL_WORDS),
    );
    let email = if rng.chance(50) {
        format!("{a}@{b}{c}.{ending}")
    } else {
        format!("{a}.{b}@{c}.{ending}")
    };
    // Exchange 555 belongs to nobody.
    let phone = format!("({}) 555-{:04}", rng.range(201, 989), rng.range(0, 9_999));
    User {
        first: rng.pick(FIRST_NAMES),
        last: rng.pick(LAST_NAMES),
        city,
        state,
        email,
        phone,
        // Half of the questions were never answered.
        likes: std::array::from_fn(|_| rng.chance(50).then(|| rng.chance(60))),
    }
}

/// Three letters, two digits, three letters. Multiplying by a number without a common factor with
/// the count of all such names visits each name at most once, so that names are unique.
fn username(index: u64) -> String {
    const NAMES: u64 = 26u64.pow(6) * 100;
    let mut rest = (index + 1) * 10_007_435_861 % NAMES;
    let mut name = [0u8; 8];
    for (i, place) in name.iter_mut().enumerate() {
        let (base, zero) = if i == 3 || i == 4 {
            (10, b'0')
        } else {
            (26, b'A')
        };
        *place = zero + (rest % base) as u8;
        rest /= base;
    }
    name.iter().map(|&b| b as char).collect()
}
