package web

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// space is the herder as one tenant sees it: connectors have their local names, and what is another tenant's is not
// there. It has a method for each that a resource may call, so that no name passes by.
type space struct {
	all    Herder
	tenant string // "": the default tenant
	masks  bool   // secrets in configurations are not shown
}

// nobody stands in front of names that are another tenant's: nothing has such a name, so the answer is that for a name
// which does not exist.
const nobody = "\x00" + host.TenantSeparator

// full is the name under which the herder knows a connector.
func (s space) full(local string) string {
	switch {
	case s.tenant != "" && local == "":
		return host.JoinTenant(s.tenant, "\x00") // no connector's, but the tenant's: Connect's answer comes of validation
	case s.tenant != "":
		return host.JoinTenant(s.tenant, local)
	case host.OwnerOf(s.all, local) != "":
		return nobody + local
	}
	return local
}

// local is the name under which the tenant knows a connector; false: it is not the tenant's.
func (s space) local(full string) (string, bool) {
	if owner := host.OwnerOf(s.all, full); owner != s.tenant {
		return "", false
	}
	return strings.TrimPrefix(full, s.prefix()), true
}

// prefix is what full puts before the names of the tenant.
func (s space) prefix() string {
	if s.tenant == "" {
		return ""
	}
	return s.tenant + host.TenantSeparator
}

// shown takes out of a text what full puts before names; local names one of them, "": any.
func (s space) shown(text, local string) string {
	switch {
	case local != "":
		return strings.ReplaceAll(text, s.full(local), local)
	case s.tenant == "":
		return text
	}
	return strings.ReplaceAll(text, s.prefix(), "")
}

// localError is an error in which connectors have their local names.
type localError struct {
	error
	message string
}

func (e *localError) Error() string { return e.message }
func (e *localError) Unwrap() error { return e.error }

func (s space) err(err error, local string) error {
	var elsewhere *herder.NotLeader
	if err == nil || errors.As(err, &elsewhere) {
		return err
	}
	if message := err.Error(); s.shown(message, local) != message {
		return &localError{err, s.shown(message, local)}
	}
	return err
}

// creatable refuses names that would be another tenant's.
func (s space) creatable(local string) error {
	switch {
	case strings.HasPrefix(local, nobody):
		return host.BadRequest("Connector name " + strconv.Quote(local) +
			" is not allowed: it begins with a control character")
	case s.tenant == "" && host.OwnerOf(s.all, local) != "":
		return host.BadRequest("Connector name " + local + " is not allowed: what stands before " + host.TenantSeparator +
			" is the name of a tenant; use another name, or /tenants/{tenant}/connectors")
	}
	return nil
}

// info gives a connector its local name.
func (s space) info(local string, info herder.ConnectorInfo, err error) (herder.ConnectorInfo, error) {
	info.Name = local
	for i := range info.Tasks {
		info.Tasks[i].Connector = local
	}
	return info, s.err(err, local)
}

func (s space) status(local string, status herder.ConnectorStatus, err error) (herder.ConnectorStatus, error) {
	status.Name, status.Connector = local, s.state(local, status.Connector)
	for i := range status.Tasks {
		status.Tasks[i].Status = s.state(local, status.Tasks[i].Status)
	}
	return status, s.err(err, local)
}

func (s space) state(local string, status store.Status) store.Status {
	if status.Trace != nil {
		trace := s.shown(*status.Trace, local)
		status.Trace = &trace
	}
	return status
}

func (s space) Ready() (bool, string) { return s.all.Ready() }

func (s space) Ping(ctx context.Context) error                { return s.all.Ping(ctx) }
func (s space) ClusterID(ctx context.Context) (string, error) { return s.all.ClusterID(ctx) }

func (s space) Connectors(ctx context.Context) ([]string, error) {
	names, err := s.all.Connectors(ctx)
	var own []string
	for _, name := range names {
		if local, is := s.local(name); is {
			own = append(own, local)
		}
	}
	return own, err
}

func (s space) Connector(ctx context.Context, name string) (herder.ConnectorInfo, error) {
	info, err := s.all.Connector(ctx, s.full(name))
	info.Config = s.masked(ctx, info.Config)
	return s.info(name, info, err)
}

func (s space) Config(ctx context.Context, name string) (host.Config, error) {
	config, err := s.all.Config(ctx, s.full(name))
	return s.masked(ctx, config), s.err(err, name)
}

func (s space) Status(ctx context.Context, name string) (herder.ConnectorStatus, error) {
	status, err := s.all.Status(ctx, s.full(name))
	return s.status(name, status, err)
}

func (s space) Tasks(ctx context.Context, name string) ([]herder.TaskInfo, error) {
	tasks, err := s.all.Tasks(ctx, s.full(name))
	var config host.Config
	if s.masks && err == nil {
		config, err = s.all.Config(ctx, s.full(name))
	}
	for i := range tasks {
		tasks[i].ID.Connector = name
		tasks[i].Config = s.maskedTask(ctx, config, tasks[i].Config)
	}
	return tasks, s.err(err, name)
}

func (s space) TaskStatusOf(ctx context.Context, id host.TaskID) (herder.TaskStatus, error) {
	status, err := s.all.TaskStatusOf(ctx, s.task(id))
	status.Status = s.state(id.Connector, status.Status)
	return status, s.err(err, id.Connector)
}

func (s space) task(id host.TaskID) host.TaskID {
	return host.TaskID{Connector: s.full(id.Connector), Task: id.Task}
}

func (s space) Create(ctx context.Context, name string, config host.Config, target host.TargetState) (
	herder.ConnectorInfo, error) {
	if err := s.creatable(name); err != nil {
		return herder.ConnectorInfo{}, err
	}
	info, err := s.all.Create(ctx, s.full(name), config, target)
	return s.info(name, info, err)
}

func (s space) PutConfig(ctx context.Context, name string, config host.Config) (herder.ConnectorInfo, bool, error) {
	if err := s.creatable(name); err != nil {
		return herder.ConnectorInfo{}, false, err
	}
	info, created, err := s.all.PutConfig(ctx, s.full(name), config)
	info, err = s.info(name, info, err)
	return info, created, err
}

func (s space) PatchConfig(ctx context.Context, name string, patch host.Config) (herder.ConnectorInfo, error) {
	info, err := s.all.PatchConfig(ctx, s.full(name), patch)
	return s.info(name, info, err)
}

func (s space) Delete(ctx context.Context, name string) error {
	return s.err(s.all.Delete(ctx, s.full(name)), name)
}

func (s space) Pause(ctx context.Context, name string) error {
	return s.err(s.all.Pause(ctx, s.full(name)), name)
}

func (s space) Resume(ctx context.Context, name string) error {
	return s.err(s.all.Resume(ctx, s.full(name)), name)
}

func (s space) Stop(ctx context.Context, name string) error {
	return s.err(s.all.Stop(ctx, s.full(name)), name)
}

func (s space) RestartConnector(ctx context.Context, name string) error {
	return s.err(s.all.RestartConnector(ctx, s.full(name)), name)
}

func (s space) RestartTask(ctx context.Context, id host.TaskID) error {
	return s.err(s.all.RestartTask(ctx, s.task(id)), id.Connector)
}

func (s space) Restart(ctx context.Context, request store.RestartRequest) (herder.ConnectorStatus, error) {
	local := request.Connector
	request.Connector = s.full(local)
	status, err := s.all.Restart(ctx, request)
	return s.status(local, status, err)
}

// PutTaskConfigs and FenceZombies are asked by workers, by full names: the signature is what lets them.
func (s space) PutTaskConfigs(ctx context.Context, name string, tasks []host.Config,
	signature *sessionkey.Signature) error {
	return s.err(s.all.PutTaskConfigs(ctx, s.signed(name, signature), tasks, signature), name)
}

// FenceZombies as PutTaskConfigs.
func (s space) FenceZombies(ctx context.Context, name string, signature *sessionkey.Signature) error {
	return s.err(s.all.FenceZombies(ctx, s.signed(name, signature), signature), name)
}

func (s space) signed(name string, signature *sessionkey.Signature) string {
	if s.tenant == "" && signature != nil {
		return name
	}
	return s.full(name)
}

func (s space) Topics(ctx context.Context, name string) ([]string, error) {
	topics, err := s.all.Topics(ctx, s.full(name))
	return topics, s.err(err, name)
}

func (s space) ResetTopics(ctx context.Context, name string) error {
	return s.err(s.all.ResetTopics(ctx, s.full(name)), name)
}

func (s space) Offsets(ctx context.Context, name string) ([]herder.Offset, error) {
	offsets, err := s.all.Offsets(ctx, s.full(name))
	return offsets, s.err(err, name)
}

func (s space) AlterOffsets(ctx context.Context, name string, offsets []herder.Offset) (string, error) {
	text, err := s.all.AlterOffsets(ctx, s.full(name), offsets)
	return text, s.err(err, name)
}

func (s space) ResetOffsets(ctx context.Context, name string) (string, error) {
	text, err := s.all.ResetOffsets(ctx, s.full(name))
	return text, s.err(err, name)
}

func (s space) Plugins(ctx context.Context, connectorsOnly bool) ([]host.PluginInfo, error) {
	return s.all.Plugins(ctx, s.tenant, connectorsOnly)
}

func (s space) PluginConfig(ctx context.Context, name, version string) ([]host.ConfigKeyInfo, error) {
	return s.all.PluginConfig(ctx, s.tenant, name, version)
}

func (s space) Validate(ctx context.Context, config host.Config) (host.ConfigInfos, error) {
	infos, err := s.all.Validate(ctx, s.tenant, config)
	return infos, s.err(err, "")
}

func (s space) AddModule(ctx context.Context, upload host.ModuleUpload) (host.ModuleInfo, bool, error) {
	upload.Tenant = s.tenant
	info, added, err := s.all.AddModule(ctx, upload)
	return info, added, s.err(err, "")
}

func (s space) Modules(ctx context.Context) ([]host.ModuleInfo, error) {
	return s.all.Modules(ctx, s.tenant)
}

func (s space) Module(ctx context.Context, name, version string) (host.ModuleInfo, error) {
	return s.all.Module(ctx, s.tenant, name, version)
}

func (s space) ModuleContent(ctx context.Context, digest string) ([]byte, error) {
	return s.all.ModuleContent(ctx, s.tenant, digest)
}

func (s space) DeleteModule(ctx context.Context, name, version string) error {
	return s.err(s.all.DeleteModule(ctx, s.tenant, name, version), "")
}

func (s space) PutLoggerLevel(ctx context.Context, namespace, level string) error {
	return s.all.PutLoggerLevel(ctx, namespace, level)
}
