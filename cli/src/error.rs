//! What can go wrong, with the exit code and what to do about it.
//!
//! Each error has a hint. Problems of the API keep their document, which `--json` prints as it came.

use grove_core_api::{ErrorCode, Problem};
use std::io;

/// Exit codes of `grove`; they are part of its interface (`docs/cli.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It was done.
    Done,
    /// A defect in Grove.
    Defect,
    /// The arguments or a value are not valid.
    Usage,
    /// No such thing.
    NotFound,
    /// It conflicts with the present state.
    Conflict,
    /// Something that is needed does not answer or is missing.
    Unavailable,
    /// No instance runs.
    NotRunning,
    /// Ctrl-C while waiting.
    Interrupted,
    /// As the API's table says.
    Api(ErrorCode),
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Defect => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Conflict => 5,
            Self::Unavailable => 7,
            Self::NotRunning => 8,
            Self::Interrupted => 130,
            Self::Api(code) => code.exit_code(),
        }
    }

    const fn error_code(self) -> ErrorCode {
        match self {
            Self::Done | Self::Defect => ErrorCode::Internal,
            Self::Usage => ErrorCode::InvalidRequest,
            Self::NotFound => ErrorCode::NotFound,
            Self::Conflict => ErrorCode::Conflict,
            Self::Unavailable | Self::NotRunning | Self::Interrupted => ErrorCode::Unavailable,
            Self::Api(code) => code,
        }
    }
}

/// An error, ready to be shown.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) exit: Exit,
    pub(crate) problem: Box<Problem>,
}

impl CliError {
    pub(crate) fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let problem = Problem::new(exit.error_code(), message).with_hint(hint);
        Self { exit, problem: Box::new(problem) }
    }

    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message, hint)
    }

    pub(crate) fn defect(message: impl Into<String>) -> Self {
        Self::new(Exit::Defect, message, "This is a defect in Grove; please report it.")
    }

    /// Takes over what the API answered; adds a hint where it gave none.
    pub(crate) fn api(mut problem: Problem) -> Self {
        let hint = problem.hint.take().unwrap_or_else(|| default_hint(problem.code).to_owned());
        problem.hint = Some(hint);
        Self { exit: Exit::Api(problem.code), problem: Box::new(problem) }
    }

    /// A file or directory of Grove's home could not be used.
    pub(crate) fn home(what: &str, path: &std::path::Path, error: &io::Error) -> Self {
        Self::new(
            Exit::Unavailable,
            format!("failed to {what} {}: {error}", path.display()),
            "Choose a directory that you can write with --home or GROVE_HOME.",
        )
    }
}

const fn default_hint(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidRequest
        | ErrorCode::InvalidJson
        | ErrorCode::UnsupportedMediaType
        | ErrorCode::MethodNotAllowed
        | ErrorCode::TooLarge => "Check the values; `grove help` lists what each command takes.",
        ErrorCode::Unauthenticated | ErrorCode::Forbidden => {
            "Sign in, or ask somebody who may do this."
        }
        ErrorCode::NotFound | ErrorCode::Gone => "List what there is with the `ls` command.",
        ErrorCode::AmbiguousId => "Write more digits of the id.",
        ErrorCode::Conflict | ErrorCode::PreconditionFailed | ErrorCode::IdempotencyMismatch => {
            "Look at its present state with the `show` command, then try again."
        }
        ErrorCode::Elsewhere => "Ask the daemon that it names: --url or GROVE_URL.",
        ErrorCode::RateLimited => "Wait a moment, then try again.",
        ErrorCode::RepoUnreachable | ErrorCode::NotARepository => {
            "Check the path or URL, and that you can `git clone` it yourself."
        }
        ErrorCode::EmptyRepository => "Make a first commit, then try again.",
        ErrorCode::BranchExists | ErrorCode::InvalidBranchName => "Choose another branch name.",
        ErrorCode::UnknownReference => "Check the name of the branch, tag or commit.",
        ErrorCode::GitMissing => "Install git and make sure that it is on the PATH.",
        ErrorCode::GitFailed | ErrorCode::ExecutorFailed | ErrorCode::Internal => {
            "The log has the details: logs/grove.log in Grove's home."
        }
        ErrorCode::StorageFull => "Make room on the disk, then try again.",
        ErrorCode::Unavailable | ErrorCode::Timeout => {
            "Try again in a moment; `grove doctor` shows what is wrong."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_the_api_has_a_hint_and_its_own_exit_code() {
        for code in ErrorCode::ALL {
            let error = CliError::api(Problem::new(*code, "it went wrong"));
            assert_eq!(error.exit.code(), code.exit_code(), "{code:?}");
            assert!(error.problem.hint.is_some_and(|hint| hint.len() > 10), "{code:?}");
        }
    }

    #[test]
    fn a_hint_of_the_api_is_kept() {
        let problem = Problem::new(ErrorCode::NotFound, "gone").with_hint("look elsewhere");
        assert_eq!(CliError::api(problem).problem.hint.as_deref(), Some("look elsewhere"));
    }

    #[test]
    fn exit_codes_are_those_of_the_documentation() {
        let exits = [
            Exit::Done,
            Exit::Defect,
            Exit::Usage,
            Exit::NotFound,
            Exit::Conflict,
            Exit::Unavailable,
            Exit::NotRunning,
            Exit::Interrupted,
        ];
        assert_eq!(exits.map(Exit::code), [0, 1, 2, 3, 5, 7, 8, 130]);
    }
}
