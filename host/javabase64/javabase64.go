// Package javabase64 decodes Base64 as java.util.Base64's basic decoder does, down to its refusals, which REST clients
// see.
package javabase64

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Decode takes text with whole padding or none. Errors: characters outside of the alphabet, padding that is not whole.
func Decode(text string) ([]byte, error) {
	digits, padding, padded := strings.Cut(text, "=")
	for _, b := range []byte(digits) {
		if !inAlphabet(b) {
			return nil, fmt.Errorf("Illegal base64 character %x", b)
		}
	}
	end := len(digits)
	if padded {
		end++
	}
	switch unit := len(digits) % 4; {
	case unit == 1:
		return nil, fmt.Errorf("Last unit does not have enough valid bits")
	case padded && (unit == 0 || unit == 2 && !strings.HasPrefix(padding, "=")):
		return nil, fmt.Errorf("Input byte array has wrong 4-byte ending unit")
	case padded && unit == 2:
		end++
	}
	if end < len(text) {
		return nil, fmt.Errorf("Input byte array has incorrect ending byte at %d", end)
	}
	return base64.RawStdEncoding.DecodeString(digits)
}

func inAlphabet(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '+' || b == '/'
}
