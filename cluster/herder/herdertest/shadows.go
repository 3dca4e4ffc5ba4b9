package herdertest

import (
	"context"
	"slices"

	"github.com/berth-connect/berth/cluster/store"
	"github.com/berth-connect/berth/host"
)

// PutShadow implements herder.ConfigStore.
func (c *Configs) PutShadow(_ context.Context, wish host.ShadowWish) error {
	return c.update(wish.Connector, store.ConfigEvent{Kind: store.ShadowsChanged}, func(connector *store.Connector) {
		connector.Shadows = append(withoutShadow(connector, wish.Alias), wish)
	})
}

// DeleteShadow implements herder.ConfigStore.
func (c *Configs) DeleteShadow(_ context.Context, name, alias string) error {
	return c.update(name, store.ConfigEvent{Kind: store.ShadowsChanged}, func(connector *store.Connector) {
		connector.Shadows = withoutShadow(connector, alias)
	})
}

func withoutShadow(connector *store.Connector, alias string) []host.ShadowWish {
	return slices.DeleteFunc(slices.Clone(connector.Shadows), func(w host.ShadowWish) bool { return w.Alias == alias })
}
