//! Why a call came to nothing, as the caller sees it.

use grove_core_api::ErrorCode;
use grove_core_api::ipc::{RpcError, frame};

/// Why a call or notification came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The connection has ended, before or during the call.
    #[error("the connection has ended")]
    Closed,
    /// No answer came in time; the other side was told to stop.
    #[error("no answer within {0} ms")]
    Timeout(u64),
    /// Too many requests wait for an answer already.
    #[error("too many requests wait for an answer")]
    Busy,
    /// The line would be longer than the other side accepts.
    #[error("the message has {0} bytes, more than a line may have")]
    TooLarge(usize),
    /// The other side answered with an error.
    #[error(transparent)]
    Remote(RpcError),
    /// The parameters could not be written or the answer does not fit the method.
    #[error("the message does not fit the method: {0}")]
    Shape(String),
}

impl CallError {
    /// Says in one word what went wrong: nothing in it comes from the other side.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Timeout(_) => "timeout",
            Self::Busy => "busy",
            Self::TooLarge(_) => "too_large",
            Self::Shape(_) => "shape",
            Self::Remote(error) => reason(error),
        }
    }

    /// Returns the code that a client should see.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Closed | Self::Shape(_) => ErrorCode::ExecutorFailed,
            Self::Timeout(_) => ErrorCode::Timeout,
            Self::Busy => ErrorCode::Unavailable,
            Self::TooLarge(_) => ErrorCode::TooLarge,
            Self::Remote(error) => error.data.unwrap_or(match error.code {
                frame::BUSY => ErrorCode::Unavailable,
                frame::INVALID_PARAMS => ErrorCode::InvalidRequest,
                _ => ErrorCode::ExecutorFailed,
            }),
        }
    }
}

/// Says in one word what an error answer means: nothing in it is the other side's own text.
#[must_use]
pub fn reason(error: &RpcError) -> &'static str {
    if let Some(code) = error.data {
        return code.as_str();
    }
    match error.code {
        frame::METHOD_NOT_FOUND => "method_not_found",
        frame::INVALID_PARAMS => "invalid_params",
        frame::CANCELLED => "cancelled",
        frame::BUSY => "busy",
        frame::DENIED => "denied",
        _ => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_of_the_other_side_reaches_the_client() {
        let error = CallError::Remote(RpcError::failed(ErrorCode::BranchExists, "taken"));
        assert_eq!(error.code(), ErrorCode::BranchExists);
        assert_eq!(CallError::Closed.code(), ErrorCode::ExecutorFailed);
        let busy = CallError::Remote(RpcError::new(frame::BUSY, "busy"));
        assert_eq!(busy.code(), ErrorCode::Unavailable);
    }
}
