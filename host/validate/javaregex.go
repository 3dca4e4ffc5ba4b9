package validate

import (
	"fmt"
	"regexp"
	"strings"
)

// fullMatch tells whether the Java pattern matches the whole text. Patterns that only Java knows (lookaround, back
// references) match nothing here.
func fullMatch(pattern, text string) bool {
	compiled, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	return err == nil && compiled.MatchString(text)
}

// patternProblem says why a Java regular expression does not compile, or "". It reads the structure that Java's parser
// refuses when broken (groups, classes, quantifiers, escapes), as Go's engine knows another dialect.
func patternProblem(pattern string) string {
	return (&patternReader{text: pattern}).problem()
}

type patternReader struct {
	text   string
	at     int
	groups int
}

func (r *patternReader) problem() string {
	quantifiable := false
	for r.at < len(r.text) {
		start := r.at
		c := r.text[r.at]
		r.at++
		switch c {
		case '\\':
			if problem := r.escape(); problem != "" {
				return problem
			}
		case '[':
			if problem := r.class(start); problem != "" {
				return problem
			}
		case '(':
			r.openGroup()
			quantifiable = false
			continue
		case ')':
			if r.groups == 0 {
				return r.near("Unmatched closing ')'", max(start-1, 0))
			}
			r.groups--
		case '|':
			quantifiable = false
			continue
		case '*', '+', '?':
			if !quantifiable {
				return r.near(fmt.Sprintf("Dangling meta character '%c'", c), start)
			}
			r.modifier()
			quantifiable = false
			continue
		case '{':
			if problem := r.repetition(); problem != "" {
				return problem
			}
			quantifiable = false
			continue
		}
		quantifiable = true
	}
	if r.groups > 0 {
		return r.near("Unclosed group", len(r.text))
	}
	return ""
}

// escape steps over what a backslash introduces.
func (r *patternReader) escape() string {
	if r.at == len(r.text) {
		return r.near("Unexpected internal error", r.at)
	}
	if r.text[r.at] == 'Q' {
		if end := strings.Index(r.text[r.at:], `\E`); end >= 0 {
			r.at += end + 2
		} else {
			r.at = len(r.text)
		}
		return ""
	}
	if strings.IndexByte("gijlmoqyCEFIJKLMOTUY", r.text[r.at]) >= 0 {
		return r.near("Illegal/unsupported escape sequence", r.at)
	}
	r.at++
	if named := strings.IndexByte("pPxN", r.text[r.at-1]) >= 0; named && strings.HasPrefix(r.text[r.at:], "{") {
		end := strings.IndexByte(r.text[r.at:], '}')
		if end < 0 {
			return r.near("Unclosed character family", len(r.text)-1)
		}
		r.at += end + 1
	}
	return ""
}

// class steps over a character class; classes nest in Java.
func (r *patternReader) class(start int) string {
	depth, first := 1, true
	for r.at < len(r.text) {
		c := r.text[r.at]
		r.at++
		switch {
		case c == '\\':
			if problem := r.escape(); problem != "" {
				return problem
			}
		case c == '[':
			depth, first = depth+1, true
			continue
		case c == '^' && first:
			continue
		case c == ']' && !first:
			if depth--; depth == 0 {
				return ""
			}
		}
		first = false
	}
	return r.near("Unclosed character class", max(start, len(r.text)-1))
}

// openGroup steps over the head of a group: its kind is no atom.
func (r *patternReader) openGroup() {
	r.groups++
	rest := r.text[r.at:]
	for _, head := range []string{"?:", "?=", "?!", "?>", "?<=", "?<!"} {
		if strings.HasPrefix(rest, head) {
			r.at += len(head)
			return
		}
	}
	if strings.HasPrefix(rest, "?<") {
		if end := strings.IndexByte(rest, '>'); end > 0 {
			r.at += end + 1
		}
		return
	}
	if strings.HasPrefix(rest, "?") {
		r.at += 1 + len(rest[1:]) - len(strings.TrimLeft(rest[1:], "idmsuxU-"))
		if strings.HasPrefix(r.text[r.at:], ":") {
			r.at++
		}
	}
}

// modifier steps over the reluctant or possessive mark of a quantifier.
func (r *patternReader) modifier() {
	if r.at < len(r.text) && (r.text[r.at] == '?' || r.text[r.at] == '+') {
		r.at++
	}
}

var bounds = regexp.MustCompile(`^([0-9]+)(,([0-9]*))?\}`)

func (r *patternReader) repetition() string {
	found := bounds.FindStringSubmatch(r.text[r.at:])
	if found == nil {
		return r.near("Illegal repetition", r.at-1)
	}
	r.at += len(found[0])
	low, high := strings.TrimLeft(found[1], "0"), strings.TrimLeft(found[3], "0")
	if found[3] != "" && (len(high) < len(low) || len(high) == len(low) && high < low) {
		return r.near("Illegal repetition range", r.at-1)
	}
	r.modifier()
	return ""
}

// near words an error as java.util.regex.PatternSyntaxException does.
func (r *patternReader) near(what string, index int) string {
	text := fmt.Sprintf("%s near index %d\n%s", what, index, r.text)
	if index < len(r.text) {
		text += "\n" + strings.Repeat(" ", index) + "^"
	}
	return text
}
