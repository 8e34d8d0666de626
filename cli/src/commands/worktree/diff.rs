//! `grove worktree diff`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::worktrees::Diff;

pub(super) async fn run(api: &Api, id: &str, output: &Output) -> Result<(), CliError> {
    let answer = api.get::<Diff>(&format!("/worktrees/{id}/diff"), &()).await?;
    output.answer(&answer, people)
}

/// Writes the patches one after the other, so that `git apply` takes them.
pub(crate) fn people(diff: &Diff) -> String {
    if diff.files.is_empty() {
        return "no changes".to_owned();
    }
    let mut text = String::new();
    for file in &diff.files {
        if !file.patch.is_empty() {
            text.push_str(&file.patch);
            if !file.patch.ends_with('\n') {
                text.push('\n');
            }
        }
        if file.is_truncated || file.patch.is_empty() {
            let what = if file.is_binary { "binary" } else { "not shown in full" };
            text.push_str(&format!("# {} ({what})\n", file.path));
        }
    }
    if diff.is_truncated {
        text.push_str("# more files are left out\n");
    }
    text
}
