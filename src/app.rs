//! The application: its routes, and the layout that all pages share.

use crate::{
    auth::{Permission, Role, login::SignOutForm, users::PENDING_ACCOUNTS},
    error::Error,
    i18n::Locale,
    number::pieces,
    orders::counts::{Counted, MOST_IN_MENU, OrderCount},
    parts::{self, Account, Admin, NotLoaded, Order, Page, Stock},
    search::field::{self, SearchBox},
    ui::{
        self, Announcer, Refresh,
        banner::Banner,
        form::Interrupted,
        keys::Keys,
        live::{Live, StaleNotice},
        shortcuts::Shortcuts,
        undo::{UndoNotice, UndoOffer},
    },
};
use leptos::{
    prelude::*,
    server_fn::{ServerFn, codec::GetUrl},
};
use leptos_i18n::td_string;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    ChooseView, SsrMode,
    components::{Route, Router, Routes},
    hooks::use_location,
    path,
};

/// The whole application, on the server and in the browser.
#[component]
pub fn App() -> impl IntoView {
    use Permission::{
        AdminArea, EditProducts, EraseCustomers, ManageUsers, Orders, OwnAccount, Supplies,
        ViewStock,
    };
    provide_meta_context();
    provide_context(ui::visitor());
    let said = RwSignal::new(String::new());
    provide_context(Announcer(said));
    // Apart from the other words, which it would interrupt.
    let count_said = RwSignal::new(String::new());
    provide_context(UndoOffer(RwSignal::new(None)));
    provide_context(Refresh(RwSignal::new(0)));
    Live::provide();
    let interrupted = Interrupted(RwSignal::new(None));
    provide_context(interrupted);
    let locale = ui::locale();
    let is_asked = Memo::new(move |_| interrupted.0.read().is_some());
    let sign_in_dialog = move || {
        is_asked.get().then(|| {
            Suspend::new(async move {
                let dialog = parts::sign_in_dialog(interrupted).await;
                if dialog.is_err() {
                    // Without a connection; the user sends the form again later.
                    interrupted.0.set(None);
                }
                dialog.ok()
            })
        })
    };
    let name = td_string!(locale, ui.app_name);
    view! {
        <Title formatter=move |page: String| {
            if page.is_empty() { name.to_owned() } else { ui::title(format!("{page} · {name}")) }
        } />
        <Router>
            {ui::may(Permission::Orders).then(|| Counted::provide(count_said))}
            <a class="skip-link" href="#main" rel="external">
                {td_string!(locale, nav.skip)}
            </a>
            <Header />
            <AdminMenu />
            <main id="main" class="mx-auto w-full max-w-7xl px-4 pt-2 pb-6" tabindex="-1">
                <Banner />
                <StaleNotice />
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=page(Page::Home) ssr=SsrMode::Async />
                    <Route path=path!("/login") view=page(Page::Account(Account::Login)) ssr=SsrMode::Async />
                    <Route path=path!("/login/code") view=page(Page::Account(Account::Code)) ssr=SsrMode::Async />
                    <Route path=path!("/register") view=page(Page::Account(Account::Register)) ssr=SsrMode::Async />
                    <Route
                        path=path!("/register/pending")
                        view=page(Page::Account(Account::Pending))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/account")
                        view=page(Page::Account(Account::Own)).only(OwnAccount, td_string!(locale, auth.account))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/products")
                        view=page(Page::Stock(Stock::Products)).only(ViewStock, td_string!(locale, products.title))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/products/new")
                        view=page(Page::Stock(Stock::NewProduct))
                            .only(EditProducts, td_string!(locale, products.new_product))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/products/import")
                        view=page(Page::Stock(Stock::ImportProducts))
                            .only(EditProducts, td_string!(locale, import.products))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/products/:id")
                        view=page(Page::Stock(Stock::Product)).only(ViewStock, td_string!(locale, products.title))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/supplies")
                        view=page(Page::Stock(Stock::Supplies)).only(Supplies, td_string!(locale, nav.supplies))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/supplies/import")
                        view=page(Page::Stock(Stock::ImportSupplies))
                            .only(Supplies, td_string!(locale, import.supplies))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/supplies/:id")
                        view=page(Page::Stock(Stock::Supply)).only(Supplies, td_string!(locale, nav.supplies))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/baskets/:id")
                        view=page(Page::Order(Order::Basket)).only(Orders, td_string!(locale, nav.orders))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/orders")
                        view=page(Page::Orders).only(Orders, td_string!(locale, nav.orders))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/search")
                        view=page(Page::Search).only(Orders, td_string!(locale, search.title))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/orders/new")
                        view=page(Page::Order(Order::New)).only(Orders, td_string!(locale, orders.new_order))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/orders/:id")
                        view=page(Page::Order(Order::One)).only(Orders, td_string!(locale, nav.orders))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/admin/analytics")
                        view=page(Page::Admin(Admin::Analytics)).only(AdminArea, td_string!(locale, nav.analytics))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/admin/analytics/products")
                        view=page(Page::Admin(Admin::ProductSales))
                            .only(AdminArea, td_string!(locale, nav.analytics))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/admin/rates")
                        view=page(Page::Admin(Admin::Rates)).only(AdminArea, td_string!(locale, nav.rates))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/admin/users")
                        view=page(Page::Admin(Admin::Users)).only(ManageUsers, td_string!(locale, nav.users))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/admin/users/:username")
                        view=page(Page::Admin(Admin::User)).only(ManageUsers, td_string!(locale, nav.users))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/admin/logs")
                        view=page(Page::Admin(Admin::Log)).only(AdminArea, td_string!(locale, nav.log))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/admin/customers")
                        view=page(Page::Admin(Admin::Customers))
                            .only(EraseCustomers, td_string!(locale, customers.title))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/admin/customers/erasures/:id")
                        view=page(Page::Admin(Admin::Erasure)).only(EraseCustomers, td_string!(locale, customers.title))
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/admin/notifications")
                        view=page(Page::Admin(Admin::Notifications))
                            .only(AdminArea, td_string!(locale, nav.notifications))
                        ssr=SsrMode::Async
                    />
                </Routes>
            </main>
            <UndoNotice />
            {(ui::may(Permission::Orders) && ui::keys() == Keys::On)
                .then(|| view! { <Shortcuts search=field::FIELD /> })}
            <p class="sr-only" role="status" aria-live="polite">
                {said}
            </p>
            <p class="sr-only" role="status" aria-live="polite">
                {count_said}
            </p>
            {sign_in_dialog}
        </Router>
    }
}

/// The view of a route. If the code of its page is in a part, the client loads it when it needs it.
#[derive(Clone, Copy)]
struct PageView {
    page: Page,
    /// The permission that the page needs, and its title.
    only: Option<(Permission, &'static str)>,
}

/// Returns the view of a page that everyone may open.
const fn page(page: Page) -> PageView {
    PageView { page, only: None }
}

impl PageView {
    /// Shows the page to visitors with the permission, and only its title and an error to all others.
    const fn only(self, permission: Permission, title: &'static str) -> Self {
        Self {
            page: self.page,
            only: Some((permission, title)),
        }
    }
}

impl ChooseView for PageView {
    async fn choose(self) -> AnyView {
        if let Some((permission, title)) = self.only
            && !ui::may(permission)
        {
            return view! { <Refusal permission title /> }.into_any();
        }
        let place = use_location();
        self.page.draw().await.unwrap_or_else(|NotLoaded| {
            // Without a connection or after an update; the server has the whole page.
            let (path, query) = (place.pathname.get_untracked(), place.search.get_untracked());
            let _ = location().assign(&format!("{path}{query}"));
            ().into_any()
        })
    }

    async fn preload(&self) {
        if let Some(part) = self.page.part() {
            // If that fails, `choose` tries again.
            let _ = part.load().await;
        }
    }
}

#[component]
fn Refusal(permission: Permission, title: &'static str) -> impl IntoView {
    let locale = ui::locale();
    // Checked by a server function, as on every page, so that the response gets the status of the error.
    let asked = ui::data(|| (), move |()| ask_permission(permission));
    // The visitor has signed in elsewhere in the meantime: a reload shows the page.
    let open = |()| {
        Effect::new(|| {
            let _ = location().reload();
        });
    };
    let manager_in_admin = ui::me().is_some_and(|me| me.manager_in_admin);
    let expected = (
        Error::Forbidden,
        refusal_words(permission, manager_in_admin, locale),
    );
    view! {
        <Title text=title />
        <h1>{title}</h1>
        {ui::loaded_or(asked, Some(expected), open)}
        <WayHome />
    }
}

/// Returns the message for a visitor without the permission that a page needs: it names the roles that have it.
fn refusal_words(permission: Permission, manager_in_admin: bool, locale: Locale) -> &'static str {
    let may = |role: Role| role.may(permission, manager_in_admin);
    if may(Role::User) {
        td_string!(locale, errors.forbidden)
    } else if may(Role::Manager) {
        td_string!(locale, errors.only_managers)
    } else {
        td_string!(locale, errors.only_admins)
    }
}

/// Returns an error if the visitor lacks a permission.
#[server(endpoint = "ask_permission", input = GetUrl)]
pub async fn ask_permission(permission: Permission) -> Result<(), Error> {
    use crate::server_context;
    server_context::set_status(server_context::actor().and_then(|actor| actor.may(permission)))
}

/// The site header: the menu on the left, the signed-in user on the right.
#[component]
fn Header() -> impl IntoView {
    let locale = ui::locale();
    let account = match ui::me() {
        Some(me) => view! {
            <a class="menu-link" href="/account">
                <span class="max-sm:hidden">{td_string!(locale, nav.hello)} ", "</span>
                <span class="user-name">{me.username.clone()}</span>
                <span class="max-sm:hidden">" (" {me.role.display(|role| role.label(locale))} ")"</span>
            </a>
            <SignOutForm />
        }
        .into_any(),
        None if ui::is_unknown() => ().into_any(),
        None => view! {
            <a class="menu-link" href="/login">
                {td_string!(locale, nav.sign_in)}
            </a>
            <a class="menu-link" href="/register">
                {td_string!(locale, nav.register)}
            </a>
        }
        .into_any(),
    };
    view! {
        <header class="site-header">
            <div class="site-header-row">
                <a class="logo" href="/">
                    <img src="/favicon.svg" alt="" width="28" height="28" />
                    <span class="max-sm:sr-only">{td_string!(locale, ui.app_name)}</span>
                </a>
                <nav class="site-menu" aria-label=td_string!(locale, nav.menu)>
                    <MenuLink href="/" label=td_string!(locale, nav.home) />
                    <MenuLink href="/orders" label=td_string!(locale, nav.orders) area="/baskets">
                        {ui::may(Permission::Orders)
                            .then(|| view! { <OrderCount of=|all| all.waiting most=MOST_IN_MENU /> })}
                    </MenuLink>
                    <MenuLink href="/products" label=td_string!(locale, nav.products) />
                    {ui::may(Permission::Supplies)
                        .then(|| view! { <MenuLink href="/supplies" label=td_string!(locale, nav.supplies) /> })}
                    {ui::may(Permission::AdminArea)
                        .then(|| {
                            let first = if ui::may(Permission::ManageUsers) { "/admin/users" } else { "/admin/logs" };
                            view! {
                                <MenuLink href="/admin/analytics" label=td_string!(locale, nav.analytics) />
                                <MenuLink
                                    href=first
                                    label=td_string!(locale, nav.admin)
                                    short=td_string!(locale, nav.more)
                                    area="/admin"
                                />
                            }
                        })}
                </nav>
                {ui::may(Permission::ManageUsers).then(|| view! { <PendingAccountsLink /> })}
                {ui::may(Permission::Orders)
                    .then(|| {
                        let name = td_string!(locale, nav.scan);
                        view! {
                            <SearchBox />
                            <a class="scan-link" href="/scan" rel="external" aria-label=name title=name></a>
                        }
                    })}
                <div class="site-account">{account} <LanguageForm /></div>
            </div>
        </header>
    }
}

/// A link to the accounts that wait for approval, if there are any.
#[component]
fn PendingAccountsLink() -> impl IntoView {
    let locale = ui::locale();
    expect_context::<Counted>().draw(move |counts| {
        let count = counts.unwrap_or_default().pending_accounts;
        (count > 0).then(|| {
            let label = td_string!(locale, nav.pending_accounts, count = pieces(count, locale));
            view! {
                <a class="menu-link" href=PENDING_ACCOUNTS>
                    {label.to_string()}
                </a>
            }
        })
    })
}

/// The path of the analytics, which is an admin page with a place of its own in the menu.
const ANALYTICS: &str = "/admin/analytics";

/// Returns whether the page at `path` is `area` or below it.
fn is_in(path: &str, area: &str) -> bool {
    path.strip_prefix(area)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The menu of the admin pages, shown while one of them is open.
#[component]
fn AdminMenu() -> impl IntoView {
    let locale = ui::locale();
    let path = use_location().pathname;
    let is_open =
        Memo::new(move |_| path.with(|path| is_in(path, "/admin") && !is_in(path, ANALYTICS)));
    move || {
        (is_open.get() && ui::may(Permission::AdminArea)).then(|| {
            view! {
                <nav class="admin-menu" aria-label=td_string!(locale, nav.admin)>
                    {ui::may(Permission::ManageUsers)
                        .then(|| view! { <MenuLink href="/admin/users" label=td_string!(locale, nav.users) /> })}
                    <MenuLink href="/admin/logs" label=td_string!(locale, nav.log) />
                    <MenuLink href="/admin/notifications" label=td_string!(locale, nav.notifications) />
                    <MenuLink href="/admin/rates" label=td_string!(locale, nav.rates) />
                    {ui::may(Permission::EraseCustomers)
                        .then(|| {
                            view! { <MenuLink href="/admin/customers" label=td_string!(locale, customers.title) /> }
                        })}
                </nav>
            }
        })
    }
}

/// A menu link, marked as current while its page or one below it is open.
#[component]
fn MenuLink(
    href: &'static str,
    label: &'static str,
    /// The label on a phone, if the other one is too long.
    #[prop(optional)]
    short: Option<&'static str>,
    /// Where other pages of the link are. The analytics are not among those of the admin area.
    #[prop(optional)]
    area: Option<&'static str>,
    /// What stands beside the label.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let path = use_location().pathname;
    let is_here = move || {
        path.with(|path| {
            let is_of_area = area.is_some_and(|area| is_in(path, area) && !is_in(path, ANALYTICS));
            path == href || href != "/" && is_in(path, href) || is_of_area
        })
    };
    view! {
        <a class="menu-link" href=href aria-current=move || is_here().then_some("page")>
            {match short {
                None => label.into_any(),
                Some(short) => {
                    view! {
                        <span class="max-sm:hidden">{label}</span>
                        <span class="sm:hidden">{short}</span>
                    }
                        .into_any()
                }
            }}
            {children.map(|children| children())}
        </a>
    }
}

/// Switches between Russian and English.
#[component]
fn LanguageForm() -> impl IntoView {
    let locale = ui::locale();
    let (other, label, name) = match locale {
        Locale::ru => (Locale::en, "EN", "English"),
        Locale::en => (Locale::ru, "РУ", "Русский"),
    };
    view! {
        <form method="post" action=SetLanguage::PATH>
            <input type="hidden" name="lang" value=other.to_string() />
            <button class="menu-link" type="submit" lang=other.to_string() title=name aria-label=name>
                {label}
            </button>
        </form>
    }
}

/// Stores the chosen language in a cookie for a year and redirects back to the same page.
#[server(endpoint = "set_language")]
pub async fn set_language(lang: String) -> Result<(), Error> {
    let locale: Locale = lang
        .parse()
        .map_err(|_| Error::field("lang", crate::error::Problem::NotOffered))?;
    crate::server_context::keep_choice("lang", locale.as_ref())
}

/// The page for unknown paths.
#[component]
fn NotFound() -> impl IntoView {
    let locale = ui::locale();
    // Reported by a server function, so that the response gets the status of the error.
    let missing = ui::data(|| (), |()| missing_page());
    view! {
        <Title text=td_string!(locale, ui.not_found) />
        <h1>{td_string!(locale, ui.not_found)}</h1>
        {ui::loaded_or(missing, Some((Error::NotFound, td_string!(locale, ui.not_found_hint))), |()| ())}
        <WayHome />
    }
}

/// A link to the home page, below an error.
#[component]
fn WayHome() -> impl IntoView {
    let locale = ui::locale();
    view! {
        <p class="mt-4">
            <a class="link" href="/">
                {td_string!(locale, nav.home)}
            </a>
        </p>
    }
}

/// Always returns [`Error::NotFound`].
#[server(endpoint = "missing_page")]
pub async fn missing_page() -> Result<(), Error> {
    crate::server_context::set_status(Err(Error::NotFound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_page_says_who_may_open_it() {
        let [managers, admins] = [
            "Раздел доступен только менеджеру и администратору.",
            "Раздел доступен только администратору.",
        ];
        for (permission, manager_in_admin, words) in [
            (Permission::Supplies, false, managers),
            (Permission::EditProducts, false, managers),
            (Permission::AdminArea, false, admins),
            (Permission::AdminArea, true, managers),
            (Permission::ManageUsers, true, admins),
        ] {
            assert_eq!(
                refusal_words(permission, manager_in_admin, Locale::ru),
                words,
                "{permission}"
            );
        }
    }
}
