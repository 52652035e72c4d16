package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/cli"
	"github.com/example/microscanner-frontend/scanner/db"
	"github.com/example/microscanner-frontend/scanner/distro/all"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
	"github.com/example/microscanner-frontend/scanner/internal/tlstest"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/scanner/scan"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// goodToken is the one that the service of the transcripts knows.
const goodToken = "mscan_goodgoodgoodgoodgoodgoodgoodgoodgoodgo"

// service is the command "service DATABASE VAR": it starts a token service with
// a private CA, and sets VAR to its address, VAR_CA to the CA's certificate and
// TOKEN to a token that it knows. Its scans are real. A file "status" with a
// number, and maybe a second one for Retry-After, is the answer to all of them
// as long as it is there. What is registered is noted in "registered".
func service(ts *testscript.TestScript, _ bool, args []string) {
	s := &tokenService{database: ts.MkAbs(args[0]), dir: ts.Getenv("WORK")}
	ca := filepath.Join(s.dir, args[1]+"-ca.pem")
	server, err := tlstest.Server(s, ca, time.Now().Add(time.Hour))
	ts.Check(err)
	ts.Defer(server.Close)
	ts.Setenv(args[1], server.URL)
	ts.Setenv(args[1]+"_CA", ca)
	ts.Setenv("TOKEN", goodToken)
}

type tokenService struct{ database, dir string }

func (s *tokenService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if text, err := os.ReadFile(filepath.Join(s.dir, "status")); err == nil {
		status, after, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
		n, err := strconv.Atoi(status)
		if err != nil {
			panic(err)
		}
		w.Header().Set("Retry-After", after)
		fails(w, n, "", r.Header.Get("Authorization")) // as bad as a service can be
		return
	}
	switch r.URL.Path {
	case remote.PathTerms:
		answer(w, remote.Terms{Version: "2026-01", Text: "Terms of use\n\x1b[31mBe fair.\n"})
	case remote.PathRegister:
		var req remote.RegisterRequest
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, "registered"), []byte(req.Email+" "+req.TermsVersion+"\n"), 0o600); err != nil {
			panic(err)
		}
		answer(w, remote.Message{Message: "ok"})
	case remote.PathScan:
		s.scan(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *tokenService) scan(w http.ResponseWriter, r *http.Request) {
	var req remote.ScanRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		fails(w, http.StatusBadRequest, remote.CodeBadRequest, err.Error())
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+goodToken {
		fails(w, http.StatusUnauthorized, remote.CodeUnauthorized, "")
		return
	}
	p := policy.Default()
	for key, value := range req.Policy {
		if err := p.Set(key, value.Value, value.From); err != nil {
			fails(w, http.StatusBadRequest, remote.CodeBadRequest, err.Error())
			return
		}
	}
	database, err := db.Open(s.database)
	if err != nil {
		panic(err)
	}
	defer database.Close()
	found, err := scan.Assess(&req.Inventory, database, scan.Options{
		Policy: p, Suppressions: req.Suppressions, Image: req.Image, Scanner: "service", FullOutput: req.FullOutput, UnderInvestigation: req.UnderInvestigation,
		Distros: all.List(), Now: func() time.Time { return time.Unix(1700000000, 0).UTC() },
	})
	if err != nil {
		panic(err)
	}
	w.Header().Set(remote.HeaderLimit, "100")
	w.Header().Set(remote.HeaderRemaining, "99")
	if err := report.WriteJSON(w, found); err != nil {
		panic(err)
	}
}

func answer(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

func fails(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	answer(w, remote.Error{Code: code, Message: message})
}

// TestExitCodes: 0 pass, 1 error, 2 wrong use, 4 findings; -c makes a pass of
// findings, and of nothing else.
func TestExitCodes(t *testing.T) {
	work := t.TempDir()
	database := scantest.Database(t, advisory.Record{
		ID: "CVE-2023-4911", Distro: "debian", Release: "12", Package: "bad", Kind: advisory.Source, Status: advisory.StatusAffected, Severity: severity.High,
	})
	caFile := filepath.Join(work, "ca.pem")
	server, err := tlstest.Server(&tokenService{database, work}, caFile, time.Now().Add(time.Hour))
	require.NoError(t, err)
	t.Cleanup(server.Close)
	const debian = "ID=debian\nVERSION_ID=12\n"
	rootfs := scantest.Rootfs(t, map[string]string{
		"clean/etc/os-release": debian, "clean/var/lib/dpkg/status": "Package: good\nVersion: 1\n",
		"bad/etc/os-release": debian, "bad/var/lib/dpkg/status": "Package: bad\nVersion: 1\n",
		"broken/etc/os-release": debian, "old/etc/os-release": "ID=debian\nVERSION_ID=3\n", "old/var/lib/dpkg/status": "Package: good\nVersion: 1\n",
	})
	for _, tc := range []struct {
		rootfs, token string
		flags         []string
		code, withC   int
		document      bool
	}{
		{"clean", goodToken, nil, 0, 0, true},
		{"bad", goodToken, nil, 4, 0, true},
		{"bad", goodToken, []string{"--fail-on=critical"}, 0, 0, true},
		{"old", goodToken, nil, 1, 1, true}, // an unsupported release
		{"broken", goodToken, nil, 1, 1, false},
		{"nowhere", goodToken, nil, 1, 1, false},
		{"clean", "mscan_unknown", nil, 1, 1, false},
		{"clean", "", nil, 1, 1, false},
		{"clean", goodToken, []string{"--server=https://127.0.0.1:1/"}, 1, 1, false},
		{"clean", goodToken, []string{"--server="}, 1, 1, false},
		{"clean", goodToken, []string{"--ca-file=/nowhere"}, 1, 1, false},
		{"clean", goodToken, []string{"--output=/nowhere/x"}, 1, 1, false},
		{"clean", goodToken, []string{"--nonsense"}, 2, 2, false},
		{"clean", goodToken, []string{"another"}, 2, 2, false},
	} {
		for flag, want := range map[string]int{"--json": tc.code, "-c": tc.withC} {
			args := slices.Concat([]string{"--server", server.URL, "--ca-file", caFile, "-d", filepath.Join(rootfs, tc.rootfs), tc.token, flag}, tc.flags)
			t.Run(strings.Join(append([]string{flag, tc.rootfs}, tc.flags...), " "), func(t *testing.T) {
				t.Parallel()
				var stdout, stderr bytes.Buffer
				code := cli.Main(t.Context(), cli.Env{Args: args, Stdout: &stdout, Stderr: &stderr, Now: time.Now, Version: "v0"})
				assert.Equal(t, want, code, stderr.String())
				assert.Equal(t, tc.document, stdout.Len() > 0)
				assert.NotContains(t, stdout.String()+stderr.String(), goodToken)
				assert.Equal(t, want != tc.code, strings.Contains(stderr.String(), "Overriding non-zero error code due to --continue-on-failure setting\n"))
				if code != 0 {
					assert.NotEmpty(t, stderr.String())
				}
			})
		}
	}
}

// silent is the command "silent FILE...": none of these files has the token in
// it, nor have the last command's output and errors.
func silent(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range append(args, "stdout", "stderr") {
		if text := ts.ReadFile(name); strings.Contains(text, goodToken) {
			ts.Fatalf("the token is in %s:\n%s", name, text)
		}
	}
}
