//! A pattern as instructions for the machine.

use super::charset::CharSet;
use super::look_behind::Reach;
use super::properties::{ascii_word, letters_and_digits, vertical_space, word};
use super::syntax::{Assertion, Case, Greed, Node};
use super::unicode::{categories, category};

pub type Address = u32;

#[derive(Debug)]
pub enum Inst {
    Char(u32),
    /// One character of a set, by its number.
    Set(u32),
    /// As many characters of a set as there are, or as are needed.
    Run {
        set: u32,
        min: u32,
        max: u32,
        greed: Greed,
        memo: Memo,
    },
    Jump(Address),
    /// Goes on at the first address, and at the second if that fails.
    Split(Address, Address, Memo),
    GroupStart(u32),
    GroupEnd(u32),
    /// Forgets the iterations of an earlier visit. With `body` the first iteration begins at once.
    LoopStart {
        register: u32,
        body: Option<Address>,
        memo: Memo,
    },
    Loop(Loop),
    /// Behind a loop over a capturing group that went round more than `min` times.
    Keep {
        group: u32,
        register: u32,
        min: u32,
    },
    /// Opens a body whose first match is final, up to its `Close`; `after` is where to go on.
    Open {
        kind: Body,
        after: Address,
    },
    Close,
    Reference {
        group: u32,
        case: Case,
    },
    Assert(Assertion),
    Grapheme,
    Match,
}

/// The head of a loop that counts, or whose body may match nothing. An iteration that matched nothing is the last.
#[derive(Debug)]
pub struct Loop {
    pub register: u32,
    pub min: u32,
    pub max: u32,
    pub lazy: bool,
    /// The body has no choices: then an iteration beyond `min` that matched nothing is none.
    pub fixed: bool,
    pub exit: Address,
    pub memo: Memo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    Atomic,
    Ahead { negative: bool },
    Behind { negative: bool, reach: Reach },
}

/// Where the machine notes the places at which it came by an instruction: a second visit to one fails as the first did.
/// That holds where nothing but the place decides what follows. In loops whose body may match nothing, whether the
/// iteration matched something decides too, so there is a row for each such state.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    /// First row; None where more than the place decides.
    pub row: Option<u32>,
    /// Registers of the loops around.
    pub loops: Vec<u32>,
}

#[derive(Debug)]
pub struct Program {
    pub code: Vec<Inst>,
    pub sets: Vec<CharSet>,
    pub groups: usize,
    pub registers: usize,
    /// Rows of all memos.
    pub rows: usize,
    /// What word boundaries ask for, if there are any.
    pub words: Option<Words>,
    pub graphemes: bool,
}

/// The characters that word boundaries distinguish.
#[derive(Debug)]
pub struct Words {
    pub ascii: CharSet,
    pub unicode: CharSet,
    /// Marks belong to the word of the letter or digit before them.
    pub marks: CharSet,
    pub bases: CharSet,
}

/// No limit of iterations.
pub const UNLIMITED: u32 = u32::MAX;
/// Loops that count are written out up to so many iterations and instructions.
const MAX_COPIES: u32 = 64;
const MAX_COPIED_SIZE: u32 = 512;
/// Loops within each other whose bodies may match nothing: each doubles the rows of a memo.
const MAX_MEMO_LOOPS: usize = 4;

pub fn compile(root: &Node, groups: usize) -> Program {
    let boundary = |node: &Node| {
        use Assertion::*;
        let kinds = [WordBoundary, NoWordBoundary, UnicodeWordBoundary, NoUnicodeWordBoundary];
        matches!(node, Node::Assertion(a) if kinds.contains(a))
    };
    let grapheme = |node: &Node| matches!(node, Node::Grapheme | Node::Assertion(Assertion::GraphemeBoundary));
    let mut compiler = Compiler {
        program: Program {
            code: Vec::new(),
            sets: Vec::new(),
            groups,
            registers: 0,
            rows: 0,
            words: root.contains(&boundary).then(words),
            graphemes: root.contains(&grapheme),
        },
        memo_loops: Vec::new(),
        no_memo: u32::from(root.contains(&|node| matches!(node, Node::Reference { .. }))),
    };
    compiler.node(root);
    compiler.program.code.push(Inst::Match);
    compiler.program
}

fn words() -> Words {
    Words {
        ascii: ascii_word(),
        unicode: word(),
        marks: categories(&[category::NON_SPACING_MARK]),
        bases: letters_and_digits(),
    }
}

struct Compiler {
    program: Program,
    /// Registers of the loops around, as far as memos know their state.
    memo_loops: Vec<u32>,
    /// What stands around that keeps memos from being right.
    no_memo: u32,
}

impl Compiler {
    fn node(&mut self, node: &Node) {
        match node {
            Node::Empty => {}
            Node::Set(set) => self.set(set),
            Node::Sequence(items) => items.iter().for_each(|item| self.node(item)),
            Node::Alternation(branches) => self.alternation(branches),
            Node::Group(None, body) => self.node(body),
            Node::Group(Some(group), body) => {
                self.push(Inst::GroupStart(*group as u32));
                self.node(body);
                self.push(Inst::GroupEnd(*group as u32));
            }
            Node::Atomic(body) => self.body(Body::Atomic, body),
            Node::Look { behind: None, negative, body } => self.body(Body::Ahead { negative: *negative }, body),
            Node::Look { behind: Some(reach), negative, body } => {
                self.body(Body::Behind { negative: *negative, reach: *reach }, body);
            }
            Node::Repeat { item, min, max, greed } => self.repeat(item, *min, max.unwrap_or(UNLIMITED), *greed),
            Node::Reference { group, case } => self.push(Inst::Reference { group: *group as u32, case: *case }),
            Node::Assertion(assertion) => self.push(Inst::Assert(*assertion)),
            Node::LineBreak => self.line_break(),
            Node::Grapheme => self.push(Inst::Grapheme),
        }
    }

    fn push(&mut self, inst: Inst) {
        self.program.code.push(inst);
    }

    fn here(&self) -> Address {
        self.program.code.len() as Address
    }

    fn set_number(&mut self, set: &CharSet) -> u32 {
        let known = self.program.sets.iter().position(|s| s == set);
        known.unwrap_or_else(|| {
            self.program.sets.push(set.clone());
            self.program.sets.len() - 1
        }) as u32
    }

    fn set(&mut self, set: &CharSet) {
        let inst = match set.only() {
            Some(c) => Inst::Char(c),
            None => Inst::Set(self.set_number(set)),
        };
        self.push(inst);
    }

    /// CR and LF as one, else any line terminator.
    fn line_break(&mut self) {
        let pair = ['\r', '\n'].map(|c| Node::Set(CharSet::single(c as u32)));
        self.alternation(&[Node::Sequence(pair.to_vec()), Node::Set(vertical_space())]);
    }

    fn alternation(&mut self, branches: &[Node]) {
        let mut ends = Vec::new();
        for (i, branch) in branches.iter().enumerate() {
            if i + 1 == branches.len() {
                self.node(branch);
                break;
            }
            let split = self.split();
            self.node(branch);
            ends.push(self.here());
            self.push(Inst::Jump(0));
            self.program.code[split as usize] = self.split_to(split + 1, self.here(), split);
        }
        for end in ends {
            self.program.code[end as usize] = Inst::Jump(self.here());
        }
    }

    /// Reserves a split, to be filled once its addresses are known.
    fn split(&mut self) -> Address {
        let memo = self.memo();
        self.push(Inst::Split(0, 0, memo));
        self.here() - 1
    }

    fn split_to(&mut self, first: Address, second: Address, reserved: Address) -> Inst {
        match &mut self.program.code[reserved as usize] {
            Inst::Split(_, _, memo) => Inst::Split(first, second, std::mem::take(memo)),
            _ => Inst::Split(first, second, Memo::default()),
        }
    }

    fn choice(&mut self, at: Address, enter: Address, leave: Address, lazy: bool) {
        let (first, second) = if lazy { (leave, enter) } else { (enter, leave) };
        self.program.code[at as usize] = self.split_to(first, second, at);
    }

    fn memo(&mut self) -> Memo {
        if self.no_memo > 0 || self.memo_loops.len() > MAX_MEMO_LOOPS {
            return Memo::default();
        }
        let row = self.program.rows as u32;
        self.program.rows += 1 << self.memo_loops.len();
        Memo { row: Some(row), loops: self.memo_loops.clone() }
    }

    fn body(&mut self, kind: Body, body: &Node) {
        let open = self.here();
        self.push(Inst::Open { kind, after: 0 });
        self.no_memo += 1;
        self.node(body);
        self.no_memo -= 1;
        self.push(Inst::Close);
        self.program.code[open as usize] = Inst::Open { kind, after: self.here() };
    }

    fn repeat(&mut self, item: &Node, min: u32, max: u32, greed: Greed) {
        if let Node::Set(set) = item {
            let (set, memo) = (self.set_number(set), self.memo());
            return self.push(Inst::Run { set, min, max, greed, memo });
        }
        let lazy = greed == Greed::Lazy;
        match (item, greed) {
            (_, Greed::Possessive) => {
                let once = Node::Atomic(Box::new(item.clone()));
                let all = Node::Repeat { item: Box::new(once), min, max: limit(max), greed: Greed::Greedy };
                self.body(Body::Atomic, &all);
            }
            (Node::LineBreak, _) => self.iterate(&Node::Atomic(Box::new(Node::LineBreak)), min, max, lazy),
            (Node::Group(number, body), _) if (min, max) != (0, 1) && body.is_deterministic() => {
                self.fixed(*number, body, (min, max), lazy);
            }
            _ => self.iterate(item, min, max, lazy),
        }
    }

    /// A group without choices. Java repeats it without a look back into iterations that are over.
    fn fixed(&mut self, number: Option<usize>, body: &Node, (min, max): (u32, u32), lazy: bool) {
        let shows = |node: &Node| matches!(node, Node::Group(Some(_), _) | Node::LineBreak | Node::Look { .. });
        let body = if body.contains(&shows) { Node::Atomic(Box::new(body.clone())) } else { body.clone() };
        let item = Node::Group(number, Box::new(body));
        match number {
            Some(group) if !lazy && min != max => {
                let register = self.counted(&item, (min, max), lazy, true);
                self.push(Inst::Keep { group: group as u32, register, min });
            }
            _ if item.consumes() => self.iterate(&item, min, max, lazy),
            _ => drop(self.counted(&item, (min, max), lazy, true)),
        }
    }

    fn iterate(&mut self, item: &Node, min: u32, max: u32, lazy: bool) {
        let consumes = item.consumes();
        match (min, max) {
            (_, 0) => {}
            (0, 1) => self.optional(item, lazy),
            (0 | 1, UNLIMITED) if consumes => self.star_or_plus(item, min == 1, lazy),
            _ if consumes && self.may_copy(item, min, max) => self.copies(item, min, max, lazy),
            _ => drop(self.counted(item, (min, max), lazy, false)),
        }
    }

    fn optional(&mut self, item: &Node, lazy: bool) {
        let split = self.split();
        self.node(item);
        self.choice(split, split + 1, self.here(), lazy);
    }

    fn star_or_plus(&mut self, item: &Node, plus: bool, lazy: bool) {
        let head = self.here();
        if plus {
            self.node(item);
            let split = self.split();
            return self.choice(split, head, split + 1, lazy);
        }
        let split = self.split();
        self.node(item);
        self.push(Inst::Jump(head));
        self.choice(split, split + 1, self.here(), lazy);
    }

    fn may_copy(&self, item: &Node, min: u32, max: u32) -> bool {
        let copies = if max == UNLIMITED { min } else { max };
        copies <= MAX_COPIES && copies * size(item) <= MAX_COPIED_SIZE
    }

    fn copies(&mut self, item: &Node, min: u32, max: u32, lazy: bool) {
        if max == UNLIMITED {
            (1..min).for_each(|_| self.node(item));
            return self.star_or_plus(item, true, lazy);
        }
        (0..min).for_each(|_| self.node(item));
        let splits: Vec<Address> = (min..max)
            .map(|_| {
                let split = self.split();
                self.node(item);
                split
            })
            .collect();
        let exit = self.here();
        splits.into_iter().for_each(|split| self.choice(split, split + 1, exit, lazy));
    }

    /// A loop with a register, whose number it returns.
    fn counted(&mut self, item: &Node, (min, max): (u32, u32), lazy: bool, fixed: bool) -> u32 {
        let register = self.program.registers as u32;
        self.program.registers += 1;
        // Without a count only the place of the last iteration matters, which memos know.
        let counts = max != UNLIMITED || min > 1 || fixed && min > 0;
        let start = self.here();
        let (body, min) = if min == 1 && !counts { (Some(start + 2), 0) } else { (None, min) };
        let memo = self.memo();
        self.push(Inst::LoopStart { register, body, memo });
        self.no_memo += u32::from(counts);
        self.memo_loops.push(register);
        let head = self.here();
        let memo = self.memo();
        self.push(Inst::Jump(0));
        self.node(item);
        self.push(Inst::Jump(head));
        self.memo_loops.pop();
        self.no_memo -= u32::from(counts);
        let exit = self.here();
        self.program.code[head as usize] = Inst::Loop(Loop { register, min, max, lazy, fixed, exit, memo });
        register
    }
}

fn limit(max: u32) -> Option<u32> {
    (max != UNLIMITED).then_some(max)
}

/// About as many instructions as a node becomes.
fn size(node: &Node) -> u32 {
    let sum = |nodes: &[Node]| nodes.iter().map(size).fold(0, u32::saturating_add);
    match node {
        Node::Sequence(items) | Node::Alternation(items) => sum(items).saturating_add(2 * items.len() as u32),
        Node::Group(_, body) | Node::Atomic(body) | Node::Look { body, .. } => size(body).saturating_add(2),
        Node::Repeat { item, .. } if matches!(**item, Node::Set(_)) => 1,
        Node::Repeat { item, min, max, .. } => {
            let copies = max.unwrap_or(min.saturating_add(1)).min(MAX_COPIES);
            size(item).saturating_add(2).saturating_mul(copies.max(1))
        }
        _ => 1,
    }
}
