package abi

import (
	"testing"
)

func TestConfigTable(t *testing.T) {
	named := map[string]*Validator{"own": {Kind: ValidNonNull}}
	d := ConfigTable(named, `
a STRING HIGH !
  What it is for,
  in two lines.
b INT LOW 1 0..
c DOUBLE LOW 0.5 0.0..1.0
d STRING LOW - x|y
e STRING LOW "" ~x|y
`, `
d LIST LOW - #own
`)
	if len(d.Keys) != 5 {
		t.Fatalf("keys %+v", d.Keys)
	}
	a, b, c, e := d.Key("a"), d.Key("b"), d.Key("c"), d.Key("e")
	if a.HasDefault || a.Doc != "What it is for, in two lines." || a.Validator != nil {
		t.Errorf("a %+v", a)
	}
	if *b.Default != "1" || b.ValidValues() != "[0,...]" {
		t.Errorf("b %+v: %s", b, b.ValidValues())
	}
	if c.ValidValues() != "[0.0,...,1.0]" || c.Check(1.5) == nil || c.Check(-0.5) == nil || c.Check(nil) == nil ||
		c.Check(0.25) != nil {
		t.Errorf("c %+v: %s", c, c.ValidValues())
	}
	if own := d.Key("d"); own.Type != ConfigList || own.Default != nil || own.Validator != named["own"] {
		t.Errorf("d %+v", own)
	}
	if *e.Default != "" || e.ValidValues() != "(case insensitive) [X, Y]" {
		t.Errorf("e %+v: %s", e, e.ValidValues())
	}
}
