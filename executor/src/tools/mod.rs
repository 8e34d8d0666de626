//! The agent's tools: files and commands of its worktree, and Grove's own over MCP.
//!
//! A tool never fails the turn: what went wrong is its output, so that the model can do better.

mod bash;
mod beneath;
mod bounded;
mod files;
mod patch;

use crate::agent::{McpTools, ModelError, Piece, Pieces, ToolCall, ToolSpec};
use crate::network::Network;
use grove_core_api::agent::FileChange;
use grove_core_api::ipc::method::{ApprovalMode, GitAuthor, Prompt};
use grove_core_api::limits;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Letters of a tool call's title.
const TITLE_CHARS: usize = limits::TITLE_CHARS;

/// What came out of a tool call.
pub(crate) struct Outcome {
    /// Whether it did what it was asked to.
    pub(crate) is_ok: bool,
    /// What it said.
    pub(crate) output: String,
    /// The file that it changed.
    pub(crate) change: Option<FileChange>,
}

impl Outcome {
    fn ok(output: impl Into<String>) -> Self {
        Self { is_ok: true, output: bounded::middle_left_out(&output.into()), change: None }
    }

    fn failed(output: impl Into<String>) -> Self {
        Self { is_ok: false, ..Self::ok(output) }
    }
}

/// The tools of one task.
pub(crate) struct Toolbox {
    directory: PathBuf,
    author: GitAuthor,
    /// What commands are told besides the seven variables.
    environment: Vec<(&'static str, String)>,
    mcp: Option<McpTools>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    path: String,
    #[serde(default)]
    offset: Option<usize>,
    #[serde(default)]
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Write {
    path: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    path: String,
    old: String,
    new: String,
    #[serde(default)]
    replace_all: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bash {
    command: String,
    #[serde(default)]
    timeout_ms: Option<u64>,
    /// Read where the question is asked.
    #[serde(default, rename = "approval_reason")]
    _approval_reason: Option<String>,
}

fn spec(name: &str, description: &str, properties: &Value, required: &[&str]) -> ToolSpec {
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    ToolSpec { name: name.to_owned(), description: description.to_owned(), schema }
}

fn own_specs() -> Vec<ToolSpec> {
    let path = json!({ "type": "string", "description": "Path inside the worktree." });
    vec![
        spec(
            "read",
            "Reads a text file of the worktree.",
            &json!({
                "path": path,
                "offset": { "type": "integer", "minimum": 1, "description": "First line, from 1." },
                "limit": { "type": "integer", "minimum": 1, "description": "Most lines." },
            }),
            &["path"],
        ),
        spec(
            "write",
            "Writes a whole file, new or in place of the old one; makes its directories.",
            &json!({ "path": path, "content": { "type": "string" } }),
            &["path", "content"],
        ),
        spec(
            "edit",
            "Replaces `old`, which must be in the file exactly once (or as often as it is with \
             `replace_all`), by `new`.",
            &json!({
                "path": path,
                "old": { "type": "string" },
                "new": { "type": "string" },
                "replace_all": { "type": "boolean" },
            }),
            &["path", "old", "new"],
        ),
        spec("list", "Lists a directory of the worktree.", &json!({ "path": path }), &[]),
        spec(
            "bash",
            "Runs a command with `bash -c` in the worktree. It gets no input; processes that it leaves \
             in the background are ended. Say why in `approval_reason` when the command deletes, \
             publishes or cannot be undone: then a person is asked first.",
            &json!({
                "command": { "type": "string" },
                "timeout_ms": {
                    "type": "integer", "minimum": 1, "maximum": limits::TOOL_BASH_MAX_MS,
                },
                "approval_reason": { "type": "string" },
            }),
            &["command"],
        ),
    ]
}

/// One line about a call, for people.
pub(crate) fn title(call: &ToolCall) -> String {
    let field = |name: &str| call.input.get(name).and_then(Value::as_str);
    let text = match call.tool.as_str() {
        "bash" => field("command").map(str::to_owned),
        "read" | "write" | "edit" | "list" => Some(field("path").unwrap_or(".").to_owned()),
        _ => field("title").or_else(|| field("prompt")).map(str::to_owned),
    };
    let text = text.unwrap_or_else(|| call.tool.clone());
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= TITLE_CHARS {
        return line;
    }
    let mut cut: String = line.chars().take(TITLE_CHARS - 1).collect();
    cut.push('…');
    cut
}

fn input<T: DeserializeOwned>(call: &ToolCall) -> Result<T, Outcome> {
    T::deserialize(&call.input)
        .map_err(|error| Outcome::failed(format!("The arguments do not fit the tool: {error}.")))
}

impl Toolbox {
    pub(crate) fn new(prompt: &Prompt, network: &Network, mcp: Option<McpTools>) -> Self {
        let directory = PathBuf::from(&prompt.directory);
        let environment = network.environment();
        Self { directory, author: prompt.author.clone(), environment, mcp }
    }

    /// The tools on offer; a tool of ours goes before one of that name from elsewhere.
    pub(crate) fn specs(&self) -> Vec<ToolSpec> {
        let mut specs = own_specs();
        for tool in self.mcp.iter().flat_map(McpTools::specs) {
            if specs.iter().all(|known| known.name != tool.name) {
                specs.push(tool);
            }
        }
        specs
    }

    /// Why a person must be asked before the call, if one must.
    pub(crate) fn question(&self, mode: ApprovalMode, call: &ToolCall) -> Option<String> {
        let is_bash = call.tool == "bash";
        let own_reason = call.input.get("approval_reason").and_then(Value::as_str);
        let own_reason = own_reason.filter(|reason| is_bash && !reason.trim().is_empty());
        match mode {
            ApprovalMode::Never => None,
            ApprovalMode::OnRequest => own_reason.map(str::to_owned),
            ApprovalMode::Always if is_bash => {
                Some(own_reason.unwrap_or("runs a command").to_owned())
            }
            ApprovalMode::Always => {
                let mcp = self.mcp.as_ref().filter(|mcp| mcp.has(&call.tool));
                let asks = mcp.is_some_and(|mcp| !mcp.is_read_only(&call.tool));
                asks.then(|| "changes something in Grove".to_owned())
            }
        }
    }

    /// Runs a call.
    ///
    /// # Cancel safety
    /// Dropping the future kills the command and all that it started; a file is changed whole or not.
    pub(crate) async fn run(&self, call: &ToolCall, pieces: Pieces) -> Outcome {
        let outcome = match call.tool.as_str() {
            "bash" => match input::<Bash>(call) {
                Ok(Bash { command, timeout_ms, .. }) => {
                    let environment = &self.environment;
                    let wanted = bash::Wanted { command, timeout_ms, environment };
                    return bash::run(&self.directory, &self.author, wanted, &pieces).await;
                }
                Err(refused) => refused,
            },
            "read" | "write" | "edit" | "list" => self.files(call).await,
            _ => match self.mcp.as_ref().filter(|mcp| mcp.has(&call.tool)) {
                Some(mcp) => {
                    let (is_ok, said) = mcp.call(call).await;
                    Outcome { is_ok, ..Outcome::ok(said) }
                }
                None => Outcome::failed(format!("There is no tool `{}`.", call.tool)),
            },
        };
        // What did not stream is shown at once, so that a person sees it like everything else.
        if pieces.send(Piece::Tool(outcome.output.clone())).await.is_err() {
            tracing::debug!("nobody listens to the tool");
        }
        outcome
    }

    async fn files(&self, call: &ToolCall) -> Outcome {
        let (directory, call) = (self.directory.clone(), call.clone());
        let work = move || -> Result<Outcome, Outcome> {
            let files = files::Files::of(&directory)?;
            match call.tool.as_str() {
                "read" => {
                    let Read { path, offset, limit } = input(&call)?;
                    files.read(&path, offset.unwrap_or(1), limit.unwrap_or(usize::MAX))
                }
                "write" => {
                    let Write { path, content } = input(&call)?;
                    files.write(&path, &content)
                }
                "edit" => {
                    let Edit { path, old, new, replace_all } = input(&call)?;
                    files.edit(&path, &old, &new, replace_all)
                }
                _ => files.list(&input::<List>(&call)?.path),
            }
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(outcome) | Err(outcome)) => outcome,
            Err(error) => {
                tracing::error!(%error, "a file tool ended in a defect");
                Outcome::failed("A defect in Grove ended this tool.")
            }
        }
    }

    /// Ends the connection to Grove's own tools.
    ///
    /// # Errors
    /// Never; the type fits the end of a turn.
    pub(crate) async fn close(self) -> Result<(), ModelError> {
        if let Some(mcp) = self.mcp {
            mcp.close().await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::ipc::method::ModelSource;
    use grove_core_api::isolation::SandboxReport;
    use grove_core_api::{SessionId, TaskId};
    use tokio_util::task::TaskTracker;
    use uuid::Uuid;

    async fn toolbox() -> Toolbox {
        let scenario = grove_core_api::rehearsal::builtin().expect("reads").remove(0);
        let prompt = Prompt {
            task_id: TaskId(Uuid::nil()),
            session_id: SessionId(Uuid::nil()),
            directory: "/".into(),
            text: String::new(),
            history: Vec::new(),
            model: ModelSource::Rehearsal { scenario },
            approvals: ApprovalMode::Always,
            mcp: None,
            author: GitAuthor { name: "A".into(), email: "a@e.x".into() },
        };
        let shared = SandboxReport::default();
        let network = Network::prepare(&shared, &TaskTracker::new()).await.expect("prepared");
        Toolbox::new(&prompt, &network, None)
    }

    fn call(tool: &str, input: Value) -> ToolCall {
        ToolCall { id: "1".into(), tool: tool.into(), input }
    }

    #[tokio::test]
    async fn the_mode_decides_who_is_asked() {
        let tools = toolbox().await;
        let plain = call("bash", json!({ "command": "ls" }));
        let risky = call("bash", json!({ "command": "rm x", "approval_reason": "deletes x" }));
        let read = call("read", json!({ "path": "x", "approval_reason": "curious" }));
        assert_eq!(tools.question(ApprovalMode::Always, &plain).as_deref(), Some("runs a command"));
        assert_eq!(tools.question(ApprovalMode::OnRequest, &plain), None);
        assert_eq!(tools.question(ApprovalMode::OnRequest, &risky).as_deref(), Some("deletes x"));
        assert_eq!(tools.question(ApprovalMode::Never, &risky), None);
        assert_eq!(tools.question(ApprovalMode::Always, &read), None);
    }

    #[test]
    fn a_title_is_one_line_of_bounded_length() {
        let long = call("bash", json!({ "command": format!("echo\n{}", "x".repeat(500)) }));
        let title = title(&long);
        assert!(title.starts_with("echo x") && title.ends_with('…'));
        assert_eq!(title.chars().count(), TITLE_CHARS);
    }

    #[tokio::test]
    async fn unknown_tools_and_wrong_arguments_are_told_to_the_model() {
        let tools = toolbox().await;
        for bad in
            [call("fly", json!({})), call("bash", json!({ "cmd": 1 })), call("read", json!(7))]
        {
            let (pieces, mut seen) = tokio::sync::mpsc::channel(8);
            let outcome = tools.run(&bad, pieces).await;
            assert!(!outcome.is_ok, "{bad:?}");
            assert_eq!(seen.recv().await, Some(Piece::Tool(outcome.output)));
        }
    }
}
