// Package network is what guests reach of the network: connections and names that the operator granted, made by the
// host, bounded and counted. It knows nothing of Wasm; package engine puts guests in front of it.
package network

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/berth-connect/berth/abi"
)

// Property is the worker's property that lists the grants.
const Property = "berth.allow.net"

// Rule is how a grant is written, for messages.
const Rule = "list host:port, such as api.example.com:443, *.example.com:9000-9010 or 10.1.0.0/16:5432 " +
	"(a private address needs a grant of its range besides that of its name)"

// Policy is what the operator grants, of that what the plugin asks for; nil grants nothing.
type Policy struct {
	list   string // that the grants stand in, for messages; "": the worker's berth.allow.net
	grants []grant
	outer  *Policy // has to grant it, too; nil: there is none
	asked  *asked  // nil: all that is granted
}

// asked are the needs of a plugin's manifest.
type asked struct {
	entries []string // as they are written
	grants  []grant
}

// Within returns a policy that grants what both grant.
func (p *Policy) Within(outer *Policy) *Policy {
	if outer == nil {
		return nil
	}
	return &Policy{list: p.listed(), grants: p.all(), outer: outer}
}

// beyond asks the outer policy.
func (p *Policy) beyond(check func(*Policy) *Error) *Error {
	if p == nil || p.outer == nil {
		return nil
	}
	return check(p.outer)
}

// grant is one entry: a name, every name below a domain, every name ("*"), or a range of addresses; and its ports.
type grant struct {
	name        string // lower case; "": a range
	below       bool   // "*.name"
	prefix      netip.Prefix
	first, last uint16
}

// ParsePolicy reads grants; the error says which one is wrong and how it should look.
func ParsePolicy(entries []string) (*Policy, error) { return ParsePolicyOf(Property, entries) }

// ParsePolicyOf is ParsePolicy for another property that is written so.
func ParsePolicyOf(property string, entries []string) (*Policy, error) {
	grants, entry, err := parseGrants(entries)
	if err != nil {
		return nil, fmt.Errorf("Invalid value %s for configuration %s: %w; %s", entry, property, err, Rule)
	}
	return &Policy{list: "the worker's " + property, grants: grants}, nil
}

// ListedIn is the policy with another name for the list of its grants, as in "LIST must list it".
func (p *Policy) ListedIn(list string) *Policy {
	named := Policy{}
	if p != nil {
		named = *p
	}
	named.list = list
	return &named
}

// parseGrants returns the entry that an error is about.
func parseGrants(entries []string) (grants []grant, wrong string, err error) {
	for _, entry := range entries {
		g, err := parseGrant(entry)
		if err != nil {
			return nil, entry, err
		}
		grants = append(grants, g)
	}
	return grants, "", nil
}

// Asked is the part of the policy that a manifest's needs ask for, which are written as grants are. Error: the one that
// can't be read.
func (p *Policy) Asked(needs []string) (*Policy, error) {
	grants, entry, err := parseGrants(needs)
	if err != nil {
		return nil, fmt.Errorf("%q: %w; %s", entry, err, Rule)
	}
	part := &Policy{list: p.listed(), grants: p.all(), asked: &asked{needs, grants}}
	if p != nil {
		part.outer = p.outer
	}
	return part, nil
}

func parseGrant(entry string) (grant, error) {
	colon := strings.LastIndexByte(entry, ':')
	if colon < 0 {
		return grant{}, fmt.Errorf("it names no port")
	}
	g, err := parseHost(entry[:colon])
	if err != nil {
		return grant{}, err
	}
	g.first, g.last, err = parsePorts(entry[colon+1:])
	return g, err
}

func parseHost(text string) (grant, error) {
	text = strings.NewReplacer("[", "", "]", "").Replace(text)
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return grant{prefix: prefix.Masked()}, nil
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return grant{prefix: netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	if text == "*" {
		return grant{below: true}, nil
	}
	name, below := strings.CutPrefix(text, "*.")
	name, err := hostName(name)
	return grant{name: name, below: below}, err
}

func parsePorts(text string) (first, last uint16, err error) {
	if text == "*" {
		return 1, 65535, nil
	}
	from, to, ranged := strings.Cut(text, "-")
	if !ranged {
		to = from
	}
	a, errA := strconv.ParseUint(from, 10, 16)
	b, errB := strconv.ParseUint(to, 10, 16)
	if errA != nil || errB != nil || a == 0 || b < a {
		return 0, 0, fmt.Errorf("its port %q is neither a number from 1 to 65535, nor a range a-b, nor *", text)
	}
	return uint16(a), uint16(b), nil
}

// hostName makes a name comparable: lower case, without the dot at the end. Names that DNS can't hold are refused, so
// that nothing that looks like a name is something else to the resolver.
func hostName(text string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	if name == "" || len(name) > abi.NetHostBytesMax {
		return "", fmt.Errorf("%q is no host name: it has %d characters", text, len(name))
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", fmt.Errorf("%q is no host name: %q is no label of one (international names are written xn--…)",
				text, label)
		}
	}
	return name, nil
}

// matchesName tells whether a grant is of this name.
func (g grant) matchesName(name string) bool {
	switch {
	case g.prefix.IsValid():
		return false
	case g.below && g.name == "":
		return true
	case g.below:
		return strings.HasSuffix(name, "."+g.name)
	}
	return name == g.name
}

func (g grant) matchesPort(port uint16) bool { return g.first <= port && port <= g.last }

// covers tells whether a grant is of a range with this address. A range opens special addresses only if it lies
// within their block: 0.0.0.0/0 is the internet, not the worker's own network.
func (g grant) covers(addr netip.Addr) bool {
	if !g.prefix.IsValid() || !g.prefix.Contains(addr) {
		return false
	}
	block, special := specialBlock(addr)
	return !special || block.Contains(g.prefix.Addr()) && block.Bits() <= g.prefix.Bits()
}

// checkName tells whether a name may be dialled at a port; the addresses behind it are looked at later.
func (p *Policy) checkName(name string, port uint16) *Error {
	of := func(g grant) bool { return g.matchesName(name) && g.matchesPort(port) }
	if !p.asks(of) {
		return p.notAsked(joined(name, port))
	}
	for _, g := range p.all() {
		if of(g) {
			return p.beyond(func(outer *Policy) *Error { return outer.checkName(name, port) })
		}
	}
	return p.notGranted("%s is not granted", joined(name, port))
}

// checkQuestion tells whether DNS may be asked for a name: one that may be dialled at some port. Service labels in
// front (_mongodb._tcp) do not count.
func (p *Policy) checkQuestion(name string) *Error {
	host := name
	for strings.HasPrefix(host, "_") && strings.Contains(host, ".") {
		_, host, _ = strings.Cut(host, ".")
	}
	of := func(g grant) bool { return g.matchesName(host) }
	if !p.asks(of) {
		return p.notAsked(host)
	}
	if slices.ContainsFunc(p.all(), of) {
		return p.beyond(func(outer *Policy) *Error { return outer.checkQuestion(name) })
	}
	return p.notGranted("asking DNS for %s is not granted: %s", name, "a name may be asked for if a port of it is granted")
}

// checkAddress tells whether an address may be dialled: one of a granted name unless it is special, or one of a
// granted range. named: a grant of its name was found.
func (p *Policy) checkAddress(addr netip.Addr, port uint16, named bool) *Error {
	if failed := p.beyond(func(outer *Policy) *Error { return outer.checkAddress(addr, port, named) }); failed != nil {
		return failed
	}
	addr = addr.Unmap()
	of := func(g grant) bool { return g.prefix.IsValid() && g.prefix.Contains(addr) && g.matchesPort(port) }
	if !named && !p.asks(of) {
		return p.notAsked(joined(addr.String(), port))
	}
	for _, g := range p.all() {
		if g.covers(addr) && g.matchesPort(port) {
			return nil
		}
	}
	if _, special := specialBlock(addr); special {
		return p.notGranted("%s is a private or special address, which needs a grant of its own", joined(addr.String(), port))
	}
	if named {
		return nil
	}
	return p.notGranted("%s is not granted", joined(addr.String(), port))
}

// Check tells whether a host, by its name or address, may be dialled at a port; the addresses behind a name are not
// looked at. Error: says that it is not granted.
func (p *Policy) Check(hostname string, port uint16) error {
	failed := (*Error)(nil)
	if addr, err := netip.ParseAddr(hostname); err == nil {
		failed = p.checkAddress(addr, port, false)
	} else if name, err := hostName(hostname); err == nil {
		failed = p.checkName(name, port)
	} else {
		return err
	}
	if failed != nil {
		return failed
	}
	return nil
}

// asks tells whether the plugin asks for something.
func (p *Policy) asks(of func(grant) bool) bool {
	return p == nil || p.asked == nil || slices.ContainsFunc(p.asked.grants, of)
}

func (p *Policy) notAsked(what string) *Error {
	return &Error{abi.NetNotGranted, fmt.Sprintf("%s is not what the plugin asks for, whatever is granted: its manifest "+
		"needs %s alone", what, cmp.Or(strings.Join(p.asked.entries, ", "), "nothing"))}
}

// Missing are those of a manifest's needs that no grant reaches at all.
func (p *Policy) Missing(needs []string) []string {
	var missing []string
	for _, need := range needs {
		asked, err := parseGrant(need)
		if err == nil && !p.meets(asked) {
			missing = append(missing, need)
		}
	}
	return missing
}

// meets tells whether a need and what is granted, all in all, have something in common.
func (p *Policy) meets(need grant) bool {
	return p != nil && slices.ContainsFunc(p.grants, need.meets) && (p.outer == nil || p.outer.meets(need))
}

// meets tells whether a grant and a need have something in common.
func (g grant) meets(other grant) bool {
	if g.last < other.first || other.last < g.first || g.prefix.IsValid() != other.prefix.IsValid() {
		return false
	}
	if g.prefix.IsValid() {
		return g.prefix.Overlaps(other.prefix)
	}
	return g.within(other) || other.within(g)
}

// within tells whether the names of a grant are all among another's.
func (g grant) within(other grant) bool {
	if g.below {
		return other.below && (other.name == "" || g.name == other.name || strings.HasSuffix(g.name, "."+other.name))
	}
	return other.matchesName(g.name)
}

// Empty tells whether nothing is granted.
func (p *Policy) Empty() bool { return len(p.all()) == 0 || p.outer != nil && p.outer.Empty() }

func (p *Policy) listed() string {
	if p == nil {
		return ""
	}
	return p.list
}

func (p *Policy) all() []grant {
	if p == nil {
		return nil
	}
	return p.grants
}

// joined is host:port, as a grant writes it.
func joined(host string, port uint16) string { return net.JoinHostPort(host, strconv.Itoa(int(port))) }

// specialBlocks are addresses that are not the public internet's (the IANA special-purpose registries): hosts of the
// worker's own network, services of a cloud's hypervisor (169.254.169.254, fd00:ec2::254), and what maps to any of
// them. The narrower stand first.
var specialBlocks = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
	"::1/128", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	"fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8")

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func specialBlock(addr netip.Addr) (netip.Prefix, bool) {
	for _, block := range specialBlocks {
		if block.Contains(addr) {
			return block, true
		}
	}
	return netip.Prefix{}, false
}
