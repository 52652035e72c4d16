package examples

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/cmd/buildkitd/config"
	"github.com/pelletier/go-toml/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// bakeTarget is what the tests read of a target that buildx printed.
type bakeTarget struct {
	Args   map[string]string
	Call   string
	Output []map[string]string
	Secret []map[string]string
}

// bake asks buildx what a target of the bake file is.
func bake(t *testing.T, target string, env ...string) bakeTarget {
	t.Helper()
	buildx, err := filepath.Abs(filepath.Join(top, "bin", "buildx"))
	require.NoError(t, err)
	if _, err := exec.LookPath(buildx); err != nil {
		t.Skip("needs bin/buildx: make tools")
	}
	cmd := exec.CommandContext(t.Context(), buildx, "bake", "--progress=quiet", "--print", target)
	cmd.Dir = example("bake")
	cmd.Env = append(cmd.Environ(), append(env, "BUILDX_CONFIG="+t.TempDir())...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var printed struct{ Target map[string]bakeTarget }
	require.NoError(t, json.Unmarshal(out, &printed))
	require.Contains(t, printed.Target, target)
	return printed.Target[target]
}

func TestBake(t *testing.T) {
	plain := bake(t, "default")
	assert.NotEmpty(t, plain.Args["BUILDKIT_SYNTAX"])
	assert.NotContains(t, plain.Args, "MICROSCANNER_SERVER", "an empty address would be a bad value")
	assert.Empty(t, plain.Secret)
	assert.Empty(t, plain.Call)

	served := bake(t, "scan", "SERVER=https://scan.example.com")
	assert.Equal(t, "scan", served.Call)
	assert.Equal(t, "https://scan.example.com", served.Args["MICROSCANNER_SERVER"])
	assert.Equal(t, []map[string]string{{"id": "token", "env": "SCAN_TOKEN"}}, served.Secret)

	report := bake(t, "report")
	assert.Equal(t, "report", report.Args["MICROSCANNER_RESULT"])
	assert.Equal(t, plain.Args["BUILDKIT_SYNTAX"], report.Args["BUILDKIT_SYNTAX"])
	assert.Equal(t, []map[string]string{{"type": "local", "dest": "scan"}}, report.Output)

	for _, target := range []bakeTarget{plain, served, report} {
		requireSettings(t, target.Args)
	}
}

// object decodes a manifest strictly into the type of its kind.
func object(t *testing.T, text string) any {
	t.Helper()
	var kind struct{ Kind string }
	require.NoError(t, yaml.Unmarshal([]byte(text), &kind))
	types := map[string]any{
		"Deployment": &appsv1.Deployment{},
		"Service":    &corev1.Service{},
		"ConfigMap":  &corev1.ConfigMap{},
		"Job":        &batchv1.Job{},
	}
	require.Contains(t, types, kind.Kind)
	dt, err := yaml.YAMLToJSONStrict([]byte(text))
	require.NoError(t, err)
	strict, err := kjson.UnmarshalStrict(dt, types[kind.Kind])
	require.NoError(t, err)
	require.Empty(t, strict, kind.Kind)
	return types[kind.Kind]
}

// requirePod checks what the API does not say of a pod: that its mounts have
// volumes, and its volumes are mounted.
func requirePod(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	var volumes, mounts []string
	for _, v := range pod.Volumes {
		volumes = append(volumes, v.Name)
	}
	for _, c := range pod.Containers {
		for _, m := range c.VolumeMounts {
			mounts = append(mounts, m.Name)
		}
	}
	slices.Sort(volumes)
	slices.Sort(mounts)
	require.Equal(t, volumes, slices.Compact(mounts))
}

func TestKubernetesBuilder(t *testing.T) {
	kustomizer := krusty.MakeKustomizer(krusty.MakeDefaultOptions())
	made, err := kustomizer.Run(filesys.MakeFsOnDisk(), example("kubernetes"))
	require.NoError(t, err)
	var deployment *appsv1.Deployment
	var service *corev1.Service
	var settings *corev1.ConfigMap
	for _, r := range made.Resources() {
		switch o := object(t, r.MustYaml()).(type) {
		case *appsv1.Deployment:
			deployment = o
		case *corev1.Service:
			service = o
		case *corev1.ConfigMap:
			settings = o
		}
	}
	pod := deployment.Spec.Template
	assert.Equal(t, pod.Labels, deployment.Spec.Selector.MatchLabels)
	assert.Equal(t, pod.Labels, service.Spec.Selector)
	requirePod(t, pod.Spec)
	var named []string
	for _, v := range pod.Spec.Volumes {
		if v.ConfigMap != nil {
			named = append(named, v.ConfigMap.Name)
		}
	}
	assert.Equal(t, []string{settings.Name}, named)
}

func TestBuildkitdConfig(t *testing.T) {
	var c config.Config
	d := toml.NewDecoder(strings.NewReader(read(t, example("kubernetes/buildkitd.toml"))))
	require.NoError(t, d.DisallowUnknownFields().Decode(&c))
	require.NotNil(t, c.Frontends.Dockerfile.Enabled)
	assert.False(t, *c.Frontends.Dockerfile.Enabled)
	job := object(t, read(t, example("kubernetes/build.yaml"))).(*batchv1.Job)
	requirePod(t, job.Spec.Template.Spec)
	args := strings.Join(job.Spec.Template.Spec.Containers[0].Args, "\n")
	for _, repository := range c.Frontends.Gateway.AllowedRepositories {
		assert.Contains(t, args, "--opt=source="+repository+":", "the build uses the frontend that is allowed")
		assert.Contains(t, args, "--opt=cmdline="+repository+":", "and no other that a Dockerfile names")
	}
}
