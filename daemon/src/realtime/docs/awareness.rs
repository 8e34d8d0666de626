//! What the clients of a document tell of themselves: caret, selection. Memory only. Pure.
//!
//! The clocks that readers see are the room's own versions, so that a client that comes back is never
//! taken for an older one.

use crate::realtime::backend::UserIdentity;
use bytes::Bytes;
use grove_core_api::realtime::binary::{AwarenessEntry, encode_awareness};
use grove_core_api::{UserId, limits};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};

/// Why a client's word about itself is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is no JSON object.
    NotJson,
    /// Another person's connection speaks for that client.
    Taken,
}

#[derive(Debug)]
struct Client {
    /// The connection that speaks for it.
    origin: u64,
    user: UserId,
    state: String,
    version: u64,
}

/// Everybody who writes or reads in a document.
#[derive(Debug, Default)]
pub(super) struct Awareness {
    version: u64,
    clients: BTreeMap<u64, Client>,
    /// Clients that left, with the version at which they did; the oldest first.
    gone: VecDeque<(u64, u64)>,
}

impl Awareness {
    /// Notes what a client tells of itself; who it is, says the server.
    ///
    /// # Errors
    /// Why it is not passed on.
    pub(super) fn set(
        &mut self,
        origin: u64,
        who: &UserIdentity,
        client: u64,
        state: &str,
    ) -> Result<(), Refused> {
        if self.clients.get(&client).is_some_and(|it| it.user != who.user) {
            return Err(Refused::Taken);
        }
        // A connection speaks for one client; what it said for another one is over.
        let others: Vec<u64> = self.of(origin).filter(|it| *it != client).collect();
        others.into_iter().for_each(|it| self.remove(it));
        let mut state: Map<String, Value> = match serde_json::from_str(state) {
            Ok(Value::Object(state)) => state,
            Ok(Value::Null) => {
                self.remove(client);
                return Ok(());
            }
            Ok(_) | Err(_) => return Err(Refused::NotJson),
        };
        let user = json!({ "id": who.user, "name": who.name, "slot": who.slot });
        state.insert("user".to_owned(), user);
        self.put((origin, who.user), client, Value::Object(state).to_string());
        Ok(())
    }

    /// Notes what another daemon says that a client of its tells; returns whether it is news.
    pub(super) fn hear(&mut self, who: (u64, UserId), client: u64, state: String) -> bool {
        if self.clients.get(&client).is_some_and(|it| it.user != who.1) {
            return false;
        }
        self.leave_where(|it| it == who.0);
        self.put(who, client, state);
        true
    }

    fn put(&mut self, (origin, user): (u64, UserId), client: u64, state: String) {
        self.version += 1;
        self.gone.retain(|(it, _)| *it != client);
        self.clients.insert(client, Client { origin, user, state, version: self.version });
    }

    /// What is told of a client, with what the server says of it.
    pub(super) fn told(&self, client: u64) -> Option<&str> {
        self.clients.get(&client).map(|it| it.state.as_str())
    }

    /// The client that a connection speaks for, and whose it is.
    pub(super) fn client_of(&self, origin: u64) -> Option<(UserId, u64)> {
        let client = self.of(origin).next()?;
        Some((self.clients.get(&client)?.user, client))
    }

    /// Takes a connection's client out; returns whether there was one.
    pub(super) fn leave(&mut self, origin: u64) -> bool {
        self.leave_where(|it| it == origin)
    }

    /// Takes the clients of some connections out; returns whether there was one.
    pub(super) fn leave_where(&mut self, is_gone: impl Fn(u64) -> bool) -> bool {
        let gone = |(client, it): (&u64, &Client)| is_gone(it.origin).then_some(*client);
        let clients: Vec<u64> = self.clients.iter().filter_map(gone).collect();
        let was_there = !clients.is_empty();
        clients.into_iter().for_each(|it| self.remove(it));
        was_there
    }

    /// Returns what changed after a version, without the reader's own, and the newest version.
    pub(super) fn since(&self, version: u64, reader: u64) -> (Option<Bytes>, u64) {
        let changed = self
            .clients
            .iter()
            .filter(|(_, it)| it.version > version && it.origin != reader)
            .map(|(client, it)| entry(*client, it.version, &it.state));
        let gone = self
            .gone
            .iter()
            .filter(|(_, at)| *at > version)
            .map(|(client, at)| entry(*client, *at, "null"));
        let entries: Vec<AwarenessEntry> = changed.chain(gone).collect();
        let payload = (!entries.is_empty()).then(|| Bytes::from(encode_awareness(&entries)));
        (payload, self.version)
    }

    fn of(&self, origin: u64) -> impl Iterator<Item = u64> {
        self.clients.iter().filter(move |(_, it)| it.origin == origin).map(|(client, _)| *client)
    }

    fn remove(&mut self, client: u64) {
        if self.clients.remove(&client).is_none() {
            return;
        }
        self.version += 1;
        self.gone.push_back((client, self.version));
        if self.gone.len() > limits::DOC_GONE {
            self.gone.pop_front();
        }
    }
}

fn entry(client: u64, clock: u64, state: &str) -> AwarenessEntry {
    AwarenessEntry { client, clock, state: state.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::realtime::binary::decode_awareness;
    use uuid::Uuid;

    fn person(number: u128, name: &str) -> UserIdentity {
        let user = UserId(Uuid::from_u128(number));
        UserIdentity { user, name: name.to_owned(), emoji: "🌱".to_owned(), slot: 3 }
    }

    fn read(payload: Option<Bytes>) -> Vec<(u64, u64, Value)> {
        let entries = decode_awareness(&payload.unwrap_or_default()).unwrap_or_default();
        let value = |it: &AwarenessEntry| serde_json::from_str(&it.state).unwrap_or_default();
        entries.iter().map(|it| (it.client, it.clock, value(it))).collect()
    }

    #[test]
    fn rt44_the_server_says_who_a_client_is() {
        let mut room = Awareness::default();
        let state = r#"{"cursor":{"anchor":1},"user":{"name":"somebody else"}}"#;
        assert_eq!(room.set(1, &person(7, "Ana"), 70, state), Ok(()));
        let (payload, version) = room.since(0, 2);
        let seen = read(payload);
        assert_eq!(seen[0].2["user"]["name"], "Ana");
        assert_eq!(seen[0].2["cursor"]["anchor"], 1);
        assert_eq!(room.since(0, 1).0, None, "one's own never comes back");
        assert_eq!(room.since(version, 2).0, None);
    }

    #[test]
    fn rt44_nobody_speaks_for_another_persons_client() {
        let mut room = Awareness::default();
        assert_eq!(room.set(1, &person(7, "Ana"), 70, "{}"), Ok(()));
        assert_eq!(room.set(2, &person(8, "Ben"), 70, "{}"), Err(Refused::Taken));
        assert_eq!(room.set(2, &person(8, "Ben"), 71, "[]"), Err(Refused::NotJson));
        // The same person's new connection takes over from one that has not ended yet.
        assert_eq!(room.set(3, &person(7, "Ana"), 70, "{}"), Ok(()));
        assert!(!room.leave(1));
        assert!(room.leave(3));
    }

    #[test]
    fn rt44_a_client_that_leaves_is_gone_and_one_that_comes_back_is_newer() {
        let mut room = Awareness::default();
        let ana = person(7, "Ana");
        assert_eq!(room.set(1, &ana, 70, "{}"), Ok(()));
        let before = room.since(0, 2);
        assert!(room.leave(1));
        let (gone, version) = room.since(before.1, 2);
        assert_eq!(read(gone), vec![(70, 2, Value::Null)]);
        assert_eq!(room.set(3, &ana, 70, "{}"), Ok(()));
        let back = read(room.since(version, 2).0);
        assert_eq!((back.len(), back[0].0, back[0].1), (1, 70, 3));
    }
}
