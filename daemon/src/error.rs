//! What goes wrong in the daemon, and the one mapping to what clients see.
//!
//! An error has a code (which decides status, exit code and title), a text for people, perhaps a
//! hint, and the cause for the log. Causes never leave the daemon (ADR-0006).

use crate::db::is_serialization_failure;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use grove_core_api::ipc::RpcError;
use grove_core_api::rest::grants::MissingRight;
use grove_core_api::{ErrorCode, FieldError, Problem};
use sea_orm::{DbErr, RuntimeErr, SqlErr};
use std::fmt;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A failure on its way to the client and to the log.
#[derive(Debug)]
pub struct Error {
    problem: Box<Problem>,
    source: Option<Source>,
    is_serialization_failure: bool,
}

impl Error {
    /// Makes an error whose text clients may read.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            problem: Box::new(Problem::new(code, detail)),
            source: None,
            is_serialization_failure: false,
        }
    }

    /// A defect: clients get a constant text, the log gets this one.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        let cause: String = cause.into();
        Self::new(ErrorCode::Internal, INTERNAL).because(cause)
    }

    /// Nothing by that id that the caller may see.
    pub(crate) fn not_found(noun: &str, id: impl fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no {noun} `{id}`"))
    }

    /// A value of the request is wrong.
    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut error = Self::new(ErrorCode::InvalidRequest, format!("`{field}`: {message}"));
        error.problem.errors = vec![FieldError { field: field.to_owned(), message }];
        error
    }

    /// Adds what the person can do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.problem.hint = Some(hint.into());
        self
    }

    /// Adds what an ambiguous id may have meant.
    pub(crate) fn candidates(mut self, candidates: Vec<String>) -> Self {
        self.problem.candidates = candidates;
        self
    }

    /// Adds the right that is missing, and who can give it.
    pub(crate) fn missing(mut self, missing: MissingRight) -> Self {
        self.problem.missing = Some(Box::new(missing));
        self
    }

    /// Adds the cause, for the log only.
    pub(crate) fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The cause, when it is of this type.
    pub(crate) fn cause<T: std::error::Error + 'static>(&self) -> Option<&T> {
        self.source.as_ref().and_then(|it| it.downcast_ref())
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.problem.code
    }

    /// The text for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.problem.detail
    }

    /// The problem document, without a request id.
    #[must_use]
    pub fn into_problem(self) -> Problem {
        self.log();
        *self.problem
    }

    /// The same error for another caller of the same commit; the cause stays with the first.
    pub(crate) fn again(&self) -> Self {
        Self {
            problem: self.problem.clone(),
            source: self.source.as_ref().map(|it| it.to_string().into()),
            is_serialization_failure: self.is_serialization_failure,
        }
    }

    pub(crate) fn is_serialization_failure(&self) -> bool {
        self.is_serialization_failure
    }

    /// One line in the log for what is Grove's own fault or the machine's.
    fn log(&self) {
        let Some(source) = &self.source else { return };
        let mut chain = source.to_string();
        let mut next = source.source();
        while let Some(cause) = next {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            next = cause.source();
        }
        if self.code() == ErrorCode::Internal {
            tracing::error!(error.code = self.code().as_str(), error.chain = chain, "failed");
        } else {
            tracing::warn!(error.code = self.code().as_str(), error.chain = chain, "refused");
        }
    }
}

const INTERNAL: &str = "Grove could not finish the request; the log has the reason";

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|it| &**it as &(dyn std::error::Error + 'static))
    }
}

impl From<DbErr> for Error {
    fn from(source: DbErr) -> Self {
        if is_serialization_failure(&source) {
            let mut error =
                Self::new(ErrorCode::Conflict, "others changed the same at the same time")
                    .hint("send the request again")
                    .because(source);
            error.is_serialization_failure = true;
            return error;
        }
        if is_disk_full(&source) {
            return Self::new(ErrorCode::StorageFull, "the disk is full; nothing was stored")
                .hint("free some space on the file system of Grove's home, then try again")
                .because(source);
        }
        match source.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => {
                Self::new(ErrorCode::Conflict, "something of that name is there already")
                    .because(source)
            }
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => {
                Self::new(ErrorCode::Conflict, "it names something that is not there, or is in use")
                    .because(source)
            }
            _ if matches!(source, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => {
                Self::new(ErrorCode::Unavailable, "the database does not answer")
                    .hint("try again in a moment")
                    .because(source)
            }
            _ => Self::new(ErrorCode::Internal, INTERNAL).because(source),
        }
    }
}

/// `SQLITE_FULL`, `SQLITE_IOERR` for want of space, or PostgreSQL's 53100.
fn is_disk_full(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))
    | DbErr::Conn(RuntimeErr::SqlxError(source))) = error
    else {
        return false;
    };
    source.as_database_error().is_some_and(|it| {
        it.code().is_some_and(|code| code == "13" || code == "53100")
            || it.message().contains("database or disk is full")
    })
}

impl From<RpcError> for Error {
    fn from(error: RpcError) -> Self {
        let code = error.data.unwrap_or(ErrorCode::ExecutorFailed);
        Self::new(code, error.message)
    }
}

impl From<serde_json::Error> for Error {
    fn from(source: serde_json::Error) -> Self {
        Self::new(ErrorCode::Internal, INTERNAL).because(source)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), source: None, is_serialization_failure: false }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        problem_response(&self.problem)
    }
}

/// Writes a problem document; the request id is filled in by `http::request_id`.
pub(crate) fn problem_response(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
