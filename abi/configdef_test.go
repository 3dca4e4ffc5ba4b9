package abi

import (
	"reflect"
	"strings"
	"testing"
)

func ptr[T any](x T) *T { return &x }

// TestConfigTexts holds the errors to Connect's texts, and the values to what Connect shows.
func TestConfigTexts(t *testing.T) {
	null := (*string)(nil)
	str := ptr[string]
	for name, c := range map[string]struct {
		key   ConfigKey
		value *string
		shown *string
		err   string
	}{
		"text is trimmed":    {ConfigKey{Type: ConfigString}, str(" a "), str("a"), ""},
		"null":               {ConfigKey{Type: ConfigInt}, null, null, ""},
		"boolean":            {ConfigKey{Type: ConfigBoolean}, str("TRUE"), str("true"), ""},
		"not boolean":        {ConfigKey{Type: ConfigBoolean}, str("yes"), null, "Expected value to be either true or false"},
		"int":                {ConfigKey{Type: ConfigInt}, str("+07"), str("7"), ""},
		"not int":            {ConfigKey{Type: ConfigInt}, str("2147483648"), null, "Not a number of type INT"},
		"not short":          {ConfigKey{Type: ConfigShort}, str("40000"), null, "Not a number of type SHORT"},
		"long":               {ConfigKey{Type: ConfigLong}, str("2147483648"), str("2147483648"), ""},
		"not long":           {ConfigKey{Type: ConfigLong}, str("1.0"), null, "Not a number of type LONG"},
		"double":             {ConfigKey{Type: ConfigDouble}, str("1e10"), str("1.0E10"), ""},
		"double with suffix": {ConfigKey{Type: ConfigDouble}, str("5d"), str("5.0"), ""},
		"small double":       {ConfigKey{Type: ConfigDouble}, str("0.0001"), str("1.0E-4"), ""},
		"not double":         {ConfigKey{Type: ConfigDouble}, str("inf"), null, "Not a number of type DOUBLE"},
		"list":               {ConfigKey{Type: ConfigList}, str("a , b,,c"), str("a,b,,c"), ""},
		"empty list":         {ConfigKey{Type: ConfigList}, str(" "), str(""), ""},
		"password":           {ConfigKey{Type: ConfigPassword}, str("secret"), str("[hidden]"), ""},
		"class":              {ConfigKey{Type: ConfigClass}, str("a.B"), str("a.B"), ""},
		"range low":          {ranged(ConfigInt, ptr(1.0), nil), str("0"), str("0"), "Value must be at least 1"},
		"range high":         {ranged(ConfigLong, nil, ptr(9.0)), str("10"), str("10"), "Value must be no more than 9"},
		"range double":       {ranged(ConfigDouble, ptr(1.0), nil), str("0.5"), str("0.5"), "Value must be at least 1"},
		"range null":         {ranged(ConfigInt, ptr(1.0), nil), null, null, "Value must be non-null"},
		"one of":             {valid(ValidOneOf, "a", "b"), str("A"), str("A"), "String must be one of: a, b"},
		"one of null":        {valid(ValidOneOf, "a", "b"), null, null, "String must be one of: a, b"},
		"one of any case":    {valid(ValidOneOfCI, "a", "b"), str("B"), str("B"), ""},
		"none of any case": {valid(ValidOneOfCI, "a", "b"), str("c"), str("c"),
			"String must be one of (case insensitive): A, B"},
		"non empty": {valid(ValidNonEmpty), str(""), str(""), "String must be non-empty"},
		"non null":  {valid(ValidNonNull), null, null, "entry must be non null"},
		"no control": {valid(ValidNoControl), str("a\x01\x7f"), str("a\x01\x7f"),
			"String may not contain control sequences but had the following ASCII chars: 1, 127"},
		"no control, empty": {valid(ValidNoControl), str(""), str(""), "String may not be empty"},
		"list of some": {
			ConfigKey{Type: ConfigList, Validator: &Validator{Kind: ValidList, Values: []string{"a"}}}, str("a,x"), str("a,x"),
			"Invalid value x for configuration k: String must be one of: a",
		},
	} {
		c.key.Name, c.key.HasDefault = "k", true
		got := ConfigDef{Keys: []ConfigKey{c.key}}.Validate(map[string]*string{"k": c.value})[0]
		want := KeyValidation{Name: "k", Value: c.shown, Visible: true}
		switch {
		case strings.HasPrefix(c.err, "Invalid"):
			want.Errors = []string{c.err}
		case c.err != "":
			want.Errors = []string{"Invalid value " + text(c.value) + " for configuration k: " + c.err}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q %v, want %q %v", name, got.Errors, text(got.Value), want.Errors, text(want.Value))
		}
	}
}

func text(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

func ranged(t ConfigType, low, high *float64) ConfigKey {
	return ConfigKey{Type: t, Validator: &Validator{Kind: ValidRange, Min: low, Max: high}}
}

func valid(kind ValidatorKind, values ...string) ConfigKey {
	return ConfigKey{Type: ConfigString, Validator: &Validator{Kind: kind, Values: values}}
}

// TestAValueThatDoesNotParseIsValidatedAsNull is what ConfigDef does: two errors for one key.
func TestAValueThatDoesNotParseIsValidatedAsNull(t *testing.T) {
	k := ranged(ConfigInt, ptr(1.0), nil)
	k.Name = "k"
	got := ConfigDef{Keys: []ConfigKey{k}}.Validate(map[string]*string{"k": ptr("x")})[0].Errors
	if len(got) != 2 || !strings.Contains(got[1], "Value must be non-null") {
		t.Fatal(got)
	}
	got = ConfigDef{Keys: []ConfigKey{k}}.Validate(nil)[0].Errors
	if len(got) != 2 || got[0] != `Missing required configuration "k" which has no default value.` {
		t.Fatal(got)
	}
}

func TestParseGivesTypedValuesAndDefaults(t *testing.T) {
	d := ConfigDef{Keys: []ConfigKey{
		{Name: "s", Type: ConfigString}, {Name: "n", Type: ConfigShort, HasDefault: true, Default: ptr("3")},
		{Name: "l", Type: ConfigList, HasDefault: true, Default: ptr("a,b")}, {Name: "b", Type: ConfigBoolean},
		{Name: "d", Type: ConfigDouble}, {Name: "null", Type: ConfigInt, HasDefault: true},
	}}
	v, err := d.Parse(map[string]*string{"s": ptr("x"), "b": ptr("true"), "d": ptr("2.5"), "other": ptr("y")})
	if err != nil {
		t.Fatal(err)
	}
	if v.String("s") != "x" || v.Int("n") != 3 || !reflect.DeepEqual(v.List("l"), []string{"a", "b"}) || !v.Bool("b") ||
		v.Float("d") != 2.5 || v.Has("null") || v.Has("other") {
		t.Fatalf("%+v", v)
	}
	if _, err := d.Parse(nil); err == nil || !strings.HasPrefix(err.Error(), "Missing required configuration \"s\"") {
		t.Fatalf("error %v", err)
	}
}
