//! The state of the product picker, independent of the browser: which offers belong to the text, which one is marked,
//! and what happens to keys that were pressed before the offers arrived.
//!
//! Every change to the text starts a search. Keys pressed while a search is pending are queued and applied in order
//! once the answer arrives, so that a pick does not depend on how fast the user types or how slow the server is.

use super::offer::{Offer, SearchResult};
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

/// Something that happens to the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The text changed: it was typed, pasted or restored by the browser.
    Typed(String),
    Key(Key),
    /// The offer of this product was clicked.
    Clicked(i64),
    /// The field got the focus. `opens` is false if the list would cover an error message.
    Focused {
        opens: bool,
    },
    /// The field lost the focus.
    Left,
    /// The page took the picked product over, and empties the field. The list stays closed until something is typed.
    Cleared,
    /// The form is about to be submitted.
    Submitted,
    /// The search with this number was answered.
    Answered(u64, SearchResult),
    /// The search with this number failed or took too long.
    Failed(u64),
}

/// Something that the page must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Search for the current text, under the current number.
    Search,
    /// Prevent the browser's default action for the key: Enter would submit the form.
    PreventDefault,
    /// Let the form be submitted.
    Send,
    /// Submit the form again, now that the product is filled in.
    Resubmit,
    /// Do not send the form, and show the problem at the field.
    Refuse(Problem),
}

/// The state of the search for the current text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lookup {
    /// No search was started; usually the text is the name of the chosen product.
    Idle,
    Pending,
    Ready,
    Failed,
}

/// A key press, or the loss of the focus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Key(Key),
    Leave,
}

/// A combobox: a text field with a list of offers for its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combobox {
    text: String,
    chosen: Option<Offer>,
    /// The answer for the current text; while a search is pending, the previous answer, from which nothing can be
    /// picked.
    found: SearchResult,
    lookup: Lookup,
    /// The number of the last search. Answers to earlier ones are ignored.
    number: u64,
    has_focus: bool,
    is_expanded: bool,
    /// Whether the list stays closed until something is typed: it would cover what stands below the field.
    stays_closed: bool,
    /// Index of the offer that Enter picks.
    mark: Option<usize>,
    /// Whether the user set the mark with the arrow keys; otherwise it was set automatically.
    is_mark_moved: bool,
    /// The steps that arrived while the search was pending.
    queue: Vec<Step>,
    /// Whether the form was submitted while the search was pending.
    holds_submit: bool,
}

impl Combobox {
    /// Creates the initial state. `offers` are those for an empty text.
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
            found: SearchResult {
                offers,
                problem: Some(Problem::Required),
            },
            number: 0,
            has_focus: false,
            is_expanded: false,
            stays_closed: false,
            mark: None,
            is_mark_moved: false,
            queue: Vec::new(),
            holds_submit: false,
        }
    }

    /// Returns the text of the field.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the picked product, which any change to the text clears.
    pub const fn chosen(&self) -> Option<&Offer> {
        self.chosen.as_ref()
    }

    /// Returns the offers to show. They cannot be picked while [`Self::is_pending`].
    pub fn offers(&self) -> &[Offer] {
        &self.found.offers
    }

    /// Returns whether it is known that there are no offers for the current text.
    pub fn is_empty(&self) -> bool {
        matches!(self.lookup, Lookup::Ready | Lookup::Failed) && self.found.offers.is_empty()
    }

    /// Returns whether the list is shown.
    pub const fn is_open(&self) -> bool {
        self.is_expanded && self.has_focus
    }

    /// Returns whether the search for the current text is pending.
    pub fn is_pending(&self) -> bool {
        self.lookup == Lookup::Pending
    }

    /// Returns whether the search for the current text failed.
    pub fn is_failed(&self) -> bool {
        self.lookup == Lookup::Failed
    }

    /// Returns whether the offers are those for the current text.
    pub fn is_ready(&self) -> bool {
        self.lookup == Lookup::Ready
    }

    /// Returns the index of the marked offer while the list is open.
    pub fn mark(&self) -> Option<usize> {
        self.mark.filter(|_| self.is_open())
    }

    /// Returns whether the form is held back until the search is answered.
    pub const fn is_submit_held(&self) -> bool {
        self.holds_submit
    }

    /// Returns the number of the last search.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Returns whether there is a text for which no product is picked.
    pub fn is_unresolved(&self) -> bool {
        self.chosen.is_none() && !self.text.trim().is_empty()
    }

    /// Returns the product that is meant if the form is sent now, or why it is none.
    pub fn meant(mut self) -> Result<Offer, Problem> {
        let commands = self.handle(Event::Submitted);
        self.chosen.ok_or_else(|| {
            let refused = commands.into_iter().find_map(|command| match command {
                Command::Refuse(problem) => Some(problem),
                _ => None,
            });
            refused.unwrap_or(Problem::NotLookedUp)
        })
    }

    /// Changes how many pieces of a product are available.
    pub fn restock(&mut self, id: i64, stock: i64) {
        let offers = self.found.offers.iter_mut().chain(&mut self.chosen);
        for offer in offers.filter(|offer| offer.id == id) {
            offer.stock = stock;
        }
    }

    /// Handles an event and returns what the page must do.
    pub fn handle(&mut self, event: Event) -> Vec<Command> {
        let mut commands = Vec::new();
        match event {
            Event::Typed(text) => {
                self.text = text;
                self.chosen = None;
                self.has_focus = true;
                self.is_expanded = true;
                self.stays_closed = false;
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
                self.is_expanded = opens && self.chosen.is_none() && !self.stays_closed;
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
            Event::Cleared => {
                self.text.clear();
                self.chosen = None;
                self.stays_closed = true;
                self.lookup = Lookup::Idle;
                self.is_expanded = false;
                self.mark = None;
                self.queue.clear();
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
            // In an empty field, Enter submits the form unless an offer was marked with the arrow keys.
            Key::Enter if self.text.trim().is_empty() && !self.is_mark_moved => false,
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
            // The list is closed, so Enter cannot refer to an offer in it.
            Key::Enter if !self.is_open() || !is_ours => Step::Leave,
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

    /// Applies a step to the offers for the current text.
    fn apply(&mut self, step: Step) {
        let count = self.found.offers.len();
        let marked = self.mark.filter(|_| self.is_expanded);
        match step {
            Step::Key(Key::Down) => {
                // The first press confirms the mark that was set automatically.
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
                None => self.choose_unique(),
            },
            Step::Leave => self.choose_unique(),
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

    /// Marks the first offer for an unresolved text; marks none if the text is empty.
    fn mark_first(&mut self) {
        let is_there = self.is_ready() && self.is_unresolved() && !self.found.offers.is_empty();
        self.mark = is_there.then_some(0);
        self.is_mark_moved = false;
    }

    fn choose_unique(&mut self) {
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
        self.choose_unique();
        commands.push(match &self.found.problem {
            _ if self.chosen.is_some() != before => Command::Resubmit,
            Some(problem) if self.is_ready() && self.is_unresolved() => {
                Command::Refuse(problem.clone())
            }
            _ => Command::Send,
        });
    }

    fn search(&mut self, commands: &mut Vec<Command>) {
        self.number += 1;
        self.lookup = Lookup::Pending;
        self.mark = None;
        self.is_mark_moved = false;
        commands.push(Command::Search);
    }

    fn answer(&mut self, found: SearchResult, commands: &mut Vec<Command>) {
        self.found = found;
        self.lookup = Lookup::Ready;
        self.mark_first();
        // The list was open when the first queued key was pressed; a later one may have closed it.
        self.is_expanded |= self.queue.iter().any(|step| *step != Step::Leave);
        for step in std::mem::take(&mut self.queue) {
            self.step(step, commands);
        }
        if self.holds_submit && !self.is_pending() {
            self.holds_submit = false;
            self.choose_unique();
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
