//! Real and hostile guests against the host: limits, replay, search for bad records, isolation, uploads, compilation.
//!
//! The components come from `cargo x plugins`; without them every test fails and says so. Compiling goes through a
//! child process, as in production. Broken patches by the thousand are tested in `host-core`; here each kind comes out
//! of a real guest.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod abuse;
mod compiling;
mod formats;
mod uploads;
mod world;
