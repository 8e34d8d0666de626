//! The pure half of documents: what an update does, and what is refused.

use super::model::{Document, Refusal};
use grove_core_api::limits;
use grove_core_api::realtime::binary::Malformed;
use proptest::prelude::*;

const LIMIT: usize = limits::NOTE_BYTES;

fn text_of(document: &Document) -> String {
    document.text()
}

/// What `from` has and `to` lacks.
fn lacking(from: &Document, to: &Document) -> Vec<u8> {
    from.diff(&to.state_vector()).unwrap()
}

#[test]
fn rt41_the_same_update_again_is_no_news() {
    let (mut server, mut client) = (Document::default(), Document::default());
    let update = client.replace("hello").unwrap();
    assert!(server.apply(&update, LIMIT).unwrap().is_some());
    assert_eq!(server.apply(&update, LIMIT), Ok(None));
    assert_eq!(text_of(&server), "hello");
}

#[test]
fn rt42_what_is_no_text_and_what_lacks_something_is_refused() {
    let (mut server, mut client) = (Document::default(), Document::default());
    let first = client.replace("one").unwrap();
    let second = client.replace("one two").unwrap();
    assert_eq!(server.apply(&second, LIMIT), Err(Refusal::Lacks));
    assert_eq!(server.apply(&[1, 2, 3], LIMIT), Err(Refusal::Malformed(Malformed::Short)));
    let large = vec![0; limits::DOC_UPDATE_BYTES + 1];
    assert_eq!(server.apply(&large, LIMIT), Err(Refusal::Update));
    assert_eq!(text_of(&server), "", "nothing of it was applied");
    assert!(server.apply(&first, LIMIT).is_ok() && server.apply(&second, LIMIT).is_ok());
    assert_eq!(text_of(&server), "one two");
}

#[test]
fn rt42_a_text_that_would_become_too_long_is_refused_and_can_be_shortened() {
    let (mut server, mut client) = (Document::default(), Document::default());
    let fits = client.replace(&"x".repeat(LIMIT)).unwrap();
    assert!(server.apply(&fits, LIMIT).is_ok());
    let over = client.replace(&"x".repeat(LIMIT + 1)).unwrap();
    assert_eq!(server.apply(&over, LIMIT), Err(Refusal::Text(LIMIT)));
    assert_eq!(server.text_bytes(), LIMIT);
    client.replace("short");
    let rest = lacking(&client, &server);
    assert!(server.apply(&rest, LIMIT).is_ok());
    assert_eq!((text_of(&server).as_str(), server.text_bytes()), ("short", 5));
}

#[test]
fn rt42_a_document_that_would_become_too_large_is_refused() {
    let mut server = Document::default();
    let mut refused = 0;
    // Many authors whose words alternate: what is deleted leaves a trace of each.
    for round in 0..200 {
        let mut client = Document::of_updates([server.encode().as_slice()]).unwrap();
        let update = client.replace(&format!("{round} ").repeat(2_000)).unwrap();
        if server.apply(&update, LIMIT) == Err(Refusal::Document) {
            refused += 1;
        }
        assert!(server.encode().len() <= limits::DOC_BYTES);
        assert!(server.text_bytes() <= LIMIT);
    }
    assert_eq!(refused, 0, "what was deleted costs next to nothing");
    let (mut server, mut client) = (Document::default(), Document::default());
    let mut outcomes = Vec::new();
    for thirds in 1..=3 {
        let update = client.replace(&"y".repeat(thirds * 400_000)).unwrap();
        outcomes.push(server.apply(&update, usize::MAX / 2).map(|news| news.is_some()));
    }
    assert_eq!(outcomes, [Ok(true), Ok(true), Err(Refusal::Document)]);
    assert_eq!(server.text_bytes(), 800_000);
}

#[test]
fn rt45_setting_a_text_changes_only_what_differs() {
    let mut document = Document::of_text("Grüße 🌱 an alle");
    let before = document.state_vector();
    assert!(document.replace("Grüße 🌱 an alle").is_none());
    for text in ["Grüße 🌳 an alle", "Grüsse 🌳 an alle!", "", "🌱", "🌱🌱", "é", "e"]
    {
        let update = document.replace(text).unwrap();
        assert_eq!((text_of(&document).as_str(), document.text_bytes()), (text, text.len()));
        assert!(update.len() < 80, "{}", update.len());
    }
    assert_ne!(document.state_vector(), before);
}

/// One step of one client.
#[derive(Clone, Debug)]
enum Step {
    Insert(usize, String),
    Delete(usize, usize),
    /// Sends what it has and takes what the server has.
    Meet,
    /// Comes back as somebody who forgot everything.
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..40_usize, "[a-zä🌱 ]{1,6}").prop_map(|(at, text)| Step::Insert(at, text)),
        2 => (0..40_usize, 1..6_usize).prop_map(|(at, len)| Step::Delete(at, len)),
        3 => Just(Step::Meet),
        1 => Just(Step::Forget),
    ]
}

/// The text with some characters inserted or removed.
fn edited(text: &str, step: &Step) -> String {
    let letters: Vec<char> = text.chars().collect();
    let cut = |at: usize| at.min(letters.len());
    match step {
        Step::Insert(at, new) => {
            let (left, right) = letters.split_at(cut(*at));
            left.iter().copied().chain(new.chars()).chain(right.iter().copied()).collect()
        }
        Step::Delete(at, len) => {
            let (left, right) = (&letters[..cut(*at)], &letters[cut(at + len)..]);
            left.iter().chain(right).collect()
        }
        Step::Meet | Step::Forget => text.to_owned(),
    }
}

fn meet(client: &mut Document, server: &mut Document, log: &mut Vec<Vec<u8>>) {
    let sent = lacking(client, server);
    if let Some(news) = server.apply(&sent, LIMIT).unwrap() {
        log.push(news);
    }
    client.merge(&lacking(server, client)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rt41_random_edits_by_clients_that_come_and_go_converge(
        seed in "[a-z ]{0,20}",
        plan in proptest::collection::vec((0..4_usize, step()), 1..80),
    ) {
        let mut server = Document::of_text(&seed);
        let mut log = vec![server.encode()];
        let mut clients: Vec<Document> = (0..4).map(|_| Document::default()).collect();
        for client in &mut clients {
            meet(client, &mut server, &mut log);
        }
        for (who, step) in &plan {
            let client = &mut clients[*who];
            match step {
                Step::Meet => meet(client, &mut server, &mut log),
                Step::Forget => *client = Document::of_updates([server.encode().as_slice()]).unwrap(),
                Step::Insert(..) | Step::Delete(..) => {
                    let text = edited(&client.text(), step);
                    client.replace(&text);
                }
            }
        }
        for _ in 0..2 {
            for client in &mut clients {
                meet(client, &mut server, &mut log);
            }
        }
        let text = server.text();
        for client in &clients {
            prop_assert_eq!(client.text(), text.clone());
        }
        // What is stored is the document, update by update or as one state.
        let parts = log.iter().map(Vec::as_slice);
        prop_assert_eq!(Document::of_updates(parts).unwrap().text(), text.clone());
        prop_assert_eq!(Document::of_updates([server.encode().as_slice()]).unwrap().text(), text.clone());
        prop_assert_eq!(server.text_bytes(), text.len());
    }

    #[test]
    fn rt42_damaged_updates_do_no_harm(
        text in "[a-z🌱]{1,12}",
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut client = Document::default();
        let mut update = client.replace(&text).unwrap();
        for (at, byte) in damage {
            let at = at.index(update.len());
            update[at] = byte;
        }
        let mut server = Document::of_text("here before");
        // Applied or refused; a copy that the library gave up on is dropped by whoever holds it.
        if server.apply(&update, LIMIT) != Err(Refusal::Broken) {
            prop_assert!(server.text().contains("here before") || server.text_bytes() < 64);
            prop_assert_eq!(server.text_bytes(), server.text().len());
        }
    }
}
