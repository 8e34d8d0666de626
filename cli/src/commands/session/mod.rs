//! `grove session …`

mod answer;
mod diff;
mod ls;
mod new;
mod prompt;
mod result;
mod rm;
mod show;
mod spawn;
mod stop;

use crate::args::Session;
use crate::client;
use crate::config::Config;
use crate::error::CliError;
use crate::output::Output;

pub(super) use new::create;

pub(super) async fn run(
    command: Session,
    config: &Config,
    output: &Output,
) -> Result<(), CliError> {
    let api = client::connect(config)?;
    match command {
        Session::New(arguments) => new::run(&api, arguments, config, output).await,
        Session::Ls { board, include_archived, listing } => {
            let board_id = match board {
                Some(text) => Some(client::board_id(&api, &text).await?),
                None => None,
            };
            ls::run(&api, ls::query(board_id, include_archived, listing), output).await
        }
        Session::Show { session } => show::run(&api, &session, output).await,
        Session::Prompt { session, prompt, wait } => {
            prompt::run(&api, &session, prompt, wait, output).await
        }
        Session::Stop { session } => stop::run(&api, &session, "stop", output).await,
        Session::Interrupt { session } => stop::run(&api, &session, "interrupt", output).await,
        Session::Result { session } => result::run(&api, &session, output).await,
        Session::Diff { session } => diff::run(&api, &session, output).await,
        Session::Spawn { session, prompt, title, choice, wait } => {
            let child = spawn::child(prompt, title, choice)?;
            spawn::run(&api, &session, &child, wait, output).await
        }
        Session::Rm { session } => rm::run(&api, &session, output).await,
        Session::Answer { permission, allow, deny: _, reason, session } => {
            let asked = answer::Asked { permission, session };
            answer::run(&api, &asked, allow, reason, output).await
        }
    }
}
