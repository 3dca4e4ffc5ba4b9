package abi

import (
	"fmt"
)

// fields reads a control map; after the first wrong type it gives zero values. Keys that are absent or null read as
// the zero value, keys that are not known are passed over: a later version may add some.
type fields struct {
	v   Value
	err error
}

func (f *fields) get(key string, tag Tag) (Value, bool) {
	v, ok := f.v.Get(key)
	if !ok || v.IsNull() || f.err != nil {
		return Value{}, false
	}
	if v.Tag != tag {
		f.err = fmt.Errorf("%s is %s, want %s", key, v.Tag, tag)
		return Value{}, false
	}
	if tag == TagString && len(v.Payload) > ControlStringBytes {
		f.err = fmt.Errorf("%s has %d bytes", key, len(v.Payload))
		return Value{}, false
	}
	return v, true
}

func (f *fields) str(key string) string {
	v, _ := f.get(key, TagString)
	return v.String()
}

func (f *fields) optStr(key string) *string {
	v, ok := f.get(key, TagString)
	if !ok {
		return nil
	}
	s := v.String()
	return &s
}

func (f *fields) int32(key string) int32 {
	v, _ := f.get(key, TagInt32)
	return v.Int32()
}

func (f *fields) int64(key string) int64 {
	v, _ := f.get(key, TagInt64)
	return v.Int64()
}

func (f *fields) optFloat64(key string) *float64 {
	v, ok := f.get(key, TagFloat64)
	if !ok {
		return nil
	}
	x := v.Float64()
	return &x
}

func (f *fields) bool(key string) bool {
	v, _ := f.get(key, TagBoolean)
	return v.Bool()
}

func (f *fields) strings(key string) []string {
	v, _ := f.get(key, TagArray)
	var list []string
	for i := range v.Len() {
		item := v.Item(i)
		if item.Tag != TagString {
			f.err = fmt.Errorf("%s: item %d is %s", key, i, item.Tag)
			return nil
		}
		list = append(list, item.String())
	}
	return list
}

func (f *fields) config(key string) map[string]*string {
	v, ok := f.get(key, TagMap)
	if !ok {
		return nil
	}
	config, err := configOf(v)
	if err != nil {
		f.err = fmt.Errorf("%s: %w", key, err)
	}
	return config
}

// list calls each for the maps of an array of at most limit.
func (f *fields) list(key string, limit int, each func(*fields) error) {
	v, _ := f.get(key, TagArray)
	if v.Len() > limit {
		f.err = fmt.Errorf("%s: %d items", key, v.Len())
	}
	for i := 0; i < v.Len() && f.err == nil; i++ {
		item := fields{v: v.Item(i)}
		if item.v.Tag != TagMap {
			f.err = fmt.Errorf("%s: item %d is %s", key, i, item.v.Tag)
			return
		}
		err := each(&item)
		if err == nil {
			err = item.err
		}
		if err != nil {
			f.err = fmt.Errorf("%s: item %d: %w", key, i, err)
		}
	}
}

// parseMap reads a value body that is a map.
func parseMap(b []byte, what string, read func(*fields)) error {
	v, err := ParseValueBody(b)
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	if v.Tag != TagMap {
		return fmt.Errorf("read %s: it is %s", what, v.Tag)
	}
	f := fields{v: v}
	read(&f)
	if f.err != nil {
		return fmt.Errorf("read %s: %w", what, f.err)
	}
	return nil
}

// parseArray reads a value body that is an array, item by item.
func parseArray(b []byte, what string, each func(Value) error) error {
	v, err := ParseValueBody(b)
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	if v.Tag != TagArray {
		return fmt.Errorf("read %s: it is %s", what, v.Tag)
	}
	for i := range v.Len() {
		if err := each(v.Item(i)); err != nil {
			return fmt.Errorf("read %s: item %d: %w", what, i, err)
		}
	}
	return nil
}

func configOf(v Value) (map[string]*string, error) {
	if v.Tag != TagMap {
		return nil, fmt.Errorf("configuration is %s", v.Tag)
	}
	config := make(map[string]*string, v.Len())
	for i := range v.Len() {
		key, value := v.Entry(i)
		if key.Tag != TagString || value.Tag != TagString && value.Tag != TagNull {
			return nil, fmt.Errorf("configuration: %s for %s", value.Tag, key.Tag)
		}
		if value.IsNull() {
			config[key.String()] = nil
			continue
		}
		text := value.String()
		config[key.String()] = &text
	}
	return config, nil
}

// Builders of the entries of a control map.

func (b *Builder) pairString(key, x string) {
	b.String(key)
	b.String(x)
}

func (b *Builder) pairOptString(key string, x *string) {
	b.String(key)
	b.OptString(x)
}

func (b *Builder) pairInt32(key string, x int32) {
	b.String(key)
	b.Int32(x)
}

func (b *Builder) pairBool(key string, x bool) {
	b.String(key)
	b.Bool(x)
}

func (b *Builder) pairStrings(key string, list []string) {
	b.String(key)
	b.BeginArray()
	for _, s := range list {
		b.String(s)
	}
	b.End()
}

func (b *Builder) pairConfig(key string, config map[string]*string) {
	b.String(key)
	b.config(config)
}

// config writes a configuration, keys sorted.
func (b *Builder) config(config map[string]*string) {
	b.BeginMap()
	for _, p := range sortedPairs(config, optional) {
		b.String(p.Key.(string))
		b.scalar(p.Value)
	}
	b.End()
}
