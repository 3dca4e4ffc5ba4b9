package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/berth-connect/berth/host"
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
		c.Set(tenantKey, tenant)
		location.Path, location.RawPath = "/"+path, "/"+path
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
func (s *Server) herder(c echo.Context) space { return space{s.all, tenantOf(c)} }

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
		if _, err := s.all.TenantRecord(c.Request().Context(), tenant); err != nil {
			return err
		}
		return handler(c)
	}
}

func (s *Server) listTenants(c echo.Context) error {
	tenants, err := s.all.Tenants(c.Request().Context())
	if err != nil {
		return err
	}
	names := make([]string, 0, len(tenants))
	for _, t := range tenants {
		names = append(names, t.Name)
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
	return writeJSON(c, http.StatusOK, tenant)
}

func (s *Server) putTenant(c echo.Context) error {
	name, err := param(c, "tenant")
	if err != nil {
		return err
	}
	body, err := readJSON(c)
	if err != nil {
		return err
	}
	tenant, err := host.ParseTenant(name, body)
	if err != nil {
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
