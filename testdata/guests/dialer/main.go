// Command dialer is a module for tests: a transformation whose records say what it does on the network, and become
// what it met there.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/guest-sdk/go/network"
)

func main() {
	guest.Run(
		guest.Plugin{Class: "test.Dials", Version: "1.0.0", Capabilities: []string{abi.CapabilityNet},
			NewTransform: func() guest.Transform { return &dials{} }},
		guest.Plugin{Class: "test.DialsLocal", Version: "1.0.0", Capabilities: []string{abi.CapabilityNet},
			Needs:        abi.Needs{abi.CapabilityNet: {"127.0.0.1:*"}},
			NewTransform: func() guest.Transform { return &dials{} }},
		guest.Plugin{Class: "test.DialsWithout", Version: "1.0.0",
			NewTransform: func() guest.Transform { return &dials{} }},
	)
}

type dials struct{ held []net.Conn }

// Transform implements guest.Transform.
func (d *dials) Transform(ctx context.Context, r *guest.Record) (guest.Outcome, error) {
	text, _ := r.Value().(string)
	act, rest, _ := strings.Cut(text, " ")
	done := d.act(ctx, act, rest)
	r.SetValue(&abi.Schema{Type: abi.TypeString}, done)
	return guest.Keep, nil
}

func (d *dials) act(ctx context.Context, act, target string) string {
	switch act {
	case "echo":
		return d.echo(ctx, target)
	case "hold":
		return d.hold(ctx, target)
	case "wait":
		return d.wait(ctx, target)
	case "deadline":
		return d.deadline(ctx, target)
	case "closed":
		return d.closed(ctx, target)
	case "impatient":
		ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		<-ctx.Done()
		_, err := network.Dial(ctx, "tcp", target)
		return fmt.Sprint(errors.Is(err, context.DeadlineExceeded))
	case "chance":
		return fmt.Sprintf("%d %s", time.Now().UnixNano(), rand.Text())
	case "lookup":
		found, err := network.LookupHost(ctx, target)
		return fmt.Sprint(strings.Join(found, ","), said(err))
	}
	return "what is " + act + "?"
}

// said is an error with its code.
func said(err error) string {
	var failed *network.Error
	if errors.As(err, &failed) {
		return failed.Code.String() + ": " + err.Error()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// echo sends 300,000 bytes and reads as many, on two goroutines.
func (d *dials) echo(ctx context.Context, target string) string {
	conn, err := network.Dial(ctx, "tcp", target)
	if err != nil {
		return said(err)
	}
	text := strings.Repeat("0123456789", 30_000)
	go func() {
		_, _ = io.WriteString(conn, text)
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	return fmt.Sprint(len(got), string(got) == text, said(errors.Join(err, conn.Close())))
}

// hold opens connections that it never reads nor closes, until there is an error.
func (d *dials) hold(ctx context.Context, target string) string {
	for {
		conn, err := network.Dial(ctx, "tcp", target)
		if err != nil {
			return fmt.Sprint(len(d.held), " ", said(err))
		}
		d.held = append(d.held, conn)
	}
}

// wait reads from a peer that says nothing until it is asked, while another goroutine ticks and then asks.
func (d *dials) wait(ctx context.Context, target string) string {
	conn, err := network.Dial(ctx, "tcp", target)
	if err != nil {
		return said(err)
	}
	ticks := 0
	go func() {
		for range 5 {
			time.Sleep(2 * time.Millisecond)
			ticks++
		}
		_, _ = io.WriteString(conn, "x")
	}()
	_, err = io.ReadFull(conn, make([]byte, 1))
	return fmt.Sprint(ticks, said(errors.Join(err, conn.Close())))
}

// deadline reads from a peer that says nothing, twice, and then goes on with the connection.
func (d *dials) deadline(ctx context.Context, target string) string {
	conn, err := network.Dial(ctx, "tcp", target)
	if err != nil {
		return said(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
	_, err = conn.Read(make([]byte, 1))
	timedOut, ok := errors.AsType[net.Error](err)
	_ = conn.SetReadDeadline(time.Time{})
	_, _ = io.WriteString(conn, "y")
	answer := make([]byte, 1)
	_, err = io.ReadFull(conn, answer)
	return fmt.Sprintf("%v %s%s", ok && timedOut.Timeout(), answer, said(errors.Join(err, conn.Close())))
}

// closed closes a connection under a reader.
func (d *dials) closed(ctx context.Context, target string) string {
	conn, err := network.Dial(ctx, "tcp", target)
	if err != nil {
		return said(err)
	}
	go func() {
		time.Sleep(2 * time.Millisecond)
		_ = conn.Close()
	}()
	_, err = conn.Read(make([]byte, 1))
	return fmt.Sprint(errors.Is(err, net.ErrClosed), errors.Is(conn.Close(), net.ErrClosed))
}
