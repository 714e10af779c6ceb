//! How it happens: joins data, train, encode and eval with the session log.
