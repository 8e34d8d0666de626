//! Everything between a decision and a confined process.
//!
//! Used by the monitor, which starts executors with it, and by executors, which put what agents start
//! into a second, narrower place. Synchronous and single-threaded by design. Deliberately absent:
//! policy, requests, async, the network.

pub mod probe;
