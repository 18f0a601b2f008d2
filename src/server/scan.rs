//! The page that scans codes, and the form that reads them from a photo.
//!
//! The form works without JavaScript, on plain HTTP, and in home-screen apps, which have no camera for scripts. The
//! camera is added by `browser/camera.js`.

use super::{
    assets::{BuiltFiles, CameraFiles},
    error_pages,
    headers::UsesCamera,
};
use crate::{
    auth::{Actor, Permission},
    config::Config,
    crypto::new_key,
    error::{Error, Problem},
    i18n::Locale,
    print::symbols::{Microns, Symbol},
    scan::{
        MAX_TEXT, photo, relay,
        service::{self, Scanned},
    },
    sheet::download::{redirect, refuse},
    transaction::{AppState, Tx},
    ui,
    web::client_info::ClientInfo,
};
use axum::{
    Extension, Router,
    body::Bytes,
    extract::{Multipart, State, multipart::MultipartError},
    http::{Extensions, HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use leptos::prelude::*;
use leptos_i18n::td_string;
use maud::{Markup, html};
use std::sync::LazyLock;

/// The path of the page, to which its form is sent.
pub const PATH: &str = "/scan";
/// Maximum size of the form in bytes. The photo has its own limit, with a message of its own.
pub const MAX_FORM: usize = photo::MAX_BYTES + (64 << 10);
/// The hidden field that names the screen of another device, on which what is scanned is opened.
const SCREEN: &str = "screen";

/// The script starts a worker, which has a policy of its own, and shows the camera.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; \
     media-src 'self'; connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

static BUILT: LazyLock<BuiltFiles> = LazyLock::new(BuiltFiles::find);

/// Returns the route of the page. That of its form is among the uploads.
pub fn router(app: AppState) -> Router {
    Router::new().route(PATH, get(show)).with_state(app)
}

async fn show(State(app): State<AppState>, parts: Parts) -> Response {
    let allowed = Actor::of(&parts.extensions).and_then(|actor| actor.may(Permission::Orders));
    if let Err(error) = allowed {
        let wanted = parts.uri.path_and_query().map(ToString::to_string);
        return refuse(&error, &wanted.unwrap_or_default());
    }
    let query = parts.uri.query().unwrap_or_default();
    let screen = url::form_urlencoded::parse(query.as_bytes())
        .find_map(|(name, value)| (name == SCREEN).then(|| value.into_owned()))
        .unwrap_or_default();
    if screen.is_empty() {
        let locale = ui::language(&parts.headers);
        return match pair(&site(&app.config, &parts.extensions), locale) {
            Ok(pair) => page(&parts.headers, "", Shown::Pairing(&pair)),
            Err(error) => error.into_response(),
        };
    }
    page(&parts.headers, &screen, Shown::Nothing)
}

/// Reads the codes in a photo, and leads to what they belong to.
pub async fn receive(
    State(app): State<AppState>,
    actor: Result<Actor, Error>,
    headers: HeaderMap,
    form: Multipart,
) -> Response {
    let actor = match actor.and_then(|actor| actor.may(Permission::Orders).map(|()| actor)) {
        Ok(actor) => actor,
        Err(error) => return refuse(&error, PATH),
    };
    let mut screen = String::new();
    let photo = read_form(form, &mut screen).await;
    if relay::is_screen(&screen) {
        return match pass_on(&app, &actor, &screen, photo).await {
            Ok(codes) => page(&headers, &screen, Shown::Relayed(&codes)),
            Err(error) => page(&headers, &screen, Shown::Error(&error)),
        };
    }
    let found = match photo {
        Ok(photo) => find(app, actor, photo).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(found) => match found.as_slice() {
            [one] => redirect(&one.path()),
            several => page(&headers, &screen, Shown::Found(several)),
        },
        Err(error) => page(&headers, &screen, Shown::Error(&error)),
    }
}

/// Returns the photo, and puts the screen that the form names into `screen`.
async fn read_form(mut form: Multipart, screen: &mut String) -> Result<Bytes, Error> {
    let unreadable = |error: MultipartError| {
        let problem = match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::PhotoTooLarge,
            _ => Problem::NotPhoto,
        };
        Error::field(photo::FIELD, problem)
    };
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some(SCREEN) => *screen = field.text().await.map_err(unreadable)?,
            Some(photo::FIELD) => return field.bytes().await.map_err(unreadable),
            _ => {}
        }
    }
    Err(Error::field(photo::FIELD, Problem::Required))
}

/// Passes the codes in a photo on to the screen of another device, and returns them. Long texts in QR codes are left
/// out.
async fn pass_on(
    app: &AppState,
    actor: &Actor,
    screen: &str,
    photo: Result<Bytes, Error>,
) -> Result<Vec<String>, Error> {
    let mut codes = photo::read(photo?).await?;
    codes.retain(|code| code.chars().count() <= MAX_TEXT);
    if codes.is_empty() {
        return Err(Error::field(photo::FIELD, Problem::NoCode));
    }
    for code in &codes {
        relay::pass_on(app, actor, screen, code)?;
    }
    Ok(codes)
}

/// Returns what the codes in a photo stand for, each once. Unknown codes are an error only if none is known.
async fn find(app: AppState, actor: Actor, photo: Bytes) -> Result<Vec<Scanned>, Error> {
    let codes = photo::read(photo).await?;
    let resolve = move |tx: &mut Tx<'_>| {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        for code in codes {
            match service::resolve(tx, &code) {
                Ok(scanned) if found.contains(&scanned) => {}
                Ok(scanned) => found.push(scanned),
                Err(Error::NotFound) => unknown.push(code),
                Err(error) => return Err(error),
            }
        }
        if found.is_empty() {
            return Err(Error::field(photo::FIELD, Problem::UnknownCodes(unknown)));
        }
        Ok(found)
    };
    app.read(actor, resolve).await
}

/// What the page shows besides its form.
enum Shown<'a> {
    Nothing,
    /// How a phone becomes the scanner of this page.
    Pairing(&'a Markup),
    /// The codes that were passed on.
    Relayed(&'a [String]),
    /// The things whose codes are in the photo.
    Found(&'a [Scanned]),
    Error(&'a Error),
}

fn page(headers: &HeaderMap, screen: &str, shown: Shown<'_>) -> Response {
    let locale = ui::language(headers);
    let mut pairing = None;
    let (status, found, error) = match shown {
        Shown::Nothing => (StatusCode::OK, None, None),
        Shown::Pairing(pair) => {
            pairing = Some(pair);
            (StatusCode::OK, None, None)
        }
        Shown::Relayed(codes) => {
            let words = td_string!(locale, scan.relayed, codes = codes.join(", ")).to_string();
            let note = html! { p class="panel mb-4" role="status" { (words) } };
            (StatusCode::OK, Some(note), None)
        }
        Shown::Found(found) => (StatusCode::OK, Some(links(found, locale)), None),
        Shown::Error(error) => {
            let problem = error.problem(photo::FIELD);
            let words =
                problem.map_or_else(|| error.message(locale), |problem| problem.message(locale));
            (error.status(), None, Some(words))
        }
    };
    let contents = html! {
        @if let Some(found) = found { (found) }
        (form(screen, error.as_deref(), locale))
        (camera(locale))
        @if let Some(pairing) = pairing { (pairing) }
        p { a class="link" href="/products" { (td_string!(locale, scan.to_products)) } }
        script type="module" src=(BUILT.camera.script) {}
    };
    let contents = contents.into_string();
    let page = error_pages::document(
        locale,
        ui::chosen_theme(headers),
        td_string!(locale, scan.title),
        view! { <div inner_html=contents></div> },
    );
    let policy = [(header::CONTENT_SECURITY_POLICY, POLICY)];
    (status, policy, Extension(UsesCamera), Html(page)).into_response()
}

fn links(found: &[Scanned], locale: Locale) -> Markup {
    let name = |scanned: &Scanned| match scanned {
        Scanned::Order(id) => td_string!(locale, orders.number, id = *id).to_string(),
        Scanned::Basket(id) => td_string!(locale, orders.basket, id = *id).to_string(),
        Scanned::Product(product) => product.data.name.clone(),
    };
    html! {
        section class="panel mb-4" role="status" {
            p { (td_string!(locale, scan.several)) }
            ul class="scan-found" {
                @for scanned in found {
                    li { a class="link" href=(scanned.path()) { (name(scanned)) } }
                }
            }
        }
    }
}

/// Returns the address at which a phone reaches this server: that of the request, unless it comes from this machine.
fn site(config: &Config, extensions: &Extensions) -> String {
    let client = ClientInfo::of(extensions);
    let scheme = if client.is_secure { "https" } else { "http" };
    match &client.host {
        Some(host) if !client.is_this_machine() => format!("{scheme}://{host}"),
        _ => config.notifications.site.clone(),
    }
}

/// The code that makes a phone the scanner of this tab. The script shows it: without JavaScript, nothing can arrive.
fn pair(site: &str, locale: Locale) -> Result<Markup, Error> {
    let screen = new_key();
    let address = format!("{site}{PATH}?{SCREEN}={screen}");
    let code = Symbol::qr(&address)?.svg(Microns::SIX_DOTS, None, &address);
    Ok(html! {
        section id="pair" class="panel mb-4" hidden aria-labelledby="pair-title" data-screen=(screen) {
            h2 id="pair-title" { (td_string!(locale, scan.pair)) }
            button class="btn btn-lg" type="button" { (td_string!(locale, scan.pair_start)) }
            div hidden {
                p { (td_string!(locale, scan.pair_hint)) }
                div class="scan-pair" { (code) }
                p role="status" { (td_string!(locale, scan.pair_done)) }
            }
        }
    })
}

fn form(screen: &str, error: Option<&str>, locale: Locale) -> Markup {
    let is_wrong = error.map(|_| "true");
    html! {
        form class="panel mb-4" method="post" action=(PATH) enctype="multipart/form-data" {
            input type="hidden" name=(SCREEN) value=(screen);
            div class="field" {
                label class="btn btn-primary btn-lg" for=(photo::FIELD) { (td_string!(locale, scan.take)) }
                input class="file-input w-full mt-3" id=(photo::FIELD) name=(photo::FIELD) type="file" accept="image/*"
                    capture="environment" required aria-invalid=[is_wrong] aria-describedby="photo-hint photo-error";
                p class="field-hint" id="photo-hint" { (td_string!(locale, scan.hint)) }
                p class="field-error" id="photo-error" role=[error.map(|_| "alert")] { (error.unwrap_or_default()) }
            }
            button class="btn" type="submit" { (td_string!(locale, scan.read)) }
        }
    }
}

/// The camera, which the script shows where the browser has one. Its words are in attributes for the script.
fn camera(locale: Locale) -> Markup {
    let CameraFiles { worker, wasm, .. } = &BUILT.camera;
    html! {
        section id="camera" class="panel mb-4" hidden aria-label=(td_string!(locale, scan.camera))
            data-worker=(worker) data-wasm=(wasm)
            data-aim=(td_string!(locale, scan.aim)) data-loading=(td_string!(locale, scan.loading))
            data-reading=(td_string!(locale, scan.reading)) data-failed=(td_string!(locale, scan.failed))
            data-refused=(td_string!(locale, scan.no_camera))
            data-unknown=(td_string!(locale, scan.unknown, code = "{}").to_string())
            data-sent=(td_string!(locale, scan.sent, code = "{}").to_string())
        {
            button class="btn btn-lg" type="button" name="start" { (td_string!(locale, scan.camera)) }
            " "
            button class="btn btn-lg" type="button" name="stop" hidden { (td_string!(locale, scan.stop)) }
            " "
            button class="btn btn-lg" type="button" name="torch" hidden aria-pressed="false" {
                (td_string!(locale, scan.torch))
            }
            video class="scan-video" hidden playsinline muted {}
            p role="status" {}
        }
    }
}
