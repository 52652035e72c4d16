// Command image writes the frontend image as an OCI layout archive, without
// pulling anything, and prints its compressed size on each platform:
//
//	go run ./hack/image [--output FILE] [--db DIR] [--platforms LIST] [--limit BYTES]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/example/microscanner-frontend/hack/harness"
)

func main() {
	output := flag.String("output", "dist/microscanner-frontend.oci.tar", "`file` to write")
	db := flag.String("db", "", "`directory` of a compiled advisory database to put into the image")
	platforms := flag.String("platforms", "linux/amd64,linux/arm64", "`list` of platforms")
	limit := flag.Int64("limit", 20_000_000, "fail if the image of a platform has more compressed `bytes`; 0 for no limit")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, harness.Frontend{
		Archive:   *output,
		Database:  *db,
		Platforms: strings.Split(*platforms, ","),
	}, *limit)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}
