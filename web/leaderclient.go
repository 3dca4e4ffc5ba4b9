package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/host"
)

// LeaderClient sends requests to other workers of the group, to its leader mostly. It implements herder.Leader.
type LeaderClient struct{ client *http.Client }

// NewLeaderClient makes a client that follows no redirects and asks no proxy; tls is for workers with https listeners,
// nil: the system's.
func NewLeaderClient(tls *tls.Config) *LeaderClient {
	transport := &http.Transport{TLSClientConfig: tls, IdleConnTimeout: idleDurationMax,
		MaxIdleConnsPerHost: leaderConnectionsMax}
	return &LeaderClient{&http.Client{Timeout: requestDurationMax, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// PutTaskConfigs implements herder.Leader.
func (l *LeaderClient) PutTaskConfigs(ctx context.Context, leaderURL, connector string, tasks []host.Config,
	sign sessionkey.Signer) error {
	body, err := json.Marshal(tasks)
	if err != nil {
		return fmt.Errorf("encode task configurations of connector %s: %w", connector, err)
	}
	return l.send(ctx, http.MethodPost, leaderURL+"connectors/"+escapeSegment(connector)+"/tasks", body, sign)
}

// FenceZombies implements herder.Leader.
func (l *LeaderClient) FenceZombies(ctx context.Context, leaderURL, connector string, sign sessionkey.Signer) error {
	return l.send(ctx, http.MethodPut, leaderURL+"connectors/"+escapeSegment(connector)+"/fence", nil, sign)
}

// send makes a signed request of this worker's own. A worker that leads the group but has not heard of it yet must not
// pass it on to the leader before it, which may be dead, and without the signature: it answers with a conflict.
func (l *LeaderClient) send(ctx context.Context, method, url string, body []byte, sign sessionkey.Signer) error {
	header, err := signed(sign, body)
	if err != nil {
		return err
	}
	_, err = l.exchange(ctx, method, url+"?forward=false", header, body)
	return err
}

// signed are the headers of a request with a signature over what; none where the group does not sign.
func signed(sign sessionkey.Signer, what []byte) (http.Header, error) {
	header := http.Header{}
	if sign == nil {
		return header, nil
	}
	signature, err := sign(what)
	if err != nil {
		return nil, err
	}
	header.Set(sessionkey.AuthorizationHeader, signature.Authorization())
	header.Set(sessionkey.AlgorithmHeader, signature.Algorithm)
	return header, nil
}

// answer is what another worker said to a request that it took.
type answer struct {
	status   int
	location string
	body     []byte
}

// exchange sends a request to another worker. Errors: a *forwardedError with its refusal; Connect's text when it can't
// be reached or makes no sense.
func (l *LeaderClient) exchange(ctx context.Context, method, url string, header http.Header, body []byte) (answer,
	error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("Error trying to forward REST request: %w", err)
	}
	request.Header = header
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "kafka-connect")
	response, err := l.client.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("IO Error trying to forward REST request: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, answerBytesMax))
	if err != nil {
		return answer{}, fmt.Errorf("IO Error trying to forward REST request: %w", err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return answer{}, refusal(response.StatusCode, text)
	}
	return answer{response.StatusCode, response.Header.Get("Location"), text}, nil
}
