package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// serve is the command "serve DIR VAR": it serves the files in DIR as they are
// at the time of a request, and sets VAR to the address. A file NAME.status
// makes the answers for NAME that status; with a second word, a number, only so
// many of them. The answers are noted in DIR.log.
func serve(ts *testscript.TestScript, _ bool, args []string) {
	s := &fileServer{dir: ts.MkAbs(args[0])}
	server := httptest.NewServer(s)
	ts.Defer(server.Close)
	ts.Setenv(args[1], server.URL)
}

type fileServer struct {
	dir  string
	lock sync.Mutex
}

func (s *fileServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.lock.Lock()
	defer s.lock.Unlock()
	name := filepath.Join(s.dir, filepath.FromSlash(r.URL.Path))
	status := s.status(name)
	text, err := os.ReadFile(name)
	if err != nil && status == 0 {
		status = http.StatusNotFound
	}
	rec := &noted{w, http.StatusOK}
	if status != 0 {
		w.Header().Set("Retry-After", "0")
		rec.WriteHeader(status)
	} else {
		rec.Header().Set("ETag", strconv.Quote(fmt.Sprintf("%x", text)))
		http.ServeContent(rec, r, "", time.Time{}, strings.NewReader(string(text)))
	}
	log, err := os.OpenFile(s.dir+".log", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer log.Close()
	fmt.Fprintln(log, r.URL.Path, rec.status)
}

// status reads NAME.status, and counts down.
func (s *fileServer) status(name string) int {
	text, err := os.ReadFile(name + ".status")
	if err != nil {
		return 0
	}
	var status, times int
	if n, _ := fmt.Sscan(string(text), &status, &times); n == 2 {
		if times == 0 {
			return 0
		}
		if err := os.WriteFile(name+".status", fmt.Appendf(nil, "%d %d", status, times-1), 0o600); err != nil {
			panic(err)
		}
	}
	return status
}

type noted struct {
	http.ResponseWriter
	status int
}

func (n *noted) WriteHeader(status int) {
	n.status = status
	n.ResponseWriter.WriteHeader(status)
}

// damage is the command "damage DIR": it changes the first byte of each
// document in the cache DIR.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*", "*"))
	ts.Check(err)
	for _, name := range files {
		text, err := os.ReadFile(name)
		ts.Check(err)
		if len(text) > 0 && filepath.Ext(name) == "" {
			text[0]++
		}
		ts.Check(os.WriteFile(name, text, 0o600))
	}
}
