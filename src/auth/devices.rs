//! Where one is signed in, on the page of one's own account: sign one device out, or all others.

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

/// A browser in which one is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Key of the session: a hash, that opens nothing.
    pub id: String,
    /// Browser and system, as `Firefox, Windows`; empty when it does not say.
    pub name: String,
    /// IP address.
    pub address: String,
    pub last_seen_at: Option<Moment>,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// Where one is signed in.
#[server(endpoint = "list_devices", input = GetUrl)]
pub async fn list_devices() -> Result<Vec<Device>, Error> {
    use super::session;
    let own = session::key(&crate::door::request_session()?);
    crate::door::look(move |tx| session::devices(tx, &own)).await
}

/// Signs one device out.
#[server(endpoint = "end_device")]
pub async fn end_device(id: String) -> Result<(), Error> {
    use crate::{door, ui::banner::Success};
    door::act(move |tx| super::session::end_device(tx, &id)).await?;
    door::back(Success::DeviceSignedOut);
    Ok(())
}

/// Signs all devices out but the one that asks.
#[server(endpoint = "end_other_devices")]
pub async fn end_other_devices() -> Result<(), Error> {
    use super::session;
    use crate::{door, ui::banner::Success};
    let own = session::key(&door::request_session()?);
    door::act(move |tx| session::end_other_devices(tx, &own)).await?;
    door::back(Success::DeviceSignedOut);
    Ok(())
}

/// The devices, with their buttons.
#[component]
pub fn Devices() -> impl IntoView {
    let l = ui::locale();
    let end = FormAction::in_row::<EndDevice>();
    let end_others = FormAction::in_row::<EndOtherDevices>();
    let ended = [end, end_others].map(FormAction::times_done);
    let devices = ui::data(move || ended.map(|times| times.get()), |_| list_devices());
    Effect::new(move || {
        if end.is_done() || end_others.is_done() {
            ui::announce(td_string!(l, banner.device_signed_out).to_owned());
        }
    });
    let draw = move |devices: Vec<Device>| {
        let has_others = devices.iter().any(|device| !device.is_this);
        let row = move |device: Device| {
            let name = if device.name.is_empty() {
                td_string!(l, auth.unknown_device).to_owned()
            } else {
                device.name
            };
            view! {
                <li class="device">
                    <div>
                        <strong>{name}</strong>
                        {device.is_this.then(|| view! { " " <span class="badge badge-success badge-soft">{td_string!(l, auth.this_device)}</span> })}
                        <p class="text-sm opacity-80">{device.address} {device.last_seen_at.map(|seen| format!(" · {}", seen.shown(l)))}</p>
                    </div>
                    {(!device.is_this).then(|| view! {
                        <Form action=end>
                            <input type="hidden" name="id" value=device.id />
                            <Submit label=td_string!(l, auth.end_device) class="btn btn-sm" />
                        </Form>
                    })}
                </li>
            }
        };
        view! {
            <ul class="devices">{devices.into_iter().map(row).collect_view()}</ul>
            {has_others.then(|| view! {
                <Form action=end_others>
                    <Submit label=td_string!(l, auth.end_other_devices) class="btn" />
                </Form>
            })}
        }
    };
    view! {
        <section aria-labelledby="devices">
            <h2 id="devices">{td_string!(l, auth.devices)}</h2>
            {ui::loaded(devices, draw)}
        </section>
    }
}

/// Browser and system out of what a browser calls itself; the order matters, they all claim to be each other.
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
    fn a_device_is_named_by_what_people_call_it() {
        for (user_agent, name) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                "Chrome, Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 YaBrowser/25.10 Safari/537.36",
                "Yandex, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
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
