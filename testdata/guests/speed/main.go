//go:build wasip1

// Command speed is a guest that measures itself: what it prints, "NAME NS ns" a line, is compared with and without
// metering.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

const record = `{"id":1000000,"type":"order.paid","ts":1700000000000,"customer":{"id":607535,"name":"stone","email":` +
	`"c607535@ex.io","tier":"platinum"},"items":[{"sku":"SKU-55700","qty":5,"price":748.01},{"sku":"SKU-50465",` +
	`"qty":3,"price":765.65}],"amount":"73567.01","card":"522194355700","ip":"10.168.32.7","active":true,"note":null}`

func main() {
	report("json", 20, jsonPass)
	report("copy", 1000, flatCopy)
	report("loop", 2, loop)
}

// report prints the nanoseconds of one pass: the fastest of some rounds, which was disturbed least.
func report(name string, passes int, pass func()) {
	best := time.Duration(1 << 62)
	for range 40 {
		started := time.Now()
		for range passes {
			pass()
		}
		best = min(best, time.Since(started))
	}
	fmt.Printf("%s %.1f ns\n", name, float64(best.Nanoseconds())/float64(passes))
}

var (
	text []byte
	sum  uint32
	flat = record2flat()
	out  = make([]byte, 0, 4096)
)

func jsonPass() {
	var v map[string]any
	if err := json.Unmarshal([]byte(record), &v); err != nil {
		panic(err)
	}
	v["origin"] = "bench"
	text, _ = json.Marshal(v)
}

// record2flat makes ten fields, each a length and its bytes.
func record2flat() []byte {
	var b []byte
	for i := range 10 {
		field := record[i*20 : i*20+20]
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(field))), field...)
	}
	return b
}

// flatCopy walks the fields, copies them and appends one.
func flatCopy() {
	out = out[:0]
	for at := 0; at < len(flat); {
		n := int(binary.LittleEndian.Uint32(flat[at:]))
		out = append(out, flat[at:at+4+n]...)
		at += 4 + n
	}
	out = append(binary.LittleEndian.AppendUint32(out, 5), "bench"...)
}

func loop() {
	s := sum
	for i := range uint32(100_000) {
		s += i ^ s>>3
	}
	sum = s
}
