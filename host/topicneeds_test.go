package host_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

func TestPatternsMeet(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		meets bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "anything", true},
		{"a.*", "a.b", true}, {"a.*", "a", false}, {"a.*", "*.b", true}, {"a.*", "b.*", false}, {"*a", "*b", false},
		{"a*b", "*c*", true}, {"a*b*c", "abc", true}, {"a*b*c", "acb", false}, {"**", "*", true}, {"*x*", "*y*", true},
		{strings.Repeat("*a", 120), strings.Repeat("*b", 120), false},
	} {
		for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			if got := host.PatternsMeet(pair[0], pair[1]); got != c.meets {
				t.Errorf("%q and %q: %v", pair[0], pair[1], got)
			}
		}
	}
}

// Patterns meet whenever a name shows that they do.
func FuzzPatternsMeet(f *testing.F) {
	f.Add("a*", "*b", "ab")
	f.Add("a.*.c", "a.b*", "a.b.c")
	f.Fuzz(func(t *testing.T, a, b, name string) {
		if len(a)+len(b) > 500 {
			return
		}
		both := host.Matches(a, name) && host.Matches(b, name) && !strings.Contains(name, "*")
		if meets := host.PatternsMeet(a, b); both && !meets || meets != host.PatternsMeet(b, a) {
			t.Errorf("%q and %q: %v, though both stand for %q: %v", a, b, meets, name, both)
		}
	})
}

func TestTopicNeeds(t *testing.T) {
	for _, bad := range []string{"", "a", "read:", "Read:a", "write: a", "use:a", "read:" + strings.Repeat("a", 250)} {
		if need, err := host.ParseTopicNeed(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, need)
		}
	}
	needs := []string{"write:a.*", "read:b"}
	var refused *host.TopicNotNeeded
	for _, c := range []struct {
		topic string
		write bool
		may   bool
	}{{"a.b", true, true}, {"a.b", false, false}, {"b", false, true}, {"b", true, false}, {"c", true, false}} {
		err := host.CheckTopicNeeds("x.Y", needs, c.topic, c.write)
		if (err == nil) != c.may || err != nil && (!errors.As(err, &refused) || !errors.Is(err, host.ErrBadRequest)) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
