package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
)

var lineWords = [64]string{
	"amber", "anchor", "april", "arrow", "autumn", "basin", "beacon", "birch", "bolt", "breeze", "bridge", "cabin",
	"canal", "cargo", "cedar", "chart", "cliff", "cloud", "coast", "copper", "coral", "crane", "delta", "dock",
	"dune", "ember", "ferry", "field", "fjord", "flint", "gale", "garden", "glass", "grain", "harbor", "hazel",
	"helm", "inlet", "iron", "island", "jetty", "keel", "lagoon", "lantern", "ledger", "mast", "meadow", "mist",
	"north", "oak", "ocean", "pier", "pine", "quay", "reef", "ridge", "river", "sail", "shore", "stone", "tide",
	"timber", "vessel", "wharf",
}

// record is a kind of records: the text of the i-th depends on i alone, so that every reader of a topic or file can say
// what must stand where.
type record func(dst []byte, i uint64) []byte

func line100(dst []byte, i uint64) []byte { return appendLine(dst, i, 100) }
func line1k(dst []byte, i uint64) []byte  { return appendLine(dst, i, 1024) }

// appendLine appends line i: its number in 12 digits, then words picked by chance, cut at size bytes.
func appendLine(dst []byte, i uint64, size int) []byte {
	start := len(dst)
	dst = fmt.Appendf(dst, "%012d", i)
	chance, bits := splitMix(i), uint64(0)
	for word := 0; len(dst)-start < size; word++ {
		if word%10 == 0 { // 60 of the 64 random bits make ten words
			bits = chance.next()
		}
		dst = append(dst, ' ')
		dst = append(dst, lineWords[bits%64]...)
		bits /= 64
	}
	return dst[:start+size]
}

// json316 appends order i: one JSON object of 309 to 326 bytes, with an object and an array of two in it.
func json316(dst []byte, i uint64) []byte {
	chance := splitMix(i)
	a, b := chance.next(), chance.next()
	customer := a % 1_000_000
	dst = fmt.Appendf(dst, `{"id":%d,"type":"order.%s","ts":%d,`, 1_000_000+i,
		[]string{"created", "paid", "shipped", "closed"}[a>>20&3], 1_700_000_000_000+7*i)
	dst = fmt.Appendf(dst, `"customer":{"id":%d,"name":"%s","email":"c%06d@ex.io","tier":"%s"},"items":[`, customer,
		lineWords[a>>24&63], customer, []string{"basic", "silver", "gold", "platinum"}[a>>36&3])
	for k := range 2 {
		if k > 0 {
			dst = append(dst, ',')
		}
		v := b >> (24 * k)
		dst = fmt.Appendf(dst, `{"sku":"SKU-%05d","qty":%d,"price":%s}`, v%100_000, 1+v>>17%9, price(100+v%99_000))
	}
	dst = fmt.Appendf(dst, `],"amount":"%s","card":"%012d",`, price(1000+b%9_000_000), b%1_000_000_000_000)
	return fmt.Appendf(dst, `"ip":"10.%d.%d.7","active":%t,"note":null}`, a>>40&255, a>>48&255, a>>63 == 1)
}

// price is an amount whose last digit is not 0, so that it is as long as the shortest text of the same number.
func price(cents uint64) string {
	if cents%10 == 0 {
		cents++
	}
	return fmt.Sprintf("%d.%02d", cents/100, cents%100)
}

// splitMix is the generator of that name.
type splitMix uint64

func (s *splitMix) next() uint64 {
	*s += 0x9E3779B97F4A7C15
	bits := uint64(*s)
	bits = (bits ^ bits>>30) * 0xBF58476D1CE4E5B9
	bits = (bits ^ bits>>27) * 0x94D049BB133111EB
	return bits ^ bits>>31
}

// writeLines writes n records to a file, one a line.
func writeLines(path string, n int, text record) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the input file: %w", err)
	}
	defer f.Close()
	out := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for i := range uint64(n) {
		line = append(text(line[:0], i), '\n')
		if _, err := out.Write(line); err != nil {
			return fmt.Errorf("write the input file: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the input file: %w", err)
	}
	return nil
}

// compareLines reads the n lines of a file and reports the first that is not the generator's: a duplicate, a gap, a
// change.
func compareLines(path string, n int, text record) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	var want []byte
	next := uint64(0)
	for ; lines.Scan(); next++ {
		if want = text(want[:0], next); !bytes.Equal(want, lines.Bytes()) {
			return fmt.Errorf("%s, line %d: %q instead of %q", path, next+1, lines.Bytes(), want)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if next != uint64(n) {
		return fmt.Errorf("%s holds %d lines, not %d", path, next, n)
	}
	return nil
}
