//! Who is on a board, where they point and look. Memory only, never stored.

use serde::{Deserialize, Deserializer, Serialize};

/// Who a participant is; sent once, when it joins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
pub struct Identity {
    /// The user.
    pub user: String,
    /// Name that others see.
    pub name: String,
    /// One emoji.
    pub emoji: String,
    /// Colour slot 0 to 11, given by the server so that people on one board differ.
    pub slot: u8,
    /// Whether it is an agent.
    pub is_agent: bool,
}

/// How much others see of a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The person has not done anything for some minutes.
    Away,
    /// The person does not want to be shown; clients leave it out of their lists.
    Hidden,
}

/// Last known presence of a participant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct Presence {
    /// Pointer in board units; absent while hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub cur: Option<[f64; 2]>,
    /// Viewport: left and top in board units, zoom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub vp: Option<[f64; 3]>,
    /// Selected objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub sel: Option<Vec<String>>,
    /// Objects being dragged, with the offset in board units from where they lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub drag: Option<Drag>,
    /// Topic of the session that the person types into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub typing: Option<String>,
    /// Topic of the session whose panel is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub panel: Option<String>,
    /// Part of the panel that is shown, such as `diff`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub tab: Option<String>,
    /// Participant whose view this one follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub follow: Option<String>,
    /// Asks everybody to follow this participant; another number is another asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub spot: Option<u64>,
    /// How much others see of it; absent while there is nothing to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub seen: Option<Visibility>,
}

/// Objects being dragged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ts_rs::TS)]
pub struct Drag {
    /// The objects.
    pub ids: Vec<String>,
    /// Offset to the right in board units.
    pub dx: f64,
    /// Offset downwards in board units.
    pub dy: f64,
}

/// A change of presence: an absent field stays, `null` clears it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct PresenceUpdate {
    /// Pointer in board units.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable, as = "Option<[f64; 2]>")]
    pub cur: Option<Option<[f64; 2]>>,
    /// Viewport.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable, as = "Option<[f64; 3]>")]
    pub vp: Option<Option<[f64; 3]>>,
    /// Selected objects.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable, as = "Option<Vec<String>>")]
    pub sel: Option<Option<Vec<String>>>,
    /// Objects being dragged.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable, as = "Option<Drag>")]
    pub drag: Option<Option<Drag>>,
    /// Topic of the session that the person types into.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable, as = "Option<String>")]
    pub typing: Option<Option<String>>,
    /// Topic of the session whose panel is open.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable, as = "Option<String>")]
    pub panel: Option<Option<String>>,
    /// Part of the panel that is shown.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable, as = "Option<String>")]
    pub tab: Option<Option<String>>,
    /// Participant whose view this one follows.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable, as = "Option<String>")]
    pub follow: Option<Option<String>>,
    /// Asks everybody to follow.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable, as = "Option<f64>")]
    pub spot: Option<Option<u64>>,
    /// How much others see of it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[ts(optional = nullable, as = "Option<Visibility>")]
    pub seen: Option<Option<Visibility>>,
}

/// Tells an absent field from one that is `null`.
fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_clears_and_absence_keeps() -> Result<(), serde_json::Error> {
        let update: PresenceUpdate = serde_json::from_str(r#"{"cur":null,"typing":"session:1"}"#)?;
        assert_eq!(update.cur, Some(None));
        assert_eq!(update.typing, Some(Some("session:1".into())));
        assert_eq!(update.vp, None);
        Ok(())
    }
}
