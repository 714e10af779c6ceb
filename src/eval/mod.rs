//! Pure arithmetic on slices: scores, ranks, recall, intervals, tests. No candle here.
