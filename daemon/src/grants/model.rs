//! Pure: what somebody may do on a board, and why.
//!
//! The right is the highest of all reasons, then lowered by each limit. Deliberately not here: which
//! right an act needs (`auth::policy`).

use grove_core_api::rest::grants::{
    BoardRight, BoardVisibility, RightCap, RightLimit, RightReason, RightSource, TokenScope,
};
use grove_core_api::rest::users::UserRole;
use grove_core_api::{GroupId, UserId};
use std::cmp::Reverse;

/// A grant that counts for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) right: BoardRight,
    /// The group with its name, when it is a group's grant.
    pub(crate) group: Option<(GroupId, String)>,
}

/// Through what somebody acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Means {
    pub(crate) scope: TokenScope,
    /// Whether the board is that of the agent's session; absent: a person acts.
    pub(crate) agent: Option<bool>,
}

impl Means {
    /// A person with everything that they have.
    pub(crate) const IN_PERSON: Self = Self { scope: TokenScope::Full, agent: None };
}

/// Everything that a right follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) role: UserRole,
    pub(crate) is_retired: bool,
    pub(crate) is_owner: bool,
    pub(crate) visibility: BoardVisibility,
    pub(crate) members_right: BoardRight,
    pub(crate) grants: Vec<Granted>,
}

/// A right with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) right: Option<BoardRight>,
    /// The highest right first.
    pub(crate) reasons: Vec<RightReason>,
    /// Those that lowered it.
    pub(crate) limits: Vec<RightLimit>,
}

/// What follows from the facts, and why.
pub(crate) fn judge(facts: &Facts, means: Means) -> Verdict {
    let mut reasons = reasons(facts);
    // Stable: of equal rights the reason that was found first stays first.
    reasons.sort_by_key(|it| Reverse(it.right));
    let mut right = reasons.first().map(|it| it.right);
    let mut limits = Vec::new();
    for limit in caps(facts, means) {
        let lowered = right.min(limit.most);
        if lowered != right {
            right = lowered;
            limits.push(limit);
        }
    }
    Verdict { right, reasons, limits }
}

/// The right alone, of a person with everything that they have.
pub(crate) fn right(facts: &Facts) -> Option<BoardRight> {
    judge(facts, Means::IN_PERSON).right
}

fn reasons(facts: &Facts) -> Vec<RightReason> {
    let reason = |source, right, text: &str| RightReason {
        source,
        right,
        group_id: None,
        text: text.to_owned(),
    };
    let mut found = Vec::new();
    match facts.role {
        UserRole::Owner => {
            let text = "the owner of the instance may do everything";
            found.push(reason(RightSource::Role, BoardRight::Admin, text));
        }
        UserRole::Admin => {
            let text = "admins of the instance may do everything";
            found.push(reason(RightSource::Role, BoardRight::Admin, text));
        }
        UserRole::Member | UserRole::Viewer => {}
    }
    if facts.is_owner {
        let text = "the board is theirs";
        found.push(reason(RightSource::Ownership, BoardRight::Admin, text));
    }
    for grant in &facts.grants {
        found.push(match &grant.group {
            None => reason(RightSource::Grant, grant.right, "a grant of their own"),
            Some((id, name)) => RightReason {
                source: RightSource::Group,
                right: grant.right,
                group_id: Some(*id),
                text: format!("a grant of the group `{name}`"),
            },
        });
    }
    if facts.visibility == BoardVisibility::Members {
        let text = "everybody on the instance has it on this board";
        found.push(reason(RightSource::Members, facts.members_right, text));
    }
    found
}

/// The limits that hold, whether they lower anything or not.
fn caps(facts: &Facts, means: Means) -> Vec<RightLimit> {
    let limit = |cap, most, text: &str| RightLimit { cap, most, text: text.to_owned() };
    let mut found = Vec::new();
    if facts.is_retired {
        found.push(limit(RightCap::Retired, None, "the person was retired"));
    }
    if facts.role == UserRole::Viewer {
        let text = "viewers of the instance look and do nothing else";
        found.push(limit(RightCap::ViewerRole, Some(BoardRight::View), text));
    }
    match means.scope {
        TokenScope::Read => {
            let text = "the token has the scope `read`";
            found.push(limit(RightCap::TokenScope, Some(BoardRight::View), text));
        }
        TokenScope::Work => {
            let text = "the token has the scope `work`, which administers nothing";
            found.push(limit(RightCap::TokenScope, Some(BoardRight::Steer), text));
        }
        TokenScope::Full => {}
    }
    match means.agent {
        Some(true) => {
            let text = "an agent never steers the work of others";
            found.push(limit(RightCap::Agent, Some(BoardRight::Prompt), text));
        }
        Some(false) => {
            let text = "an agent works on the board of its session and looks at others";
            found.push(limit(RightCap::Agent, Some(BoardRight::View), text));
        }
        None => {}
    }
    found
}

/// People who can give rights on a board: its owner first, then the others, each once.
pub(crate) fn givers(owner: UserId, admins: &[UserId], most: usize) -> Vec<UserId> {
    let mut found = vec![owner];
    for id in admins {
        if !found.contains(id) {
            found.push(*id);
        }
    }
    found.truncate(most);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn right_of() -> impl Strategy<Value = BoardRight> {
        proptest::sample::select(BoardRight::ALL)
    }

    prop_compose! {
        fn facts()(
            role in proptest::sample::select(UserRole::ALL.to_vec()),
            is_retired in any::<bool>(),
            is_owner in any::<bool>(),
            visibility in proptest::sample::select(BoardVisibility::ALL),
            members_right in right_of(),
            grants in proptest::collection::vec((right_of(), any::<bool>()), 0..4),
        ) -> Facts {
            let group = Some((GroupId(Uuid::nil()), "all".to_owned()));
            let grant = |(right, is_group): (BoardRight, bool)| Granted {
                right,
                group: group.clone().filter(|_| is_group),
            };
            let grants = grants.into_iter().map(grant).collect();
            Facts { role, is_retired, is_owner, visibility, members_right, grants }
        }
    }

    prop_compose! {
        fn means()(
            scope in proptest::sample::select(TokenScope::ALL),
            agent in proptest::option::of(any::<bool>()),
        ) -> Means {
            Means { scope, agent }
        }
    }

    /// The rule once more, in one expression without reasons.
    fn expected(facts: &Facts, means: Means) -> Option<BoardRight> {
        let is_admin = matches!(facts.role, UserRole::Owner | UserRole::Admin) || facts.is_owner;
        let members = (facts.visibility == BoardVisibility::Members).then_some(facts.members_right);
        let granted = facts.grants.iter().map(|it| it.right).max();
        let highest = is_admin.then_some(BoardRight::Admin).max(granted).max(members);
        let most = match (facts.role, means.scope, means.agent) {
            (UserRole::Viewer, ..) | (_, TokenScope::Read, _) | (.., Some(false)) => {
                BoardRight::View
            }
            (.., Some(true)) => BoardRight::Prompt,
            (_, TokenScope::Work, None) => BoardRight::Steer,
            (_, TokenScope::Full, None) => BoardRight::Admin,
        };
        highest.filter(|_| !facts.is_retired).map(|it| it.min(most))
    }

    proptest! {
        #[test]
        fn the_right_is_the_highest_reason_under_all_limits(facts in facts(), means in means()) {
            let verdict = judge(&facts, means);
            prop_assert_eq!(verdict.right, expected(&facts, means));
            // Each limit that is named lowered something, and nothing was lowered without one.
            let highest = verdict.reasons.iter().map(|it| it.right).max();
            let least = verdict.limits.iter().map(|it| it.most).min();
            prop_assert_eq!(verdict.right, least.map_or(highest, |most| highest.min(most)));
            prop_assert_eq!(verdict.limits.is_empty(), verdict.right == highest);
        }

        #[test]
        fn another_grant_never_takes_anything_away(
            facts in facts(), means in means(), added in right_of(),
        ) {
            let mut more = facts.clone();
            more.grants.push(Granted { right: added, group: None });
            prop_assert!(judge(&more, means).right >= judge(&facts, means).right);
        }

        #[test]
        fn no_token_and_no_agent_may_more_than_its_person(facts in facts(), means in means()) {
            prop_assert!(judge(&facts, means).right <= right(&facts));
        }

        #[test]
        fn a_viewer_never_does_anything(facts in facts(), means in means()) {
            let facts = Facts { role: UserRole::Viewer, ..facts };
            prop_assert!(judge(&facts, means).right <= Some(BoardRight::View));
        }

        #[test]
        fn nobody_else_sees_a_private_board(facts in facts(), means in means()) {
            let facts = Facts {
                role: UserRole::Member,
                is_owner: false,
                visibility: BoardVisibility::Private,
                grants: Vec::new(),
                ..facts
            };
            prop_assert_eq!(judge(&facts, means).right, None);
        }
    }

    #[test]
    fn the_owner_of_a_board_is_named_first_and_once() {
        let [ana, ben, cem] = [1, 2, 3].map(|it| UserId(Uuid::from_u128(it)));
        assert_eq!(givers(ana, &[ben, ana, ben, cem], 2), [ana, ben]);
    }
}
