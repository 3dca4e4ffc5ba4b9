//! How far back a look-behind looks. Java adds up lengths in 32 bits and refuses what overflows at some places alone:
//! `(?<=a*)` is a pattern, `(?<=ba*)` is one, and `(?<=(?:ab|c)*)` is not.

use super::syntax::{Greed, Node};

/// Least and greatest number of characters; the greatest may have overflowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    pub min: i32,
    pub max: i32,
}

impl Reach {
    /// The first place from which to try a match that ends at `place`, and the last: the nearest is tried first.
    pub fn starts(self, place: u32) -> (i64, i64) {
        let low = (place as i32).wrapping_sub(self.max).max(0);
        (i64::from(place) - i64::from(self.min), i64::from(low))
    }
}

/// The reach of a look-behind with this body; None if Java finds no greatest length.
pub fn reach(body: &Node) -> Option<Reach> {
    let mut sum = Sum::default();
    sum.add(body)?;
    Some(sum.total())
}

/// Lengths added up. Java starts anew behind each alternation, so the sum before it is kept apart.
#[derive(Default)]
struct Sum {
    before: Reach,
    here: Reach,
}

impl Sum {
    fn total(&self) -> Reach {
        let Reach { min, max } = self.here;
        Reach { min: min.wrapping_add(self.before.min), max: max.wrapping_add(self.before.max) }
    }

    fn lengthen(&mut self, min: i32, max: i32) {
        self.here.min = self.here.min.wrapping_add(min);
        self.here.max = self.here.max.wrapping_add(max);
    }

    fn add(&mut self, node: &Node) -> Option<()> {
        match node {
            Node::Empty | Node::Look { .. } | Node::Assertion(_) => {}
            Node::Set(_) => self.lengthen(1, 1),
            Node::LineBreak => self.lengthen(1, 2),
            Node::Grapheme => self.lengthen(1, 0),
            Node::Reference { .. } => return None,
            Node::Group(_, body) | Node::Atomic(body) => self.add(body)?,
            Node::Sequence(items) => items.iter().try_for_each(|item| self.add(item))?,
            Node::Alternation(branches) => self.add_branches(branches.iter().map(Some))?,
            Node::Repeat { item, min, max, greed } => self.add_repeat(item, *min as i32, *max, *greed)?,
        }
        Some(())
    }

    /// None stands for a branch without anything.
    fn add_branches<'n>(&mut self, branches: impl Iterator<Item = Option<&'n Node>>) -> Option<()> {
        let mut widest = Reach { min: i32::MAX, max: -1 };
        for branch in branches {
            let branch = branch.map_or(Some(Reach::default()), reach)?;
            widest = Reach { min: widest.min.min(branch.min), max: widest.max.max(branch.max) };
        }
        self.lengthen(widest.min, widest.max);
        self.before = self.total();
        self.here = Reach::default();
        Some(())
    }

    fn add_repeat(&mut self, item: &Node, min: i32, max: Option<u32>, greed: Greed) -> Option<()> {
        let in_group = matches!(item, Node::Group(..)) && greed != Greed::Possessive;
        let most = max.map_or(i32::MAX, |max| max as i32);
        match (min, max) {
            (0, Some(1)) if in_group => return self.add_branches([Some(item), None].into_iter()),
            (0, Some(1)) => {
                let shortest = self.here.min;
                self.add(item)?;
                self.here.min = shortest;
                return Some(());
            }
            (_, None) if matches!(item, Node::Set(_)) && greed == Greed::Greedy => {
                self.lengthen(min, i32::MAX);
                return Some(());
            }
            _ if in_group && !item.is_deterministic() => return None,
            _ => {}
        }
        let once = reach(item)?;
        let before = self.here;
        self.here.min = match once.min.wrapping_mul(min).wrapping_add(before.min) {
            overflowed if overflowed < before.min => 0xFFF_FFFF,
            sum => sum,
        };
        self.here.max = once.max.wrapping_mul(most).wrapping_add(before.max);
        (self.here.max >= before.max).then_some(())
    }
}
