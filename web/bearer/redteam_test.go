package bearer

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// An issuer's keys come from where an attacker has his hands. Whatever he sends there shows nobody, ends, and is no
// more than there is room for; where he points to is not asked.
func TestRedTeamIssuers(t *testing.T) {
	key := newRSA(t)
	good := public(&key.PublicKey, "1", "RS256")
	var asked, sent atomic.Int64
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{good}})
	}))
	defer inner.Close()
	endless := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for {
				n, err := w.Write([]byte(text))
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"that-never-answers":              func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"that-stops-in-the-middle":        func(w http.ResponseWriter, r *http.Request) { stall(w, r, `{"keys":[`) },
		"with-endless-spaces":             endless(strings.Repeat(" ", 1<<16)),
		"with-endless-keys":               endless(`{"keys":[` + strings.Repeat(`{"kty":"oct","k":"AA"},`, 1000)),
		"with-deep-json":                  text(strings.Repeat("[", 1<<19)),
		"with-a-huge-set":                 text(`{"keys":[],"x":"` + strings.Repeat("x", 2<<20) + `"}`),
		"with-no-json":                    text("<html>"),
		"that-redirects-to-an-inner-host": http.RedirectHandler(inner.URL, http.StatusFound).ServeHTTP,
		"that-redirects-to-the-metadata-address": http.RedirectHandler("http://169.254.169.254/latest/meta-data/",
			http.StatusTemporaryRedirect).ServeHTTP,
		"that-redirects-to-a-file": http.RedirectHandler("file:///etc/passwd", http.StatusFound).ServeHTTP,
		"that-redirects-for-ever":  http.RedirectHandler("/again", http.StatusFound).ServeHTTP,
	} {
		t.Run("issuer-"+name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			i := newIssuer(t, good)
			s := newKeySet(server.URL+"/keys", Algorithms, &http.Client{CheckRedirect: staysThere, Timeout: time.Second})
			if _, err := s.VerifySignature(t.Context(), i.token(jose.RS256, key, "1", nil)); err == nil {
				t.Error("the token is taken")
			}
		})
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("another host was asked %d times", n)
	}
	if n := sent.Load(); n > 64<<20 {
		t.Errorf("%d MiB were taken", n>>20)
	}
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func stall(w http.ResponseWriter, r *http.Request, body string) {
	_, _ = w.Write([]byte(body))
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// Tokens with keys that nobody knows come while the issuer is slow: it is asked once, and those who have waited for
// that do not ask again, one after the other.
func TestRedTeamUnknownKeysAtASlowIssuer(t *testing.T) {
	key := newRSA(t)
	var asked atomic.Int64
	slow := roundTripper(func(r *http.Request) (*http.Response, error) {
		asked.Add(1)
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	i, began := newIssuer(t, public(&key.PublicKey, "1", "RS256")), time.Now()
	s := newKeySet(i.url, Algorithms, &http.Client{Timeout: 200 * time.Millisecond, Transport: slow})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := s.VerifySignature(t.Context(), i.token(jose.RS256, key, "unknown", nil)); err == nil {
				t.Error("the token is taken")
			}
		})
	}
	all.Wait()
	if n := asked.Load(); n < 1 || n > 1+int64(time.Since(began)/refreshMin) {
		t.Errorf("the issuer was asked %d times", n)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// An issuer that has other keys each time it is asked is asked no more often than one that keeps them.
func TestRedTeamIssuerWithNewKeysEachTime(t *testing.T) {
	key := newRSA(t)
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		other := newRSA(t)
		asked.Add(1)
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public(&other.PublicKey, "1", "RS256")}})
	}))
	defer server.Close()
	i, began := newIssuer(t, public(&key.PublicKey, "1", "RS256")), time.Now()
	s := newKeySet(server.URL, Algorithms, http.DefaultClient)
	for range 100 {
		if _, err := s.VerifySignature(t.Context(), i.token(jose.RS256, key, "1", nil)); err == nil {
			t.Error("the token is taken")
		}
	}
	if n := asked.Load(); n > 1+int64(time.Since(began)/refreshMin) {
		t.Errorf("the issuer was asked %d times", n)
	}
}
