// Package web serves Kafka Connect's REST API, and Berth's own resources beside it.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/plugin"
)

// DefaultListener is where Connect listens when its listeners property says nothing.
const DefaultListener = "http://:8083"

// Config is what a server needs besides its herder.
type Config struct {
	Listeners      []string    // as in Connect's listeners: http://host:port; none: DefaultListener
	AdminListeners []string    // for /admin alone (admin.listeners); nil: it is on the others, empty: nowhere
	TLS            *tls.Config // of https listeners
	Version        string      // the version that GET / shows
	Commit         string
	Metrics        http.Handler   // serves GET /metrics; nil: there is no such path
	Loggers        *Loggers       // nil: a table of its own
	Usage          Usage          // serves GET /usage; nil: there is no such path
	Access         Access         // who may use the API; the zero value: everybody
	Preview        host.Previewer // serves POST /preview; nil: there is no such path
	Artifacts      Artifacts      // for modules that lie in registries; nil: none can be pulled
	Leader         *LeaderClient  // for requests that are another worker's; nil: one without settings

	Signatures plugin.Signatures // what modules must be signed with; tenants' records may not go below it

	Auditor  Auditor // keeps records of requests; nil: nobody does
	WorkerID string  // host:port, for these records

	AllowOrigin     string // access.control.allow.origin
	AllowMethods    string // access.control.allow.methods
	ResponseHeaders string // response.http.headers.config
	AmbiguousPaths  bool   // berth.rest.ambiguous.paths
	OpenAPI         bool   // berth.rest.openapi.enable: serve GET /openapi.json; false: there is no such path
}

// Server serves the REST API.
type Server struct {
	config    Config
	all       Herder // of all tenants; resources use herder
	log       *slog.Logger
	main      resources
	admin     resources
	endpoints []endpoint
	memories  memories
}

// endpoint is a listener before it is opened.
type endpoint struct {
	address string // host:port
	https   bool
	admin   bool
}

// New makes a server; it does no I/O. Errors: a property that can't be understood.
func New(config Config, herder Herder, log *slog.Logger) (*Server, error) {
	if len(config.Listeners) == 0 {
		config.Listeners = []string{DefaultListener}
	}
	if config.Loggers == nil {
		config.Loggers = NewLoggers()
	}
	if config.Leader == nil {
		config.Leader = NewLeaderClient(nil)
	}
	s := &Server{config: config, all: herder, log: log, memories: newMemories()}
	headers, err := parseHeaderRules(config.ResponseHeaders)
	if err != nil {
		return nil, err
	}
	origins, err := newCrossOrigin(config.AllowOrigin, config.AllowMethods)
	if err != nil {
		return nil, err
	}
	all := []echo.MiddlewareFunc{withHeaders(headers)}
	if origins != nil {
		all = append(all, origins.handle)
	}
	s.main, s.admin = s.newResources(all...), s.newResources(all...)
	s.addRoutes(s.main)
	if config.AdminListeners == nil {
		s.addAdminRoutes(s.main)
	} else {
		s.addAdminRoutes(s.admin)
	}
	return s, errors.Join(s.addEndpoints(config.Listeners, false), s.addEndpoints(config.AdminListeners, true))
}

func (s *Server) addEndpoints(listeners []string, admin bool) error {
	for _, listener := range listeners {
		e, err := s.parseListener(listener)
		if err != nil {
			return err
		}
		e.admin = admin
		s.endpoints = append(s.endpoints, e)
	}
	return nil
}

var listenerSyntax = regexp.MustCompile(`^([a-zA-Z]+)://\[?([0-9a-zA-Z\-%._:]*)\]?:([0-9]+)$`)

// parseListener reads http://host:port; an empty host listens everywhere.
func (s *Server) parseListener(listener string) (endpoint, error) {
	parts := listenerSyntax.FindStringSubmatch(strings.TrimSpace(listener))
	if parts == nil {
		return endpoint{}, fmt.Errorf("listener %q is not of the form http://host:port", listener)
	}
	https := strings.EqualFold(parts[1], "https")
	switch {
	case !https && !strings.EqualFold(parts[1], "http"):
		return endpoint{}, fmt.Errorf("listener %q: the protocol %q is not supported, http and https are", listener, parts[1])
	case https && s.config.TLS == nil:
		return endpoint{}, fmt.Errorf("listener %q: https needs a certificate: set ssl.keystore.type=PEM and "+
			"ssl.keystore.location, or both with the prefix listeners.https.", listener)
	}
	return endpoint{address: net.JoinHostPort(parts[2], parts[3]), https: https}, nil
}

// Handler serves requests without a listener of its own.
func (s *Server) Handler() http.Handler { return s.main }

// Run listens on all listeners until ctx ends, then lets requests under way finish and returns nil. An error means
// that a listener could not be opened or broke.
func (s *Server) Run(ctx context.Context) error {
	listeners, err := s.listen(ctx)
	if err != nil {
		return err
	}
	return s.serve(ctx, listeners)
}

// opened is a listener that accepts connections.
type opened struct {
	net.Listener
	admin bool
}

func (s *Server) listen(ctx context.Context) ([]opened, error) {
	var listeners []opened
	for _, e := range s.endpoints {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", e.address)
		if err != nil {
			for _, open := range listeners {
				err = errors.Join(err, open.Close())
			}
			return nil, fmt.Errorf("listen on %s: %w", e.address, err)
		}
		s.log.Info("REST API listens", "address", listener.Addr().String(), "https", e.https, "admin", e.admin)
		if e.https {
			listener = tls.NewListener(listener, s.config.TLS)
		}
		listeners = append(listeners, opened{listener, e.admin})
	}
	return listeners, nil
}

func (s *Server) serve(ctx context.Context, listeners []opened) error {
	main, admin := s.httpServer(s.main), s.httpServer(s.admin)
	broken := make(chan error, len(listeners))
	var serving sync.WaitGroup
	for _, listener := range listeners {
		server := main
		if listener.admin {
			server = admin
		}
		serving.Go(func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				broken <- fmt.Errorf("serve %s: %w", listener.Addr(), err)
			}
		})
	}
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-broken:
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownDurationMax)
	defer cancel()
	for _, server := range []*http.Server{main, admin} {
		if err := server.Shutdown(last); err != nil {
			failure = errors.Join(failure, server.Close())
		}
	}
	serving.Wait()
	return failure
}

func (s *Server) httpServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: headerReadDurationMax, IdleTimeout: idleDurationMax,
		MaxHeaderBytes: headerBytesMax, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}
