//! The parts of the client.
//!
//! The main part has the layout and the pages that everyone opens first. The code of the other pages is in parts, which
//! a browser loads when it opens the first page of one.

use crate::{
    analytics::{page::AnalyticsPage, products::ProductSalesPage, rates_page::RatesPage},
    audit::list::LogPage,
    auth::{
        account::AccountPage,
        login::{LoginPage, SignInDialog},
        register::{PendingPage, RegisterPage},
        totp::code_page::CodePage,
        users::{list::UsersPage, page::UserPage},
    },
    baskets::{form::NewOrderPage, page::BasketPage},
    customers::{act::ErasurePage, page::CustomersPage},
    home::HomePage,
    import::page::{ImportProductsPage, ImportSuppliesPage},
    notifications::page::NotificationsPage,
    orders::{list::OrdersPage, page::OrderPage},
    products::{form::NewProductPage, list::ProductsPage, page::ProductPage},
    search::page::SearchPage,
    supplies::{page::SuppliesPage, supply_page::SupplyPage},
    ui::form::Interrupted,
};
use leptos::{
    prelude::*,
    wasm_split::{SplitLoaderError, wasm_split},
};

/// The code of a part could not be loaded.
#[derive(Clone, Copy, Debug)]
pub struct NotLoaded;

impl From<SplitLoaderError> for NotLoaded {
    fn from(_: SplitLoaderError) -> Self {
        Self
    }
}

/// A page.
#[derive(Clone, Copy, Debug)]
pub enum Page {
    /// The list of orders, which is in the main part.
    Orders,
    /// What the search of the header finds.
    Search,
    Home,
    Order(Order),
    Stock(Stock),
    Account(Account),
    Admin(Admin),
}

/// A page of the part for single orders.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    New,
    One,
    Basket,
}

/// A page of the part for the stock.
#[derive(Clone, Copy, Debug)]
pub enum Stock {
    Products,
    NewProduct,
    ImportProducts,
    Product,
    Supplies,
    ImportSupplies,
    Supply,
}

/// A page of the part for one's own account.
#[derive(Clone, Copy, Debug)]
pub enum Account {
    Login,
    Code,
    Register,
    Pending,
    Own,
}

/// A page of the part for admins.
#[derive(Clone, Copy, Debug)]
pub enum Admin {
    Analytics,
    ProductSales,
    Rates,
    Users,
    User,
    Log,
    Customers,
    Erasure,
    Notifications,
}

/// A part of the client, apart from the main one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Home,
    Orders,
    Search,
    Stock,
    Account,
    Admin,
}

impl Page {
    /// Draws the page, once its code is loaded.
    pub async fn draw(self) -> Result<AnyView, NotLoaded> {
        match self {
            Self::Orders => Ok(view! { <OrdersPage /> }.into_any()),
            Self::Search => search().await,
            Self::Home => home().await,
            Self::Order(page) => orders(page).await,
            Self::Stock(page) => stock(page).await,
            Self::Account(page) => account(page).await,
            Self::Admin(page) => admin(page).await,
        }
    }

    /// Returns the part that has the code of the page; `None` for the main part.
    pub const fn part(self) -> Option<Part> {
        match self {
            Self::Orders => None,
            Self::Search => Some(Part::Search),
            Self::Home => Some(Part::Home),
            Self::Order(_) => Some(Part::Orders),
            Self::Stock(_) => Some(Part::Stock),
            Self::Account(_) => Some(Part::Account),
            Self::Admin(_) => Some(Part::Admin),
        }
    }
}

impl Part {
    /// Returns the part of the page with this path.
    pub fn of_path(path: &str) -> Option<Self> {
        let mut steps = path.trim_matches('/').split('/');
        match (steps.next()?, steps.next()) {
            ("", _) => Some(Self::Home),
            ("orders", Some(_)) | ("baskets", _) => Some(Self::Orders),
            ("search", _) => Some(Self::Search),
            ("products" | "supplies", _) => Some(Self::Stock),
            ("login" | "register" | "account", _) => Some(Self::Account),
            ("admin", _) => Some(Self::Admin),
            _ => None,
        }
    }

    /// The name of the part among the built files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Orders => "orders",
            Self::Search => "search",
            Self::Stock => "stock",
            Self::Account => "account",
            Self::Admin => "admin",
        }
    }

    /// Loads the code of the part, so that its pages are drawn at once.
    pub async fn load(self) -> Result<(), NotLoaded> {
        match self {
            Self::Home => load_home().await?,
            Self::Orders => load_orders().await?,
            Self::Search => load_search().await?,
            Self::Stock => load_stock().await?,
            Self::Account => load_account().await?,
            Self::Admin => load_admin().await?,
        }
        Ok(())
    }
}

#[wasm_split(home, wasm_split_path = leptos::wasm_split, preload(load_home), fallible)]
fn home() -> Result<AnyView, NotLoaded> {
    Ok(view! { <HomePage /> }.into_any())
}

#[wasm_split(orders, wasm_split_path = leptos::wasm_split, preload(load_orders), fallible)]
fn orders(page: Order) -> Result<AnyView, NotLoaded> {
    Ok(match page {
        Order::New => view! { <NewOrderPage /> }.into_any(),
        Order::One => view! { <OrderPage /> }.into_any(),
        Order::Basket => view! { <BasketPage /> }.into_any(),
    })
}

#[wasm_split(search, wasm_split_path = leptos::wasm_split, preload(load_search), fallible)]
fn search() -> Result<AnyView, NotLoaded> {
    Ok(view! { <SearchPage /> }.into_any())
}

#[wasm_split(stock, wasm_split_path = leptos::wasm_split, preload(load_stock), fallible)]
fn stock(page: Stock) -> Result<AnyView, NotLoaded> {
    Ok(match page {
        Stock::Products => view! { <ProductsPage /> }.into_any(),
        Stock::NewProduct => view! { <NewProductPage /> }.into_any(),
        Stock::ImportProducts => view! { <ImportProductsPage /> }.into_any(),
        Stock::Product => view! { <ProductPage /> }.into_any(),
        Stock::Supplies => view! { <SuppliesPage /> }.into_any(),
        Stock::ImportSupplies => view! { <ImportSuppliesPage /> }.into_any(),
        Stock::Supply => view! { <SupplyPage /> }.into_any(),
    })
}

#[wasm_split(account, wasm_split_path = leptos::wasm_split, preload(load_account), fallible)]
fn account(page: Account) -> Result<AnyView, NotLoaded> {
    Ok(match page {
        Account::Login => view! { <LoginPage /> }.into_any(),
        Account::Code => view! { <CodePage /> }.into_any(),
        Account::Register => view! { <RegisterPage /> }.into_any(),
        Account::Pending => view! { <PendingPage /> }.into_any(),
        Account::Own => view! { <AccountPage /> }.into_any(),
    })
}

/// Draws the dialog that asks the user to sign in again.
#[wasm_split(account, wasm_split_path = leptos::wasm_split, fallible)]
pub fn sign_in_dialog(interrupted: Interrupted) -> Result<AnyView, NotLoaded> {
    Ok(view! { <SignInDialog interrupted /> }.into_any())
}

#[wasm_split(admin, wasm_split_path = leptos::wasm_split, preload(load_admin), fallible)]
fn admin(page: Admin) -> Result<AnyView, NotLoaded> {
    Ok(match page {
        Admin::Analytics => view! { <AnalyticsPage /> }.into_any(),
        Admin::ProductSales => view! { <ProductSalesPage /> }.into_any(),
        Admin::Rates => view! { <RatesPage /> }.into_any(),
        Admin::Users => view! { <UsersPage /> }.into_any(),
        Admin::User => view! { <UserPage /> }.into_any(),
        Admin::Log => view! { <LogPage /> }.into_any(),
        Admin::Customers => view! { <CustomersPage /> }.into_any(),
        Admin::Erasure => view! { <ErasurePage /> }.into_any(),
        Admin::Notifications => view! { <NotificationsPage /> }.into_any(),
    })
}
