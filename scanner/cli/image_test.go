package cli_test

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestImageScripts runs the transcripts in testdata/image, each with an empty
// registry at $REGISTRY. "push REF PLATFORM=DIR..." makes an image there, "save
// FILE DIR" an archive.
func TestImageScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "image"),
		Setup: func(env *testscript.Env) error {
			server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
			env.Defer(server.Close)
			env.Setenv("REGISTRY", strings.TrimPrefix(server.URL, "http://"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"push": func(ts *testscript.TestScript, _ bool, args []string) {
				ref, err := name.ParseReference(args[0])
				ts.Check(err)
				index := v1.ImageIndex(empty.Index)
				for _, arg := range args[1:] {
					platform, dir, _ := strings.Cut(arg, "=")
					os, arch, _ := strings.Cut(platform, "/")
					index = mutate.AppendManifests(index, mutate.IndexAddendum{
						Add: packed(ts, dir), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: os, Architecture: arch}},
					})
				}
				ts.Check(remote.WriteIndex(ref, index))
			},
			"save": func(ts *testscript.TestScript, _ bool, args []string) {
				tag, err := name.NewTag("app:1")
				ts.Check(err)
				ts.Check(tarball.WriteToFile(ts.MkAbs(args[0]), tag, packed(ts, args[1])))
			},
		},
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// packed is an image of one layer.
func packed(ts *testscript.TestScript, dir string) v1.Image {
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	ts.Check(w.AddFS(os.DirFS(ts.MkAbs(dir))))
	ts.Check(w.Close())
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text.Bytes())), nil })
	ts.Check(err)
	i, err := mutate.AppendLayers(empty.Image, l)
	ts.Check(err)
	return i
}
