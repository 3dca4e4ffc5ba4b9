//go:build race

package engine

import "os"

// compilerEnvironment names the program that compiles for one that looks for data races. Such a compiler takes nine
// times as long and memory that its limits don't foresee; what an ordinary build of the same source makes is the same.
const compilerEnvironment = "BERTH_RACE_COMPILER"

func compilerProgram() (string, error) {
	if program := os.Getenv(compilerEnvironment); program != "" {
		return program, nil
	}
	return ownProgram()
}
