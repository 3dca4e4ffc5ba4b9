package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTimeZone(t *testing.T) {
	link := filepath.Join(t.TempDir(), "localtime")
	if err := os.Symlink("../usr/share/zoneinfo/Asia/Kolkata", link); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, variable, localtime, want string }{
		{"a name", "TZ=America/New_York", link, "America/New_York"},
		{"a name with a colon", "TZ=:Europe/Berlin", link, "Europe/Berlin"},
		{"a file", "TZ=/usr/share/zoneinfo/posix/Europe/Berlin", "", "Europe/Berlin"},
		{"a link", "TZ=:" + link, "", "Asia/Kolkata"},
		{"empty", "TZ=", link, "Asia/Kolkata"},
		{"not set", "HOME=/", link, "Asia/Kolkata"},
		{"nothing says one", "HOME=/", filepath.Join(t.TempDir(), "none"), "UTC"},
	}
	for _, c := range cases {
		if got := processZone([]string{"TZX=Asia/Tokyo", c.variable}, c.localtime); got != c.want || !isTimeZone(got) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, wrong := range []string{"Europe/Nowhere", "PST8PDT,M3.2.0,M11.1.0", "GMT+5", "Local", "right/UTC", "../UTC"} {
		if isTimeZone(wrong) {
			t.Errorf("%q passed", wrong)
		}
	}
}

func TestTimeZoneOfAWorker(t *testing.T) {
	load := func(environment []string, overrides map[string]string) (string, error) {
		c, err := loadConfig(javaConfig(t), environment, overrides)
		if err != nil {
			return "", err
		}
		return c.text("berth.time.zone"), nil
	}
	environment := []string{"TZ=Asia/Kolkata"}
	if got, err := load(environment, nil); got != "Asia/Kolkata" {
		t.Errorf("TZ: %q, %v", got, err)
	}
	if got, err := load(append(environment, "BERTH_TIME_ZONE=Europe/Berlin"), nil); got != "Europe/Berlin" {
		t.Errorf("a variable of its own: %q, %v", got, err)
	}
	_, err := load(environment, map[string]string{"berth.time.zone": "Europe/Nowhere"})
	const says = "Invalid value Europe/Nowhere for configuration berth.time.zone: it must name a time zone, like " +
		"Europe/Berlin"
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("%v, want %q", err, says)
	}
}
