package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/example/microscanner-frontend/scanner/inventory"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
)

// serviceFlags say which token service to ask, and how.
type serviceFlags struct {
	server, caFile, tokenFile string
	noVerify, insecureHTTP    bool
	// caHelp is remote.Options.CAHelp.
	caHelp string
}

func (s *serviceFlags) add(f *flagSet) {
	f.StringVar(&s.server, "server", "", "address of the token service, https://HOST[:PORT]; without it that of MICROSCANNER_SERVER")
	f.StringVar(&s.caFile, "ca-file", "", "PEM file of CA certificates to trust besides the system's")
	f.BoolVarP(&s.noVerify, "no-verify", "n", false, "do not verify TLS certificates")
	f.BoolVar(&s.insecureHTTP, "insecure-http", false, "talk to a service without TLS on another machine: everybody on the way can read the token")
}

func (s *serviceFlags) addToken(f *flagSet) {
	f.StringVar(&s.tokenFile, "token-file", "", "file with the token; without it the build secret "+cmp.Or(f.env.TokenFile, "token"))
}

// client makes the client of the service that is named.
func (s *serviceFlags) client(env Env, token remote.Token) (*remote.Client, error) {
	server := cmp.Or(s.server, env.Server)
	if server == "" {
		return nil, errors.New("no token service is known: name one with --server or in MICROSCANNER_SERVER")
	}
	return remote.New(remote.Options{
		Server: server, Token: token, CAFile: s.caFile, MoreCAFiles: env.CAFiles, CAHelp: s.caHelp, NoVerify: s.noVerify, InsecureHTTP: s.insecureHTTP,
		Agent: Program + "/" + env.Version, Now: env.Now,
		Notice: func(text string) { say(env, "%s", text) },
	})
}

// token finds the token: the argument, the file that is named, or the build's
// secret. That there is none is never a pass.
func (s *serviceFlags) token(f *flagSet, args []string) (remote.Token, error) {
	switch {
	case len(args) > 0 && s.tokenFile != "":
		return remote.Token{}, f.wrong("there is a token both on the command line and in --token-file")
	case len(args) > 0:
		say(f.env, "warning: a token on the command line stays in the image's history and in lists of processes; give it with --token-file or as a build secret")
		return remote.ParseToken(args[0])
	case s.tokenFile != "":
		return remote.ReadToken(s.tokenFile)
	case f.env.TokenFile != "":
		t, err := remote.ReadToken(f.env.TokenFile)
		if !errors.Is(err, fs.ErrNotExist) {
			return t, err
		}
	}
	return remote.Token{}, errNoToken
}

// errNoToken is for people at a command line. See errNoSecret for builds.
var errNoToken = fmt.Errorf("the token is missing: give it with --token-file or as the build secret %q; %q scans without one, with a database of your own",
	"token", Program+" rootfs DIR --db DATABASE")

// ask has an inventory scanned by the service.
func ask(ctx context.Context, env Env, client *remote.Client, req remote.ScanRequest) (*report.Report, error) {
	say(env, "scanning %d packages of %s at %s", len(req.Inventory.Packages), systemName(&req.Inventory), client.Server())
	answer, err := client.Scan(ctx, req)
	if err != nil {
		return nil, err
	}
	if q := answer.Quota; q.Limit > 0 {
		say(env, "scans left today: %d of %d", q.Remaining, q.Limit)
	}
	return answer.Report, nil
}

// systemName is what an inventory was read from, for people.
func systemName(inv *inventory.Inventory) string {
	return cmp.Or(inv.OS.Pretty, inv.OS.Distro, "no known operating system")
}

// explicit lists the settings that somebody set. The others are the service's.
func explicit(p policy.Policy) map[string]policy.Value {
	values := p.Values()
	for key, value := range values {
		if value.From == policy.OriginDefault {
			delete(values, key)
		}
	}
	return values
}

// outcome says where a report goes, and what its verdict does.
type outcome struct {
	format, output                string
	continueOnFailure, reportOnly bool
}

// deliver writes a report, and ends the command with its verdict.
func (o outcome) deliver(env Env, r *report.Report) error {
	return o.deliverAll(env, []*report.Report{r})
}

// deliverAll writes reports as one document, and ends the command with the worst
// of their verdicts.
func (o outcome) deliverAll(env Env, reports []*report.Report) error {
	format, err := findFormat(o.format)
	if err != nil {
		return err
	}
	shown := o.output == "" || o.output == "-"
	write := format.WriteAll
	if shown && o.format == formatTable {
		write = report.Table{Color: env.Color}.WriteAll
	}
	if format.NeedsPackages {
		warnOfMissingPackages(env, reports)
	}
	if err := writeOutput(env, o.output, func(w io.Writer) error { return write(w, reports) }); err != nil {
		return err
	}
	verdict := worst(reports)
	// A table says it itself; a pass goes without saying, but for a report that
	// goes to a file.
	verdict.said = shown && (o.format == formatTable || verdict.code == policy.ExitPass)
	if o.reportOnly {
		verdict.print(env.Stderr)
		return nil
	}
	return conclude(env, verdict, o.continueOnFailure)
}

// worst is the verdict of several reports: that nobody knows is worse than
// findings. Its reason tells the platforms apart.
func worst(reports []*report.Report) *verdictError {
	out := &verdictError{code: reports[0].Verdict.ExitCode, reason: reports[0].Verdict.Reason}
	if len(reports) == 1 {
		return out
	}
	var reasons []string
	for _, r := range reports {
		if code := r.Verdict.ExitCode; code == policy.ExitError || out.code == policy.ExitPass {
			out.code = code
		}
		reasons = append(reasons, r.Image.Platform+": "+r.Verdict.Reason)
	}
	out.reason = strings.Join(reasons, "; ")
	return out
}
