//go:build wasip1

// Command digest works through a good part of Go's library and prints what it gets, to be compared with and without
// metering.
package main

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
)

func main() {
	rnd := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, 60_000)
	for i := range text {
		text[i] = "abcdefgh \n"[rnd.IntN(10)]
	}
	fmt.Printf("sha256 %x\n", sha256.Sum256(text))
	fmt.Printf("flate %x\n", sha256.Sum256(roundTrip(text)))
	words := strings.Fields(string(text))
	slices.Sort(words)
	fmt.Println("sorted", len(words), words[len(words)/2])
	fmt.Println("regexp", len(regexp.MustCompile(`(a+b|cd*)e?f`).FindAllIndex(text, -1)))
	fmt.Println("big", new(big.Int).Exp(big.NewInt(3), big.NewInt(5000), nil).BitLen())
	var v any
	err := json.Unmarshal([]byte(`{"a":[1,2.5,{"b":"ü"}],"c":null}`), &v)
	out, _ := json.Marshal(v)
	fmt.Println("json", string(out), err)
	s := 0.0
	for i := range 100_000 {
		s += math.Sin(float64(i)) * math.Sqrt(float64(i))
	}
	fmt.Println("float", math.Float64bits(s))
	fmt.Println("goroutines", concurrent())
	func() {
		defer func() { fmt.Println("recovered", recover()) }()
		_ = text[len(words)*1000]
	}()
}

func roundTrip(text []byte) []byte {
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, 6)
	_, _ = w.Write(text)
	_ = w.Close()
	back, err := io.ReadAll(flate.NewReader(&packed))
	if err != nil {
		panic(err)
	}
	return back
}

func concurrent() int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	sum, results := 0, make(chan int)
	for i := range 50 {
		wg.Go(func() {
			mu.Lock()
			sum += i
			mu.Unlock()
			results <- i
		})
	}
	for range 50 {
		sum += <-results
	}
	wg.Wait()
	return sum
}
