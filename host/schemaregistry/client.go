package schemaregistry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/network"
)

// client speaks the registry's HTTP API. Safe for concurrent use.
type client struct {
	settings
	http  *http.Client
	log   *slog.Logger
	first atomic.Uint32 // index of the URL that answered last
}

func newClient(s settings, log *slog.Logger) *client {
	dialer := &net.Dialer{Timeout: s.connectTimeout}
	transport := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: s.tls,
		TLSHandshakeTimeout: s.connectTimeout, Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
		MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}
	if s.bounds != nil { // a proxy would dial what this worker must not
		transport.Proxy = nil
		transport.DialContext = s.dialWithin
	}
	return &client{settings: s, log: log, http: &http.Client{Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// dialWithin bounds the dial, too, by the time that the configuration gives it.
func (s settings) dialWithin(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.connectTimeout)
	defer cancel()
	return s.bounds.Dial(ctx, address)
}

func (c *client) close() { c.http.CloseIdleConnections() }

// refusal is what a registry answered instead of doing what it was asked.
type refusal struct {
	status  int // of HTTP
	code    int // the registry's own; 0: none
	message string
	at      string // method and address
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the schema registry answered %s with %d: %s (error code %d)", r.at, r.status, r.message, r.code)
}

// unreachable: no URL gave an answer that counts, also not again.
type unreachable struct{ cause error }

func (u *unreachable) Error() string {
	return fmt.Sprintf("the schema registry can't be reached: %v; check %s and that it runs", u.cause, urlKey)
}

func (u *unreachable) Unwrap() error { return u.cause }

// do sends a request to the URLs in turn and reads the JSON answer into out. What may work later is tried again with a
// growing delay, until ctx ends. Errors: *refusal, *unreachable.
func (c *client) do(ctx context.Context, method, path string, body, out any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	if body == nil {
		content = nil
	}
	wait := c.retryWait
	for attempt := 0; ; attempt++ {
		err = c.anywhere(ctx, method, path, content, out)
		var refused *refusal
		if err == nil || errors.As(err, &refused) {
			return err
		}
		if notGranted(err) || attempt >= c.retries || !pause(ctx, wait) {
			return &unreachable{err}
		}
		c.log.Warn("the schema registry does not answer; it is asked again", "path", path, "error", err, "after", wait)
		wait = min(2*wait, c.retryWaitMax)
	}
}

// notGranted: the tenant may not reach a registry that its configuration names, and asking again changes nothing.
func notGranted(err error) bool {
	var failed *network.Error
	return errors.As(err, &failed) && failed.Code == abi.NetNotGranted
}

// pause waits; false: not in vain, ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// anywhere asks each URL once, the one that answered last first.
func (c *client) anywhere(ctx context.Context, method, path string, content []byte, out any) error {
	var errs []error
	first := c.first.Load()
	for i := range uint32(len(c.urls)) {
		at := (first + i) % uint32(len(c.urls))
		err := c.once(ctx, method, c.urls[at], path, content, out)
		var refused *refusal
		if err == nil || errors.As(err, &refused) {
			c.first.Store(at)
			return err
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// mediaType is what the registry speaks.
const mediaType = "application/vnd.schemaregistry.v1+json"

func (c *client) once(ctx context.Context, method string, base *url.URL, path string, content []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.connectTimeout+c.readTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, base.String()+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	r.Header.Set("Accept", mediaType+", application/json")
	if content != nil {
		r.Header.Set("Content-Type", mediaType)
	}
	switch {
	case c.token != "":
		r.Header.Set("Authorization", "Bearer "+c.token)
	case c.user != "":
		r.SetBasicAuth(c.user, c.pass)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return read(response, method+" "+base.Path+path, out)
}

// read tells three outcomes apart: an answer, a refusal that stands, and an error that another try may cure.
func read(response *http.Response, at string, out any) error {
	body, err := io.ReadAll(io.LimitReader(response.Body, host.RegistryAnswerBytesMax+1))
	if err != nil {
		return fmt.Errorf("read the answer to %s: %w", at, err)
	}
	status := response.StatusCode
	switch {
	case len(body) > host.RegistryAnswerBytesMax:
		return &refusal{status, 0, fmt.Sprintf("more than %d bytes", host.RegistryAnswerBytesMax), at}
	case status >= 200 && status < 300:
		if err := json.Unmarshal(body, out); err != nil {
			return &refusal{status, 0, "what is not the JSON of a schema registry; does " + urlKey + " name one?", at}
		}
		return nil
	}
	var problem struct {
		Code    int    `json:"error_code"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &problem) // a proxy answers in its own words
	if problem.Message == "" {
		problem.Message = http.StatusText(status)
	}
	refused := &refusal{status, problem.Code, problem.Message, at}
	if status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return errors.New(refused.Error()) // another URL or another try may say more
	}
	return refused
}
