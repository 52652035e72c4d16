// Package cli is the command line of microscanner. A file holds a verb.
//
// Standard output carries the document that was asked for and nothing else;
// everything said to people goes to standard error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

// Program is the name that the command goes by in its own texts.
const Program = "microscanner"

// DefaultDB is where a scan looks for its advisory database unless told: the
// place that the frontend's image keeps it in.
const DefaultDB = "/db"

// Env is what a command knows of the world around it.
type Env struct {
	Args           []string // without the program's name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Now            func() time.Time
	Version        string // of this program
	// Server is the address of the token service that is asked unless told; empty
	// if there is none.
	Server string
	// TokenFile is where a build puts the secret with the token; empty if there is
	// no such place.
	TokenFile string
	// CAFiles are files of CA certificates that are trusted besides the system's
	// when a token service is asked; they need not be there.
	CAFiles []string
	// CacheDir is where fetched feeds are kept unless told; empty if there is no
	// such place.
	CacheDir string
	// SourceDateEpoch is the build time, in Unix seconds, that everything made
	// shall state (https://reproducible-builds.org/specs/source-date-epoch/);
	// empty for the present.
	SourceDateEpoch string
	// Terminal says that Stderr is a terminal.
	Terminal bool
	// Color says that Stdout is a terminal whose user wants colours.
	Color bool
	// Fetch bounds how feeds are fetched. The zero value has the defaults.
	Fetch feed.Options
	// Commands are verbs that other packages bring, behind those of this one.
	Commands []Command
	// BoundMemory is called before a command that reads what an image holds; it
	// may be nil.
	BoundMemory func()
}

// Command is a verb, or a verb below a verb.
type Command struct {
	Name    string
	Summary string // for the list of commands
	// Run gets the arguments behind the verb. Main prints its error.
	Run func(ctx context.Context, env Env, args []string) error
}

type runFunc = func(ctx context.Context, env Env, args []string) error

// bounded is run in bounded memory. The commands below db go without: a feed is
// as large as it is, and none of them runs inside a build.
func bounded(run runFunc) runFunc {
	return func(ctx context.Context, env Env, args []string) error {
		if env.BoundMemory != nil {
			env.BoundMemory()
		}
		return run(ctx, env, args)
	}
}

func commands(env Env) []Command {
	return slices.Concat(
		[]Command{{"rootfs", "scan a directory that holds a root file system", bounded(runRootfs)}},
		imageCommands(),
		dbCommands(),
		[]Command{
			{"report", "turn a report into another format", bounded(runReport)},
			{"blame", "tell which step of a build brought each package of a report", bounded(runBlame)},
			{"gate", "print the findings of reports and exit with their verdict", bounded(runGate)},
			{"inventory", "list what is installed in a root file system, for remote", bounded(runInventory)},
			{"packages", "list what is installed in a root file system, for an SBOM", bounded(runPackages)},
			{"remote", "have an inventory scanned by a token service", bounded(runRemote)},
			{"register", "ask a token service for a token", runRegister},
		},
		env.Commands,
	)
}

// Main runs the command that env.Args names, and returns the exit code: one of
// policy.ExitPass, ExitError, ExitUsage and ExitGate. It writes every error to
// env.Stderr itself, in one line.
func Main(ctx context.Context, env Env) int {
	err := run(ctx, env)
	var usage *usageError
	var verdict *verdictError
	switch {
	case err == nil, errors.Is(err, errHelp):
		return policy.ExitPass
	case errors.As(err, &verdict):
		verdict.print(env.Stderr)
		return verdict.code
	case errors.As(err, &usage):
		printError(env.Stderr, err)
		fmt.Fprintf(env.Stderr, "Run %q for help.\n", usage.command+" --help")
		return policy.ExitUsage
	default:
		printError(env.Stderr, err)
		return policy.ExitError
	}
}

// run tells a command from MicroScanner's own command line, which has a token
// in its place. A token is no command's name: it has a prefix.
func run(ctx context.Context, env Env) error {
	list := commands(env)
	isCommand := func(c Command) bool { return c.Name == env.Args[0] }
	switch {
	case len(env.Args) == 0:
	case env.Args[0] == "help":
		return runClassic(ctx, env, []string{"--help"})
	case slices.ContainsFunc(list, isCommand):
		return dispatch(ctx, env, Program, list, env.Args)
	case isWord(env.Args[0]):
		return &usageError{Program, fmt.Sprintf("there is no command %q, and a token looks otherwise", env.Args[0])}
	}
	return runClassic(ctx, env, env.Args)
}

// isWord reports whether an argument is more likely a command with a slip of
// the pen than a token. Nothing else is repeated in a message, as it could be
// one.
func isWord(arg string) bool {
	const longest = 12
	return len(arg) <= longest && arg != "" && !strings.ContainsFunc(arg, func(r rune) bool { return r < 'a' || r > 'z' })
}

// dispatch runs the command that args begins with. parent is what the user
// typed before it, for the texts.
func dispatch(ctx context.Context, env Env, parent string, list []Command, args []string) error {
	if len(args) == 0 {
		printCommands(env.Stderr, parent, list)
		return &usageError{parent, "a command is missing"}
	}
	switch args[0] {
	case "-h", "--help", "help":
		printCommands(env.Stdout, parent, list)
		return nil
	}
	for _, c := range list {
		if c.Name == args[0] {
			return c.Run(ctx, env, args[1:])
		}
	}
	return &usageError{parent, fmt.Sprintf("there is no command %q", args[0])}
}

func printCommands(w io.Writer, parent string, list []Command) {
	fmt.Fprintf(w, "Usage: %s COMMAND\n\n", parent)
	listCommands(w, list)
}

func listCommands(w io.Writer, list []Command) {
	fmt.Fprintln(w, "Commands:")
	for _, c := range list {
		fmt.Fprintf(w, "  %-9s  %s\n", c.Name, c.Summary)
	}
}

// say tells people what is going on, in one line.
func say(env Env, format string, args ...any) {
	fmt.Fprintf(env.Stderr, "%s: %s\n", Program, report.Printable(fmt.Sprintf(format, args...)))
}

// printError says err in one line. What an image or a feed put into the text
// cannot reach the terminal as anything but text.
func printError(w io.Writer, err error) {
	fmt.Fprintf(w, "%s: error: %s\n", Program, report.Printable(err.Error()))
}

// usageError is a command line that cannot be run.
type usageError struct {
	command string // as typed, for the hint at its help
	message string
}

func (e *usageError) Error() string { return e.message }

// verdictError ends a command whose work is done but whose verdict is not pass.
type verdictError struct {
	code   int
	reason string
	said   bool // the document on standard output says it already
}

func (e *verdictError) Error() string { return e.reason }

// print says what kind of end it is: findings are not an error.
func (e *verdictError) print(w io.Writer) {
	switch {
	case e.code == policy.ExitError:
		printError(w, e)
	case !e.said:
		fmt.Fprintf(w, "%s: %s\n", Program, report.Printable(e.reason))
	}
}
