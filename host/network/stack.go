package network

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/berth-connect/berth/abi"
	"github.com/berth-connect/berth/host"
)

// Resolver answers questions for names; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Meters counts what guests do on the network. Safe for concurrent use.
type Meters interface {
	Connected()
	Failed(code abi.NetCode)
	Read(bytes int)
	Written(bytes int)
}

// Access is what the instances of a module get.
type Access struct {
	Policy   *Policy
	Resolver Resolver // nil: the system's
	Meters   Meters   // nil: nobody counts
	Secrets  []Secret // that the guest has handles of
	// Pace waits, besides the instance's own budget, until n bytes may pass, or ctx ends; nil: it does not.
	Pace func(ctx context.Context, n int)

	lacksCapability bool
}

// NoAccess is what the instances of a module get whose manifest did not ask for the network.
var NoAccess = Access{lacksCapability: true}

// Stack is the network of one instance. Its methods belong to the instance's goroutine; none of them waits.
type Stack struct {
	access  Access
	limits  host.Limits
	ctx     context.Context
	cancel  context.CancelFunc
	wake    chan struct{} // a token for the guest that sleeps
	streams map[uint32]*Stream
	last    uint32 // fd that was given out
	dials   rate
	bytes   budget
}

// NewStack makes the network of an instance, with fds above base. It outlives ctx until Close.
func NewStack(ctx context.Context, access Access, limits host.Limits, base uint32) *Stack {
	if access.Resolver == nil {
		access.Resolver = net.DefaultResolver
	}
	if access.Meters == nil {
		access.Meters = uncounted{}
	}
	if access.Pace == nil {
		access.Pace = func(context.Context, int) {}
	}
	s := &Stack{access: access, limits: limits, wake: make(chan struct{}, 1), streams: map[uint32]*Stream{}, last: base,
		dials: rate{perSecond: host.NetDialsPerSecondMax}, bytes: budget{perSecond: limits.NetSecondBytes}}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return s
}

type uncounted struct{}

func (uncounted) Connected()         {}
func (uncounted) Failed(abi.NetCode) {}
func (uncounted) Read(int)           {}
func (uncounted) Written(int)        {}

// Wake gets a token whenever a stream may have become ready.
func (s *Stack) Wake() <-chan struct{} { return s.wake }

func (s *Stack) notify() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Stream finds what an fd stands for; nil: nothing.
func (s *Stack) Stream(fd uint32) *Stream { return s.streams[fd] }

// Dial begins a connection and returns its fd; ok is false when too many are open. What hinders the connection is
// told by the stream's Status, a missing grant as well.
func (s *Stack) Dial(hostname string, port uint16) (fd uint32, ok bool) {
	return s.begin(func(st *Stream) { st.dial(hostname, port) })
}

// Resolve begins a question for DNS; the answer is the stream's Status.
func (s *Stack) Resolve(name string, kind uint32) (fd uint32, ok bool) {
	return s.begin(func(st *Stream) { st.resolve(name, kind) })
}

// begin runs work beside the guest, on a stream that it gets at once.
func (s *Stack) begin(work func(*Stream)) (fd uint32, ok bool) {
	if len(s.streams) >= s.limits.NetConnections {
		s.access.Meters.Failed(abi.NetOverLimit)
		return 0, false
	}
	st := newStream(s)
	s.last++
	s.streams[s.last] = st
	if s.access.lacksCapability {
		st.fail(errCapability)
		return s.last, true
	}
	if !s.dials.take(time.Now()) {
		st.fail(&Error{abi.NetOverLimit, "more than " + s.dials.String() + " connections and questions a second"})
		return s.last, true
	}
	go work(st)
	return s.last, true
}

// CloseFd forgets an fd; what the guest has written goes out in the background.
func (s *Stack) CloseFd(fd uint32) bool {
	st := s.streams[fd]
	if st == nil {
		return false
	}
	delete(s.streams, fd)
	st.close()
	return true
}

// Close ends all connections with the instance: what it has written goes out within host.NetLingerMax.
func (s *Stack) Close() {
	open := s.streams
	s.streams = nil
	for _, st := range open {
		st.close()
	}
	go func() {
		for _, st := range open {
			<-st.ctx.Done()
		}
		s.cancel()
	}()
}
