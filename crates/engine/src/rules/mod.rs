//! Optimizer rules of our own, and the estimates they rest on.

pub(crate) mod cardinality;
