package blame_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/blame"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/pkgdb"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/rootfs"
)

// database is an apk database of packages "name=version", each of the source
// package of its name.
func database(packages ...string) string {
	var b strings.Builder
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "=")
		fmt.Fprintf(&b, "P:%s\nV:%s\nA:x86_64\no:%s\n\n", name, version, name)
	}
	return b.String()
}

const installed = "lib/apk/db/installed"

// dir is a root file system on disk with one file.
func dir(t *testing.T, name, text string) fs.FS {
	t.Helper()
	root := t.TempDir()
	if name != "" {
		require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
	}
	fsys, err := rootfs.Open(root)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, fsys.Close()) })
	return fsys
}

// found is a report with one finding in each of the packages.
func found(packages ...string) *report.Report {
	r := &report.Report{OS: "alpine"}
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "=")
		r.Resources = append(r.Resources, report.Resource{
			Resource:        report.Package{Name: name, Version: version, Arch: "x86_64", Source: report.Source{Name: name, Version: version}},
			Vulnerabilities: []report.Vulnerability{{Name: "CVE-2026-0001"}, {Name: "CVE-2026-0002"}},
		})
	}
	return r
}

// lines are the lines of the instructions behind a report's packages, by name;
// 0 where there is none.
func lines(t *testing.T, r *report.Report) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, res := range r.Resources {
		line := 0
		for i, v := range res.Vulnerabilities {
			if v.IntroducedBy == nil {
				continue
			}
			require.True(t, i == 0 || v.IntroducedBy.Line == line)
			line = v.IntroducedBy.Line
		}
		out[res.Resource.Name] = line
	}
	return out
}

// TestAnnotate: the databases are those after each line of a Dockerfile.
func TestAnnotate(t *testing.T) {
	const none, broken = "-", "!"
	for _, tc := range []struct {
		name   string
		states [][]string
		found  []string
		want   map[string]int
	}{
		{"base", [][]string{{"a=1"}, {"a=1"}}, []string{"a=1"}, map[string]int{"a": 1}},
		{"only a base", [][]string{{"a=1"}}, []string{"a=1"}, map[string]int{"a": 1}},
		{"added", [][]string{{"a=1"}, {"a=1", "b=1"}, {"a=1", "b=1"}}, []string{"a=1", "b=1"}, map[string]int{"a": 1, "b": 2}},
		{"upgraded", [][]string{{"a=1"}, {"a=2"}, {"a=2"}}, []string{"a=2"}, map[string]int{"a": 2}},
		{"downgraded", [][]string{{"a=2"}, {"a=2"}, {"a=1"}}, []string{"a=1"}, map[string]int{"a": 3}},
		{"up and down again", [][]string{{"a=1"}, {"a=2"}, {"a=1"}}, []string{"a=1"}, map[string]int{"a": 3}},
		{"removed and back", [][]string{{"a=1"}, {"b=1"}, {"a=1", "b=1"}, {"a=1", "b=1"}}, []string{"a=1", "b=1"}, map[string]int{"a": 3, "b": 2}},
		{"no database at first", [][]string{{none}, {none}, {"a=1"}}, []string{"a=1"}, map[string]int{"a": 3}},
		{"no database in between", [][]string{{"a=1"}, {none}, {"a=1"}}, []string{"a=1"}, map[string]int{"a": 3}},
		{"unreadable in between", [][]string{{"a=1"}, {broken}, {"a=1"}, {"a=1", "b=1"}}, []string{"a=1", "b=1"}, map[string]int{"a": 3, "b": 4}},
		{"two versions at once", [][]string{{"a=1"}, {"a=1", "a=2"}}, []string{"a=1", "a=2"}, map[string]int{"a": 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var steps []blame.Step
			for i := range tc.states {
				s := blame.Step{By: report.IntroducedBy{Line: i + 1}}
				if i > 0 {
					switch before := tc.states[i-1]; before[0] {
					case none:
						s.Before = dir(t, "", "")
					case broken:
						s.Before = dir(t, installed+"/x", "")
					default:
						s.Before = dir(t, installed, database(before...))
					}
				}
				steps = append(steps, s)
			}
			r := found(tc.found...)
			problems, err := blame.Annotate(r, all.List(), steps)
			require.NoError(t, err)
			require.Equal(t, tc.want, lines(t, r))
			require.Equal(t, strings.HasPrefix(tc.name, "unreadable"), len(problems) > 0)
		})
	}
}

// TestMovedDatabase: who moves a database brings nothing.
func TestMovedDatabase(t *testing.T) {
	r := found("a=1")
	_, err := blame.Annotate(r, all.List(), []blame.Step{
		{By: report.IntroducedBy{Line: 1}},
		{By: report.IntroducedBy{Line: 2}, Before: dir(t, installed, database("a=1"))},
		{By: report.IntroducedBy{Line: 3}, Before: dir(t, "usr/"+installed, database("a=1"))},
	})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 1}, lines(t, r))
}

// TestLongChain: the later steps are compared first, and the earlier ones then
// get what is left.
func TestLongChain(t *testing.T) {
	r := found("a=1", "b=1")
	_, err := blame.Annotate(r, all.List(), []blame.Step{
		{By: report.IntroducedBy{Line: 3}, Before: dir(t, installed, database("a=1"))},
		{By: report.IntroducedBy{Line: 4}, Before: dir(t, installed, database("a=1", "b=1"))},
	})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 0, "b": 3}, lines(t, r))
	_, err = blame.Annotate(r, all.List(), []blame.Step{
		{By: report.IntroducedBy{Line: 1, Base: true}},
		{By: report.IntroducedBy{Line: 2}, Before: dir(t, installed, database())},
	})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 2, "b": 3}, lines(t, r))
}

func TestUnknownDistribution(t *testing.T) {
	r := found("a=1")
	r.OS = "plan9"
	_, err := blame.Annotate(r, all.List(), nil)
	require.ErrorContains(t, err, "plan9")
}

// TestUnchangedDatabasesAreReadOnce, and changed ones again, whatever changed.
func TestUnchangedDatabasesAreReadOnce(t *testing.T) {
	reads := 0
	distros := all.List()
	for i := range distros {
		if d := &distros[i]; d.ID == "alpine" {
			read := d.Read
			d.Read = func(fsys fs.FS, c *pkgdb.Collector) (bool, error) {
				reads++
				return read(fsys, c)
			}
		}
	}
	// As the root file systems of a build do, those before the steps share
	// the files that no step touched.
	states := []string{t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()}
	write := func(state int, text string) {
		require.NoError(t, os.MkdirAll(filepath.Join(states[state], filepath.Dir(installed)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(states[state], installed), []byte(text), 0o600))
	}
	share := func(from, to int) {
		require.NoError(t, os.MkdirAll(filepath.Join(states[to], filepath.Dir(installed)), 0o755))
		require.NoError(t, os.Link(filepath.Join(states[from], installed), filepath.Join(states[to], installed)))
	}
	write(0, database("a=1"))
	share(0, 1)
	write(2, database("a=1", "b=1"))
	share(2, 3)
	var steps []blame.Step
	for i := range 5 {
		s := blame.Step{By: report.IntroducedBy{Line: i + 1}}
		if i > 0 {
			fsys, err := rootfs.Open(states[i-1])
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, fsys.Close()) })
			s.Before = fsys
		}
		steps = append(steps, s)
	}
	r := found("a=1", "b=1")
	_, err := blame.Annotate(r, distros, steps)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 1, "b": 3}, lines(t, r))
	require.Equal(t, 2, reads, "two databases in four states")

	// Another file of the same size and time is read.
	require.NoError(t, os.Remove(filepath.Join(states[1], installed)))
	write(1, database("c=1"))
	info, err := os.Stat(filepath.Join(states[0], installed))
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(filepath.Join(states[1], installed), info.ModTime(), info.ModTime()))
	r = found("a=1")
	_, err = blame.Annotate(r, distros, steps)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"a": 3}, lines(t, r))
}
