//! Answers of JDK 25, but for what is said to be otherwise.

use super::*;

/// 1 November 2025.
const NOW_MS: i64 = 1_761_955_200_000;

fn format(pattern: &str) -> SimpleDateFormat {
    SimpleDateFormat::new(pattern, Zone::Utc, NOW_MS).unwrap()
}

fn text(pattern: &str, ms: i64, zone: &str) -> String {
    let mut out = Vec::new();
    format(pattern).append_in(ms, &Zone::of(zone), &mut out);
    String::from_utf8(out).unwrap()
}

fn parsed(pattern: &str, text: &str) -> Option<i64> {
    format(pattern).parse(text).map(|moment| moment.ms)
}

#[test]
fn every_letter_is_written() {
    const MS: i64 = 1_566_570_894_346; // Friday, 23 August 2019, 14:34:54.346
    let cases = [
        ("G GGGG", "AD AD"),
        ("y yy yyy yyyyy", "2019 19 2019 02019"),
        ("Y YY 'W'w ww W", "2019 19 W34 34 4"),
        ("M MM MMM MMMM L LLL", "8 08 Aug August 8 Aug"),
        ("d D DDDD F u uu", "23 235 0235 4 5 05"),
        ("E EEEE a aaaa", "Fri Friday PM PM"),
        ("H k K h m s S SSSS", "14 14 2 2 34 54 346 0346"),
        ("z zzzz Z X XX XXX", "UTC Coordinated Universal Time +0000 Z Z Z"),
        ("''yyyy'年'''", "'2019年'"),
    ];
    for (pattern, want) in cases {
        assert_eq!(text(pattern, MS, "UTC"), want, "{pattern}");
    }
    assert_eq!(text("k K h a", 0, "UTC"), "24 0 12 AM");
    assert_eq!(text("YY yy G", -81_094_578_802_352, "UTC"), "-00 01 BC");
    assert_eq!(text("G yyyy-MM-dd'T'HH:mm:ss.SSS", i64::MIN, "UTC"), "BC 292269055-12-02T16:47:04.192");
}

#[test]
fn zones_are_written_by_name_and_offset() {
    let cases = [
        ("America/New_York", 1_566_570_894_346, "EDT Eastern Daylight Time -0400 -04 -04:00"),
        ("America/New_York", 1_704_067_200_000, "EST Eastern Standard Time -0500 -05 -05:00"),
        ("Asia/Kolkata", 0, "IST India Standard Time +0530 +05 +05:30"),
        ("Europe/London", 1_704_067_200_000, "GMT Greenwich Mean Time +0000 Z Z"),
        ("Australia/Lord_Howe", 1_704_067_200_000, "GMT+11:00 Lord Howe Daylight Time +1100 +11 +11:00"),
        ("GMT-03:30", 0, "GMT-03:30 GMT-03:30 -0330 -03 -03:30"),
        ("Pacific/Apia", -2_000_000_000_000, "GMT+13:00 Samoa Standard Time -1126 -11 -11:26"),
    ];
    for (zone, ms, want) in cases {
        assert_eq!(text("z zzzz Z X XXX", ms, zone), want, "{zone}");
    }
}

#[test]
fn texts_are_read_leniently() {
    let cases = [
        ("yyyyMMdd", "2020-01-01", Some(1_575_158_400_000)),
        ("yyyy-MM-dd", " 2023-01-01x", Some(1_672_531_200_000)),
        ("yyyy-MM-dd", "0000-00-00", Some(-62_170_156_800_000)),
        ("yyyy-MM-dd", "1582-10-10", Some(-12_218_860_800_000)),
        ("yyyy-MM", "2020 -05", None),
        ("MMM", " Jan", None),
        ("MMMM", "feb", Some(2_678_400_000)),
        ("HH:mm", "25:61", Some(93_660_000)),
        ("hh:mm a", "12:30 pm", Some(45_000_000)),
        ("H a", "5 PM", Some(18_000_000)),
        ("h a H", "3 PM 5", Some(18_000_000)),
        ("k", "24", Some(0)),
        ("SSS", "1234567", Some(1_234_567)),
        ("yyyyz", "12020UTC", Some(317_147_356_800_000)),
        ("G y", "before christ 5", Some(-62_293_622_400_000)),
        ("F E MM yyyy", "-1 Tue 03 2021", Some(1_617_062_400_000)),
        ("W E MM yyyy", "2 Tue 03 2021", Some(1_615_248_000_000)),
        ("D yyyy", "280 1582", Some(-12_219_120_000_000)),
        ("E w", "Tue 3", Some(1_036_800_000)),
        ("ww YYYY", "01 2020", Some(1_577_577_600_000)),
        ("YYYY u", "2020 0", Some(1_576_972_800_000)),
        ("yyyy YYYY-ww", "1999 2020-10", Some(1_583_020_800_000)),
        ("G YYYY-ww", "BC 0005-03", Some(-62_292_931_200_000)),
        ("yyyy", "1E3", Some(-30_609_792_000_000)),
        ("yyyy", "99999999999", Some(1_471_883_220_702_496_768)),
        ("'x'yyyy", "2020", None),
        ("", "x", None),
        ("yyyy", "", None),
    ];
    for (pattern, text, want) in cases {
        assert_eq!(parsed(pattern, text), want, "{pattern} {text}");
    }
}

#[test]
fn years_of_two_digits_are_near() {
    let year = |pattern: &str, text: &str| parsed(pattern, text).map(|ms| Civil::of(ms).year);
    let cases = [("23", 2023), ("44", 2044), ("46", 1946), ("5", 5), ("005", 5), ("2005", 2005)];
    for (text, want) in cases {
        assert_eq!(year("yy", text), Some(want), "{text}");
    }
    assert_eq!(year("yyyy", "23"), Some(23));
    // The hundred years begin on 1 November 1945.
    assert_eq!((year("yy-MM-dd", "45-10-31"), year("yy-MM-dd", "45-11-01")), (Some(2045), Some(1945)));
}

#[test]
fn zones_are_read_in_all_forms() {
    let hours = |pattern: &str, text: &str| parsed(pattern, text).map(|ms| ms as f64 / 3_600_000.0);
    let cases = [
        ("z", "PST", Some(8.0)),
        ("z", "Eastern Standard Time", Some(5.0)),
        ("z", "GMT-8:00", Some(8.0)),
        ("z", "GMT-8", None),
        ("z", "gmt", Some(0.0)),
        ("Z", "UTC", Some(0.0)),
        ("Z", "+0530", Some(-5.5)),
        ("Z", "+2400", None),
        ("Z", "+05:30", None),
        ("X", "+05:30", Some(-5.0)),
        ("XX", "+0530", Some(-5.5)),
        ("XXX", "+05:30", Some(-5.5)),
        ("XXX", "Z", Some(0.0)),
        ("X", "z", None),
        ("z X", "PST +0100", Some(-1.0)),
        ("z", "America/New_York", None),
    ];
    for (pattern, text, want) in cases {
        assert_eq!(hours(pattern, text), want, "{pattern} {text}");
    }
}

#[test]
fn a_zone_that_was_named_is_told_and_forgotten() {
    let mut format = format("yyyy-MM-dd HH:mm z");
    let winter = format.parse("2023-07-01 00:00 PST").unwrap();
    let mut out = Vec::new();
    format.append_in(winter.ms, &winter.zone.unwrap(), &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "2023-07-01 01:00 PDT");
    // Java's format would keep the zone.
    assert!(format.parse("2023-07-01 00:00 +0000").unwrap().zone.is_none());
    let mut out = Vec::new();
    format.append(0, &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "1970-01-01 00:00 UTC");
}

#[test]
fn what_was_written_is_read_back() {
    let mut formats = [
        "yyyyMMddHHmmssSSS G",
        "EEE, d MMM yyyy HH:mm:ss.SSS Z G",
        "G D yyyy kk:mm:ss.SSS XXX",
        "G yyyy-MM W E hh.mm.ss.SSS a z",
    ]
    .map(format);
    let mut ms: i64 = 1;
    for _ in 0..2000 {
        ms = ms.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let ms = ms % 200_000_000_000_000;
        for format in &mut formats {
            let mut out = Vec::new();
            format.append(ms, &mut out);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(format.parse(&text).map(|moment| moment.ms), Some(ms), "{text}");
        }
    }
}

#[test]
fn the_step_is_the_smallest_unit_shown() {
    let cases = [("yyyyMMdd z", DAY_MS), ("HH", 3_600_000), ("a", 3_600_000), ("mm", 60_000), ("ss", 1000), ("SSS", 1)];
    for (pattern, want) in cases {
        assert_eq!(format(pattern).step_ms(), want);
    }
    assert_eq!(format("'x'").step_ms(), DAY_MS);
}
