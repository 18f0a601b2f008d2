//! The product picker: every interleaving of key presses and search results, without a browser, and the searches of the
//! server.

use crate::tests::support::{App, apply, on_both_databases};
use crate::{
    error::Problem,
    orders,
    products::{
        self,
        combobox::{Combobox, Command, Event, Key},
        offer::{Offer, SearchResult},
    },
};
use std::collections::{BTreeSet, VecDeque};

const GOODS: [&str; 6] = [
    "Варенье из инжира",
    "Кофе",
    "Кофе в зёрнах",
    "Чай зелёный",
    "Чай зелёный с жасмином",
    "Чай чёрный",
];

fn offer(id: usize) -> Offer {
    Offer {
        id: id as i64,
        name: GOODS[id].to_owned(),
        stock: 5,
        sell_price_rub: None,
        buy_price_eur: None,
        supplier_name: None,
    }
}

/// Returns what the server would find, like [`products::search::find`].
fn search_result(text: &str) -> SearchResult {
    let text = text.trim().to_lowercase();
    let has_words = |id: &usize| {
        let name = GOODS[*id].to_lowercase();
        text.split(' ').all(|word| name.contains(word))
    };
    let mut found: Vec<_> = (0..GOODS.len()).filter(has_words).collect();
    let first = text.split(' ').next().unwrap_or_default();
    found.sort_by_key(|id| !GOODS[*id].to_lowercase().starts_with(first));
    let mut offers: Vec<_> = found.into_iter().map(offer).collect();
    let whole = offers
        .iter()
        .position(|offer| offer.name.to_lowercase() == text);
    if let Some(index) = whole {
        let offer = offers.remove(index);
        offers.insert(0, offer);
    }
    let problem = match offers.len() {
        _ if text.is_empty() => Some(Problem::Required),
        0 => Some(Problem::UnknownProduct),
        count if count > 1 && whole.is_none() => Some(Problem::Ambiguous(Vec::new())),
        _ => None,
    };
    SearchResult { offers, problem }
}

/// An action of the user.
#[derive(Clone, Copy, Debug)]
enum Action {
    Type(&'static str),
    Press(Key),
    /// Leaves the field by Tab or the mouse.
    Leave,
    /// Submits the form from another field.
    Submit,
}

/// A page with a picker, in a simulated browser with its default actions.
#[derive(Clone)]
struct Page {
    picker: Combobox,
    /// Searches without a result yet, by number and text.
    searches: VecDeque<(u64, String)>,
    outcome: Option<Outcome>,
    was_submitted_by_picker: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The form was sent with this product, or with only a text, which the server checks.
    Sent(Option<i64>),
    Refused(String),
}

impl Page {
    fn new() -> Self {
        let mut page = Self {
            picker: Combobox::new(String::new(), None, search_result("").offers),
            searches: VecDeque::new(),
            outcome: None,
            was_submitted_by_picker: false,
        };
        page.handle(Event::Focused { opens: true });
        page
    }

    fn handle(&mut self, event: Event) -> Vec<Command> {
        let is_submit = event == Event::Submitted;
        let commands = self.picker.handle(event);
        for command in &commands {
            match command {
                Command::Search => {
                    let search = (self.picker.number(), self.picker.text().to_owned());
                    self.searches.push_back(search);
                }
                Command::Resubmit => {
                    self.handle(Event::Submitted);
                }
                Command::Refuse(problem) => {
                    self.outcome = Some(Outcome::Refused(format!("{problem:?}")));
                }
                Command::Send => {
                    assert!(is_submit);
                    let is_unsettled = self.picker.is_pending() && self.picker.is_unresolved();
                    assert!(
                        !is_unsettled,
                        "sent before the search result: {:?}",
                        self.picker
                    );
                    let chosen = self.picker.chosen();
                    assert!(chosen.is_none_or(|offer| offer.name == self.picker.text()));
                    self.outcome = Some(Outcome::Sent(chosen.map(|offer| offer.id)));
                }
                Command::PreventDefault => {}
            }
        }
        commands
    }

    fn perform(&mut self, action: Action) {
        // After submitting, the user can do nothing more.
        if self.outcome.is_some() {
            return;
        }
        match action {
            Action::Type(text) => {
                self.handle(Event::Typed(text.to_owned()));
            }
            Action::Press(key) => {
                let is_closed = !self.picker.is_open() && !self.picker.is_pending();
                let is_prevented = self
                    .handle(Event::Key(key))
                    .contains(&Command::PreventDefault);
                if key == Key::Enter && !is_prevented {
                    assert!(is_closed, "Enter sent the form: {:?}", self.picker);
                    self.was_submitted_by_picker = true;
                    self.handle(Event::Submitted);
                }
            }
            Action::Leave => {
                self.handle(Event::Left);
            }
            Action::Submit => {
                self.handle(Event::Submitted);
            }
        }
    }

    fn receive_result(&mut self, index: usize) {
        let before = self.picker.clone();
        let (number, text) = self.searches.remove(index).expect("the search exists");
        self.handle(Event::Answered(number, search_result(&text)));
        if number != before.number() {
            assert_eq!(
                self.picker, before,
                "a result for an earlier text changed the picker"
            );
        }
    }

    fn receive_all_results(&mut self) {
        while !self.searches.is_empty() {
            self.receive_result(0);
        }
    }

    /// Returns the product that is ordered in the end, or `None` if the page or the server reports a problem.
    fn ordered_product(&self) -> Option<i64> {
        match self.outcome {
            Some(Outcome::Sent(id)) => id,
            Some(Outcome::Refused(_)) | None => None,
        }
    }
}

/// Calls `end` with every page that these actions can lead to, for all times and orders in which results can arrive.
fn for_each_interleaving(page: &Page, actions: &[Action], end: &mut impl FnMut(&Page)) {
    for index in 0..page.searches.len() {
        let mut page = page.clone();
        page.receive_result(index);
        for_each_interleaving(&page, actions, end);
    }
    match actions {
        [action, later @ ..] => {
            let mut page = page.clone();
            page.perform(*action);
            for_each_interleaving(&page, later, end);
        }
        [] if page.searches.is_empty() => end(page),
        [] => {}
    }
}

/// Performs the actions with every search result arriving immediately.
fn with_immediate_results(actions: &[Action]) -> Page {
    let mut page = Page::new();
    for action in actions {
        page.perform(*action);
        page.receive_all_results();
    }
    page
}

/// Returns all sequences of up to `length` of these keys.
fn key_sequences(keys: &[Key], length: usize) -> Vec<Vec<Action>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..length {
        last = (last.iter())
            .flat_map(|sequence| {
                keys.iter()
                    .map(|key| [sequence.as_slice(), &[Action::Press(*key)]].concat())
            })
            .collect();
        all.extend(last.iter().cloned());
    }
    all
}

const KEYS: [Key; 4] = [Key::Down, Key::Up, Key::Enter, Key::Escape];

#[test]
fn the_ordered_product_does_not_depend_on_when_results_arrive() {
    let mut interleavings = 0;
    for text in ["чай зел", "чай зелёный с", "кофе", "чай", "ничего"]
    {
        for keys in key_sequences(&KEYS, 3) {
            for leave in [
                &[Action::Press(Key::Tab), Action::Leave][..],
                &[Action::Leave],
            ] {
                let actions = [
                    &[Action::Type("вар"), Action::Type(text)],
                    keys.as_slice(),
                    leave,
                    &[Action::Submit],
                ]
                .concat();
                let immediate = with_immediate_results(&actions);
                let mut products = BTreeSet::new();
                for_each_interleaving(&Page::new(), &actions, &mut |page| {
                    interleavings += 1;
                    assert!(
                        page.outcome.is_some(),
                        "{actions:?} neither sent nor refused"
                    );
                    products.insert(page.ordered_product());
                });
                // Enter submits the form only if a product is already chosen, never while results are pending. After
                // that, the remaining keys would belong to another page.
                if !immediate.was_submitted_by_picker {
                    assert_eq!(
                        products,
                        BTreeSet::from([immediate.ordered_product()]),
                        "{actions:?}"
                    );
                }
            }
        }
    }
    assert!(interleavings > 10_000, "{interleavings}");
}

#[test]
fn words_and_keys_pick_the_same_offer_whenever_results_arrive() {
    for (keys, expected) in [
        (&[Key::Down, Key::Enter][..], Some(3)),
        (&[Key::Down, Key::Down, Key::Enter], Some(4)),
        (&[Key::Up, Key::Enter], Some(4)),
        (&[Key::Enter], Some(3)),
        (&[Key::Down, Key::Tab], Some(3)),
        // Two products match, and none was picked.
        (&[Key::Tab], None),
        (&[Key::Escape], None),
    ] {
        let keys = keys.iter().map(|key| Action::Press(*key));
        let actions: Vec<_> = [
            Action::Type("ч"),
            Action::Type("чай"),
            Action::Type("чай зел"),
        ]
        .into_iter()
        .chain(keys)
        .chain([Action::Leave, Action::Submit])
        .collect();
        for_each_interleaving(&Page::new(), &actions, &mut |page| {
            assert_eq!(page.ordered_product(), expected, "{actions:?}");
        });
    }
}

#[test]
fn leaving_the_field_takes_only_an_unambiguous_match() {
    for (text, expected) in [
        ("инжир", Some(0)),
        ("кофе", Some(1)),
        ("КОФЕ В", Some(2)),
        ("чай", None),
        ("ничего", None),
        (" ", None),
    ] {
        let actions = [Action::Type(text), Action::Leave, Action::Submit];
        for_each_interleaving(&Page::new(), &actions, &mut |page| {
            assert_eq!(page.ordered_product(), expected, "{text}");
        });
    }
}

#[test]
fn a_failed_search_shows_an_error_at_the_field_and_keeps_the_text() {
    for keys in key_sequences(&KEYS, 3) {
        let actions = [
            &[Action::Type("чай"), Action::Type("чай зел")],
            keys.as_slice(),
            &[Action::Leave],
        ]
        .concat();
        let mut page = Page::new();
        actions.iter().for_each(|action| page.perform(*action));
        page.perform(Action::Submit);
        assert!(
            page.picker.is_submit_held() && page.outcome.is_none(),
            "{actions:?}"
        );
        let number = page.picker.number();
        page.handle(Event::Failed(number - 1));
        assert!(
            page.picker.is_submit_held(),
            "the failure of an earlier search ended the wait"
        );
        page.handle(Event::Failed(number));
        let refused = Outcome::Refused(format!("{:?}", Problem::NotLookedUp));
        assert_eq!(page.outcome.take(), Some(refused));
        assert_eq!(
            (page.picker.text(), page.picker.offers().len()),
            ("чай зел", 0)
        );
        // Late results are ignored.
        page.receive_all_results();
        assert_eq!((page.picker.chosen(), &page.outcome), (None, &None));
        // On the next submit, the text is sent for the server to check.
        page.perform(Action::Submit);
        assert_eq!(page.outcome, Some(Outcome::Sent(None)));
    }
}

#[test]
fn a_failed_search_is_repeated_on_the_next_key() {
    let mut page = Page::new();
    page.perform(Action::Type("чай зел"));
    page.searches.clear();
    page.handle(Event::Failed(page.picker.number()));
    page.perform(Action::Press(Key::Down));
    page.perform(Action::Press(Key::Enter));
    page.receive_all_results();
    assert_eq!(page.picker.chosen(), Some(&offer(3)));
}

#[test]
fn offers_for_an_earlier_text_cannot_be_picked() {
    let mut page = Page::new();
    page.perform(Action::Type("чай"));
    page.receive_all_results();
    assert_eq!(page.picker.mark(), Some(0));
    page.perform(Action::Type("коф"));
    assert_eq!(page.picker.mark(), None);
    page.handle(Event::Clicked(3));
    assert_eq!((page.picker.chosen(), page.picker.text()), (None, "коф"));
    page.receive_all_results();
    page.handle(Event::Clicked(3));
    assert_eq!(page.picker.chosen(), None);
    page.handle(Event::Clicked(2));
    assert_eq!(
        (page.picker.chosen(), page.picker.text()),
        (Some(&offer(2)), GOODS[2])
    );
    assert!(!page.picker.is_open());
    // As the second click of a double click.
    page.handle(Event::Clicked(1));
    assert_eq!(page.picker.chosen(), Some(&offer(2)));
}

#[test]
fn typing_again_clears_the_product_and_cancels_the_held_submit() {
    let mut page = Page::new();
    for action in [Action::Type("инжир"), Action::Leave, Action::Submit] {
        page.perform(action);
    }
    assert!(page.picker.is_submit_held());
    page.perform(Action::Type("кофе"));
    assert!(!page.picker.is_submit_held());
    page.receive_all_results();
    assert_eq!((page.picker.chosen(), &page.outcome), (None, &None));
    page.perform(Action::Press(Key::Enter));
    assert_eq!(page.picker.chosen(), Some(&offer(1)));
    page.perform(Action::Type("кофе в"));
    assert_eq!(page.picker.chosen(), None);
}

#[test]
fn the_list_stays_closed_when_the_focus_returns_to_an_error() {
    for actions in [
        &[Action::Type("чай"), Action::Leave][..],
        &[Action::Type("чай"), Action::Press(Key::Tab), Action::Leave],
        &[Action::Type(""), Action::Leave],
    ] {
        let mut page = Page::new();
        actions.iter().for_each(|action| page.perform(*action));
        page.perform(Action::Submit);
        page.receive_all_results();
        page.handle(Event::Focused { opens: false });
        assert!(!page.picker.is_open(), "{actions:?}");
        page.handle(Event::Key(Key::Down));
        assert!(page.picker.is_open(), "{actions:?}");
    }
}

#[test]
fn an_empty_picker_submits_at_once_so_that_all_errors_are_reported() {
    let mut page = Page::new();
    [
        Action::Type("чай"),
        Action::Type(""),
        Action::Leave,
        Action::Submit,
    ]
    .iter()
    .for_each(|action| page.perform(*action));
    assert_eq!(page.outcome, Some(Outcome::Sent(None)));
}

#[test]
fn a_preset_product_is_chosen_unless_the_text_differs() {
    let preset = |text: &str| Combobox::new(text.to_owned(), Some(offer(1)), Vec::new());
    assert_eq!(preset("Кофе").chosen(), Some(&offer(1)));
    assert_eq!(preset("Чай").chosen(), None);
    assert_eq!(preset("Кофе").handle(Event::Submitted), [Command::Send]);
}

#[apply(on_both_databases)]
async fn names_that_begin_with_what_is_typed_come_first(app: App) {
    let manager = app.create_account(app.manager()).await;
    for name in [
        "Какао-порошок",
        "Набор «Шок»",
        "Порошок",
        "Шоколад",
        "шок-цена",
    ] {
        manager.create_product(name, 5).await;
    }
    let found = manager.read(|tx| products::search::offers(tx, "шок")).await;
    let names: Vec<_> = found
        .unwrap()
        .into_iter()
        .map(|product| product.data.name)
        .collect();
    let expected = [
        "шок-цена",
        "Шоколад",
        "Набор «Шок»",
        "Какао-порошок",
        "Порошок",
    ];
    assert_eq!(names, expected);
}

#[apply(on_both_databases)]
async fn the_picker_and_orders_resolve_a_text_to_the_same_product(app: App) {
    let (manager, clerk) = app.create_manager_and_clerk().await;
    manager.create_product("Липовый мёд", 5).await;
    manager.create_product("Мёд", 5).await;
    for number in 0..25 {
        manager
            .create_product(&format!("Банка № {number:02} под мёд"), 1)
            .await;
    }
    let old = manager.create_product("Чай", 0).await;
    manager.receive_supply("Чай", 1, "1").await.unwrap();
    manager
        .write(move |tx| products::service::archive(tx, old.id))
        .await
        .unwrap();
    manager.create_product("Чай зелёный", 1).await;
    let find = async |text: &'static str| {
        let (offers, problem) = clerk
            .read(move |tx| products::search::find(tx, text))
            .await
            .unwrap();
        (
            offers
                .into_iter()
                .map(|product| product.data.name)
                .collect::<Vec<_>>(),
            problem,
        )
    };
    // An exact match comes first, however many longer names contain its words.
    let (names, problem) = find(" МЕД ").await;
    assert_eq!(
        (
            names[0].as_str(),
            names.iter().filter(|name| *name == "Мёд").count(),
            problem
        ),
        ("Мёд", 1, None)
    );
    assert_eq!(
        find("липовый").await,
        (vec!["Липовый мёд".to_owned()], None)
    );
    assert!(matches!(
        find("банка").await,
        (names, Some(Problem::Ambiguous(candidates))) if names.len() == 20 && candidates.len() == 5
    ));
    assert_eq!(
        find("vtl").await,
        find("мед").await,
        "the same keys in the other layout"
    );
    assert_eq!(find("кофе").await, (vec![], Some(Problem::UnknownProduct)));
    assert_eq!(
        find("чай").await,
        (vec!["Чай зелёный".to_owned()], Some(Problem::Archived))
    );
    assert_eq!(find(" ").await.1, Some(Problem::Required));
    for text in ["мед", "vtl", "липовый", "банка", "кофе", "чай", " "] {
        let (names, problem) = find(text).await;
        let booked = clerk.create_order(text, 1).await;
        assert_eq!(booked.is_ok(), problem.is_none(), "{text}");
        assert!(
            booked.is_err()
                || names.first() == booked.ok().map(|order| order.product_name).as_ref(),
            "{text}"
        );
    }
}

#[apply(on_both_databases)]
async fn the_product_id_takes_precedence_over_the_name(app: App) {
    let (mut clerk, manager) = (
        app.signed_in_browser(app.clerk()).await,
        app.create_account(app.manager()).await,
    );
    let tea = manager.create_product("Чай зелёный", 5).await;
    let id = tea.id.to_string();
    let page = clerk.get(&format!("/orders/new?product={id}")).await;
    // Without JavaScript, a changed name must not be sent with the id of the preset product.
    assert!(page.body.contains("name=\"product_id\">"), "{}", page.body);
    let renamed = fields! { name: "Сенча", sell_price_rub: "100" };
    manager
        .write(move |tx| products::service::edit(tx, tea.id, &renamed.with("version", 1).read()?))
        .await
        .unwrap();
    let sent = [
        ("phone", "89161234567"),
        ("product", "Чай зелёный"),
        ("product_id", id.as_str()),
        ("qty", "2"),
    ];
    let booked = clerk.submit("/orders/new", "create_order", &sent).await;
    assert_eq!(
        booked.location.as_deref(),
        Some("/orders/1?success=order_created")
    );
    let order = manager
        .read(|tx| orders::service::get(tx, 1))
        .await
        .unwrap();
    assert_eq!(
        (order.product_id, order.product_name.as_str(), order.qty.0),
        (tea.id, "Сенча", 2)
    );
    let unknown = [
        ("phone", "89161234567"),
        ("product", "Чай"),
        ("product_id", "99"),
        ("qty", "2"),
    ];
    let refused = clerk.submit("/orders/new", "create_order", &unknown).await;
    let page = clerk.follow(&refused).await;
    assert!(
        page.body
            .contains("id=\"product_id-error\" class=\"field-error\">Такого товара нет"),
        "{}",
        page.body
    );
}
