package plugin

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// versionRange is what connector.plugin.version and its kin may hold (KIP-891): empty or "latest", a bare version,
// which means exactly that one, or a Maven range such as [1.0,2.0).
type versionRange struct {
	low, high         string // "" = open
	lowOpen, highOpen bool   // the bound itself is excluded
	any               bool
}

func parseVersionRange(spec string) (versionRange, error) {
	s := abi.TrimConfig(spec)
	if s == "" || s == "latest" {
		return versionRange{any: true}, nil
	}
	if !strings.ContainsAny(s[:1], "[(") {
		if strings.ContainsAny(s, "[](), ") {
			return versionRange{}, badVersion(spec)
		}
		return versionRange{low: s, high: s}, nil
	}
	last := s[len(s)-1]
	if len(s) < 3 || last != ']' && last != ')' {
		return versionRange{}, badVersion(spec)
	}
	r := versionRange{lowOpen: s[0] == '(', highOpen: last == ')'}
	low, high, isRange := strings.Cut(s[1:len(s)-1], ",")
	if !isRange {
		if r.lowOpen || r.highOpen {
			return versionRange{}, badVersion(spec)
		}
		high = low
	}
	r.low, r.high = strings.TrimSpace(low), strings.TrimSpace(high)
	return r, nil
}

func badVersion(spec string) error {
	return host.BadRequest(fmt.Sprintf("Invalid version specification: %s", spec))
}

func (r versionRange) contains(version string) bool {
	if r.any {
		return true
	}
	if r.low != "" {
		if c := compareVersions(version, r.low); c < 0 || c == 0 && r.lowOpen {
			return false
		}
	}
	if r.high != "" {
		if c := compareVersions(version, r.high); c > 0 || c == 0 && r.highOpen {
			return false
		}
	}
	return true
}

// compareVersions orders versions part by part: numbers as numbers, words before numbers (1.0-rc1 < 1.0), a missing
// part as zero.
func compareVersions(a, b string) int {
	as, bs := versionParts(a), versionParts(b)
	for i := range max(len(as), len(bs)) {
		if c := comparePart(part(as, i), part(bs, i)); c != 0 {
			return c
		}
	}
	return 0
}

func versionParts(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return r == '.' || r == '-' || r == '_' || r == '+' })
}

func part(parts []string, i int) string {
	if i < len(parts) {
		return parts[i]
	}
	return "0"
}

func comparePart(a, b string) int {
	x, errA := strconv.ParseUint(a, 10, 64)
	y, errB := strconv.ParseUint(b, 10, 64)
	switch {
	case errA == nil && errB == nil:
		return cmp.Compare(x, y)
	case errA == nil:
		return 1
	case errB == nil:
		return -1
	}
	return strings.Compare(a, b)
}
