package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/service/servicetest"
)

// MicroScanner's uses as they were: the scanner is copied into the image, the
// token is a build argument, and BuildKit's own Dockerfile frontend builds.

// debianFinding is an advisory of the demo on pcre2, which every Debian has.
const debianFinding = "CVE-2026-103111"

// classic is what such a build needs.
type classic struct {
	env     *harness.Env
	service *servicetest.Service
	token   string
	program string // file of the static program
	address string // where ADD finds it
}

func startClassic(t *testing.T) classic {
	t.Helper()
	env := start(t)
	c := classic{env: env, service: startService(t, env), program: filepath.Join(env.Dir(), "microscanner")}
	c.token = c.service.Token()
	// Not over TLS: BuildKit downloads it, and does not know the CA.
	download := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, c.program) }))
	t.Cleanup(download.Close)
	c.address = download.URL + "/microscanner"
	return c
}

// build builds a Dockerfile with a context of the program, the CA's certificate
// and the given files. The words <service> and <program> stand for addresses,
// which differ from run to run.
func (c classic) build(t *testing.T, dockerfile string, content map[string]string, args ...string) harness.Result {
	t.Helper()
	ca, err := os.ReadFile(c.service.CAFile)
	require.NoError(t, err)
	text := strings.NewReplacer("<service>", c.service.URL, "<program>", c.address).Replace(dockerfile)
	dir := files(t, merge(content, map[string]string{"Dockerfile": text, "ca.pem": string(ca)}))
	program, err := os.ReadFile(c.program)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "microscanner"), program, 0o755))
	argv := []string{"build", "--build-arg", "token=" + c.token}
	return c.env.Buildx(t.Context(), dir, nil, append(append(argv, args...), ".")...)
}

// systems are images in which the scanner finds the advisory that it should:
// lines of a Dockerfile, the files that these need, and flags of the scanner.
func systems(t *testing.T, env *harness.Env) map[string]classicSystem {
	t.Helper()
	debian := debianImage(t, env, vulnerable)
	shell := "FROM " + debian + "\nRUN rm -rf /var/lib/dpkg /etc/debian_version /etc/os-release /etc/ssl /usr/share/ca-certificates\n" +
		"COPY rootfs/etc /etc/\nCOPY rootfs/lib /usr/lib/\n"
	return map[string]classicSystem{
		"Debian, CA among the system's": {"debian", "12", "FROM " + debian + "\nCOPY ca.pem /etc/ssl/certs/ca-certificates.crt\n", nil, "", debianFinding},
		"Alpine, CA among the system's": {"alpine", "edge", shell + "COPY ca.pem /etc/ssl/cert.pem\n", in("rootfs", alpine(opensslHigh)), "", "CVE-2024-6119"},
		"no CA certificates, --ca-file": {"alpine", "edge", shell + "COPY ca.pem /ca.pem\n", in("rootfs", alpine(opensslHigh)), "--ca-file /ca.pem", "CVE-2024-6119"},
		"no CA certificates, no check":  {"alpine", "edge", shell, in("rootfs", alpine(opensslHigh)), "--no-verify", "CVE-2024-6119"},
	}
}

type classicSystem struct {
	os, version string
	dockerfile  string
	files       map[string]string
	flags       string
	finding     string
}

// TestClassicAddAndRun: ADD microscanner and RUN microscanner in a Dockerfile.
func TestClassicAddAndRun(t *testing.T) {
	c := startClassic(t)
	for name, s := range systems(t, c.env) {
		t.Run(name, func(t *testing.T) {
			run := s.dockerfile + "ENV MICROSCANNER_SERVER=<service>\nADD <program> /\nRUN chmod +x /microscanner\nARG token\nRUN /microscanner ${token} " + s.flags
			r := c.build(t, run+"\n", s.files)
			require.Equal(t, 1, r.ExitCode, r.Combined)
			require.Contains(t, r.Combined, "exit code: 4")
			require.Contains(t, r.Combined, s.finding)
			require.Contains(t, r.Combined, "microscanner: warning: a token on the command line stays in the image's history")

			r = c.build(t, run+" --continue-on-failure\n", s.files)
			require.Zero(t, r.ExitCode, r.Combined)
			require.Contains(t, r.Combined, "Overriding non-zero error code due to --continue-on-failure setting")
			got := document(t, r)
			require.Equal(t, s.os, got.OS)
			require.False(t, got.Verdict.Pass)
			require.NotEmpty(t, got.Database.Digest)
			require.False(t, got.Database.Built.IsZero())
		})
	}
	t.Run("no CA certificates, nothing said", func(t *testing.T) {
		s := systems(t, c.env)["no CA certificates, no check"]
		r := c.build(t, s.dockerfile+"COPY microscanner /\nARG token\nRUN /microscanner --server <service> -c ${token}\n", s.files)
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, "microscanner: error: the certificate of "+c.service.URL+" cannot be verified")
		require.Contains(t, r.Combined, "install ca-certificates, name the CA's certificate with --ca-file, or give up the check with --no-verify")
		require.Contains(t, r.Combined, "exit code: 1")
	})
	t.Run("a pass", func(t *testing.T) {
		s := systems(t, c.env)["no CA certificates, --ca-file"]
		r := c.build(t, s.dockerfile+"COPY microscanner /\nARG token\nRUN /microscanner --server <service> --ca-file /ca.pem ${token}\n", in("rootfs", alpine(opensslClean)))
		require.Zero(t, r.ExitCode, r.Combined)
		require.True(t, document(t, r).Verdict.Pass)
	})
	t.Run("a secret instead", func(t *testing.T) {
		s := systems(t, c.env)["no CA certificates, no check"]
		r := c.build(t, s.dockerfile+"COPY microscanner /\nRUN --mount=type=secret,id=token --mount=type=secret,id=microscanner-ca /microscanner --server <service>\n",
			in("rootfs", alpine(opensslClean)), "--secret", "id=token,src="+secretFile(t, c.token), "--secret", "id=microscanner-ca,src="+c.service.CAFile)
		require.Zero(t, r.ExitCode, r.Combined)
		require.NotContains(t, r.Combined, "warning: a token")
		require.NotContains(t, r.Combined, c.token)
	})
}

// wrapper scans an image that exists, as the scripts around MicroScanner did.
const wrapper = `set -eu
image=$1 server=$2 token=$3
cat > Dockerfile <<EOF
FROM $image
USER root
COPY microscanner ca.pem /tmp/
ARG token
RUN MICROSCANNER_SERVER=$server /tmp/microscanner --ca-file /tmp/ca.pem --continue-on-failure \${token}
EOF
exec $BUILD --no-cache --build-arg token="$token" .
`

// TestClassicWrapper: FROM image, COPY and RUN.
func TestClassicWrapper(t *testing.T) {
	c := startClassic(t)
	dir := files(t, map[string]string{"wrapper.sh": wrapper})
	for to, from := range map[string]string{"microscanner": c.program, "ca.pem": c.service.CAFile} {
		text, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, to), text, 0o755))
	}
	build := c.env.Tool("buildx") + " build"
	r := c.env.Run(t.Context(), dir, nil, "env", "BUILD="+build, "sh", "wrapper.sh", debianImage(t, c.env, vulnerable), c.service.URL, c.token)
	require.Zero(t, r.ExitCode, r.Combined)
	got := document(t, r)
	require.Equal(t, "debian", got.OS)
	require.False(t, got.Verdict.Pass)
	require.Contains(t, r.Combined, debianFinding)
}

// TestClassicJenkins is the Dockerfile of the Jenkins plugin, which takes the
// page out of the build's log.
func TestClassicJenkins(t *testing.T) {
	c := startClassic(t)
	r := c.build(t, "FROM "+debianImage(t, c.env, vulnerable)+"\nENV MICROSCANNER_SERVER=<service>\nADD <program> .\nRUN chmod +x microscanner\nARG token\n"+
		"RUN ./microscanner ${token} --html --continue-on-failure --no-verify\n", nil, "--no-cache")
	require.Zero(t, r.ExitCode, r.Combined)
	log := stepLog(r)
	from, to := strings.Index(log, "<!DOCTYPE html>"), strings.LastIndex(log, "</html>")
	require.True(t, from >= 0 && to > from, log)
	page := log[from : to+len("</html>")]
	require.Equal(t, 1, strings.Count(page, "<html"))
	require.Contains(t, page, "<h1>Scan Report: </h1>")
	require.Contains(t, page, debianFinding)
}

// stepLog is what the steps of a build printed, without buildx's prefixes.
func stepLog(r harness.Result) string {
	var b strings.Builder
	for _, m := range regexp.MustCompile(`(?m)^#\d+ \d+\.\d+ ?(.*)$`).FindAllStringSubmatch(r.Combined, -1) {
		b.WriteString(m[1] + "\n")
	}
	return b.String()
}

// document takes the report out of a build's log as callers of MicroScanner do:
// from its first key to the last brace.
func document(t *testing.T, r harness.Result) report.Report {
	t.Helper()
	log := stepLog(r)
	from, to := strings.Index(log, "{\n  \"scan_started\":"), strings.LastIndex(log, "}")
	require.True(t, from >= 0 && to > from, r.Combined)
	var got report.Report
	require.NoError(t, json.Unmarshal([]byte(log[from:to+1]), &got))
	return got
}
