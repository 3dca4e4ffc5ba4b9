package main

import (
	"os"
	"path"
	"strings"
	"time"
	_ "time/tzdata" // images without a zoneinfo folder know zones, too
)

// localtime is where a Unix system says which zone it is in.
const localtime = "/etc/localtime"

// processZone is the name of the zone that the process is in: what TZ says, or the link that localtime is; UTC if
// neither names one. A JVM takes its default zone from there, too.
func processZone(environment []string, localtime string) string {
	for _, variable := range environment {
		zone, isZone := strings.CutPrefix(variable, "TZ=")
		if zone = strings.TrimPrefix(zone, ":"); !isZone || zone == "" {
			continue
		}
		if path.IsAbs(zone) {
			return zoneOfFile(zone)
		}
		return zone
	}
	return zoneOfFile(localtime)
}

// zoneOfFile is what a file of a zoneinfo folder, or a link to one, is called there.
func zoneOfFile(file string) string {
	if target, err := os.Readlink(file); err == nil {
		file = target
	}
	if _, zone, found := strings.Cut(file, "/zoneinfo/"); found {
		return strings.TrimPrefix(zone, "posix/")
	}
	return time.UTC.String()
}

// isTimeZone refuses what only some systems have: names with leap seconds, and the system's own.
func isTimeZone(value string) bool {
	if value == "Local" || strings.HasPrefix(value, "right/") || strings.HasPrefix(value, "posix/") {
		return false
	}
	_, err := time.LoadLocation(value)
	return err == nil
}
