//go:build !scanonly

package cli

import "context"

// dbCommands are those on advisory databases.
func dbCommands() []Command {
	return []Command{{"db", "build an advisory database, or show what one holds", runDB}}
}

func runDB(ctx context.Context, env Env, args []string) error {
	return dispatch(ctx, env, Program+" db", []Command{
		{"build", "compile the advisory feeds to a database", runDBBuild},
		{"info", "show what a database was made of, and check that it is whole", runDBInfo},
		{"push", "upload a database to a registry, as an image that a build can use", runDBPush},
		{"pull", "download a database from a registry", runDBPull},
		{"diff", "show which advisories came and went between two databases", runDBDiff},
	}, args)
}
