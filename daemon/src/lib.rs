//! Grove's daemon: the process that serves the board, and the monitor that starts it.

pub mod privileged;
