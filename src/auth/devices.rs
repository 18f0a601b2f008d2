//! The signed-in devices on the account page: sign out one device, or all others.

use crate::{
    error::Error,
    moment::Moment,
    ui::{
        self,
        form::{Form, FormAction, Submit},
    },
};
use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_i18n::td_string;
use serde::{Deserialize, Serialize};

/// A browser in which the user is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Key of the session: a hash that cannot be used to sign in.
    pub id: String,
    /// Browser and operating system, as in `Firefox, Windows`; empty if unknown.
    pub name: String,
    /// IP address.
    pub address: String,
    pub last_seen_at: Option<Moment>,
    /// Whether this is the device that sent the request.
    pub is_this: bool,
}

/// Lists the devices on which the user is signed in.
#[server(endpoint = "list_devices", input = GetUrl)]
pub async fn list_devices() -> Result<Vec<Device>, Error> {
    use super::session;
    let own = session::key(&crate::server_context::request_session()?);
    crate::server_context::read(move |tx| session::devices(tx, &own)).await
}

/// Signs one device out.
#[server(endpoint = "end_device")]
pub async fn end_device(id: String) -> Result<(), Error> {
    use crate::{server_context, ui::banner::Success};
    server_context::write(move |tx| super::session::end_device(tx, &id)).await?;
    server_context::redirect_back(Success::DeviceSignedOut);
    Ok(())
}

/// Signs out all devices except the one that sent the request.
#[server(endpoint = "end_other_devices")]
pub async fn end_other_devices() -> Result<(), Error> {
    use super::session;
    use crate::{server_context, ui::banner::Success};
    let own = session::key(&server_context::request_session()?);
    server_context::write(move |tx| session::end_other_devices(tx, &own)).await?;
    server_context::redirect_back(Success::DeviceSignedOut);
    Ok(())
}

/// The list of devices, each with a button to sign it out.
#[component]
pub fn Devices() -> impl IntoView {
    let locale = ui::locale();
    let end = FormAction::in_row::<EndDevice>();
    let end_others = FormAction::in_row::<EndOtherDevices>();
    let ended = [end, end_others].map(FormAction::success_count);
    let devices = ui::data(move || ended.map(|times| times.get()), |_| list_devices());
    Effect::new(move || {
        if end.has_succeeded() || end_others.has_succeeded() {
            ui::announce(td_string!(locale, banner.device_signed_out).to_owned());
        }
    });
    let draw = move |devices: Vec<Device>| {
        let has_others = devices.iter().any(|device| !device.is_this);
        let row = move |device: Device| {
            let name = if device.name.is_empty() {
                td_string!(locale, auth.unknown_device).to_owned()
            } else {
                device.name
            };
            view! {
                <li class="device">
                    <div>
                        <strong>{name}</strong>
                        {device
                            .is_this
                            .then(|| {
                                view! {
                                    " "
                                    <span class="badge badge-success badge-soft">
                                        {td_string!(locale, auth.this_device)}
                                    </span>
                                }
                            })}
                        <p class="text-sm opacity-80">
                            {device.address} {device.last_seen_at.map(|seen| format!(" · {}", seen.display(locale)))}
                        </p>
                    </div>
                    {(!device.is_this)
                        .then(|| {
                            view! {
                                <Form action=end>
                                    <input type="hidden" name="id" value=device.id />
                                    <Submit label=td_string!(locale, auth.end_device) class="btn btn-sm" />
                                </Form>
                            }
                        })}
                </li>
            }
        };
        view! {
            <ul class="devices">{devices.into_iter().map(row).collect_view()}</ul>
            {has_others
                .then(|| {
                    view! {
                        <Form action=end_others>
                            <Submit label=td_string!(locale, auth.end_other_devices) class="btn" />
                        </Form>
                    }
                })}
        }
    };
    view! {
        <section aria-labelledby="devices">
            <h2 id="devices">{td_string!(locale, auth.devices)}</h2>
            {ui::loaded(devices, draw)}
        </section>
    }
}

/// Derives the browser and the operating system from a `User-Agent` header.
///
/// The order of the tables matters: most browsers also name others in their header.
#[cfg(feature = "ssr")]
pub fn device_name(user_agent: &str) -> String {
    const BROWSERS: [(&str, &str); 7] = [
        ("YaBrowser/", "Yandex"),
        ("OPR/", "Opera"),
        ("Edg", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |table: &[(&str, &'static str)]| {
        table
            .iter()
            .find(|(mark, _)| user_agent.contains(mark))
            .map(|(_, name)| *name)
    };
    [find(&BROWSERS), find(&SYSTEMS)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::device_name;

    #[test]
    fn a_device_is_named_by_browser_and_operating_system() {
        for (user_agent, name) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/142.0.0.0 Safari/537.36",
                "Chrome, Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/140.0 YaBrowser/25.10 Safari/537.36",
                "Yandex, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari, iPhone",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
                "Firefox, Linux",
            ),
            ("", ""),
        ] {
            assert_eq!(device_name(user_agent), name);
        }
    }
}
