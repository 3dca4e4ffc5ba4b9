package clients

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/guest-sdk/go/network"
)

func dialled(t *testing.T, failure error) *Client {
	t.Helper()
	c, err := New(configOf("source.cluster.bootstrap.servers", "a:1"), SourceSide, Admin, "id")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	dial := c.dialer(func(context.Context, string, string) (net.Conn, error) { return nil, failure })
	if _, err := dial(t.Context(), "tcp", "a:1"); !errors.Is(err, failure) {
		t.Fatalf("dialled with %v", err)
	}
	return c
}

// What is not granted ends the client: the library would try for ever.
func TestAMissingGrantEndsTheClient(t *testing.T) {
	missing := &network.Error{Code: abi.NetNotGranted, Message: "grant a:1 in berth.allow.net"}
	c := dialled(t, missing)
	if err := c.Explain(context.Canceled); !errors.Is(err, missing) || !strings.Contains(err.Error(), "the broker a:1") {
		t.Errorf("%v", err)
	}
}

func TestAWaitInVainSaysWhy(t *testing.T) {
	refused := &network.Error{Code: abi.NetUnreachable, Message: "connection refused"}
	c := dialled(t, refused)
	if c.Ended() != nil {
		t.Errorf("an outage ends the client: %v", c.Ended())
	}
	for err, explained := range map[error]bool{context.DeadlineExceeded: true, net.ErrClosed: false} {
		if got := c.Explain(err); errors.Is(got, refused) != explained {
			t.Errorf("%v becomes %v", err, got)
		}
	}
}
