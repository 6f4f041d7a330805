//! Nothing but dependencies: every library of the workspace with all the features anybody uses. A
//! crate built alone would choose fewer features and build the libraries again; with
//! `cargo test --release -p lw-catalog -p workspace-hack` it does not.
