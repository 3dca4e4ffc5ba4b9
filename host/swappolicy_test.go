package host

import (
	"strings"
	"testing"
	"time"
)

func TestSwapPolicyOfAConnector(t *testing.T) {
	text := func(s string) *string { return &s }
	got, problems := DefaultSwapPolicy.Of(Config{SwapWindowKey: text(" 5000 "), SwapErrorRateKey: text("0.5"),
		SwapLatencyKey: text("0"), "berth.restart.max": text("x")})
	if want := (SwapPolicy{5 * time.Second, 0.5, 0}); got != want || len(problems) > 0 {
		t.Errorf("got %+v, %v", got, problems)
	}
	for key, values := range map[string][]string{SwapWindowKey: {"", "-1", "1.5", "86400001", "NaN", "Inf", "soon"},
		SwapErrorRateKey: {"-0.1", "1.1", "NaN", "1%"}, SwapLatencyKey: {"0.5", "-1", "NaN", "Inf", "x"}} {
		for _, value := range values {
			got, problems := DefaultSwapPolicy.Of(Config{key: &value})
			if len(problems) != 1 || got != DefaultSwapPolicy || !strings.Contains(problems[0].Error(), key) ||
				!strings.Contains(problems[0].Error(), "it must be") {
				t.Errorf("%s=%s: %+v, %v", key, value, got, problems)
			}
		}
	}
}
