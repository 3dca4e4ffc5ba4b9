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

// TestDependentsAndRecommenders: each key is parsed before its dependents, and recommenders see all values.
func TestDependentsAndRecommenders(t *testing.T) {
	d := ConfigDef{Keys: []ConfigKey{
		{Name: "table", Type: ConfigString, HasDefault: true, Dependents: []string{"circle"},
			Recommend: func(v ConfigValues) ([]string, bool) {
				return []string{v.String("database") + ".orders"}, v.Has("database")
			}},
		{Name: "database", Type: ConfigString, HasDefault: true, Dependents: []string{"table", "none"}},
		{Name: "circle", Type: ConfigInt, HasDefault: true, Dependents: []string{"table"}},
	}}
	got := d.Validate(map[string]*string{"database": ptr("shop"), "circle": ptr("x")})
	if len(got) != 3 || !reflect.DeepEqual(got[0].Recommended, []string{"shop.orders"}) || !got[0].Visible ||
		len(got[2].Errors) != 1 {
		t.Errorf("%+v", got)
	}
	if hidden := d.Validate(nil)[0]; hidden.Visible {
		t.Errorf("a table without a database is visible: %+v", hidden)
	}
	if answers := d.Answers(map[string]*string{"database": ptr("shop")}); len(answers) != 1 || answers[0].Name != "table" {
		t.Errorf("only a recommender has something to say: %+v", answers)
	}
}

func TestEmbeddedKeysSpeakOfThemselves(t *testing.T) {
	own := ConfigDef{Keys: []ConfigKey{
		{Name: "optional", Type: ConfigInt, HasDefault: true, Importance: Low, Order: -1,
			Recommend: func(v ConfigValues) ([]string, bool) { return v.List("words"), true }},
		{Name: "words", Type: ConfigList, Importance: High, Order: -1, Dependents: []string{"optional"},
			Validator: &Validator{Kind: ValidNonEmpty}},
		{Name: "grouped", Type: ConfigString, HasDefault: true, Importance: High, Order: 1, Group: ptr("Own")},
	}}
	var d ConfigDef
	d.Embed("t.a.", "Transforms: a", 2, own)
	var shown []string
	for _, k := range d.Keys {
		shown = append(shown, k.Name+" "+*k.Group+" "+ConfigText(k.Order)+" "+k.ValidValues())
	}
	want := []string{"t.a.words Transforms: a 2 non-empty list", "t.a.optional Transforms: a 3 ",
		"t.a.grouped Transforms: a: Own 4 "}
	if !reflect.DeepEqual(shown, want) || !reflect.DeepEqual(d.Groups(), []string{"Transforms: a", "Transforms: a: Own"}) {
		t.Errorf("%q %q", shown, d.Groups())
	}
	got := d.Validate(map[string]*string{"t.a.words": ptr(""), "words": ptr("w")})[0]
	if !reflect.DeepEqual(got.Errors, []string{"Invalid value [] for configuration words: Empty list"}) {
		t.Errorf("%q", got.Errors)
	}
	if got := d.Validate(map[string]*string{"t.a.words": ptr("b,c")})[1]; !reflect.DeepEqual(got.Recommended,
		[]string{"b", "c"}) {
		t.Errorf("recommended %q", got.Recommended)
	}
}

func TestChecksOfPlugins(t *testing.T) {
	even := &Validator{Kind: ValidCustom, Text: "even", Check: func(key string, value any) *ConfigError {
		if n, ok := value.(int32); ok && n%2 == 1 {
			return InvalidValue(key, ConfigText(n), "it is odd")
		}
		return nil
	}}
	d := ConfigDef{Keys: []ConfigKey{{Name: "n", Type: ConfigInt, Validator: even},
		{Name: "size", Type: ConfigList, HasDefault: true, Validator: &Validator{Kind: ValidListSize, Max: ptr(1.0)}},
		{Name: "null", Type: ConfigString, HasDefault: true,
			Validator: &Validator{Kind: ValidOneOf, Values: []string{"a"}, Null: true}}}}
	got := d.Validate(map[string]*string{"n": ptr("3"), "size": ptr("a,b")})
	want := [][]string{{"Invalid value 3 for configuration n: it is odd"},
		{"Invalid value [a, b] for configuration size: exceeds maximum list size of [1]."}, nil}
	for i := range want {
		if !reflect.DeepEqual(got[i].Errors, want[i]) {
			t.Errorf("%s: %q, want %q", got[i].Name, got[i].Errors, want[i])
		}
	}
	encoded := Manifest{Plugins: []Plugin{{Class: "c", Kind: KindSink, Config: d}}}.Encode()
	m, err := ParseManifest(encoded)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range m.Plugins[0].Config.Keys {
		if k.ValidValues() != d.Keys[i].ValidValues() || k.Validator.Null != d.Keys[i].Validator.Null {
			t.Errorf("%s: %q after the manifest, %q before", k.Name, k.ValidValues(), d.Keys[i].ValidValues())
		}
	}
}

// What parses shows as a text that parses to the same.
func FuzzParseConfigValue(f *testing.F) {
	for _, kind := range []string{"BOOLEAN", "INT", "SHORT", "LONG", "DOUBLE", "LIST", "PASSWORD", "STRING", "CLASS"} {
		f.Add(kind, " 1e3 , x")
	}
	f.Fuzz(func(t *testing.T, kind, raw string) {
		k := ConfigType(kind)
		value, problem := ParseConfigValue("k", k, raw, nil)
		if (problem == nil) != (value != nil) {
			t.Fatalf("%s %q: %v with problem %v", kind, raw, value, problem)
		}
		if k == ConfigPassword || problem != nil {
			return
		}
		shown := *k.Text(value)
		again, problem := ParseConfigValue("k", k, shown, nil)
		if problem != nil || *k.Text(again) != shown {
			t.Fatalf("%s %q shows as %q, which reads as %v %v", kind, raw, shown, again, problem)
		}
	})
}
