package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
)

// family plays the vectors of some files.
type family interface {
	// key tells which vectors may be played one after the other on what one open gave.
	key(*vector) string
	// open makes ready for vectors with that key; a plugin that refuses its configuration is an answer, too.
	open(context.Context, *vector) player
}

// player answers vectors in the form of their results.
type player interface {
	// play returns the answer, or why there is none. After any other error than unplayable the player is closed and the
	// next vector gets a new one.
	play(context.Context, *vector) (any, error)
	close()
}

// unplayable says why a vector can't be played at all.
type unplayable string

func (u unplayable) Error() string { return string(u) }

// function plays vectors that need nothing to be open.
type function func(*vector) (any, error)

func (function) key(v *vector) string                             { return v.file }
func (f function) open(context.Context, *vector) player           { return f }
func (f function) play(_ context.Context, v *vector) (any, error) { return f(v) }
func (function) close()                                           {}

// families finds the family of a vector.
type families func(*vector) family

// group is vectors that are played in turn.
type group struct {
	family  family
	vectors []*vector
}

// play plays all vectors, groups at once on every core, and returns for each how the answer differs: "" = it does not.
func play(ctx context.Context, all []*vector, of families) map[*vector]string {
	groups := make(chan *group)
	outcomes := make(map[*vector]string, len(all))
	var mu sync.Mutex
	var players sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		players.Go(func() {
			for g := range groups {
				g.play(ctx, func(v *vector, outcome string) {
					mu.Lock()
					defer mu.Unlock()
					outcomes[v] = outcome
				})
			}
		})
	}
	for _, g := range grouped(all, of) {
		groups <- g
	}
	close(groups)
	players.Wait()
	return outcomes
}

func grouped(all []*vector, of families) []*group {
	var groups []*group
	byKey := map[string]*group{}
	for _, v := range all {
		f := of(v)
		key := fmt.Sprintf("%T ", f) + f.key(v)
		g := byKey[key]
		if g == nil {
			g = &group{family: f}
			byKey[key] = g
			groups = append(groups, g)
		}
		g.vectors = append(g.vectors, v)
	}
	return groups
}

func (g *group) play(ctx context.Context, report func(v *vector, outcome string)) {
	var p player
	for _, v := range g.vectors {
		if p == nil {
			p = g.family.open(ctx, v)
		}
		got, err := p.play(ctx, v)
		if err == nil {
			report(v, difference(v, got))
			continue
		}
		report(v, "not played: "+strings.TrimSpace(err.Error()))
		if _, isFine := err.(unplayable); !isFine {
			p.close()
			p = nil
		}
	}
	if p != nil {
		p.close()
	}
}
