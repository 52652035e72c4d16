package e2e

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/report/formats/all"
)

// exportReports builds with MICROSCANNER_RESULT=report, and returns the directory
// that it exported to.
func exportReports(t *testing.T, env *harness.Env, dir string, args ...string) (string, harness.Result) {
	t.Helper()
	out := t.TempDir()
	argv := []string{"build", "--output", out, "--build-arg", "BUILDKIT_SYNTAX=" + env.FrontendRef(), "--build-arg", "MICROSCANNER_RESULT=report"}
	return out, env.Buildx(t.Context(), dir, nil, append(append(argv, args...), ".")...)
}

func reportIn(t *testing.T, dir string) *report.Report {
	t.Helper()
	dt, err := os.ReadFile(filepath.Join(dir, "report.json"))
	require.NoError(t, err)
	r, err := report.Decode(bytes.NewReader(dt))
	require.NoError(t, err)
	return r
}

// filesIn lists the files below a directory.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		out = append(out, filepath.ToSlash(name))
		return err
	}))
	return out
}

// reportFiles are the files of one report, below a folder.
func reportFiles(folders ...string) []string {
	var out []string
	for _, folder := range folders {
		for _, f := range all.List() {
			out = append(out, folder+"report"+f.Extension)
		}
	}
	slices.Sort(out)
	return out
}

func TestResultReport(t *testing.T) {
	env := start(t)
	dir := files(t, merge(map[string]string{"Dockerfile": "FROM scratch AS build\nCOPY rootfs/ /\nFROM scratch\nCOPY --from=build / /\n"}, in("rootfs", alpine(opensslHigh))))
	t.Run("of a build that fails", func(t *testing.T) {
		out, r := exportReports(t, env, dir)
		require.Zero(t, r.ExitCode, r.Combined)
		require.ElementsMatch(t, reportFiles(""), filesIn(t, out))
		require.Contains(t, r.Combined, " - microscanner: a build would not export the image of linux/amd64: 1 vulnerability at or above high")
		got := reportIn(t, out)
		require.Equal(t, 4, got.Verdict.ExitCode)
		require.True(t, got.ListsAllPackages())
		require.Equal(t, "report", got.Policy["result"].Value)
		require.Equal(t, 4, got.Findings()[0].IntroducedBy.Line)
		for name, want := range map[string]string{
			"report.sarif": "CVE-2024-6119", "report.html": "CVE-2024-6119", "report.junit.xml": "CVE-2024-6119",
			"report.cdx.json": "pkg:apk/alpine/musl@", "report.spdx.json": "pkg:apk/alpine/musl@",
		} {
			dt, err := os.ReadFile(filepath.Join(out, name))
			require.NoError(t, err)
			require.Contains(t, string(dt), want, name)
		}
	})
	t.Run("platforms and stages", func(t *testing.T) {
		out, r := exportReports(t, env, dir, "--platform", "linux/amd64,linux/arm64", "--build-arg", "MICROSCANNER_STAGES=all")
		require.Zero(t, r.ExitCode, r.Combined)
		require.ElementsMatch(t, reportFiles("linux_amd64/", "linux_amd64/stages/build/", "linux_arm64/", "linux_arm64/stages/build/"), filesIn(t, out))
		require.Equal(t, "linux/arm64", reportIn(t, filepath.Join(out, "linux_arm64")).Image.Platform)
		require.Equal(t, "build", reportIn(t, filepath.Join(out, "linux_arm64", "stages", "build")).Image.Stage)
	})
	t.Run("archive", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "reports.tar")
		_, r := exportReports(t, env, dir, "--output", "type=tar,dest="+file)
		require.Zero(t, r.ExitCode, r.Combined)
		f, err := os.Open(file)
		require.NoError(t, err)
		defer f.Close()
		var names []string
		archive := tar.NewReader(f)
		for {
			header, err := archive.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			names = append(names, header.Name)
		}
		require.ElementsMatch(t, reportFiles(""), names)
	})
	t.Run("nothing to scan", func(t *testing.T) {
		out, r := exportReports(t, env, files(t, map[string]string{"Dockerfile": "FROM scratch\nLABEL a=b\n"}))
		require.Zero(t, r.ExitCode, r.Combined)
		require.True(t, reportIn(t, out).Verdict.Pass)
	})
	t.Run("of a system that is not supported", func(t *testing.T) {
		out, r := exportReports(t, env, files(t, map[string]string{
			"Dockerfile":                 copyRootfs,
			"rootfs/etc/os-release":      "ID=kali\nVERSION_ID=2024.1\n",
			"rootfs/var/lib/dpkg/status": "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2\n",
		}))
		require.Zero(t, r.ExitCode, r.Combined)
		require.Equal(t, 1, reportIn(t, out).Verdict.ExitCode)
	})
	t.Run("a scan that fails is no report", func(t *testing.T) {
		out, r := exportReports(t, env, files(t, map[string]string{"Dockerfile": copyRootfs, "rootfs/etc/os-release": "ID=debian\nVERSION_ID=12\n", "rootfs/var/lib/dpkg/status/x": ""}))
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, "This is an error in the scan, not a finding")
		require.Empty(t, filesIn(t, out))
	})
}
