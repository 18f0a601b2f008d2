//! Authentication and authorization: roles, the permission table, accounts and sessions.

pub mod account;
pub mod appearance;
pub mod chats;
pub mod devices;
pub mod login;
pub mod register;
pub mod tokens;
pub mod totp;
pub mod users;

#[cfg(feature = "ssr")]
pub mod active;
#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod client_origin;
#[cfg(feature = "ssr")]
pub mod confirmation;
#[cfg(feature = "ssr")]
pub mod credential;
#[cfg(feature = "ssr")]
pub mod invitation_cookie;
#[cfg(feature = "ssr")]
pub mod new_password;
#[cfg(feature = "ssr")]
pub mod password;
#[cfg(feature = "ssr")]
pub mod password_hash;
#[cfg(feature = "ssr")]
pub mod revocation;
#[cfg(feature = "ssr")]
pub mod security_log;
#[cfg(feature = "ssr")]
pub mod service;
#[cfg(feature = "ssr")]
pub mod session;
#[cfg(feature = "ssr")]
pub mod session_store;
#[cfg(feature = "ssr")]
pub mod setup;
#[cfg(feature = "ssr")]
pub mod stored_password;
#[cfg(feature = "ssr")]
pub mod throttle;
#[cfg(feature = "ssr")]
pub mod trusted_browser;

use crate::{
    codes::{Code, codes},
    error::Error,
};
use serde::{Deserialize, Serialize};

codes! {
    /// The role of an account in the shop.
    #[derive(PartialOrd, Ord)]
    pub enum Role labelled by role {
        /// Administrator: users, log, analytics, and everything a manager may do.
        Admin = "admin" => admin,
        /// Manager: supplies, products and prices, and everything a clerk may do.
        Manager = "manager" => manager,
        /// Clerk at the counter: views the stock, takes and issues orders.
        User = "user" => user,
    }
}

codes! {
    /// Whether an account may be used.
    pub enum UserState labelled by user_state {
        /// Registered under `REGISTRATION=approval` and not yet approved by an admin.
        Pending = "pending" => pending,
        Active = "active" => active,
        Blocked = "blocked" => blocked,
    }
}

codes! {
    /// A permission that depends on the role.
    pub enum Permission {
        ViewStock = "view_stock",
        /// Add, edit and archive products, and correct their stock.
        EditProducts = "edit_products",
        /// View and receive supplies.
        Supplies = "supplies",
        /// View all orders; create, edit, issue and deny them.
        Orders = "orders",
        /// Undo, reopen and take back what one did oneself a few minutes ago.
        TakeBackOwn = "take_back_own",
        /// Undo and reopen what anyone did, and take issued pieces back.
        TakeBackAny = "take_back_any",
        /// Correct supplies, and return pieces to suppliers.
        CorrectSupplies = "correct_supplies",
        /// Write pieces off.
        WriteOff = "write_off",
        /// Manage one's own password and devices.
        OwnAccount = "own_account",
        /// Manage one's own API tokens and chats, which give access without a password.
        OwnKeys = "own_keys",
        /// Analytics, exchange rates, notifications and the operation log.
        AdminArea = "admin_area",
        ManageUsers = "manage_users",
        /// Erase what identifies a customer, and export it.
        EraseCustomers = "erase_customers",
    }
}

impl Role {
    /// Returns whether the role has a permission. `manager_in_admin` is the setting `MANAGER_IN_ADMIN`.
    pub const fn may(self, permission: Permission, manager_in_admin: bool) -> bool {
        match permission {
            Permission::ViewStock
            | Permission::Orders
            | Permission::TakeBackOwn
            | Permission::OwnAccount
            | Permission::OwnKeys => true,
            Permission::EditProducts
            | Permission::Supplies
            | Permission::TakeBackAny
            | Permission::CorrectSupplies
            | Permission::WriteOff => match self {
                Self::Admin | Self::Manager => true,
                Self::User => false,
            },
            Permission::AdminArea => match self {
                Self::Admin => true,
                Self::Manager => manager_in_admin,
                Self::User => false,
            },
            Permission::ManageUsers | Permission::EraseCustomers => match self {
                Self::Admin => true,
                Self::Manager | Self::User => false,
            },
        }
    }
}

/// A signed-in user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    pub username: String,
    /// A role that this version does not know has no permissions.
    pub role: Code<Role>,
    /// The setting `MANAGER_IN_ADMIN`.
    pub manager_in_admin: bool,
    /// The password is a one-time password: until it is changed, only the user's own account is accessible.
    pub must_change_password: bool,
    /// `REQUIRE_2FA` names the role, and the account has no second factor: until it is set up, only the user's own
    /// account is accessible.
    pub must_set_up_totp: bool,
}

impl Me {
    /// Returns whether the user has a permission.
    pub const fn may(&self, permission: Permission) -> bool {
        let is_confined = self.must_change_password || self.must_set_up_totp;
        let is_open = !is_confined || matches!(permission, Permission::OwnAccount);
        match self.role {
            Code::Known(role) => is_open && role.may(permission, self.manager_in_admin),
            Code::Unknown(_) => false,
        }
    }
}

/// Who performs an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A visitor who is not signed in.
    Nobody,
    User(Me),
    /// The program itself, as in the command line and the demo data.
    System,
}

impl Actor {
    /// Returns the actor that the middleware attached to a request, or the error if it could not identify one.
    #[cfg(feature = "ssr")]
    pub fn of(extensions: &axum::http::Extensions) -> Result<Self, Error> {
        extensions
            .get::<Result<Self, Error>>()
            .cloned()
            .unwrap_or(Err(Error::Internal))
    }

    /// Returns an error if the actor lacks a permission.
    pub fn may(&self, permission: Permission) -> Result<(), Error> {
        match self {
            Self::System => Ok(()),
            Self::User(me) if me.may(permission) => Ok(()),
            Self::User(me) if me.must_change_password => Err(Error::MustChangePassword),
            Self::User(me) if me.must_set_up_totp => Err(Error::MustSetUpTotp),
            Self::User(_) => Err(Error::Forbidden),
            Self::Nobody => Err(Error::SignedOut),
        }
    }

    /// Returns the signed-in user.
    pub fn me(&self) -> Result<&Me, Error> {
        match self {
            Self::User(me) => Ok(me),
            Self::Nobody | Self::System => Err(Error::SignedOut),
        }
    }

    /// Returns the user name under which operations are recorded; `None` for the system and for anonymous visitors.
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
