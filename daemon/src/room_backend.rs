//! What rooms read and write, over the services: the daemon's half of `realtime::Backend`.

use crate::app::App;
use crate::context::Ctx;
use crate::docs::service::Refused;
use crate::error::Error;
use crate::realtime::{
    AgentAt, Backend, DocHead, DocUpdate, Head, MutationError, Snapshot, UpdateRefused,
    UserIdentity,
};
use crate::{boards, docs, events, grants, notices, sessions, topic_state};
use async_trait::async_trait;
use grove_core_api::event::{Event, Op, Topic};
use grove_core_api::rest::boards::TopicState;
use grove_core_api::rest::users::User;
use grove_core_api::{BoardId, DocId, ErrorCode, Problem, UserId};
use std::sync::{Arc, Weak};

/// Someone with an open connection.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) ctx: Ctx,
    pub(crate) user: User,
}

/// Rooms over the services of an application.
pub(crate) struct RoomBackend {
    app: Weak<App>,
}

impl RoomBackend {
    pub(crate) fn new(app: Weak<App>) -> Self {
        Self { app }
    }

    fn app(&self) -> Result<Arc<App>, Error> {
        self.app
            .upgrade()
            .ok_or_else(|| Error::new(ErrorCode::Unavailable, "Grove is shutting down"))
    }

    async fn read_snapshot(&self, topic: Topic) -> Result<Snapshot, Error> {
        let TopicState { epoch, seq, state, .. } = topic_state::now(&self.app()?.db, topic).await?;
        Ok(Snapshot { epoch, seq, state })
    }
}

async fn may_read(ctx: &Ctx, topic: Topic) -> Result<(), Error> {
    match topic {
        Topic::Board(id) => boards::service::get(ctx, id).await.map(|_| ()),
        Topic::Session(id) => sessions::service::get(ctx, id).await.map(|_| ()),
        Topic::User(id) if id == ctx.actor.user => notices::service::begin(ctx).await,
        Topic::Doc(id) => docs::service::may_read(ctx, id).await.map(|_| ()),
        Topic::User(id) => Err(Error::not_found(UserId::NOUN, id)),
    }
}

#[async_trait]
impl Backend for RoomBackend {
    type Caller = Caller;

    fn rights_changed(&self) {
        let Ok(app) = self.app() else { return };
        app.rights.raise();
        let task = Arc::clone(&app);
        app.spawner.spawn(async move { grants::service::enforce(&task).await });
    }

    fn identity(&self, caller: &Caller) -> UserIdentity {
        UserIdentity {
            user: caller.user.id,
            name: caller.user.name.clone(),
            emoji: caller.user.emoji.clone(),
            slot: u8::try_from(caller.user.slot).unwrap_or(0),
        }
    }

    async fn authorize(&self, caller: &Caller, topic: Topic) -> Result<(), Problem> {
        may_read(&caller.ctx, topic).await.map_err(Error::into_problem)
    }

    async fn head(&self, topic: Topic) -> Result<Head, Problem> {
        let read = async {
            let app = self.app()?;
            events::store::head(app.db.read(), topic).await
        };
        let head = read.await.map_err(Error::into_problem)?;
        Ok(Head { epoch: head.epoch, seq: head.seq })
    }

    async fn heads(&self, topics: &[Topic]) -> Result<Vec<(Topic, Head)>, Problem> {
        let read = async {
            let app = self.app()?;
            events::store::heads(app.db.read(), topics).await
        };
        let heads = read.await.map_err(Error::into_problem)?.into_iter();
        Ok(heads.map(|(topic, head)| (topic, Head { epoch: head.epoch, seq: head.seq })).collect())
    }

    async fn snapshot(&self, topic: Topic) -> Result<Snapshot, Problem> {
        self.read_snapshot(topic).await.map_err(Error::into_problem)
    }

    async fn events_after(
        &self,
        topic: Topic,
        seq: i64,
        limit: u64,
    ) -> Result<Vec<Event>, Problem> {
        let read = async {
            let app = self.app()?;
            events::store::after(app.db.read(), topic, seq, limit).await
        };
        read.await.map_err(Error::into_problem)
    }

    async fn mutate(
        &self,
        caller: &Caller,
        board: BoardId,
        mid: String,
        ops: Vec<Op>,
    ) -> Result<i64, MutationError> {
        boards::service::mutate(&caller.ctx, board, mid, ops)
            .await
            .map_err(|why| MutationError { code: why.code, message: why.message })
    }

    async fn agents(&self, board: BoardId) -> Vec<AgentAt> {
        let read = async { sessions::service::agents::on_board(&self.app()?, board).await };
        read.await.unwrap_or_else(|error| {
            // People see them with the next thing that they do.
            tracing::warn!(board.id = %board, %error, "agents of board {board} not readable");
            Vec::new()
        })
    }

    fn held_docs(&self) -> Vec<DocId> {
        self.app().map(|app| app.docs.held_ids()).unwrap_or_default()
    }

    async fn doc_changed(&self, doc: DocId) {
        if let Ok(app) = self.app() {
            let ctx = Ctx::system(&app, app.owner());
            docs::service::heard(&ctx, doc).await;
        }
    }

    async fn open_doc(&self, caller: &Caller, doc: DocId) -> Result<DocHead, Problem> {
        let head = docs::service::head(&caller.ctx, doc).await.map_err(Error::into_problem)?;
        Ok(DocHead { epoch: head.epoch, seq: head.seq, state_vector: head.state_vector })
    }

    async fn doc_diff(
        &self,
        caller: &Caller,
        doc: DocId,
        epoch: &str,
        state_vector: &[u8],
    ) -> Result<Vec<u8>, Problem> {
        docs::service::diff(&caller.ctx, doc, epoch, state_vector)
            .await
            .map_err(Error::into_problem)
    }

    async fn update_doc(
        &self,
        caller: &Caller,
        doc: DocId,
        update: DocUpdate<'_>,
    ) -> Result<(), UpdateRefused> {
        let DocUpdate { epoch, origin, bytes } = update;
        match docs::service::update(&caller.ctx, doc, (epoch, origin), bytes).await {
            Ok(()) => Ok(()),
            Err(Refused::Lacks(vector)) => Err(UpdateRefused::Lacks(vector)),
            Err(Refused::Error(error)) => Err(UpdateRefused::Problem(error.into_problem())),
        }
    }
}
