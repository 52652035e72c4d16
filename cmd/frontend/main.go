// Command frontend is the BuildKit frontend: the gateway starts it in a
// container of its own image for every build. Started as an SBOM generator, it is
// one.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"
	_ "github.com/moby/buildkit/util/grpcutil/encoding/proto" // the gateway's wire format

	"github.com/example/microscanner-frontend/frontend"
	"github.com/example/microscanner-frontend/frontend/sbom"
	"github.com/example/microscanner-frontend/llbgen"
)

func main() {
	if request, ok := sbom.FromEnviron(os.Getenv); ok {
		if err := request.Generate(context.Background(), llbgen.ScannerPath, os.Stderr); err != nil {
			fmt.Fprintf(os.Stderr, "microscanner-frontend: error: %v\n", err)
			os.Exit(1)
		}
		return
	}
	if err := grpcclient.RunFromEnvironment(appcontext.Context(), frontend.Build); err != nil {
		// The build's own errors went to the client; what is left is a lost
		// connection or a start outside of BuildKit.
		fmt.Fprintf(os.Stderr, "microscanner-frontend: BuildKit starts this program, it is of no use elsewhere: %v\n", err)
		os.Exit(1)
	}
}
