// Package local gives the tools and tests of the project what they need of this machine's network.
package local

import (
	"fmt"
	"io"
	"net"
	"testing"
)

// Addresses names n that nothing listens on, each of another port.
func Addresses(n int) ([]string, error) {
	var addresses []string
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close() // not before all are found, so that none is found twice
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses, nil
}

// Server serves each connection until the test ends. It returns its address.
func Server(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	return listener.Addr().String()
}

// Echo sends back what it gets.
func Echo(conn net.Conn) {
	_, _ = io.Copy(conn, conn)
	_ = conn.Close()
}
