package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/host"
)

// LeaderClient sends requests between workers to the leader of the group. It implements herder.Leader.
type LeaderClient struct{ client *http.Client }

// leaderTimeout bounds one request to the leader, as any request of REST.
const leaderTimeout = 90 * time.Second

// answerBytesMax bounds what is read of an answer.
const answerBytesMax = 1 << 20

// NewLeaderClient makes a client that follows no redirects.
func NewLeaderClient() *LeaderClient {
	return &LeaderClient{&http.Client{Timeout: leaderTimeout,
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

func (l *LeaderClient) send(ctx context.Context, method, url string, body []byte, sign sessionkey.Signer) error {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("Error trying to forward REST request: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "kafka-connect")
	if sign != nil {
		signature, err := sign(body)
		if err != nil {
			return err
		}
		request.Header.Set(sessionkey.AuthorizationHeader, signature.Authorization())
		request.Header.Set(sessionkey.AlgorithmHeader, signature.Algorithm)
	}
	answer, err := l.client.Do(request)
	if err != nil {
		return fmt.Errorf("IO Error trying to forward REST request: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, answerBytesMax))
	if answer.StatusCode < http.StatusMultipleChoices || err != nil {
		return err
	}
	var told errorMessage
	if json.Unmarshal(text, &told) == nil && told.Message != "" {
		return errors.New(told.Message)
	}
	return fmt.Errorf("Unexpected status code when handling forwarded request: %d", answer.StatusCode)
}
