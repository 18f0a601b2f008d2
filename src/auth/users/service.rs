//! The rules for managing accounts. The last admin cannot be removed, and admins cannot change their own account here.

use super::{
    Account, Query, invitations,
    username::{self, look_alike},
};
use crate::{
    audit::{self, Action, Change, Entity, service::record},
    auth::{
        Actor, Permission, Role, UserState, new_password, password,
        revocation::{shut_out, sign_out_everywhere},
        stored_password::set_password,
        totp::enrolment,
    },
    db::{self, Column, Dialect, Keyset, SortKey, SortOrder, containing},
    error::{Error, Problem},
    page::Page,
    schema::users,
    text::fold,
    transaction::{AppState, Tx},
    validation::{Input, Request, Validator, code},
};
use chrono::TimeDelta;
use diesel::{dsl::sql, prelude::*, sql_types::Untyped};
use utoipa::ToSchema;

/// Name of the advisory lock for operations that depend on how many accounts or admins there are.
pub const REGISTRATION: &str = "registration";
/// How long a one-time password can be used to sign in.
const ONE_TIME_HOURS: i64 = 24;
/// Maximum number of accounts that wait for approval.
const MAX_PENDING: i64 = 100;

/// Returns a page of the list of accounts, sorted by name.
pub fn list(tx: &mut Tx<'_>, query: &Query) -> Result<Page<Account>, Error> {
    tx.actor.may(Permission::ManageUsers)?;
    let mut validator = Validator::default();
    let role: Option<Role> = validator.code("role", &query.role);
    let state: Option<UserState> = validator.code("state", &query.state);
    let limit = validator.page_size(&query.limit);
    validator.done()?;
    let order = SortOrder {
        columns: &[Column::Text("username_key")],
        descending: query.sort.starts_with('-'),
    };
    let keyset = Keyset::new(order, &query.after, &query.before, limit)?;
    let mut rows = users::table
        .select(Account::as_select())
        .filter(users::deleted_at.is_null())
        .filter(keyset.seek_after())
        .into_boxed::<Dialect>();
    if let Some(role) = role {
        rows = rows.filter(users::role.eq(role));
    }
    if let Some(state) = state {
        rows = rows.filter(users::state.eq(state));
    }
    let search = fold(&query.search);
    if !search.is_empty() {
        rows = rows.filter(users::username_key.like(containing(&search)).escape('\\'));
    }
    let rows = rows
        .order(sql::<Untyped>(&keyset.order()))
        .limit(keyset.fetch())
        .load(tx.conn)?;
    Ok(keyset.page(rows, |account: &Account| {
        vec![SortKey::Text(fold(&account.username))]
    }))
}

/// Returns the account with this name, ignoring case.
pub fn get(tx: &mut Tx<'_>, username: &str) -> Result<Account, Error> {
    tx.actor.may(Permission::ManageUsers)?;
    find(tx, username)
}

/// Adds an account from the command line.
pub fn add(tx: &mut Tx<'_>, username: &str, role: Role, hash: &str) -> Result<Account, Error> {
    tx.actor.may(Permission::ManageUsers)?;
    let username = username::read(username).map_err(|problem| Error::field("username", problem))?;
    db::lock_name(tx.conn, REGISTRATION)?;
    insert(tx, &username, role, UserState::Active, hash, &[])
}

/// Returns the query that counts the accounts that wait for approval.
#[diesel::dsl::auto_type(no_type_alias)]
pub fn pending_accounts() -> _ {
    let state: UserState = UserState::Pending;
    users::table.filter(users::state.eq(state)).count()
}

/// Returns an error if too many accounts wait for approval, because anybody can add one.
pub fn refuse_many_pending(tx: &mut Tx<'_>) -> Result<(), Error> {
    if pending_accounts().get_result::<i64>(tx.conn)? >= MAX_PENDING {
        return Err(Error::TooManyPending);
    }
    Ok(())
}

/// Inserts a new account. Names of deleted accounts stay taken, because the history refers to them. The entry in the
/// operation log has these `details` beside the role and the state.
pub fn insert(
    tx: &mut Tx<'_>,
    username: &str,
    role: Role,
    state: UserState,
    hash: &str,
    details: &[Change],
) -> Result<Account, Error> {
    let key = fold(username);
    let taken = diesel::select(diesel::dsl::exists(
        users::table.filter(users::username_key.eq(&key)),
    ))
    .get_result::<bool>(tx.conn)?;
    if taken {
        return Err(Error::field("username", Problem::Taken));
    }
    let others: Vec<String> = users::table.select(users::username).load(tx.conn)?;
    if others.iter().any(|other| look_alike(other, username)) {
        return Err(Error::field("username", Problem::LooksTaken));
    }
    diesel::insert_into(users::table)
        .values((
            users::username.eq(username),
            users::username_key.eq(key),
            users::hashed_password.eq(hash),
            users::role.eq(role),
            users::state.eq(state),
            users::created_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    let granted = [audit::set("role", role), audit::set("state", state)];
    let changes = [&granted, details].concat();
    record(tx, Action::Register, Entity::User, username, &changes)?;
    find(tx, username)
}

/// Changes the role of an account and signs it out. An admin who is demoted loses their unused invitations.
pub fn change_role(tx: &mut Tx<'_>, username: &str, role: Role) -> Result<Account, Error> {
    let account = other(tx, username)?;
    if account.role == role {
        return Ok(account);
    }
    refuse_last_admin(tx, &account)?;
    diesel::update(users::table.find(&account.username))
        .set(users::role.eq(role))
        .execute(tx.conn)?;
    sign_out_everywhere(tx, &account.username)?;
    if account.role == Role::Admin {
        invitations::revoke_all_of(tx, &account.username)?;
    }
    let changes = audit::changes([(
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
    find(tx, username)
}

/// Approves a pending account; does nothing for an account in another state.
pub fn activate(tx: &mut Tx<'_>, username: &str) -> Result<Account, Error> {
    let account = other(tx, username)?;
    match account.state.known() {
        Some(UserState::Pending) => change_state(tx, &account, UserState::Active, Action::Activate),
        Some(UserState::Active | UserState::Blocked) | None => Ok(account),
    }
}

/// Blocks an account and ends its sessions, tokens, chats and unused invitations at once.
pub fn block(tx: &mut Tx<'_>, username: &str) -> Result<Account, Error> {
    let account = other(tx, username)?;
    if account.state == UserState::Blocked {
        return Ok(account);
    }
    refuse_last_admin(tx, &account)?;
    let blocked = change_state(tx, &account, UserState::Blocked, Action::Block)?;
    shut_out(tx, &account.username)?;
    Ok(blocked)
}

/// Unblocks an account; does nothing for an account that is not blocked.
pub fn unblock(tx: &mut Tx<'_>, username: &str) -> Result<Account, Error> {
    let account = other(tx, username)?;
    match account.state.known() {
        Some(UserState::Blocked) => change_state(tx, &account, UserState::Active, Action::Unblock),
        Some(UserState::Active | UserState::Pending) | None => Ok(account),
    }
}

/// Sets the password of an account and ends its sessions, tokens, chats and unused invitations. A `one_time` password
/// signs in once, within a day, and must be changed then.
pub fn reset_password(
    tx: &mut Tx<'_>,
    username: &str,
    hash: &str,
    one_time: bool,
) -> Result<Account, Error> {
    let account = other(tx, username)?;
    let until = one_time.then(|| tx.now.utc() + TimeDelta::hours(ONE_TIME_HOURS));
    set_password(tx, &account.username, hash, until)?;
    // The old password may be known to others, who may have created tokens, chats and invitations with it.
    shut_out(tx, &account.username)?;
    record(
        tx,
        Action::ResetPassword,
        Entity::User,
        &account.username,
        &[],
    )?;
    find(tx, username)
}

/// Sets a one-time password and returns it; only its hash is stored.
pub async fn give_one_time_password(
    app: &AppState,
    actor: Actor,
    username: String,
) -> Result<String, Error> {
    let (password, hash) = one_time_password(app, &actor).await?;
    app.write(actor, move |tx| reset_password(tx, &username, &hash, true))
        .await?;
    Ok(password)
}

/// Makes up a one-time password, and returns it with its hash.
pub async fn one_time_password(app: &AppState, actor: &Actor) -> Result<(String, String), Error> {
    actor.may(Permission::ManageUsers)?;
    let password = new_password::one_time();
    let hash = password::hash(
        password.clone(),
        app.config.bcrypt_cost,
        password::HashPriority::OWN,
    )
    .await?;
    Ok((password, hash))
}

/// Removes the second factor of an account, whose owner has lost it, and ends its sessions. Does nothing if there is
/// none.
pub fn reset_second_factor(tx: &mut Tx<'_>, username: &str) -> Result<Account, Error> {
    let account = other(tx, username)?;
    if enrolment::remove(tx, &account.username)? {
        sign_out_everywhere(tx, &account.username)?;
        record(tx, Action::ResetTotp, Entity::User, &account.username, &[])?;
    }
    Ok(account)
}

/// Deletes an account permanently. Its name stays in the history and cannot be used again.
pub fn delete(tx: &mut Tx<'_>, username: &str) -> Result<(), Error> {
    let account = other(tx, username)?;
    refuse_last_admin(tx, &account)?;
    diesel::update(users::table.find(&account.username))
        .set((
            users::deleted_at.eq(tx.now),
            users::hashed_password.eq(""),
            users::state.eq(UserState::Blocked),
        ))
        .execute(tx.conn)?;
    shut_out(tx, &account.username)?;
    enrolment::remove(tx, &account.username)?;
    record(tx, Action::Delete, Entity::User, &account.username, &[])
}

/// The role of an account or of an invitation
#[derive(Debug, ToSchema)]
pub struct RoleChange {
    #[schema(example = "manager")]
    pub role: Role,
}

impl Request for RoleChange {
    const PERMISSION: Permission = Permission::ManageUsers;

    fn read(input: &mut Input) -> Self {
        Self {
            role: input.read_or("role", Role::User, code),
        }
    }
}

/// Returns the account of another user, and locks out concurrent registrations and changes of accounts until the
/// transaction ends.
fn other(tx: &mut Tx<'_>, username: &str) -> Result<Account, Error> {
    tx.actor.may(Permission::ManageUsers)?;
    db::lock_name(tx.conn, REGISTRATION)?;
    let account = find(tx, username)?;
    if tx.actor.username() == Some(account.username.as_str()) {
        return Err(Error::Yourself);
    }
    Ok(account)
}

fn refuse_last_admin(tx: &mut Tx<'_>, account: &Account) -> Result<(), Error> {
    let is_admin = account.role == Role::Admin && account.state == UserState::Active;
    if is_admin && admins(tx)? == 1 {
        return Err(Error::LastAdmin);
    }
    Ok(())
}

fn change_state(
    tx: &mut Tx<'_>,
    account: &Account,
    state: UserState,
    action: Action,
) -> Result<Account, Error> {
    diesel::update(users::table.find(&account.username))
        .set(users::state.eq(state))
        .execute(tx.conn)?;
    let changes = audit::changes([(
        "state",
        Some(account.state.to_string()),
        Some(state.to_string()),
    )]);
    record(tx, action, Entity::User, &account.username, &changes)?;
    Ok(Account {
        state: state.into(),
        ..account.clone()
    })
}

fn find(tx: &mut Tx<'_>, username: &str) -> Result<Account, Error> {
    users::table
        .filter(
            users::username_key
                .eq(fold(username))
                .and(users::deleted_at.is_null()),
        )
        .select(Account::as_select())
        .first(tx.conn)
        .map_err(Error::from)
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
