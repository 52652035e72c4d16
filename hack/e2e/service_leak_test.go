package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/hack/harness"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
)

// TestTheTokenIsNowhere looks for it in all that builds with a service leave: of
// those that pass, those that are refused, and those whose service sends the
// token back. A build in the old way shows that the search finds one.
func TestTheTokenIsNowhere(t *testing.T) {
	start(t)
	env := startOwn(t) // nothing of other tests is searched
	database := filepath.Join(env.Dir(), "database")
	require.NoError(t, os.CopyFS(database, os.DirFS(filepath.Join(shared.Dir(), "database"))))
	_, err := env.BuildFrontend(t.Context(), harness.Frontend{})
	require.NoError(t, err)
	service := startService(t, env)
	token := service.Token()
	watch := watchProcesses(t, token)
	refused, shipped := twoContexts(t, copyRootfs)

	texts := map[string][]byte{}
	build := func(name, dir, server, ca string, code int) {
		ref := imageName(t, env, name)
		args := append(asking(t, server, ca, token), "--debug", "--provenance=mode=max")
		r := push(t, env, dir, env.FrontendRef(), ref, args...)
		require.Equal(t, code, r.ExitCode, r.Combined)
		requireAsked(t, r)
		texts["log of "+name] = []byte(r.Combined)
		if code == 0 {
			index, err := env.Index(t.Context(), ref)
			require.NoError(t, err)
			pushed := map[string][]byte{}
			collectIndex(t, index, pushed)
			for what, text := range pushed {
				texts[what+" of "+name] = text
			}
		}
		call := callService(t, env, dir, env.FrontendRef(), append(asking(t, server, ca, token), "--debug")...)
		texts["log of "+name+", --call"] = []byte(call.Combined)
	}
	build("pass", shipped, service.URL, service.CAFile, 0)
	build("refused", refused, service.URL, service.CAFile, 1)
	for name, answer := range echoes() {
		s := hostileService(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(200 * time.Millisecond) // for watch
			answer(w, r, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		})
		build("echo-"+name, shipped, s.URL, s.CAFile, 1)
	}
	seen, leaks := watch()
	require.Positive(t, seen, "no process of the step was looked at")
	require.Empty(t, leaks)

	histories := env.Buildctl(t.Context(), env.Dir(), nil, "debug", "histories", "--format", "{{json .}}")
	require.Zero(t, histories.ExitCode, histories.Combined)
	texts["histories"] = []byte(histories.Combined)
	texts["buildkitd's log"] = []byte(env.Log())
	texts["the service's log"] = []byte(service.Log())
	for _, suffix := range []string{"", "-wal"} {
		dt, err := os.ReadFile(service.Store + suffix)
		if !os.IsNotExist(err) {
			require.NoError(t, err)
		}
		texts["the service's store"+suffix] = dt
	}
	for name, text := range texts {
		require.NotContains(t, string(text), token, name)
	}
	require.Empty(t, filesWith(t, env.Dir(), token))

	// The old way, which is why there is another one.
	old := files(t, map[string]string{"Dockerfile": "FROM " + env.FrontendRef() + "\nARG token\nRUN [\"/bin/microscanner\", \"--version\"]\n"})
	ref := imageName(t, env, "old")
	watch = watchProcesses(t, token)
	mustPush(t, env, old, "", ref, "--provenance=mode=max", "--build-arg", "token="+token)
	_, leaks = watch()
	require.NotEmpty(t, leaks, "the search does not find what is in an argument")
	index, err := env.Index(t.Context(), ref)
	require.NoError(t, err)
	pushed := map[string][]byte{}
	collectIndex(t, index, pushed)
	found := 0
	for _, text := range pushed {
		found += bytes.Count(text, []byte(token))
	}
	require.Positive(t, found, "the search does not find what is in an image")
	require.NotEmpty(t, filesWith(t, env.Dir(), token), "the search does not find what is in BuildKit's files")
}

// echoes are answers of services that send the token back.
func echoes() map[string]func(w http.ResponseWriter, r *http.Request, token string) {
	fails := func(w http.ResponseWriter, status int, code, text string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(remote.Error{Code: code, Message: "your token is " + text})
	}
	return map[string]func(http.ResponseWriter, *http.Request, string){
		"refused": func(w http.ResponseWriter, _ *http.Request, token string) {
			fails(w, 401, remote.CodeUnauthorized, token)
		},
		"server": func(w http.ResponseWriter, _ *http.Request, token string) { fails(w, 500, remote.CodeInternal, token) },
		"busy": func(w http.ResponseWriter, _ *http.Request, token string) {
			w.Header().Set("Retry-After", "7200")
			fails(w, 429, remote.CodeQuota, token)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request, token string) {
			http.Redirect(w, r, "https://"+token+".example/?"+token, http.StatusFound) //nolint:gosec // what a hostile one does
		},
		"garbage": func(w http.ResponseWriter, _ *http.Request, token string) { _, _ = io.WriteString(w, token) }, //nolint:gosec // likewise
		"report": func(w http.ResponseWriter, r *http.Request, token string) {
			var req remote.ScanRequest
			_ = json.NewDecoder(r.Body).Decode(&req)
			out := &report.Report{SchemaVersion: report.SchemaVersion, Image: req.Image, Policy: req.Policy}
			out.Verdict.Reason = token
			_ = report.WriteJSON(w, out)
		},
	}
}

// watchProcesses reads the arguments and environments of all processes, over and
// over, until it is told to stop. It tells how often it saw the process that has
// the token, and where it saw the token.
func watchProcesses(t *testing.T, token string) (stop func() (seen int, leaks []string)) {
	t.Helper()
	var seen int
	var leaks []string
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
			processes, _ := filepath.Glob("/proc/[0-9]*")
			for _, dir := range processes {
				args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
				environ, _ := os.ReadFile(filepath.Join(dir, "environ")) // of one that ended: nothing
				if bytes.HasPrefix(args, []byte("/bin/microscanner\x00remote\x00")) {
					seen++
				}
				if bytes.Contains(args, []byte(token)) || bytes.Contains(environ, []byte(token)) {
					leaks = append(leaks, fmt.Sprintf("%q %q", args, environ))
				}
			}
		}
	})
	once := sync.OnceFunc(func() { close(done); wg.Wait() })
	t.Cleanup(once)
	return func() (int, []string) { once(); return seen, leaks }
}

// filesWith lists the files below a directory that have a text in them, packed
// or not.
func filesWith(t *testing.T, dir, text string) []string {
	t.Helper()
	var out []string
	searched := 0
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		dt, err := os.ReadFile(path) //nolint:gosec // BuildKit's files
		if err != nil {
			return err
		}
		searched++
		if bytes.Contains(dt, []byte(text)) || bytes.Contains(inflate(t, dt), []byte(text)) {
			out = append(out, path)
		}
		return nil
	}))
	require.Greater(t, searched, 50, "BuildKit's files are elsewhere")
	return out
}
