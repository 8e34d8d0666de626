//! Rights on boards: who has which, from what, and how they are given; groups; scopes of tokens.
//!
//! The rules are in docs/permissions.md; here are their words.

use crate::rest::users::UserRole;
use crate::{BoardId, GroupId, UnixMillis, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

macro_rules! ladder {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $rung:ident => $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
                 JsonSchema, ToSchema, ts_rs::TS)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$doc])* $rung,)*
        }

        impl $name {
            /// All of them, the least first.
            pub const ALL: &'static [Self] = &[$(Self::$rung,)*];

            /// Name as on the wire and in the database.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$rung => $text,)* }
            }

            /// The one of that name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.name() == name)
            }
        }
    };
}

ladder! {
    /// What one may do on a board; each holds the ones before it.
    BoardRight {
        /// Reads the board and everything on it, and is seen there.
        View => "view",
        /// Writes comments and resolves threads.
        Comment => "comment",
        /// Puts, changes and removes objects; makes and prompts sessions; stops and answers its own turns.
        Prompt => "prompt",
        /// Stops and answers turns of others; removes sessions and worktrees of others; publishes.
        Steer => "steer",
        /// Renames, archives and shares the board.
        Admin => "admin",
    }
}

ladder! {
    /// Who sees a board without a grant.
    BoardVisibility {
        /// Only its owner, those who have a grant, and the instance's owner and admins.
        Private => "private",
        /// Everybody on the instance, with the right that the board names.
        Members => "members",
    }
}

ladder! {
    /// What a token is for; each holds the ones before it.
    TokenScope {
        /// Reads what its person may read.
        Read => "read",
        /// Works on boards as its person may.
        Work => "work",
        /// Everything that its person may: also tokens, sign-in and administration.
        Full => "full",
    }
}

ladder! {
    /// What has a grant.
    SubjectKind {
        /// A person.
        User => "user",
        /// Everybody in a group.
        Group => "group",
    }
}

/// A right on a board that somebody was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct BoardGrant {
    /// The board.
    pub board_id: BoardId,
    /// Whether a person or a group has it.
    pub subject_kind: SubjectKind,
    /// The person or group.
    #[ts(type = "string")]
    #[schema(value_type = String, format = Uuid)]
    pub subject_id: Uuid,
    /// Name of the person or group.
    pub subject_name: String,
    /// The right.
    pub right: BoardRight,
    /// Who gave it.
    pub created_by: UserId,
    /// When it was given or last changed.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
}

/// The right that a person or group is given; it replaces the one that they had by a grant.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct PutBoardGrant {
    /// The right.
    pub right: BoardRight,
}

/// From where a right comes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum RightSource {
    /// The role of the instance's owner or of an admin.
    Role,
    /// The board is theirs.
    Ownership,
    /// A grant of their own.
    Grant,
    /// A grant of a group that they are in.
    Group,
    /// What everybody has on this board.
    Members,
}

/// One reason for a right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct RightReason {
    /// From where it comes.
    pub source: RightSource,
    /// The right that follows from it.
    pub right: BoardRight,
    /// The group, when it is a group's grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub group_id: Option<GroupId>,
    /// The reason in words.
    pub text: String,
}

/// Why a right is less than the reasons would give.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum RightCap {
    /// Viewers of the instance see and do nothing else.
    ViewerRole,
    /// The token reads.
    TokenScope,
    /// An agent works on the board of its session, and sees other boards.
    Agent,
    /// The person was retired.
    Retired,
}

/// A limit that was put on a right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct RightLimit {
    /// What limits it.
    pub cap: RightCap,
    /// The most that is left; absent: nothing.
    pub most: Option<BoardRight>,
    /// The limit in words.
    pub text: String,
}

/// What somebody may do on a board, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct BoardRights {
    /// The board.
    pub board_id: BoardId,
    /// Whose right it is.
    pub user_id: UserId,
    /// Their role on the instance.
    pub role: UserRole,
    /// What they may do; absent: the board does not exist for them.
    pub right: Option<BoardRight>,
    /// Every reason that counted, the highest right first.
    pub reasons: Vec<RightReason>,
    /// Every limit that lowered it.
    pub limits: Vec<RightLimit>,
    /// Who can give more: the board's owner, then those with `admin` on it, at most 10.
    pub givers: Vec<UserId>,
}

/// Whose rights are asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BoardRightsQuery {
    /// The person (id or its last 8 digits); by default oneself. Others are shown to those with
    /// `admin` on the board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What is missing, next to a problem of code `forbidden` about a board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct MissingRight {
    /// The board.
    pub board_id: BoardId,
    /// The right that the caller has.
    pub have: BoardRight,
    /// The right that is needed.
    pub need: BoardRight,
    /// Names of those who can give it, at most 10.
    pub givers: Vec<String>,
}

/// People under one name, who are given rights together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its name, unique on the instance.
    pub name: String,
    /// Who is in it, in the order of their ids.
    pub members: Vec<UserId>,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
    /// When it was last changed.
    #[ts(type = "number")]
    pub updated_at_ms: UnixMillis,
}

/// A new group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct CreateGroup {
    /// Its name: 1 to 200 characters.
    pub name: String,
}

/// Changes of a group; absent fields stay as they are.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct PatchGroup {
    /// Its name: 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
}

/// Changes of another person by an admin; absent fields stay as they are.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct PatchPerson {
    /// `admin`, `member` or `viewer`; ownership is handed over in another way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub role: Option<UserRole>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rung_has_the_name_of_the_wire_and_stands_above_the_one_before() {
        for pair in BoardRight::ALL.windows(2) {
            assert!(pair[0] < pair[1]);
        }
        for right in BoardRight::ALL {
            assert_eq!(serde_json::to_value(right).unwrap(), right.name());
            assert_eq!(BoardRight::named(right.name()), Some(*right));
        }
        assert!(TokenScope::Read < TokenScope::Work && TokenScope::Work < TokenScope::Full);
        assert_eq!(BoardRight::named("owner"), None);
    }
}
