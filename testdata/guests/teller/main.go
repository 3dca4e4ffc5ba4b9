// Command teller is a module for tests: a transformation that has a secret in its configuration. Its records say what
// it does with it, and become what came of that.
package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unsafe"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/guest-sdk/go/network"
	"github.com/berth-connect/berth/guest-sdk/go/web"
)

func main() {
	keys := []abi.ConfigKey{
		{Name: "token", Type: abi.ConfigPassword, Importance: abi.High, Doc: "A secret."},
		{Name: "roots", Type: abi.ConfigString, Importance: abi.Low, Doc: "Roots.", HasDefault: true},
	}
	plugin := func(class string, capabilities ...string) guest.Plugin {
		return guest.Plugin{Class: class, Version: "1.0.0", Config: abi.ConfigDef{Keys: keys}, Capabilities: capabilities,
			NewTransform: func() guest.Transform { return &tells{} }}
	}
	told := plugin("test.Tells", abi.CapabilityNet, abi.CapabilitySecrets)
	told.Needs = abi.Needs{abi.CapabilitySecrets: {"token"}}
	guest.Run(told, plugin("test.TellsWithout", abi.CapabilityNet))
}

type tells struct{ token, roots string }

// Start implements guest.Starter.
func (s *tells) Start(_ context.Context, config guest.Config) error {
	s.token, s.roots = config.String("token"), config.String("roots")
	return nil
}

// Transform implements guest.Transform.
func (s *tells) Transform(ctx context.Context, r *guest.Record) (guest.Outcome, error) {
	text, _ := r.Value().(string)
	act, target, _ := strings.Cut(text, " ")
	told, err := s.tell(ctx, act, target)
	if err != nil {
		told = "error: " + said(err)
	}
	r.SetValue(&abi.Schema{Type: abi.TypeString}, told)
	return guest.Keep, nil
}

func (s *tells) tell(ctx context.Context, act, target string) (string, error) {
	switch act {
	case "handle":
		return s.token, nil
	case "pieces":
		return s.pieces(ctx, target)
	case "bearer":
		return s.ask(target, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+s.token) })
	case "basic":
		return s.ask(target, func(r *http.Request) { r.SetBasicAuth("ann", s.token) })
	case "body":
		return s.ask(target, func(*http.Request) {})
	case "search":
		return search(target)
	}
	return "", fmt.Errorf("unknown act %q", act)
}

// pieces writes the handle a byte at a time.
func (s *tells) pieces(ctx context.Context, target string) (string, error) {
	conn, err := network.Dial(ctx, "tcp", target)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	for i := range len(s.token) {
		if _, err := io.WriteString(conn, s.token[i:i+1]); err != nil {
			return "", err
		}
	}
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return "", err
	}
	got, err := io.ReadAll(conn)
	return string(got), err
}

func (s *tells) ask(url string, with func(*http.Request)) (string, error) {
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(`{"token":"`+s.token+`"}`))
	if err != nil {
		return "", err
	}
	with(request)
	client := web.Client(time.Minute, network.TLS{Roots: s.roots})
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// search counts where a text lies in the memory of this instance. It is given as the hex of its complement, so that the
// question is no answer.
func search(complement string) (string, error) {
	text, err := hex.DecodeString(complement)
	if err != nil {
		return "", err
	}
	found := 0
	memory := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), 1)), int(memoryPages())<<16-1)
	first := []byte{^text[0]}
	for rest := memory; ; {
		at := bytes.Index(rest, first)
		if at < 0 || len(rest[at:]) < len(text) {
			return fmt.Sprint(found), nil
		}
		if rest = rest[at:]; complements(rest, text) {
			found++
		}
		rest = rest[1:]
	}
}

func complements(memory, text []byte) bool {
	for i, c := range text {
		if memory[i] != ^c {
			return false
		}
	}
	return true
}

// memoryPages is how many pages of 64 KiB the instance's memory has.
func memoryPages() int32

func said(err error) string {
	var refused *network.Error
	if errors.As(err, &refused) {
		return refused.Code.String() + ": " + refused.Message
	}
	return err.Error()
}
