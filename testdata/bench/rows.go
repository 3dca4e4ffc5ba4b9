package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The rows of P4 as chain B and the JSON converter must have written them; the sources of the rows are modules of their
// own (folder rows and StructSource.java).

var rowWords = [8]string{"amber", "anchor", "april", "arrow", "autumn", "basin", "beacon", "birch"}

// checkEvery is which rows are compared: all of them would take longer than the benchmark.
const checkEvery = 97

// sameRow is a check that a record's key and value are row i.
func sameRow(i uint64, r *kgo.Record) error {
	if i%checkEvery != 0 {
		return nil
	}
	for _, half := range []struct {
		name string
		got  []byte
		want any
	}{{"key", r.Key, i}, {"value", r.Value, row(i)}} {
		var got struct{ Payload any }
		if err := json.Unmarshal(half.got, &got); err != nil {
			return fmt.Errorf("%s: %w", half.name, err)
		}
		if want := asJSON(half.want); !reflect.DeepEqual(got.Payload, want) {
			return fmt.Errorf("%s: %v instead of %v", half.name, got.Payload, want)
		}
	}
	return nil
}

// asJSON is what a value is once it was written and read.
func asJSON(value any) (read any) {
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &read)
	}
	if err != nil {
		panic(err) // a value of this file that is no JSON
	}
	return read
}

func row(i uint64) map[string]any {
	p := i % 1000
	name := rowWords[p&7] + " " + rowWords[p>>3&7]
	var note any
	if i%3 != 0 {
		note = "note " + name
	}
	return map[string]any{
		"id":      i,
		"name":    name,
		"active":  i%2 == 0,
		"qty":     i % 97,
		"ratio":   javaEighths(i % 1000),
		"price":   base64.StdEncoding.EncodeToString(big.NewInt(int64(100 + 7919*p)).FillBytes(make([]byte, priceBytes(p)))),
		"created": time.UnixMilli(1_700_000_000_000 + 7*int64(i)).UTC().Format("2006-01-02T15:04:05.000Z"),
		"note":    note,
		"tags":    []string{rowWords[p>>1&7], rowWords[p>>4&7]},

		"address_street": fmt.Sprintf("%s street %d", rowWords[p>>2&7], p),
		"address_city":   rowWords[p>>5&7],
		"address_zip":    10_000 + p,
	}
}

// priceBytes is how many bytes the two's complement of row p's price takes.
func priceBytes(p uint64) int { return big.NewInt(int64(100+7919*p)).BitLen()/8 + 1 }

// javaEighths is the text of n/8 with at least one decimal.
func javaEighths(n uint64) string {
	text := strconv.FormatFloat(float64(n)/8, 'f', -1, 64)
	if n%8 == 0 {
		text += ".0"
	}
	return text
}
