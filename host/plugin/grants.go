package plugin

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/engine"
	"github.com/berth-connect/berth/host/network"
)

// DirsProperty is the worker's property that lists the directories that plugins may reach.
const DirsProperty = "berth.allow.dirs"

// SecretsProperty is the worker's property that lists the secrets that plugins may be given.
const SecretsProperty = "berth.secrets"

// TopicsField is what grants topics to a tenant's connectors; the default tenant's may use all.
const TopicsField = "topics of the tenant's record"

// Grants is what the operator lets plugins reach. A plugin gets the part that its manifest asks for.
type Grants struct {
	Dirs   []string      // for abi.CapabilityFiles
	Stdin  *engine.Input // for abi.CapabilityStdio; nil: standard input is not granted
	Stdout io.Writer

	Network *network.Policy // for abi.CapabilityNet; nil: nothing is granted
	Secrets []string        // for abi.CapabilitySecrets: names of those that there are
	Topics  []string        // for abi.CapabilityTopics: patterns; nil: all
}

// of is the part of the grants that a tenant has. Standard input and output are the default tenant's alone.
func (g Grants) of(tenant host.Tenant) Grants {
	if tenant.IsDefault() {
		return g
	}
	own, err := network.ParsePolicy(tenant.Network)
	if err != nil {
		own = nil // refused when the record was written
	}
	return Grants{Dirs: commonDirs(g.Dirs, tenant.Directories), Network: own.Within(g.Network),
		Topics: append([]string{}, tenant.Topics...)}
}

// grants are those of the view's tenant; one whose record is gone has none.
func (r View) grants() Grants {
	if r.tenant == "" || r.config.Tenants == nil {
		return r.config.Grants
	}
	tenant, _ := r.config.Tenants.Tenant(r.tenant)
	tenant.Name = r.tenant
	return r.config.Grants.of(tenant)
}

// asked is what plugins ask for together: what one of them needs in whole, all need in whole.
type asked struct {
	capabilities []string // in the order of the plugins
	needs        abi.Needs
}

func askedBy(plugins ...abi.Plugin) asked {
	a := asked{needs: abi.Needs{}}
	var whole []string
	for _, p := range plugins {
		for _, capability := range p.Capabilities {
			if !slices.Contains(a.capabilities, capability) {
				a.capabilities = append(a.capabilities, capability)
			}
			needs, narrow := p.Needs[capability]
			if !narrow {
				whole = append(whole, capability)
			}
			for _, need := range needs {
				if !slices.Contains(a.needs[capability], need) {
					a.needs[capability] = append(a.needs[capability], need)
				}
			}
			if narrow && a.needs[capability] == nil {
				a.needs[capability] = []string{}
			}
		}
	}
	maps.DeleteFunc(a.needs, func(capability string, _ []string) bool { return slices.Contains(whole, capability) })
	return a
}

// checkNeeds refuses needs that can't be read. Error: host.ErrBadRequest.
func checkNeeds(name string, p abi.Plugin) error {
	refuse := func(problem string, args ...any) error {
		return host.BadRequest(fmt.Sprintf("module %q, plugin %s: %s", name, p.Class, fmt.Sprintf(problem, args...)))
	}
	for _, capability := range slices.Sorted(maps.Keys(p.Needs)) {
		needs := p.Needs[capability]
		if !slices.Contains(p.Capabilities, capability) {
			return refuse("its manifest needs something of %q without asking for that capability", capability)
		}
		switch capability {
		case abi.CapabilityNet:
			if _, err := (*network.Policy)(nil).Asked(needs); err != nil {
				return refuse("its manifest needs of net %v", err)
			}
		case abi.CapabilityFiles:
			if i := slices.IndexFunc(needs, func(dir string) bool { return !filepath.IsAbs(dir) }); i >= 0 {
				return refuse("its manifest needs of files %q, which is no absolute path", needs[i])
			}
		case abi.CapabilitySecrets:
			if i := slices.Index(needs, ""); i >= 0 {
				return refuse("its manifest needs of secrets an empty configuration key")
			}
		case abi.CapabilityTopics:
			if problem := checkTopicNeeds(p.Kind, needs); problem != nil {
				return refuse("its manifest needs of topics %v", problem)
			}
		default:
			return refuse("its manifest needs a part of %q, which can be had as a whole only", capability)
		}
	}
	return nil
}

func checkTopicNeeds(kind string, needs []string) error {
	if kind != abi.KindSource && kind != abi.KindSink {
		return errors.New("something, which connectors alone have")
	}
	if len(needs) > host.TopicNeedsMax {
		return fmt.Errorf("%d patterns; at most %d can be had: use * for many topics", len(needs), host.TopicNeedsMax)
	}
	for _, text := range needs {
		need, err := host.ParseTopicNeed(text)
		if err == nil && need.Write != (kind == abi.KindSource) {
			err = fmt.Errorf("%q, but sources write and sinks read", text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// missingTopics are the needs that meet nothing of what is granted.
func missingTopics(granted, needs []string) []string {
	return slices.DeleteFunc(slices.Clone(needs), func(text string) bool {
		need, err := host.ParseTopicNeed(text)
		return err == nil && slices.ContainsFunc(granted, func(pattern string) bool {
			return host.PatternsMeet(pattern, need.Pattern)
		})
	})
}

// grantsOf compares what a module asks for with what its tenant is granted.
func (r View) grantsOf(m *module) (all []host.CapabilityGrant, granted []string) {
	a := askedBy(m.manifest.Plugins...)
	for _, capability := range a.capabilities {
		g := r.grantOf(m.from, capability, a.needs)
		all = append(all, g)
		if g.Granted {
			granted = append(granted, capability)
		}
	}
	return all, granted
}

func (r View) grantOf(from origin, capability string, asked abi.Needs) host.CapabilityGrant {
	grants, needs := r.grants(), asked[capability]
	_, narrow := asked[capability]
	g := host.CapabilityGrant{Capability: capability, Needs: needs, Whole: !narrow}
	switch capability {
	case abi.CapabilityFiles:
		g.Property, g.Granted = DirsProperty, len(grants.Dirs) > 0
		g.Missing = slices.DeleteFunc(slices.Clone(needs), func(dir string) bool {
			return len(commonDirs(grants.Dirs, []string{dir})) > 0
		})
	case abi.CapabilityNet:
		g.Property, g.Granted = network.Property, !grants.Network.Empty()
		g.Missing = grants.Network.Missing(needs)
	case abi.CapabilitySecrets:
		g.Property, g.Granted = SecretsProperty, len(grants.Secrets) > 0
	case abi.CapabilityTopics:
		if g.Granted = grants.Topics == nil; !g.Granted {
			g.Property, g.Granted = TopicsField, len(grants.Topics) > 0
			g.Missing = missingTopics(grants.Topics, needs)
		}
	case abi.CapabilityStdio:
		g.Granted = from == fromBundle && grants.Stdin != nil
	case abi.CapabilitySchemaRegistry:
		g.Granted = true
	}
	if narrow && len(needs) > 0 && len(g.Missing) == len(needs) {
		g.Granted = false
	}
	return g
}

// commonDirs are the directories that lie both in a granted and in a needed one.
func commonDirs(granted, needed []string) []string {
	var common []string
	for _, need := range needed {
		need = filepath.Clean(need)
		for _, dir := range granted {
			switch {
			case liesIn(need, dir):
				common = append(common, need)
			case liesIn(dir, need):
				common = append(common, dir)
			}
		}
	}
	slices.Sort(common)
	return slices.Compact(common)
}

func liesIn(path, dir string) bool {
	relative, err := filepath.Rel(dir, path)
	return err == nil && relative != ".." && !strings.HasPrefix(relative, ".."+string(filepath.Separator))
}

// existing are those of directories that are there and are not led out of the granted ones by a symbolic link.
func existing(dirs, granted []string) []string {
	var real []string
	for _, dir := range granted {
		if resolved, err := filepath.EvalSymlinks(dir); err == nil {
			real = append(real, resolved)
		}
	}
	return slices.DeleteFunc(dirs, func(dir string) bool {
		resolved, err := filepath.EvalSymlinks(dir)
		return err != nil || !slices.ContainsFunc(real, func(root string) bool { return liesIn(resolved, root) })
	})
}

// Granted returns what an instance of a module gets that runs these plugins: what they ask for, as far as the tenant is
// granted it. The worker's own standard input and output are for the bundled module only.
func (r View) Granted(digest string, plugins ...abi.Plugin) engine.Config {
	c := engine.Config{Limits: r.config.Limits, TimeZone: r.config.TimeZone}
	m, grants, a := r.module(digest), r.grants(), askedBy(plugins...)
	if slices.Contains(a.capabilities, abi.CapabilityFiles) {
		c.Dirs = grants.Dirs
		if needs, narrow := a.needs[abi.CapabilityFiles]; narrow {
			c.Dirs = existing(commonDirs(grants.Dirs, needs), grants.Dirs)
		}
	}
	if slices.Contains(a.capabilities, abi.CapabilityNet) {
		c.Network = &network.Access{Policy: grants.Network}
		if needs, narrow := a.needs[abi.CapabilityNet]; narrow {
			// They were read when the module was added; should that fail now, nothing is granted.
			c.Network.Policy, _ = grants.Network.Asked(needs)
		}
	}
	if m != nil && m.from == fromBundle && slices.Contains(a.capabilities, abi.CapabilityStdio) {
		c.Stdin, c.Stdout = grants.Stdin, grants.Stdout
	}
	return c
}

// Lacking is what plugins of a module ask for and do not get, though a property of this worker could grant it.
func (r View) Lacking(digest string, plugins ...abi.Plugin) []host.CapabilityGrant {
	m, a := r.module(digest), askedBy(plugins...)
	if m == nil {
		return nil
	}
	var lacking []host.CapabilityGrant
	for _, capability := range a.capabilities {
		if g := r.grantOf(m.from, capability, a.needs); g.Property != "" && (!g.Granted || len(g.Missing) > 0) {
			lacking = append(lacking, g)
		}
	}
	return lacking
}

// changesOf compares what a module asks for with what its plugins asked for in their newest versions before: the
// greatest that is smaller, of whatever module. nil: there are none, so there is nothing to compare.
func (r View) changesOf(m *module) *host.CapabilityChanges {
	var before []abi.Plugin
	for _, p := range m.manifest.Plugins {
		if earlier := r.earlier(m.info.Digest, p); earlier != nil {
			before = append(before, *earlier)
		}
	}
	if len(before) == 0 {
		return nil
	}
	now, then := askedBy(m.manifest.Plugins...).entries(), askedBy(before...).entries()
	without := func(list, other []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(e string) bool { return slices.Contains(other, e) })
	}
	changes := &host.CapabilityChanges{Added: without(now, then), Removed: without(then, now)}
	for _, p := range before {
		changes.Since = append(changes.Since, p.Class+" "+cmp.Or(p.Version, "without a version"))
	}
	slices.Sort(changes.Since)
	changes.Since = slices.Compact(changes.Since)
	return changes
}

// earlier finds the newest version of a plugin before p, in other modules.
func (r View) earlier(digest string, p abi.Plugin) *abi.Plugin {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found *abi.Plugin
	for _, m := range r.visible() {
		for _, other := range m.manifest.Plugins {
			if m.info.Digest != digest && other.Class == p.Class && other.Kind == p.Kind &&
				compareVersions(other.Version, p.Version) < 0 &&
				(found == nil || compareVersions(other.Version, found.Version) > 0) {
				found = &other
			}
		}
	}
	return found
}

// entries are "capability" for a whole one and "capability need" for each part of another.
func (a asked) entries() []string {
	var all []string
	for _, capability := range a.capabilities {
		needs, narrow := a.needs[capability]
		if !narrow {
			all = append(all, capability)
		}
		for _, need := range needs {
			all = append(all, capability+" "+need)
		}
	}
	slices.Sort(all)
	return all
}
