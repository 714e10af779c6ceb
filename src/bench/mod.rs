//! Throughput of this machine: one case a number, the same cases as the PyTorch reference.
