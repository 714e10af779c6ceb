//! One training step and its state: objectives, losses, optimizer, checkpoint.
