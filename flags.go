package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// errUsage ends the process without a further message: the flag set has printed one.
var errUsage = errors.New("wrong usage")

func newFlags(name, arguments string, out io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprintf(out, "usage: berth %s %s\n", name, arguments)
		flags.PrintDefaults()
	}
	return flags
}

// parseFlags reads options wherever they stand, before or after the positional arguments, and returns the latter:
// least to most of them.
func parseFlags(flags *flag.FlagSet, args []string, least, most int) ([]string, error) {
	var positional []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, errUsage
		}
		if args = flags.Args(); len(args) == 0 {
			break
		}
		positional, args = append(positional, args[0]), args[1:]
	}
	if len(positional) < least || len(positional) > most {
		flags.Usage()
		return nil, errUsage
	}
	return positional, nil
}

// textList is an option that may be given several times.
type textList []string

func (l *textList) String() string { return strings.Join(*l, ",") }

// Set implements flag.Value.
func (l *textList) Set(value string) error {
	*l = append(*l, value)
	return nil
}
