//! The conversation as models see it: prompts, answers, groups of tool results.

use super::model::{ToolCall, ToolSpec};
use grove_core_api::ipc::method::{HistoryEntry, Prompt};

/// What came out of one tool call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolResult {
    /// The model's own id of the call.
    pub(crate) call_id: String,
    /// The tool.
    pub(crate) tool: String,
    /// What it said.
    pub(crate) output: String,
}

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// A prompt.
    User(String),
    /// An answer of the model.
    Assistant {
        /// Its words.
        text: String,
        /// The tools that it called.
        calls: Vec<ToolCall>,
    },
    /// The results of those calls.
    Results(Vec<ToolResult>),
}

/// The conversation with everything that a model needs for its next answer.
pub(crate) struct Conversation {
    /// Standing instructions.
    pub(crate) system: String,
    /// The entries, oldest first; the last prompt is the task's own.
    pub(crate) entries: Vec<Entry>,
    /// The tools on offer.
    pub(crate) tools: Vec<ToolSpec>,
    /// How many entries there were when the task began.
    pub(crate) history: usize,
}

impl Conversation {
    /// Starts with the history and the prompt.
    pub(crate) fn new(prompt: &Prompt, tools: Vec<ToolSpec>) -> Self {
        let mut entries = Vec::new();
        for entry in &prompt.history {
            add(&mut entries, entry);
        }
        entries.push(Entry::User(prompt.text.clone()));
        let history = entries.len();
        let system = format!(
            "You are a coding agent in a git worktree of your own: {}. Work only in it. Paths of the \
             file tools are relative to it. Use the tools to look before you change anything, keep \
             changes small, run the tests, and say at the end in a few words what you did.",
            prompt.directory
        );
        Self { system, entries, tools, history }
    }

    /// The task's prompt.
    pub(crate) fn prompt(&self) -> &str {
        let prompts = self.entries.iter().rev();
        let mut prompts = prompts.filter_map(|entry| match entry {
            Entry::User(text) => Some(text.as_str()),
            Entry::Assistant { .. } | Entry::Results(_) => None,
        });
        prompts.next().unwrap_or_default()
    }

    /// The groups of tool results since the prompt.
    pub(crate) fn results(&self) -> Vec<&[ToolResult]> {
        let mut groups = Vec::new();
        for entry in &self.entries {
            match entry {
                Entry::User(_) => groups.clear(),
                Entry::Results(results) => groups.push(results.as_slice()),
                Entry::Assistant { .. } => {}
            }
        }
        groups
    }
}

fn add(entries: &mut Vec<Entry>, entry: &HistoryEntry) {
    match entry {
        HistoryEntry::User { text } => entries.push(Entry::User(text.clone())),
        HistoryEntry::Assistant { text } => {
            entries.push(Entry::Assistant { text: text.clone(), calls: Vec::new() });
        }
        HistoryEntry::Tool { call_id, tool, input, output } => {
            let call = ToolCall { id: call_id.clone(), tool: tool.clone(), input: input.clone() };
            let result =
                ToolResult { call_id: call_id.clone(), tool: tool.clone(), output: output.clone() };
            add_tool(entries, call, result);
        }
    }
}

/// Tool calls in a row belong to the answer before them and form one group.
fn add_tool(entries: &mut Vec<Entry>, call: ToolCall, result: ToolResult) {
    if let [.., Entry::Assistant { calls, .. }, Entry::Results(results)] = entries.as_mut_slice() {
        calls.push(call);
        results.push(result);
        return;
    }
    if let Some(Entry::Assistant { calls, .. }) = entries.last_mut() {
        calls.push(call);
    } else {
        entries.push(Entry::Assistant { text: String::new(), calls: vec![call] });
    }
    entries.push(Entry::Results(vec![result]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_in_a_row_are_one_group_of_the_answer_before_them() {
        let tool = |id: &str| HistoryEntry::Tool {
            call_id: id.to_owned(),
            tool: "bash".to_owned(),
            input: serde_json::Value::Null,
            output: format!("out {id}"),
        };
        let mut entries = Vec::new();
        let history = [
            HistoryEntry::User { text: "u".into() },
            HistoryEntry::Assistant { text: "a".into() },
            tool("1"),
            tool("2"),
            HistoryEntry::Assistant { text: "b".into() },
            tool("3"),
        ];
        for entry in &history {
            add(&mut entries, entry);
        }
        assert_eq!(entries.len(), 5);
        let Some(Entry::Assistant { text, calls }) = entries.get(1) else { panic!("{entries:?}") };
        assert_eq!((text.as_str(), calls.len()), ("a", 2));
        assert!(matches!(entries.get(4), Some(Entry::Results(it)) if it.len() == 1));
    }
}
