package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
)

// remoteFlags are the flags of the verb remote.
type remoteFlags struct {
	*flagSet
	service      serviceFlags
	settings     policyFlags
	out          outcome
	suppressions string
	errorFile    string
	request      remote.ScanRequest
}

func newRemoteFlags(env Env) *remoteFlags {
	f := &remoteFlags{flagSet: newFlags(env, Program+" remote", "INVENTORY.json [flags]")}
	f.service.add(f.flagSet)
	f.service.addToken(f.flagSet)
	f.StringVar(&f.out.format, "format", formatJSON, "format of the report: "+strings.Join(formats(), ", "))
	f.StringVarP(&f.out.output, "output", "o", "", "write the report to this file instead of standard output")
	f.settings.add(f.flagSet)
	f.StringVar(&f.suppressions, "suppressions", "", "JSON file that lists findings that do not count, and why")
	f.BoolVarP(&f.out.continueOnFailure, "continue-on-failure", "c", false, "exit 0 although the gate failed on findings")
	f.BoolVar(&f.out.reportOnly, "report-only", false, "exit 0 whenever a report was written: its reader acts on the verdict")
	f.BoolVar(&f.request.FullOutput, "full-output", false, "list packages without vulnerabilities too")
	f.BoolVar(&f.request.UnderInvestigation, "show-under-investigation", false, "list what the vendor has not decided yet too; it never fails the gate")
	f.StringVar(&f.request.Image.Reference, "image-ref", "", "name of the image, for the report")
	f.StringVar(&f.request.Image.Platform, "platform", "", "platform of the image, for the report")
	f.StringVar(&f.request.Image.Target, "target", "", "build stage that the image is, for the report")
	f.StringVar(&f.request.Image.Stage, "stage", "", "build stage that the root file system is the result of, if it is not that of the image, for the report")
	f.StringVar(&f.errorFile, "error-file", "", "in a build: write an error to this file, and exit 0; its reader acts on it")
	return f
}

// Texts for a build, which has secrets where a command line has flags.
var errNoSecret = errors.New("the build has no secret \"token\", by which the token service knows its clients: " +
	"add --secret id=token,src=FILE or --secret id=token,env=VARIABLE to docker buildx build")

const caBuildHelp = "give the CA's certificate to docker buildx build as --secret id=microscanner-ca,src=FILE"

// runRemote is the second of the two steps of a build with a token service: it
// has the token and the network, and never sees the root file system.
func runRemote(ctx context.Context, env Env, args []string) error {
	f := newRemoteFlags(env)
	rest, err := f.parse(args, 1, 1)
	if err != nil {
		return err
	}
	if f.errorFile == "" {
		return f.scan(ctx, env, rest[0])
	}
	f.service.caHelp = caBuildHelp
	err = f.scan(ctx, env, rest[0])
	if errors.Is(err, errNoToken) {
		err = errNoSecret
	}
	return f.tell(env, err)
}

// tell writes an error to the file for it. What a command line that cannot be
// run and a verdict do is as ever.
func (f *remoteFlags) tell(env Env, err error) error {
	var usage *usageError
	var verdict *verdictError
	if err == nil || errors.As(err, &usage) || errors.As(err, &verdict) {
		return err
	}
	printError(env.Stderr, err)
	text := report.Printable(err.Error()) + "\n"
	return writeOutput(env, f.errorFile, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// scan has the inventory in a file scanned.
func (f *remoteFlags) scan(ctx context.Context, env Env, file string) error {
	p, err := f.settings.policy(f.flagSet)
	if err != nil {
		return err
	}
	if _, err := findFormat(f.out.format); err != nil {
		return f.wrong(err.Error())
	}
	token, err := f.service.token(f.flagSet, nil)
	if err != nil {
		return err
	}
	client, err := f.service.client(env, token)
	if err != nil {
		return err
	}
	inv, err := readInventory(file)
	if err != nil {
		return err
	}
	req := f.request
	req.Inventory, req.Policy = *inv, explicit(p)
	if req.Suppressions, err = readSuppressions(f.suppressions); err != nil {
		return err
	}
	r, err := ask(ctx, env, client, req)
	if err != nil {
		return err
	}
	return f.out.deliver(env, r)
}

// readInventory reads an inventory from a file.
func readInventory(name string) (inv *inventory.Inventory, err error) {
	f, err := os.Open(name) //nolint:gosec // the user names the file
	if err != nil {
		return nil, fmt.Errorf("cannot read the inventory %s: %w", name, pathCause(err))
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if inv, err = inventory.Decode(f); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	return inv, nil
}
