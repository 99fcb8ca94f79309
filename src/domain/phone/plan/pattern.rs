//! The patterns of numbering plans: finite sets of digit strings, taken apart digit by digit.
//!
//! Metadata writes them as regular expressions that use digits, classes, groups, alternatives and
//! counted repetition, and nothing else. Brzozowski's derivative ("what may follow after a `3`?")
//! is all it takes to turn those into an automaton. Equal patterns are kept once, so that their
//! ids compare as the patterns do.

use std::{collections::HashMap, iter};

/// A pattern kept in [`Patterns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(u32);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Node {
    Nothing,
    Empty,
    /// Any digits at all, or none.
    Anything,
    /// One digit out of a set, bit by bit.
    Digit(u16),
    Then(Id, Id),
    /// Flat, sorted, without repetition.
    Either(Vec<Id>),
}

pub(super) struct Patterns {
    nodes: Vec<Node>,
    ids: HashMap<Node, Id>,
    /// What may follow after each of the ten digits, once somebody asked.
    after: Vec<Option<[Id; 10]>>,
}

impl Patterns {
    pub(super) const NOTHING: Id = Id(0);
    const EMPTY: Id = Id(1);
    const ANYTHING: Id = Id(2);

    pub(super) fn new() -> Self {
        let mut patterns = Self {
            nodes: Vec::new(),
            ids: HashMap::new(),
            after: Vec::new(),
        };
        patterns.keep(Node::Nothing);
        patterns.keep(Node::Empty);
        patterns.keep(Node::Anything);
        patterns
    }

    /// Reads a pattern; `None` if it uses anything this dialect does not have.
    /// `$` is read as nothing at all, which can only make the pattern match more.
    pub(super) fn read(&mut self, text: &str) -> Option<Id> {
        let mut rest = text.as_bytes();
        let id = self.alternatives(&mut rest)?;
        rest.is_empty().then_some(id)
    }

    /// What starts with `pattern`, whatever follows.
    pub(super) fn starting_with(&mut self, pattern: Id) -> Id {
        self.then(pattern, Self::ANYTHING)
    }

    /// Whether the pattern is satisfied by what has been read so far.
    pub(super) fn is_met(&self, id: Id) -> bool {
        match self.node(id) {
            Node::Nothing | Node::Digit(_) => false,
            Node::Empty | Node::Anything => true,
            Node::Then(first, second) => self.is_met(*first) && self.is_met(*second),
            Node::Either(options) => options.iter().any(|option| self.is_met(*option)),
        }
    }

    /// What may follow after each digit from 0 to 9.
    pub(super) fn after(&mut self, id: Id) -> [Id; 10] {
        if let Some(after) = self.after[id.0 as usize] {
            return after;
        }
        let after = match self.node(id).clone() {
            Node::Nothing | Node::Empty => [Self::NOTHING; 10],
            Node::Anything => [Self::ANYTHING; 10],
            Node::Digit(set) => std::array::from_fn(|digit| match set >> digit & 1 {
                1 => Self::EMPTY,
                _ => Self::NOTHING,
            }),
            Node::Then(first, second) => {
                let inside = self.after(first);
                let beyond = if self.is_met(first) {
                    self.after(second)
                } else {
                    [Self::NOTHING; 10]
                };
                std::array::from_fn(|digit| {
                    let inside = self.then(inside[digit], second);
                    self.either(&[inside, beyond[digit]])
                })
            }
            Node::Either(options) => {
                let options: Vec<_> = options
                    .into_iter()
                    .map(|option| self.after(option))
                    .collect();
                std::array::from_fn(|digit| {
                    let options: Vec<_> = options.iter().map(|after| after[digit]).collect();
                    self.either(&options)
                })
            }
        };
        self.after[id.0 as usize] = Some(after);
        after
    }

    fn node(&self, id: Id) -> &Node {
        &self.nodes[id.0 as usize]
    }

    fn keep(&mut self, node: Node) -> Id {
        if let Some(id) = self.ids.get(&node) {
            return *id;
        }
        let id = Id(u32::try_from(self.nodes.len()).expect("fewer than 2^32 patterns"));
        self.nodes.push(node.clone());
        self.after.push(None);
        self.ids.insert(node, id);
        id
    }

    fn then(&mut self, first: Id, second: Id) -> Id {
        match (first, second) {
            (Self::NOTHING, _) | (_, Self::NOTHING) => Self::NOTHING,
            (Self::EMPTY, other) | (other, Self::EMPTY) => other,
            _ => {
                if let Node::Then(head, tail) = *self.node(first) {
                    let tail = self.then(tail, second);
                    return self.then(head, tail);
                }
                self.keep(Node::Then(first, second))
            }
        }
    }

    fn either(&mut self, options: &[Id]) -> Id {
        let mut flat = Vec::with_capacity(options.len());
        for option in options {
            match self.node(*option) {
                Node::Nothing => {}
                Node::Anything => return Self::ANYTHING,
                Node::Either(inner) => flat.extend_from_slice(inner),
                Node::Empty | Node::Digit(_) | Node::Then(..) => flat.push(*option),
            }
        }
        flat.sort_unstable();
        flat.dedup();
        match flat[..] {
            [] => Self::NOTHING,
            [only] => only,
            _ => self.keep(Node::Either(flat)),
        }
    }

    fn alternatives(&mut self, rest: &mut &[u8]) -> Option<Id> {
        let mut options = vec![self.sequence(rest)?];
        while eat(rest, b"|") {
            options.push(self.sequence(rest)?);
        }
        Some(self.either(&options))
    }

    fn sequence(&mut self, rest: &mut &[u8]) -> Option<Id> {
        let mut items = Vec::new();
        while !matches!(rest.first(), None | Some(b'|' | b')')) {
            let item = self.item(rest)?;
            items.push(self.repeated(item, rest)?);
        }
        Some(
            items
                .into_iter()
                .rfold(Self::EMPTY, |tail, item| self.then(item, tail)),
        )
    }

    fn item(&mut self, rest: &mut &[u8]) -> Option<Id> {
        if eat(rest, b"$") {
            return Some(Self::EMPTY);
        }
        if eat(rest, b"(") {
            let _ = eat(rest, b"?:");
            let group = self.alternatives(rest)?;
            return eat(rest, b")").then_some(group);
        }
        let mut set = 0;
        if eat(rest, b"[") {
            while !eat(rest, b"]") {
                let first = digit(rest)?;
                let last = if eat(rest, b"-") { digit(rest)? } else { first };
                set |= (first..=last).fold(0, |set, digit| set | 1 << digit);
            }
        } else if eat(rest, b"\\d") {
            set = 0b11_1111_1111;
        } else {
            set = 1 << digit(rest)?;
        }
        Some(self.keep(Node::Digit(set)))
    }

    fn repeated(&mut self, item: Id, rest: &mut &[u8]) -> Option<Id> {
        let (least, most) = if eat(rest, b"?") {
            (0, 1)
        } else if eat(rest, b"{") {
            let least = number(rest)?;
            let most = if eat(rest, b",") {
                number(rest)?
            } else {
                least
            };
            (least, eat(rest, b"}").then_some(most)?)
        } else {
            (1, 1)
        };
        let optional = most.checked_sub(least)?;
        let tail = (0..optional).fold(Self::EMPTY, |tail, _| {
            let one_more = self.then(item, tail);
            self.either(&[Self::EMPTY, one_more])
        });
        Some(iter::repeat_n(item, least).fold(tail, |tail, item| self.then(item, tail)))
    }
}

fn eat(rest: &mut &[u8], token: &[u8]) -> bool {
    rest.strip_prefix(token).is_some_and(|left| {
        *rest = left;
        true
    })
}

fn digit(rest: &mut &[u8]) -> Option<u8> {
    let (first, left) = rest.split_first()?;
    *rest = left;
    first.is_ascii_digit().then(|| first - b'0')
}

/// A count of at most two digits; nothing in a phone number is repeated a hundred times.
fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut value = usize::from(digit(rest)?);
    if rest.first().is_some_and(u8::is_ascii_digit) {
        value = value * 10 + usize::from(digit(rest)?);
    }
    Some(value)
}
