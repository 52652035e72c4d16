// Command bench measures what a scan costs: the scanner as a process, on each
// kind of package database, and the whole scan as part of a build, on a Debian
// 12 with 522 packages; and what a database of advisories costs to build and to
// keep. It prints lines that benchstat reads, and a summary in lines that begin
// with #.
//
//	go run ./hack/bench [--rounds N] [--runs N] [--db DIR] [--data DIR]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 40, "builds of each kind, turn by turn; 0 to skip them")
	flag.IntVar(&o.runs, "runs", 30, "runs of the scanner")
	flag.StringVar(&o.database, "db", "", "compiled advisory `directory`; if empty, one with rows like Debian's is made")
	flag.StringVar(&o.data, "data", "../shared/data", "`directory` of real feeds and package databases; what needs it is skipped if it is not there")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
