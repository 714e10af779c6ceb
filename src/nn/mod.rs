//! Differentiable blocks on candle: parameters, fused ops and their composed twins.
