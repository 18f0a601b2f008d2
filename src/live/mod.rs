//! Tells open pages what changed elsewhere, within a moment and without a broker.
//!
//! After the commit of an operation, [`AppState::write`](crate::transaction::AppState::write) publishes which entities
//! it changed. [`hub`] passes this to all streams of this server, and [`postgres`] to the other servers of the shop.
//! What is published has ids and no data: a page reads the data again, with the rights of its user.

pub mod hub;
pub mod postgres;

use crate::{
    audit::Entity,
    auth::{Me, Permission},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use url::form_urlencoded;

/// Maximum number of entities that are named one by one. More of them are published as [`Changes::all`].
const MOST: usize = 100;

/// An entity that changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Changed {
    /// The code of an [`Entity`]. A server of a newer version may know more of them.
    pub entity: String,
    pub id: String,
    /// The operation of the log; 0 if only the stock changed.
    pub operation: i64,
    /// The open page that asked for it, which knows already. Empty if it was not one.
    pub page: String,
    /// The only user who learns of it. Empty for all who may see the entity.
    #[serde(default)]
    pub only_for: String,
}

/// The kind under which a code is passed on that a paired phone read. It is no [`Entity`], and is not stored.
const SCAN: &str = "scan";

impl Changed {
    /// Passes a code that a phone read to the page of the same user that is paired with it. What is passed on is the
    /// code, because nothing else of it is stored anywhere.
    pub fn scan(code: &str, screen: &str, username: &str) -> Self {
        Self {
            entity: SCAN.to_owned(),
            id: form_urlencoded::byte_serialize(code.as_bytes()).collect(),
            operation: 0,
            page: screen.to_owned(),
            only_for: username.to_owned(),
        }
    }

    /// Writes the line of the stream.
    fn line(&self) -> String {
        let Self {
            entity,
            id,
            operation,
            page,
            ..
        } = self;
        format!("{entity} {id} {operation} {page}")
    }
}

/// What changed in the shop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The entities; empty if `is_all`.
    entities: BTreeSet<Changed>,
    /// Whether there are too many entities to name them, or nobody knows which.
    is_all: bool,
    /// What only one user learns: the codes that phones read, in their order. They are never left out, because a page
    /// cannot read them again.
    scans: Vec<Changed>,
}

impl Changes {
    /// Returns that anything may have changed.
    pub fn all() -> Self {
        Self {
            is_all: true,
            ..Self::default()
        }
    }

    /// Adds an entity, or a code that a phone read.
    pub fn add(&mut self, changed: Changed) {
        let mut more = Self::default();
        if changed.only_for.is_empty() {
            more.entities.insert(changed);
        } else {
            more.scans.push(changed);
        }
        self.merge(more);
    }

    /// Adds other changes.
    pub fn merge(&mut self, other: Self) {
        self.scans.extend(other.scans);
        self.entities.extend(other.entities);
        self.is_all |= other.is_all || self.entities.len() > MOST;
        if self.is_all {
            self.entities.clear();
        }
    }

    /// Adds changes of the past. Codes are left out unless they were read just now: nobody expects them any more.
    fn merge_past(&mut self, past: &Self, is_recent: bool) {
        if !self.is_all {
            self.merge(Self {
                entities: past.entities.clone(),
                is_all: past.is_all,
                scans: Vec::new(),
            });
        }
        if is_recent {
            self.scans.extend_from_slice(&past.scans);
        }
    }

    /// Returns whether nothing changed.
    pub fn is_empty(&self) -> bool {
        !self.is_all && self.entities.is_empty() && self.scans.is_empty()
    }

    /// Returns whether an account changed, such as its role or its sessions.
    fn concerns_account(&self, username: &str) -> bool {
        let is_it =
            |changed: &Changed| changed.entity == Entity::User.code() && changed.id == username;
        self.is_all || self.entities.iter().any(is_it)
    }

    /// Writes what a user may know, one entity on a line: `order 600 8125 k3v9`. An empty text means nothing.
    fn text_for(&self, me: &Me) -> String {
        if self.is_all {
            return "all".to_owned();
        }
        let is_seen = |changed: &&Changed| {
            let needed = permission(&changed.entity);
            needed.is_some_and(|needed| me.may(needed))
        };
        text(self.entities.iter().filter(is_seen))
    }

    /// Writes what only this user learns, one code on a line.
    fn text_only_for(&self, username: &str) -> String {
        let is_theirs = |changed: &&Changed| changed.only_for == username;
        text(self.scans.iter().filter(is_theirs))
    }
}

/// Writes one entity on a line.
fn text<'c>(changed: impl Iterator<Item = &'c Changed>) -> String {
    changed.map(Changed::line).collect::<Vec<_>>().join("\n")
}

/// Returns the permission without which a user does not learn that an entity of this kind changed.
fn permission(entity: &str) -> Option<Permission> {
    let entity: Entity = entity.parse().ok()?;
    Some(match entity {
        Entity::Order | Entity::Basket | Entity::OrderReturn => Permission::Orders,
        Entity::Product | Entity::WriteOff => Permission::ViewStock,
        Entity::Supply | Entity::SupplyReturn => Permission::Supplies,
        Entity::Rate | Entity::Report | Entity::Log | Entity::Notification => Permission::AdminArea,
        Entity::User | Entity::Invitation => Permission::ManageUsers,
        Entity::Customer => Permission::EraseCustomers,
    })
}
