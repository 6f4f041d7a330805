//! The one source of randomness for keys, salts and generated passwords.

use rand::{Rng, RngCore};

/// `N` random bytes from the thread's cryptographic generator.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0u8; N];
    rand::rng().fill_bytes(&mut out);
    out
}

/// A random string of `len` characters out of `alphabet`.
pub fn string(len: usize, alphabet: &[u8]) -> String {
    let mut rng = rand::rng();
    (0..len)
        .map(|_| alphabet[rng.random_range(0..alphabet.len())] as char)
        .collect()
}
