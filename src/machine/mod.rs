//! What this computer has and does now.
