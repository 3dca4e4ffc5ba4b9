package store

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/cluster/embedded/brokertest"
	"github.com/berth-connect/berth/host"
)

func TestShadowsAreReadBackAndEndWithTheirConnector(t *testing.T) {
	addr := brokertest.Bootstrap(t)
	worker := workerFor(t, addr)
	open := func() *ConfigStore {
		s, err := NewConfigStore(worker, slog.New(slog.DiscardHandler))
		start(t, s, err)
		return s
	}
	first, name := open(), "a/b-c"
	class := "x"
	if err := first.PutConnector(within(t), name, host.Config{"connector.class": &class}, ""); err != nil {
		t.Fatal(err)
	}
	for _, alias := range []string{"z-1", "a", "a"} {
		if err := first.PutShadow(within(t), host.ShadowWish{ID: alias, Connector: name, Alias: alias,
			Config: host.Config{"k": nil, "v": &class}}); err != nil {
			t.Fatal(err)
		}
	}
	second := open()
	for _, s := range []*ConfigStore{first, second} {
		c, _ := s.Snapshot().Connector(name)
		wish, has := c.Shadow("z-1")
		if len(c.Shadows) != 2 || c.Shadows[0].Alias != "a" || !has || wish.Config.Get("v") != class ||
			len(wish.Config) != 2 {
			t.Errorf("%+v", c.Shadows)
		}
	}
	if err := first.DeleteShadow(within(t), name, "a"); err != nil {
		t.Fatal(err)
	}
	if err := first.DeleteConnector(within(t), name); err != nil {
		t.Fatal(err)
	}
	if err := first.PutConnector(within(t), name, host.Config{"connector.class": &class}, ""); err != nil {
		t.Fatal(err)
	}
	if c, known := open().Snapshot().Connector(name); !known || len(c.Shadows) != 0 {
		t.Errorf("the new connector of that name has %+v", c.Shadows)
	}
}

// After compaction a connector's configuration may come behind its shadows; what is broken is passed over.
func TestShadowRecordsInAnyOrder(t *testing.T) {
	s := newConfigStore(slog.New(slog.DiscardHandler))
	apply := func(key, value string) { s.apply(&kgo.Record{Key: []byte(key), Value: []byte(value)}) }
	wish := func(connector, alias string) string {
		text, err := json.Marshal(host.ShadowWish{Connector: connector, Alias: alias})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	apply("berth-shadow-c/a", wish("c", "a"))
	apply("berth-shadow-c/b", wish("c", "other"))
	apply("berth-shadow-c/d", `[]`)
	apply("berth-shadow-c", wish("c", "a"))
	apply("berth-shadow-%/a", wish("c", "a"))
	apply("connector-c", `{"properties":{"connector.class":"x"}}`)
	c, known := s.Snapshot().Connector("c")
	if !known || len(c.Shadows) != 1 || c.Shadows[0].Alias != "a" {
		t.Errorf("%+v", c)
	}
}
