//go:build !unix

package engine

import "time"

// processCPU is not known here, so the machine never counts as crowded.
func processCPU() time.Duration { return 0 }
