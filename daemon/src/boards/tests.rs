//! Rules of boards that need no database.

use super::model::{ObjectData, Placed};
use super::service::objects::free_place;
use grove_core_api::realtime::NackCode;
use grove_core_api::rest::boards::ObjectKind;
use grove_core_api::{BoardId, BoardObjectId, UserId};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

fn placed(kind: ObjectKind) -> Placed {
    Placed {
        id: BoardObjectId(Uuid::nil()),
        board_id: BoardId(Uuid::nil()),
        kind,
        pos: [0.0, 0.0],
        data: ObjectData::default(),
        created_by: UserId(Uuid::nil()),
        created_at_ms: 0,
        updated_at_ms: 0,
    }
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
