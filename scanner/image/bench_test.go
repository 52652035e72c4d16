package image_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

// BenchmarkLargeImage runs the program on an image of 800 MB in a registry that
// serves files: seven layers that do not compress, below them one of Debian's
// with a package database of 400 packages. It tells the bytes that the registry
// sent beside the size of the layers, and the highest memory of the program.
func BenchmarkLargeImage(b *testing.B) {
	program := filepath.Join(b.TempDir(), "microscanner")
	out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "github.com/example/microscanner-frontend/cmd/scan").CombinedOutput()
	require.NoError(b, err, string(out))
	database := scantest.Database(b, advisory.Record{ID: "CVE-2024-0001", Distro: "debian", Release: "12", Package: "package7", Kind: advisory.Source, Status: advisory.StatusFixed, Fixed: "2"})
	large := largeImage(b)
	var sent atomic.Int64
	disk := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithBlobHandler(registry.NewDiskBlobHandler(b.TempDir())))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		disk.ServeHTTP(&sending{w, &sent}, r)
	}))
	defer server.Close()
	ref, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/app:1")
	require.NoError(b, err)
	require.NoError(b, remote.Write(ref, large))
	total, peak, runs := int64(0), int64(0), 0
	layers, err := large.Layers()
	require.NoError(b, err)
	for _, l := range layers {
		size, err := l.Size()
		require.NoError(b, err)
		total += size
	}
	sent.Store(0)
	for b.Loop() {
		cmd := exec.CommandContext(b.Context(), program, "image", ref.Name(), "--db", database, "--fail-on", "never", "--format", "table", "--full-output")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		require.NoError(b, cmd.Start())
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		peak = max(peak, highest(cmd.Process.Pid, ended))
		require.NoError(b, <-ended, out.String())
		require.Contains(b, out.String(), "CVE-2024-0001")
		runs++
	}
	b.ReportMetric(float64(total)/1e6, "MB-image")
	b.ReportMetric(float64(sent.Load())/1e6/float64(runs), "MB-sent/op")
	b.ReportMetric(float64(peak)/1e6, "MB-peak-rss")
}

// highest is the highest memory of a process, in bytes. What the system tells of
// a process that ended is of no use: that has its parent's share.
func highest(pid int, ended chan error) int64 {
	peak := int64(0)
	for len(ended) == 0 {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // it may be gone
		if _, rest, ok := strings.Cut(string(status), "VmHWM:"); ok {
			kib := int64(0)
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				peak = max(peak, kib<<10)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return peak
}

// largeImage makes the image, with its layers in files.
func largeImage(b *testing.B) v1.Image {
	b.Helper()
	const layers, files, size = 7, 100, 1_140_000
	out := fileLayer(b, empty.Image, func(w *tar.Writer) {
		var names []string
		for i := range 400 {
			names = append(names, fmt.Sprint("package", i))
		}
		for name, text := range map[string]string{"etc/os-release": debian, "var/lib/dpkg/status": dpkg(names...)} {
			put(b, w, name, int64(len(text)), strings.NewReader(text))
		}
	})
	for n := range layers {
		random := rand.NewChaCha8([32]byte{byte(n)})
		out = fileLayer(b, out, func(w *tar.Writer) {
			for i := range files {
				put(b, w, fmt.Sprintf("opt/data%d/%d", n, i), size, random)
			}
		})
	}
	return onPlatform(b, out, "linux", runtime.GOARCH)
}

func put(b *testing.B, w *tar.Writer, name string, size int64, r io.Reader) {
	b.Helper()
	require.NoError(b, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644}))
	_, err := io.CopyN(w, r, size)
	require.NoError(b, err)
}

// fileLayer puts a layer on an image.
func fileLayer(b *testing.B, on v1.Image, write func(*tar.Writer)) v1.Image {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "layer.tar.gz"))
	require.NoError(b, err)
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	require.NoError(b, err)
	w := tar.NewWriter(z)
	write(w)
	require.NoError(b, w.Close())
	require.NoError(b, z.Close())
	require.NoError(b, f.Close())
	l, err := tarball.LayerFromFile(f.Name())
	require.NoError(b, err)
	out, err := mutate.AppendLayers(on, l)
	require.NoError(b, err)
	return out
}

// sending counts what a registry sends.
type sending struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (s *sending) Write(p []byte) (int, error) {
	n, err := s.ResponseWriter.Write(p)
	s.n.Add(int64(n))
	return n, err
}
