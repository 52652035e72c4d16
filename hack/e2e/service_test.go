package e2e

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/service/servicetest"
)

// Builds whose frontend has no database and asks a token service, the real one,
// over TLS with a private CA.

const (
	listStep = "[microscanner] list the packages of linux/amd64"
	askStep  = "[microscanner] have the packages of linux/amd64 scanned by "
)

// startService starts a service with the advisories of the tests. Builds reach
// it at this machine's loopback address, where the private BuildKit's steps are
// too.
func startService(t *testing.T, env *harness.Env, args ...string) *servicetest.Service {
	t.Helper()
	return servicetest.Start(t, servicetest.Options{DB: filepath.Join(env.Dir(), "database"), Args: args})
}

// thinFrontend is the frontend image without the database, with the given files
// in it.
func thinFrontend(t *testing.T, env *harness.Env, content map[string]string) string {
	t.Helper()
	dir := files(t, merge(in("image", content), map[string]string{
		"image/keep": "",
		"Dockerfile": "FROM " + env.FrontendRef() + " AS fat\nFROM scratch\nCOPY --from=fat /bin /bin\nCOPY image /\n" +
			"LABEL moby.buildkit.frontend.network.none=true moby.buildkit.frontend.caps=moby.buildkit.frontend.inputs,moby.buildkit.frontend.subrequests\nENTRYPOINT [\"/bin/microscanner-frontend\"]\n",
	}))
	ref := imageName(t, env, "frontend")
	mustPush(t, env, dir, "", ref, "--provenance=false")
	return ref
}

// secretFile is a file of the test's with a secret in it, for --secret.
func secretFile(t *testing.T, secret string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(name, []byte(secret+"\n"), 0o600))
	return name
}

// asking are the arguments of a build that asks a service with a token.
func asking(t *testing.T, server, caFile, token string) []string {
	t.Helper()
	args := []string{"--build-arg", "MICROSCANNER_SERVER=" + server}
	if token != "" {
		args = append(args, "--secret", "id=token,src="+secretFile(t, token))
	}
	if caFile != "" {
		args = append(args, "--secret", "id=microscanner-ca,src="+caFile)
	}
	return args
}

func requireAsked(t *testing.T, r harness.Result) {
	t.Helper()
	require.Contains(t, r.Combined, listStep)
	require.Contains(t, r.Combined, askStep)
	require.NotContains(t, r.Combined, scanStep)
}

func TestServiceScansBuilds(t *testing.T) {
	env := start(t)
	service := startService(t, env)
	args := asking(t, service.URL, service.CAFile, service.Token())
	thin := thinFrontend(t, env, nil)
	refused, shipped := twoContexts(t, copyRootfs)

	t.Run("passes", func(t *testing.T) {
		ref, plain := imageName(t, env, "yes"), imageName(t, env, "plain")
		r := push(t, env, shipped, thin, ref, append(args, "--provenance=false")...)
		require.Zero(t, r.ExitCode, r.Combined)
		requireAsked(t, r)
		require.Contains(t, r.Combined, "scans left today: ")
		mustPush(t, env, shipped, "", plain, "--provenance=false")
		requireSameImage(t, env, plain, ref)
	})
	t.Run("asks anew", func(t *testing.T) {
		anew := append([]string{"--build-arg", "MICROSCANNER_RESCAN=on-change"}, args...)
		for _, inventoryIsKept := range []bool{false, true} {
			r := push(t, env, shipped, thin, imageName(t, env, "yes"), anew...)
			require.Zero(t, r.ExitCode, r.Combined)
			require.Equal(t, inventoryIsKept, cached(r.Combined, listStep), r.Combined)
			require.False(t, cached(r.Combined, askStep+service.URL), r.Combined)
		}
	})
	t.Run("refuses and blames", func(t *testing.T) {
		ref := imageName(t, env, "no")
		r := push(t, env, refused, thin, ref, args...)
		requireRefused(t, r)
		requireAsked(t, r)
		require.Contains(t, r.Combined, ">>> COPY rootfs/ /", "the line that brought the package")
		requireNotPushed(t, ref)
	})
	t.Run("warns", func(t *testing.T) {
		r := push(t, env, refused, thin, imageName(t, env, "yes"), append(args, "--build-arg", "MICROSCANNER_FAIL_ON=critical")...)
		require.Zero(t, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, "openssl 3.3.1-r3")
	})
	t.Run("call=scan", func(t *testing.T) {
		r := callService(t, env, refused, thin, args...)
		require.Equal(t, 4, r.ExitCode, r.Combined)
		var got report.Report
		require.NoError(t, json.Unmarshal([]byte(r.Stdout), &got), r.Stdout)
		database, err := db.Open(service.DB)
		require.NoError(t, err)
		defer database.Close()
		require.Equal(t, database.Meta().Digest, got.Database.Digest)
		require.True(t, database.Meta().Built.Equal(got.Database.Built))
		require.Equal(t, service.URL, got.Policy["server"].Value)
		require.Equal(t, 2, got.Findings()[0].IntroducedBy.Line)
		r = callService(t, env, shipped, thin, args...)
		require.Zero(t, r.ExitCode, r.Combined)
	})
	t.Run("ignore list", func(t *testing.T) {
		dir := files(t, merge(in("rootfs", alpine(opensslHigh)), map[string]string{"Dockerfile": copyRootfs,
			".microscanner.yaml": "server: " + service.URL + "\nignore:\n- id: CVE-2024-6119\n  reason: names are not checked\n"}))
		r := push(t, env, dir, thin, imageName(t, env, "yes"), args[2:]...)
		require.Zero(t, r.ExitCode, r.Combined)
		requireAsked(t, r)
	})
	t.Run("directive", func(t *testing.T) {
		no, yes := twoContexts(t, "# scan=server="+service.URL+"\n"+copyRootfs)
		requireRefused(t, push(t, env, no, thin, imageName(t, env, "no"), args[2:]...))
		requireAsked(t, push(t, env, yes, thin, imageName(t, env, "yes"), args[2:]...))
	})
	t.Run("policy and CA of the organisation", func(t *testing.T) {
		ca, err := os.ReadFile(service.CAFile)
		require.NoError(t, err)
		org := thinFrontend(t, env, map[string]string{
			"etc/microscanner/policy.yaml": "server: " + service.URL + "\n",
			"etc/microscanner/ca.pem":      string(ca),
		})
		token := args[2:4]
		requireRefused(t, push(t, env, refused, org, imageName(t, env, "no"), token...))
		r := push(t, env, shipped, org, imageName(t, env, "yes"), token...)
		require.Zero(t, r.ExitCode, r.Combined)
		requireAsked(t, r)
		r = push(t, env, shipped, org, imageName(t, env, "no"), append(token, "--build-arg", "MICROSCANNER_SERVER=https://127.0.0.1:1")...)
		require.Equal(t, 1, r.ExitCode, r.Combined)
		require.Contains(t, r.Combined, `the setting server cannot be "https://127.0.0.1:1" here`)
	})
}

// callService asks for the report as JSON.
func callService(t *testing.T, env *harness.Env, dir, frontend string, args ...string) harness.Result {
	t.Helper()
	argv := []string{"build", "--call=scan,format=json", "--build-arg", "BUILDKIT_SYNTAX=" + frontend}
	return env.Buildx(t.Context(), dir, nil, append(append(argv, args...), ".")...)
}

// TestServiceErrors: each has a text of its own in the build's last words, and
// lets no image out.
func TestServiceErrors(t *testing.T) {
	env := start(t)
	service := startService(t, env, "--daily-limit=1")
	thin := thinFrontend(t, env, nil)
	_, shipped := twoContexts(t, copyRootfs)
	revoked, exhausted := service.Token(), service.Token()
	require.Less(t, service.Do(http.MethodDelete, remote.PathToken, revoked, nil).Status, 300)
	mustPush(t, env, shipped, thin, imageName(t, env, "last"), asking(t, service.URL, service.CAFile, exhausted)...)
	broken := hostileService(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	nobody := httptest.NewServer(nil)
	nobody.Close()
	noPEM := secretFile(t, "-----BEGIN NONSENSE-----")

	for name, tc := range map[string]struct{ server, ca, token, want string }{
		"no token":    {service.URL, service.CAFile, "", `the build has no secret "token", by which the token service knows its clients: add --secret id=token,src=FILE`},
		"empty token": {service.URL, service.CAFile, " ", "cannot take the token from /run/secrets/token: the token is empty"},
		"refused":     {service.URL, service.CAFile, "mscan_nobodyhasthistokennobodyhasthistoken", "does not know the token; check that it is whole and of this service"},
		"revoked":     {service.URL, service.CAFile, revoked, "refuses the token, as it was revoked"},
		"exhausted":   {service.URL, service.CAFile, exhausted, "the scans of this token for today are used up"},
		"no CA":       {service.URL, "", service.Token(), "give the CA's certificate to docker buildx build as --secret id=microscanner-ca,src=FILE"},
		"no PEM":      {service.URL, noPEM, service.Token(), "there is no PEM certificate in /run/secrets/microscanner-ca"},
		"5xx":         {broken.URL, broken.CAFile, service.Token(), "cannot answer now, 502 Bad Gateway (tried 3 times)"},
		"nobody":      {strings.Replace(nobody.URL, "http:", "https:", 1), "", service.Token(), "connection refused (tried 3 times)"},
	} {
		t.Run(name, func(t *testing.T) {
			ref := imageName(t, env, "no")
			args := asking(t, tc.server, tc.ca, tc.token)
			r := push(t, env, shipped, thin, ref, args...)
			require.Equal(t, 1, r.ExitCode, r.Combined)
			last := lastError(r)
			require.Contains(t, last, "This is an error in the scan, not a finding: ")
			require.Contains(t, last, tc.want)
			requireNotPushed(t, ref)
			if strings.TrimSpace(tc.token) != "" {
				require.NotContains(t, r.Combined, tc.token)
			}
			r = callService(t, env, shipped, thin, args...)
			require.Equal(t, 1, r.ExitCode, "an error is no answer")
			require.Contains(t, lastError(r), tc.want)
		})
	}
	t.Run("when to try again", func(t *testing.T) {
		r := push(t, env, shipped, thin, imageName(t, env, "no"), asking(t, service.URL, service.CAFile, exhausted)...)
		require.Regexp(t, `try again in \d+h\d+m\d+s, at \d{4}-\d\d-\d\dT00:00:00Z`, lastError(r))
	})
	for name, tc := range map[string]struct{ arg, want string }{
		"a database too":  {"MICROSCANNER_DB=empty", "the setting db has no meaning beside server=" + service.URL},
		"a user name":     {"MICROSCANNER_SERVER=https://me:pass@scan.example.com", `the setting server cannot be "…@scan.example.com"`},
		"without TLS":     {"MICROSCANNER_SERVER=http://scan.example.com", `the setting server cannot be "http://scan.example.com"`},
		"another scheme":  {"MICROSCANNER_SERVER=ftp://scan.example.com", "allowed are an https URL without a user name"},
		"a flag's prefix": {"MICROSCANNER_SERVER=--no-verify", "allowed are an https URL without a user name"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(asking(t, service.URL, service.CAFile, service.Token()), "--build-arg", tc.arg)
			r := push(t, env, shipped, thin, imageName(t, env, "no"), args...)
			require.Equal(t, 1, r.ExitCode, r.Combined)
			require.Contains(t, lastError(r), tc.want)
			require.NotContains(t, r.Combined, listStep)
		})
	}
}

// lastError is buildx's last line about an error.
func lastError(r harness.Result) string {
	at := strings.LastIndex(r.Combined, "ERROR: ")
	if at < 0 {
		return ""
	}
	line, _, _ := strings.Cut(r.Combined[at:], "\n")
	return line
}

// hostile is a service that a test wrote.
type hostile struct{ URL, CAFile string }

func hostileService(t *testing.T, answer http.HandlerFunc) hostile {
	t.Helper()
	dir := t.TempDir()
	servicetest.NewAuthority(t, dir)
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	require.NoError(t, err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	require.NoError(t, err)
	server := &http.Server{Handler: answer, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return hostile{fmt.Sprintf("https://127.0.0.1:%d", listener.Addr().(*net.TCPAddr).Port), filepath.Join(dir, "ca.pem")}
}
