//go:build !scanonly

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/example/microscanner-frontend/scanner/cli"
	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/store/sqlite"
)

const backupUsage = "Usage: " + cli.Program + ` backup STORE NEW-FILE

Copies the SQLite store of the service to a new file, while the service runs.
To restore it, stop the service and put the copy in the store's place.
PostgreSQL has tools of its own: pg_dump and pg_restore.
`

// Backup is the verb backup.
func Backup() cli.Command {
	return cli.Command{Name: "backup", Summary: "copy the token service's store to a new file", Run: backup}
}

func backup(ctx context.Context, env cli.Env, args []string) (err error) {
	f := pflag.NewFlagSet("backup", pflag.ContinueOnError)
	f.Usage = func() {}
	if err := f.Parse(args); errors.Is(err, pflag.ErrHelp) {
		if _, werr := fmt.Fprint(env.Stdout, backupUsage); werr != nil {
			return werr
		}
		return err
	} else if err != nil {
		return cli.WrongUse(cli.Program+" backup", err.Error())
	}
	if f.NArg() != 2 {
		return cli.WrongUse(cli.Program+" backup", "wrong number of arguments; the use is: "+cli.Program+" backup STORE NEW-FILE")
	}
	// Open would make a store that is not there.
	if _, err := os.Stat(f.Arg(0)); err != nil {
		return fmt.Errorf("there is no store to back up: %w", err)
	}
	ctx, stop := cli.UntilSignal(ctx)
	defer stop()
	s, err := sqlite.Open(ctx, f.Arg(0), store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return s.Backup(ctx, f.Arg(1))
}
