package replication

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/berth-connect/berth/abi"
)

// Filter passes names by regular expressions, of which one must match the whole name.
type Filter struct{ include, exclude *regexp.Regexp }

// NewFilter compiles the values of two keys. Expressions are Go's: without looking ahead or behind and without
// references to groups, which Java has.
func NewFilter(includeKey string, include []string, excludeKey string, exclude []string) (Filter, error) {
	var f Filter
	var err error
	if f.include, err = compile(includeKey, include); err != nil {
		return f, err
	}
	f.exclude, err = compile(excludeKey, exclude)
	return f, err
}

func compile(key string, patterns []string) (*regexp.Regexp, error) {
	for _, pattern := range patterns {
		if _, err := regexp.Compile(pattern); err != nil {
			return nil, abi.InvalidValue(key, pattern, fmt.Sprintf("it must be a regular expression without (?=…), (?!…) and "+
				"references to groups: %v", err))
		}
	}
	if len(patterns) == 0 {
		return nil, nil
	}
	return regexp.MustCompile(`^(?s:(?:` + strings.Join(patterns, `)|(?:`) + `))$`), nil
}

// Passes tells whether a name matches and is not excluded.
func (f Filter) Passes(name string) bool {
	return f.include != nil && f.include.MatchString(name) && (f.exclude == nil || !f.exclude.MatchString(name))
}
