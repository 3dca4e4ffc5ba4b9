package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTopicsAreTakenSomeAtATime(t *testing.T) {
	broken := errors.New("the cluster is away")
	for _, c := range []struct {
		name         string
		topics       int
		late, fails  int // before and at which request; 0: never
		requests     []int
		left         int
		wantsFailure bool
	}{
		{"none", 0, 0, 0, nil, 0, false},
		{"a few", 3, 0, 0, []int{3}, 0, false},
		{"many", 250, 0, 0, []int{100, 100, 50}, 0, false},
		{"no time for all", 250, 2, 0, []int{100, 100}, 50, false},
		{"the cluster goes away", 250, 0, 2, []int{100, 100}, 150, true},
	} {
		var requests []int
		left, err := atOnce(make([]string, c.topics), func() bool { return c.late > 0 && len(requests) == c.late },
			func(some []string) error {
				requests = append(requests, len(some))
				if len(requests) == c.fails {
					return broken
				}
				return nil
			})
		if !slices.Equal(requests, c.requests) || left != c.left || errors.Is(err, broken) != c.wantsFailure {
			t.Errorf("%s: requests of %v topics, %d left, %v", c.name, requests, left, err)
		}
	}
}

func TestHalfOfTheTime(t *testing.T) {
	ended, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	long, cancel2 := context.WithTimeout(t.Context(), time.Hour)
	defer cancel2()
	if !halfOf(ended)() || halfOf(long)() || halfOf(t.Context())() {
		t.Error("half of no time is over, and of an hour or of all time is not")
	}
}

func TestFailuresOfManyTopics(t *testing.T) {
	var none, few, many failures
	if err := none.of(nil, nil); err != nil || none.joined() != nil {
		t.Errorf("nothing failed: %v, %v", err, none.joined())
	}
	_ = few.of([]error{errors.New("a"), errors.New("b")}, nil)
	if got := few.joined().Error(); got != "a\nb" {
		t.Errorf("%q", got)
	}
	for i := range 3 {
		var list []error
		for k := range 7 {
			list = append(list, fmt.Errorf("topic %d", 7*i+k))
		}
		_ = many.of(list, nil)
	}
	lines := strings.Split(many.joined().Error(), "\n")
	if len(lines) != failuresShown+1 || lines[9] != "topic 9" || lines[10] != "and 11 more" {
		t.Errorf("%q", lines)
	}
}

func TestSeveralTopicsHaveAShortName(t *testing.T) {
	if got := several([]string{"a"}) + "; " + several([]string{"a", "b", "c"}); got != "topic a; 3 topics from a to c" {
		t.Error(got)
	}
}
