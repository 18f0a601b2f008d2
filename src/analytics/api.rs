//! The REST endpoints for analytics and exchange rates.

use super::{
    By, PeriodFigures, ProductFigures, ProductQuery, Query, Rate, Summary,
    figures::{Figures, Share},
    rates::{self, NewRate},
    service,
};
use crate::{
    api::{
        answers::{AuthErrors, BodyErrors, ListErrors, NotFoundErrors, PermissionErrors},
        request::{Body, Caller, Name, Params},
        values::{Listing, Money, Time},
    },
    auth::Permission,
    error::Error,
    transaction::{AppState, Tx},
};
use axum::{Json, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Returns the routes of the analytics endpoints.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(summary))
        .routes(routes!(list_product_sales))
        .routes(routes!(list_rates))
        .routes(routes!(set_rate, delete_rate))
}

/// Sales figures
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Figures)]
struct FiguresJson {
    /// Orders issued
    orders: i64,
    /// Orders denied
    denied: i64,
    /// Pieces issued, less those that were returned
    qty: i64,
    revenue_rub: Money,
    /// Revenue that the same pieces would have brought at list price
    list_rub: Money,
    /// Cost of the pieces that have a purchase price
    cost_eur: Money,
    /// The same cost in roubles, at the exchange rate on each day of issue; null if no rate has been entered
    cost_rub: Option<Money>,
    /// Revenue less cost of pieces with a purchase price (`revenue_rub - uncosted_rub - cost_rub`); null if unknown
    profit_rub: Option<Money>,
    /// Profit as a percentage of `revenue_rub - uncosted_rub`, with two decimals; null if unknown or undefined
    #[schema(value_type = Option<f64>, example = 41.50)]
    margin_percent: Option<Box<RawValue>>,
    /// Pieces issued without a purchase price; their cost is unknown
    uncosted_qty: i64,
    /// Revenue from these pieces; included in `revenue_rub`, but not in profit and margin
    uncosted_rub: Money,
    /// Pieces that customers returned; subtracted from `qty` and from the sums, on the day of the return
    returned_qty: i64,
    /// What the customers got back; subtracted from `revenue_rub`
    returned_rub: Money,
    /// Pieces written off
    written_off_qty: i64,
    /// Cost of those that have a purchase price; not part of `cost_eur`
    written_off_eur: Money,
    /// The same cost in roubles, at the exchange rate on each day; null if no rate has been entered
    written_off_rub: Option<Money>,
}

impl From<Figures> for FiguresJson {
    fn from(figures: Figures) -> Self {
        Self {
            orders: figures.orders,
            denied: figures.denied,
            qty: figures.qty,
            revenue_rub: figures.revenue_rub.into(),
            list_rub: figures.list_rub.into(),
            cost_eur: figures.cost_eur.into(),
            cost_rub: figures.cost_rub.map(Money::from),
            profit_rub: figures.profit_rub().map(Money::from),
            margin_percent: figures.margin().and_then(exact_number),
            uncosted_qty: figures.uncosted_qty,
            uncosted_rub: figures.uncosted_rub.into(),
            returned_qty: figures.returned_qty,
            returned_rub: figures.returned_rub.into(),
            written_off_qty: figures.written_off_qty,
            written_off_eur: figures.written_off_eur.into(),
            written_off_rub: figures.written_off_rub.map(Money::from),
        }
    }
}

/// Returns a JSON number with exactly the digits of the share.
fn exact_number(share: Share) -> Option<Box<RawValue>> {
    RawValue::from_string(share.to_string()).ok()
}

/// Sales of one product
#[derive(Debug, Serialize, ToSchema)]
struct ProductSales {
    product_id: i64,
    product_name: String,
    #[serde(flatten)]
    figures: FiguresJson,
}

impl From<ProductFigures> for ProductSales {
    fn from(product: ProductFigures) -> Self {
        Self {
            product_id: product.product_id,
            product_name: product.product_name,
            figures: product.figures.into(),
        }
    }
}

/// Sales in one period
#[derive(Debug, Serialize, ToSchema)]
struct PeriodSales {
    /// First day of the period; it may lie before the range, but only days within the range are counted
    #[schema(format = Date, example = "2026-11-23")]
    start: String,
    #[serde(flatten)]
    figures: FiguresJson,
}

impl From<PeriodFigures> for PeriodSales {
    fn from(period: PeriodFigures) -> Self {
        Self {
            start: period.start.to_string(),
            figures: period.figures.into(),
        }
    }
}

/// Sales in a range of days
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Summary)]
struct SummaryJson {
    #[schema(format = Date, example = "2026-11-01")]
    from: String,
    #[schema(format = Date, example = "2026-11-30")]
    to: String,
    by: By,
    totals: FiguresJson,
    /// Every period of the range, including those without sales
    periods: Vec<PeriodSales>,
}

impl From<Summary> for SummaryJson {
    fn from(summary: Summary) -> Self {
        Self {
            from: summary.from.to_string(),
            to: summary.to.to_string(),
            by: summary.by,
            totals: summary.totals.into(),
            periods: summary.periods.into_iter().map(Into::into).collect(),
        }
    }
}

/// Sum up the sales in a range of days
///
/// A sale counts on the day of issue in the shop's time zone. Each figure is rounded once, from the exact sum.
#[utoipa::path(
    get,
    path = "/api/analytics/summary",
    operation_id = "read_summary",
    tag = "analytics",
    params(Query),
    responses(
        (status = OK, description = "The sales", body = SummaryJson),
        AuthErrors, PermissionErrors, NotFoundErrors, ListErrors
    )
)]
async fn summary(caller: Caller, params: Params<Query>) -> Result<Json<SummaryJson>, Error> {
    let summary = caller.search(params, service::summary).await?;
    Ok(Json(summary.into()))
}

/// List the sales by product, highest revenue first
///
/// Products with orders issued or denied in the range.
#[utoipa::path(
    get,
    path = "/api/analytics/products",
    operation_id = "list_product_sales",
    tag = "analytics",
    params(ProductQuery),
    responses(
        (status = OK, description = "A page of products", body = Listing<ProductSales>),
        AuthErrors, PermissionErrors, ListErrors
    )
)]
async fn list_product_sales(
    caller: Caller,
    params: Params<ProductQuery>,
) -> Result<Json<Listing<ProductSales>>, Error> {
    let found = caller.search(params, service::products).await?;
    Ok(Listing::of(found.page))
}

/// Euro exchange rate, valid from its day until the next rate
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rate)]
struct RateJson {
    #[schema(format = Date, example = "2026-11-23")]
    day: String,
    /// Roubles per euro, with two to four decimals
    #[schema(example = "98.50")]
    rub_per_eur: String,
    /// The user who entered the rate
    user_id: Option<String>,
    created_at: Time,
}

impl From<Rate> for RateJson {
    fn from(rate: Rate) -> Self {
        Self {
            day: rate.day.to_string(),
            rub_per_eur: rate.rub_per_eur.to_string(),
            user_id: rate.user_id,
            created_at: Time(rate.created_at),
        }
    }
}

/// The parameters of the list of rates.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ListRates {
    /// `next` of the previous page
    #[param(value_type = Option<String>, example = "W3siVGV4dCI6IjIwMjYtMTEtMDEifV0")]
    cursor: String,
}

/// List exchange rates, newest first
#[utoipa::path(
    get,
    path = "/api/rates",
    operation_id = "list_rates",
    tag = "analytics",
    params(ListRates),
    responses(
        (status = OK, description = "A page of rates", body = Listing<RateJson>),
        AuthErrors, PermissionErrors, ListErrors
    )
)]
async fn list_rates(
    caller: Caller,
    params: Params<ListRates>,
) -> Result<Json<Listing<RateJson>>, Error> {
    let read = |tx: &mut Tx<'_>, asked: &ListRates| rates::list(tx, &asked.cursor);
    Ok(Listing::of(caller.search(params, read).await?))
}

/// Enter or correct the exchange rate for a day
///
/// The cost of orders issued while this rate is in force is recalculated.
#[utoipa::path(
    put,
    path = "/api/rates/{day}",
    operation_id = "set_rate",
    tag = "analytics",
    params(
        (
            "day" = String,
            Path,
            format = Date,
            description = "The day from which the rate is valid",
            example = "2026-11-23",
        ),
    ),
    request_body = NewRate,
    responses((status = OK, description = "The rate", body = RateJson), AuthErrors, PermissionErrors, BodyErrors)
)]
async fn set_rate(
    caller: Caller,
    Name(day): Name,
    mut body: Body<NewRate>,
) -> Result<Json<RateJson>, Error> {
    body.input.enter("day", day);
    let rate = caller.submit(body, rates::set).await?;
    Ok(Json(rate.into()))
}

/// Delete the exchange rate for a day
///
/// The rate before it holds on its days instead, or else the one after it. The cost of orders issued on these days is
/// recalculated.
#[utoipa::path(
    delete,
    path = "/api/rates/{day}",
    operation_id = "delete_rate",
    tag = "analytics",
    params(
        (
            "day" = String,
            Path,
            format = Date,
            description = "The day from which the rate is valid",
            example = "2026-11-23",
        ),
    ),
    responses(
        (status = NO_CONTENT, description = "The rate was deleted"),
        AuthErrors, PermissionErrors, NotFoundErrors
    )
)]
async fn delete_rate(caller: Caller, Name(day): Name) -> Result<StatusCode, Error> {
    let operation = move |tx: &mut Tx<'_>| {
        let day = day.parse().map_err(|_| Error::NotFound);
        tx.actor.may(Permission::AdminArea)?;
        rates::delete(tx, day?)
    };
    caller.write(operation).await?;
    Ok(StatusCode::NO_CONTENT)
}
