//! Analytics and exchange rates over the REST API.

use super::{
    By, PeriodFigures, ProductFigures, Query, Rate, Summary,
    figures::{Figures, Share},
    rates, service,
};
use crate::{
    act::{Shop, Tx},
    api::{
        answers::{Allowed, Listed, OfOne, SignedIn, WithBody},
        request::{Body, Caller, Name, Params},
        values::{Given, Listing, Money, Time},
    },
    checks::Checks,
    error::{Error, Problem},
};
use axum::Json;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        RefOr, Type,
        schema::{AnyOfBuilder, ObjectBuilder, Schema},
    },
};
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

/// Which sales to sum.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct AskSummary {
    /// First day of issue; the first of the month when it is missing
    #[param(format = Date, example = "2026-11-01")]
    from: Option<String>,
    /// Last day, inclusive; today when it is missing
    #[param(format = Date, example = "2026-11-30")]
    to: Option<String>,
    /// Number of a product; all when it is missing
    #[param(value_type = Option<i64>, minimum = 1, example = 7)]
    product_id: Option<String>,
    /// Length of the periods
    #[param(value_type = Option<By>, inline, default = "day", example = "day")]
    by: Option<String>,
}

impl AskSummary {
    fn read(self, _: &mut Checks) -> Query {
        Query {
            from: self.from.unwrap_or_default(),
            to: self.to.unwrap_or_default(),
            by: self.by.unwrap_or_default(),
            product_id: self.product_id.unwrap_or_default(),
            ..Query::default()
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
    params(AskSummary),
    responses((status = OK, description = "The sales", body = SummaryJson), SignedIn, Allowed, OfOne, Listed)
)]
async fn summary(caller: Caller, params: Params<AskSummary>) -> Result<Json<SummaryJson>, Error> {
    let (query, checks) = params.open(AskSummary::read);
    let summary = caller
        .look(checks, move |tx| service::summary(tx, &query))
        .await?;
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
    #[param(example = "W3siVGV4dCI6IjIwMjYtMTEtMDEifV0")]
    cursor: Option<String>,
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
    let (after, checks) = params.open(|asked, _| asked.cursor.unwrap_or_default());
    let page = caller
        .look(checks, move |tx| rates::list(tx, &after))
        .await?;
    Ok(Listing::of(page))
}

/// The rate of a day
#[derive(Debug, Deserialize, ToSchema)]
struct NewRate {
    /// Roubles for one euro, up to four decimals
    #[serde(default)]
    #[schema(value_type = RateAmount, required = true)]
    rub_per_eur: Given,
}

/// A rate in a request: a string or a number, exact, with at most four decimals.
pub struct RateAmount;

impl PartialSchema for RateAmount {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^([0-9]{1,4}(\.[0-9]{1,4})?|10000(\.0{1,4})?)$"));
        let number = ObjectBuilder::new()
            .schema_type(Type::Number)
            .exclusive_minimum(Some(0))
            .maximum(Some(rates::HIGHEST));
        AnyOfBuilder::new()
            .item(text)
            .item(number)
            .description(Some("Roubles for one euro: a string or a number, exact, more than zero, with at most four decimals, up to ten thousand"))
            .examples([serde_json::json!("98.1234")])
            .into()
    }
}

impl ToSchema for RateAmount {
    fn name() -> Cow<'static, str> {
        "RateAmount".into()
    }
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
    body: Body<NewRate>,
) -> Result<Json<RateJson>, Error> {
    let (rate, checks) = body.open(|new, checks| {
        checks.take(
            "rub_per_eur",
            new.rub_per_eur.amount().map_err(|_| Problem::NotRate),
        )
    });
    let set = move |tx: &mut Tx<'_>| rates::set(tx, &day, &rate);
    let rate = caller.act(checks, set).await?;
    Ok(Json(rate.into()))
}
