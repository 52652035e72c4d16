// Package examples checks the files in examples/ and the pages in docs/: that
// each is valid by the rules of the system that it is for, that its commands
// are what a shell takes, and that it says of builds what is so.
//
// GitHub's workflow is checked by actionlint, the Kubernetes manifests by the
// API's own types, the bake file by buildx. For GitLab, CircleCI and Azure
// there is no checker to be had as a module: their files are decoded into types
// that know the keys in use, so that a key elsewhere or misspelt is an error,
// and what the types do not say is not checked. The Jenkinsfile is Groovy,
// which only a Jenkins can check; of it the shell commands are.
package examples

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// top is the top of the repository.
const top = "../.."

func example(name string) string { return filepath.Join(top, "examples", name) }

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// decode reads a YAML file of one document into v, which has to know all its
// keys.
func decode(t *testing.T, name string, v any) {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewBufferString(read(t, name)))
	d.KnownFields(true)
	require.NoError(t, d.Decode(v), name)
	require.Error(t, d.Decode(new(any)), "%s has a second document", name)
}
