package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/kafka"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/network"
	"github.com/berth-connect/berth/host/plugin"
	"github.com/berth-connect/berth/host/secrets"
	"github.com/berth-connect/berth/host/tenancy"
	"github.com/berth-connect/berth/host/validate"
	"github.com/berth-connect/berth/host/worker"
	"github.com/berth-connect/berth/modules"
	"github.com/berth-connect/berth/web"
	"github.com/berth-connect/berth/web/cli"
)

// stopDurationMax bounds the soft stop of the whole process: tasks drain and commit, stores flush, the broker closes.
const stopDurationMax = 45 * time.Second

// kafkaVersion is the Kafka whose REST API and plugins these are. GET / shows it, because clients decide by it what
// they may ask for; Berth's own version stands in the commit.
const kafkaVersion = "4.1.1"

// runWorker is "berth worker": a worker beside an existing Kafka.
func runWorker(args []string, out io.Writer) error {
	flags := cli.NewFlags("worker", "-c FILE", out)
	file := flags.String("c", "", "a worker's .properties file, as the Java worker reads it")
	options := addOptions(flags)
	if _, err := cli.ParseFlags(flags, args, 0, 0); err != nil {
		return err
	}
	c, err := options.load(distributed, *file)
	if err != nil {
		return err
	}
	loggers, log := startLog()
	return cli.UntilSignal(func(ctx context.Context, hurry <-chan os.Signal) error {
		return serve(ctx, c, loggers, log, hurry)
	})
}

// workerOptions are those of all commands that run a worker by a .properties file.
type workerOptions struct{ settings, dirs cli.TextList }

func addOptions(flags *flag.FlagSet) *workerOptions {
	o := &workerOptions{}
	flags.Var(&o.settings, "set", "KEY=VALUE, stronger than file and environment; may be repeated")
	flags.Var(&o.dirs, "allow-dir", "a folder that plugins may read and write; may be repeated")
	return o
}

// load reads the worker's configuration from a file; "": there is none.
func (o *workerOptions) load(m *mode, file string) (config, error) {
	base := map[string]string{}
	if file != "" {
		var err error
		if base, err = cli.ReadProperties(file); err != nil {
			return config{}, fmt.Errorf("read the worker's configuration: %w", err)
		}
	}
	overrides, err := parseSettings(o.settings)
	if err != nil {
		return config{}, err
	}
	c, err := m.load(base, os.Environ(), overrides)
	if err != nil {
		return config{}, fmt.Errorf("the worker's configuration is not usable:\n%w", err)
	}
	c.allow(o.dirs)
	return c, nil
}

func parseSettings(settings []string) (map[string]string, error) {
	values := make(map[string]string)
	for _, setting := range settings {
		key, value, found := strings.Cut(setting, "=")
		if !found {
			return nil, fmt.Errorf("-set %s: it must be KEY=VALUE", setting)
		}
		values[key] = value
	}
	return values, nil
}

// startLog makes the log of the process, whose levels /admin/loggers can change.
func startLog() (*web.Loggers, *slog.Logger) {
	loggers := web.NewLoggers(loggerNames...)
	log := newLogger(os.Stderr, isTerminal(os.Stderr), loggers)
	slog.SetDefault(named(log, logConnect))
	return loggers, log
}

// serve runs a worker until ctx ends, and creates connectors when it has started.
func serve(ctx context.Context, c config, loggers *web.Loggers, log *slog.Logger, hurry <-chan os.Signal,
	connectors ...connectorFile) error {
	tuneGC()
	node, err := newNode(ctx, c, loggers, log)
	if err != nil {
		return err
	}
	actors := node.actors()
	if len(connectors) > 0 {
		create := func(ctx context.Context) error { return createConnectors(ctx, node.requests(c.mode), connectors, log) }
		actors = append(actors, actor{"connector files", create, nil})
	}
	failure := runActors(ctx, actors, stopDurationMax, hurry)
	return errors.Join(failure, node.close())
}

// node is one worker with all that it is made of.
type node struct {
	engine       *engine.Engine
	modules      *store.ModuleStore // nil: standalone
	gone         sync.Map           // tenants that were deleted since the start
	plugins      *plugin.Registry
	admin        *kafka.Admin
	configs      *store.ConfigStore
	statuses     *store.StatusStore
	offsets      *store.OffsetStore
	offsetTopics *store.OffsetTopics // nil: standalone
	herder       *herder.Herder
	worker       *worker.Worker
	web          *web.Server
	audit        *kafka.AuditLog // nil: there is none

	membership membership
}

// actors are the parts in the order in which they start; they stop the other way round.
func (n *node) actors() []actor {
	actors := []actor{
		{"audit log", n.runAudit, nil},        // the last to end: it tells of all requests
		{"plugins", n.plugins.Run, nil},       // who needs one waits for it
		{"module store", n.runModules, nil},   // what plugins wait for
		{"config store", n.configs.Run, nil},  // the herder acts on what it reads; the stores read at the same time
		{"status store", n.statuses.Run, nil}, // the last statuses are written after the last task has stopped
		{"offset store", n.offsets.Run, nil},  // and so are the last offsets
	}
	if n.membership.member != nil {
		// It joins when the config store is read, and leaves when all work has stopped.
		actors = append(actors, actor{"membership", n.membership.run, nil})
	}
	return append(actors,
		actor{"herder", n.runHerder, nil}, // starts what the group gives to this worker, or all that there is
		actor{"REST API", n.web.Run, nil}, // last: says "starting" until the herder is ready; the first to stop
	)
}

func (n *node) runModules(ctx context.Context) error {
	if n.modules == nil {
		<-ctx.Done()
		return nil
	}
	return n.modules.Run(ctx, n.plugins)
}

func (n *node) runHerder(ctx context.Context) error { return n.herder.Run(ctx, n.worker) }

func (n *node) close() error {
	n.admin.Close()
	return n.engine.Close(context.Background())
}

// newNode makes a worker and loads its plugins; it does not talk to Kafka yet.
func newNode(ctx context.Context, c config, loggers *web.Loggers, log *slog.Logger) (*node, error) {
	n, properties := &node{}, c.all()
	clients, err := kafka.NewClients(properties, log)
	if err != nil {
		return nil, err
	}
	if n.admin, err = kafka.NewAdmin(properties, cmp.Or(c.text("group.id"), "connect")+"-shared-admin", log); err != nil {
		return nil, err
	}
	if err := n.openStores(c.mode, properties, clients, log); err != nil {
		return nil, err
	}
	rest, err := n.restConfig(c)
	if err != nil {
		return nil, err
	}
	advertised, err := advertisedURL(c)
	if err != nil {
		return nil, err
	}
	id, grants := advertised.Host, n.grants(c)
	n.herder = n.newHerder(c, advertised, herder.Ports{OpenSource: n.openSourceOffsets(grants),
		OpenSink: openSinkGroup(clients, grants), OpenFencer: openFencer(clients, grants), Leader: rest.Leader}, loggers,
		named(log, logHerder))
	if c.mode == distributed {
		if err := n.joinGroup(c, clients, advertised, named(log, logGroup)); err != nil {
			return nil, err
		}
	}
	meters, metrics, err := newMetrics(n.configs, &n.gone)
	if err != nil {
		return nil, err
	}
	if err := n.openPlugins(ctx, c, id, log); err != nil {
		return nil, err
	}
	validator, err := newValidator(c, n.plugins)
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	hidden, err := secrets.FromProperties(host.ConfigOf(properties))
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	n.worker = worker.New(worker.Config{
		WorkerID: id, Properties: host.ConfigOf(properties),
		OffsetFlushInterval:  c.millis("offset.flush.interval.ms"),
		OffsetFlushTimeout:   c.millis("offset.flush.timeout.ms"),
		TaskShutdownGraceful: c.millis("task.shutdown.graceful.timeout.ms"),
		Swaps:                swapPolicy(c),
		TrapMax:              c.number(host.TrapMaxKey),
		KafkaQuirks:          c.flag(host.KafkaQuirksKey),
	}, n.membership.guarded(worker.Ports{
		Registry: n.plugins, Validator: validator, Values: c.providers, Secrets: hidden,
		Restart: n.herder.RestartConnector,
		Clients: grants.Clients(clients), Records: clients, Grants: grants, Quotas: host.TenantQuotas{Tenants: n.configs},
		Offsets: n.offsets, OffsetTopics: grants.OffsetTopics(n.topicsOfOffsets()),
		Transactions: grants.Transactions(n.transactions(c)),
		Status:       n.herder, Meter: meters.Meter("berth"), Log: named(log, logWorker),
	}))
	rest.Metrics, rest.Loggers, rest.Preview, rest.Usage = metrics, loggers, n.worker, n.worker
	rest.WorkerID = id
	if err := n.openAudit(c, &rest, meters.Meter("berth"), log); err != nil {
		return nil, errors.Join(err, n.close())
	}
	if n.web, err = web.New(rest, n.requests(c.mode), named(log, logREST)); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// newHerder makes the herder of the stores; the other ports are given.
func (n *node) newHerder(c config, advertised *url.URL, ports herder.Ports, loggers *web.Loggers,
	log *slog.Logger) *herder.Herder {
	ports.Configs, ports.Statuses, ports.Offsets, ports.Admin = n.configs, n.statuses, n.offsets, n.admin
	return herder.New(herder.Config{
		WorkerID: advertised.Host, Scheme: advertised.Scheme, GroupID: c.text("group.id"), SessionKeys: sessionKeys(c),
		Restarts:           restartPolicy(c),
		TopicTracking:      c.flag("topic.tracking.enable"),
		TopicTrackingReset: c.flag("topic.tracking.allow.reset"),
		ExactlyOnceSources: exactlyOnce(c),
		Resolve: func(connector string, config host.Config) (host.Config, error) {
			return n.worker.Resolve(connector, config)
		},
		SetLoggerLevel: func(namespace, level string) { loggers.Set(namespace, level) },
		ForgetTenant: func(tenant string) {
			n.gone.Store(tenant, true)
			loggers.Forget(host.ConnectorLogger(tenant + host.TenantSeparator))
		},
	}, ports, log)
}

// grants are what tenants may use.
func (n *node) grants(c config) tenancy.Grants {
	reserved := []string{c.text("config.storage.topic"), c.text("offset.storage.topic"), c.text("status.storage.topic"),
		store.ModulesTopic(c.all())}
	if topic := c.text(auditTopicKey); topic != "" {
		reserved = append(reserved, topic)
	}
	return tenancy.Grants{Tenants: n.configs, Reserved: reserved, Resolve: c.providers.Resolve}
}

// requests is what carries out the requests of the REST API.
func (n *node) requests(m *mode) web.Herder {
	if m == standalone {
		return herder.Standalone{Herder: n.herder}
	}
	return n.herder
}

func (n *node) openStores(m *mode, properties map[string]string, clients *kafka.Clients, log *slog.Logger) (
	err error) {
	if m == standalone {
		n.configs = store.NewMemoryConfigStore(named(log, logConfigs))
		n.statuses = store.NewMemoryStatusStore(named(log, logStatuses))
		n.offsets, err = store.NewFileOffsetStore(properties, named(log, logOffsets))
		return err
	}
	if n.configs, err = store.NewConfigStore(properties, named(log, logConfigs)); err != nil {
		return err
	}
	if n.statuses, err = store.NewStatusStore(properties, named(log, logStatuses)); err != nil {
		return err
	}
	if n.offsets, err = store.NewOffsetStore(properties, named(log, logOffsets)); err != nil {
		return err
	}
	n.offsetTopics = store.NewOffsetTopics(properties, clients, n.offsets, named(log, logOffsets))
	return nil
}

func (n *node) openPlugins(ctx context.Context, c config, id string, log *slog.Logger) error {
	data := c.text("berth.data.dir")
	var dirs []string
	for _, dir := range c.list("berth.allow.dirs") {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return fmt.Errorf("berth.allow.dirs: %w", err)
		}
		dirs = append(dirs, absolute)
	}
	reachable, err := network.ParsePolicy(c.list(network.Property))
	if err != nil {
		return err
	}
	signatures, err := signaturePolicy(c)
	if err != nil {
		return err
	}
	if n.engine, err = engine.Open(ctx, filepath.Join(data, "compiled")); err != nil {
		return err
	}
	n.engine.LimitMemory(c.bytes("berth.limits.module.memory.bytes"), c.bytes("berth.limits.worker.memory.bytes"))
	n.engine.LimitCPU(c.millis("berth.limits.module.second.cpu.ms"), c.millis("berth.limits.worker.second.cpu.ms"))
	modules, shared, err := n.openModules(c, id, log)
	if err != nil {
		return errors.Join(err, n.close())
	}
	n.plugins = plugin.New(plugin.Config{
		Dir: modules, Shared: shared, Path: c.list("plugin.path"), Bundle: bundle(),
		Grants: plugin.Grants{Dirs: dirs, Stdin: engine.NewInput(os.Stdin), Stdout: os.Stdout, Network: reachable,
			Secrets: c.list(secrets.Property)},
		Signatures: signatures, Tenants: n.configs, Limits: guestLimits(c), TimeZone: c.text("berth.time.zone"),
		Log: named(log, logPlugins),
	}, n.engine)
	return nil
}

func signaturePolicy(c config) (plugin.Signatures, error) {
	keys, err := plugin.ReadSigningKeys(c.list(plugin.SignatureKeys))
	required := c.flag(plugin.SignatureRequired)
	if err == nil && required && len(keys) == 0 {
		err = fmt.Errorf("%s=true: %s must list the public keys of those who may sign modules", plugin.SignatureRequired,
			plugin.SignatureKeys)
	}
	return plugin.Signatures{Required: required, Keys: keys, TenantKeys: c.flag(plugin.SignatureTenantKeys)}, err
}

// openModules tells where modules lie, and what shares them: a standalone worker has its folder alone.
func (n *node) openModules(c config, id string, log *slog.Logger) (folder string, shared host.ModuleStore, err error) {
	data := c.text("berth.data.dir")
	if c.mode == standalone {
		return filepath.Join(data, "modules"), nil, nil
	}
	folder = filepath.Join(data, "module-cache")
	n.modules, err = store.NewModuleStore(c.all(), filepath.Join(folder, "incoming"), id, named(log, logModules))
	return folder, n.modules, err
}

func bundle() []plugin.Bundled {
	var all []plugin.Bundled
	for _, m := range modules.All() {
		all = append(all, plugin.Bundled(m))
	}
	return all
}

func guestLimits(c config) host.Limits {
	return host.Limits{
		MemoryBytes:   uint64(c.bytes("berth.limits.memory.bytes")),
		BatchCPU:      c.millis("berth.limits.batch.cpu.ms"),
		SecondCPU:     c.millis("berth.limits.second.cpu.ms"),
		BatchSleep:    c.millis("berth.limits.batch.sleep.ms"),
		StartWall:     c.millis("berth.limits.start.ms"),
		DescribeWall:  c.millis("berth.limits.describe.ms"),
		TransformWall: c.millis("berth.limits.transform.ms"),
		PutWall:       c.millis("berth.limits.put.ms"),
		OutputBytes:   int(c.bytes("berth.limits.output.bytes")),
		SecondLines:   c.number("berth.limits.log.lines"),

		NetConnections: c.number("berth.limits.net.connections"),
		NetSecondBytes: int(c.bytes("berth.limits.net.second.bytes")),
	}
}

// swapPolicy is the one of connectors that have none of their own.
func swapPolicy(c config) host.SwapPolicy {
	return host.SwapPolicy{Window: c.millis(host.SwapWindowKey), ErrorRateMax: c.fraction(host.SwapErrorRateKey),
		LatencyRatio: c.fraction(host.SwapLatencyKey)}
}

func newValidator(c config, registry *plugin.Registry) (*validate.Validator, error) {
	policy, err := validate.ParsePolicy(c.text("connector.client.config.override.policy"),
		c.list("connector.client.config.override.allowlist"))
	if err != nil {
		return nil, fmt.Errorf("connector.client.config.override.policy=%s: it must be All, None, Principal or Allowlist: %w",
			c.text("connector.client.config.override.policy"), err)
	}
	return validate.New(registry, policy).WithWorker(validate.Worker{
		KeyConverter: c.text("key.converter"), ValueConverter: c.text("value.converter"),
		HeaderConverter: c.text("header.converter"), GroupID: c.text("group.id"),
		ExactlyOnce: exactlyOnce(c),
		Standalone:  c.mode == standalone,
	}), nil
}

// exactlyOnce: a standalone worker has no exactly-once support, as in Connect.
func exactlyOnce(c config) bool {
	return c.mode != standalone && strings.EqualFold(c.text("exactly.once.source.support"), "enabled")
}

// transactions are those of source tasks; nil: they have none.
func (n *node) transactions(c config) host.Transactions {
	if !exactlyOnce(c) {
		return nil
	}
	return store.NewTransactions(n.offsetTopics, n.herder.Preflight())
}

// topicsOfOffsets are those of connectors with a topic of their own; nil: they can't have one.
func (n *node) topicsOfOffsets() host.OffsetTopics {
	if n.offsetTopics == nil {
		return nil
	}
	return n.offsetTopics
}

// openSourceOffsets is for the offsets API; nil: all offsets are in the worker's store.
func (n *node) openSourceOffsets(grants tenancy.Grants) herder.OpenSourceOffsets {
	if n.offsetTopics == nil {
		return nil
	}
	return func(connector string, config host.Config) (herder.SourceOffsets, error) {
		config, err := grants.Client(connector, config)
		if err != nil {
			return nil, err
		}
		return n.offsetTopics.Of(connector, config), nil
	}
}
