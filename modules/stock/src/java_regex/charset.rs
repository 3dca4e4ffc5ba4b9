//! Sets of code points.

/// The last code point of Unicode.
pub const LAST: u32 = 0x10FFFF;

/// A set of code points: sorted ranges, both ends in, that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CharSet {
    ranges: Vec<(u32, u32)>,
}

impl CharSet {
    pub fn of(ranges: impl IntoIterator<Item = (u32, u32)>) -> CharSet {
        let mut sorted: Vec<(u32, u32)> = ranges.into_iter().collect();
        sorted.sort_unstable();
        let mut out = CharSet::default();
        for (start, end) in sorted {
            match out.ranges.last_mut() {
                Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => out.ranges.push((start, end)),
            }
        }
        out
    }

    pub fn single(c: u32) -> CharSet {
        CharSet { ranges: vec![(c, c)] }
    }

    pub fn all() -> CharSet {
        CharSet { ranges: vec![(0, LAST)] }
    }

    #[cfg(test)]
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// The only member of a set of one.
    pub fn only(&self) -> Option<u32> {
        match self.ranges[..] {
            [(start, end)] if start == end => Some(start),
            _ => None,
        }
    }

    pub fn contains(&self, c: u32) -> bool {
        let at = self.ranges.partition_point(|&(_, end)| end < c);
        self.ranges.get(at).is_some_and(|&(start, _)| start <= c)
    }

    pub fn union(&self, other: &CharSet) -> CharSet {
        CharSet::of(self.ranges.iter().chain(&other.ranges).copied())
    }

    pub fn complement(&self) -> CharSet {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = 0;
        for &(start, end) in &self.ranges {
            if next < start {
                ranges.push((next, start - 1));
            }
            next = end + 1;
        }
        if next <= LAST {
            ranges.push((next, LAST));
        }
        CharSet { ranges }
    }

    pub fn intersection(&self, other: &CharSet) -> CharSet {
        self.complement().union(&other.complement()).complement()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined() {
        let set = CharSet::of([(5, 9), (0, 2), (3, 4), (8, 12), (20, 20)]);
        assert_eq!(set.ranges(), [(0, 12), (20, 20)]);
        let members: Vec<u32> = (0..30).filter(|&c| set.contains(c)).collect();
        assert_eq!(members, (0..=12).chain([20]).collect::<Vec<_>>());
    }

    #[test]
    fn operations_agree_with_membership() {
        let a = CharSet::of([(0, 4), (10, LAST)]);
        let b = CharSet::of([(3, 12), (0xD800, 0xDFFF)]);
        for c in (0..20).chain([0xD7FF, 0xD800, LAST]) {
            assert_eq!(a.union(&b).contains(c), a.contains(c) || b.contains(c), "{c}");
            assert_eq!(a.intersection(&b).contains(c), a.contains(c) && b.contains(c), "{c}");
            assert_eq!(a.complement().contains(c), !a.contains(c), "{c}");
        }
        assert_eq!(CharSet::all().complement(), CharSet::default());
        assert_eq!(CharSet::default().complement(), CharSet::all());
    }
}
