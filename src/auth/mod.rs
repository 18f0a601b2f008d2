//! Who may do what: roles, the one permission table, accounts and sessions.

pub mod account;
pub mod chats;
pub mod devices;
pub mod login;
pub mod register;
pub mod tokens;
pub mod users;

#[cfg(feature = "ssr")]
pub mod active;
#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod known;
#[cfg(feature = "ssr")]
pub mod password;
#[cfg(feature = "ssr")]
pub mod place;
#[cfg(feature = "ssr")]
pub mod revocation;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod session;
#[cfg(feature = "ssr")]
pub mod session_store;
#[cfg(feature = "ssr")]
pub mod throttle;

use crate::{
    codes::{Code, codes},
    error::Error,
};
use serde::{Deserialize, Serialize};

codes! {
    /// What a person does in the shop.
    #[derive(PartialOrd, Ord)]
    pub enum Role labelled by role {
        /// Sits at the desk: users, log, analytics, and everything below.
        Admin = "admin" => admin,
        /// Receives supplies, keeps products and prices, and everything below.
        Manager = "manager" => manager,
        /// The clerk at the counter: sees the stock, takes and issues orders.
        User = "user" => user,
    }
}

codes! {
    /// Whether an account may be used.
    pub enum UserState labelled by user_state {
        /// Registered while `REGISTRATION=approval`; an admin has not let them in yet.
        Pending = "pending" => pending,
        Active = "active" => active,
        Blocked = "blocked" => blocked,
    }
}

codes! {
    /// Something that only some roles may do.
    pub enum Permission {
        ViewStock = "view_stock",
        /// Products: add, edit, correct, archive.
        EditProducts = "edit_products",
        /// Supplies: see and receive.
        Supplies = "supplies",
        /// Orders: see all, create, edit, issue, deny.
        Orders = "orders",
        /// Own password and devices.
        OwnAccount = "own_account",
        /// Own tokens and chats, which open the shop without a password.
        OwnKeys = "own_keys",
        /// Analytics, rates and the operation log.
        AdminArea = "admin_area",
        ManageUsers = "manage_users",
    }
}

impl Role {
    /// The permission table. `manager_in_admin` is the setting `MANAGER_IN_ADMIN`.
    pub const fn may(self, permission: Permission, manager_in_admin: bool) -> bool {
        match permission {
            Permission::ViewStock
            | Permission::Orders
            | Permission::OwnAccount
            | Permission::OwnKeys => true,
            Permission::EditProducts | Permission::Supplies => match self {
                Self::Admin | Self::Manager => true,
                Self::User => false,
            },
            Permission::AdminArea => match self {
                Self::Admin => true,
                Self::Manager => manager_in_admin,
                Self::User => false,
            },
            Permission::ManageUsers => match self {
                Self::Admin => true,
                Self::Manager | Self::User => false,
            },
        }
    }
}

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    pub username: String,
    /// Nothing is open to a role that a newer version of the program gave.
    pub role: Code<Role>,
    /// The setting `MANAGER_IN_ADMIN`.
    pub manager_in_admin: bool,
    /// Signed in with a one-time password: nothing is open but the own account, until it is changed.
    pub must_change_password: bool,
}

impl Me {
    /// Whether the permission table allows it.
    pub const fn may(&self, permission: Permission) -> bool {
        let is_open = !self.must_change_password || matches!(permission, Permission::OwnAccount);
        match self.role {
            Code::Known(role) => is_open && role.may(permission, self.manager_in_admin),
            Code::Unknown(_) => false,
        }
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who is not signed in.
    Nobody,
    User(Me),
    /// The program itself: the command line, the demo data.
    System,
}

impl Actor {
    /// Who sent a request, as the server found out before anything else was asked.
    #[cfg(feature = "ssr")]
    pub fn of(extensions: &axum::http::Extensions) -> Result<Self, Error> {
        extensions
            .get::<Result<Self, Error>>()
            .cloned()
            .unwrap_or(Err(Error::Internal))
    }

    /// Refuses who has no right.
    pub fn may(&self, permission: Permission) -> Result<(), Error> {
        match self {
            Self::System => Ok(()),
            Self::User(me) if me.may(permission) => Ok(()),
            Self::User(me) if me.must_change_password => Err(Error::MustChangePassword),
            Self::User(_) => Err(Error::Forbidden),
            Self::Nobody => Err(Error::SignedOut),
        }
    }

    /// The name to write beside what was done.
    pub fn username(&self) -> Option<&str> {
        match self {
            Self::User(me) => Some(&me.username),
            Self::Nobody | Self::System => None,
        }
    }
}

#[cfg(feature = "ssr")]
impl<S: Sync> axum::extract::FromRequestParts<S> for Actor {
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Error> {
        Self::of(&parts.extensions)
    }
}
