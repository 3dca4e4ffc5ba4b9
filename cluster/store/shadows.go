package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/berth-connect/berth/host"
)

// shadowKey is the prefix of a shadow's record in the config topic, which Connect's workers pass over. Its key is
// `berth-shadow-CONNECTOR/ALIAS`, both escaped as in URLs; its value a host.ShadowWish, nothing: the shadow ends.
const shadowKey = "berth-shadow-"

func shadowRecordKey(connector, alias string) string {
	return shadowKey + url.PathEscape(connector) + "/" + url.PathEscape(alias)
}

// PutShadow tells all workers of a shadow. Any worker may write it.
func (s *ConfigStore) PutShadow(ctx context.Context, wish host.ShadowWish) error {
	value, err := json.Marshal(wish)
	if err != nil {
		return fmt.Errorf("write the shadow of %s: %w", wish.Alias, err)
	}
	return s.write(ctx, "writing the shadow of "+wish.Alias, []*kgo.Record{
		record(shadowRecordKey(wish.Connector, wish.Alias), value)})
}

// DeleteShadow ends a shadow on all workers.
func (s *ConfigStore) DeleteShadow(ctx context.Context, connector, alias string) error {
	return s.write(ctx, "ending the shadow of "+alias, []*kgo.Record{record(shadowRecordKey(connector, alias), nil)})
}

// shadowTombstones end all shadows of a connector, which must not come back with another connector of its name.
func (s *ConfigStore) shadowTombstones(connector string) []*kgo.Record {
	var records []*kgo.Record
	for _, wish := range s.Snapshot().Connectors[connector].Shadows {
		records = append(records, record(shadowRecordKey(connector, wish.Alias), nil))
	}
	return records
}

// Shadow returns the wish for a transformation.
func (c Connector) Shadow(alias string) (host.ShadowWish, bool) {
	i := slices.IndexFunc(c.Shadows, func(w host.ShadowWish) bool { return w.Alias == alias })
	if i < 0 {
		return host.ShadowWish{}, false
	}
	return c.Shadows[i], true
}

func (c *configReader) shadow(key string, value []byte) {
	escapedName, escapedAlias, _ := strings.Cut(key[len(shadowKey):], "/")
	name, nameErr := url.PathUnescape(escapedName)
	alias, aliasErr := url.PathUnescape(escapedAlias)
	if nameErr != nil || aliasErr != nil || name == "" || alias == "" {
		c.ignored(key, "its key names no transformation of a connector")
		return
	}
	known := c.get(name)
	shadows := slices.DeleteFunc(slices.Clone(known.Shadows), func(w host.ShadowWish) bool { return w.Alias == alias })
	if len(value) > 0 {
		var wish host.ShadowWish
		if err := json.Unmarshal(value, &wish); err != nil || wish.Connector != name || wish.Alias != alias {
			c.ignored(key, "it is no shadow of the transformation that its key names")
			return
		}
		shadows = append(shadows, wish)
		slices.SortFunc(shadows, func(a, b host.ShadowWish) int { return cmp.Compare(a.Alias, b.Alias) })
	}
	known.Shadows = shadows // also of a connector whose configuration, written anew, comes behind it in the topic
	c.connectors[name] = known
	c.note(ConfigEvent{Kind: ShadowsChanged, Connector: name})
}
