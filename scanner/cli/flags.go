package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
)

// flagSet is the flags of one command.
type flagSet struct {
	*pflag.FlagSet
	env     Env
	command string // "microscanner rootfs"
	usage   string // "DIR [flags]"
}

func newFlags(env Env, command, usage string) *flagSet {
	f := &flagSet{pflag.NewFlagSet(command, pflag.ContinueOnError), env, command, usage}
	f.SortFlags = false
	f.Usage = func() {}
	return f
}

// errHelp ends a command whose help was asked for and printed.
var errHelp = pflag.ErrHelp

// parse reads args and returns the positional ones, of which there must be
// from least to most; a negative most sets no limit. It returns errHelp after it
// has printed the help.
func (f *flagSet) parse(args []string, least, most int) ([]string, error) {
	err := f.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintf(f.env.Stdout, "Usage: %s %s\n\nFlags:\n%s", f.command, f.usage, f.FlagUsages())
		return nil, errHelp
	}
	if err != nil {
		return nil, f.wrong(err.Error())
	}
	rest := f.Args()
	if len(rest) < least || most >= 0 && len(rest) > most {
		return nil, f.wrong(fmt.Sprintf("wrong number of arguments; the use is: %s %s", f.command, f.usage))
	}
	return rest, nil
}

func (f *flagSet) wrong(message string) error {
	return &usageError{f.command, message}
}
