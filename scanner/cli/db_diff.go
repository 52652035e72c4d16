//go:build !scanonly

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/db/diff"
	"github.com/example/microscanner-frontend/scanner/report"
)

func runDBDiff(_ context.Context, env Env, args []string) (err error) {
	f := newFlags(env, Program+" db diff", "OLD NEW [flags]")
	var format string
	var summary bool
	f.StringVar(&format, "format", formatText, "format of the output: text, json")
	f.BoolVar(&summary, "summary", false, "only say how many advisories differ in each release")
	rest, err := f.parse(args, 2, 2)
	if err != nil {
		return err
	}
	if format != formatText && format != formatJSON {
		return f.wrong(fmt.Sprintf("--format %q is none of text, json", format))
	}
	from, err := db.Open(rest[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := db.Open(rest[1])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if err := errors.Join(from.Verify(), to.Verify()); err != nil {
		return err
	}
	return buffered(env.Stdout, "standard output", func(w io.Writer) error {
		if format == formatJSON {
			return diff.WriteJSON(w, from, to, summary)
		}
		return diff.WriteText(w, from, to, summary, report.Printable)
	})
}
