// Command serviceload starts a real token service, with TLS and an SQLite store,
// sends it scans from another process, this one, and prints how many a second it
// answers, how soon, and what memory and processor time it takes. The last line
// is in the format that benchstat reads.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/pflag"
)

func main() {
	var o options
	flags := pflag.NewFlagSet("serviceload", pflag.ContinueOnError)
	flags.Float64Var(&o.rate, "rate", 0, "scans a second; 0 for as many as it answers")
	flags.DurationVar(&o.duration, "duration", 10*time.Second, "how long")
	flags.DurationVar(&o.warm, "warm", 3*time.Second, "how long before that, not counted")
	flags.IntVar(&o.packages, "packages", 400, "packages of an inventory")
	flags.IntVar(&o.images, "images", 200, "different inventories")
	flags.IntVar(&o.clients, "clients", 16, "requests at once, and connections")
	flags.BoolVar(&o.plain, "plain", false, "do not accept compressed reports")
	flags.StringArrayVar(&o.settings, "set", nil, "more arguments of the service; may be repeated")
	if err := flags.Parse(os.Args[1:]); err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "serviceload:", err)
		os.Exit(1) //nolint:gocritic // exitAfterDefer: nothing is left to stop.
	}
}
