//! Keyed random streams: no generator has a state to lose.
//!
//! A [`Key`] is a path such as (seed, stage, step, item, layer, site). Equal paths give equal
//! numbers, so a resumed run, a micro-batch and a recomputed activation draw what the plain step
//! drew. Mixing is SplitMix64's finaliser (Steele, Lea and Flood 2014), applied at every step of
//! the path; streams count from their key.

/// A place in the tree of random numbers. Cheap to copy; derive children with [`Key::child`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u64);

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

impl Key {
    /// The root of all streams of one seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(mix(seed.wrapping_add(GOLDEN)))
    }

    /// The key below this one with that number.
    #[must_use]
    pub const fn child(self, number: u64) -> Self {
        Self(mix(self.0 ^ mix(number.wrapping_add(GOLDEN)).rotate_left(17)).wrapping_add(GOLDEN))
    }

    /// The key below this one with that name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        name.bytes()
            .fold(self.child(name.len() as u64 ^ (1 << 63)), |key, byte| key.child(u64::from(byte)))
    }

    /// The 64 bits of this key: the start of a counted sequence (see [`bits_at`]).
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// A stream of numbers that starts at this key.
    #[must_use]
    pub const fn stream(self) -> Stream {
        Stream { key: self.0, count: 0 }
    }
}

/// The `index`-th 32 random bits below `key`: stateless, so a mask can be drawn again at any place.
/// A 32-bit mixer (Wellons' lowbias32 constants), because it vectorises; `index` under 2^32.
#[inline(always)]
#[must_use]
pub const fn bits_at(key: u64, index: u32) -> u32 {
    let mut x = index.wrapping_mul(0x9E37_79B9).wrapping_add(key as u32);
    x ^= x >> 16;
    x = x.wrapping_mul(0x7FEB_352D).wrapping_add((key >> 32) as u32);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846C_A68B);
    x ^ (x >> 16)
}

/// Numbers drawn one after the other from one key.
#[derive(Clone, Debug)]
pub struct Stream {
    key: u64,
    count: u64,
}

impl Stream {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.count += 1;
        mix(self.key.wrapping_add(self.count.wrapping_mul(GOLDEN)))
    }

    /// Uniform in [0, 1), 24 bits.
    pub fn uniform(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Uniform in 0..n, without bias (Lemire 2019). `n` must not be 0.
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        loop {
            let wide = u128::from(self.bits()) * u128::from(n);
            if (wide as u64) >= n.wrapping_neg() % n {
                return (wide >> 64) as usize;
            }
        }
    }

    /// Standard normal (Box and Muller 1958; the second number of each pair is not kept).
    pub fn normal(&mut self) -> f32 {
        let u = ((self.bits() >> 11) as f64 + 1.0) / (1u64 << 53) as f64;
        let v = (self.bits() >> 11) as f64 / (1u64 << 53) as f64;
        ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
    }

    /// Shuffles in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_paths_give_equal_numbers_and_others_do_not() {
        let path = |step| Key::new(7).named("clip").child(step).stream().bits();
        assert_eq!(path(3), path(3));
        assert_ne!(path(3), path(4));
        assert_ne!(Key::new(1).named("ab").bits(), Key::new(1).named("ba").bits());
        assert_ne!(Key::new(1).child(2).child(3).bits(), Key::new(1).child(3).child(2).bits());
    }

    #[test]
    fn normals_have_mean_zero_and_variance_one() {
        let mut stream = Key::new(0).stream();
        let draws: Vec<f64> = (0..100_000).map(|_| f64::from(stream.normal())).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }

    #[test]
    fn counted_bits_are_uniform_in_every_position() {
        let mut ones = [0u32; 32];
        for index in 0..20_000 {
            let bits = bits_at(Key::new(5).bits(), index);
            for (bit, count) in ones.iter_mut().enumerate() {
                *count += (bits >> bit) & 1;
            }
        }
        assert!(ones.iter().all(|&count| (9_600..10_400).contains(&count)), "{ones:?}");
    }

    #[test]
    fn shuffling_keeps_every_item_and_below_reaches_every_number() {
        let mut items: Vec<usize> = (0..50).collect();
        Key::new(1).stream().shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
        let mut stream = Key::new(2).stream();
        let seen: std::collections::BTreeSet<_> = (0..200).map(|_| stream.below(7)).collect();
        assert_eq!(seen.len(), 7);
    }
}
