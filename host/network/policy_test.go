package network

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

func policy(t *testing.T, entries ...string) *Policy {
	t.Helper()
	p, err := ParsePolicy(entries)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestGrantsThatAreNoneSayWhatIsWrong(t *testing.T) {
	for entry, want := range map[string]string{
		"example.com":            "it names no port",
		"example.com:":           `its port "" is neither`,
		"example.com:0":          `its port "0" is neither`,
		"example.com:90-80":      `its port "90-80" is neither`,
		"example.com:65536":      `its port "65536" is neither`,
		"https://example.com:80": `"https://example.com" is no host name`,
		"exa mple.com:80":        `"exa mple.com" is no host name`,
		"a..b:80":                `"" is no label`,
		"*a.com:80":              `"*a.com" is no host name`,
		":80":                    `it has 0 characters`,
		"münchen.de:80":          "xn--",
	} {
		_, err := ParsePolicy([]string{"ok.example:1", entry})
		if err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), "Invalid value "+entry+" for configuration berth.allow.net") {
			t.Errorf("%s: got %v, want %q", entry, err, want)
		}
	}
}

func TestNamesAreGrantedByNameAndPort(t *testing.T) {
	p := policy(t, "api.example.com:443", "*.db.example.com:5432-5433", "Upper.Example.:1")
	for target, granted := range map[string]bool{
		"api.example.com:443": true, "api.example.com:80": false, "example.com:443": false,
		"x.api.example.com:443": false, "evil-api.example.com:443": false, "api.example.com.evil.com:443": false,
		"a.db.example.com:5432": true, "b.a.db.example.com:5433": true, "db.example.com:5432": false,
		"a.db.example.com:5434": false, "upper.example:1": true,
	} {
		name, port, _ := net.SplitHostPort(target)
		number, _ := net.LookupPort("tcp", port)
		failed := p.checkName(name, uint16(number))
		if (failed == nil) != granted {
			t.Errorf("%s: got %v, want granted %v", target, failed, granted)
		}
		if failed != nil && !strings.Contains(failed.Message, target) {
			t.Errorf("%s: the missing grant is not named: %v", target, failed)
		}
	}
	var none *Policy
	if none.checkName("api.example.com", 443) == nil {
		t.Error("no policy grants something")
	}
}

func TestAPluginReachesWhatIsGrantedAndAskedFor(t *testing.T) {
	granted := policy(t, "*.example.com:443", "10.0.0.0/8:*")
	p, err := granted.Asked([]string{"api.example.com:*", "other.test:443", "10.1.0.0/16:5432"})
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{
		"api.example.com:443": "", "10.1.2.3:5432": "",
		"api.example.com:80":  "api.example.com:80 is not granted; the worker's berth.allow.net must list it",
		"other.test:443":      "other.test:443 is not granted",
		"web.example.com:443": "web.example.com:443 is not what the plugin asks for",
		"10.1.2.3:80":         "10.1.2.3:80 is not what the plugin asks for, whatever is granted: its manifest ne",
		"10.2.0.1:5432":       "10.2.0.1:5432 is not what the plugin asks for",
	} {
		name, port, _ := net.SplitHostPort(target)
		number, _ := net.LookupPort("tcp", port)
		var failed *Error
		if addr, err := netip.ParseAddr(name); err == nil {
			failed = p.checkAddress(addr, uint16(number), false)
		} else {
			failed = p.checkName(name, uint16(number))
		}
		if got := fmt.Sprint(failed); want == "" && failed != nil || !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %q", target, got, want)
		}
	}
	if failed := p.checkAddress(netip.MustParseAddr("10.9.9.9"), 443, true); failed != nil {
		t.Errorf("an address behind a name that is asked for: %v", failed)
	}
	if p.checkQuestion("web.example.com") == nil || p.checkQuestion("_x._tcp.api.example.com") != nil {
		t.Error("DNS is asked for what the plugin does not ask for, or not for what it does")
	}
	_, err = granted.Asked([]string{"a:1", "b"})
	if err == nil || !strings.Contains(err.Error(), `"b": it names no port`) {
		t.Errorf("got %v", err)
	}
	if none, _ := (*Policy)(nil).Asked([]string{"a:1"}); none.checkName("a", 1) == nil || !none.Empty() {
		t.Error("asking grants")
	}
}

func TestAddressesOfGrantedNamesMustBePublicOrGranted(t *testing.T) {
	wide := policy(t, "*:*", "0.0.0.0/0:*", "::/0:*", "10.1.0.0/16:5432", "127.0.0.1:80")
	for target, granted := range map[string]bool{
		"93.184.216.34:443": true, "[2606:4700::1]:443": true,
		"10.1.2.3:5432": true, "10.1.2.3:5433": false, "10.2.0.1:5432": false,
		"127.0.0.1:80": true, "127.0.0.2:80": false, "127.0.0.1:81": false, "[::1]:80": false,
		"169.254.169.254:80": false, "[fd00:ec2::254]:80": false, "168.63.129.16:80": false, "100.100.100.200:80": false,
		"[::ffff:169.254.169.254]:80": false, "[64:ff9b::a9fe:a9fe]:80": false, "[2002:a9fe:a9fe::]:80": false,
		"[::127.0.0.1]:80": false, "[::ffff:10.1.2.3]:5432": true, "0.0.0.0:80": false, "255.255.255.255:80": false,
		"224.0.0.1:80": false, "[fe80::1]:80": false, "192.168.1.1:443": false, "172.20.0.1:443": false,
	} {
		ap := netip.MustParseAddrPort(target)
		if failed := wide.checkAddress(ap.Addr(), ap.Port(), true); (failed == nil) != granted {
			t.Errorf("%s: got %v, want granted %v", target, failed, granted)
		}
	}
	named := policy(t, "api.example.com:443")
	if named.checkAddress(netip.MustParseAddr("93.184.216.34"), 443, false) == nil {
		t.Error("an address is granted by a name")
	}
}

func TestQuestionsAreForGrantedNames(t *testing.T) {
	p := policy(t, "*.example.com:27017", "10.0.0.0/8:1")
	for name, granted := range map[string]bool{"a.example.com": true, "_mongodb._tcp.a.example.com": true,
		"example.com": false, "_mongodb._tcp.evil.com": false, "secret.evil.com": false} {
		if failed := p.checkQuestion(name); (failed == nil) != granted {
			t.Errorf("%s: got %v, want granted %v", name, failed, granted)
		}
	}
}

// rebinding is a DNS server that gives a public address first and a private one from then on.
type rebinding struct {
	*net.Resolver
	asked atomic.Int32
	then  netip.Addr
}

func (r *rebinding) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if r.asked.Add(1) == 1 {
		return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
	}
	return []netip.Addr{r.then}, nil
}

// TestRebindingReachesNothing: each dial resolves and checks anew, and dials what it has checked.
func TestRebindingReachesNothing(t *testing.T) {
	for _, private := range []string{"127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1"} {
		s := NewStack(t.Context(), Access{Policy: policy(t, "api.example.com:80"),
			Resolver: &rebinding{then: netip.MustParseAddr(private)}}, host.Limits{}.WithDefaults(), 0)
		for range 3 {
			_, addresses, failed := s.access.Policy.resolved(t.Context(), s.access.Resolver, "api.example.com", 80)
			if failed == nil || failed.Code != abi.NetNotGranted || len(addresses) > 0 {
				t.Errorf("%s: got %v, %v", private, addresses, failed)
			} else if !strings.Contains(failed.Message, "api.example.com resolves to ") {
				t.Errorf("%s: got %v", private, failed)
			}
		}
		s.Close()
	}
}

func TestOfSeveralAddressesOnlyThoseAllowedAreDialled(t *testing.T) {
	p := policy(t, "api.example.com:443")
	all := []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("93.184.216.34")}
	allowed, failed := p.allowed("api.example.com", all, 443)
	if failed != nil || len(allowed) != 1 || allowed[0] != all[1] {
		t.Errorf("got %v, %v", allowed, failed)
	}
}

func FuzzGrant(f *testing.F) {
	for _, seed := range []string{"api.example.com:443", "*.a:1-2", "[::1]:80", "10.0.0.0/8:*", ":", "*:*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		g, err := parseGrant(entry)
		if err == nil && (g.first == 0 || g.last < g.first || g.name == "" && !g.below && !g.prefix.IsValid()) {
			t.Errorf("%q became %+v", entry, g)
		}
	})
}

// What the host dials for a tenant's configuration is checked as what a plugin dials.
func TestHostDialsWhatIsGranted(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	p := policy(t, "127.0.0.1:"+port, "registry.example:80", "*.internal:80")
	for _, private := range []string{"169.254.169.254", "10.0.0.1", "::1", "::ffff:169.254.169.254"} {
		for _, address := range []string{"registry.example:80", "metadata.google.internal:80",
			net.JoinHostPort(private, "80"), "localhost:" + port, "127.0.0.1:1",
			"0177.0.0.1:" + port, "2130706433:" + port, "registry.example", "x:http"} {
			r := &rebinding{then: netip.MustParseAddr(private)}
			r.asked.Store(1)
			if conn, err := (Dialer{p, r}).DialContext(t.Context(), "tcp", address); err == nil {
				t.Errorf("%s, with names at %s: connected to %s", address, private, conn.RemoteAddr())
			}
		}
	}
	conn, err := Dialer{Policy: p}.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatalf("what is granted: %v", err)
	}
	_ = conn.Close()
	if _, err := (Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String()); err == nil {
		t.Error("no grants: connected")
	}
}
