//! Doing a plan on real daemons, and what has to be true in the end.

use super::actor::{Actor, Order, Report, Seen};
use super::plan::{BOARDS, Change, Plan, Step};
use anyhow::{Context, ensure};
use futures_util::future::{join_all, try_join, try_join_all};
use grove_client::{Place, Taken, View};
use grove_core_api::event::{Event, Op};
use grove_core_api::limits;
use grove_core_api::rest::boards::{Board, BoardObject};
use grove_tests::{Client, Instance, Outcome, eventually};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Orders that may wait for a client.
const ORDERS: usize = 1_024;
/// Letters of the texts of a burst.
const LONG: usize = 2_000;

/// A plan that is being done.
struct Run<'a> {
    plan: &'a Plan,
    nodes: &'a [&'a Instance],
    client: Client,
    boards: Vec<Board>,
    actors: Vec<mpsc::Sender<Order>>,
    mutations: usize,
}

/// Does a plan on fresh boards.
///
/// # Errors
/// Which promise was broken.
pub(super) async fn run(plan: &Plan, nodes: &[&Instance]) -> Outcome {
    let client = nodes[0].client()?;
    let mut boards = Vec::new();
    for number in 0..BOARDS {
        boards.push(client.new_board(&format!("Plan {} {number}", plan.seed)).await?);
    }
    let mut actors = Vec::new();
    let mut working = Vec::new();
    for number in 0..plan.clients {
        let (sender, orders) = mpsc::channel(ORDERS);
        let mut places: Vec<Place> = nodes
            .iter()
            .map(|node| Place { url: node.url().to_owned(), credential: None })
            .collect();
        let first = number % places.len();
        places.rotate_left(first);
        let actor = Actor::new(places, &format!("client {number}"), orders);
        actors.push(sender);
        working.push(async move { actor.run().await.with_context(|| format!("client {number}")) });
    }
    let run = Run { plan, nodes, client, boards, actors, mutations: 0 };
    try_join(run.act(), try_join_all(working)).await?;
    Ok(())
}

impl Run<'_> {
    async fn act(mut self) -> Outcome {
        for (number, step) in self.plan.steps.iter().enumerate() {
            self.step(step).await.with_context(|| format!("step {number}: {step:?}"))?;
        }
        for actor in &self.actors {
            actor.send(Order::Wake).await?;
        }
        self.until_settled().await?;
        self.check().await
    }

    async fn step(&mut self, step: &Step) -> Outcome {
        let topic = |board: usize| format!("board:{}", self.boards[board].id);
        let (client, order) = match *step {
            Step::Join { client, board } => (client, Order::Join(topic(board))),
            Step::JoinNothing { client } => {
                (client, Order::Join(format!("board:{}", Uuid::now_v7())))
            }
            Step::Leave { client, board } => (client, Order::Leave(topic(board))),
            Step::Point { client, board, x } => {
                (client, Order::Point(topic(board), [f64::from(x), 0.0]))
            }
            Step::Break { client } => (client, Order::Break),
            Step::Stall { client } => (client, Order::Stall),
            Step::Wake { client } => (client, Order::Wake),
            Step::Mutate { client, board, object, change } => {
                let ops = self.ops(board, object, change)?;
                return self.mutate(client, board, ops).await;
            }
            Step::Burst { client, board, count } => {
                for number in 0..count {
                    let text = format!("{number} {}", "x".repeat(LONG));
                    self.mutate(client, board, vec![note(Uuid::now_v7(), &text)?]).await?;
                }
                return Ok(());
            }
            Step::Rest { board } => {
                let path = format!("/boards/{}/objects", self.boards[board].id);
                let body = json!({ "kind": "note", "pos": [1, 1], "text": "by REST" });
                let _made: BoardObject = self.client.post(path, body).await?;
                return Ok(());
            }
            Step::Settle => return self.until_settled().await,
            Step::Kill { node } => {
                let node = self.nodes[node % self.nodes.len()];
                if may_kill(node.url()) {
                    node.kill_daemon().await?;
                }
                return Ok(());
            }
        };
        Ok(self.actors[client].send(order).await?)
    }

    async fn mutate(&mut self, client: usize, board: usize, ops: Vec<Op>) -> Outcome {
        let topic = format!("board:{}", self.boards[board].id);
        // A board that is not followed cannot be changed; the client would wait for ever.
        let report = self.ask(client).await?;
        if !report.boards.contains_key(&topic) {
            return Ok(());
        }
        self.mutations += 1;
        let mid = format!("{:x}:{}", self.plan.seed, self.mutations);
        Ok(self.actors[client].send(Order::Mutate { topic, mid, ops }).await?)
    }

    fn ops(&self, board: usize, object: u8, change: Change) -> Outcome<Vec<Op>> {
        let id = |object: u8| {
            let board = self.boards[board].id.0.as_u128();
            Uuid::from_u128(board ^ (u128::from(object) + 1))
        };
        let set = |object: u8, k: &str, v: Value| Op::Set {
            id: id(object).to_string(),
            k: k.to_owned(),
            v,
            if_seq: None,
        };
        let number = self.mutations;
        Ok(match change {
            Change::Put => vec![note(id(object), &format!("put {number}"))?],
            Change::Text => vec![set(object, "text", format!("text {number} 🌱").into())],
            Change::Move => {
                vec![set(object, "pos", json!([f64::from(u32::try_from(number)?), -1.5]))]
            }
            Change::Both => vec![
                set(object, "text", format!("both {number}").into()),
                set(object ^ 1, "text", format!("both {number}").into()),
            ],
            Change::Del => vec![Op::del(id(object))],
        })
    }

    async fn ask(&self, client: usize) -> Outcome<Report> {
        let (sender, answer) = oneshot::channel();
        self.actors[client].send(Order::Report(sender)).await?;
        Ok(answer.await?)
    }

    async fn ask_all(&self) -> Outcome<Vec<Report>> {
        join_all((0..self.actors.len()).map(|client| self.ask(client))).await.into_iter().collect()
    }

    /// Waits until everybody who reads has everything, and sees everybody where they point.
    async fn until_settled(&self) -> Outcome {
        let mut last = Vec::new();
        let settled = eventually("everybody has everything", async || {
            let reports = self.ask_all().await?;
            let mut heads = BTreeMap::new();
            for board in &self.boards {
                let path = format!("/boards/{}/events?after=0&limit=1", board.id);
                // The daemon may be about to come back.
                let Ok(page) = self.client.get::<Value>(path).await else { return Ok(None) };
                heads.insert(format!("board:{}", board.id), page["seq"].as_i64().unwrap_or(-1));
            }
            let is_settled = is_settled(&reports, &heads);
            last = reports;
            Ok(is_settled.then_some(()))
        })
        .await;
        settled.with_context(|| format!("they last had {}", in_short(&last)))
    }

    async fn check(&self) -> Outcome {
        let reports = self.ask_all().await?;
        for board in &self.boards {
            let topic = format!("board:{}", board.id);
            let log = self.client.log(&format!("/boards/{}", board.id)).await?;
            let replayed = replay(&log)?;
            let mut fresh = self.nodes[0].socket().await?;
            fresh.subscribe(&topic).await?;
            ensure!(
                fresh.view(&topic)?.objects == replayed.objects,
                "the log of {topic} does not lead to what is stored"
            );
            for (client, report) in reports.iter().enumerate() {
                if let Some(seen) = report.boards.get(&topic) {
                    let is_same = seen.view.objects == replayed.objects;
                    ensure!(is_same, "client {client} sees another {topic} than is stored");
                }
            }
            check_answers(&topic, &log, &reports)?;
        }
        let answers = reports.iter().map(|it| it.stored.len() + it.refused.len()).sum::<usize>();
        let dropped = self.plan.steps.iter().any(|it| matches!(it, Step::Leave { .. }));
        ensure!(
            answers == self.mutations || (dropped && answers < self.mutations),
            "{answers} answers to {} mutations",
            self.mutations
        );
        Ok(())
    }
}

/// Whether a daemon may be killed now: after too many ends in a minute its monitor gives up, as it
/// should, so that a kill that comes too soon is left out.
fn may_kill(url: &str) -> bool {
    static KILLED: Mutex<BTreeMap<String, Vec<Instant>>> = Mutex::new(BTreeMap::new());
    let most = usize::try_from(limits::DAEMON_RESTARTS_PER_MINUTE).unwrap_or(0) - 2;
    let mut killed = KILLED.lock().unwrap_or_else(PoisonError::into_inner);
    let times = killed.entry(url.to_owned()).or_default();
    times.retain(|it| it.elapsed() < Duration::from_secs(60));
    let may = times.len() < most;
    if may {
        times.push(Instant::now());
    }
    may
}

fn note(id: Uuid, text: &str) -> Outcome<Op> {
    let v = serde_json::from_value(json!({ "pos": [0, 0], "text": text }))?;
    Ok(Op::Put { id: id.to_string(), kind: "note".to_owned(), v })
}

fn replay(log: &[Event]) -> Outcome<View> {
    let mut view = View::default();
    for event in log {
        ensure!(view.apply(event) == Taken::Applied, "event {} does not follow", event.seq);
    }
    Ok(view)
}

/// No stored mutation is missing, none was applied twice, none that was refused at all.
fn check_answers(topic: &str, log: &[Event], reports: &[Report]) -> Outcome {
    let mut by_mid = BTreeMap::new();
    for event in log {
        if let Some(mid) = &event.mid {
            let is_new = by_mid.insert(mid.as_str(), event.seq).is_none();
            ensure!(is_new, "RT-02: {mid} was applied twice on {topic}");
        }
    }
    let mut mids = BTreeSet::new();
    for report in reports {
        for (mid, seq) in &report.stored {
            if by_mid.get(mid.as_str()) == Some(seq) {
                mids.insert(mid.as_str());
            }
        }
        let refused = report.refused.keys().find(|mid| by_mid.contains_key(mid.as_str()));
        ensure!(refused.is_none(), "RT-05: {refused:?} was refused but is in the log");
    }
    // What nobody was told of was sent by a client that left the board.
    let answered: BTreeSet<&str> =
        reports.iter().flat_map(|it| it.stored.keys().map(String::as_str)).collect();
    let unlike = by_mid.keys().find(|mid| answered.contains(*mid) && !mids.contains(*mid));
    ensure!(unlike.is_none(), "RT-05: {unlike:?} has another number than it was answered with");
    Ok(())
}

fn is_settled(reports: &[Report], heads: &BTreeMap<String, i64>) -> bool {
    let reading: Vec<&Report> = reports.iter().filter(|it| !it.is_stalled).collect();
    let has_all = |report: &&Report| {
        report.unanswered == 0
            && report.boards.iter().all(|(topic, seen)| {
                seen.is_live && heads.get(topic).is_some_and(|head| seen.view.seq == *head)
            })
    };
    // Those who read nothing may or may not be seen.
    let is_anyone_stalled = reading.len() < reports.len();
    reading.iter().all(has_all)
        && (is_anyone_stalled || heads.keys().all(|topic| sees_all(&reading, topic)))
}

/// Whether all who follow a board see one another, and where each points.
fn sees_all(reports: &[&Report], topic: &str) -> bool {
    let here: Vec<(&str, &Seen)> =
        reports.iter().filter_map(|it| Some((it.peer.as_str(), it.boards.get(topic)?))).collect();
    let peers: BTreeSet<String> = here.iter().map(|(peer, _)| (*peer).to_owned()).collect();
    here.iter().all(|(me, seen)| {
        let others = here.iter().filter(|(peer, _)| peer != me);
        let wanted: BTreeMap<String, [f64; 2]> =
            others.filter_map(|(peer, it)| Some(((*peer).to_owned(), it.pointed?))).collect();
        seen.peers == peers && seen.cursors == wanted
    })
}

fn in_short(reports: &[Report]) -> String {
    let board = |(topic, seen): (&String, &Seen)| {
        let Seen { view, is_live, peers, cursors, pointed } = seen;
        let seq = view.seq;
        format!("{topic} at {seq} live {is_live} sees {peers:?} {cursors:?} points {pointed:?}")
    };
    let one = |it: &Report| {
        let boards: Vec<String> = it.boards.iter().map(board).collect();
        let (peer, left) = (&it.peer, it.unanswered);
        format!("{peer}: stalled {}, {left} unanswered, {boards:?}", it.is_stalled)
    };
    reports.iter().map(one).collect::<Vec<_>>().join("\n")
}
