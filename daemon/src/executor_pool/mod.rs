//! The executors of this daemon: one per live session, and one keeper per account that runs git.
//!
//! A session's unit (`unit`) is the one owner of its executor: it starts it when a prompt waits,
//! takes its events in order, notices its end, and ends it when it has been idle. After a restart
//! of the daemon, `Pool::recover` attaches to the executors that still live. Nothing here decides
//! what an event means: that is `sessions::service`.

mod budget;
mod connection;
mod disk;
mod ending;
mod keeper;
mod pool;
mod prompt;
mod said;
mod unit;
mod vouched;

pub(crate) use connection::monitor_failed;
pub(crate) use keeper::Keeper;
pub(crate) use pool::Pool;
