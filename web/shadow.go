package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/host"
)

// shadowStatus is what GET of a shadow answers.
type shadowStatus struct {
	host.ShadowWish
	host.ShadowCounts
	CPURatio    float64          `json:"cpu_ratio"` // candidate to live; 0: nothing was compared
	Tasks       []shadowTask     `json:"tasks"`
	Differences []taskDifference `json:"differences"` // the first ones
	Unreached   []string         `json:"unreached,omitempty"`
}

// shadowTask is the shadow beside one task.
type shadowTask struct {
	Task     int    `json:"task"`
	WorkerID string `json:"worker_id"`
	State    string `json:"state"`
	Problem  string `json:"problem,omitempty"`
	host.ShadowCounts
}

type taskDifference struct {
	Task int `json:"task"`
	host.ShadowDifference
}

func newShadowStatus(s herder.Shadow) shadowStatus {
	status := shadowStatus{ShadowWish: s.Wish, ShadowCounts: s.Total, CPURatio: s.Total.CPURatio(),
		Tasks: []shadowTask{}, Differences: []taskDifference{}, Unreached: s.Unreached}
	for _, t := range s.Tasks {
		status.Tasks = append(status.Tasks, shadowTask{t.Task, t.WorkerID, t.State, t.Problem, t.ShadowCounts})
		for _, d := range t.Differences {
			if len(status.Differences) < host.ShadowDifferencesMax {
				status.Differences = append(status.Differences, taskDifference{t.Task, d})
			}
		}
	}
	return status
}

func (s *Server) putShadow(c echo.Context) error {
	name, alias, err := shadowParams(c)
	if err != nil {
		return err
	}
	body, err := readBody(c, jsonBodyBytesMax)
	if err != nil {
		return err
	}
	wish, err := parseShadow(body)
	if err != nil {
		return err
	}
	wish.Connector, wish.Alias = name, alias
	shadow, err := s.herder(c).PutShadow(c.Request().Context(), wish)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, newShadowStatus(shadow))
}

// parseShadow reads what of a transformation a candidate has of its own.
func parseShadow(text []byte) (host.ShadowWish, error) {
	var body struct {
		Version string          `json:"version"`
		Config  json.RawMessage `json:"config"`
		Network bool            `json:"network"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return host.ShadowWish{}, host.BadRequest(fmt.Sprintf("The shadow can't be read: %v: it is an object with version, "+
			"config or both, and network", err))
	}
	wish := host.ShadowWish{Version: body.Version, Network: body.Network}
	if len(body.Config) > 0 {
		var err error
		if wish.Config, err = decodeConfig(body.Config); err != nil {
			return wish, host.BadRequest(err.Error())
		}
	}
	return wish, nil
}

func (s *Server) getShadow(c echo.Context) error {
	name, alias, err := shadowParams(c)
	if err != nil {
		return err
	}
	shadow, err := s.herder(c).Shadow(c.Request().Context(), name, alias)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, newShadowStatus(shadow))
}

func (s *Server) deleteShadow(c echo.Context) error {
	name, alias, err := shadowParams(c)
	if err != nil {
		return err
	}
	if err := s.herder(c).DeleteShadow(c.Request().Context(), name, alias); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) promoteShadow(c echo.Context) error {
	name, alias, err := shadowParams(c)
	if err != nil {
		return err
	}
	swap, err := s.herder(c).PromoteShadow(c.Request().Context(), name, alias, userOf(c))
	return answerSwap(c, swap, err)
}

// shadowReportsHere answers other workers.
func (s *Server) shadowReportsHere(c echo.Context) error {
	name, alias, err := shadowParams(c)
	if err != nil {
		return err
	}
	signature, err := sessionkey.FromHeaders(c.Request().Header.Values, []byte(shadowPath(name, alias)))
	if err != nil {
		return err
	}
	reports, err := s.herder(c).ShadowReportsHere(c.Request().Context(), name, alias, signature)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, orEmpty(reports))
}

func shadowParams(c echo.Context) (connector, alias string, err error) {
	if connector, err = param(c, "connector"); err != nil {
		return "", "", err
	}
	alias, err = param(c, "alias")
	return connector, alias, err
}

func (s space) PutShadow(ctx context.Context, wish host.ShadowWish) (herder.Shadow, error) {
	local := wish.Connector
	wish.Connector = s.full(local)
	shadow, err := s.all.PutShadow(ctx, wish)
	shadow.Wish.Connector = local
	return shadow, s.err(err, local)
}

func (s space) Shadow(ctx context.Context, name, alias string) (herder.Shadow, error) {
	shadow, err := s.all.Shadow(ctx, s.full(name), alias)
	shadow.Wish.Connector = name
	return shadow, s.err(err, name)
}

func (s space) DeleteShadow(ctx context.Context, name, alias string) error {
	return s.err(s.all.DeleteShadow(ctx, s.full(name), alias), name)
}

func (s space) PromoteShadow(ctx context.Context, name, alias, by string) (herder.Swap, error) {
	swap, err := s.all.PromoteShadow(ctx, s.full(name), alias, by)
	return s.swap(name, swap), s.err(err, name)
}

// ShadowReportsHere as PutTaskConfigs.
func (s space) ShadowReportsHere(ctx context.Context, name, alias string, signature *sessionkey.Signature) (
	[]host.ShadowReport, error) {
	reports, err := s.all.ShadowReportsHere(ctx, s.signed(name, signature), alias, signature)
	return reports, s.err(err, name)
}

// shadowPath is where a worker tells others of its tasks' shadows, and what the request's signature is over.
func shadowPath(connector, alias string) string {
	return "connectors/" + url.PathEscape(connector) + "/transforms/" + url.PathEscape(alias) + "/shadow/here"
}

// ShadowReports implements herder.Leader.
func (l *LeaderClient) ShadowReports(ctx context.Context, workerURL, connector, alias string,
	sign sessionkey.Signer) ([]host.ShadowReport, error) {
	path := shadowPath(connector, alias)
	header, err := signed(sign, []byte(path))
	if err != nil {
		return nil, err
	}
	told, err := l.exchange(ctx, http.MethodGet, workerURL+path, header, nil)
	if err != nil {
		return nil, err
	}
	var reports []host.ShadowReport
	if err := json.Unmarshal(told.body, &reports); err != nil {
		return nil, fmt.Errorf("read the worker's answer: %w", err)
	}
	return reports, nil
}
