package main

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// difference says in words how an answer differs from what Kafka Connect answered; "" = it does not. Any of several
// answers may be right: that of another JDK, and that about the bytes which Berth has in place of a ByteBuffer.
func difference(v *vector, got any) string {
	got = canonical(got)
	first := ""
	for _, want := range v.wanted() {
		d := differ("", canonical(want), got)
		if d == "" {
			return ""
		}
		first = cmp.Or(first, d)
	}
	return first
}

// wanted lists the answers that are right.
func (v *vector) wanted() []any {
	all := []any{v.members["result"]}
	if newer := v.members["resultJdk25"]; newer != nil {
		all = append(all, newer)
	}
	for i, want := range all {
		if r, _ := want.(object); r["unchanged"] == true {
			all[i] = object{"record": v.members["input"]}
		}
	}
	if strings.Contains(v.line, `"t":"bytebuffer"`) {
		for _, want := range slices.Clone(all) {
			all = append(all, withoutBuffers(want))
		}
	}
	return all
}

var bufferText = regexp.MustCompile(`java\.nio\.HeapByteBuffer\[pos=\d+ lim=\d+ cap=\d+\]`)

// withoutBuffers is what Connect would have said of a byte array: Berth has no ByteBuffer.
func withoutBuffers(x any) any {
	switch x := x.(type) {
	case string:
		x = bufferText.ReplaceAllLiteralString(x, "[B@"+identityHash)
		return strings.ReplaceAll(x, "java.nio.HeapByteBuffer", "[B")
	case list:
		return mapped(x, withoutBuffers)
	case object:
		changed := object{}
		for k, member := range x {
			changed[k] = withoutBuffers(member)
		}
		return changed
	}
	return x
}

func mapped(x list, f func(any) any) list {
	all := make(list, len(x))
	for i := range x {
		all[i] = f(x[i])
	}
	return all
}

// canonical brings everything that means the same into one form: no absent members, numbers as texts, floats by their
// bits, the entries of maps in an order of their own.
func canonical(x any) any {
	switch x := x.(type) {
	case json.Number:
		return x.String()
	case list:
		return mapped(x, canonical)
	case object:
		if t, ok := x["t"].(string); ok {
			return canonicalValue(t, x)
		}
		return canonicalMembers(x)
	}
	return x
}

func canonicalMembers(x object) object {
	short := object{}
	for k, member := range x {
		empty, isList := member.(list)
		switch {
		case member == nil, k == "optional" && member == false, k == "headers" && isList && len(empty) == 0:
		case k == "text" && x["bytes"] != nil: // the same once more, for readers
		case k == "docSha256": // of Kafka's documentation; Berth's is its own
		default:
			short[k] = canonical(member)
		}
	}
	return short
}

func canonicalValue(t string, x object) any {
	short := object{"t": t}
	switch t {
	case "float32", "float64":
		short["bits"] = x["bits"]
	case "string":
		if _, halved := unitsOf(x); halved {
			return object{"t": t, "utf16": x["utf16"]}
		}
		short["v"] = textOf(x["v"])
	case "bytebuffer":
		return object{"t": "bytes", "v": x["v"]}
	case "map":
		entries, _ := canonical(x["v"]).(list)
		short["v"] = slices.SortedFunc(slices.Values(entries), func(a, b any) int { return cmp.Compare(shown(a), shown(b)) })
	default:
		for k, member := range x {
			if member != nil {
				short[k] = canonical(member)
			}
		}
	}
	return short
}

// differ compares canonical forms.
func differ(at string, want, got any) string {
	w, isObject := want.(object)
	g, both := got.(object)
	switch {
	case isObject && both && at == ".error":
		return differError(w, g)
	case isObject && both:
		return differMembers(at, w, g)
	}
	if ws, ok := want.(list); ok {
		if gs, ok := got.(list); ok && len(ws) == len(gs) {
			for i := range ws {
				if d := differ(fmt.Sprintf("%s[%d]", at, i), ws[i], gs[i]); d != "" {
					return d
				}
			}
			return ""
		}
	}
	if isAlike(at, want, got) {
		return ""
	}
	return fmt.Sprintf("%s: want %s, got %s", cmp.Or(strings.TrimPrefix(at, "."), "result"), quoted(want), quoted(got))
}

func differMembers(at string, want, got object) string {
	inBoth := func(name string) bool { return want[name] != nil }
	if at == "" && len(want)+len(got) > 0 && !slices.ContainsFunc(slices.Collect(maps.Keys(got)), inBoth) {
		return fmt.Sprintf("want %s, got %s", quoted(want), quoted(got))
	}
	names := slices.Concat(slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(got)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if d := differ(at+"."+name, want[name], got[name]); d != "" {
			return d
		}
	}
	return ""
}

// differError compares an exception. Words of a JVM or of a library count for nothing. Causes are compared as far as
// the answer tells them, from the outermost: inside are exceptions of libraries that Berth has not.
func differError(want, got object) string {
	for _, name := range []string{"phase", "class", "message", "causes"} {
		w, g := want[name], got[name]
		switch {
		case name == "message" && want["messageFrom"] != nil:
		case name == "phase" && (w == nil || g == nil && got["class"] != nil):
		case name == "causes" && g == nil:
		case name == "causes":
			if d := differCauses(w, g); d != "" {
				return d
			}
		default:
			if d := differ(".error."+name, w, g); d != "" {
				return d + ", in " + quoted(got)
			}
		}
	}
	return ""
}

func differCauses(want, got any) string {
	w, _ := want.(list)
	g, _ := got.(list)
	if len(g) > len(w) {
		return differ(".error.causes", want, got)
	}
	for i := range g {
		wanted, _ := w[i].(object)
		given, _ := g[i].(object)
		if d := differError(wanted, given); d != "" {
			return "cause: " + d
		}
	}
	return ""
}

func isAlike(at string, want, got any) bool {
	w, ok := want.(string)
	g, both := got.(string)
	if !ok || !both {
		return reflect.DeepEqual(want, got)
	}
	if strings.HasSuffix(at, ".bytes") {
		wb, werr := base64.StdEncoding.DecodeString(w)
		gb, gerr := base64.StdEncoding.DecodeString(g)
		if werr == nil && gerr == nil {
			w, g = string(wb), string(gb)
		}
	}
	return isAlikeText(w, g)
}

// What a text of the vectors says in place of what differs from JVM to JVM.
const (
	identityHash = "<identityHash>"
	jvmList      = "<a list of the JVM>"
)

var placeholders = strings.NewReplacer(
	regexp.QuoteMeta(identityHash), "[0-9a-f]+", regexp.QuoteMeta(jvmList), `[^\]]*`)

// regexWords are what a parser of regular expressions says.
var regexWords = regexp.MustCompile(`(?s)(Invalid regex|Syntax error in regular expression): .*`)

func isAlikeText(want, got string) bool {
	want, got = regexWords.ReplaceAllString(want, "$1"), regexWords.ReplaceAllString(got, "$1")
	if !strings.Contains(want, identityHash) && !strings.Contains(want, jvmList) {
		return want == got
	}
	pattern := "(?s)^" + placeholders.Replace(regexp.QuoteMeta(want)) + "$"
	return regexp.MustCompile(pattern).MatchString(got)
}

// shownBytesMax bounds what a line quotes of an answer.
const shownBytesMax = 600

// quoted is the beginning of shown.
func quoted(x any) string {
	text := shown(x)
	if len(text) <= shownBytesMax {
		return text
	}
	return strings.ToValidUTF8(text[:shownBytesMax], "") + "..."
}

// shown is JSON in one line.
func shown(x any) string {
	if x == nil {
		return "nothing"
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(x); err != nil {
		return fmt.Sprint(x)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
