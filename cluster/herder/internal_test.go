package herder_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/berth-connect/berth/cluster/group"
	"github.com/berth-connect/berth/cluster/herder"
	"github.com/berth-connect/berth/cluster/sessionkey"
	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// TestSessionKeys: the leader hands out a key when there is none and when it is old; others never do.
func TestSessionKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, g := inGroup(t, joined(1, false, "c"))
		defer func() { b.stop() }()
		if key := b.configs.Snapshot().SessionKey; key != nil {
			t.Errorf("a follower handed out a key: %v", key)
		}
		g.send(joined(2, true, "c"))
		first := b.configs.Snapshot().SessionKey
		if first == nil || first.Algorithm != "HmacSHA256" || len(first.Key) != 32 ||
			first.CreatedUnixMs != time.Now().UnixMilli() {
			t.Fatalf("the leader's key: %v", first)
		}
		time.Sleep(time.Hour - time.Second)
		g.send(joined(3, true, "c"))
		if b.configs.Snapshot().SessionKey != first {
			t.Error("a new key before the old one's time")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		second := b.configs.Snapshot().SessionKey
		if second == first || slices.Equal(second.Key, first.Key) {
			t.Error("no new key although the old one's time is over")
		}
		g.send(joined(4, false, "c"))
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if b.configs.Snapshot().SessionKey != second {
			t.Error("a follower handed out a key")
		}
	})
}

func TestSessionKeyOfOtherForm(t *testing.T) {
	tests := map[string]struct {
		protocol group.Protocol
		stored   store.SessionKey
		renewed  bool
	}{
		"other algorithm": {group.Sessioned, store.SessionKey{Key: make([]byte, 32), Algorithm: "HmacSHA1"}, true},
		"other size":      {group.Sessioned, store.SessionKey{Key: make([]byte, 16), Algorithm: "HmacSHA256"}, true},
		"as configured":   {group.Sessioned, store.SessionKey{Key: make([]byte, 32), Algorithm: "HmacSHA256"}, false},
		"not signed":      {group.Compatible, store.SessionKey{Key: make([]byte, 16), Algorithm: "HmacSHA1"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, g := inGroup(t)
				defer func() { b.stop() }()
				test.stored.CreatedUnixMs = time.Now().UnixMilli()
				if err := b.configs.PutSessionKey(t.Context(), test.stored); err != nil {
					t.Fatal(err)
				}
				event := joined(1, true)
				event.Session.Protocol = test.protocol
				g.send(event)
				key := b.configs.Snapshot().SessionKey
				renewed := key.Algorithm != test.stored.Algorithm || len(key.Key) != len(test.stored.Key)
				if renewed != test.renewed {
					t.Errorf("renewed: %t, want %t", renewed, test.renewed)
				}
			})
		})
	}
}

func TestSignedRequests(t *testing.T) {
	body := []byte(`[]`)
	const missing = "Internal request missing required signature"
	tests := []struct {
		name   string
		key    bool
		forge  func(s *sessionkey.Signature) *sessionkey.Signature
		kind   error
		text   string
		stands bool // refused before anyone asks who leads
	}{
		{"right", true, func(s *sessionkey.Signature) *sessionkey.Signature { return s }, nil, "", false},
		{"none", true, func(*sessionkey.Signature) *sessionkey.Signature { return nil }, host.ErrBadRequest, missing, true},
		{"other body", true, func(s *sessionkey.Signature) *sessionkey.Signature { s.Body = []byte("[{}]"); return s },
			herder.ErrForbidden, "Internal request contained invalid signature.", true},
		{"other algorithm", true, func(s *sessionkey.Signature) *sessionkey.Signature { s.Algorithm = "HmacSHA1"; return s },
			host.ErrBadRequest, "This worker does not support the 'HmacSHA1' key signing algorithm used by other workers. " +
				"This worker is currently configured to use: [HmacSHA256]. Check that all workers' configuration files permit " +
				"the same set of signature algorithms, and correct any misconfigured worker and restart it.", true},
		{"no key yet", false, func(s *sessionkey.Signature) *sessionkey.Signature { return s }, herder.ErrUnavailable,
			"This worker is still starting up and has not been able to read a session key from the config topic yet", true},
	}
	for _, test := range tests {
		for _, leads := range []bool{true, false} {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b, g := inGroup(t, joined(1, leads && test.key))
					defer func() { b.stop() }()
					key := store.SessionKey{Key: []byte("0123456789abcdef0123456789abcdef"), Algorithm: "HmacSHA256",
						CreatedUnixMs: time.Now().UnixMilli()}
					if test.key {
						if err := b.configs.PutSessionKey(t.Context(), key); err != nil {
							t.Fatal(err)
						}
					}
					signature, err := sessionkey.Sign(key.Key, "HmacSHA256", body)
					if err != nil {
						t.Fatal(err)
					}
					err = b.PutTaskConfigs(t.Context(), "c", nil, test.forge(&signature))
					if !leads && !test.stands {
						expectElsewhere(t, err, leaderURL, (&herder.NotLeader{LeaderURL: leaderURL}).Error())
						return
					}
					if !errors.Is(err, test.kind) || err != nil && err.Error() != test.text {
						t.Errorf("got %v, want %v %q", err, test.kind, test.text)
					}
					if wrote := b.configs.Snapshot().Connectors["c"].TaskCount == 0; wrote != (test.kind == nil) {
						t.Errorf("written: %t", wrote)
					}
					synctest.Wait() // for what follows from the write
					g.expect(t, 0, map[bool]int{true: 1}[test.kind == nil])
				})
			})
		}
	}
}

// TestTaskConfigsThatTheLeaderRefuses, in a group whose protocol does not sign.
func TestTaskConfigsThatTheLeaderRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		event := joined(1, true)
		event.Session.Protocol = group.Compatible
		b, _ := inGroup(t, event)
		defer func() { b.stop() }()
		b.do(b.Stop, "d")
		tasks := []host.Config{{}}
		err := b.PutTaskConfigs(t.Context(), "d", tasks, nil)
		const stopped = "Cannot submit non-empty set of task configs for stopped connector d"
		if !errors.Is(err, host.ErrBadRequest) || err.Error() != stopped {
			t.Errorf("tasks of a stopped connector: %v", err)
		}
		if err := b.PutTaskConfigs(t.Context(), "d", nil, nil); err != nil {
			t.Errorf("no tasks for a stopped connector: %v", err)
		}
		if err := b.PutTaskConfigs(t.Context(), "x", tasks, nil); !errors.Is(err, host.ErrNotFound) {
			t.Errorf("an unknown connector: %v", err)
		}
	})
}

func TestFencing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		event := joined(1, true)
		event.Session.Protocol = group.Compatible
		b, g := inGroup(t, event)
		defer func() { b.stop() }()
		ctx := t.Context()
		fence := func(fenced string, count int) {
			t.Helper()
			if err := b.FenceZombies(ctx, "c", nil); err != nil {
				t.Fatal(err)
			}
			stored := b.configs.Snapshot().Connectors["c"]
			if got := strings.Join(b.admin.Fenced, " "); got != fenced || *stored.FencedCount != count || stored.PendingFence {
				t.Errorf("fenced %q, count %d, pending %t; want %q and %d", got, *stored.FencedCount, stored.PendingFence,
					fenced, count)
			}
			b.admin.Fenced = nil
		}
		put := func(n int) {
			if err := b.configs.PutTasks(ctx, "c", make([]host.Config, n)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		fence("", 2) // nobody was there before
		fence("", 2) // and nothing has changed
		put(1)
		fence("g-c-0 g-c-1", 1)
		put(1)
		fence("", 1) // one task fences its predecessor by itself
		put(3)
		fence("g-c-0", 3)
		put(2)
		b.admin.Err = errors.New("Kafka is away")
		if err := b.FenceZombies(ctx, "c", nil); err == nil || !b.configs.Snapshot().Connectors["c"].PendingFence {
			t.Errorf("fencing that failed: %v", err)
		}
		if err := b.FenceZombies(ctx, "x", nil); !errors.Is(err, host.ErrNotFound) {
			t.Errorf("an unknown connector: %v", err)
		}
		sink := config("connector.class", "FileStreamSink", "topics", "t", "name", "s")
		if err := b.configs.PutConnector(ctx, "s", sink, ""); err != nil {
			t.Fatal(err)
		}
		if err := b.FenceZombies(ctx, "s", nil); !errors.Is(err, host.ErrBadRequest) {
			t.Errorf("a sink: %v", err)
		}
		event = joined(2, false)
		event.Session.Protocol = group.Compatible
		g.send(event)
		expectElsewhere(t, b.FenceZombies(ctx, "c", nil), leaderURL, (&herder.NotLeader{LeaderURL: leaderURL}).Error())
	})
}
