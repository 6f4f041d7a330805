//! The protocol against a small service of the test's own.
