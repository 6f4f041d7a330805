//! Counting distinct values: exactly while they are few, by HyperLogLog once they are many.
//!
//! Own code, because every value of every load passes here: the library at hand hashes value by value
//! through `std::hash::Hash`, which was a twelfth of what a load cost.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// The first byte of the stored form.
const FEW: u8 = 0xE1;
const MANY: u8 = 0xE2;

const INDEX_BITS: u32 = 12;
const REGISTERS: usize = 1 << INDEX_BITS;
/// Hashes that are kept one by one; they take no more room than the registers then.
const KEPT: usize = 512;

/// A sketch of a set of hashed values.
#[derive(Debug, Clone)]
pub(crate) enum Distinct {
    /// All hashes.
    Few(HashSet<u64, BuildHasherDefault<Identity>>),
    /// For each of the hashes' first bits the longest run of zeros behind them, plus one.
    Many(Box<[u8; REGISTERS]>),
}

/// Hashes are their own hashes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash_bytes(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Default for Distinct {
    fn default() -> Self {
        Distinct::Few(HashSet::default())
    }
}

/// The hash of a number: the finalizer of splitmix64. Stored sketches depend on it.
#[inline]
pub(crate) fn hash_u64(value: u64) -> u64 {
    let mut x = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// The hash of a text, eight bytes at a time. Stored sketches depend on it.
#[inline]
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    let mut step = |word: u64| {
        hash = (hash.rotate_left(23) ^ word).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash ^= hash >> 32;
    };
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        step(u64::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        let mut last = [0u8; 8];
        last[..rest.len()].copy_from_slice(rest);
        step(u64::from_le_bytes(last));
    }
    hash_u64(hash)
}

impl Distinct {
    /// Takes a value's hash.
    #[inline]
    pub(crate) fn add(&mut self, hash: u64) {
        match self {
            Distinct::Many(registers) => raise(registers, hash),
            Distinct::Few(hashes) => {
                hashes.insert(hash);
                if hashes.len() > KEPT {
                    *self = Distinct::Many(self.registers());
                }
            }
        }
    }

    /// Takes the hashes of many values.
    #[inline]
    pub(crate) fn extend(&mut self, hashes: impl Iterator<Item = u64>) {
        let mut hashes = hashes;
        while let Distinct::Few(_) = self {
            match hashes.next() {
                Some(hash) => self.add(hash),
                None => return,
            }
        }
        if let Distinct::Many(registers) = self {
            hashes.for_each(|hash| raise(registers, hash));
        }
    }

    /// Takes all that another sketch has seen.
    pub(crate) fn merge(&mut self, other: &Distinct) {
        match (&mut *self, other) {
            (_, Distinct::Few(theirs)) => self.extend(theirs.iter().copied()),
            (Distinct::Many(mine), Distinct::Many(theirs)) => {
                for (a, b) in mine.iter_mut().zip(theirs.iter()) {
                    *a = (*a).max(*b);
                }
            }
            (Distinct::Few(mine), Distinct::Many(theirs)) => {
                let mut all = theirs.clone();
                mine.iter().for_each(|hash| raise(&mut all, *hash));
                *self = Distinct::Many(all);
            }
        }
    }

    fn registers(&self) -> Box<[u8; REGISTERS]> {
        match self {
            Distinct::Many(registers) => registers.clone(),
            Distinct::Few(hashes) => {
                let mut registers = Box::new([0; REGISTERS]);
                hashes.iter().for_each(|hash| raise(&mut registers, *hash));
                registers
            }
        }
    }

    /// How many values there were.
    pub(crate) fn estimate(&self) -> u64 {
        match self {
            Distinct::Few(hashes) => hashes.len() as u64,
            Distinct::Many(registers) => estimate(registers).round() as u64,
        }
    }

    /// The stored form.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Distinct::Few(hashes) => {
                let mut sorted: Vec<u64> = hashes.iter().copied().collect();
                sorted.sort_unstable();
                let mut out = vec![FEW];
                out.extend(sorted.iter().flat_map(|hash| hash.to_le_bytes()));
                out
            }
            Distinct::Many(registers) => {
                let mut out = vec![MANY];
                out.extend_from_slice(registers.as_slice());
                out
            }
        }
    }

    /// Reads the stored form; `None` if it is none.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Distinct> {
        let (kind, rest) = bytes.split_first()?;
        match *kind {
            FEW => {
                let (hashes, more) = rest.as_chunks::<8>();
                let all = hashes.iter().map(|hash| u64::from_le_bytes(*hash));
                more.is_empty().then(|| Distinct::Few(all.collect()))
            }
            MANY => Some(Distinct::Many(Box::new(rest.try_into().ok()?))),
            _ => None,
        }
    }
}

#[inline]
fn raise(registers: &mut [u8; REGISTERS], hash: u64) {
    let index = (hash >> (64 - INDEX_BITS)) as usize;
    // The bit behind the last one ends the run.
    let run = ((hash << INDEX_BITS) | (1 << (INDEX_BITS - 1))).leading_zeros() as u8 + 1;
    let register = &mut registers[index];
    if run > *register {
        *register = run;
    }
}

/// Ertl's estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017,
/// algorithm 6), which needs no tables and has no range where it is biased.
fn estimate(registers: &[u8; REGISTERS]) -> f64 {
    let longest = (64 - INDEX_BITS) as usize;
    let mut counts = [0usize; 64];
    for register in registers {
        counts[usize::from(*register).min(longest + 1)] += 1;
    }
    let m = REGISTERS as f64;
    let mut z = m * tau(1.0 - counts[longest + 1] as f64 / m);
    for k in (1..=longest).rev() {
        z = 0.5 * (z + counts[k] as f64);
    }
    z += m * sigma(counts[0] as f64 / m);
    m * m / (2.0 * std::f64::consts::LN_2) / z
}

fn sigma(x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut x, mut y, mut z) = (x, 1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut x, mut y, mut z) = (x, 1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: std::ops::Range<u64>) -> Distinct {
        let mut sketch = Distinct::default();
        sketch.extend(values.map(hash_u64));
        sketch
    }

    #[test]
    fn few_are_exact_and_many_are_near() {
        assert_eq!(of(0..0).estimate(), 0);
        assert_eq!(of(0..500).estimate(), 500);
        for n in [600, 2_000, 10_000, 100_000, 3_000_000] {
            let error = of(0..n).estimate() as f64 / n as f64 - 1.0;
            // Three standard errors of 4096 registers.
            assert!(error.abs() < 0.049, "{n}: {error}");
        }
        let mut texts = Distinct::default();
        texts.extend((0..200_000).map(|i| hash_bytes(format!("text {i}").as_bytes())));
        let error = texts.estimate() as f64 / 200_000.0 - 1.0;
        assert!(error.abs() < 0.049, "texts: {error}");
    }

    #[test]
    fn merging_is_seeing_both() {
        for (a, b) in [
            (0..300, 200..400),
            (0..300, 100..9_000),
            (0..9_000, 8_000..20_000),
        ] {
            let mut both = of(a.clone());
            both.merge(&of(b.clone()));
            let union = of(a.start..b.end);
            assert_eq!(both.estimate(), union.estimate());
            let mut other = of(b);
            other.merge(&of(a));
            assert_eq!(other.to_bytes(), both.to_bytes());
        }
    }

    #[test]
    fn the_stored_form_reads_back() {
        for sketch in [of(0..0), of(0..7), of(0..5_000)] {
            let bytes = sketch.to_bytes();
            let read = Distinct::from_bytes(&bytes).unwrap();
            assert_eq!(read.estimate(), sketch.estimate());
            assert_eq!(read.to_bytes(), bytes);
        }
        assert!(Distinct::from_bytes(&[]).is_none());
        assert!(Distinct::from_bytes(&[FEW, 1]).is_none());
        assert!(Distinct::from_bytes(&[MANY, 1]).is_none());
        assert!(Distinct::from_bytes(&[2, 0, 0]).is_none());
    }
}
