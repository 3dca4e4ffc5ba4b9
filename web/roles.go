package web

import (
	"fmt"
	"strings"
)

// Role is what somebody may do; each may do what those before it may.
type Role int

// Roles.
const (
	NoRole  Role = iota
	View         // look
	Operate      // restart, pause, stop, set offsets: what is done to a connector without changing what it is
	Edit         // make, change and delete connectors and modules
	Admin        // tenants' records and log levels
)

var roleNames = []string{"none", "view", "operate", "edit", "admin"}

func (r Role) String() string { return roleNames[r] }

// ParseRole reads a role's name.
func ParseRole(name string) (Role, error) {
	for i, known := range roleNames {
		if i > 0 && known == name {
			return Role(i), nil
		}
	}
	return NoRole, fmt.Errorf("role %q must be one of %s", name, strings.Join(roleNames[1:], ", "))
}

// reach is where a role has to be held.
type reach int

const (
	ofTenant reach = iota // in the tenant whose API the request uses, or in all of the worker
	ofNamed               // in the tenant that the path names
	ofWorker              // in all of the worker
)

// permission is what a route asks for.
type permission struct {
	role  Role
	where reach
}

// permissions says for every route who may use it. HEAD asks for what GET asks for; OPTIONS for nothing but a user.
var permissions = map[string]permission{
	"GET /":       {View, ofTenant},
	"GET /health": {NoRole, ofTenant},
	"GET /usage":  {View, ofTenant},

	"GET /openapi.json": {NoRole, ofTenant},

	"GET /metrics": {View, ofWorker},

	"GET /connectors":                                 {View, ofTenant},
	"POST /connectors":                                {Edit, ofTenant},
	"GET /connectors/:connector":                      {View, ofTenant},
	"DELETE /connectors/:connector":                   {Edit, ofTenant},
	"GET /connectors/:connector/config":               {View, ofTenant},
	"PUT /connectors/:connector/config":               {Edit, ofTenant},
	"PATCH /connectors/:connector/config":             {Edit, ofTenant},
	"GET /connectors/:connector/status":               {View, ofTenant},
	"PUT /connectors/:connector/pause":                {Operate, ofTenant},
	"PUT /connectors/:connector/resume":               {Operate, ofTenant},
	"PUT /connectors/:connector/stop":                 {Operate, ofTenant},
	"POST /connectors/:connector/restart":             {Operate, ofTenant},
	"GET /connectors/:connector/tasks":                {View, ofTenant},
	"GET /connectors/:connector/tasks/:task/status":   {View, ofTenant},
	"POST /connectors/:connector/tasks/:task/restart": {Operate, ofTenant},
	"GET /connectors/:connector/topics":               {View, ofTenant},
	"PUT /connectors/:connector/topics/reset":         {Operate, ofTenant},
	"GET /connectors/:connector/offsets":              {View, ofTenant},
	"PATCH /connectors/:connector/offsets":            {Operate, ofTenant},
	"DELETE /connectors/:connector/offsets":           {Operate, ofTenant},

	"GET /connectors/:connector/tasks/:task/failures": {View, ofTenant},

	"GET /connectors/:connector/swaps":                       {View, ofTenant},
	"PUT /connectors/:connector/transforms/:alias/version":   {Edit, ofTenant},
	"PUT /connectors/:connector/predicates/:alias/version":   {Edit, ofTenant},
	"PUT /connectors/:connector/converters/:alias/version":   {Edit, ofTenant},
	"POST /connectors/:connector/transforms/:alias/rollback": {Operate, ofTenant},
	"POST /connectors/:connector/predicates/:alias/rollback": {Operate, ofTenant},
	"POST /connectors/:connector/converters/:alias/rollback": {Operate, ofTenant},

	// Previews and shadows show records.
	"POST /preview": {Edit, ofTenant},
	"GET /connectors/:connector/transforms/:alias/shadow":    {Edit, ofTenant},
	"PUT /connectors/:connector/transforms/:alias/shadow":    {Edit, ofTenant},
	"DELETE /connectors/:connector/transforms/:alias/shadow": {Edit, ofTenant},
	"POST /connectors/:connector/transforms/:alias/promote":  {Edit, ofTenant},

	"GET /connector-plugins":                {View, ofTenant},
	"GET /connector-plugins/:plugin/config": {View, ofTenant},
	// It runs a plugin on a configuration in which references are resolved.
	"PUT /connector-plugins/:plugin/config/validate": {Edit, ofTenant},

	"GET /plugins":                       {View, ofTenant},
	"POST /plugins":                      {Edit, ofTenant},
	"GET /plugins/:name/:version":        {View, ofTenant},
	"GET /plugins/:name/:version/module": {View, ofTenant},
	"DELETE /plugins/:name/:version":     {Edit, ofTenant},

	"GET /tenants":            {NoRole, ofWorker}, // shows those in which the user has a role
	"GET /tenants/:tenant":    {View, ofNamed},
	"PUT /tenants/:tenant":    {Admin, ofWorker},
	"DELETE /tenants/:tenant": {Admin, ofWorker},

	"GET /admin/loggers":         {View, ofTenant},
	"GET /admin/loggers/:logger": {View, ofTenant},
	"PUT /admin/loggers/:logger": {Admin, ofWorker},
}

// permissionOf is what a route asks for. A route without a line is a mistake that shows at the start.
func permissionOf(method, path string) permission {
	switch method {
	case "HEAD":
		method = "GET"
	case "OPTIONS":
		return permission{NoRole, ofTenant}
	}
	p, known := permissions[method+" "+path]
	if !known {
		panic("the route " + method + " " + path + " has no line in permissions")
	}
	return p
}
