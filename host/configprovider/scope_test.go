package configprovider

import (
	"strings"
	"testing"

	"github.com/berth-connect/berth/host"
)

// echoes has every key under every path.
type echoes struct{}

func (echoes) Get(path string, keys []string) (Data, error) {
	values := map[string]string{}
	for _, key := range keys {
		values[key] = path + "/" + key
	}
	return Data{values, -1}, nil
}

func TestTenantsReferToWhatIsTheirs(t *testing.T) {
	all := NewTransformer(map[string]Provider{"file": echoes{}, "env": echoes{}})
	own := all.For(host.Tenant{Name: "a", Secrets: map[string][]string{"file": {"/secrets/a/*"}, "env": {"A_*"}}})
	for value, allowed := range map[string]bool{
		"plain": true, "${file:/secrets/a/db:password}": true, "${env:A_KEY}": true, "${unknown:x:y}": true,
		"${file:/secrets/b/db:password}": false, "${file:/secrets/a/../b/db:password}": false,
		"${file:/secrets/a//../../b:x}": false, "${env:B_KEY}": false, "${env:PATH}": false,
		"${file:A_KEY}": false, "${env:A_KEY}${env:B_KEY}": false, "${file:/secrets/a/./db:x}": false,
	} {
		config := host.Config{"key": &value}
		_, err := own.Transform(config)
		refused := own.Refused(config)["key"]
		if (err == nil) != allowed || (refused == "") != allowed || err != nil && !strings.Contains(refused, "${") {
			t.Errorf("%s: %v, %q", value, err, refused)
		}
		if _, err := all.For(host.Tenant{}).Transform(config); err != nil {
			t.Errorf("%s of the default tenant: %v", value, err)
		}
	}
	var none *Transformer
	if none.For(host.Tenant{Name: "a"}) != nil {
		t.Error("without providers there is something to refer to")
	}
}
