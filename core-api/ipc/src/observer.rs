//! Whoever sees every call of a connection, in both directions.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// Which way a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// This side asks.
    Outgoing,
    /// The other side asks.
    Incoming,
}

/// A request before it is made or worked on.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// The method; what the other side wrote when it asks, so perhaps none of the table.
    pub method: &'a str,
    /// Its parameters as JSON without secrets; absent when nobody knows what in them is secret.
    pub params: Option<&'a str>,
    /// Bytes of the parameters on the wire.
    pub bytes: usize,
}

/// Resolves when the call may go on; `None` when no call may be made any more.
pub type Begin<'a> = Pin<Box<dyn Future<Output = Option<Box<dyn Ending>>> + Send + 'a>>;

/// Sees every call of a connection.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Takes note of a request. The request waits until it is done.
    fn begin<'a>(&'a self, call: Call<'a>) -> Begin<'a>;

    /// Counts a notification.
    fn notification(&self, direction: Direction, method: &str, bytes: usize);

    /// Whether [`Call::params`] is to be filled in.
    fn wants_params(&self) -> bool {
        true
    }
}

/// Takes note of how a request ended. One that is dropped was given up by whoever asked.
pub trait Ending: Send {
    /// The request has ended: `ok`, or the reason in one word.
    fn end(self: Box<Self>, outcome: &'static str);
}

/// Takes note of nothing: for executors, whose calls the daemon sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Ending for Unobserved {
    fn end(self: Box<Self>, _outcome: &'static str) {}
}

impl Observer for Unobserved {
    fn begin<'a>(&'a self, _call: Call<'a>) -> Begin<'a> {
        Box::pin(std::future::ready(Some(Box::new(Self) as Box<dyn Ending>)))
    }

    fn notification(&self, _direction: Direction, _method: &str, _bytes: usize) {}

    fn wants_params(&self) -> bool {
        false
    }
}
