//! The parts of the client.
//!
//! The main part has the layout and the pages that everyone opens first. The code of the other pages is in parts, which
//! a browser loads when it opens the first page of one.

use crate::{
    analytics::{page::AnalyticsPage, rates_page::RatesPage},
    audit::list::LogPage,
    auth::{
        account::AccountPage,
        login::{LoginPage, SignInDialog},
        register::{PendingPage, RegisterPage},
        totp::code_page::CodePage,
        users::{list::UsersPage, page::UserPage},
    },
    customers::{act::ErasurePage, page::CustomersPage},
    home::HomePage,
    import::page::{ImportProductsPage, ImportSuppliesPage},
    notifications::page::NotificationsPage,
    orders::{form::NewOrderPage, page::OrderPage},
    products::{form::NewProductPage, list::ProductsPage, page::ProductPage},
    supplies::page::SuppliesPage,
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

/// A page whose code is in a part.
#[derive(Clone, Copy, Debug)]
pub enum Page {
    Home,
    NewOrder,
    Order,
    Products,
    NewProduct,
    ImportProducts,
    Product,
    Supplies,
    ImportSupplies,
    Login,
    Code,
    Register,
    Pending,
    Account,
    Analytics,
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
    Stock,
    Account,
    Admin,
}

impl Page {
    /// Draws the page, once its code is loaded.
    pub async fn draw(self) -> Result<AnyView, NotLoaded> {
        match self.part() {
            Part::Home => home(self).await,
            Part::Orders => orders(self).await,
            Part::Stock => stock(self).await,
            Part::Account => account(self).await,
            Part::Admin => admin(self).await,
        }
    }

    /// Returns the part that has the code of the page.
    pub const fn part(self) -> Part {
        match self {
            Self::Home => Part::Home,
            Self::NewOrder | Self::Order => Part::Orders,
            Self::Products
            | Self::NewProduct
            | Self::ImportProducts
            | Self::Product
            | Self::Supplies
            | Self::ImportSupplies => Part::Stock,
            Self::Login | Self::Code | Self::Register | Self::Pending | Self::Account => {
                Part::Account
            }
            Self::Analytics
            | Self::Rates
            | Self::Users
            | Self::User
            | Self::Log
            | Self::Customers
            | Self::Erasure
            | Self::Notifications => Part::Admin,
        }
    }
}

impl Part {
    /// Returns the part of the page with this path.
    pub fn of_path(path: &str) -> Option<Self> {
        let mut steps = path.trim_matches('/').split('/');
        match (steps.next()?, steps.next()) {
            ("", _) => Some(Self::Home),
            ("orders", Some(_)) => Some(Self::Orders),
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
            Self::Stock => load_stock().await?,
            Self::Account => load_account().await?,
            Self::Admin => load_admin().await?,
        }
        Ok(())
    }
}

#[wasm_split(home, wasm_split_path = leptos::wasm_split, preload(load_home), fallible)]
fn home(page: Page) -> Result<AnyView, NotLoaded> {
    match page {
        Page::Home => Ok(view! { <HomePage /> }.into_any()),
        _ => Err(NotLoaded),
    }
}

#[wasm_split(orders, wasm_split_path = leptos::wasm_split, preload(load_orders), fallible)]
fn orders(page: Page) -> Result<AnyView, NotLoaded> {
    Ok(match page {
        Page::NewOrder => view! { <NewOrderPage /> }.into_any(),
        Page::Order => view! { <OrderPage /> }.into_any(),
        _ => return Err(NotLoaded),
    })
}

#[wasm_split(stock, wasm_split_path = leptos::wasm_split, preload(load_stock), fallible)]
fn stock(page: Page) -> Result<AnyView, NotLoaded> {
    Ok(match page {
        Page::Products => view! { <ProductsPage /> }.into_any(),
        Page::NewProduct => view! { <NewProductPage /> }.into_any(),
        Page::ImportProducts => view! { <ImportProductsPage /> }.into_any(),
        Page::Product => view! { <ProductPage /> }.into_any(),
        Page::Supplies => view! { <SuppliesPage /> }.into_any(),
        Page::ImportSupplies => view! { <ImportSuppliesPage /> }.into_any(),
        _ => return Err(NotLoaded),
    })
}

#[wasm_split(account, wasm_split_path = leptos::wasm_split, preload(load_account), fallible)]
fn account(page: Page) -> Result<AnyView, NotLoaded> {
    Ok(match page {
        Page::Login => view! { <LoginPage /> }.into_any(),
        Page::Code => view! { <CodePage /> }.into_any(),
        Page::Register => view! { <RegisterPage /> }.into_any(),
        Page::Pending => view! { <PendingPage /> }.into_any(),
        Page::Account => view! { <AccountPage /> }.into_any(),
        _ => return Err(NotLoaded),
    })
}

/// Draws the dialog that asks the user to sign in again.
#[wasm_split(account, wasm_split_path = leptos::wasm_split, fallible)]
pub fn sign_in_dialog(interrupted: Interrupted) -> Result<AnyView, NotLoaded> {
    Ok(view! { <SignInDialog interrupted /> }.into_any())
}

#[wasm_split(admin, wasm_split_path = leptos::wasm_split, preload(load_admin), fallible)]
fn admin(page: Page) -> Result<AnyView, NotLoaded> {
    Ok(match page {
        Page::Analytics => view! { <AnalyticsPage /> }.into_any(),
        Page::Rates => view! { <RatesPage /> }.into_any(),
        Page::Users => view! { <UsersPage /> }.into_any(),
        Page::User => view! { <UserPage /> }.into_any(),
        Page::Log => view! { <LogPage /> }.into_any(),
        Page::Customers => view! { <CustomersPage /> }.into_any(),
        Page::Erasure => view! { <ErasurePage /> }.into_any(),
        Page::Notifications => view! { <NotificationsPage /> }.into_any(),
        _ => return Err(NotLoaded),
    })
}
