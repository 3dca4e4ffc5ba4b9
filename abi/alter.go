package abi

import "errors"

// AlterRequest is the body of the ALTER_OFFSETS event: a user wants to set offsets of a connector that is stopped.
type AlterRequest struct {
	Plugin  string // class name
	Kind    string
	Config  map[string]*string
	Offsets []AlteredOffset
}

// AlteredOffset is a partition, a MAP (or the NULL that a user wrote), and what its offset shall be: a MAP, or NULL to
// delete it.
type AlteredOffset struct{ Partition, Offset Value }

// Encode returns the value body.
func (r AlterRequest) Encode() []byte {
	var b Builder
	b.BeginMap()
	b.pairString("plugin", r.Plugin)
	b.pairString("kind", r.Kind)
	b.pairConfig("config", r.Config)
	b.String("offsets")
	b.BeginArray()
	for _, o := range r.Offsets {
		b.BeginArray()
		b.Put(o.Partition)
		b.Put(o.Offset)
		b.End()
	}
	b.End()
	b.End()
	return b.Bytes()
}

// ParseAlterRequest reads the body of the ALTER_OFFSETS event; the values of Offsets are views of b.
func ParseAlterRequest(b []byte) (AlterRequest, error) {
	var r AlterRequest
	err := parseMap(b, "request to alter offsets", func(f *fields) {
		r = AlterRequest{Plugin: f.str("plugin"), Kind: f.str("kind"), Config: f.config("config")}
		list, _ := f.get("offsets", TagArray)
		for i := range list.Len() {
			pair := list.Item(i)
			if pair.Tag != TagArray || pair.Len() != 2 || !isMapOrNull(pair.Item(0)) || !isMapOrNull(pair.Item(1)) {
				f.err = errors.New("offsets: an item is not a pair of maps or nulls")
				return
			}
			r.Offsets = append(r.Offsets, AlteredOffset{pair.Item(0), pair.Item(1)})
		}
	})
	return r, err
}

func isMapOrNull(v Value) bool { return v.Tag == TagMap || v.IsNull() }

// Altered is the body of the ALTERED message.
type Altered struct {
	Supported bool // false: offsets must not be set from outside
	Managed   bool // the plugin has altered what it keeps in its own system, or keeps nothing there
}

// Encode returns the value body.
func (a Altered) Encode() []byte {
	var b Builder
	b.BeginMap()
	b.pairBool("supported", a.Supported)
	b.pairBool("managed", a.Managed)
	b.End()
	return b.Bytes()
}

// ParseAltered reads the body of the ALTERED message.
func ParseAltered(b []byte) (Altered, error) {
	var a Altered
	err := parseMap(b, "answer about altered offsets", func(f *fields) {
		a = Altered{f.bool("supported"), f.bool("managed")}
	})
	return a, err
}
