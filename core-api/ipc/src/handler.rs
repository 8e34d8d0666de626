//! What one side does with the calls of the other, and helpers to read and answer them typed.

use grove_core_api::ipc::{Method, RpcError, frame};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::future::Future;

/// Parameters or a result, not yet read.
pub type Raw = Box<RawValue>;

/// Answers the calls of the other side.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request. Several run at once, all on the driver's task; the future is dropped when
    /// the caller cancels or the connection ends, so it must be cancel safe or spawn its work.
    fn request(
        &self,
        method: &str,
        params: Option<Raw>,
    ) -> impl Future<Output = Result<Raw, RpcError>> + Send;

    /// Takes one notification: in order, one at a time. Nothing more is read than the next
    /// notification while it runs, so it must not wait for an answer on the same connection.
    fn notification(&self, method: &str, params: Option<Raw>) -> impl Future<Output = ()> + Send;
}

/// Reads parameters; absent ones count as `{}`.
///
/// # Errors
/// `INVALID_PARAMS` when they do not fit, unknown members included.
pub fn params<P: DeserializeOwned>(raw: Option<Raw>) -> Result<P, RpcError> {
    let text = raw.as_ref().map_or("{}", |raw| raw.get());
    serde_json::from_str(text)
        .map_err(|error| RpcError::new(frame::INVALID_PARAMS, format!("invalid params: {error}")))
}

/// Writes an answer.
///
/// # Errors
/// `FAILED` when it cannot be written as JSON.
pub fn answer<A: Serialize>(answer: &A) -> Result<Raw, RpcError> {
    serde_json::value::to_raw_value(answer)
        .map_err(|error| RpcError::new(frame::FAILED, format!("failed to write answer: {error}")))
}

/// Reads the parameters of method `M`, runs `work` and writes its answer.
///
/// # Errors
/// `INVALID_PARAMS` when the parameters do not fit; otherwise what `work` answers.
pub async fn call<M, W, F>(raw: Option<Raw>, work: W) -> Result<Raw, RpcError>
where
    M: Method,
    W: FnOnce(M) -> F,
    F: Future<Output = Result<M::Answer, RpcError>>,
{
    answer(&work(params::<M>(raw)?).await?)
}

/// The error for a method that nobody knows.
#[must_use]
pub fn method_not_found(method: &str) -> RpcError {
    let name: String = method.chars().take(64).collect();
    RpcError::new(frame::METHOD_NOT_FOUND, format!("no method `{name}`"))
}
