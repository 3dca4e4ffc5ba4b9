package plugin

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
)

// digest is that of the module, packed or not.
func (b *Bundled) digest() string {
	if b.Digest != "" {
		return b.Digest
	}
	return digestOf(b.Wasm)
}

// unpackedSize is the size that gzip notes in the last four bytes.
func unpackedSize(packed []byte) int64 {
	return int64(binary.LittleEndian.Uint32(packed[len(packed)-4:]))
}

// unpack takes a large bundled module out of its gzip file, each time that it is compiled: kept, it would be memory
// that nobody needs.
func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack a bundled module: %w", err)
	}
	wasm := bytes.NewBuffer(make([]byte, 0, unpackedSize(packed)+bytes.MinRead))
	if _, err := io.Copy(wasm, r); err != nil {
		return nil, fmt.Errorf("unpack a bundled module: %w", err)
	}
	return wasm.Bytes(), nil
}
