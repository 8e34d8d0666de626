//! Rules of boards that need no database.

use super::model::Placed;
use super::service::objects::free_place;
use grove_core_api::realtime::NackCode;
use grove_core_api::rest::boards::ObjectKind;
use grove_core_api::{BoardId, BoardObjectId, UserId};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

fn placed(kind: ObjectKind) -> Placed {
    let id = BoardObjectId(Uuid::nil());
    Placed::fresh(id, BoardId(Uuid::nil()), kind, UserId(Uuid::nil()), 0)
}

#[test]
fn of_a_card_only_the_place_can_be_set() {
    let mut card = placed(ObjectKind::Session);
    assert!(card.set("pos", &json!([10, -20.5])).is_ok());
    assert_eq!(card.pos, [10.0, -20.5]);
    let refused = card.set("text", &json!("x")).map_err(|it| it.code);
    assert_eq!(refused, Err(NackCode::Invalid));
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let mut note = placed(ObjectKind::Note);
    for (property, value) in [
        ("pos", json!([1])),
        ("pos", json!([1e12, 0])),
        ("pos", json!("here")),
        ("size", json!([1, 1])),
        ("text", json!(7)),
        ("color", json!("pink elephant")),
        ("title", json!("x")),
    ] {
        assert!(note.set(property, &value).is_err(), "{property} {value}");
    }
    assert_eq!(note, placed(ObjectKind::Note));
}

#[test]
fn what_the_server_knows_of_an_object_cannot_be_said() {
    let v = json!({ "pos": [1, 2], "created_by": "somebody", "natural_size": [9, 9], "ord": "" });
    let made = placed(ObjectKind::Note).with(v.as_object().unwrap()).unwrap();
    assert_eq!((made.created_by, made.data.natural_size), (UserId(Uuid::nil()), None));
    assert_eq!((made.pos, made.ord.as_str()), ([1.0, 2.0], ""));
}

#[test]
fn each_kind_has_its_own_properties() {
    for (kind, property, value, fits) in [
        (ObjectKind::Document, "title", json!("Plan"), true),
        (ObjectKind::Document, "title", json!("two\nlines"), false),
        (ObjectKind::Note, "title", json!("Plan"), false),
        (ObjectKind::Edge, "from", json!(Uuid::nil()), true),
        (ObjectKind::Note, "from", json!(Uuid::nil()), false),
        (ObjectKind::Edge, "pos", json!([0, 0]), false),
        (ObjectKind::Image, "image", json!("another"), false),
        (ObjectKind::Session, "ord", json!("a0V"), true),
        (ObjectKind::Session, "is_locked", json!(true), true),
        (ObjectKind::Zone, "ord", json!("a00"), false),
    ] {
        let set = placed(kind).set(property, &value);
        assert_eq!(set.is_ok(), fits, "{kind:?} {property} {value}");
    }
    let long = json!("x".repeat(100 * 1024));
    assert!(placed(ObjectKind::Note).set("text", &long).is_err());
    assert!(placed(ObjectKind::Document).set("text", &long).is_ok());
}

#[test]
fn what_is_locked_moves_when_it_is_unlocked_first() {
    let mut zone = placed(ObjectKind::Zone);
    zone.set("is_locked", &json!(true)).unwrap();
    let refused = zone.set("pos", &json!([1, 1])).map_err(|it| it.code);
    assert_eq!(refused, Err(NackCode::Locked));
    assert!(zone.check_lock(None).is_err(), "nor is it removed");
    assert!(zone.set("text", &json!("A")).is_ok());
    zone.set("is_locked", &json!(false)).unwrap();
    assert!(zone.set("pos", &json!([1, 1])).is_ok());
}

#[test]
fn a_property_was_last_changed_by_the_put_or_by_a_later_set() {
    let mut note = placed(ObjectKind::Note);
    note.note_put(3);
    assert_eq!((note.changed_at("text"), note.newest_change()), (3, 3));
    note.note(["text".to_owned()], 7);
    assert_eq!((note.changed_at("text"), note.changed_at("pos")), (7, 3));
    assert_eq!(note.newest_change(), 7);
    note.note_put(9);
    assert_eq!(note.changed_at("text"), 9, "brought back, it is new");
}

proptest! {
    #[test]
    fn new_cards_never_cover_each_other(count in 1_usize..60) {
        let mut taken = Vec::new();
        for _ in 0..count {
            let pos = free_place(&taken, taken.first().copied());
            for other in &taken {
                let (dx, dy): (f64, f64) = (pos[0] - other[0], pos[1] - other[1]);
                prop_assert!(dx.abs() >= 300.0 || dy.abs() >= 168.0);
            }
            taken.push(pos);
        }
    }
}
