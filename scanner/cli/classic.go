package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/example/microscanner-frontend/scanner/remote"
)

// formatHTML is the format of --html.
const formatHTML = "html"

// classicFlags are MicroScanner's own, and ours for the same command line.
type classicFlags struct {
	*flagSet
	service       serviceFlags
	settings      policyFlags
	out           outcome
	root          string
	email         string
	html, json    bool
	version       bool
	fullOutput    bool
	investigation bool
}

func newClassicFlags(env Env) *classicFlags {
	f := &classicFlags{flagSet: newFlags(env, Program, "[flags] TOKEN")}
	f.BoolVarP(&f.out.continueOnFailure, "continue-on-failure", "c", false, "exit 0 although the gate failed on findings")
	f.BoolVarP(&f.html, "html", "H", false, "write an HTML page instead of JSON")
	f.BoolVar(&f.json, "json", false, "write JSON; this is the default")
	f.StringVar(&f.out.format, "format", "", "format of the report: "+strings.Join(formats(), ", "))
	f.StringVarP(&f.out.output, "output", "o", "", "write the report to this file instead of standard output")
	f.StringVarP(&f.root, "root", "d", "/", "scan this root directory")
	f.BoolVar(&f.fullOutput, "full-output", false, "list packages without vulnerabilities too")
	f.BoolVar(&f.investigation, "show-under-investigation", false, "list what the vendor has not decided yet too; it never fails the gate")
	f.StringVar(&f.email, "register", "", "ask for a token, which is sent to this e-mail address")
	f.service.add(f.flagSet)
	f.service.addToken(f.flagSet)
	f.settings.add(f.flagSet)
	f.BoolVar(&f.version, "version", false, "print the version")
	return f
}

// runClassic is MicroScanner's command line: flags on either side of a token.
// It scans the root file system that it runs in, by means of a token service.
func runClassic(ctx context.Context, env Env, args []string) error {
	f := newClassicFlags(env)
	rest, err := f.parse(args, 0, 1)
	switch {
	case errors.Is(err, errHelp):
		fmt.Fprintln(env.Stdout)
		listCommands(env.Stdout, commands(env))
		fmt.Fprintln(env.Stdout, "\nExit codes: 0 pass, 1 error, 2 wrong use, 4 the gate failed on findings.")
		return err
	case err != nil:
		return err
	case f.version:
		_, err := fmt.Fprintf(env.Stdout, "%s %s\n", Program, env.Version)
		return err
	case f.Changed("register"):
		if len(rest) > 0 {
			return f.wrong("--register asks for a token, so there is no place for one")
		}
		return register(ctx, env, f.service, f.email)
	}
	return bounded(f.scan)(ctx, env, rest)
}

// scan reads the root file system, and has the service scan what is in it.
func (f *classicFlags) scan(ctx context.Context, env Env, args []string) error {
	if err := f.chooseFormat(); err != nil {
		return err
	}
	p, err := f.settings.policy(f.flagSet)
	if err != nil {
		return err
	}
	token, err := f.service.token(f.flagSet, args)
	if err != nil {
		return err
	}
	client, err := f.service.client(env, token)
	if err != nil {
		return err
	}
	say(env, "reading the packages of %s", f.root)
	inv, err := takeInventory(f.root)
	if err != nil {
		return err
	}
	r, err := ask(ctx, env, client, remote.ScanRequest{
		Inventory: *inv, Policy: explicit(p), FullOutput: f.fullOutput, UnderInvestigation: f.investigation,
	})
	if err != nil {
		return err
	}
	return f.out.deliver(env, r)
}

// chooseFormat makes one of the three flags that name a format.
func (f *classicFlags) chooseFormat() error {
	chosen := 0
	for _, name := range []string{"html", "json", "format"} {
		if f.Changed(name) {
			chosen++
		}
	}
	if chosen > 1 {
		return f.wrong("--html, --json and --format exclude each other")
	}
	if f.html {
		f.out.format = formatHTML
	}
	f.out.format = cmp.Or(f.out.format, formatJSON)
	if _, err := findFormat(f.out.format); err != nil {
		return f.wrong(err.Error())
	}
	return nil
}
