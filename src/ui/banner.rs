//! The banner at the top of a page: the outcome of the previous request, from `?success=CODE` or `?error=CODE`.
//! A code may come with numbers, never with free text.

use crate::{
    codes::codes,
    i18n::Locale,
    ui::{
        self,
        pager::ONE_TIME,
        undo::{self, UndoForm},
    },
};
use leptos::{
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
};
use leptos_i18n::td_string;
use leptos_router::{
    hooks::{use_location, use_query_map},
    params::ParamsMap,
};
use serde::{Deserialize, Serialize};
use std::{fmt, num::ParseIntError, str::FromStr};

codes! {
    /// Something that the previous request did.
    pub enum Success {
        Registered = "registered",
        SignedInAgain = "signed_in_again",
        SignedOut = "signed_out",
        PasswordChanged = "password_changed",
        ProductCreated = "product_created",
        ProductSaved = "product_saved",
        ProductDeleted = "product_deleted",
        ProductArchived = "product_archived",
        ProductRestored = "product_restored",
        StockCorrected = "stock_corrected",
        SupplyReceived = "supply_received",
        OrderCreated = "order_created",
        OrderSaved = "order_saved",
        OrderIssued = "order_issued",
        OrderDenied = "order_denied",
        DeviceSignedOut = "device_signed_out",
        UserSaved = "user_saved",
        UserDeleted = "user_deleted",
        PasswordReset = "password_reset",
        Invited = "invited",
        InvitationRevoked = "invitation_revoked",
        RateSaved = "rate_saved",
        Imported = "imported",
        TokenCreated = "token_created",
        TokenRevoked = "token_revoked",
        TestSent = "test_sent",
        Resent = "resent",
        ChatCode = "chat_code",
        ChatUnlinked = "chat_unlinked",
        CustomerErased = "customer_erased",
        TotpBegun = "totp_begun",
        TotpEnabled = "totp_enabled",
        TotpDisabled = "totp_disabled",
        Undone = "undone",
        /// The operations were taken back before, and may have been repeated since.
        AlreadyUndone = "already_undone",
        OrderReopened = "order_reopened",
        GoodsReturned = "goods_returned",
        WrittenOff = "written_off",
        SupplyCorrected = "supply_corrected",
        SupplyReturned = "supply_returned",
        RateDeleted = "rate_deleted",
        LineAdded = "line_added",
    }
}

codes! {
    /// Something that was wrong with the previous request.
    pub enum BannerError {
        SignInFirst = "sign_in_first",
        NoRight = "no_right",
        MustChangePassword = "must_change_password",
        MustSetUpTotp = "must_set_up_totp",
        /// The code was not entered in time after the password.
        CodeTooLate = "code_too_late",
    }
}

impl Success {
    /// Returns the message, with the number of orders if there are several.
    pub fn counted(self, count: usize, locale: Locale) -> String {
        match self {
            Self::OrderIssued if count > 1 => {
                td_string!(locale, banner.orders_issued, count = count).to_string()
            }
            Self::OrderDenied if count > 1 => {
                td_string!(locale, banner.orders_denied, count = count).to_string()
            }
            _ => self.message(locale).to_owned(),
        }
    }

    fn message(self, locale: Locale) -> &'static str {
        match self {
            Self::Registered => td_string!(locale, banner.registered),
            Self::SignedInAgain => td_string!(locale, banner.signed_in_again),
            Self::SignedOut => td_string!(locale, banner.signed_out),
            Self::PasswordChanged => td_string!(locale, banner.password_changed),
            Self::ProductCreated => td_string!(locale, banner.product_created),
            Self::ProductSaved => td_string!(locale, banner.product_saved),
            Self::ProductDeleted => td_string!(locale, banner.product_deleted),
            Self::ProductArchived => td_string!(locale, banner.product_archived),
            Self::ProductRestored => td_string!(locale, banner.product_restored),
            Self::StockCorrected => td_string!(locale, banner.stock_corrected),
            Self::SupplyReceived => td_string!(locale, banner.supply_received),
            Self::OrderCreated => td_string!(locale, banner.order_created),
            Self::OrderSaved => td_string!(locale, banner.order_saved),
            Self::OrderIssued => td_string!(locale, banner.order_issued),
            Self::OrderDenied => td_string!(locale, banner.order_denied),
            Self::DeviceSignedOut => td_string!(locale, banner.device_signed_out),
            Self::UserSaved => td_string!(locale, banner.user_saved),
            Self::UserDeleted => td_string!(locale, banner.user_deleted),
            Self::PasswordReset => td_string!(locale, banner.password_reset),
            Self::Invited => td_string!(locale, banner.invited),
            Self::InvitationRevoked => td_string!(locale, banner.invitation_revoked),
            Self::RateSaved => td_string!(locale, banner.rate_saved),
            Self::Imported => td_string!(locale, banner.imported),
            Self::TokenCreated => td_string!(locale, banner.token_created),
            Self::TokenRevoked => td_string!(locale, banner.token_revoked),
            Self::TestSent => td_string!(locale, banner.test_sent),
            Self::Resent => td_string!(locale, banner.resent),
            Self::ChatCode => td_string!(locale, banner.chat_code),
            Self::ChatUnlinked => td_string!(locale, banner.chat_unlinked),
            Self::CustomerErased => td_string!(locale, banner.customer_erased),
            Self::TotpBegun => td_string!(locale, banner.totp_begun),
            Self::TotpEnabled => td_string!(locale, banner.totp_enabled),
            Self::TotpDisabled => td_string!(locale, banner.totp_disabled),
            Self::Undone => td_string!(locale, banner.undone),
            Self::AlreadyUndone => td_string!(locale, banner.already_undone),
            Self::OrderReopened => td_string!(locale, banner.order_reopened),
            Self::GoodsReturned => td_string!(locale, banner.goods_returned),
            Self::WrittenOff => td_string!(locale, banner.written_off),
            Self::SupplyCorrected => td_string!(locale, banner.supply_corrected),
            Self::SupplyReturned => td_string!(locale, banner.supply_returned),
            Self::RateDeleted => td_string!(locale, banner.rate_deleted),
            Self::LineAdded => td_string!(locale, banner.line_added),
        }
    }
}

#[wasm_split(banner, wasm_split_path = leptos::wasm_split, preload(load_words), fallible)]
fn words(
    query: ParamsMap,
    path: String,
    locale: Locale,
) -> Result<Option<String>, SplitLoaderError> {
    Ok(success_words(&query, &path, locale))
}

/// Returns the message for a success, including the numbers that the URL gives with it: the counts of an import, how
/// many orders can be taken back, or the number of the order whose page is at `path`.
fn success_words(query: &ParamsMap, path: &str, locale: Locale) -> Option<String> {
    let success = query.get_str("success")?.parse::<Success>().ok()?;
    let counts = query
        .get_str("counts")
        .and_then(|counts| counts.parse().ok());
    Some(match (success, counts, order_number(path)) {
        (Success::Imported, Some(Counts { new, changed, same }), _) => {
            td_string!(locale, banner.imported_counts, new, changed, same).to_string()
        }
        (Success::OrderCreated, _, Some(id)) => {
            td_string!(locale, banner.order_created_number, id = id).to_string()
        }
        _ => {
            let operations = query.get_str("undo").and_then(undo::split);
            success.counted(operations.map_or(0, |operations| operations.len()), locale)
        }
    })
}

/// Returns the number of the order whose page is at `path`.
fn order_number(path: &str) -> Option<u64> {
    path.strip_prefix("/orders/")?.parse().ok()
}

impl BannerError {
    fn message(self, locale: Locale) -> &'static str {
        match self {
            Self::SignInFirst => td_string!(locale, errors.signed_out),
            Self::NoRight => td_string!(locale, errors.forbidden),
            Self::MustChangePassword => td_string!(locale, errors.must_change_password),
            Self::MustSetUpTotp => td_string!(locale, errors.must_set_up_totp),
            Self::CodeTooLate => td_string!(locale, errors.code_too_late),
        }
    }
}

/// Loads the code that a page with a banner needs before it is hydrated.
#[cfg(feature = "hydrate")]
pub async fn load(search: &str) -> Result<(), SplitLoaderError> {
    if search.contains("success=") {
        load_words().await?;
    }
    Ok(())
}

/// Shows the outcome of the previous request as the URL gives it. Unknown codes are ignored.
#[component]
pub fn Banner() -> impl IntoView {
    let locale = ui::locale();
    let query = use_query_map();
    let path = use_location().pathname;
    let success = move || {
        let (query, path) = (query.get(), path.get());
        query.get_str("success")?;
        Some(Suspend::new(async move {
            let operations = query.get_str("undo").unwrap_or_default();
            let operations = undo::split(operations).map(|_| operations.to_owned());
            let words = words(query, path, locale).await.ok()??;
            Some(view! {
                <div class="alert alert-success alert-soft mb-4">
                    <p>{words}</p>
                    {operations.map(|operations| view! { <UndoForm operations /> })}
                </div>
            })
        }))
    };
    let trouble = move || {
        query
            .read()
            .get_str("error")
            .and_then(|code| code.parse::<BannerError>().ok())
    };
    let search = use_location().search;
    Effect::new(move || {
        let told = search.get();
        if without_one_time(&told) != told {
            clean_address(told, search);
        }
    });
    view! {
        <div role="status">
            {success}
        </div>
        <div role="alert">
            {move || {
                trouble()
                    .map(|trouble| view! { <p class="alert alert-error alert-soft mb-4">{trouble.message(locale)}</p> })
            }}
        </div>
    }
}

/// Removes the one-time parameters from the browser's address as soon as the browser shows it, so that reload, Back and
/// Forward do not show the banner again. The router is not notified, so the banner stays until the next page.
fn clean_address(told: String, present: Memo<String>) {
    request_animation_frame(move || {
        if present.try_get_untracked().as_ref() != Some(&told) {
            return;
        }
        let (window, location) = (window(), location());
        let search = location.search().unwrap_or_default();
        if search.trim_start_matches('?') != told {
            // The page is still loading, so the browser shows the previous address.
            clean_address(told, present);
            return;
        }
        let (Ok(history), Ok(path)) = (window.history(), location.pathname()) else {
            return;
        };
        let query = without_one_time(&told);
        let mark = if query.is_empty() { "" } else { "?" };
        let place = location.hash().unwrap_or_default();
        let address = format!("{path}{mark}{query}{place}");
        if let Ok(state) = history.state() {
            let _ = history.replace_state_with_url(&state, "", Some(&address));
        }
    });
}

/// Returns a query without its one-time parameters.
fn without_one_time(query: &str) -> String {
    let is_kept = |pair: &&str| !ONE_TIME.contains(&pair.split('=').next().unwrap_or_default());
    query
        .split('&')
        .filter(is_kept)
        .collect::<Vec<_>>()
        .join("&")
}

/// The number of rows of an imported file that added something, changed something, or changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub new: i64,
    pub changed: i64,
    pub same: i64,
}

/// Formats the counts for a URL: `3.2.40`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.new, self.changed, self.same)
    }
}

impl FromStr for Counts {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut counts = text.splitn(3, '.').map(str::parse);
        let mut next = || counts.next().unwrap_or_else(|| "".parse());
        Ok(Self {
            new: next()?,
            changed: next()?,
            same: next()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_of_a_new_order_has_the_number_of_its_page() {
        let query = ParamsMap::from_iter([("success", "order_created")]);
        for (path, words) in [
            ("/orders/601", "Заказ № 601 оформлен, товар в резерве."),
            ("/orders/new", "Заказ оформлен, товар в резерве."),
            ("/products/601", "Заказ оформлен, товар в резерве."),
        ] {
            assert_eq!(
                success_words(&query, path, Locale::ru).as_deref(),
                Some(words)
            );
        }
        assert_eq!(
            success_words(&query, "/orders/601", Locale::en).as_deref(),
            Some("Order No. 601 created, stock reserved.")
        );
    }

    #[test]
    fn one_time_parameters_are_removed_from_the_query() {
        for (query, kept) in [
            ("success=order_issued", ""),
            (
                "status=paid_issued&success=order_issued&phone=45%2067",
                "status=paid_issued&phone=45%2067",
            ),
            ("counts=1.2.3&success=imported", ""),
            ("error=no_right&successor=1", "successor=1"),
            ("", ""),
        ] {
            assert_eq!(without_one_time(query), kept, "{query}");
        }
    }
}
