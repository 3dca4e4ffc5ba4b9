//! Letters without regard to their case.

use super::charset::CharSet;
use super::syntax::Case;
use super::unicode::{to_lower, to_upper};

/// What two code points have in common if they differ in case alone.
pub fn fold(c: u32, case: Case) -> u32 {
    match case {
        Case::Sensitive => c,
        Case::Ascii => ascii_lower(c),
        Case::Unicode => to_lower(to_upper(c)),
    }
}

/// Sets that a literal or a range stands for.
#[derive(Default)]
pub struct Folding {
    /// Code points that have another case, with their upper case and the lower case of that; collected once needed.
    cased: Vec<(u32, u32, u32)>,
}

/// Behind this there are no letters with case.
const LAST_CASED: u32 = 0x1E943;

impl Folding {
    pub fn single(&mut self, c: u32, case: Case) -> CharSet {
        let folded = fold(c, case);
        match case {
            Case::Sensitive => CharSet::single(c),
            Case::Ascii => CharSet::of([(c, c), (folded, folded), (ascii_upper(c), ascii_upper(c))]),
            Case::Unicode if folded == to_upper(c) => CharSet::single(c),
            Case::Unicode => {
                let same = self.cased().iter().filter(|&&(_, _, of)| of == folded).map(|&(c, _, _)| (c, c));
                CharSet::of(same.chain([(folded, folded)]))
            }
        }
    }

    pub fn range(&mut self, start: u32, end: u32, case: Case) -> CharSet {
        let inside = |c: u32| (start..=end).contains(&c);
        let plain = CharSet::of([(start, end)]);
        match case {
            Case::Sensitive => plain,
            Case::Ascii => {
                let same = (0..0x80).filter(|&c| inside(ascii_upper(c)) || inside(ascii_lower(c)));
                plain.union(&CharSet::of(same.map(|c| (c, c))))
            }
            Case::Unicode => {
                let same = self.cased().iter().filter(|&&(_, upper, folded)| inside(upper) || inside(folded));
                plain.union(&CharSet::of(same.map(|&(c, _, _)| (c, c))))
            }
        }
    }

    fn cased(&mut self) -> &[(u32, u32, u32)] {
        if self.cased.is_empty() {
            let all = (0..=LAST_CASED).map(|c| (c, to_upper(c), to_lower(to_upper(c))));
            self.cased = all.filter(|&(c, upper, folded)| upper != c || folded != c).collect();
        }
        &self.cased
    }
}

fn ascii_lower(c: u32) -> u32 {
    if (0x41..=0x5A).contains(&c) {
        c + 0x20
    } else {
        c
    }
}

fn ascii_upper(c: u32) -> u32 {
    if (0x61..=0x7A).contains(&c) {
        c - 0x20
    } else {
        c
    }
}
