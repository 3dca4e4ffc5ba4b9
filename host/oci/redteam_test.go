package oci

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/oci/ocitest"
)

// tenants grants each tenant a network.
type tenants map[string][]string

func (t tenants) Tenant(name string) (host.Tenant, bool) {
	network, known := t[name]
	return host.Tenant{Name: name, Network: network}, known
}

func (t tenants) AnyTenant() bool { return len(t) > 0 }

func TestPullsAreGranted(t *testing.T) {
	r := &ocitest.Registry{}
	server, address := serve(t, r)
	reference := address + "/a@" + r.Push("a", ocitest.Module(wasm), wasm)
	for _, c := range []struct {
		what, tenant string
		registries   []string
		want         string
	}{
		{"off", "", nil, "the worker's berth.oci.registries lists none"},
		{"another", "", []string{"r.test:443"}, address + " is a private or special address, which needs a grant of " +
			"its own; the worker's berth.oci.registries must list it"},
		{"all of the internet", "", []string{"*:*", "0.0.0.0/0:*"}, "private or special address"},
		{"the tenant's alone", "a", []string{"r.test:443"}, "the worker's berth.oci.registries must list it"},
		{"the worker's alone", "b", []string{address}, "the network of tenant b must list it"},
		{"both", "a", []string{address}, ""},
		{"no tenant's", "", []string{address}, ""},
	} {
		p := puller(t, server, Config{Registries: policy(t, c.registries...), Tenants: tenants{"a": {address},
			"b": {"r.test:443"}}})
		_, err := p.Pull(t.Context(), c.tenant, reference, anySize)
		if c.want != "" {
			refused(t, c.what, err, ErrNotGranted, c.want)
		} else if err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	_, err := puller(t, server, Config{Registries: policy(t, address), Tenants: tenants{}}).Pull(t.Context(), "gone",
		reference, anySize)
	refused(t, "no tenant", err, host.ErrNotFound, "Tenant gone not found")
}

// names resolves to what a test says, each time to the next.
type names struct {
	addresses []string
	asked     atomic.Int64
}

func (n *names) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	at := min(int(n.asked.Add(1)), len(n.addresses)) - 1
	return []netip.Addr{netip.MustParseAddr(n.addresses[at])}, nil
}

func (n *names) LookupSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, errors.ErrUnsupported
}

func (n *names) LookupTXT(context.Context, string) ([]string, error) {
	return nil, errors.ErrUnsupported
}

// The widest grants of names open no address that is private, in whatever spelling, on whatever way to it.
func TestPrivateAddressesAreNotReached(t *testing.T) {
	victim := &ocitest.Registry{}
	server, address := serve(t, victim)
	_, port, _ := net.SplitHostPort(address)
	digest := victim.Push("a", ocitest.Module(wasm), wasm)
	wide := policy(t, "*:*", "0.0.0.0/0:*", "[::]/0:*")
	for _, name := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254",
		"metadata.google.internal", "[fd00:ec2::254]", "127.1", "2130706433", "0x7f000001", "10.0.0.1", "rebound.test"} {
		resolver := &names{addresses: []string{"127.0.0.1"}}
		p := puller(t, server, Config{Registries: wide, Resolver: resolver})
		_, err := p.try(t, name+":"+port+"/a@"+digest)
		refused(t, name, err, ErrNotGranted, "private or special address")
	}
	if heard := victim.Heard(); len(heard) > 0 {
		t.Errorf("it was reached: %v", heard)
	}
}

// A name is looked at each time that it is dialled: one that was good for the manifest is not for the module.
func TestRebindingReachesNothing(t *testing.T) {
	r := &ocitest.Registry{}
	server, address := serve(t, r)
	_, port, _ := net.SplitHostPort(address)
	reference := "example.com:" + port + "/a@" + r.Push("a", ocitest.Module(wasm), wasm)
	r.AnswerWith(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Connection", "close")
		return false
	})
	for second, granted := range map[string]bool{"127.0.0.1": true, "127.0.0.2": false, "169.254.169.254": false,
		"::1": false} {
		resolver := &names{addresses: []string{"127.0.0.1", second}}
		p := puller(t, server, Config{Registries: policy(t, "example.com:"+port, "127.0.0.1:"+port), Resolver: resolver})
		_, err := p.try(t, reference)
		if resolver.asked.Load() != 2 {
			t.Errorf("%s: DNS was asked %d times", second, resolver.asked.Load())
		}
		if !granted {
			refused(t, second, err, ErrNotGranted, "example.com resolves to ", "private or special address")
		} else if err != nil {
			t.Errorf("%s: %v", second, err)
		}
	}
}

// redirecting sends requests for blobs elsewhere.
func redirecting(r *ocitest.Registry, target func(request *http.Request) string) {
	r.AnswerWith(func(w http.ResponseWriter, request *http.Request) bool {
		if !strings.Contains(request.URL.Path, "/blobs/") {
			return false
		}
		http.Redirect(w, request, target(request), http.StatusTemporaryRedirect)
		return true
	})
}

func TestBlobsComeFromAnotherHost(t *testing.T) {
	blobs := &ocitest.Registry{}
	_, elsewhere := serve(t, blobs)
	r, address, reference, p := withTokens(t, "ann")
	blobs.Put("team/a/blobs/"+ocitest.Digest(wasm), wasm)
	redirecting(r, func(request *http.Request) string { return "https://" + elsewhere + request.URL.Path + "?signed=x" })
	_, err := p.try(t, reference)
	refused(t, "not granted", err, ErrNotGranted, elsewhere+" is a private", "berth.oci.registries must list it")
	p.config.Registries = policy(t, address, elsewhere)
	if m, err := p.try(t, reference); err != nil || string(m.Wasm) != string(wasm) {
		t.Errorf("got %+v, %v", m, err)
	}
	if heard := blobs.Heard(); len(heard) != 1 || strings.Contains(heard[0], "Bearer") {
		t.Errorf("the blob host heard %v", heard)
	}
}

// What was shown to the registry goes to no other port of its host, and does not come back on a way around.
func TestAuthorizationEndsWhereTheRegistryEnds(t *testing.T) {
	r, address, reference, p := withTokens(t, "ann")
	around := &ocitest.Registry{}
	around.AnswerWith(func(w http.ResponseWriter, request *http.Request) bool {
		http.Redirect(w, request, "https://"+address+"/back", http.StatusFound)
		return true
	})
	_, elsewhere := serve(t, around)
	p.config.Registries = policy(t, address, elsewhere)
	redirecting(r, func(*http.Request) string { return "https://" + elsewhere + "/around" })
	_, err := p.try(t, reference)
	refused(t, "back", err, host.ErrBadRequest, "401")
	for _, line := range append(around.Heard(), r.Heard()...) {
		if (strings.Contains(line, "/around") || strings.Contains(line, "/back")) && strings.Contains(line, "Bearer") {
			t.Errorf("the token went along: %s", line)
		}
	}
	redirecting(r, func(request *http.Request) string {
		return strings.Replace(request.URL.Path, "/blobs/", "/content/", 1)
	})
	r.Put("team/a/content/"+ocitest.Digest(wasm), wasm)
	if _, err := p.try(t, reference); err != nil {
		t.Errorf("on the registry itself: %v", err)
	}
}

func TestRedirectsThatLeadAstray(t *testing.T) {
	r := &ocitest.Registry{}
	server, address := serve(t, r)
	_, port, _ := net.SplitHostPort(address)
	reference := address + "/a@" + r.Push("a", ocitest.Module(wasm), wasm)
	p := puller(t, server, Config{Registries: policy(t, address, "r.test:443"), Resolver: &names{
		addresses: []string{"169.254.169.254"}}})
	for target, want := range map[string]string{
		"http://" + address + "/a":             "in plain HTTP; the worker's berth.oci.http must list it",
		"http://169.254.169.254/latest":        "in plain HTTP",
		"https://169.254.169.254/latest":       "169.254.169.254:443 is a private or special address",
		"https://r.test/latest":                "r.test resolves to 169.254.169.254:443 is a private",
		"https://localhost:" + port + "/":      "localhost:" + port + " is not granted",
		"https://[::1]:" + port + "/":          "is a private or special address",
		"file:///etc/passwd":                   "is not of http or https",
		"ftp://" + address + "/a":              "is not of http or https",
		"https://user:secret@" + address + "/": "has a user",
		"https://" + address + ":0/":           "",
		"/again":                               "more than 5 redirects",
	} {
		r.AnswerWith(func(w http.ResponseWriter, request *http.Request) bool {
			if strings.Contains(request.URL.Path, "/manifests/") {
				return false
			}
			w.Header().Set("Location", target)
			w.WriteHeader(http.StatusFound)
			return true
		})
		_, err := p.try(t, reference)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %q", target, err, want)
		}
	}
}

// What a registry says of its errors may be what the asker may not see.
func TestBodiesOfRefusalsAreNotTold(t *testing.T) {
	r := &ocitest.Registry{}
	server, address := serve(t, r)
	p := puller(t, server, Config{Registries: policy(t, address)})
	for status, kind := range map[int]error{403: host.ErrBadRequest, 404: host.ErrBadRequest, 418: ErrRegistry,
		429: ErrRegistry, 500: ErrRegistry, 503: ErrRegistry} {
		r.AnswerWith(func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, "secret")
			return true
		})
		_, err := p.try(t, address+"/a@"+someDigest)
		refused(t, fmt.Sprint(status), err, kind, fmt.Sprintf("%s answers %d", address, status))
		if strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// endless writes until the client has enough.
func endless(w http.ResponseWriter) (sent int) {
	for piece := make([]byte, 64<<10); ; {
		n, err := w.Write(piece)
		if sent += n; err != nil {
			return sent
		}
	}
}

func TestWhatDoesNotEndIsLeft(t *testing.T) {
	r := &ocitest.Registry{}
	server, address := serve(t, r)
	p := puller(t, server, Config{Registries: policy(t, address)})
	digest := r.Push("a", ocitest.Module(wasm), wasm)
	for part, want := range map[string]string{"/manifests/": "its manifest has more than 1048576 bytes",
		"/blobs/": "its module has more than the 17 bytes"} {
		var sent atomic.Int64
		done := make(chan struct{})
		r.AnswerWith(func(w http.ResponseWriter, request *http.Request) bool {
			if !strings.Contains(request.URL.Path, part) {
				return false
			}
			defer close(done)
			sent.Store(int64(endless(w)))
			return true
		})
		_, err := p.try(t, address+"/a@"+digest)
		refused(t, part, err, host.ErrBadRequest, want)
		if <-done; sent.Load() > 32<<20 {
			t.Errorf("%s: %d bytes were sent", part, sent.Load())
		}
	}
}

// A server that does not go on holds a pull as long as its context, and no longer.
func TestWhatStandsStillEndsWithTheRequest(t *testing.T) {
	for _, part := range []string{"/manifests/", "/blobs/", "/token"} {
		r, _, reference, p := withTokens(t, "ann")
		ctx, cancel := context.WithCancel(t.Context())
		r.AnswerWith(func(w http.ResponseWriter, request *http.Request) bool {
			if !strings.Contains(request.URL.Path, part) || part != "/token" && request.Header.Get("Authorization") == "" {
				return false
			}
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush() // or the client is gone
			cancel()
			<-request.Context().Done()
			return true
		})
		_, err := p.Pull(ctx, "", reference, anySize)
		refused(t, part, err, context.Canceled)
	}
}

func TestWhatComesTooLateIsNotBlamedOnTheArtifact(t *testing.T) {
	_, _, reference, p := withTokens(t, "ann")
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err := p.Pull(ctx, "", reference, anySize)
	refused(t, "late", err, ErrRegistry, "it did not come within 1m0s")
}

func TestPlainHTTPIsGranted(t *testing.T) {
	r := &ocitest.Registry{}
	server := httptest.NewServer(r)
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	reference := address + "/a@" + r.Push("a", ocitest.Module(wasm), wasm)
	registries := policy(t, address)
	_, err := New(Config{Registries: registries}).try(t, reference)
	refused(t, "not granted", err, ErrRegistry, "server gave HTTP response to HTTPS client")
	if _, err := New(Config{Registries: registries, Plain: policy(t, address)}).try(t, reference); err != nil {
		t.Error(err)
	}
}
