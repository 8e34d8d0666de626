//! One line of JSON-RPC 2.0: parse and print, nothing else.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// JSON-RPC: the line is not JSON.
pub const PARSE_ERROR: i32 = -32_700;
/// JSON-RPC: the line is JSON but no request, notification or answer.
pub const INVALID_REQUEST: i32 = -32_600;
/// JSON-RPC: no such method.
pub const METHOD_NOT_FOUND: i32 = -32_601;
/// JSON-RPC: the parameters do not fit the method.
pub const INVALID_PARAMS: i32 = -32_602;
/// Grove: the method failed; the message says how.
pub const FAILED: i32 = -32_000;
/// Grove: the caller cancelled the request.
pub const CANCELLED: i32 = -32_001;
/// Grove: too many requests wait already.
pub const BUSY: i32 = -32_002;
/// Grove: the token or the state does not permit it.
pub const DENIED: i32 = -32_003;

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} (JSON-RPC {code})")]
pub struct RpcError {
    /// One of the codes of this module.
    pub code: i32,
    /// What went wrong.
    pub message: String,
    /// Grove's own error code, when the failure has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<crate::ErrorCode>,
}

impl RpcError {
    /// Makes an error without a code of Grove's own.
    #[must_use]
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// Makes a failure that keeps its code all the way to the client.
    #[must_use]
    pub fn failed(data: crate::ErrorCode, message: impl Into<String>) -> Self {
        Self { code: FAILED, message: message.into(), data: Some(data) }
    }
}

/// One line, understood.
#[derive(Debug)]
pub enum Frame {
    /// A question.
    Request {
        /// Number that the answer carries.
        id: u64,
        /// The method.
        method: String,
        /// Its parameters, not yet read.
        params: Option<Box<RawValue>>,
    },
    /// A message without answer.
    Notification {
        /// The method.
        method: String,
        /// Its parameters, not yet read.
        params: Option<Box<RawValue>>,
    },
    /// An answer.
    Response {
        /// Number of the question.
        id: u64,
        /// Result or error.
        outcome: Result<Box<RawValue>, RpcError>,
    },
}

/// Why a line was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not JSON.
    #[error("the line is not JSON")]
    Parse,
    /// JSON, but neither request nor notification nor answer.
    #[error("the line is not JSON-RPC 2.0: {0}")]
    Invalid(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Incoming {
    jsonrpc: String,
    id: Option<u64>,
    method: Option<String>,
    params: Option<Box<RawValue>>,
    result: Option<Box<RawValue>>,
    error: Option<RpcError>,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RpcError>,
}

impl Frame {
    /// Reads one line (without its newline).
    ///
    /// # Errors
    /// `Parse` when it is not JSON, `Invalid` when it is no JSON-RPC 2.0 message of ours: batches,
    /// string ids and unknown members are refused.
    pub fn parse(line: &str) -> Result<Self, FrameError> {
        let incoming: Incoming = match serde_json::from_str(line) {
            Ok(incoming) => incoming,
            Err(error) if error.is_data() => {
                return Err(FrameError::Invalid("unexpected members"));
            }
            Err(_) => return Err(FrameError::Parse),
        };
        if incoming.jsonrpc != "2.0" {
            return Err(FrameError::Invalid("`jsonrpc` is not \"2.0\""));
        }
        match (incoming.id, incoming.method, incoming.result, incoming.error) {
            (Some(id), Some(method), None, None) => {
                Ok(Self::Request { id, method, params: incoming.params })
            }
            (None, Some(method), None, None) => {
                Ok(Self::Notification { method, params: incoming.params })
            }
            (Some(id), None, Some(result), None) => Ok(Self::Response { id, outcome: Ok(result) }),
            (Some(id), None, None, Some(error)) => Ok(Self::Response { id, outcome: Err(error) }),
            _ => Err(FrameError::Invalid("neither request, notification nor answer")),
        }
    }

    /// Prints the frame as one line without its newline.
    ///
    /// # Errors
    /// Only when serialisation itself fails, which these types cannot cause.
    pub fn print(&self) -> Result<String, serde_json::Error> {
        let mut line = Outgoing {
            jsonrpc: "2.0",
            id: None,
            method: None,
            params: None,
            result: None,
            error: None,
        };
        match self {
            Self::Request { id, method, params } => {
                line.id = Some(*id);
                line.method = Some(method);
                line.params = params.as_deref();
            }
            Self::Notification { method, params } => {
                line.method = Some(method);
                line.params = params.as_deref();
            }
            Self::Response { id, outcome } => {
                line.id = Some(*id);
                match outcome {
                    Ok(result) => line.result = Some(result),
                    Err(error) => line.error = Some(error),
                }
            }
        }
        serde_json::to_string(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(line: &str) -> String {
        Frame::parse(line).expect("valid").print().expect("prints")
    }

    #[test]
    fn frames_print_what_they_were_read_from() {
        for line in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","method":"event.ack","params":{"seq":4}}"#,
            r#"{"jsonrpc":"2.0","id":9,"result":{"a":[1,2]}}"#,
            r#"{"jsonrpc":"2.0","id":9,"error":{"code":-32601,"message":"no"}}"#,
        ] {
            assert_eq!(round(line), line);
        }
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        assert_eq!(Frame::parse("{").err(), Some(FrameError::Parse));
        for line in [
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":"x","method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"a","result":1}"#,
            r#"{"jsonrpc":"2.0","method":"a","extra":1}"#,
            "[]",
            "7",
        ] {
            assert!(matches!(Frame::parse(line), Err(FrameError::Invalid(_))), "{line}");
        }
    }
}
