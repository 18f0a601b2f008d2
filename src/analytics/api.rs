//! Analytics and exchange rates over the REST API.

use super::{
    By, PeriodFigures, ProductFigures, Query, Rate, Summary,
    figures::{Figures, Share},
    rates::{self, NewRate},
    service,
};
use crate::{
    act::{Shop, Tx},
    api::{
        answers::{Allowed, Listed, OfOne, SignedIn, WithBody},
        request::{Body, Caller, Name, Params},
        values::{Listing, Money, Time},
    },
    error::Error,
};
use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The endpoints of analytics.
pub fn routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(summary))
        .routes(routes!(list_rates))
        .routes(routes!(set_rate))
}

/// What was sold
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Figures)]
struct FiguresJson {
    /// Orders issued
    orders: i64,
    /// Orders denied
    denied: i64,
    /// Pieces issued
    qty: i64,
    revenue_rub: Money,
    /// The revenue that the list prices would have brought
    list_rub: Money,
    /// Cost of the pieces with a purchase price
    cost_eur: Money,
    /// The same at the rate of the day of each issue; null while there is no rate
    cost_rub: Option<Money>,
    /// Revenue less cost, of the pieces with a purchase price: `revenue_rub - uncosted_rub - cost_rub`
    profit_rub: Option<Money>,
    /// Profit in percent of `revenue_rub - uncosted_rub`, two decimals; null without a rate or without such revenue
    #[schema(value_type = Option<f64>, example = 41.50)]
    margin_percent: Option<Box<RawValue>>,
    /// Pieces issued without a purchase price: their cost is not known
    uncosted_qty: i64,
    /// The part of the revenue that these pieces brought; profit and margin leave it out
    uncosted_rub: Money,
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
        }
    }
}

/// A JSON number with exactly these digits.
fn exact_number(share: Share) -> Option<Box<RawValue>> {
    RawValue::from_string(share.to_string()).ok()
}

/// What was sold of one product
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

/// What was sold in one period
#[derive(Debug, Serialize, ToSchema)]
struct PeriodSales {
    /// Its first day; in a range that cuts it, only the days of the range count
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

/// What was sold in a range of days
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Summary)]
struct SummaryJson {
    #[schema(format = Date, example = "2026-11-01")]
    from: String,
    #[schema(format = Date, example = "2026-11-30")]
    to: String,
    by: By,
    totals: FiguresJson,
    /// Products that were issued or denied, the most revenue first
    products: Vec<ProductSales>,
    /// All periods of the range; those without sales are zero
    periods: Vec<PeriodSales>,
}

impl From<Summary> for SummaryJson {
    fn from(summary: Summary) -> Self {
        Self {
            from: summary.from.to_string(),
            to: summary.to.to_string(),
            by: summary.by,
            totals: summary.totals.into(),
            products: summary.products.into_iter().map(Into::into).collect(),
            periods: summary.periods.into_iter().map(Into::into).collect(),
        }
    }
}

/// Sum the sales of a range of days
///
/// A sale counts on the shop's day of its issue. Every figure is rounded once, from the exact sum.
#[utoipa::path(
    get,
    path = "/api/analytics/summary",
    operation_id = "read_summary",
    tag = "analytics",
    params(Query),
    responses((status = OK, description = "The sales", body = SummaryJson), SignedIn, Allowed, OfOne, Listed)
)]
async fn summary(caller: Caller, params: Params<Query>) -> Result<Json<SummaryJson>, Error> {
    let summary = caller.search(params, service::summary).await?;
    Ok(Json(summary.into()))
}

/// A rate of the euro; it holds until the next one
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rate)]
struct RateJson {
    #[schema(format = Date, example = "2026-11-23")]
    day: String,
    /// Roubles for one euro, two to four decimals
    #[schema(example = "98.50")]
    rub_per_eur: String,
    /// Who entered it
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

/// Which rates to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct ListRates {
    /// `next` of the page before
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
    responses((status = OK, description = "A page of rates", body = Listing<RateJson>), SignedIn, Allowed, Listed)
)]
async fn list_rates(
    caller: Caller,
    params: Params<ListRates>,
) -> Result<Json<Listing<RateJson>>, Error> {
    let read = |tx: &mut Tx<'_>, asked: &ListRates| rates::list(tx, &asked.cursor);
    Ok(Listing::of(caller.search(params, read).await?))
}

/// Enter or correct the rate of a day
///
/// What was issued while it holds is costed anew.
#[utoipa::path(
    put,
    path = "/api/rates/{day}",
    operation_id = "set_rate",
    tag = "analytics",
    params(("day" = String, Path, format = Date, description = "The day from which it holds", example = "2026-11-23")),
    request_body = NewRate,
    responses((status = OK, description = "The rate", body = RateJson), SignedIn, Allowed, WithBody)
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
