// Command otherfrontend is a BuildKit frontend that knows no Dockerfile: its
// image is the directory rootfs of the build context.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/gateway/grpcclient"
)

func main() {
	if err := grpcclient.RunFromEnvironment(context.Background(), build); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func build(ctx context.Context, c client.Client) (*client.Result, error) {
	files := llb.Local("context", llb.SessionID(c.BuildOpts().SessionID), llb.IncludePatterns([]string{"rootfs"}))
	def, err := llb.Scratch().
		File(llb.Copy(files, "/rootfs", "/", &llb.CopyInfo{CopyDirContentsOnly: true}), llb.WithCustomName("copy the rootfs")).
		Marshal(ctx)
	if err != nil {
		return nil, err
	}
	return c.Solve(ctx, client.SolveRequest{Definition: def.ToPB()})
}
