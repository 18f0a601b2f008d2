//! The state of the product picker, without a browser: which offers belong to the text, which one is marked,
//! and what keys do that were pressed before the offers were there.
//!
//! Every change of the text starts a search. Until it is answered, keys are kept and then applied in their order,
//! so that a pick does not depend on how fast somebody types or how slow the server is.

use super::offer::{Found, Offer};
use crate::error::Problem;

/// A key that the picker handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Down,
    Up,
    Enter,
    Tab,
    Escape,
}

/// What happens to the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The field has a new text: typed, pasted or restored by the browser.
    Typed(String),
    Key(Key),
    /// The offer of this product was clicked.
    Clicked(i64),
    /// The field took the focus. The list stays closed where it would cover an error.
    Focused {
        opens: bool,
    },
    /// The focus went to another field.
    Left,
    /// The form is about to be sent.
    Submitted,
    /// The search of this number was answered.
    Answered(u64, Found),
    /// The search of this number failed, or took too long.
    Failed(u64),
}

/// What the page must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Search for the present text, under the present number.
    Search,
    /// Keep the key from the browser: Enter would send the form.
    PreventDefault,
    /// Let the form be sent.
    Send,
    /// Submit the form again, now that the product is filled in.
    Resubmit,
    /// Do not send the form, and show the problem at the field.
    Refuse(Problem),
}

/// What is known about the present text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lookup {
    /// Nobody asked: it is the name of the chosen product.
    Idle,
    Pending,
    Ready,
    Failed,
}

/// A key, or the loss of the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Key(Key),
    Leave,
}

/// A combobox with a list of offers for its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combobox {
    text: String,
    chosen: Option<Offer>,
    /// The answer for the present text; while a search is pending, the one before, which nobody can pick from.
    found: Found,
    lookup: Lookup,
    /// The number of the last search. Answers to earlier ones are ignored.
    number: u64,
    has_focus: bool,
    is_expanded: bool,
    /// Index of the offer that Enter takes.
    mark: Option<usize>,
    /// Whether the mark was set with the arrows, not by itself.
    is_mark_moved: bool,
    /// What came while the search was pending.
    queue: Vec<Step>,
    /// Whether the form was submitted while the search was pending.
    holds_submit: bool,
}

impl Combobox {
    /// A picker as its page begins. `offers` are those for an empty text.
    pub fn new(text: String, chosen: Option<Offer>, offers: Vec<Offer>) -> Self {
        let chosen = chosen.filter(|offer| offer.name == text);
        Self {
            lookup: if text.is_empty() {
                Lookup::Ready
            } else {
                Lookup::Idle
            },
            text,
            chosen,
            found: Found {
                offers,
                problem: Some(Problem::Required),
            },
            number: 0,
            has_focus: false,
            is_expanded: false,
            mark: None,
            is_mark_moved: false,
            queue: Vec::new(),
            holds_submit: false,
        }
    }

    /// The text of the field.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The product that was picked. It goes when the text changes.
    pub const fn chosen(&self) -> Option<&Offer> {
        self.chosen.as_ref()
    }

    /// The offers to show. They can be picked unless [`Self::is_pending`].
    pub fn offers(&self) -> &[Offer] {
        &self.found.offers
    }

    /// Whether the list is shown.
    pub const fn is_open(&self) -> bool {
        self.is_expanded && self.has_focus
    }

    /// Whether the offers for the present text are awaited.
    pub fn is_pending(&self) -> bool {
        self.lookup == Lookup::Pending
    }

    /// Whether the offers for the present text could not be had.
    pub fn is_failed(&self) -> bool {
        self.lookup == Lookup::Failed
    }

    /// Whether the offers are those for the present text.
    pub fn is_ready(&self) -> bool {
        self.lookup == Lookup::Ready
    }

    /// Index of the marked offer.
    pub fn mark(&self) -> Option<usize> {
        self.mark.filter(|_| self.is_open())
    }

    /// Whether the form waits for the answer to be sent.
    pub const fn holds_submit(&self) -> bool {
        self.holds_submit
    }

    /// The number of the present search.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Whether there is a text, and no product picked for it.
    pub fn is_unresolved(&self) -> bool {
        self.chosen.is_none() && !self.text.trim().is_empty()
    }

    /// Takes an event in and says what the page must do.
    pub fn handle(&mut self, event: Event) -> Vec<Command> {
        let mut commands = Vec::new();
        match event {
            Event::Typed(text) => {
                self.text = text;
                self.chosen = None;
                self.has_focus = true;
                self.is_expanded = true;
                self.queue.clear();
                self.holds_submit = false;
                self.search(&mut commands);
            }
            Event::Key(key) => {
                self.has_focus = true;
                self.press(key, &mut commands);
            }
            Event::Clicked(id) => {
                let index = self.found.offers.iter().position(|offer| offer.id == id);
                if let Some(index) = index.filter(|_| self.is_ready()) {
                    self.choose(index);
                }
            }
            Event::Focused { opens } => {
                self.has_focus = true;
                self.is_expanded = opens && self.chosen.is_none();
                if self.is_expanded {
                    self.mark_first();
                    if matches!(self.lookup, Lookup::Idle | Lookup::Failed) {
                        self.search(&mut commands);
                    }
                }
            }
            Event::Left => {
                self.has_focus = false;
                self.step(Step::Leave, &mut commands);
            }
            Event::Submitted => self.submit(&mut commands),
            Event::Answered(number, found) => {
                if self.is_pending() && number == self.number {
                    self.answer(found, &mut commands);
                }
            }
            Event::Failed(number) => {
                if self.is_pending() && number == self.number {
                    self.fail(&mut commands);
                }
            }
        }
        commands
    }

    fn press(&mut self, key: Key, commands: &mut Vec<Command>) {
        let is_ours = match key {
            Key::Down | Key::Up => true,
            Key::Enter => self.is_open() || self.is_pending(),
            Key::Escape => self.is_open(),
            Key::Tab => false,
        };
        if is_ours {
            commands.push(Command::PreventDefault);
        }
        if key == Key::Escape {
            self.holds_submit = false;
        }
        let step = match key {
            // The list was closed: nothing in it is meant.
            Key::Enter if !self.is_open() => Step::Leave,
            key => Step::Key(key),
        };
        self.step(step, commands);
    }

    fn step(&mut self, step: Step, commands: &mut Vec<Command>) {
        let is_arrow = matches!(step, Step::Key(Key::Down | Key::Up));
        match self.lookup {
            Lookup::Ready => self.apply(step),
            Lookup::Pending => {
                self.is_expanded |= is_arrow;
                if step == Step::Key(Key::Escape) {
                    self.is_expanded = false;
                }
                self.queue.push(step);
            }
            Lookup::Idle | Lookup::Failed => {
                let retries = self.is_open() && step == Step::Key(Key::Enter);
                if is_arrow || retries {
                    self.is_expanded = true;
                    self.search(commands);
                    self.queue.push(step);
                } else if step == Step::Key(Key::Escape) {
                    self.is_expanded = false;
                }
            }
        }
    }

    /// What a key does to the offers for the present text.
    fn apply(&mut self, step: Step) {
        let count = self.found.offers.len();
        let marked = self.mark.filter(|_| self.is_expanded);
        match step {
            Step::Key(Key::Down) => {
                // The first press confirms what is marked by itself.
                let next = match self.mark {
                    Some(index) if self.is_mark_moved => index + 1,
                    Some(index) => index,
                    None => 0,
                };
                self.move_to(next.checked_rem(count));
            }
            Step::Key(Key::Up) => {
                let last = count.checked_sub(1);
                let above = match self.mark.filter(|_| self.is_mark_moved) {
                    Some(index) => index.checked_sub(1).or(last),
                    None => last,
                };
                self.move_to(above);
            }
            Step::Key(Key::Enter) => {
                if let Some(index) = marked {
                    self.choose(index);
                }
            }
            Step::Key(Key::Tab) => match marked.filter(|_| self.is_mark_moved) {
                Some(index) => self.choose(index),
                None => self.take_unique(),
            },
            Step::Leave => self.take_unique(),
            Step::Key(Key::Escape) => {
                self.is_expanded = false;
                self.mark_first();
            }
        }
    }

    const fn move_to(&mut self, index: Option<usize>) {
        self.is_expanded = true;
        self.mark = index;
        self.is_mark_moved = true;
    }

    /// Marks the first offer for a text; none where the list was only opened.
    fn mark_first(&mut self) {
        let is_there = self.is_ready() && self.is_unresolved() && !self.found.offers.is_empty();
        self.mark = is_there.then_some(0);
        self.is_mark_moved = false;
    }

    fn take_unique(&mut self) {
        if self.is_ready() && self.is_unresolved() && self.found.problem.is_none() {
            self.choose(0);
        }
    }

    fn choose(&mut self, index: usize) {
        if let Some(offer) = self.found.offers.get(index) {
            self.text.clone_from(&offer.name);
            self.chosen = Some(offer.clone());
            self.is_expanded = false;
            self.mark = None;
            self.is_mark_moved = false;
            self.lookup = Lookup::Idle;
        }
    }

    fn submit(&mut self, commands: &mut Vec<Command>) {
        if self.holds_submit {
            return;
        }
        let picks = |step: &Step| matches!(step, Step::Key(Key::Down | Key::Up | Key::Enter));
        if self.is_pending() && (self.is_unresolved() || self.queue.iter().any(picks)) {
            self.holds_submit = true;
            return;
        }
        let before = self.chosen.is_some();
        self.take_unique();
        commands.push(if self.chosen.is_some() == before {
            Command::Send
        } else {
            Command::Resubmit
        });
    }

    fn search(&mut self, commands: &mut Vec<Command>) {
        self.number += 1;
        self.lookup = Lookup::Pending;
        self.mark = None;
        self.is_mark_moved = false;
        commands.push(Command::Search);
    }

    fn answer(&mut self, found: Found, commands: &mut Vec<Command>) {
        self.found = found;
        self.lookup = Lookup::Ready;
        self.mark_first();
        // The list was open when the first of them came.
        self.is_expanded |= self.queue.iter().any(|step| *step != Step::Leave);
        for step in std::mem::take(&mut self.queue) {
            self.step(step, commands);
        }
        if self.holds_submit && !self.is_pending() {
            self.holds_submit = false;
            self.take_unique();
            commands.push(match (&self.chosen, &self.found.problem) {
                (None, Some(problem)) => Command::Refuse(problem.clone()),
                _ => Command::Resubmit,
            });
        }
    }

    fn fail(&mut self, commands: &mut Vec<Command>) {
        self.lookup = Lookup::Failed;
        self.found.offers.clear();
        self.queue.clear();
        if self.holds_submit {
            self.holds_submit = false;
            commands.push(Command::Refuse(Problem::NotLookedUp));
        }
    }
}
