//! Runs a program over a text: depth first with a stack of choices, as Java does, so the same match is found.
//!
//! What Java leaves in captures when it gives up a path it left in is left here too: a body whose first match is final
//! forgets with its choices also how to undo its captures.

use unicode_segmentation::UnicodeSegmentation;

use super::assertions::holds;
use super::folding::fold;
use super::program::{Address, Body, Inst, Loop, Memo, Program, UNLIMITED};
use super::syntax::{Case, Greed};
use super::Match;

/// Instructions and repeated characters before a match is given up.
const STEPS: u64 = 10_000_000;
/// Choices that may wait for their turn at once.
const CHOICES: usize = 1_000_000;
/// Bits of what memos note; longer texts are matched without.
const MEMO_BITS: usize = 1 << 26;

/// No place: of groups that matched nothing, and of loops before their first iteration.
const UNSET: u32 = u32::MAX;

/// The pattern's choices on this text are too many.
#[derive(Debug, PartialEq, Eq)]
pub struct GaveUp;

/// A text, by code points.
pub struct Text<'t> {
    text: &'t str,
    pub chars: Vec<u32>,
    /// Byte at which each code point begins, and the end.
    offsets: Vec<usize>,
    /// For each place whether a grapheme cluster begins or ends there; empty if the pattern does not ask.
    pub graphemes: Vec<bool>,
    /// Where the previous match ended.
    pub previous_end: u32,
}

impl<'t> Text<'t> {
    pub fn new(text: &'t str, program: &Program) -> Text<'t> {
        let chars: Vec<u32> = text.chars().map(u32::from).collect();
        let mut graphemes = Vec::new();
        if program.graphemes {
            for cluster in text.graphemes(true) {
                graphemes.push(true);
                graphemes.extend(cluster.chars().skip(1).map(|_| false));
            }
            graphemes.push(true);
        }
        let offsets = text.char_indices().map(|(offset, _)| offset).chain([text.len()]).collect();
        Text { text, chars, offsets, graphemes, previous_end: 0 }
    }

    /// The place of a byte.
    pub fn place(&self, offset: usize) -> u32 {
        self.offsets.partition_point(|&o| o < offset) as u32
    }

    pub fn at(&self, place: u32) -> Option<u32> {
        self.chars.get(place as usize).copied()
    }

    pub fn before(&self, place: u32) -> Option<u32> {
        place.checked_sub(1).and_then(|place| self.at(place))
    }

    pub fn len(&self) -> u32 {
        self.chars.len() as u32
    }
}

/// What to do when a path fails, the newest first.
enum Frame {
    Branch {
        pc: Address,
        place: u32,
    },
    /// A greedy run that may give back down to `low`.
    Shrink {
        pc: Address,
        low: u32,
        place: u32,
    },
    /// A lazy run that may take `left` more.
    Grow {
        pc: Address,
        left: u32,
        place: u32,
    },
    /// Another start of a look-behind.
    Behind {
        pc: Address,
        low: u32,
        place: u32,
    },
    /// The body opened here has no match.
    Body {
        open: Address,
        place: u32,
    },
    Group {
        group: u32,
        start: u32,
        end: u32,
    },
    /// Nothing, but what the group is in the end: of several loops over it, the first wins in Java.
    Keep {
        group: u32,
        start: u32,
        end: u32,
    },
    GroupStart {
        group: u32,
        place: u32,
    },
    Register {
        register: u32,
        count: u32,
        start: u32,
    },
}

#[derive(Clone, Copy)]
struct Register {
    count: u32,
    /// Where the iteration began; UNSET before the first.
    start: u32,
}

pub struct Machine<'p> {
    program: &'p Program,
    text: &'p Text<'p>,
    /// Matches must reach the end of the text.
    whole: bool,
    /// Start and end of each group, of the whole match first.
    groups: Vec<(u32, u32)>,
    starts: Vec<u32>,
    registers: Vec<Register>,
    stack: Vec<Frame>,
    /// Places of the stack at which bodies were opened.
    bodies: Vec<usize>,
    visited: Vec<u64>,
    steps: u64,
}

impl<'p> Machine<'p> {
    pub fn new(program: &'p Program, text: &'p Text<'p>, whole: bool) -> Machine<'p> {
        let bits = program.rows.saturating_mul(text.chars.len() + 1);
        Machine {
            program,
            text,
            whole,
            groups: vec![(UNSET, UNSET); program.groups + 1],
            starts: vec![UNSET; program.groups + 1],
            registers: vec![Register { count: 0, start: UNSET }; program.registers],
            stack: Vec::new(),
            bodies: Vec::new(),
            visited: if bits <= MEMO_BITS { vec![0; bits.div_ceil(64)] } else { Vec::new() },
            steps: STEPS,
        }
    }

    /// A machine that gives up sooner and, if asked, notes nothing.
    #[cfg(test)]
    pub fn limited(mut self, steps: u64, notes: bool) -> Machine<'p> {
        self.steps = steps;
        if !notes {
            self.visited.clear();
        }
        self
    }

    /// Matches from `start` on; tells whether there is one.
    pub fn run(&mut self, start: u32) -> Result<bool, GaveUp> {
        let mut at = Some((0, start));
        while let Some((pc, place)) = at {
            self.spend(1)?;
            if let Inst::Match = self.program.code[pc as usize] {
                if !self.whole || place == self.text.len() {
                    self.groups[0] = (start, place);
                    self.keep_groups(0);
                    return Ok(true);
                }
                at = self.backtrack()?;
                continue;
            }
            at = match self.step(pc, place)? {
                Some(next) => Some(next),
                None => self.backtrack()?,
            };
        }
        Ok(false)
    }

    /// What the last run found.
    pub fn into_match(self) -> Match {
        let offset = |place: u32| self.text.offsets[place as usize];
        let span = |&(start, end): &(u32, u32)| (start != UNSET).then(|| (offset(start), offset(end)));
        Match { spans: self.groups.iter().map(span).collect() }
    }

    fn spend(&mut self, steps: u64) -> Result<(), GaveUp> {
        self.steps = self.steps.checked_sub(steps).ok_or(GaveUp)?;
        if self.stack.len() > CHOICES {
            return Err(GaveUp);
        }
        Ok(())
    }

    /// Executes one instruction; None: it failed.
    fn step(&mut self, pc: Address, place: u32) -> Result<Option<(Address, u32)>, GaveUp> {
        let program = self.program;
        Ok(match &program.code[pc as usize] {
            Inst::Char(c) => (self.text.at(place) == Some(*c)).then_some((pc + 1, place + 1)),
            Inst::Set(set) => {
                let found = self.text.at(place).is_some_and(|c| program.sets[*set as usize].contains(c));
                found.then_some((pc + 1, place + 1))
            }
            Inst::Run { memo, .. } if !self.is_new(memo, place) => None,
            Inst::Run { set, min, max, greed, .. } => self.take_run(pc, place, (*set, *min, *max), *greed)?,
            Inst::Jump(to) => Some((*to, place)),
            Inst::Split(first, second, memo) => self.is_new(memo, place).then(|| {
                self.stack.push(Frame::Branch { pc: *second, place });
                (*first, place)
            }),
            Inst::GroupStart(group) => {
                let start = std::mem::replace(&mut self.starts[*group as usize], place);
                self.stack.push(Frame::GroupStart { group: *group, place: start });
                Some((pc + 1, place))
            }
            Inst::GroupEnd(group) => {
                let found = (self.starts[*group as usize], place);
                let (start, end) = std::mem::replace(&mut self.groups[*group as usize], found);
                self.stack.push(Frame::Group { group: *group, start, end });
                Some((pc + 1, place))
            }
            Inst::LoopStart { register, body, memo } => self.is_new(memo, place).then(|| {
                let start = if body.is_some() { place } else { UNSET };
                self.set_register(*register, Register { count: 0, start });
                (body.unwrap_or(pc + 1), place)
            }),
            Inst::Keep { group, register, min } => {
                if self.registers[*register as usize].count > *min {
                    let (start, end) = self.groups[*group as usize];
                    self.stack.push(Frame::Keep { group: *group, start, end });
                }
                Some((pc + 1, place))
            }
            Inst::Loop(head) => self.iterate(pc, place, head),
            Inst::Open { kind, .. } => self.open(pc, place, *kind),
            Inst::Close => self.close(place),
            Inst::Reference { group, case } => self.reference(*group, *case, place).map(|end| (pc + 1, end)),
            Inst::Assert(assertion) => holds(*assertion, program, self.text, place).then_some((pc + 1, place)),
            Inst::Grapheme => self.grapheme_end(place).map(|end| (pc + 1, end)),
            Inst::Match => None,
        })
    }

    /// Notes a visit; false if there was one in the same state, which came to nothing.
    fn is_new(&mut self, memo: &Memo, place: u32) -> bool {
        let (Some(mut row), false) = (memo.row, self.visited.is_empty()) else { return true };
        for (i, &register) in memo.loops.iter().enumerate() {
            row += u32::from(self.registers[register as usize].start == place) << i;
        }
        let bit = row as usize * (self.text.chars.len() + 1) + place as usize;
        let (word, mask) = (&mut self.visited[bit / 64], 1 << (bit % 64));
        let new = *word & mask == 0;
        *word |= mask;
        new
    }

    fn take_run(
        &mut self,
        pc: Address,
        place: u32,
        (set, min, max): (u32, u32, u32),
        greed: Greed,
    ) -> Result<Option<(Address, u32)>, GaveUp> {
        let most = if greed == Greed::Lazy { min } else { max };
        let set = &self.program.sets[set as usize];
        let rest = self.text.chars.get(place as usize..).unwrap_or_default();
        let run = rest.iter().take(most as usize).take_while(|&&c| set.contains(c)).count() as u32;
        self.spend(u64::from(run))?;
        if run < min {
            return Ok(None);
        }
        let end = place + run;
        match greed {
            Greed::Greedy if run > min => self.stack.push(Frame::Shrink { pc: pc + 1, low: place + min, place: end }),
            Greed::Lazy if max > min => {
                let left = if max == UNLIMITED { UNLIMITED } else { max - min };
                self.stack.push(Frame::Grow { pc, left, place: end });
            }
            _ => {}
        }
        Ok(Some((pc + 1, end)))
    }

    fn iterate(&mut self, pc: Address, place: u32, head: &Loop) -> Option<(Address, u32)> {
        let Register { count, start } = self.registers[head.register as usize];
        if start == place && (!head.fixed || count > head.min) {
            return (!head.fixed).then_some((head.exit, place));
        }
        if !self.is_new(&head.memo, place) {
            return None;
        }
        let once_more = Register { count: count.saturating_add(1), start: place };
        if count < head.min {
            self.set_register(head.register, once_more);
            return Some((pc + 1, place));
        }
        if count >= head.max {
            return Some((head.exit, place));
        }
        if head.lazy {
            // Frames are undone from the last: the register is set on the way into the body, and reset on the way out.
            self.stack.push(Frame::Register { register: head.register, count, start });
            self.stack.push(Frame::Branch { pc: pc + 1, place });
            self.stack.push(Frame::Register { register: head.register, count: once_more.count, start: place });
            return Some((head.exit, place));
        }
        self.stack.push(Frame::Branch { pc: head.exit, place });
        self.set_register(head.register, once_more);
        Some((pc + 1, place))
    }

    fn set_register(&mut self, register: u32, value: Register) {
        let Register { count, start } = std::mem::replace(&mut self.registers[register as usize], value);
        self.stack.push(Frame::Register { register, count, start });
    }

    fn open(&mut self, pc: Address, place: u32, kind: Body) -> Option<(Address, u32)> {
        self.bodies.push(self.stack.len());
        self.stack.push(Frame::Body { open: pc, place });
        let Body::Behind { reach, .. } = kind else { return Some((pc + 1, place)) };
        let (nearest, low) = reach.starts(place);
        if nearest < low {
            return None;
        }
        let (nearest, low) = (nearest as u32, low as u32);
        if nearest > low {
            self.stack.push(Frame::Behind { pc: pc + 1, low, place: nearest - 1 });
        }
        Some((pc + 1, nearest))
    }

    /// The body has a match: its choices are forgotten.
    fn close(&mut self, place: u32) -> Option<(Address, u32)> {
        let opened = *self.bodies.last()?;
        let Frame::Body { open, place: from } = self.stack[opened] else { return None };
        let Inst::Open { kind, after } = self.program.code[open as usize] else { return None };
        if matches!(kind, Body::Behind { .. }) && place != from {
            return None;
        }
        self.bodies.pop();
        self.keep_groups(opened);
        self.stack.truncate(opened);
        match kind {
            Body::Atomic => Some((after, place)),
            Body::Ahead { negative: true } | Body::Behind { negative: true, .. } => None,
            Body::Ahead { .. } | Body::Behind { .. } => Some((after, from)),
        }
    }

    /// Sets groups to what loops above this place of the stack found, the first loop last.
    fn keep_groups(&mut self, above: usize) {
        for frame in self.stack[above..].iter().rev() {
            if let Frame::Keep { group, start, end } = *frame {
                self.groups[group as usize] = (start, end);
            }
        }
    }

    fn reference(&self, group: u32, case: Case, place: u32) -> Option<u32> {
        let &(start, end) = self.groups.get(group as usize).filter(|(start, _)| *start != UNSET)?;
        let wanted = &self.text.chars[start as usize..end as usize];
        let found = self.text.chars.get(place as usize..place as usize + wanted.len())?;
        let same = wanted.iter().zip(found).all(|(&a, &b)| a == b || fold(a, case) == fold(b, case));
        same.then(|| place + wanted.len() as u32)
    }

    /// Where a grapheme cluster that begins here ends; it may begin within one of the text.
    fn grapheme_end(&self, place: u32) -> Option<u32> {
        self.text.at(place)?;
        let rest = match self.text.graphemes.get(place as usize) {
            Some(true) => {
                let next = self.text.graphemes.iter().skip(place as usize + 1).position(|&boundary| boundary);
                return next.map(|length| place + 1 + length as u32);
            }
            _ => self.text.offsets[place as usize],
        };
        let cluster = self.text.text[rest..].graphemes(true).next()?;
        Some(place + cluster.chars().count() as u32)
    }

    /// Goes back to the newest choice; None if none is left.
    fn backtrack(&mut self) -> Result<Option<(Address, u32)>, GaveUp> {
        while let Some(frame) = self.stack.pop() {
            match frame {
                Frame::Branch { pc, place } => return Ok(Some((pc, place))),
                Frame::Shrink { pc, low, place } => {
                    if place - 1 > low {
                        self.stack.push(Frame::Shrink { pc, low, place: place - 1 });
                    }
                    return Ok(Some((pc, place - 1)));
                }
                Frame::Grow { pc, left, place } => {
                    if let Some(grown) = self.grow(pc, left, place) {
                        return Ok(Some(grown));
                    }
                }
                Frame::Behind { pc, low, place } => {
                    if place > low {
                        self.stack.push(Frame::Behind { pc, low, place: place - 1 });
                    }
                    return Ok(Some((pc, place)));
                }
                Frame::Body { open, place } => {
                    self.bodies.pop();
                    let Inst::Open { kind, after } = self.program.code[open as usize] else { continue };
                    if matches!(kind, Body::Ahead { negative: true } | Body::Behind { negative: true, .. }) {
                        return Ok(Some((after, place)));
                    }
                }
                Frame::Group { group, start, end } => self.groups[group as usize] = (start, end),
                Frame::Keep { .. } => {}
                Frame::GroupStart { group, place } => self.starts[group as usize] = place,
                Frame::Register { register, count, start } => {
                    self.registers[register as usize] = Register { count, start };
                }
            }
            self.spend(1)?;
        }
        Ok(None)
    }

    fn grow(&mut self, pc: Address, left: u32, place: u32) -> Option<(Address, u32)> {
        let Inst::Run { set, .. } = &self.program.code[pc as usize] else { return None };
        let taken = self.text.at(place).is_some_and(|c| self.program.sets[*set as usize].contains(c));
        if !taken {
            return None;
        }
        if left > 1 {
            let left = if left == UNLIMITED { left } else { left - 1 };
            self.stack.push(Frame::Grow { pc, left, place: place + 1 });
        }
        Some((pc + 1, place + 1))
    }
}
