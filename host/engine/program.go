//go:build !race

package engine

func compilerProgram() (string, error) { return ownProgram() }
