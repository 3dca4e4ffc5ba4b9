package main

import "github.com/berth-connect/berth/host"

// swapPolicy is the one of connectors that have none of their own.
func swapPolicy(c config) host.SwapPolicy {
	return host.SwapPolicy{Window: c.millis(host.SwapWindowKey), ErrorRateMax: c.fraction(host.SwapErrorRateKey),
		LatencyRatio: c.fraction(host.SwapLatencyKey)}
}
