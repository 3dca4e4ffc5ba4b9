// Package web serves Kafka Connect's REST API, and Berth's own resources beside it.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
)

// DefaultListener is where Connect listens when its listeners property says nothing.
const DefaultListener = "http://:8083"

// Config is what a server needs besides its herder.
type Config struct {
	Listeners []string // as in Connect's listeners: http://host:port; none: DefaultListener
	Version   string   // the version that GET / shows
	Commit    string
	Metrics   http.Handler // serves GET /metrics; nil: there is no such path
	Loggers   *Loggers     // nil: a table of its own
}

// Server serves the REST API.
type Server struct {
	config    Config
	herder    Herder
	log       *slog.Logger
	echo      *echo.Echo
	addresses []string // host:port of the listeners
}

// New makes a server; it does no I/O. Errors: a listener that can't be understood.
func New(config Config, herder Herder, log *slog.Logger) (*Server, error) {
	if len(config.Listeners) == 0 {
		config.Listeners = []string{DefaultListener}
	}
	if config.Loggers == nil {
		config.Loggers = NewLoggers()
	}
	s := &Server{config: config, herder: herder, log: log, echo: echo.New()}
	for _, listener := range config.Listeners {
		address, err := parseListener(listener)
		if err != nil {
			return nil, err
		}
		s.addresses = append(s.addresses, address)
	}
	s.echo.HTTPErrorHandler = s.handleError
	s.echo.Pre(normalisePath)
	s.addRoutes()
	return s, nil
}

var listenerSyntax = regexp.MustCompile(`^([a-zA-Z]+)://\[?([0-9a-zA-Z\-%._:]*)\]?:([0-9]+)$`)

// parseListener turns http://host:port into host:port; an empty host listens everywhere.
func parseListener(listener string) (string, error) {
	parts := listenerSyntax.FindStringSubmatch(strings.TrimSpace(listener))
	if parts == nil {
		return "", fmt.Errorf("listener %q is not of the form http://host:port", listener)
	}
	if !strings.EqualFold(parts[1], "http") {
		return "", fmt.Errorf("listener %q: the protocol %q is not supported, http is", listener, parts[1])
	}
	return net.JoinHostPort(parts[2], parts[3]), nil
}

// Handler serves requests without a listener of its own.
func (s *Server) Handler() http.Handler { return s.echo }

// Run listens on all listeners until ctx ends, then lets requests under way finish and returns nil. An error means
// that a listener could not be opened or broke.
func (s *Server) Run(ctx context.Context) error {
	listeners, err := s.listen(ctx)
	if err != nil {
		return err
	}
	return s.serve(ctx, listeners)
}

func (s *Server) listen(ctx context.Context) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, address := range s.addresses {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			for _, open := range listeners {
				err = errors.Join(err, open.Close())
			}
			return nil, fmt.Errorf("listen on %s: %w", address, err)
		}
		s.log.Info("REST API listens", "address", listener.Addr().String())
		listeners = append(listeners, listener)
	}
	return listeners, nil
}

func (s *Server) serve(ctx context.Context, listeners []net.Listener) error {
	server := &http.Server{
		Handler: s.echo, ReadHeaderTimeout: headerReadDurationMax, IdleTimeout: idleDurationMax,
		MaxHeaderBytes: headerBytesMax, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	broken := make(chan error, len(listeners))
	var serving sync.WaitGroup
	for _, listener := range listeners {
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
	if err := server.Shutdown(last); err != nil {
		failure = errors.Join(failure, server.Close())
	}
	serving.Wait()
	return failure
}
