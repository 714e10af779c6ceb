//! Anything that turns text or pictures into embeddings: encoders, their cards, embedding tables.
