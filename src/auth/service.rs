//! The rules of accounts.

use super::{Actor, Me, Permission, Role, UserState, password};
use crate::{
    act::{Shop, Tx},
    checks::Checks,
    config::Registration,
    db,
    error::{Error, Problem},
    log::{self, Action, Entity, service::record},
    schema::{sessions, users},
    text::fold,
};
use diesel::prelude::*;

/// Characters of a user name.
const NAME: std::ops::RangeInclusive<usize> = 3..=64;

/// An account that was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub username: String,
    pub role: Role,
    pub state: UserState,
}

/// Registers an account. The first one ever becomes admin, whatever `REGISTRATION` says.
pub async fn register(
    shop: &Shop,
    username: &str,
    password: String,
    repeated: &str,
) -> Result<Account, Error> {
    let mut checks = Checks::default();
    let username = check_username(&mut checks, username);
    if let Err(problem) = password::check(&password) {
        checks.wrong("password", problem);
    } else if password != repeated {
        checks.wrong("password_repeated", Problem::PasswordsDiffer);
    }
    checks.done()?;
    let policy = shop.config.registration;
    if policy == Registration::Closed && shop.look(Actor::Nobody, any_user).await? {
        return Err(Error::RegistrationClosed);
    }
    let hash = password::hash(password, shop.config.bcrypt_cost).await?;
    shop.act(Actor::Nobody, move |tx| {
        db::serialize_by(tx.conn, "registration")?;
        let (role, state) = match (any_user(tx)?, policy) {
            (false, _) => (Role::Admin, UserState::Active),
            (true, Registration::Open) => (Role::User, UserState::Active),
            (true, Registration::Approval) => (Role::User, UserState::Pending),
            (true, Registration::Closed) => return Err(Error::RegistrationClosed),
        };
        insert(
            tx,
            Account {
                username,
                role,
                state,
            },
            &hash,
        )
    })
    .await
}

/// Adds an account from the command line.
pub fn add(tx: &mut Tx<'_>, username: &str, role: Role, hash: &str) -> Result<Account, Error> {
    tx.actor.may(Permission::ManageUsers)?;
    let mut checks = Checks::default();
    let username = check_username(&mut checks, username);
    checks.done()?;
    db::serialize_by(tx.conn, "registration")?;
    insert(
        tx,
        Account {
            username,
            role,
            state: UserState::Active,
        },
        hash,
    )
}

fn insert(tx: &mut Tx<'_>, account: Account, hash: &str) -> Result<Account, Error> {
    let key = fold(&account.username);
    let taken = diesel::select(diesel::dsl::exists(
        users::table.filter(users::username_key.eq(&key)),
    ))
    .get_result::<bool>(tx.conn)?;
    if taken {
        return Err(Error::field("username", Problem::Taken));
    }
    diesel::insert_into(users::table)
        .values((
            users::username.eq(&account.username),
            users::username_key.eq(key),
            users::hashed_password.eq(hash),
            users::role.eq(account.role),
            users::state.eq(account.state),
            users::created_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    let changes = [
        log::set("role", account.role),
        log::set("state", account.state),
    ];
    record(
        tx,
        Action::Register,
        Entity::User,
        &account.username,
        &changes,
    )?;
    Ok(account)
}

/// Finds the account of a name and password. An unknown name and a wrong password look and take the same.
pub async fn sign_in(shop: &Shop, username: &str, password: String) -> Result<Me, Error> {
    let key = fold(username);
    let found = shop
        .look(Actor::Nobody, move |tx| {
            users::table
                .filter(users::username_key.eq(key))
                .select((
                    users::username,
                    users::hashed_password,
                    users::role,
                    users::state,
                ))
                .first::<(String, String, Role, UserState)>(tx.conn)
                .optional()
                .map_err(Error::from)
        })
        .await?;
    let hash = found.as_ref().map(|(_, hash, ..)| hash.clone());
    let right = password::verify(password, hash, shop.config.bcrypt_cost).await?;
    let refusal = match (&found, right) {
        (Some((.., UserState::Active)), true) => None,
        (Some((.., UserState::Pending)), true) => Some(Error::AccountPending),
        (Some((.., UserState::Blocked)), true) => Some(Error::AccountBlocked),
        (Some(_) | None, _) => Some(Error::BadCredentials),
    };
    // An unknown name is not put on record: it may be a password in the wrong field.
    let name = found
        .as_ref()
        .map(|(name, ..)| name.clone())
        .unwrap_or_default();
    let action = if refusal.is_none() {
        Action::SignIn
    } else {
        Action::SignInFailed
    };
    shop.act(Actor::Nobody, move |tx| {
        record(tx, action, Entity::User, name, &[])
    })
    .await?;
    match (refusal, found) {
        (None, Some((username, _, role, _))) => Ok(Me {
            username,
            role,
            manager_in_admin: shop.config.manager_in_admin,
        }),
        (refusal, _) => Err(refusal.unwrap_or(Error::BadCredentials)),
    }
}

/// Who is signed in.
pub fn me(tx: &mut Tx<'_>) -> Result<Me, Error> {
    tx.actor.may(Permission::OwnAccount)?;
    match &tx.actor {
        Actor::User(me) => Ok(me.clone()),
        Actor::Nobody | Actor::System => Err(Error::SignedOut),
    }
}

/// Puts a sign-out on record.
pub fn sign_out(tx: &mut Tx<'_>) -> Result<(), Error> {
    if let Some(name) = tx.actor.username().map(str::to_owned) {
        record(tx, Action::SignOut, Entity::User, name, &[])?;
    }
    Ok(())
}

/// Who signed in under this name, when the account may still be used.
pub fn active(
    tx: &mut Tx<'_>,
    username: &str,
    manager_in_admin: bool,
) -> Result<Option<Me>, Error> {
    let role = users::table
        .find(username)
        .filter(users::state.eq(UserState::Active))
        .select(users::role)
        .first::<Role>(tx.conn)
        .optional()?;
    Ok(role.map(|role| Me {
        username: username.to_owned(),
        role,
        manager_in_admin,
    }))
}

/// Changes one's own password; every session of the account ends, the caller's is begun anew by the caller.
pub async fn change_password(
    shop: &Shop,
    me: Me,
    current: String,
    password: String,
    repeated: &str,
) -> Result<(), Error> {
    let mut checks = Checks::default();
    if let Err(problem) = password::check(&password) {
        checks.wrong("password", problem);
    } else if password != repeated {
        checks.wrong("password_repeated", Problem::PasswordsDiffer);
    }
    checks.done()?;
    let actor = Actor::User(me.clone());
    let name = me.username.clone();
    let hash = shop
        .look(actor.clone(), move |tx| {
            tx.actor.may(Permission::OwnAccount)?;
            users::table
                .find(name)
                .select(users::hashed_password)
                .first::<String>(tx.conn)
                .map_err(Error::from)
        })
        .await?;
    if !password::verify(current, Some(hash), shop.config.bcrypt_cost).await? {
        return Err(Error::field("current_password", Problem::WrongPassword));
    }
    let hash = password::hash(password, shop.config.bcrypt_cost).await?;
    shop.act(actor, move |tx| {
        tx.actor.may(Permission::OwnAccount)?;
        set_password(tx, &me.username, &hash)
    })
    .await
}

/// Sets the password of an account from the command line.
pub fn reset_password(tx: &mut Tx<'_>, username: &str, hash: &str) -> Result<(), Error> {
    tx.actor.may(Permission::ManageUsers)?;
    let username = find(tx, username)?.username;
    set_password(tx, &username, hash)
}

fn set_password(tx: &mut Tx<'_>, username: &str, hash: &str) -> Result<(), Error> {
    diesel::update(users::table.find(username))
        .set(users::hashed_password.eq(hash))
        .execute(tx.conn)?;
    diesel::delete(sessions::table.filter(sessions::user_id.eq(username))).execute(tx.conn)?;
    record(tx, Action::ChangePassword, Entity::User, username, &[])
}

/// Gives an account a role. The last admin keeps his, and nobody changes his own.
pub fn change_role(tx: &mut Tx<'_>, username: &str, role: Role) -> Result<Account, Error> {
    tx.actor.may(Permission::ManageUsers)?;
    db::serialize_by(tx.conn, "registration")?;
    let account = find(tx, username)?;
    if tx.actor.username() == Some(account.username.as_str()) {
        return Err(Error::Forbidden);
    }
    if account.role == role {
        return Ok(account);
    }
    if account.role == Role::Admin && admins(tx)? == 1 {
        return Err(Error::LastAdmin);
    }
    diesel::update(users::table.find(&account.username))
        .set(users::role.eq(role))
        .execute(tx.conn)?;
    diesel::delete(sessions::table.filter(sessions::user_id.eq(&account.username)))
        .execute(tx.conn)?;
    let changes = log::changes([(
        "role",
        Some(account.role.to_string()),
        Some(role.to_string()),
    )]);
    record(
        tx,
        Action::ChangeRole,
        Entity::User,
        &account.username,
        &changes,
    )?;
    Ok(Account { role, ..account })
}

/// Lets an account in that waits for approval.
pub fn activate(tx: &mut Tx<'_>, username: &str) -> Result<Account, Error> {
    tx.actor.may(Permission::ManageUsers)?;
    let account = find(tx, username)?;
    if account.state == UserState::Active {
        return Ok(account);
    }
    diesel::update(users::table.find(&account.username))
        .set(users::state.eq(UserState::Active))
        .execute(tx.conn)?;
    let changes = log::changes([(
        "state",
        Some(account.state.to_string()),
        Some(UserState::Active.to_string()),
    )]);
    record(
        tx,
        Action::Activate,
        Entity::User,
        &account.username,
        &changes,
    )?;
    Ok(Account {
        state: UserState::Active,
        ..account
    })
}

/// Every account, by name.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Account>, Error> {
    tx.actor.may(Permission::ManageUsers)?;
    let rows: Vec<(String, Role, UserState)> = users::table
        .order(users::username_key)
        .select((users::username, users::role, users::state))
        .load(tx.conn)?;
    Ok(rows
        .into_iter()
        .map(|(username, role, state)| Account {
            username,
            role,
            state,
        })
        .collect())
}

/// Whether anybody has registered yet.
pub fn any_user(tx: &mut Tx<'_>) -> Result<bool, Error> {
    diesel::select(diesel::dsl::exists(users::table.select(users::username)))
        .get_result(tx.conn)
        .map_err(Error::from)
}

fn find(tx: &mut Tx<'_>, username: &str) -> Result<Account, Error> {
    let (username, role, state) = users::table
        .filter(users::username_key.eq(fold(username)))
        .select((users::username, users::role, users::state))
        .first(tx.conn)?;
    Ok(Account {
        username,
        role,
        state,
    })
}

fn admins(tx: &mut Tx<'_>) -> Result<i64, Error> {
    users::table
        .filter(
            users::role
                .eq(Role::Admin)
                .and(users::state.eq(UserState::Active)),
        )
        .count()
        .get_result(tx.conn)
        .map_err(Error::from)
}

fn check_username(checks: &mut Checks, username: &str) -> String {
    let username = username.trim();
    let allowed = |c: char| c.is_alphabetic() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let problem = if username.is_empty() {
        Some(Problem::Required)
    } else if !username.chars().all(allowed) {
        Some(Problem::NotUsername)
    } else if username.chars().count() < *NAME.start() {
        Some(Problem::TooShort(*NAME.start()))
    } else if username.chars().count() > *NAME.end() {
        Some(Problem::TooLong(*NAME.end()))
    } else {
        None
    };
    if let Some(problem) = problem {
        checks.wrong("username", problem);
    }
    username.to_owned()
}
