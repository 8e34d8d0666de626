//! The loop: the model answers, its tools run, the model answers again.

use super::Running;
use super::conversation::{Conversation, Entry, ToolResult};
use super::mcp::McpTools;
use super::means::Means;
use super::model::{Model, ModelAnswer, ModelError, ToolCall};
use super::output::Output;
use super::provider::Provider;
use super::rehearsal::Rehearsal;
use crate::tools::{self, Outcome, Toolbox};
use backon::{BackoffBuilder, ExponentialBuilder};
use grove_core_api::agent::{AgentEvent, Decision, ErrorClass};
use grove_core_api::ipc::method::{ApprovalMode, ModelSource, Prompt};
use grove_core_api::{PermissionId, limits};
use std::time::Duration;
use uuid::Uuid;

/// Runs the task to its end.
///
/// # Errors
/// With what the model failed, or `limit` after `limits::AGENT_STEPS` and when memory ran out.
///
/// # Cancel safety
/// Cancel safe: the model's stream ends, and so do the processes of a running tool.
pub(super) async fn run(
    prompt: &Prompt,
    running: &Running,
    means: &Means,
    output: &mut Output,
) -> Result<(), ModelError> {
    let mut model = model(&prompt.model, means)?;
    let mcp = connect(prompt, output).await;
    let tools = Toolbox::new(prompt, &means.network, mcp);
    let mut conversation = Conversation::new(prompt, tools.specs());
    for _ in 0..limits::AGENT_STEPS {
        let Some(answer) = ask(model.as_mut(), &conversation, output).await? else {
            return tools.close().await;
        };
        output.end_words().await;
        let event = AgentEvent::Usage { model: answer.model.clone(), usage: answer.usage };
        output.emit(event).await;
        if answer.calls.is_empty() {
            return tools.close().await;
        }
        let mut results = Vec::new();
        for call in &answer.calls {
            let killed = means.memory.kills();
            let said = use_tool(&tools, prompt.approvals, call, running, output).await;
            means.memory.check(killed)?;
            results.push(ToolResult {
                call_id: call.id.clone(),
                tool: call.tool.clone(),
                output: said,
            });
        }
        conversation.entries.push(Entry::Assistant { text: answer.text, calls: answer.calls });
        conversation.entries.push(Entry::Results(results));
    }
    let steps = limits::AGENT_STEPS;
    let message = format!("The agent took {steps} steps without coming to an end and was stopped.");
    Err(ModelError::new(ErrorClass::Limit, message))
}

fn model(source: &ModelSource, means: &Means) -> Result<Box<dyn Model>, ModelError> {
    let network = &means.network;
    Ok(match source {
        ModelSource::Rehearsal { scenario } => Box::new(Rehearsal::new(scenario.clone())),
        ModelSource::Provider { .. } if network.is_cut_off() => {
            let message =
                "This session has no network (profile `none`), so its model cannot be reached.";
            return Err(ModelError::new(ErrorClass::Network, message));
        }
        ModelSource::Provider { .. } => {
            Box::new(Provider::new(source, network.proxy_url(), means.keys.clone())?)
        }
    })
}

/// Connects to Grove's own tools; without them the turn goes on, and says so.
async fn connect(prompt: &Prompt, output: &Output) -> Option<McpTools> {
    let endpoint = prompt.mcp.as_ref()?;
    match McpTools::connect(endpoint).await {
        Ok(tools) => Some(tools),
        Err(problem) => {
            tracing::warn!(problem, "Grove's own tools are missing");
            let message = "Grove's own tools cannot be reached; the agent works without them.";
            let class = ErrorClass::Network;
            output.emit(AgentEvent::Error { class, message: message.to_owned() }).await;
            None
        }
    }
}

/// Asks the model, again after a pause when the failure may pass and nothing has been said yet.
async fn ask(
    model: &mut dyn Model,
    conversation: &Conversation,
    output: &mut Output,
) -> Result<Option<ModelAnswer>, ModelError> {
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(limits::MODEL_RETRY_MS))
        .with_max_times(limits::MODEL_TRIES - 1)
        .with_jitter()
        .build();
    loop {
        let before = output.streamed();
        let asked = async |pieces| model.answer(conversation, &pieces).await;
        let error = match output.pump(asked).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let has_spoken = output.streamed() > before;
        let pause = pauses.next().filter(|_| error.is_passing() && !has_spoken);
        let Some(pause) = pause else { return Err(error) };
        tracing::info!(class = ?error.class, pause_ms = pause.as_millis(), "model call fails, again");
        tokio::time::sleep(pause).await;
    }
}

/// Runs one tool call with all its events and returns what the model is told.
async fn use_tool(
    tools: &Toolbox,
    mode: ApprovalMode,
    call: &ToolCall,
    running: &Running,
    output: &mut Output,
) -> String {
    let title = tools::title(call);
    output.tool_started(&call.id, &call.tool, &title, &call.input).await;
    if let Some(reason) = tools.question(mode, call)
        && let Some(refusal) = refused(call, &title, &reason, running, output).await
    {
        output.tool_ended(false, refusal.clone(), None).await;
        return refusal;
    }
    let Outcome { is_ok, output: said, change } =
        output.pump(|pieces| tools.run(call, pieces)).await;
    output.tool_ended(is_ok, said.clone(), change).await;
    said
}

/// Asks a person; returns what the model is told when the answer is no.
async fn refused(
    call: &ToolCall,
    title: &str,
    reason: &str,
    running: &Running,
    output: &mut Output,
) -> Option<String> {
    let request_id = PermissionId(Uuid::now_v7());
    let answer = running.ask(request_id);
    output.permission_requested(request_id, (&call.tool, title, reason), &call.input).await;
    // The sender is only dropped together with the task.
    let answer = answer.await.ok();
    output.permission_resolved(answer.clone()).await;
    match answer {
        Some((Decision::Allow, _)) => None,
        Some((Decision::Deny, Some(why))) if !why.trim().is_empty() => {
            Some(format!("A person did not allow this: {why}"))
        }
        Some((Decision::Deny, _)) | None => Some("A person did not allow this.".to_owned()),
    }
}
