package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/berth-connect/berth/host"
)

// fakeUsage has one tenant, team-a.
type fakeUsage struct{}

func (fakeUsage) Usage(only *string) host.Usage {
	u := host.Usage{Worker: "w:1", Since: time.Unix(0, 0).UTC(), Tenants: []host.TenantUsage{}}
	if only == nil || *only == "team-a" {
		u.Tenants = append(u.Tenants, host.TenantUsage{Tenant: "team-a", Used: host.Used{CPUMillis: 7}})
	}
	return u
}

func TestUsageIsAnswered(t *testing.T) {
	server := newServer(t, &fakeHerder{}, Config{Usage: fakeUsage{}})
	const none = `200 {"worker_id":"w:1","since":"1970-01-01T00:00:00Z","tenants":[]}`
	for query, want := range map[string]string{
		"":                 `"tenants":[{"tenant":"team-a","used":{"cpu_ms":7,`,
		"?tenant=team-a":   `"tenant":"team-a"`,
		"?tenant=":         none,
		"?tenant=team-b":   none,
		"?tenant=Team%20A": `400 {"error_code":400,"message":"Invalid value \"Team A\" for parameter tenant`,
	} {
		answer := call(server, "GET", "/usage"+query, "", nil)
		if got := fmt.Sprintf("%d %s", answer.Code, answer.Body); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	if answer := call(newServer(t, &fakeHerder{}, Config{}), "GET", "/usage", "", nil); answer.Code != 404 {
		t.Errorf("a worker that counts nothing answers %d", answer.Code)
	}
}
