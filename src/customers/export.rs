//! Exports everything that is stored about a number, as JSON and as CSV. The log records an export, without the number.

use super::{
    overview::Subject,
    records::{self, CustomerPhone, Notification, Records},
};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, PermissionErrors},
        request::{Body, Caller},
        values::{Money, Time},
    },
    audit::{self, Action, Entity, Operation, api::OperationJson, service::record},
    auth::Actor,
    codes::Code,
    error::Error,
    i18n::Locale,
    moment::Moment,
    notifications::{
        Channel, Kind, State,
        message::{Markup, MessageWriter},
    },
    orders::{Order, api::OrderJson},
    phone::Phone,
    sheet::{
        Format,
        cells::Sheet,
        download::{DownloadRequest, File, WriteRows, refuse},
    },
    transaction::{AppState, Tx},
    ui::labels::{field_label, value_words},
};
use axum::{
    Json,
    extract::{Query, State as Shared},
    http::{Method, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The names of the files, without their endings.
const NAME: &str = "customer";
const FIELDS: [&str; 6] = ["record", "id", "created_at", "field", "before", "value"];

/// The endpoint for exports.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(export))
}

/// Everything that is stored about a customer
#[derive(Serialize, ToSchema)]
struct CustomerData {
    /// In E.164 format
    #[schema(example = "+79161234567")]
    phone: String,
    exported_at: Time,
    /// Oldest first
    orders: Vec<OrderJson>,
    /// The entries of the operation log about these orders, and those whose note mentions the customer, oldest first;
    /// numbers and names of others are left out
    log: Vec<OperationJson>,
    /// Notifications about these orders, which are kept for a month
    notifications: Vec<NotificationData>,
}

/// A notification about an order of the customer
#[derive(Serialize, ToSchema)]
struct NotificationData {
    id: i64,
    #[schema(value_type = Kind)]
    kind: Code<Kind>,
    #[schema(value_type = Channel)]
    channel: Code<Channel>,
    /// A Telegram chat or an email address
    recipient: String,
    #[schema(value_type = State)]
    state: Code<State>,
    created_at: Time,
    /// When it was sent, given up or cancelled
    ended_at: Option<Time>,
    order_id: Option<i64>,
    phone: Option<String>,
    customer_name: Option<String>,
    product_name: Option<String>,
    qty: Option<i64>,
    total_rub: Option<Money>,
}

impl From<Notification> for NotificationData {
    fn from(notification: Notification) -> Self {
        let order = notification.notice.order().cloned();
        Self {
            id: notification.id,
            kind: notification.kind,
            channel: notification.channel,
            recipient: notification.recipient,
            state: notification.state,
            created_at: Time(notification.created_at),
            ended_at: notification.ended_at.map(Time),
            order_id: order.as_ref().map(|order| order.id),
            qty: order.as_ref().map(|order| order.qty),
            total_rub: order.as_ref().map(|order| order.total_rub.into()),
            phone: order.as_ref().map(|order| order.phone.clone()),
            product_name: order.as_ref().map(|order| order.product.clone()),
            customer_name: order.and_then(|order| order.customer),
        }
    }
}

/// Export everything that is stored about a customer
///
/// The export is recorded in the operation log, without the number.
#[utoipa::path(
    post,
    path = "/api/customers/export",
    operation_id = "export_customer",
    tag = "admin",
    request_body = CustomerPhone,
    responses(
        (status = OK, description = "The data", body = CustomerData),
        AuthErrors, PermissionErrors, BodyErrors
    )
)]
async fn export(caller: Caller, body: Body<CustomerPhone>) -> Result<Json<CustomerData>, Error> {
    let data = caller
        .submit(body, |tx, customer: &CustomerPhone| {
            let subject = records::find(tx, &customer.phone)?;
            record_export(tx, "json", &subject)?;
            data(tx, &customer.phone)
        })
        .await?;
    Ok(Json(data))
}

/// `GET /admin/customers.json`: the data of the customer whom the address names.
pub async fn download_json(Shared(app): Shared<AppState>, parts: Parts) -> Response {
    let is_head = parts.method == Method::HEAD;
    let exported = match (Actor::of(&parts.extensions), subject_of(&parts)) {
        (Ok(actor), Ok(subject)) => {
            app.write(actor, move |tx| {
                let phone = records::phone_of(tx, &subject)?;
                if !is_head {
                    record_export(tx, "json", &subject)?;
                }
                data(tx, &phone)
            })
            .await
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    };
    let named = format!("attachment; filename=\"{NAME}.json\"");
    match exported {
        Ok(data) => ([(header::CONTENT_DISPOSITION, named)], Json(data)).into_response(),
        Err(error) => {
            let wanted = parts.uri.path_and_query().map(ToString::to_string);
            refuse(&error, &wanted.unwrap_or_default())
        }
    }
}

/// `GET /admin/customers.csv`: the same data, a row for each field.
pub async fn download_csv(Shared(app): Shared<AppState>, parts: Parts) -> Response {
    let mut asked = DownloadRequest::new(app, parts);
    let subject = asked.query::<Subject>();
    let file = subject.clone().map(|_| File {
        entity: Entity::Customer,
        name: NAME,
        period: [String::new(), String::new()],
    });
    asked.answer(file, subject.unwrap_or_default(), batch).await
}

fn subject_of(parts: &Parts) -> Result<Subject, Error> {
    Query::try_from_uri(&parts.uri)
        .map(|Query(subject)| subject)
        .map_err(|_| Error::NotFound)
}

/// Records an export like that of a list.
fn record_export(tx: &mut Tx<'_>, format: &str, subject: &Subject) -> Result<(), Error> {
    let changes = [
        audit::set("file", format!("{NAME}.{format}")),
        audit::set("query", subject.query().trim_start_matches('?')),
    ];
    record(tx, Action::Export, Entity::Customer, format, &changes)
}

fn data(tx: &mut Tx<'_>, phone: &Phone) -> Result<CustomerData, Error> {
    let records = records::everything(tx, phone)?;
    Ok(CustomerData {
        phone: phone.e164.clone(),
        exported_at: Time(tx.now),
        orders: records.orders.into_iter().map(OrderJson::from).collect(),
        log: records
            .operations
            .into_iter()
            .map(OperationJson::from)
            .collect(),
        notifications: records
            .notifications
            .into_iter()
            .map(NotificationData::from)
            .collect(),
    })
}

/// Reads the whole file at once: a customer has few orders.
fn batch(tx: &mut Tx<'_>, subject: &mut Subject) -> Result<(WriteRows, bool), Error> {
    let phone = records::phone_of(tx, subject)?;
    let Records {
        orders,
        operations,
        notifications,
    } = records::everything(tx, &phone)?;
    let write = move |sheet: &mut Sheet| {
        sheet.head(&FIELDS)?;
        for order in orders {
            write_order(order, sheet)?;
        }
        for operation in operations {
            write_operation(operation, sheet)?;
        }
        for notification in notifications {
            write_notification(notification, sheet)?;
        }
        Ok(())
    };
    Ok((Box::new(write), false))
}

/// The rows of one record: an order, an entry of the log or a notification.
struct Rows<'s> {
    sheet: &'s mut Sheet,
    entity: Entity,
    id: i64,
    created_at: Moment,
}

impl Rows<'_> {
    /// Writes a row about a value that has not changed.
    fn value(&mut self, field: &str, value: impl ToString) -> Result<(), Error> {
        self.change(field, None, Some(&value.to_string()))
    }

    fn change(
        &mut self,
        field: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<(), Error> {
        let sheet = &mut *self.sheet;
        let locale = sheet.locale;
        let is_excel = sheet.format == Format::Excel;
        if is_excel {
            sheet.plain(self.entity.label(locale))?;
        } else {
            sheet.plain(self.entity)?;
        }
        sheet.plain(self.id)?;
        sheet.moment(self.created_at)?;
        if is_excel {
            sheet.plain(field_label(locale, field))?;
        } else {
            sheet.plain(field)?;
        }
        for value in [before, after] {
            let value = value.unwrap_or_default();
            if field == "phone" {
                sheet.plain(value)?;
            } else if is_excel {
                sheet.text(&value_words(locale, field, value))?;
            } else {
                sheet.text(value)?;
            }
        }
        sheet.end_row()
    }
}

fn write_order(order: Order, sheet: &mut Sheet) -> Result<(), Error> {
    let (locale, is_excel) = (sheet.locale, sheet.format == Format::Excel);
    let total = order.total_rub();
    let mut rows = Rows {
        sheet,
        entity: Entity::Order,
        id: order.id,
        created_at: order.created_at,
    };
    if is_excel {
        rows.value("phone", order.phone_shown)?;
        rows.value(
            "status",
            order.status.display(|status| status.label(locale)),
        )?;
    } else {
        rows.value("phone", order.phone)?;
        rows.value("status", &order.status)?;
    }
    rows.value("customer_name", order.customer_name.unwrap_or_default())?;
    rows.value("product_id", order.product_id)?;
    rows.value("product", order.product_name)?;
    rows.value("qty", order.qty)?;
    rows.value("unit_price_rub", order.unit_price_rub)?;
    rows.value("total_rub", total)?;
    for (field, at) in [
        ("issued_at", order.issued_at),
        ("denied_at", order.denied_at),
    ] {
        if let Some(at) = at {
            rows.value(field, moment(at, is_excel, locale))?;
        }
    }
    rows.value("user", order.user_id.unwrap_or_default())?;
    rows.value("version", order.version)
}

fn write_operation(mut operation: Operation, sheet: &mut Sheet) -> Result<(), Error> {
    let (locale, is_excel) = (sheet.locale, sheet.format == Format::Excel);
    if is_excel {
        operation = operation.display();
    }
    let mut rows = Rows {
        sheet,
        entity: Entity::Log,
        id: operation.id,
        created_at: operation.timestamp,
    };
    if is_excel {
        rows.value(
            "action",
            operation.action.display(|action| action.label(locale)),
        )?;
        rows.value(
            "entity_type",
            operation.entity_type.display(|entity| entity.label(locale)),
        )?;
    } else {
        rows.value("action", &operation.action)?;
        rows.value("entity_type", &operation.entity_type)?;
    }
    rows.value("entity_id", operation.entity_id)?;
    rows.value("user", operation.user_id.unwrap_or_default())?;
    for change in operation.changes {
        rows.change(
            &change.field,
            change.before.as_deref(),
            change.after.as_deref(),
        )?;
    }
    Ok(())
}

fn write_notification(notification: Notification, sheet: &mut Sheet) -> Result<(), Error> {
    let (locale, is_excel) = (sheet.locale, sheet.format == Format::Excel);
    let mut rows = Rows {
        sheet,
        entity: Entity::Notification,
        id: notification.id,
        created_at: notification.created_at,
    };
    rows.value("recipient", &notification.recipient)?;
    if is_excel {
        let writer = MessageWriter {
            locale,
            site: "",
            markup: Markup::Plain,
        };
        rows.value("kind", writer.subject(&notification.notice))?;
        rows.value(
            "state",
            notification.state.display(|state| state.label(locale)),
        )?;
    } else {
        rows.value("kind", &notification.kind)?;
        rows.value("state", &notification.state)?;
    }
    if let Some(at) = notification.ended_at {
        rows.value("ended_at", moment(at, is_excel, locale))?;
    }
    if let Some(order) = notification.notice.order() {
        rows.value("order_id", order.id)?;
        rows.value("phone", &order.phone)?;
        rows.value(
            "customer_name",
            order.customer.as_deref().unwrap_or_default(),
        )?;
        rows.value("product", &order.product)?;
        rows.value("qty", order.qty)?;
        rows.value("total_rub", order.total_rub)?;
    }
    Ok(())
}

fn moment(at: Moment, is_excel: bool, locale: Locale) -> String {
    if is_excel {
        at.display(locale)
    } else {
        at.rfc3339()
    }
}
