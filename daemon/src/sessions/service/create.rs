//! Making sessions: by a person, or as a child of another session.

use super::{load, prompt, state};
use crate::auth::policy::Action;
use crate::boards::service::objects;
use crate::clock;
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::executors::service::Health;
use crate::sessions::model::{Record, card, title_of};
use crate::sessions::store;
use crate::worktrees::service::Plan;
use crate::{boards, instance, patch_ops, repos, validate, worktrees};
use grove_core_api::agent::Usage;
use grove_core_api::event::Topic;
use grove_core_api::rest::repos::Repo;
use grove_core_api::rest::sessions::{
    CreateSession, Evidence, Relation, RunState, Session, SpawnSession,
};
use grove_core_api::rest::worktrees::Worktree;
use grove_core_api::{BoardId, ErrorCode, RepoId, SessionId, WorktreeId, limits};

/// A session that is about to be made; everything in it was checked.
#[derive(Clone)]
struct Draft {
    id: SessionId,
    board: BoardId,
    title: String,
    agent: String,
    model: String,
    prompt: Option<String>,
    pos: Option<[f64; 2]>,
    parent: Option<(SessionId, i32)>,
}

/// Where a new worktree starts, and whose it is.
struct Start {
    branch: Option<String>,
    base_ref: Option<String>,
    beside: Option<WorktreeId>,
}

/// Makes a session with a worktree of its own (or in one that is there), perhaps with a prompt.
pub(crate) async fn create(ctx: &Ctx, body: CreateSession) -> Result<Session, Error> {
    match body.board_id {
        Some(board) => ctx.on_board(Action::EditSessions, board).await.map(drop)?,
        None => ctx.authorize(Action::EditSessions)?,
    }
    let prompt = body.prompt.as_deref().map(|it| validate::prompt("prompt", it)).transpose()?;
    let title = match (&body.title, &prompt) {
        (Some(title), _) => validate::title("title", title)?,
        (None, Some(prompt)) => title_of(prompt),
        (None, None) => "New session".to_owned(),
    };
    let (agent, model) =
        instance::service::choose_model(&ctx.app, body.agent.as_deref(), body.model.as_deref())?;
    let board = match body.board_id {
        Some(board) => open_board(ctx, board).await?,
        None => boards::service::default_board(ctx).await?,
    };
    let pos = body.pos.map(|pos| validate::place("pos", pos)).transpose()?;
    let id = clock::fresh_id();
    let draft = Draft { id, board, title, agent, model, prompt, pos, parent: None };
    match (body.repo_id, body.worktree_id) {
        (Some(repo), None) => {
            let branch = body.branch.as_deref().map(validate::branch).transpose()?;
            let base = body.base_ref.as_deref().map(worktrees::service::reference).transpose()?;
            let start = Start { branch, base_ref: base, beside: None };
            with_new_worktree(ctx, draft, repo, start).await
        }
        (None, Some(worktree)) => {
            if body.branch.is_some() || body.base_ref.is_some() {
                let why = "belongs to a new worktree; this one is there already";
                return Err(Error::field("branch", why));
            }
            worktrees::service::allowed(ctx, Action::EditSessions, worktree).await?;
            let worktree = worktrees::service::ready(ctx.read(), worktree).await?;
            repos::service::here(ctx, worktree.repo_id).await?;
            let repo = repos::service::load(ctx.read(), worktree.repo_id).await?;
            insert(ctx, draft, repo, worktree).await
        }
        (None, None) => Err(Error::field("repo_id", "is missing (or name a `worktree_id`)")),
        (Some(_), Some(_)) => Err(Error::field("worktree_id", "and `repo_id` exclude each other")),
    }
}

async fn open_board(ctx: &Ctx, id: BoardId) -> Result<BoardId, Error> {
    let board = boards::service::load(ctx.read(), id).await?;
    if board.archived_at_ms.is_some() {
        let detail = format!("the board `{}` is archived", board.name);
        return Err(Error::new(ErrorCode::Gone, detail).hint("bring it back, or use another"));
    }
    Ok(id)
}

/// Makes a child with its own prompt, in a worktree that starts at the parent's present state.
pub(crate) async fn spawn(
    ctx: &Ctx,
    parent: SessionId,
    body: SpawnSession,
) -> Result<Session, Error> {
    ctx.on_session(Action::SpawnSessions, parent).await?;
    if ctx.actor.session().is_some_and(|own| own != parent) {
        let detail = "an agent spawns children of its own session only";
        return Err(Error::new(ErrorCode::Forbidden, detail));
    }
    let prompt = validate::prompt("prompt", &body.prompt)?;
    let title = match &body.title {
        Some(title) => validate::title("title", title)?,
        None => title_of(&prompt),
    };
    let parent = load(ctx.read(), parent).await?.session;
    check_family(ctx, &parent).await?;
    let (agent, model) = match (&body.agent, &body.model) {
        (None, None) => instance::service::inherit_model(&ctx.app, &parent)?,
        (agent, model) => {
            let agent = agent.as_deref().unwrap_or(&parent.agent);
            instance::service::choose_model(&ctx.app, Some(agent), model.as_deref())?
        }
    };
    let id: SessionId = clock::fresh_id();
    let reference = format!("refs/grove/spawn/{id}");
    let snapshot = worktrees::service::snapshot(ctx, parent.worktree_id, reference).await?;
    let draft = Draft {
        id,
        board: parent.board_id,
        title,
        agent,
        model,
        prompt: Some(prompt),
        pos: None,
        parent: Some((parent.id, parent.depth + 1)),
    };
    // The snapshot lies in the parent's repository, so the child works as the same account.
    let start =
        Start { branch: None, base_ref: Some(snapshot.commit), beside: Some(parent.worktree_id) };
    with_new_worktree(ctx, draft, parent.repo_id, start).await
}

async fn check_family(ctx: &Ctx, parent: &Session) -> Result<(), Error> {
    if parent.archived_at_ms.is_some() {
        return Err(Error::new(ErrorCode::Gone, "the parent session is archived"));
    }
    let most = i32::try_from(limits::SPAWN_DEPTH).unwrap_or(i32::MAX);
    if parent.depth >= most {
        let detail = format!("sessions may be spawned {most} levels deep");
        return Err(
            Error::new(ErrorCode::Conflict, detail).hint("do the work in this session instead")
        );
    }
    if store::count_children(ctx.read(), parent.id).await? >= limits::SPAWN_FAN_OUT {
        let detail = format!("a session may have {} children", limits::SPAWN_FAN_OUT);
        return Err(
            Error::new(ErrorCode::Conflict, detail).hint("do the work in this session instead")
        );
    }
    Ok(())
}

async fn with_new_worktree(
    ctx: &Ctx,
    draft: Draft,
    repo: RepoId,
    start: Start,
) -> Result<Session, Error> {
    let Start { branch, base_ref, beside } = start;
    let repo = repos::service::ready(ctx.read(), repo).await?;
    let name = free_name(ctx, repo.id, &draft).await?;
    let branch = branch.unwrap_or_else(|| format!("grove/{name}"));
    let board = Some(draft.board);
    let plan = Plan { name, branch, board, base_ref, issue_url: None, beside };
    let worktree = worktrees::service::add(ctx, repo.id, plan).await?;
    let id = worktree.id;
    match insert(ctx, draft, repo, worktree).await {
        Ok(session) => Ok(session),
        Err(error) => {
            // Nothing half-made: the worktree goes with the session that could not be stored.
            if let Err(undo) = worktrees::service::remove(ctx, id).await {
                tracing::warn!(worktree.id = %id, %undo, "a worktree without session is left");
            }
            Err(error)
        }
    }
}

/// The title as a name that no worktree of the repository ever had, so that its branch is new too.
async fn free_name(ctx: &Ctx, repo: RepoId, draft: &Draft) -> Result<String, Error> {
    let slug = validate::slugify(&draft.title);
    let slug = if slug.is_empty() { "session".to_owned() } else { slug };
    if worktrees::service::is_new_name(ctx, repo, &slug).await? {
        return Ok(slug);
    }
    Ok(format!("{slug}-{}", &draft.id.short()))
}

async fn insert(ctx: &Ctx, draft: Draft, repo: Repo, worktree: Worktree) -> Result<Session, Error> {
    let has_prompt = draft.prompt.is_some();
    let session = ctx
        .write(move |tx| {
            let record = record(tx, &draft, &repo, &worktree);
            let draft = draft.clone();
            Box::pin(async move { store_new(tx, draft, record).await })
        })
        .await?;
    if has_prompt {
        ctx.app.pool.wake(session.id);
    }
    Ok(session)
}

async fn store_new(tx: &Tx<'_>, draft: Draft, record: Record) -> Result<Session, Error> {
    let session = &record.session;
    store::insert(tx.connection(), &record).await?;
    let parent = draft.parent.map(|(parent, _)| parent);
    let place = objects::place_card(tx, draft.board, draft.id, draft.pos, parent).await?;
    let put = patch_ops::put(draft.id, "session", session)?;
    tx.emit(Topic::Session(draft.id), "session.created", vec![put]).await?;
    let put = patch_ops::put(draft.id, "session", &card(session, place))?;
    let topic = Topic::Board(draft.board);
    let seq = tx.emit_as(topic, "session.created", None, vec![put]).await?;
    objects::card_shown(tx, draft.id, seq).await?;
    let Some(text) = draft.prompt else { return Ok(record.session) };
    let mut after = record.clone();
    prompt::enqueue(tx, &mut after, text).await?;
    state::settle(tx, &record, after, Some(("prompt_queued", "a prompt waits"))).await
}

fn record(tx: &Tx<'_>, draft: &Draft, repo: &Repo, worktree: &Worktree) -> Record {
    Record {
        session: Session {
            id: draft.id,
            board_id: draft.board,
            worktree_id: worktree.id,
            repo_id: repo.id,
            repo: repo.name.clone(),
            branch: worktree.branch.clone(),
            title: draft.title.clone(),
            agent: draft.agent.clone(),
            model: draft.model.clone(),
            state: RunState::Idle,
            evidence: Evidence {
                fact: "created".to_owned(),
                detail: "the session was made and waits for a prompt".to_owned(),
                at_ms: tx.now,
            },
            line: String::new(),
            executor: None,
            sandbox: None,
            parent_id: draft.parent.map(|(parent, _)| parent),
            relation: draft.parent.map(|_| Relation::Spawn),
            depth: draft.parent.map_or(0, |(_, depth)| depth),
            usage: Usage::default(),
            task_count: 0,
            created_by: tx.actor.user,
            created_at_ms: tx.now,
            updated_at_ms: tx.now,
            archived_at_ms: None,
        },
        executor: None,
        executor_seq: 0,
        message_count: 0,
        is_stopping: false,
        stop_reason: None,
        health: Health::default(),
    }
}
