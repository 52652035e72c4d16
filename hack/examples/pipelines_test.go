package examples

import (
	"io"
	"regexp"
	"testing"

	"github.com/rhysd/actionlint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGitHubActions(t *testing.T) {
	name := example("github-actions/image.yml")
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{Shellcheck: "shellcheck"})
	require.NoError(t, err)
	project := &actionlint.Project{}
	found, err := linter.Lint(name, []byte(read(t, name)), project)
	require.NoError(t, err)
	for _, e := range found {
		t.Error(e)
	}

	uses := regexp.MustCompile(`(?m)uses: (.*)$`).FindAllStringSubmatch(read(t, name), -1)
	require.NotEmpty(t, uses)
	for _, u := range uses {
		assert.Regexp(t, `^[\w-]+(/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`, u[1], "an action is pinned by commit, and says its version")
	}
}

// gitlabJob is a job of GitLab CI, as far as the example goes.
// https://docs.gitlab.com/ci/yaml/
type gitlabJob struct {
	Stage        string
	Script       []string
	AllowFailure struct {
		ExitCodes []int `yaml:"exit_codes"`
	} `yaml:"allow_failure"`
	Artifacts struct {
		When     string
		Paths    []string
		ExpireIn string `yaml:"expire_in"`
		Reports  struct{ JUnit string }
	}
	Dependencies []string
	Rules        []struct{ If string }
}

type gitlabFile struct {
	Stages    []string
	Variables map[string]string
	Default   struct {
		Image        string
		Services     []string
		BeforeScript []string `yaml:"before_script"`
	}
	Jobs map[string]gitlabJob `yaml:",inline"`
}

func (f gitlabFile) scripts() []string {
	out := f.Default.BeforeScript
	for _, j := range f.Jobs {
		out = append(out, j.Script...)
	}
	return out
}

func TestGitLabCI(t *testing.T) {
	var f gitlabFile
	decode(t, example("gitlab-ci/.gitlab-ci.yml"), &f)
	// Keywords at the top of a file, which no job can be called.
	keywords := []string{
		"after_script", "before_script", "cache", "default", "false", "image", "include", "nil", "services", "spec", "stages", "true", "types",
		"variables", "workflow",
	}
	for name, j := range f.Jobs {
		assert.NotContains(t, keywords, name)
		assert.Contains(t, f.Stages, j.Stage, name)
		assert.NotEmpty(t, j.Script, name)
	}
	scan := f.Jobs["scan"]
	assert.Equal(t, []int{4}, scan.AllowFailure.ExitCodes, "findings are a warning, an error is not")
	assert.NotEmpty(t, scan.Artifacts.Reports.JUnit)
}

// circleStep is a step of CircleCI with one of the keys that the example uses.
// https://circleci.com/docs/configuration-reference/
type circleStep struct {
	Run       *struct{ Name, Command string }
	Results   *struct{ Path string }              `yaml:"store_test_results"`
	Artifacts *struct{ Path, Destination string } `yaml:"store_artifacts"`
}

// UnmarshalYAML takes the name of a step without keys too.
func (s *circleStep) UnmarshalYAML(unmarshal func(any) error) error {
	var name string
	if unmarshal(&name) == nil && name == "checkout" {
		return nil
	}
	type plain circleStep
	return unmarshal((*plain)(s))
}

type circleFile struct {
	Version string
	Jobs    map[string]struct {
		Machine     struct{ Image string }
		Environment map[string]string
		Steps       []circleStep
	}
	Workflows map[string]struct {
		Jobs []map[string]struct{ Context string }
	}
}

func (f circleFile) scripts() []string {
	var out []string
	for _, j := range f.Jobs {
		for _, s := range j.Steps {
			if s.Run != nil {
				out = append(out, s.Run.Command)
			}
		}
	}
	return out
}

func TestCircleCI(t *testing.T) {
	var f circleFile
	decode(t, example("circleci/config.yml"), &f)
	assert.Equal(t, "2.1", f.Version)
	for name, w := range f.Workflows {
		require.NotEmpty(t, w.Jobs, name)
		for _, jobs := range w.Jobs {
			for job := range jobs {
				assert.Contains(t, f.Jobs, job)
			}
		}
	}
}

// azureFile is a pipeline of Azure, as far as the example goes.
// https://learn.microsoft.com/azure/devops/pipelines/yaml-schema/
type azureFile struct {
	Trigger struct {
		Branches struct{ Include []string }
	}
	Pool struct {
		VMImage string `yaml:"vmImage"`
	}
	Variables map[string]string
	Steps     []struct {
		Task        string
		Script      string
		DisplayName string `yaml:"displayName"`
		Inputs      map[string]string
		Env         map[string]string
	}
}

func (f azureFile) scripts() []string {
	var out []string
	for _, s := range f.Steps {
		out = append(out, s.Script)
	}
	return out
}

func TestAzurePipelines(t *testing.T) {
	// Inputs of tasks, from their reference pages.
	inputs := map[string][]string{
		"Docker@2":                {"command", "containerRegistry"},
		"PublishTestResults@2":    {"testResultsFormat", "testResultsFiles", "testRunTitle"},
		"PublishBuildArtifacts@1": {"PathtoPublish", "ArtifactName"},
	}
	var f azureFile
	decode(t, example("azure-pipelines/azure-pipelines.yml"), &f)
	for _, s := range f.Steps {
		require.NotEqual(t, s.Task == "", s.Script == "", "a step is a task or a script: %v", s)
		if s.Task == "" {
			continue
		}
		require.Contains(t, inputs, s.Task)
		for name := range s.Inputs {
			assert.Contains(t, inputs[s.Task], name, s.Task)
		}
	}
}
