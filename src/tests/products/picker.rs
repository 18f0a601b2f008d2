//! The product picker: every order of keys and answers, without a browser; and what the shop answers.

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

/// What the shop answers, see [`products::search::find`].
fn found(text: &str) -> SearchResult {
    let text = text.trim().to_lowercase();
    let has_words = |id: &usize| {
        let name = GOODS[*id].to_lowercase();
        text.split(' ').all(|word| name.contains(word))
    };
    let mut offers: Vec<_> = (0..GOODS.len()).filter(has_words).map(offer).collect();
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

/// What a person does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Types(&'static str),
    Presses(Key),
    /// By Tab or the mouse.
    Leaves,
    /// In another field.
    Submits,
}

/// A page with a picker, and a browser that does what browsers do by themselves.
#[derive(Clone)]
struct Page {
    picker: Combobox,
    /// Searches that were not answered yet.
    searches: VecDeque<(u64, String)>,
    outcome: Option<Outcome>,
    was_sent_by_picker: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The form was sent with this product, or with a text that the server judges.
    Sent(Option<i64>),
    Refused(String),
}

impl Page {
    fn new() -> Self {
        let mut page = Self {
            picker: Combobox::new(String::new(), None, found("").offers),
            searches: VecDeque::new(),
            outcome: None,
            was_sent_by_picker: false,
        };
        page.tell(Event::Focused { opens: true });
        page
    }

    fn tell(&mut self, event: Event) -> Vec<Command> {
        let is_submit = event == Event::Submitted;
        let commands = self.picker.handle(event);
        for command in &commands {
            match command {
                Command::Search => {
                    let search = (self.picker.number(), self.picker.text().to_owned());
                    self.searches.push_back(search);
                }
                Command::Resubmit => {
                    self.tell(Event::Submitted);
                }
                Command::Refuse(problem) => {
                    self.outcome = Some(Outcome::Refused(format!("{problem:?}")));
                }
                Command::Send => {
                    assert!(is_submit);
                    let is_loose = self.picker.is_pending() && self.picker.is_unresolved();
                    assert!(!is_loose, "sent before the answer: {:?}", self.picker);
                    let chosen = self.picker.chosen();
                    assert!(chosen.is_none_or(|offer| offer.name == self.picker.text()));
                    self.outcome = Some(Outcome::Sent(chosen.map(|offer| offer.id)));
                }
                Command::PreventDefault => {}
            }
        }
        commands
    }

    fn does(&mut self, act: Act) {
        // What is sent is sent.
        if self.outcome.is_some() {
            return;
        }
        match act {
            Act::Types(text) => {
                self.tell(Event::Typed(text.to_owned()));
            }
            Act::Presses(key) => {
                let is_shut = !self.picker.is_open() && !self.picker.is_pending();
                let is_kept = self
                    .tell(Event::Key(key))
                    .contains(&Command::PreventDefault);
                if key == Key::Enter && !is_kept {
                    assert!(is_shut, "Enter sent the form: {:?}", self.picker);
                    self.was_sent_by_picker = true;
                    self.tell(Event::Submitted);
                }
            }
            Act::Leaves => {
                self.tell(Event::Left);
            }
            Act::Submits => {
                self.tell(Event::Submitted);
            }
        }
    }

    fn hears(&mut self, index: usize) {
        let before = self.picker.clone();
        let (number, text) = self.searches.remove(index).expect("a search");
        self.tell(Event::Answered(number, found(&text)));
        if number != before.number() {
            assert_eq!(
                self.picker, before,
                "an answer for an earlier text changed something"
            );
        }
    }

    fn hears_all(&mut self) {
        while !self.searches.is_empty() {
            self.hears(0);
        }
    }

    /// What is booked in the end: nothing where the server or the page names a problem.
    fn booked(&self) -> Option<i64> {
        match self.outcome {
            Some(Outcome::Sent(id)) => id,
            Some(Outcome::Refused(_)) | None => None,
        }
    }
}

/// Calls `end` with every page that these acts can lead to, whenever and in whatever order the answers come.
fn every_order(page: &Page, acts: &[Act], end: &mut impl FnMut(&Page)) {
    for index in 0..page.searches.len() {
        let mut page = page.clone();
        page.hears(index);
        every_order(&page, acts, end);
    }
    match acts {
        [act, later @ ..] => {
            let mut page = page.clone();
            page.does(*act);
            every_order(&page, later, end);
        }
        [] if page.searches.is_empty() => end(page),
        [] => {}
    }
}

/// The same acts with every answer at once.
fn at_once(acts: &[Act]) -> Page {
    let mut page = Page::new();
    for act in acts {
        page.does(*act);
        page.hears_all();
    }
    page
}

/// All sequences of up to `length` of these keys.
fn scripts(keys: &[Key], length: usize) -> Vec<Vec<Act>> {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..length {
        last = (last.iter())
            .flat_map(|script| {
                keys.iter()
                    .map(|key| [script.as_slice(), &[Act::Presses(*key)]].concat())
            })
            .collect();
        all.extend(last.iter().cloned());
    }
    all
}

const KEYS: [Key; 4] = [Key::Down, Key::Up, Key::Enter, Key::Escape];

#[test]
fn what_is_booked_does_not_depend_on_when_the_answers_come() {
    let mut orders = 0;
    for text in ["чай зел", "чай зелёный с", "кофе", "чай", "ничего"]
    {
        for keys in scripts(&KEYS, 3) {
            for leaves in [&[Act::Presses(Key::Tab), Act::Leaves][..], &[Act::Leaves]] {
                let acts = [
                    &[Act::Types("вар"), Act::Types(text)],
                    keys.as_slice(),
                    leaves,
                    &[Act::Submits],
                ]
                .concat();
                let quick = at_once(&acts);
                let mut booked = BTreeSet::new();
                every_order(&Page::new(), &acts, &mut |page| {
                    orders += 1;
                    assert!(page.outcome.is_some(), "{acts:?} neither sent nor refused");
                    booked.insert(page.booked());
                });
                // Enter that finds a picked product sends the form; while the list is awaited it never does,
                // and keys after it belong to another form.
                if !quick.was_sent_by_picker {
                    assert_eq!(booked, BTreeSet::from([quick.booked()]), "{acts:?}");
                }
            }
        }
    }
    assert!(orders > 10_000, "{orders}");
}

#[test]
fn words_an_arrow_and_enter_take_the_first_offer() {
    for (keys, expected) in [
        (&[Key::Down, Key::Enter][..], Some(3)),
        (&[Key::Down, Key::Down, Key::Enter], Some(4)),
        (&[Key::Up, Key::Enter], Some(4)),
        (&[Key::Enter], Some(3)),
        (&[Key::Down, Key::Tab], Some(3)),
        // Two fit, and nobody said which.
        (&[Key::Tab], None),
        (&[Key::Escape], None),
    ] {
        let keys = keys.iter().map(|key| Act::Presses(*key));
        let acts: Vec<_> = [Act::Types("ч"), Act::Types("чай"), Act::Types("чай зел")]
            .into_iter()
            .chain(keys)
            .chain([Act::Leaves, Act::Submits])
            .collect();
        every_order(&Page::new(), &acts, &mut |page| {
            assert_eq!(page.booked(), expected, "{acts:?}");
        });
    }
}

#[test]
fn leaving_takes_the_only_match_and_guesses_nothing() {
    for (text, expected) in [
        ("инжир", Some(0)),
        ("кофе", Some(1)),
        ("КОФЕ В", Some(2)),
        ("чай", None),
        ("ничего", None),
        (" ", None),
    ] {
        let acts = [Act::Types(text), Act::Leaves, Act::Submits];
        every_order(&Page::new(), &acts, &mut |page| {
            assert_eq!(page.booked(), expected, "{text}");
        });
    }
}

#[test]
fn an_answer_that_never_comes_ends_in_an_error_at_the_field_and_keeps_the_text() {
    for keys in scripts(&KEYS, 3) {
        let acts = [
            &[Act::Types("чай"), Act::Types("чай зел")],
            keys.as_slice(),
            &[Act::Leaves],
        ]
        .concat();
        let mut page = Page::new();
        acts.iter().for_each(|act| page.does(*act));
        page.does(Act::Submits);
        assert!(
            page.picker.is_submit_held() && page.outcome.is_none(),
            "{acts:?}"
        );
        let number = page.picker.number();
        page.tell(Event::Failed(number - 1));
        assert!(
            page.picker.is_submit_held(),
            "an earlier search ended the wait"
        );
        page.tell(Event::Failed(number));
        let refused = Outcome::Refused(format!("{:?}", Problem::NotLookedUp));
        assert_eq!(page.outcome.take(), Some(refused));
        assert_eq!(
            (page.picker.text(), page.picker.offers().len()),
            ("чай зел", 0)
        );
        // Too late to be of use.
        page.hears_all();
        assert_eq!((page.picker.chosen(), &page.outcome), (None, &None));
        // Sent again, the text is the server's to judge.
        page.does(Act::Submits);
        assert_eq!(page.outcome, Some(Outcome::Sent(None)));
    }
}

#[test]
fn a_failed_search_is_repeated_by_the_next_key() {
    let mut page = Page::new();
    page.does(Act::Types("чай зел"));
    page.searches.clear();
    page.tell(Event::Failed(page.picker.number()));
    page.does(Act::Presses(Key::Down));
    page.does(Act::Presses(Key::Enter));
    page.hears_all();
    assert_eq!(page.picker.chosen(), Some(&offer(3)));
}

#[test]
fn offers_for_an_earlier_text_cannot_be_picked() {
    let mut page = Page::new();
    page.does(Act::Types("чай"));
    page.hears_all();
    assert_eq!(page.picker.mark(), Some(0));
    page.does(Act::Types("коф"));
    assert_eq!(page.picker.mark(), None);
    page.tell(Event::Clicked(3));
    assert_eq!((page.picker.chosen(), page.picker.text()), (None, "коф"));
    page.hears_all();
    page.tell(Event::Clicked(3));
    assert_eq!(page.picker.chosen(), None);
    page.tell(Event::Clicked(2));
    assert_eq!(
        (page.picker.chosen(), page.picker.text()),
        (Some(&offer(2)), GOODS[2])
    );
    assert!(!page.picker.is_open());
    // The second click of a double click.
    page.tell(Event::Clicked(1));
    assert_eq!(page.picker.chosen(), Some(&offer(2)));
}

#[test]
fn another_text_gives_the_product_and_the_held_form_up() {
    let mut page = Page::new();
    for act in [Act::Types("инжир"), Act::Leaves, Act::Submits] {
        page.does(act);
    }
    assert!(page.picker.is_submit_held());
    page.does(Act::Types("кофе"));
    assert!(!page.picker.is_submit_held());
    page.hears_all();
    assert_eq!((page.picker.chosen(), &page.outcome), (None, &None));
    page.does(Act::Presses(Key::Enter));
    assert_eq!(page.picker.chosen(), Some(&offer(1)));
    page.does(Act::Types("кофе в"));
    assert_eq!(page.picker.chosen(), None);
}

#[test]
fn the_list_does_not_cover_an_error_that_the_focus_comes_back_to() {
    for acts in [
        &[Act::Types("чай"), Act::Leaves][..],
        &[Act::Types("чай"), Act::Presses(Key::Tab), Act::Leaves],
        &[Act::Types(""), Act::Leaves],
    ] {
        let mut page = Page::new();
        acts.iter().for_each(|act| page.does(*act));
        page.does(Act::Submits);
        page.hears_all();
        page.tell(Event::Focused { opens: false });
        assert!(!page.picker.is_open(), "{acts:?}");
        page.tell(Event::Key(Key::Down));
        assert!(page.picker.is_open(), "{acts:?}");
    }
}

#[test]
fn a_form_without_a_product_is_sent_at_once_so_that_every_wrong_field_is_named() {
    let mut page = Page::new();
    [Act::Types("чай"), Act::Types(""), Act::Leaves, Act::Submits]
        .iter()
        .for_each(|act| page.does(*act));
    assert_eq!(page.outcome, Some(Outcome::Sent(None)));
}

#[test]
fn a_page_that_names_a_product_begins_with_it_unless_another_was_typed() {
    let begun = |text: &str| Combobox::new(text.to_owned(), Some(offer(1)), Vec::new());
    assert_eq!(begun("Кофе").chosen(), Some(&offer(1)));
    assert_eq!(begun("Чай").chosen(), None);
    assert_eq!(begun("Кофе").handle(Event::Submitted), [Command::Send]);
}

#[apply(on_both_databases)]
async fn a_text_means_the_product_that_a_booking_by_it_would_take(app: App) {
    let (manager, clerk) = (app.hire(app.manager()).await, app.hire(app.clerk()).await);
    manager.adds("Липовый мёд", 5).await;
    manager.adds("Мёд", 5).await;
    for number in 0..25 {
        manager
            .adds(&format!("Банка № {number:02} под мёд"), 1)
            .await;
    }
    let old = manager.adds("Чай", 0).await;
    manager.supplies("Чай", 1, "1").await.unwrap();
    manager
        .write(move |tx| products::service::archive(tx, old.id))
        .await
        .unwrap();
    manager.adds("Чай зелёный", 1).await;
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
    // The whole name comes first, however many other names have its words.
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
    assert!(
        matches!(find("банка").await, (names, Some(Problem::Ambiguous(told))) if names.len() == 20 && told.len() == 5)
    );
    assert_eq!(find("кофе").await, (vec![], Some(Problem::UnknownProduct)));
    assert_eq!(
        find("чай").await,
        (vec!["Чай зелёный".to_owned()], Some(Problem::Archived))
    );
    assert_eq!(find(" ").await.1, Some(Problem::Required));
    for text in ["мед", "липовый", "банка", "кофе", "чай", " "] {
        let (names, problem) = find(text).await;
        let booked = clerk.books(text, 1).await;
        assert_eq!(booked.is_ok(), problem.is_none(), "{text}");
        assert!(
            booked.is_err()
                || names.first() == booked.ok().map(|order| order.product_name).as_ref(),
            "{text}"
        );
    }
}

#[apply(on_both_databases)]
async fn a_form_that_names_a_product_and_its_id_means_the_id(app: App) {
    let (mut clerk, manager) = (
        app.browser_of(app.clerk()).await,
        app.hire(app.manager()).await,
    );
    let tea = manager.adds("Чай зелёный", 5).await;
    let id = tea.id.to_string();
    let page = clerk.get(&format!("/orders/new?product={id}")).await;
    // Without JavaScript whoever types another name must not send the id of the first.
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
