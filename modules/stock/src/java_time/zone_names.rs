//! English names of time zones. `zone_names.tsv` holds what JDK 25 takes from CLDR for the United States, in the order in
//! which Java tries names when it reads them (`DateFormatSymbols.getZoneStrings`): long and short name of standard time,
//! long and short name of summer time, and the zones that are called so.

use super::text::starts_with;

const TABLE: &str = include_str!("zone_names.tsv");
/// Long standard, short standard, long summer, short summer; behind them, in a row, the zones.
const NAMES: usize = 4;

/// The names of one zone.
#[derive(Clone, Copy, Debug)]
pub struct Names([&'static str; NAMES]);

/// Where a name was found.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Bytes of the text that it takes.
    pub len: usize,
    pub summer: bool,
    /// Summer time has the same name.
    pub ambiguous: bool,
}

impl Names {
    pub const UTC: Names = Names(["Coordinated Universal Time", "UTC", "Coordinated Universal Time", "UTC"]);
    pub const GMT: Names = Names(["Greenwich Mean Time", "GMT", "Greenwich Mean Time", "GMT"]);

    pub fn of_zone(id: &str) -> Option<Names> {
        let row = rows().find(|(_, zones)| zones.split(' ').any(|zone| zone == id));
        row.map(|(names, _)| names)
    }

    pub fn get(&self, summer: bool, long: bool) -> &'static str {
        self.0[2 * summer as usize + !long as usize]
    }

    /// The first of the names that `text` begins with.
    pub fn find(&self, text: &str) -> Option<Found> {
        let matched = |i: &usize| starts_with(text, self.0[*i]).is_some();
        let i = (0..NAMES).find(matched)?;
        let ambiguous = i < 2 && self.0[i].eq_ignore_ascii_case(self.0[i + 2]);
        Some(Found { len: starts_with(text, self.0[i])?, summer: i >= 2, ambiguous })
    }
}

fn rows() -> impl Iterator<Item = (Names, &'static str)> {
    TABLE.lines().filter_map(|line| {
        let mut cells = line.split('\t');
        let mut next = || cells.next();
        let names = [next()?, next()?, next()?, next()?];
        Some((Names(names), next()?))
    })
}

/// The first row of which a name is what `text` begins with, and the id of its first zone.
pub fn find(text: &str) -> Option<(Found, &'static str)> {
    rows().find_map(|(names, zones)| Some((names.find(text)?, zones.split(' ').next()?)))
}

/// The ids of all zones that have names.
#[cfg(test)]
pub fn ids() -> impl Iterator<Item = &'static str> {
    rows().flat_map(|(_, zones)| zones.split(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_in_the_list_wins() {
        let id = |text| find(text).map(|(found, id)| (id, found.len, found.summer));
        assert_eq!(id("pst"), Some(("America/Los_Angeles", 3, false)));
        assert_eq!(id("EST5EDT"), Some(("America/New_York", 3, false)));
        assert_eq!(id("Central European Summer Time"), Some(("Europe/Paris", 28, true)));
        assert_eq!(id("IST"), Some(("Asia/Jerusalem", 3, false)));
        assert_eq!(id("XYZ"), None);
        assert_eq!(["UTC", "GMT"].map(|id| Names::of_zone(id).unwrap().0), [Names::UTC.0, Names::GMT.0]);
    }
}
