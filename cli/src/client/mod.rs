//! The REST API as the commands see it: find the instance, ask, poll.

mod discover;
mod http;
mod resolve;
mod wait;

use discover::token;
pub(crate) use discover::{Running, require_url, running};
pub(crate) use http::{Answer, Api};
pub(crate) use resolve::{board_id, find_board, group, repo, repo_at, subject, topic, user};
pub(crate) use wait::{until_cloned, until_done};

use crate::config::Config;
use crate::error::CliError;
use grove_client::{Credential, Place};

/// Makes a client of the instance that the settings name.
pub(crate) fn connect(config: &Config) -> Result<Api, CliError> {
    Ok(Api::new(&require_url(config)?)?.with_token(token(config)?))
}

/// Makes a client of an instance that was just found in the home.
pub(crate) fn connect_to(url: &str, config: &Config) -> Result<Api, CliError> {
    Ok(Api::new(url)?.with_token(token(config)?))
}

/// Where the instance that the settings name is to be followed live.
pub(crate) fn place(config: &Config) -> Result<Place, CliError> {
    let credential = token(config)?.map(Credential::Bearer);
    Ok(Place { url: require_url(config)?, credential })
}
