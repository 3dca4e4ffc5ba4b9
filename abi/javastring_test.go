package abi

import (
	"slices"
	"testing"
	"unicode/utf16"
)

func utf16Of(text string) []uint16 { return utf16.Encode([]rune(text)) }

func TestTextsWithHalfASurrogatePairAreObjects(t *testing.T) {
	high := slices.Concat(utf16Of(`a\`), []uint16{0xD83D}, utf16Of(`\u😀`))
	for _, c := range []struct {
		units   []uint16
		payload Value
		text    string
	}{
		{utf16Of(`😀\`), mustValue(t, `😀\`), `😀\`},
		{[]uint16{0xDC00}, mustValue(t, Object{javaString, `\uDC00`}), "\uFFFD"},
		{[]uint16{0xD83D, 0xDE00, 0xD83D}, mustValue(t, Object{javaString, `😀\uD83D`}), "😀\uFFFD"},
		{high, mustValue(t, Object{javaString, `a\\\uD83D\\u😀`}), "a\\\uFFFD\\u😀"},
	} {
		var b Builder
		b.UTF16(c.units)
		v := b.Value()
		if v.Tag != c.payload.Tag || string(v.Payload) != string(c.payload.Payload) {
			t.Errorf("%x: %s %q", c.units, v.Tag, v.Payload)
		}
		if units, halved := v.Halved(); halved != (v.Tag == TagObject) || halved && !slices.Equal(units, c.units) {
			t.Errorf("%x was read as %x, %v", c.units, units, halved)
		}
		for _, s := range []*Schema{nil, {Type: TypeString}} {
			if x, err := v.Native(s); err != nil || x != c.text || v.String() != c.text {
				t.Errorf("%x: %q, %q, %v", c.units, x, v.String(), err)
			}
			if again, err := ToValueOf(s, v); err != nil || string(again.Payload) != string(v.Payload) {
				t.Errorf("%x under %v: %q, %v", c.units, s, again.Payload, err)
			}
		}
		if _, err := v.Native(&Schema{Type: TypeBytes}); err == nil {
			t.Errorf("%x are bytes", c.units)
		}
	}
}

func TestEscapesThatNobodyWouldWriteStandForThemselves(t *testing.T) {
	for _, text := range []string{`\`, `\u`, `\uD8`, `\u0041`, `\n`, `\uD80ä`, `\u+D80`} {
		if got := (Object{javaString, text}).text(); got != text {
			t.Errorf("%s is %s", text, got)
		}
	}
}

func TestObjectsOfOtherClassesAreNoTexts(t *testing.T) {
	uuid := Object{"java.util.UUID", `\uD800`}
	v := mustValue(t, uuid)
	if units, halved := v.Halved(); halved || v.String() != "" {
		t.Errorf("%x, %q", units, v.String())
	}
	if x, err := v.Native(nil); err != nil || x != uuid {
		t.Errorf("%v, %v", x, err)
	}
	for _, x := range []any{uuid, v} {
		if _, err := ToValueOf(&Schema{Type: TypeString}, x); err == nil {
			t.Errorf("%v is a STRING", x)
		}
	}
}
