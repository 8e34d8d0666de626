//! Boards, groups and people: who may do what.

use super::Listing;
use clap::{Subcommand, ValueEnum};
use grove_core_api::rest::grants::{BoardRight, BoardVisibility};
use grove_core_api::rest::users::UserRole;

#[derive(Debug, Subcommand)]
pub(crate) enum Board {
    /// List boards
    Ls(Listing),
    /// Make a board
    New {
        /// Its name
        name: String,
    },
    /// Give a person or group a right on a board, in place of the one that they were given before
    Share {
        /// Name, id or end of an id
        board: String,
        /// Person or group: name, id or end of an id
        who: String,
        /// The right; each holds the ones before it
        right: Right,
    },
    /// Take away what a person or group was given
    Unshare {
        /// Name, id or end of an id
        board: String,
        /// Person or group: name, id or end of an id
        who: String,
    },
    /// Say who sees a board without having been given anything
    Visibility {
        /// Name, id or end of an id
        board: String,
        /// Who sees it
        visibility: Visibility,
        /// What everybody may do when they see it
        #[arg(long)]
        right: Option<Right>,
    },
    /// List who was given which right on a board
    Grants {
        /// Name, id or end of an id
        board: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Say what you may do on a board, and why
    Rights {
        /// Name, id or end of an id
        board: String,
        /// Somebody else: name, id or end of an id
        #[arg(long)]
        user: Option<String>,
    },
}

/// What one may do on a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Right {
    /// Read everything
    View,
    /// Write comments
    Comment,
    /// Change objects, make and prompt sessions
    Prompt,
    /// Stop and answer what others run
    Steer,
    /// Rename, archive and share
    Admin,
}

impl From<Right> for BoardRight {
    fn from(right: Right) -> Self {
        match right {
            Right::View => Self::View,
            Right::Comment => Self::Comment,
            Right::Prompt => Self::Prompt,
            Right::Steer => Self::Steer,
            Right::Admin => Self::Admin,
        }
    }
}

/// Who sees a board without having been given anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Visibility {
    /// Nobody but its owner and admins
    Private,
    /// Everybody on the instance
    Members,
}

impl From<Visibility> for BoardVisibility {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Private => Self::Private,
            Visibility::Members => Self::Members,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// List groups
    Ls(Listing),
    /// Make a group
    New {
        /// Its name
        name: String,
    },
    /// Remove a group, and with it what it was given
    Rm {
        /// Name, id or end of an id
        group: String,
    },
    /// Put a person into a group
    Add {
        /// Name, id or end of an id
        group: String,
        /// Name, id or end of an id
        user: String,
    },
    /// Take a person out of a group
    Remove {
        /// Name, id or end of an id
        group: String,
        /// Name, id or end of an id
        user: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// List people
    Ls(Listing),
    /// Show who you are
    Me,
    /// Change what a person may do on the instance
    Role {
        /// Name, id or end of an id
        user: String,
        /// The role
        role: Role,
    },
    /// Hand the instance over to a person; you are an admin from then on
    HandOver {
        /// Name, id or end of an id
        user: String,
    },
}

/// A role that can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Runs the instance
    Admin,
    /// Works on boards
    Member,
    /// Looks and does nothing else
    Viewer,
}

impl From<Role> for UserRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Member => Self::Member,
            Role::Viewer => Self::Viewer,
        }
    }
}
