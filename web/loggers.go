package web

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/host"
)

// rootLogger is the ancestor of all loggers.
const rootLogger = "root"

// logLevels are log4j's levels with slog's; slog has no names of its own for the outer ones.
var logLevels = map[string]slog.Level{
	"ALL": LowestLevel, "TRACE": slog.LevelDebug - 4, "DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo,
	"WARN": slog.LevelWarn, "ERROR": slog.LevelError, "FATAL": slog.LevelError + 4, "OFF": slog.LevelError + 8,
}

// LowestLevel lets everything through.
const LowestLevel = slog.LevelDebug - 8

// Loggers is the table of log levels by logger name (dotted). It can be used from several goroutines.
type Loggers struct {
	mu     sync.RWMutex
	levels map[string]loggerLevel
	lowest atomic.Int64 // of all levels
}

// NewLoggers returns a table with the root logger, and those that have these names, at INFO.
func NewLoggers(names ...string) *Loggers {
	l := &Loggers{levels: map[string]loggerLevel{rootLogger: {Level: "INFO"}}}
	for _, name := range names {
		l.levels[name] = loggerLevel{Level: "INFO"}
	}
	l.lowest.Store(int64(slog.LevelInfo))
	return l
}

// Lowest is the level below which no logger lets a line through.
func (l *Loggers) Lowest() slog.Level { return slog.Level(l.lowest.Load()) }

// Allow tells whether a line of a level is to be written that belongs to several loggers: the first one decides that
// has a level, its own or that of its nearest ancestor, else root.
func (l *Loggers) Allow(level slog.Level, names ...string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, name := range names {
		if governing, set := l.effective(name); set {
			return level >= logLevels[governing.Level]
		}
	}
	return level >= logLevels[l.levels[rootLogger].Level]
}

// effective is the level of a logger or of its nearest ancestor; root is none.
func (l *Loggers) effective(name string) (level loggerLevel, set bool) {
	for {
		if level, set := l.levels[name]; set {
			return level, true
		}
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			return loggerLevel{}, false
		}
		name = name[:dot]
	}
}

// Set changes a logger and its children (root: all) and returns those that changed, sorted. A level's case does not
// matter; one that is not known changes nothing.
func (l *Loggers) Set(name, level string) []string {
	level = strings.ToUpper(level)
	if _, known := logLevels[level]; !known {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now().UnixMilli()
	if _, set := l.levels[name]; !set {
		l.levels[name] = loggerLevel{}
	}
	changed := []string{}
	for other, old := range l.levels {
		covered := name == rootLogger || other == name || strings.HasPrefix(other, name+".")
		if covered && old.Level != level {
			l.levels[other] = loggerLevel{level, &now}
			changed = append(changed, other)
		}
	}
	l.findLowest()
	slices.Sort(changed)
	return changed
}

// Forget drops the levels of the loggers whose names begin with prefix.
func (l *Loggers) Forget(prefix string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.levels, func(name string, _ loggerLevel) bool { return strings.HasPrefix(name, prefix) })
	l.findLowest()
}

// findLowest must be called with mu held.
func (l *Loggers) findLowest() {
	lowest := logLevels["OFF"]
	for _, set := range l.levels {
		lowest = min(lowest, logLevels[set.Level])
	}
	l.lowest.Store(int64(lowest))
}

func (l *Loggers) get(name string) (loggerLevel, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	level, set := l.levels[name]
	return level, set
}

func (l *Loggers) all() map[string]loggerLevel {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return maps.Clone(l.levels)
}

// showsLogger: the names of loggers may be those of somebody's connectors, so tenants see the root alone.
func showsLogger(c echo.Context, name string) bool { return tenantOf(c) == "" || name == rootLogger }

func (s *Server) listLoggers(c echo.Context) error {
	list := s.config.Loggers.all()
	maps.DeleteFunc(list, func(name string, level loggerLevel) bool {
		return level.Level == "OFF" || !showsLogger(c, name)
	})
	return writeJSON(c, http.StatusOK, list)
}

func (s *Server) getLogger(c echo.Context) error {
	name, err := param(c, "logger")
	if err != nil {
		return err
	}
	level, set := s.config.Loggers.get(name)
	if !set || !showsLogger(c, name) {
		return host.NotFound("Logger " + name + " not found.")
	}
	return writeJSON(c, http.StatusOK, level)
}

// putLogger sets a level on this worker, or with scope=cluster on all of them through the config topic (KIP-976).
func (s *Server) putLogger(c echo.Context) error {
	name, err := param(c, "logger")
	if err != nil {
		return err
	}
	if tenantOf(c) != "" {
		return &host.Error{Kind: herder.ErrForbidden, Message: "Log levels are the worker's: use /admin/loggers without a " +
			"tenant before it"}
	}
	level, err := readLevel(c)
	if err != nil {
		return err
	}
	if !strings.EqualFold(c.QueryParam("scope"), "cluster") {
		return writeJSON(c, http.StatusOK, s.config.Loggers.Set(name, level))
	}
	if err := s.herder(c).PutLoggerLevel(c.Request().Context(), name, level); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// readLevel returns a level as the client has written it, which is how it is stored.
func readLevel(c echo.Context) (string, error) {
	body, err := readJSON(c)
	if err != nil {
		return "", err
	}
	members, err := decodeObject("the request", body)
	if err != nil {
		return "", err
	}
	text := members["level"]
	if text == nil {
		text = json.RawMessage("null")
	}
	level, err := decodeString("level", text)
	switch {
	case err != nil:
		return "", err
	case level == nil:
		return "", host.BadRequest("Desired 'level' parameter was not specified in request.")
	case *level == "":
		return "", unreadable("Illegal null or empty Level name.")
	}
	if _, known := logLevels[strings.ToUpper(*level)]; !known {
		return "", host.NotFound("invalid log level '" + *level + "'.")
	}
	return *level, nil
}
