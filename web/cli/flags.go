package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// ErrUsage ends the process without a further message: the flag set has printed one.
var ErrUsage = errors.New("wrong usage")

// NewFlags makes the options of a command, whose errors and explanation go to out.
func NewFlags(name, arguments string, out io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprintf(out, "usage: berth %s %s\n", name, arguments)
		flags.PrintDefaults()
	}
	return flags
}

// ParseFlags reads options wherever they stand, before or after the positional arguments, and returns the latter:
// least to most of them.
func ParseFlags(flags *flag.FlagSet, args []string, least, most int) ([]string, error) {
	var positional []string
	for {
		if err := flags.Parse(args); err != nil {
			return nil, ErrUsage
		}
		if args = flags.Args(); len(args) == 0 {
			break
		}
		positional, args = append(positional, args[0]), args[1:]
	}
	if len(positional) < least || len(positional) > most {
		flags.Usage()
		return nil, ErrUsage
	}
	return positional, nil
}

// TextList is an option that may be given several times.
type TextList []string

func (l *TextList) String() string { return strings.Join(*l, ",") }

// Set implements flag.Value.
func (l *TextList) Set(value string) error {
	*l = append(*l, value)
	return nil
}
