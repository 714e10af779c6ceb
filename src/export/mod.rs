//! Session and results to JSON, CSV and charts.
