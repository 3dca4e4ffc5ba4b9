package abi

import (
	"strings"
	"testing"
)

func TestErrantBody(t *testing.T) {
	for _, want := range []Errant{
		{Topic: "t", Partition: 3, Offset: 1 << 40, Message: "bad\nField: a", Class: "x.Bad"},
		{Topic: "t", Message: "bad"},
	} {
		if got, err := ParseErrant(want.Encode()); got != want || err != nil {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	long, err := ParseErrant(Errant{Message: strings.Repeat("m", 2*ErrorMessageBytes)}.Encode())
	if err != nil || len(long.Message) > ErrorMessageBytes {
		t.Errorf("a message of %d bytes, %v", len(long.Message), err)
	}
	if _, err := ParseErrant(EncodeTaskConfigs(nil)); err == nil {
		t.Error("an array passed")
	}
}
