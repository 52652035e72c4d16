package examples

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// scripts are the shell commands of each example.
func scripts(t *testing.T) map[string][]string {
	t.Helper()
	var gitlab gitlabFile
	var circle circleFile
	var azure azureFile
	decode(t, example("gitlab-ci/.gitlab-ci.yml"), &gitlab)
	decode(t, example("circleci/config.yml"), &circle)
	decode(t, example("azure-pipelines/azure-pipelines.yml"), &azure)
	return map[string][]string{
		"github-actions":  githubScripts(t),
		"gitlab-ci":       gitlab.scripts(),
		"circleci":        circle.scripts(),
		"azure-pipelines": azure.scripts(),
		"jenkins":         jenkinsScripts(t),
		"kubernetes":      {read(t, example("kubernetes/buildx.sh"))},
	}
}

func githubScripts(t *testing.T) []string {
	t.Helper()
	var f struct {
		Jobs map[string]struct{ Steps []struct{ Run string } }
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, example("github-actions/image.yml"))), &f))
	var out []string
	for _, j := range f.Jobs {
		for _, s := range j.Steps {
			out = append(out, s.Run)
		}
	}
	return out
}

// jenkinsScripts are the texts in triple quotes. Groovy joins lines that end
// in a backslash before the shell sees them.
func jenkinsScripts(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, m := range regexp.MustCompile(`(?s)'''(.*?)'''`).FindAllStringSubmatch(read(t, example("jenkins/Jenkinsfile")), -1) {
		out = append(out, strings.ReplaceAll(m[1], "\\\n", ""))
	}
	return out
}

// TestScripts: what a shell would not take, or take otherwise than it looks.
func TestScripts(t *testing.T) {
	for name, list := range scripts(t) {
		require.NotEmpty(t, list, name)
		for i, text := range list {
			if text == "" {
				continue
			}
			t.Run(fmt.Sprint(name, " ", i), func(t *testing.T) {
				if !strings.HasPrefix(text, "#!") {
					text = "#!/bin/bash\n" + text
				}
				file := filepath.Join(t.TempDir(), "script.sh")
				require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
				run(t, "bash", "-n", file)
				if _, err := exec.LookPath("shellcheck"); err != nil {
					t.Skip("needs shellcheck for the rest")
				}
				// Variables of a CI system are set outside of the script.
				run(t, "shellcheck", "--exclude=SC2154", file)
			})
		}
	}
}

func run(t *testing.T, command ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	require.NoError(t, err, string(out))
}

var (
	continued = regexp.MustCompile(`\\\n\s*`)
	buildArg  = regexp.MustCompile(`--build-arg ([A-Z_]+)=(\S+)`)
)

// TestBuilds: each build goes through the frontend, and gets its token as a
// secret and in no other way.
func TestBuilds(t *testing.T) {
	for name, list := range scripts(t) {
		var builds, gated int
		for _, text := range list {
			for line := range strings.Lines(continued.ReplaceAllString(text, " ")) {
				if !strings.Contains(line, "docker buildx build ") {
					continue
				}
				builds++
				args := map[string]string{}
				for _, m := range buildArg.FindAllStringSubmatch(line, -1) {
					args[m[1]] = m[2]
				}
				assert.NotEmpty(t, args["BUILDKIT_SYNTAX"], line)
				requireSettings(t, args)
				if args["MICROSCANNER_SERVER"] != "" {
					assert.Regexp(t, `--secret id=token,env=[A-Z_]+ `, line)
				}
				assert.NotRegexp(t, `\$\{?[A-Z_]*TOKEN`, line, "a token is not to be in an argument")
				if strings.Contains(line, " --push") {
					gated++
					assert.NotContains(t, args, "MICROSCANNER_RESULT", line)
				}
			}
		}
		assert.NotZero(t, builds, name)
		assert.NotZero(t, gated, "%s pushes an image through the gate", name)
	}
}

// requireSettings checks that our build arguments are settings that exist.
func requireSettings(t *testing.T, args map[string]string) {
	t.Helper()
	table := read(t, filepath.Join(top, "docs", "settings.md"))
	for name := range args {
		if key, ok := strings.CutPrefix(name, "MICROSCANNER_"); ok {
			key = strings.ReplaceAll(strings.ToLower(key), "_", "-")
			require.Contains(t, table, "\n| `"+key+"` |", "%s is no setting", name)
		}
	}
}
