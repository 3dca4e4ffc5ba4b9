package bearer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// fetchDurationMax bounds one question to the issuer.
	fetchDurationMax = 10 * time.Second
	// keysBytesMax bounds a set of keys.
	keysBytesMax = 1 << 20
	// refreshAfter is when keys are read again although all are known.
	refreshAfter = time.Hour
	// refreshMin is the least time between two reads: tokens with unknown keys must not make this worker flood the issuer.
	refreshMin = 10 * time.Second
	// staleMax is how long keys hold that can't be read again.
	staleMax = 24 * time.Hour
)

// keySet is the issuer's keys, read when they are needed and again when a token names one that is not there. It
// implements oidc.KeySet.
type keySet struct {
	source     string // URL or file
	algorithms []jose.SignatureAlgorithm
	client     *http.Client

	fetching sync.Mutex // held while keys are read
	tried    time.Time  // guarded by fetching

	mu      sync.Mutex
	keys    []jose.JSONWebKey         // guarded by mu
	read    time.Time                 // of keys; guarded by mu
	changed atomic.Pointer[time.Time] // modification time of the file that was read
}

func newKeySet(source string, algorithms []string, client *http.Client) *keySet {
	s := &keySet{source: source, client: client}
	for _, name := range algorithms {
		s.algorithms = append(s.algorithms, jose.SignatureAlgorithm(name))
	}
	return s
}

// VerifySignature returns the payload of a token that one of the keys has signed.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, s.algorithms)
	if err != nil {
		return nil, fmt.Errorf("read the token: %w", err)
	}
	if len(signed.Signatures) != 1 {
		return nil, errors.New("the token must have one signature")
	}
	header := signed.Signatures[0].Header
	for _, again := range []bool{false, true} {
		keys, err := s.current(ctx, again)
		if err != nil {
			return nil, err
		}
		for i := range keys {
			if !fits(&keys[i], header) {
				continue
			}
			if payload, err := signed.Verify(&keys[i]); err == nil {
				return payload, nil
			}
		}
	}
	return nil, errors.New("no key of the issuer has signed the token")
}

// fits tells whether a key may have signed: public keys for signatures alone, of the token's key id and algorithm where
// both sides name them.
func fits(key *jose.JSONWebKey, header jose.Header) bool {
	return key.IsPublic() && key.Use != "enc" && (header.KeyID == "" || key.KeyID == "" || key.KeyID == header.KeyID) &&
		(key.Algorithm == "" || key.Algorithm == header.Algorithm)
}

// current returns the keys; again: those that are known did not fit. Who has keys that fit waits for nobody.
func (s *keySet) current(ctx context.Context, again bool) ([]jose.JSONWebKey, error) {
	s.mu.Lock()
	keys, err := s.usable()
	old := time.Since(s.read) > refreshAfter || s.fileChanged()
	s.mu.Unlock()
	switch {
	case err != nil || again:
		return s.refresh(ctx)
	case old && s.isURL():
		go func() { _, _ = s.refresh(context.WithoutCancel(ctx)) }() // these hold for a while yet
	case old:
		return s.refresh(ctx)
	}
	return keys, nil
}

// refresh reads the keys unless somebody has just done so.
func (s *keySet) refresh(ctx context.Context) ([]jose.JSONWebKey, error) {
	s.fetching.Lock()
	defer s.fetching.Unlock()
	if time.Since(s.tried) < refreshMin && !s.fileChanged() {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.usable()
	}
	began := time.Now()
	text, err := s.fetch(ctx)
	s.tried = time.Now() // who has waited for an issuer that is slow does not ask it again
	var set jose.JSONWebKeySet
	if err == nil {
		err = json.Unmarshal(text, &set)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.keys, s.read = append([]jose.JSONWebKey{}, set.Keys...), began
		return s.keys, nil
	}
	if keys, old := s.usable(); old == nil {
		return keys, nil
	}
	return nil, fmt.Errorf("read the issuer's keys from %s: %w", s.source, err)
}

// usable returns what was read before, unless that is too long ago. mu must be held.
func (s *keySet) usable() ([]jose.JSONWebKey, error) {
	if s.keys != nil && time.Since(s.read) < staleMax {
		return s.keys, nil
	}
	return nil, errors.New("the issuer's keys could not be read a moment ago")
}

func (s *keySet) isURL() bool {
	return strings.HasPrefix(s.source, "https://") || strings.HasPrefix(s.source, "http://")
}

func (s *keySet) fileChanged() bool {
	if s.isURL() {
		return false
	}
	info, err := os.Stat(s.source)
	if err != nil {
		return false
	}
	read := s.changed.Load()
	return read == nil || !info.ModTime().Equal(*read)
}

func (s *keySet) fetch(ctx context.Context) ([]byte, error) {
	if !s.isURL() {
		info, err := os.Stat(s.source)
		if err != nil {
			return nil, err
		}
		changed := info.ModTime()
		s.changed.Store(&changed)
		return os.ReadFile(s.source)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchDurationMax)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.source, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	return io.ReadAll(io.LimitReader(response.Body, keysBytesMax))
}
