package host

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
)

// SwapPolicy says how long a new version is on probation, and what it must not do then. A connector's configuration may
// have the same keys as the worker's, which are stronger.
type SwapPolicy struct {
	Window       time.Duration // berth.swap.window.ms; as long the stages before are kept
	ErrorRateMax float64       // berth.swap.error.rate.max: by how much the share of failing records may rise, 0 to 1
	LatencyRatio float64       // berth.swap.latency.ratio.max: to how many times the time per record may rise; 0: any
}

// Keys of a SwapPolicy.
const (
	SwapWindowKey    = "berth.swap.window.ms"
	SwapErrorRateKey = "berth.swap.error.rate.max"
	SwapLatencyKey   = "berth.swap.latency.ratio.max"
)

// DefaultSwapPolicy is that of a worker whose configuration has none. A minute shows what a version does to the records
// of the day; ten times slower is no noise; one record of a hundred is.
var DefaultSwapPolicy = SwapPolicy{Window: time.Minute, ErrorRateMax: 0.01, LatencyRatio: 10}

// Of returns the policy of a connector, and what is wrong with its keys.
func (p SwapPolicy) Of(config Config) (SwapPolicy, []error) {
	var problems []error
	read := func(key string, set func(float64), valid func(float64) bool, must string) {
		text := config[key]
		if text == nil {
			return
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(*text), 64)
		if err != nil || !valid(n) {
			problems = append(problems, abi.InvalidValue(key, *text, "it must "+must))
			return
		}
		set(n)
	}
	read(SwapWindowKey, func(n float64) { p.Window = time.Duration(n) * time.Millisecond }, IsSwapWindow, SwapWindowRule)
	read(SwapErrorRateKey, func(n float64) { p.ErrorRateMax = n }, IsSwapErrorRate, SwapErrorRateRule)
	read(SwapLatencyKey, func(n float64) { p.LatencyRatio = n }, IsSwapLatency, SwapLatencyRule)
	return p, problems
}

// Rules of the keys' values, for error messages.
const (
	SwapWindowRule    = "be a whole number of milliseconds up to 86400000 (a day)"
	SwapErrorRateRule = "be a share from 0 to 1, such as 0.01 for one record of a hundred"
	SwapLatencyRule   = "be a ratio of 1 or more, such as 10 for ten times as long, or 0 for no limit"
)

const swapWindowMsMax = 24 * 60 * 60 * 1000

// IsSwapWindow checks a value of SwapWindowKey.
func IsSwapWindow(n float64) bool { return n >= 0 && n <= swapWindowMsMax && n == float64(int64(n)) }

// IsSwapErrorRate checks a value of SwapErrorRateKey.
func IsSwapErrorRate(n float64) bool { return n >= 0 && n <= 1 }

// IsSwapLatency checks a value of SwapLatencyKey.
func IsSwapLatency(n float64) bool { return n == 0 || cmp.Compare(n, 1) >= 0 && n <= 1e6 }
