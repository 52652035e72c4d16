package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
	"github.com/example/microscanner-frontend/scanner/report"
)

// callScan is --call=scan,format=json of a Dockerfile in dir.
func callScan(t *testing.T, env *harness.Env, dir string, args ...string) (harness.Result, *report.Report) {
	t.Helper()
	argv := append([]string{"build", "--call=scan,format=json", "--build-arg", "BUILDKIT_SYNTAX=" + env.FrontendRef()}, args...)
	r := env.Buildx(t.Context(), dir, nil, append(argv, ".")...)
	if r.ExitCode != 0 && r.ExitCode != 4 {
		return r, nil
	}
	rep, err := report.Decode(strings.NewReader(r.Stdout))
	require.NoError(t, err, r.Stdout)
	return r, rep
}

// TestHostileImageCannotBendTheScan builds on a Debian with known findings and
// does what it can to hide them.
func TestHostileImageCannotBendTheScan(t *testing.T) {
	env := start(t)
	base := debianImage(t, env, vulnerable)
	r, rep := callScan(t, env, files(t, map[string]string{"Dockerfile": "FROM " + base + "\n"}))
	require.Equal(t, 4, r.ExitCode, r.Combined)
	want := rep.Findings()
	require.NotEmpty(t, want)

	fake := "#!/bin/sh\nexit 0\n"
	for name, dockerfile := range map[string]string{
		"entrypoint":        "ENTRYPOINT [\"/bin/true\"]\nCMD [\"--help\"]",
		"shell":             "SHELL [\"/bin/true\"]",
		"ld-preload":        "ENV LD_PRELOAD=/evil.so LD_LIBRARY_PATH=/evil GODEBUG=x=y GOMEMLIMIT=1 PATH=/evil\nCOPY fake /evil.so\nCOPY fake /etc/ld.so.preload",
		"fake-sh":           "COPY --chmod=0755 fake /bin/sh",
		"user":              "USER nobody\nWORKDIR /tmp",
		"planted-scanner":   "COPY --chmod=0755 fake /bin/microscanner\nCOPY --chmod=0755 fake /bin/microscanner-frontend",
		"planted-database":  "COPY fake /db/metadata.json\nCOPY fake /run/microscanner/out/report.json\nCOPY fake /run/microscanner/rootfs/etc/os-release\nCOPY fake /run/config/buildkit/metadata/frontend.bin",
		"unreadable-file":   "RUN chmod 0000 /var/lib/dpkg/status /etc/os-release /usr/lib/os-release",
		"unreadable-folder": "RUN chmod 0000 /var/lib/dpkg /var/lib /etc",
		"absolute-symlink":  "RUN mv /var/lib/dpkg/status /opt/status && ln -s /opt/status /var/lib/dpkg/status",
		"symlinked-folder":  "RUN mv /var/lib/dpkg /opt/dpkg && ln -s ../../opt/dpkg /var/lib/dpkg",
		"parent-symlink":    "RUN mv /var/lib/dpkg /opt/dpkg && ln -s ../../../../../../../../opt/dpkg /var/lib/dpkg",
		"labels":            "LABEL microscanner.fail-on=never\nENV MICROSCANNER_FAIL_ON=never\nARG MICROSCANNER_FAIL_ON=never",
	} {
		t.Run(name, func(t *testing.T) {
			dir := files(t, map[string]string{"Dockerfile": "FROM " + base + "\n" + dockerfile + "\n", "fake": fake})
			r, rep := callScan(t, env, dir)
			require.Equal(t, 4, r.ExitCode, r.Combined)
			require.Equal(t, want, rep.Findings())
			refused := push(t, env, dir, env.FrontendRef(), imageName(t, env, "no"))
			require.Equal(t, 1, refused.ExitCode, refused.Combined)
			require.Contains(t, refused.Combined, "exit code: 4")
			requireNotPushed(t, imageName(t, env, "no"))
		})
	}
}

// TestHostileRelease makes the image say that it is something else.
func TestHostileRelease(t *testing.T) {
	env := start(t)
	base := debianImage(t, env, vulnerable)
	for name, dockerfile := range map[string]string{
		"alpine": "COPY <<EOF /usr/lib/os-release\nID=alpine\nVERSION_ID=3.21.0_alpha20240807\nEOF\n" +
			"COPY <<EOF /lib/apk/db/installed\nP:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\nEOF",
		"another-release": `RUN sed -i 's/VERSION_ID="12"/VERSION_ID="11"/' /usr/lib/os-release`,
		"no-release":      "RUN sed -i /VERSION_ID/d /usr/lib/os-release",
		"unknown":         "RUN sed -i 's/^ID=.*/ID=nothing/' /usr/lib/os-release",
		"no-id":           "RUN rm /etc/os-release /usr/lib/os-release /etc/debian_version",
		"dangling":        "RUN rm /usr/lib/os-release",
		"status.d":        "RUN mkdir /var/lib/dpkg/status.d && mv /var/lib/dpkg/status /var/lib/dpkg/status.d/all && touch /var/lib/dpkg/status",
	} {
		t.Run(name, func(t *testing.T) {
			dir := files(t, map[string]string{"Dockerfile": "FROM " + base + "\n" + dockerfile + "\n"})
			ref := imageName(t, env, "no")
			r := push(t, env, dir, env.FrontendRef(), ref)
			require.Equal(t, 1, r.ExitCode, r.Combined)
			require.Regexp(t, "exit code: 4|This is an error in the scan, not a finding", r.Combined)
			requireNotPushed(t, ref)
		})
	}
}

// TestHostilePackageDatabase puts something else in the place of the package
// database. What can't be read is an error that names the file.
func TestHostilePackageDatabase(t *testing.T) {
	env := start(t)
	base := debianImage(t, env, vulnerable)
	for name, step := range map[string]string{
		"secrets":      "ln -s /run/secrets/token status",
		"environ":      "ln -s /proc/self/environ status",
		"scanners-own": "ln -s /bin/microscanner status",
		"outside":      "ln -s ../../../../../db/metadata.json status",
		"loop":         "ln -s status status",
		"fifo":         "mkfifo status",
		"device":       "mknod status c 1 5",
		"folder":       "mkdir status",
		"sparse":       "truncate -s 5G status",
		"garbage":      "head -c 1000000 /dev/urandom > status",
		"gone":         "true",
	} {
		t.Run(name, func(t *testing.T) {
			dir := files(t, map[string]string{"Dockerfile": "FROM " + base + "\nWORKDIR /var/lib/dpkg\nRUN rm status && " + step + "\n"})
			r := push(t, env, dir, env.FrontendRef(), imageName(t, env, "no"))
			require.Equal(t, 1, r.ExitCode, r.Combined)
			require.Contains(t, r.Combined, "This is an error in the scan, not a finding")
			require.NotContains(t, r.Combined, "exit code: 4")
			require.Contains(t, r.Combined, "var/lib/dpkg/status")
			requireNotPushed(t, imageName(t, env, "no"))

			r, _ = callScan(t, env, dir)
			require.Equal(t, 1, r.ExitCode, r.Combined)
		})
	}
}
