package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/berth-connect/berth/abi"
	guest "github.com/berth-connect/berth/guest-sdk/go"
	"github.com/berth-connect/berth/guest-sdk/go/network"
	"github.com/berth-connect/berth/guest-sdk/go/web"
)

// answerBytesMax bounds an answer of the service.
const answerBytesMax = 1 << 20

type enrich struct {
	client             *http.Client
	url, field, target string
	answers            cache
}

// Start implements guest.Starter.
func (e *enrich) Start(_ context.Context, config guest.Config) error {
	e.url, e.field, e.target = config.String("url"), config.String("field"), config.String("target")
	if u, err := url.Parse(strings.ReplaceAll(e.url, "{}", "x")); err != nil || u.Host == "" {
		return guest.ConfigError("url", e.url, "it must be an address such as https://api.example.com/users/{}")
	}
	e.client = web.Client(millis(config, "timeout.ms"), network.TLS{Roots: config.String("tls.roots")})
	e.answers = cache{size: int(config.Int("cache.size")), ttl: millis(config, "cache.ttl.ms")}
	return nil
}

func millis(config guest.Config, key string) time.Duration {
	return time.Duration(config.Int(key)) * time.Millisecond
}

// Transform implements guest.Transform.
func (e *enrich) Transform(ctx context.Context, r *guest.Record) (guest.Outcome, error) {
	value, ok := r.Value().(*abi.OrderedMap)
	if !ok {
		return guest.Keep, guest.DataError(fmt.Errorf("the value is %T, not an object without a schema", r.Value()))
	}
	id, ok := value.Get(e.field)
	if !ok || id == nil {
		return guest.Keep, nil // nothing to ask about
	}
	answer, err := e.about(ctx, fmt.Sprint(id))
	if err != nil {
		return guest.Keep, guest.InField(err, e.field)
	}
	value.Set(e.target, answer)
	r.SetValue(nil, value)
	return guest.Keep, nil
}

// about returns what the service, or the cache, says of an id.
func (e *enrich) about(ctx context.Context, id string) (any, error) {
	if answer, ok := e.answers.get(id, time.Now()); ok {
		guest.Count(ctx, "enrich_cache_hits", 1)
		return answer, nil
	}
	answer, err := e.ask(ctx, strings.ReplaceAll(e.url, "{}", url.PathEscape(id)))
	if err == nil {
		e.answers.put(id, answer, time.Now())
	}
	return answer, err
}

// ask gets a document. What may work later is retriable: no connection, no answer in time, a server in trouble.
func (e *enrich) ask(ctx context.Context, address string) (answer any, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, guest.DataError(err)
	}
	response, err := e.client.Do(request)
	if err != nil {
		return nil, classify(err)
	}
	defer func() { _ = response.Body.Close() }() // it was read, or has failed
	body, err := io.ReadAll(io.LimitReader(response.Body, answerBytesMax+1))
	switch {
	case err != nil:
		return nil, classify(err)
	case response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests:
		return nil, guest.Retriable(fmt.Errorf("GET %s: %s", address, response.Status))
	case response.StatusCode != http.StatusOK:
		return nil, guest.DataError(fmt.Errorf("GET %s: %s", address, response.Status))
	case len(body) > answerBytesMax:
		return nil, guest.DataError(fmt.Errorf("GET %s: the answer has more than %d bytes", address, answerBytesMax))
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, guest.DataError(fmt.Errorf("GET %s: the answer is no JSON: %w", address, err))
	}
	return answer, nil
}

// classify tells a grant that is missing, which no retry mends, from an outage.
func classify(err error) error {
	var failed *network.Error
	if errors.As(err, &failed) && failed.Code == abi.NetNotGranted {
		return err
	}
	return guest.Retriable(err)
}

// cache keeps answers; when it is full, what was put first goes first.
type cache struct {
	size    int
	ttl     time.Duration
	answers map[string]kept
	order   []string // of the first puts
}

type kept struct {
	answer any
	until  time.Time
}

func (c *cache) get(id string, now time.Time) (any, bool) {
	k, ok := c.answers[id]
	return k.answer, ok && now.Before(k.until)
}

func (c *cache) put(id string, answer any, now time.Time) {
	if c.size <= 0 {
		return
	}
	if c.answers == nil {
		c.answers = map[string]kept{}
	}
	if _, known := c.answers[id]; !known {
		for len(c.order) >= c.size {
			delete(c.answers, c.order[0])
			c.order = c.order[1:]
		}
		c.order = append(c.order, id)
	}
	c.answers[id] = kept{answer, now.Add(c.ttl)}
}
