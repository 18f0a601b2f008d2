//! The text of notifications: HTML for Telegram, plain text for mail.

use super::notice::{LowProduct, LowStock, Notice, OrderNotice};
use crate::{config::notifications::Config, i18n::Locale, money::Rub, number::pieces};
use leptos_i18n::td_string;
use std::fmt::Write;

/// The largest number of characters in a message. Telegram rejects more than 4096, not counting tags.
const LONGEST: usize = 3_500;

/// The markup of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markup {
    /// The few tags that Telegram supports.
    Html,
    Plain,
}

/// Writes messages in one language, with links to one site.
#[derive(Clone, Copy)]
pub struct MessageWriter<'a> {
    pub locale: Locale,
    pub site: &'a str,
    pub markup: Markup,
}

impl<'a> MessageWriter<'a> {
    /// Creates a writer for the language and the site of the shop.
    pub fn new(config: &'a Config, markup: Markup) -> Self {
        Self {
            locale: config.language,
            site: &config.site,
            markup,
        }
    }

    /// Escapes the special characters of the markup.
    pub fn plain(&self, text: &str) -> String {
        match self.markup {
            Markup::Html => text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;"),
            Markup::Plain => text.to_owned(),
        }
    }

    /// Formats a text in bold, where the markup supports it.
    pub fn strong(&self, text: &str) -> String {
        match self.markup {
            Markup::Html => format!("<b>{}</b>", self.plain(text)),
            Markup::Plain => text.to_owned(),
        }
    }

    /// Formats a text as a link to a page of the shop.
    pub fn link(&self, text: &str, path: &str) -> String {
        let address = format!("{}{path}", self.site);
        match self.markup {
            Markup::Html => format!(
                "<a href=\"{}\">{}</a>",
                self.plain(&address),
                self.plain(text)
            ),
            Markup::Plain => format!("{text} ({address})"),
        }
    }

    /// Returns a summary of a notice in one line.
    pub fn subject(&self, notice: &Notice) -> String {
        let locale = self.locale;
        match notice {
            Notice::LowStock(low) => match (low.products.as_slice(), low.more) {
                ([one], 0) => {
                    td_string!(locale, notices.low_one, name = one.name.as_str()).to_string()
                }
                (some, more) => {
                    td_string!(locale, notices.low_many, count = some.len() + more).to_string()
                }
            },
            Notice::OrderCreated(order) => {
                td_string!(locale, notices.order_created, id = order.id).to_string()
            }
            Notice::OrderIssued(order) => {
                td_string!(locale, notices.order_issued, id = order.id).to_string()
            }
            Notice::OrderDenied(order) => {
                td_string!(locale, notices.order_denied, id = order.id).to_string()
            }
            Notice::Test { .. } => td_string!(locale, notices.test).to_owned(),
        }
    }

    /// Returns the subject of a mail: the summary of the notice after the name of the program.
    pub fn mail_subject(&self, notice: &Notice) -> String {
        let name = td_string!(self.locale, ui.app_name);
        format!("{name}: {}", self.subject(notice))
    }

    /// Returns the message for a notice.
    pub fn notice(&self, notice: &Notice) -> String {
        let locale = self.locale;
        let by = |order: &OrderNotice| order.by.clone().unwrap_or_default();
        match notice {
            Notice::LowStock(low) => self.low(&self.subject(notice), low),
            Notice::OrderCreated(order) => {
                let by = td_string!(locale, notices.created_by, name = by(order)).to_string();
                self.order(&self.subject(notice), order, &by)
            }
            Notice::OrderIssued(order) => {
                let by = td_string!(locale, notices.issued_by, name = by(order)).to_string();
                self.order(&self.subject(notice), order, &by)
            }
            Notice::OrderDenied(order) => {
                let by = td_string!(locale, notices.denied_by, name = by(order)).to_string();
                self.order(&self.subject(notice), order, &by)
            }
            Notice::Test { by } => self.test(&self.subject(notice), by.as_deref()),
        }
    }

    /// Returns the sentence that warns that a message may have arrived before.
    pub fn unsure(&self) -> String {
        self.plain(td_string!(self.locale, notices.unsure))
    }

    fn low(&self, subject: &str, low: &LowStock) -> String {
        let locale = self.locale;
        let heading = match low.products.as_slice() {
            [_] if low.more == 0 => td_string!(locale, notices.low_heading),
            _ => subject,
        };
        let mut text = format!("▼ {}", self.strong(heading));
        let (mut length, mut named) = (heading.chars().count(), 0);
        for product in &low.products {
            let line = self.low_line(product);
            length += product.name.chars().count() + 60;
            if length > LONGEST {
                break;
            }
            let _ = write!(text, "\n{line}");
            named += 1;
        }
        let more = low.more + low.products.len() - named;
        if more > 0 {
            let words = td_string!(locale, notices.more, count = more).to_string();
            let _ = write!(
                text,
                "\n{}",
                self.link(&words, "/products?low=1&sort=stock")
            );
        }
        text
    }

    /// Returns a line about a product that is low: its name, its stock and its minimum.
    pub fn low_line(&self, product: &LowProduct) -> String {
        let locale = self.locale;
        let name = self.link(&product.name, &format!("/products/{}", product.id));
        let counts = td_string!(
            locale,
            notices.low_counts,
            stock = pieces(product.stock, locale),
            min = pieces(product.min_stock, locale)
        )
        .to_string();
        format!("{name}: {}", self.plain(&counts))
    }

    /// Returns the message about an order. `by` is the phrase that names the user; it is left out if no user caused the
    /// event.
    fn order(&self, subject: &str, order: &OrderNotice, by: &str) -> String {
        let mut text = format!(
            "{}\n{}\n{}",
            self.link(subject, &format!("/orders/{}", order.id)),
            self.sold(&order.product, order.qty, order.total_rub),
            self.plain(&order.phone),
        );
        if let Some(customer) = &order.customer {
            let _ = write!(text, ", {}", self.plain(customer));
        }
        if order.by.is_some() {
            let _ = write!(text, "\n{}", self.plain(by));
        }
        text
    }

    /// Returns the product, the quantity and the total of a sale.
    pub fn sold(&self, product: &str, qty: i64, total: Rub) -> String {
        let locale = self.locale;
        self.plain(&format!(
            "{product} × {} = {}",
            pieces(qty, locale),
            total.display(locale)
        ))
    }

    fn test(&self, subject: &str, by: Option<&str>) -> String {
        let locale = self.locale;
        let by = by.unwrap_or(td_string!(locale, ui.system));
        let words = td_string!(locale, notices.test_words, name = by).to_string();
        format!(
            "{}\n{}\n{}",
            self.strong(subject),
            self.plain(&words),
            self.link(
                td_string!(locale, notices.test_link),
                "/admin/notifications"
            )
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: MessageWriter<'_> = MessageWriter {
        locale: Locale::ru,
        site: "https://shop.example",
        markup: Markup::Html,
    };

    fn product(id: i64, name: &str) -> LowProduct {
        LowProduct {
            id,
            name: name.to_owned(),
            stock: 2,
            min_stock: 5,
        }
    }

    #[test]
    fn user_text_is_escaped() {
        let notice = Notice::LowStock(LowStock::of(vec![product(1, "<b>Чай</b> & \"кофе\"")]));
        let text = HTML.notice(&notice);
        assert_eq!(
            text,
            "▼ <b>Заканчивается товар</b>\n\
             <a href=\"https://shop.example/products/1\">&lt;b&gt;Чай&lt;/b&gt; &amp; &quot;кофе&quot;</a>: \
             доступно 2, минимум 5"
        );
    }

    #[test]
    fn a_long_message_is_cut_and_links_to_the_rest() {
        let long = "очень длинное название ".repeat(8);
        let products = (0..500).map(|id| product(id, &long)).collect();
        let notice = Notice::LowStock(LowStock::of(products));
        for markup in [Markup::Html, Markup::Plain] {
            let text = MessageWriter { markup, ..HTML }.notice(&notice);
            let lines: Vec<_> = text.lines().collect();
            assert!(lines.len() > 10 && lines.len() < 30, "{}", lines.len());
            let rest = 500 - (lines.len() - 2);
            assert!(lines[lines.len() - 1].contains(&rest.to_string()), "{text}");
            assert!(lines[lines.len() - 1].contains("/products?low=1"), "{text}");
        }
        let characters: usize = HTML
            .notice(&notice)
            .split('<')
            .map(|part| {
                part.split_once('>')
                    .map_or(part, |(_, text)| text)
                    .chars()
                    .count()
            })
            .sum();
        assert!(characters < 4_096, "{characters}");
    }
}
