//! Fused f32 kernels for the processor, each with a hand-written backward. The composed twins in
//! `nn::twin` say what they must compute.
//!
//! A kernel is arithmetic on slices ([`node::Kernel`]); [`node::apply`] ties it into candle's
//! graph. Kernels share their parts, so a whole sub-layer ([`block`]) is one node of the graph:
//! candle adds every returned gradient to a fresh zero on one thread, which is a good part of a
//! step when every small op is a node.
//!
//! Results do not depend on the number of threads: work is cut into pieces of fixed size, each
//! piece is computed by one thread, and partial sums are combined in index order.

// Vector instructions chosen at run time, the matrix product's raw pointers and threads that
// write disjoint columns of one matrix cannot be said in safe Rust. Nothing else here is unsafe.
#![allow(unsafe_code)]

/// Which vector instructions this processor has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Wide,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Narrow,
    /// What every processor of this architecture has.
    Base,
}

/// Detected once by the standard library, then read from a static.
pub(super) fn level() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("fma")
        {
            return Level::Wide;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Level::Narrow;
        }
    }
    Level::Base
}

/// A function whose body is compiled once for each [`Level`] and chosen at run time. The body may
/// call `#[inline(always)]` functions only, or they miss the vector instructions.
macro_rules! simd {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
            fn wide($($arg: $ty),*) $(-> $ret)? {
                body($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn narrow($($arg: $ty),*) $(-> $ret)? {
                body($($arg),*)
            }

            match $crate::nn::kernel::level() {
                // SAFETY: the level says that the processor has every feature that is enabled.
                #[cfg(target_arch = "x86_64")]
                $crate::nn::kernel::Level::Wide => unsafe { wide($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::nn::kernel::Level::Narrow => unsafe { narrow($($arg),*) },
                $crate::nn::kernel::Level::Base => body($($arg),*),
            }
        }
    };
}

pub(super) mod activation;
pub(super) mod adamw;
pub(super) mod attention;
pub(super) mod block;
mod columns;
pub(super) mod linear;
pub(super) mod loss;
mod math;
pub(super) mod node;
pub(super) mod norm;
mod product;
pub(super) mod rope;
pub(super) mod rows;
