package examples

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pages are the README and all pages below docs and examples.
func pages(t *testing.T) []string {
	t.Helper()
	list := []string{filepath.Join(top, "README.md")}
	for _, dir := range []string{"docs", "examples"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(top, dir), func(name string, _ fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(name) == ".md" {
				list = append(list, name)
			}
			return err
		}))
	}
	return list
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	dropped = regexp.MustCompile("[^a-z0-9 _-]")
)

// anchors are the anchors of a page's headings, as GitHub makes them.
func anchors(text string) []string {
	var out []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		out = append(out, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return out
}

// TestLinks: links between the pages lead to something.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, m[1])
				continue
			}
			if anchor != "" {
				assert.Contains(t, anchors(read(t, file)), anchor, "%s: %s", page, m[1])
			}
		}
	}
}

var (
	// command is a call of the program in a block of code, up to what ends it.
	command = regexp.MustCompile(`(?m)^ {4,}(?:\./)?microscanner ([^|;#\n]*)`)
	flag    = regexp.MustCompile(`(?:^|\s)(--?[a-z][a-z-]*)`)
	verb    = regexp.MustCompile(`^[a-z]+$`)
)

// help is the help of the command that a command line begins with. Verbs are at
// most two words; a command line without one is MicroScanner's own.
func help(t *testing.T, program, line string) string {
	t.Helper()
	var verbs []string
	for _, word := range strings.Fields(line) {
		if len(verbs) == 2 || !verb.MatchString(word) {
			break
		}
		verbs = append(verbs, word)
	}
	for {
		out, err := exec.CommandContext(t.Context(), program, append(verbs, "--help")...).CombinedOutput()
		if err == nil {
			return string(out)
		}
		require.NotEmpty(t, verbs, string(out))
		verbs = verbs[:len(verbs)-1]
	}
}

// TestCommands: the program has the flags that the pages use.
func TestCommands(t *testing.T) {
	program := filepath.Join(t.TempDir(), "microscanner")
	run(t, "go", "build", "-C", top, "-o", program, "./cmd/scan")
	lines := 0
	for _, page := range pages(t) {
		for _, m := range command.FindAllStringSubmatch(continued.ReplaceAllString(read(t, page), " "), -1) {
			lines++
			text := help(t, program, m[1])
			for _, f := range flag.FindAllStringSubmatch(m[1], -1) {
				assert.Regexp(t, `(?m)(^|[\s,])`+f[1]+`\b`, text, "%s: microscanner %s", page, m[1])
			}
		}
	}
	assert.Greater(t, lines, 20)
}

// TestBuildArguments: the pages name settings that there are.
func TestBuildArguments(t *testing.T) {
	for _, page := range pages(t) {
		args := map[string]string{}
		for _, m := range buildArg.FindAllStringSubmatch(read(t, page), -1) {
			args[m[1]] = m[2]
		}
		requireSettings(t, args)
	}
}
