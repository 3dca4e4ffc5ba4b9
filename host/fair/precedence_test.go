package fair

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// Who has precedence goes on although others came before it and no turn is free; they get theirs as before.
func TestPrecedenceComesBeforeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Shares
		var preceding Preceding
		tenant, q := s.Join(), NewQueue(1)
		if !q.Enter(t.Context(), tenant, false, nil) {
			t.Fatal("no turn though one is free")
		}
		order := make(chan string, 4)
		enter := func(name string, p *Precedence) {
			go func() { order <- fmt.Sprint(name, " ", q.Enter(t.Context(), tenant, false, p)) }()
			synctest.Wait()
		}
		late := preceding.New()
		enter("first", preceding.New())
		enter("second", nil)
		enter("late", late)
		late.Give()
		synctest.Wait()
		q.Leave()
		synctest.Wait()
		q.Leave()
		synctest.Wait()
		late.End()
		late.Give()
		enter("late again", late)
		for _, want := range []string{"late false", "first true", "second true", "late again false"} {
			if got := <-order; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		if q.Wanted() {
			t.Error("somebody waits still")
		}
		late.End()
	})
}

func TestOthersStandAsideUntilPrecedenceIsOver(t *testing.T) {
	for _, c := range []struct {
		name string
		ends func(p *Precedence)
		want time.Duration
	}{
		{"ended", func(p *Precedence) { p.End() }, time.Millisecond},
		{"the guest has ended", func(p *Precedence) { p.Close(); p.Give() }, time.Millisecond},
		{"never ended", func(*Precedence) {}, precedenceMax},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var preceding Preceding
				if preceding.StandAside(t.Context()) {
					t.Error("stood aside for nobody")
				}
				p, began := preceding.New(), time.Now()
				p.Give()
				p.Give()
				go func() {
					time.Sleep(time.Millisecond)
					c.ends(p)
				}()
				if !preceding.StandAside(t.Context()) || time.Since(began) != c.want {
					t.Errorf("others went on after %v, want %v", time.Since(began), c.want)
				}
				synctest.Wait()
				if p.Given() || preceding.StandAside(t.Context()) {
					t.Error("it is not over")
				}
			})
		})
	}
}

func TestPrecedenceIsAPartOfEachSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var preceding Preceding
		p, had, began := preceding.New(), time.Duration(0), time.Now()
		for time.Since(began) < 10*time.Second {
			p.Give()
			if p.Given() {
				had += time.Millisecond
			}
			time.Sleep(time.Millisecond)
			p.End()
		}
		if want := 10 * precedencePerSecond; had != want {
			t.Errorf("it was given for %v of 10 s, want %v", had, want)
		}
	})
}
