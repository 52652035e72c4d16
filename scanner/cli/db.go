package cli

import "context"

func runDB(ctx context.Context, env Env, args []string) error {
	return dispatch(ctx, env, Program+" db", []command{
		{"build", "compile the advisory feeds to a database", runDBBuild},
		{"info", "show what a database was made of, and check that it is whole", runDBInfo},
	}, args)
}
