//! The log and what lies beside it: events, writer, tail, fold, results.
