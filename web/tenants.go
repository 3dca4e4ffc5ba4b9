package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
	"github.com/berth-connect/berth/host/network"
	"github.com/berth-connect/berth/web/bearer"
)

const tenantsPath = "/tenants/"

// enterTenant takes /tenants/{tenant} off the front of a path that goes on: what follows is the same API as without,
// for that tenant alone. /tenants/{tenant}/ is the tenant's GET /, /tenants/{tenant} its record.
func (s *Server) enterTenant(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		location := c.Request().URL
		rest, inside := strings.CutPrefix(location.EscapedPath(), tenantsPath)
		tenant, path, further := strings.Cut(rest, "/")
		if !inside || !further {
			return next(c)
		}
		unescaped, err := url.PathUnescape("/" + path)
		if err != nil {
			return echo.ErrNotFound
		}
		c.Set(tenantKey, tenant)
		location.Path, location.RawPath = unescaped, "/"+path
		return next(c)
	}
}

const tenantKey = "tenant"

// tenantOf is the tenant whose API a request uses; "": the default tenant.
func tenantOf(c echo.Context) string {
	tenant, _ := c.Get(tenantKey).(string)
	return tenant
}

// tenantPath is what stands before the paths of the tenant's API.
func tenantPath(c echo.Context) string {
	if tenant := tenantOf(c); tenant != "" {
		return tenantsPath + tenant
	}
	return ""
}

// herder is what the request's tenant sees of the herder.
func (s *Server) herder(c echo.Context) space {
	actor, known := ActorOf(c.Request().Context())
	return space{s.all, tenantOf(c), known && actor.Role < Edit}
}

// enter runs the handler of a path for the tenant in front of it. Errors: ErrNotFound for a tenant that does not exist,
// and for what the worker alone has.
func (s *Server) enter(path string, handler echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		tenant := tenantOf(c)
		if tenant == "" {
			return handler(c)
		}
		if strings.HasPrefix(path, "/tenants") || strings.HasPrefix(path, "/admin") || path == "/metrics" {
			return echo.ErrNotFound
		}
		record, err := s.all.TenantRecord(c.Request().Context(), tenant)
		if err != nil {
			return err
		}
		if record.Deleting {
			return host.Conflict(fmt.Sprintf("Tenant %s is being deleted with all that it has", tenant))
		}
		return handler(c)
	}
}

// listTenants answers the names of the tenants in which the client has a role.
func (s *Server) listTenants(c echo.Context) error {
	tenants, err := s.all.Tenants(c.Request().Context())
	if err != nil {
		return err
	}
	who, _ := c.Get(identityKey).(bearer.Identity)
	names := make([]string, 0, len(tenants))
	for _, t := range tenants {
		if s.roleIn(who, t.Name) >= View {
			names = append(names, t.Name)
		}
	}
	return writeJSON(c, http.StatusOK, names)
}

func (s *Server) getTenant(c echo.Context) error {
	name, err := param(c, "tenant")
	if err != nil {
		return err
	}
	tenant, err := s.all.TenantRecord(c.Request().Context(), name)
	if err != nil {
		return err
	}
	if actor, _ := ActorOf(c.Request().Context()); actor.Role < Admin {
		tenant.Client = maps.Clone(tenant.Client)
		for key, value := range tenant.Client {
			tenant.Client[key] = hidden(value)
		}
	}
	id, err := s.all.ClusterID(c.Request().Context())
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, shownTenant{serverInfo{s.config.Version, s.config.Commit, id}, tenant})
}

// shownTenant is a record with what GET / answers in front: some clients leave out the slash behind their base URL.
type shownTenant struct {
	serverInfo
	host.Tenant
}

func (s *Server) putTenant(c echo.Context) error {
	name, err := param(c, "tenant")
	if err != nil {
		return err
	}
	body, err := readRecord(c)
	if err != nil {
		return err
	}
	tenant, err := host.ParseTenant(name, body)
	if err != nil {
		return err
	}
	if err := s.checkRecord(tenant); err != nil {
		return err
	}
	created, err := s.all.PutTenant(c.Request().Context(), tenant)
	if err != nil {
		return err
	}
	if created {
		c.Response().Header().Set(echo.HeaderLocation, c.Scheme()+"://"+c.Request().Host+tenantsPath+name)
		return writeJSON(c, http.StatusCreated, tenant)
	}
	return writeJSON(c, http.StatusOK, tenant)
}

// readRecord reads a tenant's record; what getTenant has put in front of one that was shown does not count.
func readRecord(c echo.Context) ([]byte, error) {
	body, err := readJSON(c)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return body, nil // who reads it says why
	}
	for _, key := range []string{"version", "commit", "kafka_cluster_id"} {
		delete(members, key)
	}
	return json.Marshal(members)
}

// checkRecord checks what is not the record's own matter. Error: host.ErrBadRequest.
func (s *Server) checkRecord(t host.Tenant) error {
	if _, err := network.ParsePolicy(t.Network); err != nil {
		return host.BadRequest(fmt.Sprintf("Tenant %s: network: %v", t.Name, err))
	}
	if err := s.config.Signatures.Check(t.Name, t.Signatures); err != nil {
		return err
	}
	if len(t.Members) > 0 && s.config.Access.Bindings == nil {
		return host.BadRequest(fmt.Sprintf("Tenant %s: members have no effect, because roles are not in use on this worker: "+
			"without berth.rest.roles.* whoever is known may do everything", t.Name))
	}
	for _, m := range t.Members {
		_, err := ParseSubject(m.Subject)
		if err == nil {
			_, err = ParseRole(m.Role)
		}
		if err != nil {
			return host.BadRequest(fmt.Sprintf("Tenant %s: members: %v", t.Name, err))
		}
	}
	return nil
}

// deleteTenant deletes a tenant that has nothing, or with ?force=true all that it has.
func (s *Server) deleteTenant(c echo.Context) error {
	name, err := param(c, "tenant")
	if err != nil {
		return err
	}
	if err := s.all.DeleteTenant(c.Request().Context(), name, isTrue(c, "force")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
