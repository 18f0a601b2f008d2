//! The answers of the bot to commands. Each command calls the services as the person who sent it, and formats the
//! result.

use crate::{
    analytics,
    baskets::service::{issue as issue_basket, settle},
    error::{Error, Problem},
    i18n::Locale,
    moment::day_shown,
    notifications::{
        button::issue_button,
        message::{Markup, MessageWriter},
        notice::LowProduct,
    },
    number::pieces,
    orders::{self, Order, Status},
    preset::Preset,
    products::{self, Product},
    transaction::Tx,
    undo,
};
use frankenstein::types::InlineKeyboardMarkup;
use leptos_i18n::td_string;
use std::fmt::Write;
use url::form_urlencoded;

/// Largest number of lines in a list; a link leads to the rest.
const LINES: usize = 10;
/// Largest number of orders that are sent as separate messages, each with its button.
const ORDERS: usize = 5;

/// A message of the bot.
#[derive(Debug, Default)]
pub struct Answer {
    /// In HTML.
    pub text: String,
    pub buttons: Option<InlineKeyboardMarkup>,
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self {
            text,
            buttons: None,
        }
    }
}

/// A command that people may send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    Low,
    Stock(String),
    Order(String),
    Today,
    Help,
}

impl Command {
    /// Parses a message. Anything that is not a known command asks for help.
    pub fn read(text: &str) -> Self {
        let (name, rest) = text
            .trim()
            .split_once(char::is_whitespace)
            .unwrap_or((text.trim(), ""));
        // In groups, a command names the bot: /low@lavka_bot
        let name = name.split('@').next().unwrap_or_default();
        let rest = rest.trim().to_owned();
        match name.to_lowercase().as_str() {
            "/low" => Self::Low,
            "/stock" => Self::Stock(rest),
            "/order" => Self::Order(rest),
            "/today" => Self::Today,
            _ => Self::Help,
        }
    }

    /// Returns the commands with their descriptions, for the menu in Telegram.
    pub fn menu(locale: Locale) -> [(&'static str, &'static str); 5] {
        [
            ("low", td_string!(locale, bot.help_low)),
            ("stock", td_string!(locale, bot.help_stock)),
            ("order", td_string!(locale, bot.help_order)),
            ("today", td_string!(locale, bot.help_today)),
            ("help", td_string!(locale, bot.help_help)),
        ]
    }

    /// Returns the answer to the person who sent the command.
    pub fn answer(
        &self,
        tx: &mut Tx<'_>,
        site: &str,
        locale: Locale,
    ) -> Result<Vec<Answer>, Error> {
        let writer = MessageWriter {
            locale,
            site,
            markup: Markup::Html,
        };
        match self {
            Self::Low => low(tx, writer),
            Self::Stock(search) => stock(tx, writer, search),
            Self::Order(digits) => orders_by_phone(tx, writer, digits),
            Self::Today => today(tx, writer),
            Self::Help => Ok(vec![help(writer).into()]),
        }
    }
}

/// Returns the list of commands, one per line.
pub fn help(writer: MessageWriter<'_>) -> String {
    let locale = writer.locale;
    let lines = Command::menu(locale).map(|(name, words)| {
        let example = match name {
            "stock" => format!(" {}", td_string!(locale, bot.example_stock)),
            "order" => " 4567".to_owned(),
            _ => String::new(),
        };
        writer.plain(&format!("/{name}{example} — {words}"))
    });
    lines.join("\n")
}

fn low(tx: &mut Tx<'_>, writer: MessageWriter<'_>) -> Result<Vec<Answer>, Error> {
    let locale = writer.locale;
    let products = products::search::below_minimum(tx, more_than(LINES))?;
    if products.is_empty() {
        let words = if products::search::has_products(tx)? {
            td_string!(locale, home.nothing_low)
        } else {
            td_string!(locale, home.ask_for_products)
        };
        return Ok(vec![writer.plain(words).into()]);
    }
    let mut text = writer.strong(td_string!(locale, home.low));
    let is_cut = products.len() > LINES;
    for product in products.into_iter().take(LINES) {
        let _ = write!(text, "\n{}", writer.low_line(&low_product(product)));
    }
    if is_cut {
        let rest = writer.link(
            td_string!(locale, home.all_low),
            "/products?low=1&sort=stock",
        );
        let _ = write!(text, "\n{rest}");
    }
    Ok(vec![text.into()])
}

fn low_product(product: Product) -> LowProduct {
    LowProduct {
        id: product.id,
        name: product.name.clone(),
        stock: product.stock,
        min_stock: product.min_stock,
    }
}

fn stock(tx: &mut Tx<'_>, writer: MessageWriter<'_>, search: &str) -> Result<Vec<Answer>, Error> {
    let locale = writer.locale;
    if search.is_empty() {
        return Ok(vec![
            writer.plain(td_string!(locale, bot.stock_usage)).into(),
        ]);
    }
    let query = products::Query {
        search: search.to_owned(),
        ..products::Query::default()
    };
    let page = products::search::page(tx, &query, Some(more_than(LINES)))?;
    if page.items.is_empty() {
        return Ok(vec![
            writer.plain(td_string!(locale, products.none_found)).into(),
        ]);
    }
    let is_cut = page.items.len() > LINES;
    let lines = page.items.into_iter().take(LINES).map(|product| {
        let mark = if product.is_low_stock { "▼ " } else { "" };
        let available = td_string!(
            locale,
            products.available,
            count = pieces(product.stock, locale)
        );
        let price = product
            .sell_price_rub
            .map(|price| td_string!(locale, bot.price, price = price.display(locale)).to_string());
        let counts = [Some(available.to_string()), price];
        let counts: Vec<_> = counts.into_iter().flatten().collect();
        let name = writer.link(&product.name, &format!("/products/{}", product.id));
        format!("{mark}{name}: {}", writer.plain(&counts.join(", ")))
    });
    let mut text = lines.collect::<Vec<_>>().join("\n");
    if is_cut {
        let search: String = form_urlencoded::byte_serialize(search.as_bytes()).collect();
        let rest = writer.link(
            td_string!(locale, bot.all_found),
            &format!("/products?search={search}"),
        );
        let _ = write!(text, "\n{rest}");
    }
    Ok(vec![text.into()])
}

fn orders_by_phone(
    tx: &mut Tx<'_>,
    writer: MessageWriter<'_>,
    digits: &str,
) -> Result<Vec<Answer>, Error> {
    let locale = writer.locale;
    let query = orders::Query {
        phone: digits.to_owned(),
        ..orders::Query::default()
    };
    let usage = || {
        Ok(vec![
            writer.plain(td_string!(locale, bot.order_usage)).into(),
        ])
    };
    if !digits.chars().any(|c| c.is_ascii_digit()) {
        return usage();
    }
    let page = match orders::search::page(tx, &query, Some(more_than(ORDERS))) {
        Err(error) if matches!(error.problem("phone"), Some(Problem::TooFewDigits(_))) => {
            return usage();
        }
        page => page?,
    };
    if page.items.is_empty() {
        return Ok(vec![
            writer.plain(td_string!(locale, orders.none_found)).into(),
        ]);
    }
    let is_cut = page.items.len() > ORDERS;
    let shown = page.items.iter().take(ORDERS);
    let mut answers: Vec<Answer> = shown.map(|order| order_message(writer, order)).collect();
    if is_cut {
        let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
        let rest = writer.link(
            td_string!(locale, bot.all_found),
            &format!("/orders?phone={digits}"),
        );
        answers.push(rest.into());
    }
    Ok(answers)
}

fn today(tx: &mut Tx<'_>, writer: MessageWriter<'_>) -> Result<Vec<Answer>, Error> {
    let locale = writer.locale;
    let day = day_shown(tx.now.day(), locale);
    let mut text = writer.strong(&td_string!(locale, bot.today, day = day).to_string());
    if tx.actor.may(crate::auth::Permission::AdminArea).is_ok() {
        let query = analytics::Query {
            preset: Preset::Today.to_string(),
            ..analytics::Query::default()
        };
        let totals = analytics::service::summary(tx, &query)?.totals;
        let sold = td_string!(
            locale,
            bot.sold,
            orders = pieces(totals.orders, locale),
            qty = pieces(totals.qty, locale),
            revenue = totals.revenue_rub.display(locale)
        );
        let denied = td_string!(locale, bot.denied, count = pieces(totals.denied, locale));
        for line in [sold.to_string(), denied.to_string()] {
            let _ = write!(text, "\n{}", writer.plain(&line));
        }
    }
    let waiting = orders::search::waiting(tx, more_than(LINES))?;
    if waiting.is_empty() {
        let _ = write!(
            text,
            "\n\n{}",
            writer.plain(td_string!(locale, home.nothing_waits))
        );
        return Ok(vec![text.into()]);
    }
    let _ = write!(text, "\n\n{}", writer.strong(td_string!(locale, bot.waits)));
    for order in waiting.iter().take(LINES) {
        let number = td_string!(locale, orders.number, id = order.id).to_string();
        let title = writer.link(&number, &format!("/orders/{}", order.id));
        let what = format!("{} × {}", order.product_name, order.qty.display(locale));
        let _ = write!(
            text,
            "\n{title}: {}, {}",
            writer.plain(&what),
            writer.plain(&order.phone_shown)
        );
    }
    if waiting.len() > LINES {
        let all = "/orders?status=paid_not_issued&sort=created_at";
        let _ = write!(
            text,
            "\n{}",
            writer.link(td_string!(locale, home.all_waiting), all)
        );
    }
    Ok(vec![text.into()])
}

/// Returns a message with what matters about an order at the counter, and a button to issue it if it is waiting.
pub fn order_message(writer: MessageWriter<'_>, order: &Order) -> Answer {
    let locale = writer.locale;
    let number = td_string!(locale, orders.number, id = order.id).to_string();
    let title = writer.link(&number, &format!("/orders/{}", order.id));
    let status = writer.strong(&order.status.display(|status| status.label(locale)));
    let sold = writer.sold(&order.product_name, order.qty.0, order.total_rub());
    let mut text = format!(
        "{title}: {status}\n{sold}\n{}",
        writer.plain(&order.phone_shown)
    );
    if let Some(customer) = order.customer_name.as_ref().filter(|_| !order.is_erased()) {
        let _ = write!(text, ", {}", writer.plain(customer));
    }
    Answer {
        text,
        buttons: (order.status == Status::PaidNotIssued).then(|| issue_button(order.id, locale)),
    }
}

/// Issues the basket of an order. Returns the text of the confirmation, the order as it is now, and the operations that
/// can be taken back.
pub fn issue(tx: &mut Tx<'_>, id: i64, locale: Locale) -> Result<(String, Order, Vec<i64>), Error> {
    let before = orders::service::get(tx, id)?;
    if before.status == Status::PaidIssued {
        let words = td_string!(locale, bot.issued_before, id = id).to_string();
        return Ok((words, before, Vec::new()));
    }
    if !before.waits() {
        return Err(Error::OrderIs(before.status));
    }
    let (issued, operations) = settle(tx, before.basket_id, issue_basket)?;
    let words = match issued.len() {
        1 => td_string!(locale, bot.issued_now, id = id).to_string(),
        count => {
            let id = before.basket_id;
            td_string!(locale, bot.basket_issued, id = id, count = count).to_string()
        }
    };
    Ok((words, orders::service::get(tx, id)?, operations))
}

/// Takes back what a button issued. Returns the text of the confirmation, and the order as it is now.
pub fn undo(
    tx: &mut Tx<'_>,
    id: i64,
    operations: &[i64],
    locale: Locale,
) -> Result<(String, Order), Error> {
    undo::service::undo_all(tx, operations)?;
    let words = td_string!(locale, bot.undone).to_owned();
    Ok((words, orders::service::get(tx, id)?))
}

/// Returns a query limit that shows whether there are more than `lines` rows.
fn more_than(lines: usize) -> i64 {
    i64::try_from(lines).unwrap_or(i64::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_parsed_as_people_write_them() {
        for (text, command) in [
            ("/low", Command::Low),
            (" /LOW ", Command::Low),
            ("/low@lavka_bot", Command::Low),
            (
                "/stock  чай зелёный ",
                Command::Stock("чай зелёный".to_owned()),
            ),
            ("/stock", Command::Stock(String::new())),
            ("/order 4567", Command::Order("4567".to_owned())),
            ("/today", Command::Today),
            ("/help", Command::Help),
            ("/что", Command::Help),
            ("привет", Command::Help),
            ("", Command::Help),
        ] {
            assert_eq!(Command::read(text), command, "{text}");
        }
    }
}
