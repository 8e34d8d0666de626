//! One entity per table; queries live in the slices.
#![expect(
    unreachable_pub,
    reason = "sea-orm's derive wants public entities inside this private module"
)]

pub(crate) mod audit_entry;
pub(crate) mod board;
pub(crate) mod board_grant;
pub(crate) mod board_image;
pub(crate) mod board_object;
pub(crate) mod board_view;
pub(crate) mod comment;
pub(crate) mod doc;
pub(crate) mod doc_update;
pub(crate) mod event;
pub(crate) mod executor;
pub(crate) mod group_member;
pub(crate) mod idempotency_key;
pub(crate) mod login_session;
pub(crate) mod mention;
pub(crate) mod message;
pub(crate) mod permission;
pub(crate) mod personal_access_token;
pub(crate) mod removed_object;
pub(crate) mod repo;
pub(crate) mod repo_home;
pub(crate) mod session;
pub(crate) mod session_token;
pub(crate) mod setting;
pub(crate) mod task;
pub(crate) mod topic;
pub(crate) mod topic_snapshot;
pub(crate) mod user;
pub(crate) mod user_group;
pub(crate) mod worktree;
