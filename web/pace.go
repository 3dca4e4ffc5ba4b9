package web

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/semaphore"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
)

// Clients that are slow, greedy or many cost a bounded time and memory each, and all of them together.

// memoriesKey is where a request finds what it may hold.
const memoriesKey = "memories"

// paced bounds how long a body may take to come and an answer to go; whoever reads the body has more time for it. A
// request in chunks is its connection's last: a proxy may have taken another length for it, and what follows for its
// part.
func (s *Server) paced(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Set(memoriesKey, s.memories)
		request, response := c.Request(), c.Response()
		control := http.NewResponseController(response.Writer)
		if awaitBody(c, 0); request.ContentLength != 0 {
			request.Body = &pacedBody{request.Body, control}
		}
		if len(request.TransferEncoding) > 0 {
			response.Header().Set(echo.HeaderConnection, "close")
		}
		response.Writer = &pacedWriter{response.Writer, control}
		return next(c)
	}
}

// awaitBody begins the time that a body of at most so many bytes may take.
func awaitBody(c echo.Context, bytes int64) {
	limit := bodyDurationMin + time.Duration(bytes/bodyBytesPerSecondMin)*time.Second
	if c.Request().ContentLength != 0 {
		_ = http.NewResponseController(c.Response().Writer).SetReadDeadline(time.Now().Add(limit)) // a test's has none
	}
}

// pacedBody takes the deadline back at the end of the body: it would end the request whose answer takes longer.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *pacedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// pacedWriter gives each piece of an answer its time; a client that takes none loses its connection.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (w *pacedWriter) Write(p []byte) (written int, err error) {
	for first := true; first || len(p) > 0; first = false {
		piece := p[:min(len(p), answerPieceBytes)]
		_ = w.control.SetWriteDeadline(time.Now().Add(answerPieceDurationMax))
		n, err := w.ResponseWriter.Write(piece)
		written += n
		if err != nil {
			return written, err
		}
		p = p[n:]
	}
	return written, nil
}

// Unwrap is for http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// memories are the bytes of bodies and modules that requests may hold at a time.
type memories struct{ bodies, modules *semaphore.Weighted }

func newMemories() memories {
	return memories{semaphore.NewWeighted(bodiesBytesMax), semaphore.NewWeighted(modulesBytesMax)}
}

// holdBody waits until a request may have its body of at most limit bytes.
func holdBody(c echo.Context, limit int64) error {
	bytes := limit
	if length := c.Request().ContentLength; length >= 0 {
		bytes = min(length, limit)
	}
	m, _ := c.Get(memoriesKey).(memories)
	all := m.bodies
	if limit > jsonBodyBytesMax {
		all = m.modules
	}
	if err := hold(c, all, bytes); err != nil {
		return err
	}
	awaitBody(c, bytes)
	return nil
}

// holdModule waits until a request may have a module.
func holdModule(c echo.Context, bytes int64) error {
	m, _ := c.Get(memoriesKey).(memories)
	return hold(c, m.modules, min(bytes, modulesBytesMax))
}

// hold takes bytes, which the end of the request gives back.
func hold(c echo.Context, all *semaphore.Weighted, bytes int64) error {
	if all == nil { // not served by a Server
		return nil
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), memoryWaitMax)
	defer cancel()
	if err := all.Acquire(ctx, bytes); err != nil {
		return &host.Error{Kind: herder.ErrUnavailable, Message: "Too many large requests are under way; try again later"}
	}
	context.AfterFunc(c.Request().Context(), func() { all.Release(bytes) })
	return nil
}
