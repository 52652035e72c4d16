package harness

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// registryServer is an OCI registry on loopback, in this process: blobs on
// disk, manifests and referrers in memory.
type registryServer struct {
	addr   string
	server *http.Server
}

func serveRegistry(dir string) (*registryServer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the registry's directory: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the registry: %w", err)
	}
	quiet := log.New(io.Discard, "", 0)
	server := &http.Server{
		Handler: registry.New(
			registry.Logger(quiet),
			registry.WithBlobHandler(registry.NewDiskBlobHandler(dir)),
			registry.WithReferrersSupport(true)),
		ErrorLog:          quiet,
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return &registryServer{addr: listener.Addr().String(), server: server}, nil
}
