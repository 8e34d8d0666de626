//! The REST API as the commands see it: find the instance, ask, poll.

mod discover;
mod http;
mod resolve;
mod wait;

pub(crate) use discover::{Running, require_url, running};
pub(crate) use http::{Answer, Api};
pub(crate) use resolve::{board_id, find_board, repo, repo_at};
pub(crate) use wait::{until_cloned, until_done};

use crate::config::Config;
use crate::error::CliError;

/// Makes a client of the instance that the settings name.
pub(crate) fn connect(config: &Config) -> Result<Api, CliError> {
    Api::new(&require_url(config)?)
}
