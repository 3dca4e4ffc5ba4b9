package herder_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/berth-connect/berth/host"
)

func TestModuleIsDeletedWhenNobodyUsesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t).start()
		defer b.stop()
		info, added, err := b.AddModule(t.Context(), host.ModuleUpload{Name: "geo", Wasm: []byte("\x00asm")})
		if err != nil || !added {
			t.Fatalf("%v, %v", added, err)
		}
		short := info.Digest[:12]
		for _, user := range []string{"b", "a"} {
			b.create(user, "", "connector.module", info.Digest)
		}
		err = b.DeleteModule(t.Context(), "", "geo", short)
		if !errors.Is(err, host.ErrConflict) || !strings.Contains(err.Error(), "used by the connector(s) a, b;") {
			t.Errorf("while it is used: %v", err)
		}
		for _, user := range []string{"a", "b"} {
			if err := b.Delete(t.Context(), user); err != nil {
				t.Fatal(err)
			}
		}
		for _, wrong := range [][2]string{{"other", short}, {"geo", short[1:]}, {"geo", "1.0"}, {"geo", ""}} {
			if err := b.DeleteModule(t.Context(), "", wrong[0], wrong[1]); !errors.Is(err, host.ErrNotFound) {
				t.Errorf("%v: %v", wrong, err)
			}
		}
		if err := b.DeleteModule(t.Context(), "", "geo", short); err != nil {
			t.Error(err)
		}
		if left, err := b.Modules(t.Context(), ""); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	})
}
