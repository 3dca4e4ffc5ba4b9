package guest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/berth-connect/berth/abi"
)

func TestErrorsHaveALineForAllThatIsKnown(t *testing.T) {
	bad := errors.New("bad")
	in := func(err error, steps ...string) error {
		for _, step := range steps {
			err = InField(err, step)
		}
		return err
	}
	cases := []struct {
		name        string
		err         error
		text, class string
		code        abi.Code
	}{
		{"nothing", bad, "bad", "", abi.CodeConnect},
		{"a path", in(bad, "c", "[1]", "b", "a"), "bad\nField: a.b[1].c", "", abi.CodeConnect},
		{"a class", WithClass(DataError(bad), "x.Bad"), "bad", "x.Bad", abi.CodeData},
		{"the last class counts", WithClass(WithClass(bad, "x.Inner"), "x.Outer"), "bad", "x.Outer", abi.CodeConnect},
		{"causes", WithCause(WithCause(bad, "x.Near", "n"), "x.Far", ""), "bad\nCaused by: x.Near: n\nCaused by: x.Far", "",
			abi.CodeConnect},
		{"all, around and within", Retriable(fmt.Errorf("read: %w",
			WithClass(in(WithCause(bad, "x.Io", "eof"), "f"), "x.Bad"))),
			"read: bad\nField: f\nCaused by: x.Io: eof", "x.Bad", abi.CodeRetriable},
	}
	for _, c := range cases {
		e := recordError(3, 2, codeOf(c.err), c.err)
		if want := (abi.RecordError{Record: 3, Stage: 2, Code: c.code, Message: c.text, Class: c.class}); e != want {
			t.Errorf("%s: %+v, want %+v", c.name, e, want)
		}
	}
}
