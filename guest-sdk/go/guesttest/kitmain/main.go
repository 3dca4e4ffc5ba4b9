// The conformance kit as a module: build it with GOOS=wasip1 GOARCH=wasm.
package main

import (
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/guest-sdk/go/guesttest/kit"
)

func main() { guest.Run(kit.Plugins()...) }
