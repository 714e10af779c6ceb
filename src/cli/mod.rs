//! The command line: clap types, one file a family of commands; human text and --json from the same value.
