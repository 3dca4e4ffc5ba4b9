package abi

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// javaString is the class of an OBJECT that is a text with half a surrogate pair, which Java's String holds and UTF-8
// does not (LAYOUT.md, section 2).
const javaString = "java.lang.String"

// UTF16 writes a text in UTF-16: a STRING, or an OBJECT if it holds half a surrogate pair.
func (b *Builder) UTF16(units []uint16) {
	var text strings.Builder
	halved := false
	for i := 0; i < len(units); i++ {
		r := rune(units[i])
		if utf16.IsSurrogate(r) && i+1 < len(units) {
			if pair := utf16.DecodeRune(r, rune(units[i+1])); pair != '\uFFFD' {
				r, i = pair, i+1
			}
		}
		switch {
		case utf16.IsSurrogate(r):
			halved = true
			fmt.Fprintf(&text, `\u%04X`, r)
		case r == '\\':
			text.WriteString(`\\`)
		default:
			text.WriteRune(r)
		}
	}
	if halved {
		b.Object(Object{javaString, text.String()})
	} else {
		b.String(string(utf16.Decode(units)))
	}
}

// Halved is the UTF-16 of a text with half a surrogate pair; false: the value is anything else, such as a STRING.
func (v Value) Halved() ([]uint16, bool) {
	if v.Tag != TagObject {
		return nil, false
	}
	o, ok := v.object()
	if !ok || o.Class != javaString {
		return nil, false
	}
	return o.units(), true
}

// units reads what Builder.UTF16 has written. A backslash before anything else stands for itself.
func (o Object) units() []uint16 {
	units, rest := []uint16{}, o.Text
	for {
		before, behind, found := strings.Cut(rest, `\`)
		units = append(units, utf16.Encode([]rune(before))...)
		if !found {
			return units
		}
		if half, ok := halfOf(behind); ok {
			units, rest = append(units, half), behind[len("uXXXX"):]
		} else {
			units, rest = append(units, '\\'), strings.TrimPrefix(behind, `\`)
		}
	}
}

// halfOf reads the uXXXX that a text begins with; false: it does not, or with the unit of a whole character.
func halfOf(text string) (uint16, bool) {
	if len(text) < len("uXXXX") || text[0] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(text[1:5], 16, 16)
	return uint16(unit), err == nil && utf16.IsSurrogate(rune(unit))
}

// text has U+FFFD for half a surrogate pair.
func (o Object) text() string { return string(utf16.Decode(o.units())) }

// takes says whether a value may stand under a schema: a text with half a surrogate pair may where a STRING may.
func (s *Schema) takes(v Value) bool {
	if v.Tag == s.Tag() || s.Tag() != TagString {
		return v.Tag == s.Tag()
	}
	_, halved := v.Halved()
	return halved
}

// takesNative is takes for what ToValue takes, of that tag.
func (s *Schema) takesNative(tag Tag, x any) bool {
	switch x := x.(type) {
	case Object:
		return s.Tag() == TagString && x.Class == javaString
	case Value:
		return s.takes(x)
	}
	return tag == s.Tag()
}
