//! This machine: processes, the monitor's start, probes for the doctor.
//!
//! Not here: the instance's own view of its health (`/readyz`).

pub(crate) mod monitor;
pub(crate) mod probe;
pub(crate) mod process;
mod sys;
