package web

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
)

// Auditor keeps records of requests.
type Auditor interface {
	// Ready returns an error while it can't take the record of another request.
	Ready() error
	// Record takes a record; it returns at once.
	Record(record AuditRecord)
}

// Outcomes of audited requests.
const (
	outcomeDone    = "done"
	outcomeRefused = "refused" // the client may not do it
	outcomeFailed  = "failed"
)

// AuditRecord says who asked for what and what came of it. It holds no body: what was sent can be compared by its
// digest.
type AuditRecord struct {
	Time       time.Time `json:"time"`
	Principal  string    `json:"principal"` // "": nobody had to say, or nobody has
	Tenant     string    `json:"tenant"`    // whose API was used; "": the default tenant's
	Method     string    `json:"method"`
	Path       string    `json:"path"` // as it was asked for
	Query      string    `json:"query,omitempty"`
	Outcome    string    `json:"outcome"`
	Status     int       `json:"status"` // of the answer
	Address    string    `json:"address"`
	BodyBytes  int64     `json:"body_bytes"`            // that were read
	BodySHA256 string    `json:"body_sha256,omitempty"` // of these, hex
	Worker     string    `json:"worker"`
}

// audited records requests that would change something, and all that are refused. Requests that another worker has
// forwarded are recorded there, and those that recordable has turned away nowhere: nothing came of them.
func (s *Server) audited(handler echo.HandlerFunc) echo.HandlerFunc {
	auditor := s.config.Auditor
	if auditor == nil {
		return handler
	}
	return func(c echo.Context) error {
		request := c.Request()
		body := &digested{body: request.Body, sum: sha256.New()}
		request.Body = body
		err := handler(c)
		status := c.Response().Status
		if err != nil {
			status = statusOf(err)
		}
		refused := status == http.StatusUnauthorized || status == http.StatusForbidden
		_, forwarded := c.Get(forwardedKey).(bool)
		_, turnedAway := c.Get(unrecordableKey).(bool)
		if !forwarded && !turnedAway && (changesSomething(request) || refused) {
			auditor.Record(s.record(c, body, status, refused))
		}
		return err
	}
}

const unrecordableKey = "unrecordable"

func changesSomething(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

// recordable turns requests away that may change something and for whose record there is no room. It comes behind the
// question who the client is: who may do nothing learns that, and leaves a record while there is any room.
func (s *Server) recordable(handler echo.HandlerFunc) echo.HandlerFunc {
	auditor := s.config.Auditor
	if auditor == nil {
		return handler
	}
	return func(c echo.Context) error {
		if _, forwarded := c.Get(forwardedKey).(bool); forwarded || !changesSomething(c.Request()) {
			return handler(c)
		}
		if err := auditor.Ready(); err != nil {
			c.Set(unrecordableKey, true)
			return &host.Error{Kind: herder.ErrUnavailable, Message: err.Error()}
		}
		return handler(c)
	}
}

func (s *Server) record(c echo.Context, body *digested, status int, refused bool) AuditRecord {
	request := c.Request()
	actor, _ := ActorOf(request.Context())
	r := AuditRecord{Time: time.Now().UTC(), Principal: actor.Principal, Tenant: tenantOf(c),
		Method: request.Method, Path: cut(tenantPath(c) + request.URL.RawPath), Query: cut(request.URL.RawQuery),
		Outcome: outcomeDone, Status: status, Address: request.RemoteAddr, BodyBytes: body.bytes,
		Worker: s.config.WorkerID}
	if address, _, err := net.SplitHostPort(request.RemoteAddr); err == nil {
		r.Address = address
	}
	switch {
	case refused:
		r.Outcome = outcomeRefused
	case status >= http.StatusBadRequest:
		r.Outcome = outcomeFailed
	}
	if body.bytes > 0 {
		r.BodySHA256 = hex.EncodeToString(body.sum.Sum(nil))
	}
	return r
}

// cut bounds a part of a URL.
func cut(text string) string { return text[:min(len(text), auditTextBytesMax)] }

// digested is a body that is summed up as it is read.
type digested struct {
	body  io.ReadCloser
	sum   hash.Hash
	bytes int64
}

func (d *digested) Read(p []byte) (int, error) {
	n, err := d.body.Read(p)
	d.sum.Write(p[:n])
	d.bytes += int64(n)
	return n, err
}

func (d *digested) Close() error { return d.body.Close() }
