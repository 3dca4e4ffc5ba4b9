package pipeline

import "testing"

func TestDetailsOfAnError(t *testing.T) {
	cases := []struct {
		text, class, message string
		details              Details
	}{
		{"bad", "", "bad", Details{}},
		{"", "", "", Details{}},
		{"bad\nField: a[1].b\nCaused by: x.Io: eof\nCaused by: y: z", "x.Bad", "bad",
			Details{"x.Bad", "a[1].b", "Caused by: x.Io: eof\nCaused by: y: z"}},
		{"two\nlines\nField: a", "", "two\nlines", Details{Field: "a"}},
		{"panic: x\nField: of a stack\nmain.go", "", "panic: x\nField: of a stack\nmain.go", Details{}},
	}
	for _, c := range cases {
		if message, details := splitDetails(c.text, c.class); message != c.message || details != c.details {
			t.Errorf("%q: %q, %+v", c.text, message, details)
		}
	}
}
